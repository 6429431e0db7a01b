//! Requests that no honest client sends, byte for byte, to a registry that really runs: each is refused with a 4xx or
//! answered correctly, never with a 5xx, and bytes that hide a second request are never answered.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use sillok_log::audit::LogKind;
use sillok_log::submission::MAX_RAW_ENTRY_BYTES;
use sillok_registry::Limits;
use sillok_registry::http::HttpConfig;

#[path = "http/world.rs"]
#[expect(dead_code, reason = "shared with the other tests over HTTP")]
mod world;

use world::{World, administrator};

/// What a smuggler wants to be answered.
const HIDDEN: &str = "GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n";

/// Sends everything, and reads until the other side closes. `None` if it does not: that it does is part of what is tested.
fn converse(address: SocketAddr, bytes: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other side may answer, and close, before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => None,
        _closed => Some(String::from_utf8_lossy(&answer).into_owned()),
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().chars().take(300).collect()
}

/// The statuses of all answers, in order. No body of ours has such a line.
fn statuses(answers: &str) -> Vec<u16> {
    let status = |rest: &str| rest.strip_prefix(['0', '1'])?.get(1..4)?.parse().ok();
    answers.split("HTTP/1.").skip(1).filter_map(status).collect()
}

/// What was sent, and what came back that should not have.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    /// Sends one shape, which is to be answered once, with one of the statuses. Returns how many entries were taken.
    fn check(&mut self, address: SocketAddr, shape: &[u8], allowed: &[u16]) -> u64 {
        let Some(answers) = converse(address, shape) else {
            self.0.push(format!("{}\n    is never closed", show(shape)));
            return 0;
        };
        let found: Vec<u16> = statuses(&answers).into_iter().filter(|status| *status != 100).collect();
        if !matches!(found.as_slice(), [status] if allowed.contains(status)) {
            self.0
                .push(format!("{}\n    is answered with {found:?} and not one of {allowed:?}", show(shape)));
        }
        found.iter().filter(|status| **status == 200).count() as u64
    }
}

impl Drop for Findings {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.join("\n"));
        } else {
            assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
        }
    }
}

fn short_deadlines() -> HttpConfig {
    // The library's own clock, by which it measures a head, is up to half a second behind.
    let (short, longer) = (Duration::from_millis(200), Duration::from_secs(1));
    HttpConfig { head_timeout: longer, body_timeout: short, linger_timeout: short, ..HttpConfig::default() }
}

fn raw_world() -> World {
    World::with(LogKind::Raw, Limits::default(), short_deadlines()).ready()
}

/// Headers between which the length of a body is in doubt, the body, and the statuses that are allowed. The body would
/// be followed by a hidden request if a reader took it for shorter than the next reader.
const FRAMINGS: [(&str, &str, &[u16]); 37] = [
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n", &[400]),
    ("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n", &[400]),
    ("Content-Length: 1\r\nContent-Length: 0", "x", &[400]),
    ("Content-Length: 1\r\ncontent-length: 1", "x", &[400]),
    ("Content-Length: 1, 1", "x", &[400]),
    ("Content-Length: +1", "x", &[400]),
    ("Content-Length: -1", "x", &[400]),
    ("Content-Length: 0x1", "x", &[400]),
    ("Content-Length: 1 1", "x", &[400]),
    ("Content-Length: 1;", "x", &[400]),
    ("Content-Length: ", "", &[400]),
    ("Content-Length: 18446744073709551617", "x", &[400, 413]),
    ("Content-Length: 18446744073709551615", "x", &[400, 413]),
    ("Content-Length : 1", "x", &[400]),
    ("Content-Length\t: 1", "x", &[400]),
    ("Content-Length: 1\r\n Transfer-Encoding: chunked", "x", &[400]),
    ("Content-Length: \r\n 1", "x", &[400]),
    ("Content-Length\0: 1", "x", &[400]),
    ("Content-Length: 1\0", "x", &[400]),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: identity", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: identity, chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked, chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: gzip", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked;q=1", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: \x0bchunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\x0b", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: ", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding : chunked", "0\r\n\r\n", &[400]),
    ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n", &[400]),
];

#[test]
fn a_body_of_doubtful_length_is_refused_and_hides_nothing() {
    let (world, mut findings) = (raw_world(), Findings::default());
    for (framing, body, allowed) in FRAMINGS {
        let request = format!("POST /add HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}{HIDDEN}");
        findings.check(world.add_address, request.as_bytes(), allowed);
    }
    assert_eq!(world.state.handle().committed().size().0, 0, "none of these was an entry");
}

