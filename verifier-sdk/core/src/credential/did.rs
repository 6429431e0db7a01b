//! Pure. did:web, as another name for an issuer that is known by its https URL.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// The did:web of an https URL of a host, with or without a port, and nothing behind it; `None` for any other URL.
//= specs/credential.md#issuer-ids
#[must_use]
pub fn did_web(url: &str) -> Option<String> {
    let authority = url.strip_prefix("https://")?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if !is_host(host) || !port.is_none_or(is_port) {
        return None;
    }
    Some(port.map_or_else(|| format!("{METHOD}{host}"), |port| format!("{METHOD}{host}{COLON}{port}")))
}

/// The URL that an issuer's id stands for: of a did:web the https URL, of anything else itself.
pub(crate) fn issuer_url(id: &str) -> Cow<'_, str> {
    let Some(name) = id.strip_prefix(METHOD) else { return Cow::Borrowed(id) };
    let (host, port) = match name.split_once(COLON) {
        Some((host, port)) => (host, Some(port)),
        None => (name, None),
    };
    // Another spelling of the same name is no other name: it is none.
    if !is_host(host) || !port.is_none_or(is_port) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(port.map_or_else(|| format!("https://{host}"), |port| format!("https://{host}:{port}")))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c))
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len()) && port.bytes().all(|c| c.is_ascii_digit())
}

const METHOD: &str = "did:web:";

/// A colon behind the host, which the method escapes.
const COLON: &str = "%3A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_did_and_its_url_name_each_other() {
        for (url, did) in [
            ("https://health.example", "did:web:health.example"),
            ("https://127.0.0.1:8443", "did:web:127.0.0.1%3A8443"),
        ] {
            assert_eq!(did_web(url).as_deref(), Some(did));
            assert_eq!(issuer_url(did), url);
            assert_eq!(issuer_url(url), url);
        }
        for url in
            ["http://health.example", "https://h.example/a", "https://H.example", "https://h:", "https://"]
        {
            assert_eq!(did_web(url), None, "{url}");
        }
        for id in
            ["did:web:", "did:web:h.example%3a1", "did:web:h.example:a", "did:web:H.example", "did:key:z"]
        {
            assert_eq!(issuer_url(id), id);
        }
    }
}
