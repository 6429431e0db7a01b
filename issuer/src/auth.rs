//! Who may ask for what: OAuth 2 client credentials (RFC 6749 section 4.4) with `private_key_jwt` (RFC 7523), and the
//! short-lived bearer tokens (RFC 6750) that follow.
//!
//! # Invariants
//! A client proves itself with a key, never with a shared secret. An assertion is used once within its life, over
//! restarts too: none that is older than this process is taken. A token is worth no more than what its client may do now.

use std::collections::BTreeMap;

use sillok_log::UnixSeconds;
use sillok_registry::Clock;
use zeroize::Zeroizing;

use crate::config::Client;
use crate::error::{Code, Problem};

mod assertion;
mod bearer;
#[cfg(test)]
mod damaged;
mod form;
mod used;

use assertion::Assertion;
use bearer::Bearer;
use used::Used;

pub(crate) use bearer::same;
pub use form::{Form, MAX_FORM_BYTES};

/// What decides about callers.
pub struct Gate {
    clients: BTreeMap<String, Client>,
    // The token endpoint and the issuer itself: what an assertion may be meant for.
    audiences: [String; 2],
    token_key: Zeroizing<[u8; 32]>,
    demo_token: Option<Zeroizing<String>>,
    started: UnixSeconds,
    used: Used,
    clock: Clock,
}

/// A caller that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its client id.
    pub client: String,
    /// Who operates it, for the provenance commitment.
    pub operator: String,
    scopes: Vec<String>,
}

/// A token that was granted (RFC 6749 section 5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token.
    pub access_token: Zeroizing<String>,
    /// Seconds that it is good for.
    pub expires_in: u64,
    /// What it allows, separated by spaces.
    pub scope: String,
}

/// Why no token was granted (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The HTTP status.
    pub status: u16,
    /// The code of RFC 6749.
    pub error: &'static str,
    /// A sentence for whoever wrote the client.
    pub description: String,
}

impl Denied {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        let status = if error == "invalid_client" { 401 } else { 400 };
        Self { status, error, description: description.into() }
    }
}

impl Gate {
    /// A gate for these clients at `public_url`. `token_key` makes and checks tokens.
    #[must_use]
    pub fn new(
        clients: Vec<Client>,
        public_url: &str,
        token_key: Zeroizing<[u8; 32]>,
        demo_token: Option<Zeroizing<String>>,
        clock: Clock,
    ) -> Self {
        Self {
            clients: clients.into_iter().map(|client| (client.id.clone(), client)).collect(),
            audiences: [format!("{public_url}{TOKEN_PATH}"), public_url.into()],
            token_key,
            demo_token,
            started: clock(),
            used: Used::default(),
            clock,
        }
    }

    /// Whether anybody who holds one fixed token may do everything.
    pub const fn is_demo(&self) -> bool {
        self.demo_token.is_some()
    }

    /// Answers a token request of a client.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn grant(&self, form: Form) -> Result<Granted, Denied> {
        let now = (self.clock)();
        if form.client_assertion_type.as_deref() != Some(ASSERTION_TYPE) {
            return Err(Denied::new(
                "invalid_client",
                format!("client_assertion_type is not {ASSERTION_TYPE}"),
            ));
        }
        let Some(text) = form.client_assertion else {
            return Err(Denied::new("invalid_client", "parameter client_assertion is missing"));
        };
        let assertion =
            Assertion::parse(text.as_bytes()).map_err(|problem| Denied::new("invalid_client", problem))?;
        // Who is unknown and who signed wrongly hear the same.
        let refused = || Denied::new("invalid_client", "client_assertion is not signed by a known client");
        let client = self.clients.get(&assertion.subject).ok_or_else(refused)?;
        assertion.verify(&client.key).map_err(|_wrong| refused())?;
        if form.client_id.is_some_and(|id| id != client.id) {
            return Err(Denied::new("invalid_client", "client_id is not the subject of client_assertion"));
        }
        assertion
            .check(&self.audiences, self.started, now)
            .map_err(|problem| Denied::new("invalid_client", problem))?;
        let scopes = requested(form.scope.as_deref(), client)?;
        // Last, so that a request that fails otherwise may be sent again.
        self.used
            .take(&client.id, &assertion.id, assertion.expires, now)
            .map_err(|problem| Denied::new("invalid_client", problem))?;
        let expires = UnixSeconds(now.0.saturating_add(TOKEN_SECONDS));
        let bearer = Bearer { client: client.id.clone(), scopes, expires };
        Ok(Granted {
            access_token: bearer.seal(&self.token_key),
            expires_in: TOKEN_SECONDS,
            scope: bearer.scopes.join(" "),
        })
    }

    /// Who calls, by the header `Authorization`.
    ///
    /// # Errors
    /// No token, or one that is not good (any more).
    pub fn caller(&self, authorization: Option<&str>) -> Result<Caller, Problem> {
        let Some(header) = authorization else {
            return Err(Problem::new(
                Code::TokenMissing,
                "header Authorization with a bearer token is missing",
            ));
        };
        let token = header.split_once(' ').filter(|(scheme, _token)| scheme.eq_ignore_ascii_case("Bearer"));
        let Some((_scheme, token)) = token else {
            return Err(Problem::new(Code::TokenMissing, "header Authorization is not Bearer and a token"));
        };
        if self.demo_token.as_ref().is_some_and(|demo| same(demo.as_bytes(), token.as_bytes())) {
            return Ok(Caller {
                client: DEMO.into(),
                operator: DEMO.into(),
                scopes: vec![EVERYTHING.into()],
            });
        }
        let invalid = |detail: &str| Problem::new(Code::TokenInvalid, detail);
        let bearer =
            Bearer::open(token, &self.token_key).ok_or_else(|| invalid("token was not made here"))?;
        if bearer.expires <= (self.clock)() {
            return Err(invalid("token has expired"));
        }
        let Some(client) = self.clients.get(&bearer.client) else {
            return Err(invalid("client of the token is not known any more"));
        };
        let scopes = bearer.scopes.into_iter().filter(|scope| client.scopes.contains(scope)).collect();
        Ok(Caller { client: client.id.clone(), operator: client.operator.clone(), scopes })
    }
}

impl Caller {
    /// Whether the token allows this.
    ///
    /// # Errors
    /// It does not.
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        if self.scopes.iter().any(|granted| granted == scope || granted == EVERYTHING) {
            return Ok(());
        }
        Err(Problem::new(Code::ScopeInsufficient, format!("token has not the scope {scope}")))
    }
}

/// The scopes asked for, all of them the client's; all of the client's when none are asked for.
fn requested(scope: Option<&str>, client: &Client) -> Result<Vec<String>, Denied> {
    let Some(scope) = scope else { return Ok(client.scopes.clone()) };
    let mut scopes: Vec<String> = Vec::new();
    for one in scope.split(' ').filter(|one| !one.is_empty()) {
        if !client.scopes.iter().any(|known| known == one) {
            return Err(Denied::new("invalid_scope", "scope holds what the client may not do"));
        }
        if !scopes.iter().any(|known| known == one) {
            scopes.push(one.into());
        }
    }
    Ok(scopes)
}

/// Where tokens are asked for.
pub const TOKEN_PATH: &str = "/oauth/token";

/// RFC 7523 section 2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long a token is good for: a clerk's system asks again every ten minutes, a stolen one is soon worth nothing.
const TOKEN_SECONDS: u64 = 600;

/// Client and operator of the demo token.
const DEMO: &str = "demo";

/// The scope of the demo token. No client has it: scopes of clients are named.
const EVERYTHING: &str = "*";
