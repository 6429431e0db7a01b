//! Requests that no honest client sends, byte for byte, to an issuer behind the server that it has in earnest: each is
//! refused with a 4xx or answered correctly, never with a 5xx, and bytes that hide a second request are never answered.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::web::ServiceConfig;
use sillok_issuer::{Backend, Issuer, http};
use sillok_registry::Registry;
use sillok_registry::http::{HttpConfig, server};

#[path = "support/world.rs"]
#[expect(dead_code, reason = "shared with the other tests over HTTP")]
mod world;

use world::{DEMO_TOKEN, World, issued, request};

/// An issuer with its log, served as `sillok issuer` serves it.
struct Served {
    world: World,
    issuer: Option<Issuer>,
    registry: Option<Registry>,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start() -> Self {
        let world = World::new();
        let mut config = world.config();
        config.demo_token = Some(DEMO_TOKEN.to_owned().into());
        config.limits.body_timeout = Duration::from_millis(200);
        let registry = world.registry();
        let issuer = world.open(config, Backend::Embedded(registry.handle())).unwrap();
        let core = issuer.core();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let limits = HttpConfig {
            workers: 1,
            // The library's own clock, by which it measures a head, is up to half a second behind.
            head_timeout: Duration::from_secs(1),
            linger_timeout: Duration::from_millis(200),
            ..HttpConfig::default()
        };
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let services = move |services: &mut ServiceConfig| {
                    http::configure(Arc::clone(&core))(services);
                    http::configure_operations(Arc::clone(&core))(services);
                    http::configure_fallback(services);
                };
                let server = server(listener, &limits, services).unwrap();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receiver.recv().unwrap();
        Self { world, issuer: Some(issuer), registry: Some(registry), address, handle, thread: Some(thread) }
    }

    /// One request as an authorised client sends it, whatever the body; everything until the other side closes.
    fn post(&self, path: &str, headers: &str, body: &[u8]) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {DEMO_TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.converse(&[head.as_bytes(), body].concat()).unwrap_or_else(|| panic!("{path} is never closed"))
    }

    /// Sends everything, and reads until the other side closes. `None` if it does not.
    fn converse(&self, bytes: &[u8]) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The other side may answer, and close, before it has read everything.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => None,
            _closed => Some(String::from_utf8_lossy(&answer).into_owned()),
        }
    }

    /// Nothing of all this has become a credential.
    fn has_issued(&self) -> u64 {
        self.registry.as_ref().unwrap().handle().committed().size().0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        System::new().block_on(self.handle.stop(true));
        drop(self.thread.take().map(JoinHandle::join));
        if let Some(issuer) = self.issuer.take() {
            issuer.stop();
        }
        if let Some(registry) = self.registry.take() {
            registry.stop().unwrap();
        }
    }
}

