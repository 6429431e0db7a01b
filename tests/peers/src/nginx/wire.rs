//! Requests byte for byte, and a writer of a raw log.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sillok_load::connection::Connection;
use sillok_load::entries::Entries;

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _value)| found.eq_ignore_ascii_case(name)).map(|(_name, value)| value)
    }
}

/// One request on a connection of its own, nothing of it tidied up.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let answer = converse(address, request.as_bytes())?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.with_context(|| format!("{method} {path} got no answer from {address}"))?;
    let head = String::from_utf8(answer[..end].to_vec())?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("{method} {path} got no status from {address}"))?;
    Ok(Answer { status, head, body: answer[end + 4..].to_vec() })
}

/// Sends bytes and reads until the other side closes.
pub(crate) fn converse(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The other side may answer, and close, before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    Ok(answer)
}

/// Adds entries to a raw log, and waits until they can be read.
pub(crate) struct Writer {
    add: SocketAddr,
    public: SocketAddr,
    size: u64,
}

impl Writer {
    pub(crate) fn new(add: SocketAddr, public: SocketAddr) -> Self {
        Self { add, public, size: 0 }
    }

    /// Adds `count` entries over a few connections. They are in the checkpoint of the log's own server afterwards.
    pub(crate) fn add(&mut self, count: u64) -> Result<()> {
        let connections = count.clamp(1, CONNECTIONS);
        std::thread::scope(|scope| {
            let (first, add) = (self.size, self.add);
            let threads: Vec<_> = (0..connections)
                .map(|part| scope.spawn(move || add_some(add, first + part, first + count, connections)))
                .collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(added) => added,
                Err(_panic) => anyhow::bail!("a thread that adds entries panicked"),
            })
        })?;
        self.size += count;
        let begun = Instant::now();
        while size_of(self.public)? < self.size {
            ensure!(begun.elapsed() < PATIENCE, "{} entries are not published", self.size);
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

fn add_some(add: SocketAddr, first: u64, end: u64, step: u64) -> Result<()> {
    let mut connection = Connection::new(add, PATIENCE);
    let entries = Entries::new(SEED, 100);
    let mut number = first;
    while number < end {
        let answer = connection.send("POST", "/add", &[], &entries.entry(number))?;
        ensure!(answer.status == 200, "POST /add was answered with {}", answer.status);
        number += step;
    }
    Ok(())
}

/// The size that the checkpoint of a server tells.
pub(crate) fn size_of(address: SocketAddr) -> Result<u64> {
    let answer = ask(address, "GET", "/checkpoint", &[])?;
    ensure!(answer.status == 200, "GET /checkpoint was answered with {} by {address}", answer.status);
    let text = String::from_utf8(answer.body)?;
    text.lines().nth(1).and_then(|line| line.parse().ok()).context("a checkpoint has its size on line 2")
}

const SEED: u64 = 7;

/// Batches fill up with as many requests as wait together.
const CONNECTIONS: u64 = 64;

const PATIENCE: Duration = Duration::from_secs(30);
