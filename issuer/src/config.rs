//! What an issuer is told: who it is, who may ask it, how often it publishes, and its limits. Parsed by the program
//! that starts it.

use std::path::PathBuf;
use std::time::Duration;

use sillok_log::TreeSize;
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;
use sillok_verifier::key::{Algorithm, PublicKey};
use zeroize::Zeroizing;

use crate::foreign::keys::ForeignIssuer;

/// The settings of an issuer.
pub struct Config {
    /// The issuer's own folder: journal, subject keys, slots, state.
    pub folder: PathBuf,
    /// The folder of key files.
    pub keys: PathBuf,
    /// What a web server may serve: status lists and the trust bundle.
    pub public: PathBuf,
    /// Issuer id, and the root of every address that credentials name: `https://host` or `http://host:port`, perhaps with a
    /// path.
    pub public_url: String,
    /// Display name of the issuer.
    pub name: String,
    /// Display name of who makes the trust bundle.
    pub authority: String,
    /// The log's key.
    pub log: VerifierKey,
    /// Which witnesses must have cosigned what verifiers and holders rely on; nobody if absent.
    pub policy: Option<Policy>,
    /// The frozen logs that this one has succeeded, oldest first.
    pub predecessors: Vec<Predecessor>,
    /// The log that is to succeed this one: verifiers know of it before its first use.
    pub successor: Option<VerifierKey>,
    /// Where the published files of the log are read: its URL or its folder. Without it feeds have no landmarks.
    pub log_place: Option<String>,
    /// What a new credential-signing key signs with.
    pub algorithm: Algorithm,
    /// Slots of a new status list.
    pub list_slots: u64,
    /// Who may ask.
    pub clients: Vec<Client>,
    /// A token that allows everything, for a demonstration.
    pub demo_token: Option<Zeroizing<String>>,
    /// How long a changed list waits at most for its publication; zero: not at all.
    pub status_interval: Duration,
    /// How long a feed stands at most before the next one.
    pub feed_interval: Duration,
    /// How long a feed and its snapshots are relied on.
    pub feed_lifetime: Duration,
    /// How long a root is relied on.
    pub root_lifetime: Duration,
    /// Whether a person has one key at a time for each type of credential: the credentials of the key before are revoked.
    pub one_key_per_person: bool,
    /// How long what is kept of a person is kept after the last time; never erased if absent.
    pub retention: Option<Duration>,
    /// Others whose credentials and presentations can be verified here, beside those whose identifier is their key.
    pub foreign_issuers: Vec<ForeignIssuer>,
    /// The program that checks signatures of Data Integrity proofs; without it such documents are told to be unknown.
    pub foreign_proof_verifier: Option<PathBuf>,
    /// Limits of the service.
    pub limits: Limits,
}

/// A frozen log that another has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its key.
    pub log: VerifierKey,
    /// Its size, which is its last.
    pub size: TreeSize,
}

/// What an issuer takes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request may take, its body included.
    pub deadline: Duration,
    /// How long its body may take to arrive.
    pub body_timeout: Duration,
    /// Credentials that are asked for and not answered.
    pub in_flight: usize,
    /// How many of them one client may have.
    pub in_flight_client: usize,
    /// Credentials that are signed and, as far as is known, not in the log: with so many, no other is begun.
    pub open_intents: usize,
    /// Changes of status and of keys that wait.
    pub desk_tasks: usize,
    /// Threads that issue.
    pub workers: usize,
    /// How long a worker waits for the log before it gives the credential back as open.
    pub ledger_patience: Duration,
    /// How long a start waits for a log that is busy or away.
    pub start_patience: Duration,
}

/// A program that may ask for credentials.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its client id (RFC 6749 section 2.2).
    pub id: String,
    /// What it signs its assertions with.
    pub key: PublicKey,
    /// What it may do: `issue:<type name>`, `status`, `verify`, `admin`.
    pub scopes: Vec<String>,
    /// Who operates it, as the provenance commitment says.
    pub operator: String,
}

