//! Requests whose bytes are made once: from one person to the next only digits differ.

use std::net::SocketAddr;

/// A text with places for a number.
struct Template {
    text: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    fn new(text: &str) -> Self {
        let places = text.match_indices(MARK).map(|(at, _mark)| at).collect();
        Self { text: text.as_bytes().to_vec(), places }
    }

    fn write(&self, number: u64, into: &mut Vec<u8>) {
        let begin = into.len();
        into.extend_from_slice(&self.text);
        let (mut digits, mut rest) = ([b'0'; MARK.len()], number);
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
        }
        for place in &self.places {
            into[begin + place..begin + place + digits.len()].copy_from_slice(&digits);
        }
    }
}

/// Every request that people send to one issuer. Person `n` is served by client `n` modulo their count: a key belongs
/// to a client.
pub(super) struct Requests {
    singles: Vec<Template>,
    batch_heads: Vec<String>,
    item: Template,
}

impl Requests {
    /// Requests to `address`, one client for each token.
    pub(super) fn new(address: SocketAddr, tokens: &[String]) -> Self {
        let body = format!("{{{}}}", order());
        let head = |path: &str, token: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\n"
            )
        };
        let single = |token: &String| {
            let head = head("/credentials/issue", token);
            let key = key();
            let length = body.len();
            Template::new(&format!("{head}Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}"))
        };
        Self {
            singles: tokens.iter().map(single).collect(),
            batch_heads: tokens.iter().map(|token| head("/credentials/issue/batch", token)).collect(),
            item: Template::new(&format!("{{{},\"idempotencyKey\":\"{}\"}}", order(), key())),
        }
    }

    /// How many clients there are.
    pub(super) fn clients(&self) -> u64 {
        self.singles.len() as u64
    }

    /// The request of one person.
    pub(super) fn single(&self, number: u64, into: &mut Vec<u8>) {
        self.singles[self.client(number)].write(number, into);
    }

    /// The request of `count` people of one client: `first`, and each as many further as there are clients.
    pub(super) fn batch(&self, first: u64, count: u64, into: &mut Vec<u8>) {
        into.extend_from_slice(self.batch_heads[self.client(first)].as_bytes());
        let length = BATCH_BEGIN.len() as u64 + count * (self.item.text.len() as u64 + 1) - 1 + 2;
        into.extend_from_slice(format!("Content-Length: {length}\r\n\r\n{BATCH_BEGIN}").as_bytes());
        for position in 0..count {
            if position > 0 {
                into.push(b',');
            }
            self.item.write(first + position * self.clients(), into);
        }
        into.extend_from_slice(b"]}");
    }

    fn client(&self, number: u64) -> usize {
        usize::try_from(number % self.clients()).unwrap_or(0)
    }
}

/// The idempotency key of a person: the record's name and version, as a clinic's system would make it.
fn key() -> String {
    format!("person-{MARK}-record-2")
}

/// The members of a request for a person with two doses.
fn order() -> String {
    format!(
        r#""credential":{{"type":["VerifiableCredential","VaccinationCredential"],"credentialSubject":{{"familyName":"김","givenName":"민준 {MARK}","birthDate":"1980-02-29","doses":[{{"number":1,"date":"2021-05-03","vaccine":"208","system":"http://hl7.org/fhir/sid/cvx","lot":"LOT00001"}},{{"number":2,"date":"2021-05-31","vaccine":"208","system":"http://hl7.org/fhir/sid/cvx","lot":"LOT00002"}}]}}}},"options":{{"subject":"person-{MARK}","facility":"Jongno-gu public health centre","sourceEvent":"person-{MARK}-dose-2"}}"#
    )
}

const BATCH_BEGIN: &str = r#"{"requests":["#;

/// Where a number goes: more digits than there are people.
const MARK: &str = "##########";

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(request: &[u8]) -> (String, serde_json::Value) {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn a_request_and_its_item_ask_for_the_same() {
        let requests = Requests::new("127.0.0.1:80".parse().unwrap(), &["one".into(), "two".into()]);
        let (mut single, mut batch) = (Vec::new(), Vec::new());
        requests.single(1_203, &mut single);
        requests.batch(1_201, 3, &mut batch);
        let (head, body) = parts(&single);
        assert!(head.contains("Bearer two") && head.contains("person-0000001203-record-2"), "{head}");
        let (head, items) = parts(&batch);
        assert!(head.contains("Bearer two"), "{head}");
        assert_eq!(items["requests"].as_array().unwrap().len(), 3);
        let item = &items["requests"][1];
        assert_eq!(item["idempotencyKey"], "person-0000001203-record-2");
        assert_eq!((&item["credential"], &item["options"]), (&body["credential"], &body["options"]));
    }
}
