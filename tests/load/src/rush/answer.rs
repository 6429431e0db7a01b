//! What answers hand over, found in their bytes without reading all of the JSON.

use serde::Deserialize;

/// A credential with its receipt, as they stand in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Issued<'a> {
    /// The compact JWS.
    pub(super) credential: &'a str,
    /// The receipt in base64.
    pub(super) receipt: &'a str,
}

/// What a batch says of one of its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Issued(Issued<'a>),
    Refused { status: u16, retry_after_seconds: Option<u64> },
}

/// The credential of an answer to one person.
pub(super) fn single(body: &[u8]) -> Option<Issued<'_>> {
    let text = std::str::from_utf8(body).ok()?;
    let ((credential, _), (receipt, _)) = (after(text, CREDENTIAL)?, after(text, RECEIPT)?);
    Some(Issued { credential, receipt })
}

/// What an answer to `count` people says of each; nothing if it is not such an answer.
pub(super) fn batch(body: &[u8], count: usize) -> Option<Vec<Item<'_>>> {
    let text = std::str::from_utf8(body).ok()?;
    let (credentials, receipts) = (all(text, CREDENTIAL), all(text, RECEIPT));
    if credentials.len() == count && receipts.len() == count {
        let pairs = credentials.into_iter().zip(receipts);
        return Some(
            pairs.map(|(credential, receipt)| Item::Issued(Issued { credential, receipt })).collect(),
        );
    }
    let results = serde_json::from_slice::<Results<'_>>(body).ok()?.results;
    if results.len() != count {
        return None;
    }
    results
        .into_iter()
        .map(|result| match (result.credential, result.receipt) {
            (Some(Enveloped { id }), Some(receipt)) => {
                let credential = id.strip_prefix("data:application/vc+jwt,")?;
                Some(Item::Issued(Issued { credential, receipt }))
            }
            (None, None) => {
                Some(Item::Refused { status: result.status, retry_after_seconds: result.retry_after })
            }
            _half => None,
        })
        .collect()
}

/// The stable code of a problem.
pub(super) fn problem_code(body: &[u8]) -> Option<&str> {
    Some(after(std::str::from_utf8(body).ok()?, r#""code":""#)?.0)
}

/// What stands between `begin` and the next quotation mark, and what follows.
fn after<'a>(text: &'a str, begin: &str) -> Option<(&'a str, &'a str)> {
    text[text.find(begin)? + begin.len()..].split_once('"')
}

fn all<'a>(mut text: &'a str, begin: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some((value, rest)) = after(text, begin) {
        found.push(value);
        text = rest;
    }
    found
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    results: Vec<Result<'a>>,
}

#[derive(Deserialize)]
struct Result<'a> {
    status: u16,
    #[serde(borrow, default, rename = "verifiableCredential")]
    credential: Option<Enveloped<'a>>,
    #[serde(borrow, default)]
    receipt: Option<&'a str>,
    #[serde(default, rename = "retryAfter")]
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct Enveloped<'a> {
    id: &'a str,
}

const CREDENTIAL: &str = r#""data:application/vc+jwt,"#;
const RECEIPT: &str = r#""receipt":""#;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        r#"{"verifiableCredential":{"id":"data:application/vc+jwt,a.b.c","type":"E"},"receipt":"cmVj"}"#;

    #[test]
    fn a_credential_and_its_receipt_are_found() {
        let issued = Issued { credential: "a.b.c", receipt: "cmVj" };
        assert_eq!(single(ONE.as_bytes()), Some(issued));
        assert_eq!(single(br#"{"code":"queue.full"}"#), None);
        assert_eq!(problem_code(br#"{"status":503,"code":"queue.full"}"#), Some("queue.full"));
        let item = ONE.replace('}', "").replace("\"E\"", "\"E\"}") + r#","status":201}"#;
        let text = format!(r#"{{"results":[{item},{item}]}}"#);
        assert_eq!(batch(text.as_bytes(), 2), Some(vec![Item::Issued(issued); 2]));
        let refused = r#"{"status":503,"problem":{"code":"queue.full"},"retryAfter":2}"#;
        let text = format!(r#"{{"results":[{refused},{item}]}}"#);
        let second = Item::Refused { status: 503, retry_after_seconds: Some(2) };
        assert_eq!(batch(text.as_bytes(), 2), Some(vec![second, Item::Issued(issued)]));
        assert_eq!(batch(text.as_bytes(), 3), None);
    }
}