/// Chunked bodies, and the statuses that are allowed. A hidden request follows.
const CHUNKS: [(&str, &[u16]); 23] = [
    ("1\r\nx\r\n0\r\n\r\n", &[200]),
    ("00001\r\nx\r\n0\r\n\r\n", &[200]),
    ("1;name=value\r\nx\r\n0\r\n\r\n", &[200, 400]),
    ("0\r\n\r\n", &[400]),
    ("\r\nx\r\n0\r\n\r\n", &[400]),
    ("g\r\nx\r\n0\r\n\r\n", &[400]),
    ("-1\r\nx\r\n0\r\n\r\n", &[400]),
    ("+1\r\nx\r\n0\r\n\r\n", &[400]),
    ("0x1\r\nx\r\n0\r\n\r\n", &[400]),
    ("1_0\r\nx\r\n0\r\n\r\n", &[400]),
    (" 1\r\nx\r\n0\r\n\r\n", &[400]),
    ("1\nx\n0\n\n", &[400]),
    ("1\r\nxy\r\n0\r\n\r\n", &[400]),
    ("1\r\nx0\r\n\r\n", &[400]),
    ("2\r\nx\r\n0\r\n\r\n", &[400]),
    ("1;a\nb\r\nx\r\n0\r\n\r\n", &[400]),
    ("1;\0\r\nx\r\n0\r\n\r\n", &[200, 400]),
    ("fffffffffffffffff\r\nx\r\n0\r\n\r\n", &[400, 413]),
    ("ffffffffffffffff\r\nx\r\n0\r\n\r\n", &[400, 408, 413]),
    ("1\r\nx\r\n0\r\nTrailer: x\r\n\r\n", &[200, 400]),
    ("1\r\nx\r\n0\r\nContent-Length: 100\r\n\r\n", &[200, 400]),
    ("1\r\nx\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", &[200, 400]),
    ("1\r\nx\r\n0\r\n\r", &[400, 408]),
];

#[test]
fn chunks_are_taken_exactly_or_not_at_all() {
    let (world, mut findings) = (raw_world(), Findings::default());
    let mut taken = 0;
    for (chunks, allowed) in CHUNKS {
        // With the answer to a proper body the connection ends, so that what follows it is not a request.
        let request = format!(
            "POST /add HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}"
        );
        taken += findings.check(world.add_address, request.as_bytes(), allowed);
    }
    let long = format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(300_000));
    let head = "POST /add HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    taken += findings.check(world.add_address, format!("{head}{long}").as_bytes(), &[200, 400, 413]);
    assert_eq!(world.state.handle().committed().size().0, taken, "an entry for each 200 and no other");
}

