//! A keep-alive connection of HTTP/1.1 that blocks: one request at a time, small enough to cost the machine little.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::response::{Head, ResponseError, write_request};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection, made when it is first used and again after it was closed or failed.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    host: String,
    timeout: Duration,
    stream: Option<TcpStream>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// A connection to `address` whose requests may take `timeout` each, the connecting included. Nothing is sent yet.
    #[must_use]
    pub fn new(address: SocketAddr, timeout: Duration) -> Self {
        let host = address.to_string();
        Self { address, host, timeout, stream: None, request: Vec::new(), answer: Vec::new() }
    }

    /// Sends a request and reads its answer. A connection on which that failed is not used again. `Host` and
    /// `Content-Length` are written here.
    ///
    /// # Errors
    /// See [`ConnectionError`]. Whether the server took the request is not known then.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ConnectionError> {
        self.request.clear();
        write_request(&mut self.request, &self.host, method, path, headers, body);
        let deadline = Instant::now() + self.timeout;
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.write_all(&self.request).map_err(self.io("send to"))?;
        let head = self.receive(&mut stream, deadline)?;
        let body = self.answer[head.head_bytes..head.total_bytes()].to_vec();
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, retry_after_seconds: head.retry_after_seconds, body })
    }

    /// [`Connection::send`] without a body.
    ///
    /// # Errors
    /// As there.
    pub fn get(&mut self, path: &str) -> Result<Answer, ConnectionError> {
        self.send("GET", path, &[], b"")
    }

    fn connect(&self) -> Result<TcpStream, ConnectionError> {
        let stream =
            TcpStream::connect_timeout(&self.address, self.timeout).map_err(self.io("connect to"))?;
        stream.set_nodelay(true).map_err(self.io("prepare"))?;
        stream.set_write_timeout(Some(self.timeout)).map_err(self.io("prepare"))?;
        stream.set_read_timeout(Some(self.timeout)).map_err(self.io("prepare"))?;
        Ok(stream)
    }

    /// Reads until the answer is whole, and not a byte more.
    fn receive(&mut self, stream: &mut TcpStream, deadline: Instant) -> Result<Head, ConnectionError> {
        self.answer.clear();
        let (mut chunk, mut head) = ([0; CHUNK_BYTES], None);
        loop {
            let read = stream.read(&mut chunk).map_err(self.io("receive from"))?;
            self.answer.extend_from_slice(&chunk[..read]);
            if head.is_none() {
                head = Head::parse(&self.answer).map_err(|source| self.malformed(source))?;
            }
            match &head {
                Some(head) if self.answer.len() > head.total_bytes() => {
                    return Err(ConnectionError::Surplus { address: self.address });
                }
                Some(found) if self.answer.len() == found.total_bytes() => return Ok(found.clone()),
                Some(_) | None if read == 0 => {
                    return Err(self.io("receive from")(io::ErrorKind::UnexpectedEof.into()));
                }
                // The socket's own timeout holds for each read alone.
                Some(_) | None if Instant::now() > deadline => {
                    return Err(self.io("receive from")(io::ErrorKind::TimedOut.into()));
                }
                Some(_) | None => {}
            }
        }
    }

    fn io(&self, operation: &'static str) -> impl FnOnce(io::Error) -> ConnectionError + use<> {
        let address = self.address;
        move |source| ConnectionError::Io { operation, address, source }
    }

    fn malformed(&self, source: ResponseError) -> ConnectionError {
        ConnectionError::Malformed { address: self.address, source }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ConnectionError {
    /// The operating system refused, or the time is over.
    Io {
        /// What was asked of it.
        operation: &'static str,
        /// With whom.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// The answer is none of HTTP/1.1.
    Malformed {
        /// Whose.
        address: SocketAddr,
        /// What is wrong with it.
        source: ResponseError,
    },
    /// More came than one answer.
    Surplus {
        /// From whom.
        address: SocketAddr,
    },
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { operation, address, source } => write!(f, "could not {operation} {address}: {source}"),
            Self::Malformed { address, source } => write!(f, "could not read what {address} sent: {source}"),
            Self::Surplus { address } => write!(f, "{address} sent more than the answer to one request"),
        }
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Malformed { source, .. } => Some(source),
            Self::Surplus { .. } => None,
        }
    }
}

/// A tile and its head in one read.
const CHUNK_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers each request that arrives on one connection after the other with the next text, whole requests being
    /// assumed to arrive in one piece.
    fn server(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut stream: Option<TcpStream> = None;
            for answer in answers {
                let mut open = stream.take().unwrap_or_else(|| listener.accept().unwrap().0);
                let mut chunk = [0; 4096];
                assert!(open.read(&mut chunk).unwrap() > 0);
                open.write_all(answer.as_bytes()).unwrap();
                if !answer.contains("close") {
                    stream = Some(open);
                }
            }
        });
        address
    }

    #[test]
    fn answers_come_one_after_the_other_and_a_closed_connection_is_made_again() {
        let address = server(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n41",
            "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ]);
        let mut connection = Connection::new(address, Duration::from_secs(10));
        let answer = connection.send("POST", "/add", &[("Accept", "*/*")], b"entry").unwrap();
        assert_eq!(answer, Answer { status: 200, retry_after_seconds: None, body: b"41".to_vec() });
        let answer = connection.get("/").unwrap();
        assert_eq!((answer.status, answer.retry_after_seconds), (429, Some(3)));
        assert_eq!(connection.get("/").unwrap().status, 200);
    }

    #[test]
    fn what_is_no_answer_is_an_error_that_names_the_server() {
        let surplus = server(vec!["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n"]);
        let mut connection = Connection::new(surplus, Duration::from_secs(10));
        assert!(matches!(connection.get("/"), Err(ConnectionError::Surplus { .. })));
        let broken = server(vec!["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nclose"]);
        let error = Connection::new(broken, Duration::from_secs(10)).get("/").unwrap_err();
        assert_eq!(error.to_string(), format!("could not receive from {broken}: unexpected end of file"));
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Connection::new(unused, Duration::from_secs(10)).get("/").unwrap_err();
        assert!(error.to_string().starts_with(&format!("could not connect to {unused}: ")), "{error}");
    }
}
