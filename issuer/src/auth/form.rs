//! The body of a token request (RFC 6749 appendix B).

use actix_web::web::Query;
use zeroize::Zeroizing;

use super::Denied;

/// The parameters of a token request that mean something here.
#[derive(Default)]
pub struct Form {
    /// What is asked with (RFC 6749 section 4).
    pub grant_type: Option<String>,
    pub(super) client_assertion_type: Option<String>,
    pub(super) client_assertion: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(super) scope: Option<String>,
    pub(crate) pre_authorized_code: Option<Zeroizing<String>>,
    pub(crate) tx_code: Option<Zeroizing<String>>,
    pub(crate) refresh_token: Option<Zeroizing<String>>,
    pub(crate) authorization_details: Option<String>,
}

impl Form {
    /// Reads the parameters of an `application/x-www-form-urlencoded` body. Unknown ones are ignored, a repeated one is
    /// refused, an empty one was not sent (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// A body of another form.
    pub fn parse(body: &[u8]) -> Result<Self, Denied> {
        parse(body)
    }
}

fn parse(body: &[u8]) -> Result<Form, Denied> {
    let malformed = |problem: &str| Denied::new("invalid_request", problem);
    let text = std::str::from_utf8(body).map_err(|_bytes| malformed("body is not UTF-8"))?;
    let pairs = Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_error| malformed("body is not application/x-www-form-urlencoded"))?
        .into_inner();
    let mut form = Form::default();
    for (name, value) in pairs {
        if value.is_empty() {
            continue;
        }
        let is_first = match name.as_str() {
            "authorization_details" => put(&mut form.authorization_details, value),
            "client_assertion" => put(&mut form.client_assertion, value),
            "client_assertion_type" => put(&mut form.client_assertion_type, value),
            "client_id" => put(&mut form.client_id, value),
            "grant_type" => put(&mut form.grant_type, value),
            "pre-authorized_code" => put(&mut form.pre_authorized_code, Zeroizing::new(value)),
            "refresh_token" => put(&mut form.refresh_token, Zeroizing::new(value)),
            "scope" => put(&mut form.scope, value),
            "tx_code" => put(&mut form.tx_code, Zeroizing::new(value)),
            _unknown => true,
        };
        if !is_first {
            return Err(Denied::new("invalid_request", format!("parameter {name} occurs twice")));
        }
    }
    Ok(form)
}

/// Whether there was no value yet.
fn put<T>(field: &mut Option<T>, value: T) -> bool {
    field.replace(value).is_none()
}

/// Longest body of a token request in bytes: an assertion of 4 KiB, percent-encoded, and the rest.
pub const MAX_FORM_BYTES: usize = 16 << 10;