/// A connection that ends makes the next attempt dearer than the refusal was.
#[test]
fn a_request_that_is_refused_before_its_body_is_read_keeps_its_connection() {
    let served = Served::start();
    let request = |path: &str, connection: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\nAuthorization: Bearer wrong\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let batch = format!(r#"{{"requests":[{:>60000}]}}"#, "");
    let requests = [
        request("/credentials/issue", "keep-alive", "{}"),
        request("/credentials/issue/batch", "keep-alive", &batch),
        request("/credentials/issue", "close", "{}"),
    ];
    let answers = served.converse(requests.concat().as_bytes()).expect("the last one ends the connection");
    assert_eq!(statuses(&answers), [401, 401, 401], "{}", show(answers.as_bytes()));
}

/// The statuses of all answers, in order. No body of ours has such a line.
fn statuses(answers: &str) -> Vec<u16> {
    answers.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().chars().take(300).collect()
}

/// Headers, body, and the statuses that are allowed. A request for the trust bundle follows each, which is never answered.
const FRAMINGS: [(&str, &str, &[u16]); 24] = [
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n", &[400]),
    ("Content-Length: 2\r\nContent-Length: 1", "{}", &[400]),
    ("Content-Length: 2\r\nContent-Length: 2", "{}", &[400]),
    ("Content-Length: 2, 2", "{}", &[400]),
    ("Content-Length: +2", "{}", &[400]),
    ("Content-Length: 0x2", "{}", &[400]),
    ("Content-Length : 2", "{}", &[400]),
    ("Content-Length: 2\0", "{}", &[400]),
    ("Content-Length: 2\r\n X: y", "{}", &[400]),
    ("Content-Length: 99999999999999999999999", "{}", &[400]),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: identity", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked, chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\x0b", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding : chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked", "g\r\n{}\r\n0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked", "2\n{}\n0\n\n", &[400]),
    ("Transfer-Encoding: chunked", "2\r\n{}x\r\n0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n", &[400, 413]),
    ("Transfer-Encoding: chunked", "ffff\r\n{}\r\n", &[400, 408, 413]),
];

#[test]
fn a_body_of_doubtful_length_is_refused_and_hides_nothing() {
    let served = Served::start();
    let hidden = "GET /trust-bundle HTTP/1.1\r\nHost: x\r\n\r\n";
    let before = served.has_issued();
    for path in ["/credentials/issue", "/credentials/issue/batch", "/credentials/status"] {
        for (framing, body, allowed) in FRAMINGS {
            let shape = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {DEMO_TOKEN}\r\nIdempotency-Key: k\r\n\
                 Content-Type: application/json\r\n{framing}\r\n\r\n{body}{hidden}"
            );
            let answers = served.converse(shape.as_bytes()).unwrap_or_else(|| panic!("not closed: {shape}"));
            let found = statuses(&answers);
            let fits = matches!(found.as_slice(), [status] if allowed.contains(status));
            assert!(fits, "{shape}\nis answered with {answers}");
        }
    }
    assert_eq!(served.has_issued(), before);
}

