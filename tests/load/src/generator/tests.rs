//! Against servers of a few lines that answer as they are told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use super::*;

/// Answers every connection's requests in turn; an entry whose number is a multiple of 5 is refused.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let count = Arc::new(AtomicU64::new(0));
        for stream in listener.incoming() {
            let (mut stream, count) = (stream.unwrap(), Arc::clone(&count));
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut chunk) {
                    let number = u64::from_be_bytes(chunk[read - 8..read].try_into().unwrap());
                    let answer = if number.is_multiple_of(5) {
                        "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n".to_owned()
                    } else {
                        let index = count.fetch_add(1, Ordering::SeqCst).to_string();
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{index}", index.len())
                    };
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn load(address: SocketAddr, pace: Pace) -> Load {
    Load {
        address,
        entries: Entries::new(7, 16),
        first: 0,
        connections: 4,
        threads: 2,
        pace,
        duration: Duration::from_millis(200),
        drain: Duration::from_secs(30),
        told: None,
    }
}

#[test]
fn an_open_loop_offers_what_it_is_told_and_accounts_for_all_of_it() {
    let (told, hears) = mpsc::sync_channel(1_000);
    let pace = Pace::Open { per_second: 500.0, patience: Duration::from_secs(30) };
    let outcome = run(&Load { told: Some((2, told)), ..load(server(), pace) }).unwrap();
    assert_eq!(outcome.offered, 100);
    assert_eq!(outcome.statuses, BTreeMap::from([(200, 80), (503, 20)]));
    assert_eq!(outcome.retry_after, BTreeMap::from([(2, 20)]));
    assert_eq!((outcome.unsent, outcome.failed), (0, 0), "{:?}", outcome.error);
    assert_eq!((outcome.latency.count(), outcome.service.count(), outcome.refusal.count()), (80, 80, 20));
    let mut indices: Vec<u64> = outcome.acknowledged.iter().map(|entry| entry.index).collect();
    indices.sort_unstable();
    assert!(indices.iter().copied().eq(0..80));
    assert_eq!(outcome.mix(), "200: 80.0 %, 503: 20.0 %, Retry-After 2 to 2 s, 1 values");
    assert_eq!(hears.try_iter().count(), 40);
}

#[test]
fn a_closed_loop_sends_as_it_is_answered() {
    let outcome = run(&load(server(), Pace::Closed)).unwrap();
    assert!(outcome.goodput() > 0.0);
    let answered: u64 = outcome.statuses.values().sum();
    assert_eq!((answered, outcome.failed), (outcome.offered, 0), "{:?}", outcome.error);
}

#[test]
fn requests_that_find_no_connection_are_given_up_and_counted() {
    // Nobody accepts: the connections are made by the kernel, and no answer comes.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let pace = Pace::Open { per_second: 500.0, patience: Duration::ZERO };
    let silent = Load { drain: Duration::ZERO, ..load(silent.local_addr().unwrap(), pace) };
    let error = run(&silent).unwrap_err();
    assert!(error.to_string().starts_with("no answer of 127.0.0.1:"), "{error}");
}
