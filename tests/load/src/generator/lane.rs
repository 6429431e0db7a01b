//! One connection of a load.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Acknowledged, Outcome, Shared};
use crate::response::Head;

/// What came of the lanes of one thread.
#[derive(Default)]
pub(super) struct Account {
    pub(super) outcome: RefCell<Outcome>,
    /// Requests that were sent and are not answered yet.
    pub(super) waiting: Cell<u64>,
}

pub(super) struct Lane {
    shared: Arc<Shared>,
    account: Rc<Account>,
    stream: Option<TcpStream>,
    /// The head of every request, the same for all.
    head: Vec<u8>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Lane {
    pub(super) fn new(shared: Arc<Shared>, account: Rc<Account>) -> Self {
        let (address, length) = (shared.load.address, shared.load.entries.bytes());
        let head = format!("POST /add HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        let (request, answer) =
            (Vec::with_capacity(head.len() + length + 8), Vec::with_capacity(CHUNK_BYTES));
        Self { shared, account, stream: None, head: head.into_bytes(), request, answer }
    }

    /// Sends until the time is over.
    pub(super) async fn run(mut self) {
        // Kept connections are what is measured. Whatever is wrong with this one shows when it is used.
        self.stream = self.connect().await.ok();
        while let Some((number, intended)) = self.next().await {
            self.account.outcome.borrow_mut().offered += 1;
            self.request.clear();
            self.request.extend_from_slice(&self.head);
            self.shared.load.entries.write(number, &mut self.request);
            self.account.waiting.set(self.account.waiting.get() + 1);
            let sent = Instant::now();
            let answered = self.exchange().await;
            self.account.waiting.set(self.account.waiting.get() - 1);
            match answered {
                Ok(head) => self.take(&head, number, intended, sent),
                Err(error) => {
                    self.stream = None;
                    self.fail(&error.to_string());
                    // A server that refuses connections is not asked as fast as the machine can.
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn fail(&self, error: &str) {
        let mut outcome = self.account.outcome.borrow_mut();
        outcome.failed += 1;
        outcome.error.get_or_insert_with(|| format!("{}: {error}", self.shared.load.address));
    }

    /// The number of the next request, once its time has come.
    async fn next(&mut self) -> Option<(u64, Instant)> {
        loop {
            let n = self.shared.next.fetch_add(1, Ordering::Relaxed);
            let number = self.shared.load.first + n;
            let now = Instant::now();
            let Some((schedule, patience)) = self.shared.schedule else {
                if now < self.shared.begun {
                    tokio::time::sleep_until(self.shared.begun.into()).await;
                }
                let now = Instant::now();
                return (now < self.shared.end()).then_some((number, now));
            };
            let intended = schedule.intended(n);
            if intended >= self.shared.end() {
                return None;
            }
            if intended > now {
                tokio::time::sleep_until(intended.into()).await;
            } else if now - intended > patience {
                let mut outcome = self.account.outcome.borrow_mut();
                outcome.offered += 1;
                outcome.unsent += 1;
                continue;
            }
            return Some((number, intended));
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.shared.load.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn exchange(&mut self) -> io::Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = self.connect().await?;
                self.stream.insert(stream)
            }
        };
        stream.write_all(&self.request).await?;
        self.answer.clear();
        let mut head: Option<Head> = None;
        loop {
            if stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = Head::parse(&self.answer).map_err(io::Error::other)?;
            }
            match head.take() {
                Some(found) if self.answer.len() == found.total_bytes() => {
                    if found.closes {
                        self.stream = None;
                    }
                    return Ok(found);
                }
                Some(found) if self.answer.len() > found.total_bytes() => {
                    return Err(io::Error::other("more came than the answer to one request"));
                }
                unfinished => head = unfinished,
            }
        }
    }

    fn take(&self, head: &Head, number: u64, intended: Instant, sent: Instant) {
        let now = Instant::now();
        let service = now.saturating_duration_since(sent);
        let body = self.answer.get(head.head_bytes..).unwrap_or_default();
        let index = if head.status == 200 { index(body) } else { None };
        let mut outcome = self.account.outcome.borrow_mut();
        *outcome.statuses.entry(head.status).or_default() += 1;
        if let Some(seconds) = head.retry_after_seconds {
            *outcome.retry_after.entry(seconds).or_default() += 1;
        }
        let Some(index) = index else {
            outcome.refusal.record(service);
            if head.status == 200 {
                outcome.error.get_or_insert_with(|| format!("an answer with the body {body:?}"));
            }
            return;
        };
        outcome.latency.record(now.saturating_duration_since(intended));
        outcome.service.record(service);
        outcome.in_time += u64::from(now <= self.shared.end());
        let acknowledged = Acknowledged { index, number, intended, answered: now };
        outcome.acknowledged.push(acknowledged);
        if let Some((every, told)) = &self.shared.load.told
            && number.is_multiple_of((*every).max(1))
        {
            // Who checks is told of what he can take.
            told.try_send(acknowledged).unwrap_or_default();
        }
    }
}

/// The first line of an answer is the index (specs/log.md, "Raw submission").
fn index(body: &[u8]) -> Option<u64> {
    let line = body.split(|byte| *byte == b'\n').next()?;
    let digits = !line.is_empty() && line.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(line).ok()?.parse().ok())?
}

/// Room for an answer.
const CHUNK_BYTES: usize = 2 << 10;

/// After a connection failed.
const PAUSE: Duration = Duration::from_millis(20);