#[test]
fn what_is_no_request_is_refused() {
    let served = Served::start();
    let long = "x".repeat(300_000);
    for shape in [
        "GET /types\r\n\r\n".to_owned(),
        "GET /types HTTP/2.0\r\n\r\n".into(),
        "GET /\0types HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        "GET /types HTTP/1.1\r\nHost: x\r\nX: a\x01b\r\n\r\n".into(),
        "GET /types HTTP/1.1\r\nHost: x\r\nX y: z\r\n\r\n".into(),
        format!("GET /types HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /types HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200)),
        // Begun, and not ended in time.
        "GET /types HTTP/1.1\r\n".into(),
        String::new(),
    ] {
        let answers =
            served.converse(shape.as_bytes()).unwrap_or_else(|| panic!("{}", show(shape.as_bytes())));
        let found = statuses(&answers);
        let refused = matches!(found.as_slice(), [400 | 404 | 408 | 414 | 431]);
        assert!(refused, "{} is answered with {answers}", show(shape.as_bytes()));
    }
}

/// Bodies with two readings, or none.
const BODIES: [&[u8]; 17] = [
    br#"{"credential":{},"credential":{}}"#,
    br#"{"credential":{"type":[],"type":[]},"options":{}}"#,
    br#"{"credential":{},"\u0063redential":{}}"#,
    br#"{"requests":[],"requests":[]}"#,
    b"{\"credential\":\"\xff\"}",
    b"{\"credential\":\"\xc0\xaf\"}",
    b"{\"credential\":\"\xed\xa0\x80\"}",
    br#"{"credential":"\ud800"}"#,
    b"\xef\xbb\xbf{}",
    b"{}\0",
    br#"{"credential":{}}{"credential":{}}"#,
    br#"{"credential":1e999}"#,
    br#"{"credential":NaN}"#,
    br#"{"credential":-0.1}"#,
    br#"{"credential":{},}"#,
    br#"{'credential':{}}"#,
    b"",
];

#[test]
fn json_with_two_readings_is_refused() {
    let served = Served::start();
    let before = served.has_issued();
    let deep = "[".repeat(15_000);
    let objects = "{\"a\":".repeat(3_000);
    let number = format!("{{\"credential\":{}}}", "9".repeat(15_000));
    let many = format!("{{\"credential\":[{}0]}}", "0,".repeat(7_000));
    let long = [deep.as_bytes(), objects.as_bytes(), number.as_bytes(), many.as_bytes()];
    for path in
        ["/credentials/issue", "/credentials/issue/batch", "/credentials/status", "/admin/keys/rotate"]
    {
        for body in BODIES.iter().copied().chain(long) {
            let answers = served.post(path, "Idempotency-Key: k\r\n", body);
            let found = statuses(&answers);
            assert!(matches!(found.as_slice(), [400 | 413]), "{path} {}: {answers}", show(body));
            assert!(answers.len() < 2_000, "what is wrong is told in a sentence: {answers}");
        }
    }
    assert_eq!(served.has_issued(), before);
}

#[test]
fn a_body_that_does_not_come_is_answered_408_and_closed() {
    let served = Served::start();
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let begun = format!(
            "POST /credentials/issue HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {DEMO_TOKEN}\r\nIdempotency-Key: k\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n2\r\n"
        );
        let answers = served.converse(begun.as_bytes()).unwrap_or_else(|| panic!("{framing}: never closed"));
        assert_eq!(statuses(&answers), [408], "{answers}");
        assert!(answers.contains("\"request.timeout\""), "{answers}");
    }
    // Whoever is in time is served.
    let answers = served.post(
        "/credentials/issue",
        "Idempotency-Key: in time\r\n",
        request("person-1").to_string().as_bytes(),
    );
    assert_eq!(statuses(&answers), [201], "{answers}");
    let body = answers.split_once("\r\n\r\n").unwrap().1;
    let (credential, _receipt) = issued(&serde_json::from_str(body).unwrap());
    assert!(!credential.is_empty());
    assert_eq!(served.world.time().0, world::NOW);
}

/// Nothing that a caller writes makes the issuer open a connection: contexts, schemas, keys and names are texts.
#[test]
fn addresses_in_a_request_are_asked_nothing() {
    let served = Served::start();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = format!("http://{}", elsewhere.local_addr().unwrap());
    let did = format!("did:web:127.0.0.1%3A{}", elsewhere.local_addr().unwrap().port());
    let places: [(&[&str], serde_json::Value); 8] = [
        (&["credential", "@context"], serde_json::json!(["https://www.w3.org/ns/credentials/v2", address])),
        (&["credential", "credentialSubject", "givenName"], address.as_str().into()),
        (&["credential", "credentialSubject", "id"], did.as_str().into()),
        (&["credential", "credentialSchema"], serde_json::json!({ "id": address, "type": "JsonSchema" })),
        (&["options", "facility"], address.as_str().into()),
        (&["options", "subject"], address.as_str().into()),
        (&["options", "sourceEvent"], format!("file:///etc/passwd {address}").into()),
        (&["options", "holderKey"], serde_json::json!({ "jku": address, "kid": did })),
    ];
    let mut found = Vec::new();
    for (number, (path, value)) in places.into_iter().enumerate() {
        let mut body = request(&format!("person-{number}"));
        let (last, front) = path.split_last().unwrap();
        let mut place = &mut body;
        for name in front {
            place = &mut place[*name];
        }
        place[*last] = value;
        let key = format!("Idempotency-Key: {number}\r\n");
        found.extend(statuses(&served.post("/credentials/issue", &key, body.to_string().as_bytes())));
    }
    // Issued as text, or refused.
    assert_eq!(found, [201, 201, 422, 400, 201, 201, 201, 400]);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody came");
}

/// Longer than any deadline here: whoever is still connected then was forgotten.
const PATIENCE: Duration = Duration::from_secs(20);