/// Heads, and the statuses that are allowed; none: the connection is closed without an answer.
const HEADS: [(&str, &[u16]); 33] = [
    // Answers of the listener of a raw log: it has one path.
    ("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[404]),
    ("GET /x HTTP/1.0\r\n\r\n", &[404]),
    ("GET http://elsewhere/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ("GET http:///x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400]),
    ("\r\nGET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ("GET /x HTTP/1.1\nHost: x\nConnection: close\n\n", &[400, 404]),
    ("GET /x\r\n\r\n", &[400]),
    ("GET\r\n\r\n", &[400]),
    ("GET /x HTTP/0.9\r\n\r\n", &[400]),
    ("GET /x HTTP/1.2\r\nHost: x\r\n\r\n", &[400]),
    ("GET /x HTTP/2.0\r\nHost: x\r\n\r\n", &[400]),
    ("GET /x HTTP/11\r\nHost: x\r\n\r\n", &[400]),
    ("GET /x http/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET  /x HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET /x  HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1 \r\nHost: x\r\n\r\n", &[400]),
    ("GET\t/x\tHTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("G\0T /x HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET /\0x HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET /\x7fx HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    ("GET x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ("GET /x HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\nHost: x\r\nX: a\x01b\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\nHost: x\r\nX y: z\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\nHost: x\r\n: z\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", &[400]),
    ("GET /x HTTP/1.1\r\n Host: x\r\n\r\n", &[400]),
    ("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", &[400, 404]),
    ("TRACE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400]),
    ("\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03", &[400]),
];

#[test]
fn a_head_that_is_none_is_refused() {
    let (world, mut findings) = (raw_world(), Findings::default());
    for (head, allowed) in HEADS {
        findings.check(world.add_address, head.as_bytes(), allowed);
    }
    for head in [
        format!("X: {}", "x".repeat(300_000)),
        format!("{}: x", "x".repeat(300_000)),
        "X: y\r\n".repeat(200),
        "X: y\r\n".repeat(100_000),
    ] {
        let request = format!("GET /x HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{HIDDEN}");
        findings.check(world.add_address, request.as_bytes(), &[400, 431]);
    }
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(300_000));
    findings.check(world.add_address, path.as_bytes(), &[400, 414, 431]);
    assert_eq!(world.state.handle().committed().size().0, 0);
}

#[test]
fn what_a_body_hides_is_part_of_the_body() {
    let (world, mut findings) = (raw_world(), Findings::default());
    let head = |more: &str| format!("POST /add HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n\r\n");
    let told = head(&format!("Content-Length: {}", HIDDEN.len())) + HIDDEN;
    assert_eq!(findings.check(world.add_address, told.as_bytes(), &[200]), 1);
    let chunked = head("Transfer-Encoding: chunked");
    let chunked = format!("{chunked}{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    assert_eq!(findings.check(world.add_address, chunked.as_bytes(), &[200]), 1);
    // As a proxy of HTTP/1.0 might: without a length there is no body, and with the answer the connection ends.
    let old = format!("POST /add HTTP/1.0\r\n\r\n{HIDDEN}");
    assert_eq!(findings.check(world.add_address, old.as_bytes(), &[400]), 0);
    let old = format!("POST /add HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    assert_eq!(findings.check(world.add_address, old.as_bytes(), &[400]), 0);
    // Refused before its end, a body is not taken for the next request.
    for framing in [format!("Content-Length: {}", MAX_RAW_ENTRY_BYTES + 1), "Transfer-Encoding: gzip".into()]
    {
        let kept = format!("POST /add HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{HIDDEN}");
        findings.check(world.add_address, kept.as_bytes(), &[400, 413]);
    }
    // A path that nobody reads a body of, and a method that has none.
    for (line, allowed) in [("POST /nothing", [404]), ("GET /add", [405])] {
        let length = HIDDEN.len() + 100;
        let unread = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{HIDDEN}");
        findings.check(world.add_address, unread.as_bytes(), &allowed);
        let unread =
            format!("{line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{HIDDEN}");
        findings.check(world.add_address, unread.as_bytes(), &allowed);
    }
    // Two that are plainly two are two.
    let two = format!("{HIDDEN}GET /checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&converse(world.address, two.as_bytes()).unwrap()), [200, 200]);
    assert_eq!(world.state.handle().committed().size().0, 2);
}

#[test]
fn a_body_that_asks_first_is_asked_for_and_one_that_is_too_large_is_not() {
    let world = raw_world();
    let ask = |length: usize| {
        format!(
            "POST /add HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let answers = converse(world.add_address, format!("{}x", ask(1)).as_bytes()).unwrap();
    assert_eq!(statuses(&answers), [100, 200], "{answers}");
    let answers = converse(world.add_address, ask(MAX_RAW_ENTRY_BYTES + 1).as_bytes()).unwrap();
    assert_eq!(statuses(&answers).last(), Some(&413), "{answers}");
    let other = ask(1).replace("100-continue", "200-ok") + "x";
    let found = statuses(&converse(world.add_address, other.as_bytes()).unwrap());
    assert!([vec![200], vec![417]].contains(&found), "{found:?}");
    // Longer than told, in one piece or in chunks: whatever is beyond the limit is not read.
    let large = [ask(MAX_RAW_ENTRY_BYTES * 40).as_bytes(), &vec![b'x'; MAX_RAW_ENTRY_BYTES * 40]].concat();
    assert_eq!(statuses(&converse(world.add_address, &large).unwrap()).last(), Some(&413));
}

#[test]
fn json_with_two_readings_is_refused() {
    let world = World::with(LogKind::Typed, Limits::default(), HttpConfig::default()).ready();
    let most = "[".repeat(1_000_000);
    let objects = "{\"a\":".repeat(100_000);
    let number = "9".repeat(500_000);
    for body in [
        br#"{"entries":["AA=="],"entries":["AA=="]}"#.as_slice(),
        br#"{"entries":["AA=="],"level":"committed","level":"published"}"#,
        br#"{"entries":["AA=="],"\u0065ntries":["AA=="]}"#,
        br#"{"entries":["AA=="],"Entries":["AA=="]}"#,
        b"{\"entries\":[\"A\xffA==\"]}",
        b"{\"entries\":[\"\xc0\xaf\"]}",
        b"{\"entries\":[\"\xed\xa0\x80\"]}",
        br#"{"entries":["\ud800"]}"#,
        br#"{"entries":["\u0000"]}"#,
        b"\xef\xbb\xbf{\"entries\":[\"AA==\"]}",
        br#"{"entries":[1e999]}"#,
        br#"{"entries":[NaN]}"#,
        br#"{"entries":null}"#,
        br#"{"entries":["AA=="],}"#,
        br#"{"entries":["AA=="]}{"entries":["AA=="]}"#,
        b"{\"entries\":[\"AA==\"]}\0",
        br#"{'entries':['AA==']}"#,
        format!("{{\"entries\":{most}").as_bytes(),
        most.as_bytes(),
        objects.as_bytes(),
        format!("{{\"entries\":[{number}]}}").as_bytes(),
        format!("{{\"level\":{number}}}").as_bytes(),
    ] {
        let answer = world.post(&administrator(), body);
        assert_eq!(answer.problem(), (400, "request.malformed".into()), "{}", show(body));
        assert!(answer.body.len() < 1_000, "what is wrong is told in a sentence: {}", show(body));
    }
    assert_eq!(world.state.handle().committed().size().0, 0);
}

#[test]
fn a_client_that_hangs_up_at_any_byte_leaves_nothing() {
    let world = raw_world();
    let request = "POST /add HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for end in 0..request.len() {
        let mut stream = TcpStream::connect(world.add_address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&request.as_bytes()[..end]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        assert!(statuses(&answer).iter().all(|status| (400..500).contains(status)), "{end}: {answer}");
    }
    assert_eq!(world.state.handle().committed().size().0, 0);
    assert_eq!(world.add(b"x").status, 200);
}

/// Longer than any deadline here: whoever is still connected then was forgotten.
const PATIENCE: Duration = Duration::from_secs(20);
