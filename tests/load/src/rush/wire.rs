//! A connection of the generator: many of them wait at once on one thread.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use sillok_load::response::{Head, ResponseError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A keep-alive connection with its buffers.
pub(super) struct Connection {
    stream: TcpStream,
    /// What is sent next.
    pub(super) request: Vec<u8>,
    answer: Vec<u8>,
    body_begins: usize,
    /// When it was last used: a server ends connections that are idle for long.
    pub(super) used: Instant,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Broken> {
        let stream = TcpStream::connect(address).await.map_err(|error| Broken::io("connect", &error))?;
        stream.set_nodelay(true).map_err(|error| Broken::io("connect", &error))?;
        let (request, answer) = (Vec::new(), Vec::with_capacity(ANSWER_BYTES));
        Ok(Self { stream, request, answer, body_begins: 0, used: Instant::now() })
    }

    /// Sends what is in `request` and reads the answer. After an error it must not be used again.
    pub(super) async fn exchange(&mut self) -> Result<Head, Broken> {
        self.stream.write_all(&self.request).await.map_err(|error| Broken::io("send", &error))?;
        self.answer.clear();
        let mut head: Option<Head> = None;
        loop {
            let wanted = head.as_ref().map_or(ANSWER_BYTES, Head::total_bytes);
            self.answer.reserve(wanted.saturating_sub(self.answer.len()).max(1));
            let read = self.stream.read_buf(&mut self.answer).await;
            if read.map_err(|error| Broken::io("receive", &error))? == 0 {
                return Err(Broken { at: "receive", what: "closed by the server".into() });
            }
            if head.is_none() {
                head = Head::parse(&self.answer).map_err(Broken::malformed)?;
            }
            if let Some(found) = &head
                && self.answer.len() >= found.total_bytes()
            {
                if self.answer.len() > found.total_bytes() {
                    return Err(Broken { at: "receive", what: "more than one answer".into() });
                }
                self.body_begins = found.head_bytes;
                self.used = Instant::now();
                return Ok(found.clone());
            }
        }
    }

    /// The body of the last answer.
    pub(super) fn body(&self) -> &[u8] {
        &self.answer[self.body_begins..]
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broken {
    at: &'static str,
    what: String,
}

impl Broken {
    fn io(at: &'static str, error: &io::Error) -> Self {
        Self { at, what: error.kind().to_string() }
    }

    /// The generator's own failure.
    pub(super) fn own(what: &str) -> Self {
        Self { at: "generator", what: what.into() }
    }

    fn malformed(error: ResponseError) -> Self {
        Self { at: "receive", what: error.to_string() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// An answer with a credential and its receipt takes some four thousand.
const ANSWER_BYTES: usize = 8 << 10;