impl Config {
    /// Settings with the defaults of everything that has one.
    #[must_use]
    pub fn new(
        folder: PathBuf,
        keys: PathBuf,
        public: PathBuf,
        public_url: String,
        log: VerifierKey,
    ) -> Self {
        Self {
            folder,
            keys,
            public,
            name: public_url.clone(),
            authority: public_url.clone(),
            public_url,
            log,
            policy: None,
            predecessors: Vec::new(),
            successor: None,
            log_place: None,
            algorithm: Algorithm::Es256,
            list_slots: DEFAULT_LIST_SLOTS,
            clients: Vec::new(),
            demo_token: None,
            status_interval: Duration::from_secs(60),
            feed_interval: Duration::from_secs(3_600),
            feed_lifetime: Duration::from_secs(24 * 3_600),
            root_lifetime: Duration::from_secs(365 * 24 * 3_600),
            one_key_per_person: false,
            retention: None,
            foreign_issuers: Vec::new(),
            foreign_proof_verifier: None,
            limits: Limits::default(),
        }
    }

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first setting that is refused, by name.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |setting, expected| Err(ConfigError { setting, expected });
        if !is_issuer_url(&self.public_url) {
            return refuse(
                "public_url",
                "http:// or https://, a host, perhaps a port, and perhaps a path of plain names",
            );
        }
        if self.feed_lifetime < 2 * self.feed_interval || self.feed_interval.is_zero() {
            return refuse("feed_interval", "more than zero and at most half of feed_lifetime");
        }
        if self
            .clients
            .iter()
            .enumerate()
            .any(|(position, client)| self.clients.iter().take(position).any(|other| other.id == client.id))
        {
            return refuse("clients", "clients of different ids");
        }
        if self.clients.iter().any(|client| {
            client.id.is_empty()
                || client.id.len() > MAX_CLIENT_ID_BYTES
                || !client.id.bytes().all(|b| b.is_ascii_graphic())
        }) {
            return refuse("clients", "clients whose id has 1 to 128 printable ASCII characters");
        }
        if self
            .clients
            .iter()
            .any(|client| client.operator.is_empty() || client.operator.len() > MAX_CLIENT_ID_BYTES)
        {
            return refuse("clients", "clients whose operator has 1 to 128 bytes");
        }
        let Limits { in_flight, in_flight_client, workers, .. } = self.limits;
        if in_flight < MAX_BATCH || in_flight_client < MAX_BATCH || workers == 0 || workers > MAX_WORKERS {
            return refuse("limits", "at least 1,000 credentials in flight and 1 to 64 workers");
        }
        if self.demo_token.as_ref().is_some_and(|token| token.len() < MIN_DEMO_TOKEN_BYTES) {
            return refuse("demo_token", "at least 16 characters");
        }
        Ok(())
    }
}

/// `https://host`, `http://host:port/path`: the addresses under it are made by appending a path, or by inserting one before
/// its own. Names of the path are unreserved (RFC 3986 section 2.3), so that they are the same wherever they stand.
fn is_issuer_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    // A name that begins with a dot is a step up, or what is well known.
    let is_name = |name: &str| !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain);
    !host.is_empty()
        && rest.len() <= MAX_ISSUER_BYTES
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b))
        && path.split('/').skip(1).all(is_name)
}

/// The path of an issuer's URL, with its slash: nothing for one at the root of its host.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

impl Config {
    /// Where below the root of its host the issuer is: `/tenant`, or nothing.
    #[must_use]
    pub fn path(&self) -> &str {
        path_of(&self.public_url)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            in_flight: 8_192,
            in_flight_client: 6_144,
            // Several times what is in flight. A log that is back takes them within half a minute.
            open_intents: 65_536,
            // As many as one submission takes to the log (specs/log.md).
            desk_tasks: 1_000,
            // Most of them wait for a disk or for the log while one for each core signs.
            workers: std::thread::available_parallelism().map_or(8, |cores| (cores.get() * 4).clamp(8, 32)),
            ledger_patience: Duration::from_secs(10),
            // An index of some ten million leaves is built within.
            start_patience: Duration::from_secs(600),
        }
    }
}

/// A setting that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Its name.
    pub setting: &'static str,
    /// What belongs there.
    pub expected: &'static str,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "setting {} is not {}", self.setting, self.expected)
    }
}

impl std::error::Error for ConfigError {}

/// 2^20: the list of DESIGN, 256 KiB of state.
const DEFAULT_LIST_SLOTS: u64 = 1 << 20;

/// Most credentials of a batch (specs/openapi/issuer.json).
pub const MAX_BATCH: usize = 1_000;

/// Longest host and path of an issuer in bytes: its URL stands in every credential.
const MAX_ISSUER_BYTES: usize = 255;

/// Longest client id and operator in bytes: both stand in tokens and commitments.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// Most threads that issue: more than any machine that one sequencer keeps up with has cores.
const MAX_WORKERS: usize = 64;

/// Shortest demo token: nobody should guess it, even in a demonstration.
const MIN_DEMO_TOKEN_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_has_a_host_and_perhaps_a_path() {
        for (good, path) in [
            ("https://health.example", ""),
            ("http://localhost:8080", ""),
            ("http://[::1]:80", ""),
            ("https://health.example/tenant", "/tenant"),
            ("https://health.example:8443/kr/Seoul-1", "/kr/Seoul-1"),
        ] {
            assert!(is_issuer_url(good), "{good}");
            assert_eq!(path_of(good), path);
        }
        for bad in [
            "",
            "health.example",
            "https://",
            "https://a/",
            "https://a/b/",
            "https://a//b",
            "https://a/../b",
            "https://a/.well-known",
            "https://a/%62",
            "https://a/{b}",
            "https://a?b",
            "https://A",
            "ftp://a",
            "https://a b",
        ] {
            assert!(!is_issuer_url(bad), "{bad}");
        }
    }
}
