//! Fetching if changed, from a server that is told what to answer.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sillok_client::fetch::{FetchError, Fetched, Fetcher};
use sillok_client::source::Source;

/// Answers one connection after another with these texts, and returns what was asked.
fn server(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _address) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).unwrap() > 2 {}
            asked.push(head);
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (url, thread)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

#[test]
fn a_file_is_sent_once_and_then_only_when_it_has_changed() {
    let (url, thread) = server(vec![
        answer("200 OK", "ETag: \"one\"\r\n", "first"),
        answer("304 Not Modified", "ETag: \"one\"\r\n", ""),
        answer("200 OK", "ETag: W/\"two\"\r\n", "second"),
        answer("200 OK", "ETag: not a tag\r\n", "third"),
        answer("404 Not Found", "", "no"),
    ]);
    let mut fetcher = Fetcher::open(&url).unwrap();
    let new = |text: &str, etag: Option<&str>| Fetched::New {
        bytes: text.as_bytes().to_vec(),
        etag: etag.map(str::to_owned),
    };
    assert_eq!(fetcher.get("a/latest", None, 100).unwrap(), new("first", Some("\"one\"")));
    assert_eq!(fetcher.get("a/latest", Some("\"one\""), 100).unwrap(), Fetched::Unchanged);
    assert_eq!(fetcher.get("a/latest", Some("\"one\""), 100).unwrap(), new("second", Some("W/\"two\"")));
    // What would be another header is not sent.
    assert_eq!(fetcher.get("a/latest", Some("\"x\"\r\nevil: 1"), 100).unwrap(), new("third", None));
    assert_eq!(fetcher.get("b", None, 100).unwrap(), Fetched::Absent);
    let asked = thread.join().unwrap();
    assert!(asked[0].starts_with("GET /a/latest HTTP/1.1\r\n"), "{}", asked[0]);
    let tagged: Vec<bool> =
        asked.iter().map(|head| head.to_ascii_lowercase().contains("if-none-match: \"one\"\r\n")).collect();
    assert_eq!(tagged, [false, true, true, false, false]);
    assert!(asked.iter().all(|head| !head.contains("evil")));
}

#[test]
fn a_refusal_says_when_to_come_again_and_nothing_is_asked_twice() {
    let dated = "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: Fri, 15 Jan 2027 08:30:00 GMT\r\n";
    let cases = [
        ("503 Service Unavailable", "Retry-After: 120\r\n", Some(120)),
        ("429 Too Many Requests", dated, Some(1_800)),
        ("503 Service Unavailable", "Retry-After: soon\r\n", None),
        ("503 Service Unavailable", "Retry-After: -1\r\n", None),
        ("500 Internal Server Error", "", None),
        ("304 Not Modified", "", None),
    ];
    let answers = cases.iter().map(|(status, headers, _)| answer(status, headers, "")).collect();
    let (url, thread) = server(answers);
    let mut fetcher = Fetcher::open(&url).unwrap();
    for (status, _headers, wait) in &cases {
        let refused = fetcher.get("trust-bundle", None, 100).unwrap_err();
        assert_eq!(refused.retry_after(), wait.map(Duration::from_secs), "{status}");
        assert!(refused.to_string().contains(&status[..3]), "{refused}");
    }
    assert_eq!(thread.join().unwrap().len(), cases.len());
}

#[test]
fn what_is_too_long_or_nowhere_is_an_error() {
    let (url, thread) = server(vec![answer("200 OK", "", "0123456789"), answer("200 OK", "", "0123456789a")]);
    let mut fetcher = Fetcher::open(&url).unwrap();
    assert!(matches!(fetcher.get("a", None, 10).unwrap(), Fetched::New { .. }));
    assert!(matches!(fetcher.get("a", None, 10), Err(FetchError::Source(_))));
    thread.join().unwrap();
    // Nobody listens there any more.
    assert!(matches!(fetcher.get("a", None, 10), Err(FetchError::Source(_))));
    for url in
        ["", "health.example", "ftp://health.example", "http://", "http://a@b", "http://a/?b", "http://a/#b"]
    {
        assert!(Fetcher::open(url).is_err(), "{url}");
    }
}

/// The same file, asked for by whoever looks again and again: sent when it has changed, and when there is no room to keep it.
#[test]
fn a_source_that_keeps_is_sent_what_has_changed() {
    let (url, thread) = server(vec![
        answer("200 OK", "ETag: \"one\"\r\n", "first"),
        answer("304 Not Modified", "ETag: \"one\"\r\n", ""),
        answer("200 OK", "ETag: \"two\"\r\n", "second"),
        answer("404 Not Found", "", "no"),
        answer("200 OK", "ETag: \"three\"\r\n", "longer than there is room for"),
        answer("200 OK", "ETag: \"three\"\r\n", "longer than there is room for"),
        answer("200 OK", "", "first"),
    ]);
    let source = Source::open(&url).unwrap().keeping(20);
    let texts: Vec<Option<String>> = (0..7)
        .map(|_look| {
            source.published("status/list", 100).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
        })
        .collect();
    let long = Some("longer than there is room for");
    let expected = [Some("first"), Some("first"), Some("second"), None, long, long, Some("first")];
    assert_eq!(texts.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    let tags: Vec<Option<String>> = thread
        .join()
        .unwrap()
        .iter()
        .map(|head| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("if-none-match:"))?;
            Some(line.split_once(": ")?.1.to_owned())
        })
        .collect();
    let tag = |name: &str| Some(format!("\"{name}\""));
    assert_eq!(tags, [None, tag("one"), tag("one"), tag("two"), None, None, None]);
}
