//! The body of a token request (RFC 6749 appendix B).

use actix_web::web::Query;

use super::Denied;

/// The parameters that mean something here.
#[derive(Default)]
pub(super) struct Form {
    pub(super) grant_type: Option<String>,
    pub(super) client_assertion_type: Option<String>,
    pub(super) client_assertion: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) scope: Option<String>,
}

/// Reads the parameters. Unknown ones are ignored, a repeated one is refused, an empty one was not sent (RFC 6749
/// section 3.2).
pub(super) fn parse(body: &[u8]) -> Result<Form, Denied> {
    let malformed = |problem: &str| Denied::new("invalid_request", problem);
    let text = std::str::from_utf8(body).map_err(|_bytes| malformed("body is not UTF-8"))?;
    let pairs = Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_error| malformed("body is not application/x-www-form-urlencoded"))?
        .into_inner();
    let mut form = Form::default();
    for (name, value) in pairs {
        let field = match name.as_str() {
            "grant_type" => &mut form.grant_type,
            "client_assertion_type" => &mut form.client_assertion_type,
            "client_assertion" => &mut form.client_assertion,
            "client_id" => &mut form.client_id,
            "scope" => &mut form.scope,
            _ => continue,
        };
        if value.is_empty() {
            continue;
        }
        if field.is_some() {
            return Err(Denied::new("invalid_request", format!("parameter {name} occurs twice")));
        }
        *field = Some(value);
    }
    Ok(form)
}

/// Longest body of a token request in bytes: an assertion of 4 KiB, percent-encoded, and the rest.
pub const MAX_FORM_BYTES: usize = 16 << 10;
