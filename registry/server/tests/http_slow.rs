//! Clients that take their time, to send or to read: each is let go at its deadline, and nobody else waits for it.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use sillok_client::{Level, Outcome};
use sillok_log::audit::LogKind;
use sillok_registry::Limits;
use sillok_registry::http::HttpConfig;

#[path = "http/world.rs"]
#[expect(dead_code, reason = "shared with the other tests over HTTP")]
mod world;

use world::{World, administrator, key_added};

/// An idle connection is kept much longer than a test waits, so that what closes it is one of the other deadlines.
fn config() -> HttpConfig {
    let (short, second) = (Duration::from_millis(200), Duration::from_secs(1));
    HttpConfig {
        head_timeout: second,
        body_timeout: short,
        write_timeout: second,
        linger_timeout: short,
        keep_alive: Duration::from_secs(3_600),
        ..HttpConfig::default()
    }
}

fn world(config: HttpConfig) -> World {
    World::with(LogKind::Typed, Limits::default(), config).ready()
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything until the other side closes, which it does before our patience ends.
fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it is never closed: {error}"),
        _closed => String::from_utf8(answer).unwrap(),
    }
}

/// One answer whose body ends with these bytes; the connection stays open.
fn answer_ending(stream: &mut TcpStream, end: &[u8]) {
    let mut answer = Vec::new();
    while !answer.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
}

#[test]
fn a_head_that_does_not_come_is_answered_408() {
    let world = world(config());
    for begun in ["", "GET /chec", "GET /checkpoint HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = connect(&world);
        stream.write_all(begun.as_bytes()).unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.1 408 "), "{begun:?}");
    }
}

#[test]
fn a_later_head_that_does_not_come_is_not_waited_for() {
    let world = world(config());
    for begun in ["G", "GET /checkpoint HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = connect(&world);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        answer_ending(&mut stream, b"ok\n");
        stream.write_all(begun.as_bytes()).unwrap();
        assert_eq!(rest(&mut stream), "", "{begun:?}");
    }
}

#[test]
fn the_rest_of_a_body_that_nobody_reads_is_not_waited_for() {
    let world = world(config());
    for framing in ["Transfer-Encoding: chunked", "Content-Length: 100"] {
        for line in ["POST /nothing", "GET /healthz", "POST /entries"] {
            let mut stream = connect(&world);
            let begun = format!("{line} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\nff\r\n");
            stream.write_all(begun.as_bytes()).unwrap();
            let answer = rest(&mut stream);
            assert!(answer.starts_with("HTTP/1.1 "), "{line}, {framing}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{line}, {framing}: {answer}");
        }
    }
}

#[test]
fn an_idle_connection_is_closed() {
    let world = world(HttpConfig { keep_alive: Duration::from_secs(1), ..config() });
    let mut stream = connect(&world);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    answer_ending(&mut stream, b"ok\n");
    assert_eq!(rest(&mut stream), "");
}

/// Sends until nothing more is taken, without reading anything. That ends when the other side gives up.
fn send_without_reading(mut stream: &TcpStream, bytes: &[u8]) {
    let error = loop {
        if let Err(error) = stream.write_all(bytes) {
            break error;
        }
    };
    let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
    assert!(closed.contains(&error.kind()), "it is never closed: {error}");
}

#[test]
fn answers_that_are_not_read_are_not_kept() {
    let world = world(config());
    let folder = world.public().join("status/00112233445566778899aabbccddeeff");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("snapshot"), vec![b'x'; 32 << 20]).unwrap();
    std::thread::scope(|scope| {
        // One answer that is longer than what the system takes, and many short ones.
        scope.spawn(|| {
            let stream = connect(&world);
            let request = "GET /status/00112233445566778899aabbccddeeff/snapshot HTTP/1.1\r\nHost: x\r\n\r\n";
            send_without_reading(&stream, request.as_bytes());
        });
        scope.spawn(|| {
            let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(16);
            send_without_reading(&connect(&world), requests.as_bytes());
        });
        // Meanwhile everybody else is served.
        for _ in 0..100 {
            assert_eq!(world.get("/healthz").status, 200);
        }
    });
}

#[test]
fn a_client_is_not_charged_for_what_it_waits_for() {
    // Published every three seconds, and a client has one for whatever it does itself.
    let limits = Limits { publish_interval: Duration::from_secs(3), ..Limits::default() };
    let world = World::with(LogKind::Typed, limits, config()).ready();
    let client = world.client(administrator());
    client.submit(&[key_added()], Level::Published).unwrap();
    let other = client.submit(&[key_added(), b"?".to_vec()], Level::Published).unwrap();
    assert!(matches!(other.as_slice(), [Outcome::Logged(_), Outcome::Refused(_)]), "{other:?}");
    // The connection is still good for more.
    let mut stream = connect(&world);
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        answer_ending(&mut stream, b"ok\n");
    }
}

/// Longer than any deadline here: whoever is still connected then was forgotten.
const PATIENCE: Duration = Duration::from_secs(20);
