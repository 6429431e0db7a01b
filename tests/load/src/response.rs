//! Answers of an HTTP/1.1 server, read strictly and within limits: what a load tool misreads it reports wrongly.

use std::fmt;

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// `Retry-After` in seconds; a date there is an error.
    pub retry_after_seconds: Option<u64>,
    /// Whether the server ends the connection after this answer.
    pub closes: bool,
    /// Bytes of the head, the empty line included.
    pub head_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
}

impl Head {
    /// Reads a head at the beginning of `bytes`; nothing if more of it has to arrive.
    ///
    /// # Errors
    /// It is no head of HTTP/1.1 with a `Content-Length`, or exceeds a limit.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, ResponseError> {
        let window = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
        let Some(end) = window.windows(END.len()).position(|four| four == END) else {
            return if bytes.len() < MAX_HEAD_BYTES { Ok(None) } else { Err(ResponseError::HeadTooLong) };
        };
        let bad = |line: &[u8]| ResponseError::Line { line: shown(line) };
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_not_text| bad(&bytes[..end]))?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next());
        let status = status.filter(|digits| digits.len() == 3).and_then(number);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| bad(first.as_bytes()))?;
        let head_bytes = end + END.len();
        let mut head = Self { status, retry_after_seconds: None, closes: false, head_bytes, body_bytes: 0 };
        let mut length = None;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| bad(line.as_bytes()))?;
            let value = value.trim_matches([' ', '\t']);
            if name.eq_ignore_ascii_case("content-length") {
                let told = number(value).ok_or_else(|| bad(line.as_bytes()))?;
                if length.replace(told).is_some_and(|before| before != told) {
                    return Err(bad(line.as_bytes()));
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(bad(line.as_bytes()));
            } else if name.eq_ignore_ascii_case("retry-after") {
                head.retry_after_seconds = Some(number(value).ok_or_else(|| bad(line.as_bytes()))?);
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes |= value.eq_ignore_ascii_case("close");
            }
        }
        let bodiless = status == 204 || status == 304;
        let told = length.or_else(|| bodiless.then_some(0)).ok_or(ResponseError::NoLength)?;
        head.body_bytes = usize::try_from(told).map_err(|_huge| ResponseError::BodyTooLong { told })?;
        if head.body_bytes > MAX_BODY_BYTES {
            return Err(ResponseError::BodyTooLong { told });
        }
        Ok(Some(head))
    }

    /// Bytes of the whole answer.
    #[must_use]
    pub const fn total_bytes(&self) -> usize {
        self.head_bytes.saturating_add(self.body_bytes)
    }
}

/// Decimal digits and nothing else; `str::parse` takes a sign.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(MAX_SHOWN_BYTES)]).into_owned()
}

/// Writes a request: `Host`, `Content-Length` if it has a body or may have one, and `headers`.
pub fn write_request(
    into: &mut Vec<u8>,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) {
    for part in [method, " ", path, " HTTP/1.1\r\nHost: ", host, "\r\n"] {
        into.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            into.extend_from_slice(part.as_bytes());
        }
    }
    if method != "GET" && method != "HEAD" {
        into.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    into.extend_from_slice(b"\r\n");
    into.extend_from_slice(body);
}

/// Why an answer could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The body is longer than is read.
    BodyTooLong {
        /// The length that the server told.
        told: u64,
    },
    /// The head is longer than is read.
    HeadTooLong,
    /// A line of the head is not what it must be.
    Line {
        /// Its beginning.
        line: String,
    },
    /// The length of the body is not told.
    NoLength,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyTooLong { told } => {
                write!(f, "answer has a body of {told} bytes, more than {MAX_BODY_BYTES}")
            }
            Self::HeadTooLong => write!(f, "answer has a head of more than {MAX_HEAD_BYTES} bytes"),
            Self::Line { line } => write!(f, "answer has the line {line:?} in its head"),
            Self::NoLength => f.write_str("answer does not tell the length of its body"),
        }
    }
}

impl std::error::Error for ResponseError {}

const END: &[u8] = b"\r\n\r\n";

/// Twice what nginx takes from the servers behind it by default (`proxy_buffer_size`).
pub const MAX_HEAD_BYTES: usize = 16 << 10;

/// A full bundle of the longest entries (C2SP tlog-tiles), the largest answer of a log.
pub const MAX_BODY_BYTES: usize = 256 * (2 + 65_535);

/// How much of a strange line an error shows.
const MAX_SHOWN_BYTES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
        let head = Head::parse(text).unwrap().unwrap();
        let head_bytes = text.len() - 2;
        let expected =
            Head { status: 503, retry_after_seconds: Some(7), closes: true, head_bytes, body_bytes: 2 };
        assert_eq!(head, expected);
        assert_eq!(head.total_bytes(), text.len());
        for cut in 0..head_bytes {
            assert_eq!(Head::parse(&text[..cut]).unwrap(), None, "{cut} bytes");
        }
    }

    #[test]
    fn what_is_not_strictly_a_head_is_refused() {
        for text in [
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 16777473\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ] {
            assert!(Head::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(Head::parse(&[b'x'; MAX_HEAD_BYTES]), Err(ResponseError::HeadTooLong));
    }

    #[test]
    fn a_request_tells_its_length_where_it_may_have_a_body() {
        let mut bytes = Vec::new();
        write_request(&mut bytes, "h:1", "POST", "/add", &[("A", "b")], b"x");
        assert_eq!(bytes, b"POST /add HTTP/1.1\r\nHost: h:1\r\nA: b\r\nContent-Length: 1\r\n\r\nx");
        bytes.clear();
        write_request(&mut bytes, "h:1", "GET", "/checkpoint", &[], b"");
        assert_eq!(bytes, b"GET /checkpoint HTTP/1.1\r\nHost: h:1\r\n\r\n");
    }
}
