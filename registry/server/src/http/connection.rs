//! One connection: how long its client may take to send and to read, and that nothing follows its last request.
//!
//! The HTTP library bounds the head of the first request on a connection, and how long an idle one is kept. It waits for
//! ever for the head of a later request, for the rest of a chunked body that nobody reads, and for a client that does
//! not read its answer; and it answers what a client sends behind a request that said `Connection: close`. All of that
//! is bounded here, below the library, at the socket.

use std::cell::Cell;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::ConnectionType;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Service, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::HttpConfig;

/// A connection whose client is held to its deadlines.
pub(super) struct Guarded {
    stream: TcpStream,
    watch: Rc<Watch>,
    patience: Patience,
    /// Since when the client does not take what it is sent, and how much it has taken since.
    blocked: Option<Blocked>,
    /// Wakes the task that serves the connection at a deadline, or before it.
    alarm: Pin<Box<Sleep>>,
}

/// How long a client may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    head: Duration,
    idle: Duration,
    answer: Duration,
}

impl Patience {
    /// The library's own deadlines pass first where it has one: it answers 408.
    pub(super) fn of(config: &HttpConfig) -> Self {
        Self {
            head: config.head_timeout + config.linger_timeout,
            idle: config.keep_alive + config.linger_timeout,
            answer: config.write_timeout,
        }
    }
}

/// What stream and handlers of a connection tell each other. They are on one thread.
pub(super) struct Watch {
    /// Requests that a handler has.
    handled: Cell<u32>,
    /// When something happened last that the client is not to be blamed for what came before.
    since: Cell<Instant>,
    /// When the first byte came that no handler has been given yet.
    reading: Cell<Option<Instant>>,
    /// Whether the last request came in chunks: then its body may not be over, and the library reads on until it is.
    chunks: Cell<bool>,
    /// Whether the connection ends with the answer that is on its way.
    ends: Cell<bool>,
    /// Whether another request came behind it.
    surplus: Cell<bool>,
}

impl Watch {
    /// It is the server's turn, or the client's again.
    fn turn(&self) {
        self.since.set(Instant::now());
        self.reading.set(None);
    }
}

struct Blocked {
    since: Instant,
    taken: u64,
    /// When everything was taken, if it was.
    rested: Option<Instant>,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, patience: Patience) -> Self {
        let now = Instant::now();
        let watch = Watch {
            handled: Cell::new(0),
            since: Cell::new(now),
            reading: Cell::new(None),
            chunks: Cell::new(false),
            ends: Cell::new(false),
            surplus: Cell::new(false),
        };
        let alarm = Box::pin(sleep_until(now + patience.head));
        Self { stream, watch: Rc::new(watch), patience, blocked: None, alarm }
    }

    /// Gives the handlers of this connection its watch.
    pub(super) fn introduce(&self, data: &mut Extensions) {
        data.insert(Rc::clone(&self.watch));
    }

    /// When the client has had its time, as things are.
    fn due(&self) -> Option<Instant> {
        let (watch, patience) = (&self.watch, &self.patience);
        let sending = match watch.reading.get() {
            // What a handler waits for is its own business: it has a deadline for it.
            _ if watch.handled.get() > 0 => None,
            Some(first) => Some(first + patience.head),
            None if watch.chunks.get() => Some(watch.since.get() + patience.head),
            None => Some(watch.since.get() + patience.idle),
        };
        let blocked = self.blocked.as_ref().filter(|blocked| blocked.rested.is_none());
        let taking = blocked.map(|blocked| {
            blocked.since + patience.answer + Duration::from_secs(blocked.taken / SLOWEST_BYTES_A_SECOND)
        });
        [sending, taking].into_iter().flatten().min()
    }

    /// Ends the connection at its deadline, else sees to it that the task is woken then.
    fn judge(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let due = self.due();
            if let Some(due) = due.filter(|due| *due < self.alarm.deadline()) {
                self.alarm.as_mut().reset(due);
            }
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                // What it did not take, the system must not keep either.
                drop(self.stream.set_zero_linger());
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            // Not farther away than this, since whatever ends a handler does not ask here again.
            let soon = now + self.patience.head;
            self.alarm.as_mut().reset(due.map_or(soon, |due| due.min(soon)));
        }
    }

    fn has_taken(&mut self, bytes: usize) {
        self.watch.turn();
        if let Some(blocked) = &mut self.blocked {
            blocked.taken = blocked.taken.saturating_add(bytes as u64);
        }
    }

    /// A client that was given everything, and time to rest, begins anew; one that was not goes on where it was.
    fn is_blocked(&mut self) {
        let now = Instant::now();
        match &mut self.blocked {
            Some(blocked) if blocked.rested.is_none_or(|rested| now < rested + REST) => blocked.rested = None,
            blocked => *blocked = Some(Blocked { since: now, taken: 0, rested: None }),
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return this.judge(cx).map(Err);
        }
        let watch = &this.watch;
        if buffer.filled().len() > before && watch.handled.get() == 0 && watch.reading.get().is_none() {
            watch.reading.set(Some(Instant::now()));
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        match &written {
            Poll::Ready(Ok(count)) => this.has_taken(*count),
            Poll::Ready(Err(_gone)) => {}
            Poll::Pending => {
                this.is_blocked();
                return this.judge(cx).map(Err);
            }
        }
        written
    }

    /// Called when everything has been written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(blocked) = &mut this.blocked {
            blocked.rested.get_or_insert_with(Instant::now);
        }
        if this.watch.surplus.get() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Around every handler: while it runs, the client is not waited for; and after the last one there is none.
pub(super) fn handle<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let turn = request.conn_data::<Rc<Watch>>().map(|watch| Turn::begin(Rc::clone(watch)));
    let surplus = turn.as_ref().is_some_and(|turn| turn.0.ends.get());
    if let Some(Turn(watch)) = &turn {
        // RFC 9112 section 9.6.
        watch.surplus.set(surplus);
        watch.chunks.set(request.headers().contains_key(header::TRANSFER_ENCODING));
        watch.ends.set(surplus || request.head().connection_type() == ConnectionType::Close);
    }
    let response = (!surplus).then(|| service.call(request));
    async move {
        let Some(response) = response else { return pending().await };
        let response = response.await;
        if let (Some(Turn(watch)), Ok(response)) = (&turn, &response) {
            let closes = response.response().head().connection_type() == ConnectionType::Close;
            watch.ends.set(watch.ends.get() || closes);
        }
        response
    }
}

/// That a handler has the request.
struct Turn(Rc<Watch>);

impl Turn {
    fn begin(watch: Rc<Watch>) -> Self {
        watch.turn();
        watch.handled.set(watch.handled.get() + 1);
        Self(watch)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turn();
        self.0.handled.set(self.0.handled.get().saturating_sub(1));
    }
}

/// What the slowest client takes that is still served: half of what GPRS brings. An answer of n bytes is done after
/// `write_timeout` and n divided by this, or never.
const SLOWEST_BYTES_A_SECOND: u64 = 2_048;

/// Between two answers there is at least this much time with nothing to send; between two pieces of one there is none.
const REST: Duration = Duration::from_secs(1);
