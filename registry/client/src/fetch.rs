//! Fetching a published file if it has changed: one request at a time, asked once, bounded.
//!
//! When to ask again is the caller's ([`refresh`](crate::refresh)): a client that tries again by itself is half of a stampede.

use std::time::Duration;

use ureq::http::{HeaderMap, header};

use crate::source::SourceError;

mod date;

/// Fetches files of one server. `&mut self`: there is never more than one request under way.
#[derive(Debug)]
pub struct Fetcher {
    agent: ureq::Agent,
    /// Ends with a slash.
    root: String,
}

/// What a server answered. Nobody has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetched {
    /// It has no such file.
    Absent,
    /// The file is the one with the tag that was sent.
    Unchanged,
    /// The file.
    New {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its tag, to ask with next time.
        etag: Option<String>,
    },
}

impl Fetcher {
    /// Fetches below a URL (`http://` or `https://`). It connects to nothing yet.
    ///
    /// # Errors
    /// [`SourceError::Url`].
    pub fn open(url: &str) -> Result<Self, FetchError> {
        let bad = || FetchError::Source(SourceError::Url { url: url.into() });
        let web = url.starts_with("http://") || url.starts_with("https://");
        let uri: ureq::http::Uri = url.parse().map_err(|_malformed| bad())?;
        if !web || uri.host().is_none_or(str::is_empty) || url.contains(['?', '#', '@']) {
            return Err(bad());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .user_agent(concat!("sillok-client/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build()
            .new_agent();
        Ok(Self { agent, root: format!("{}/", url.trim_end_matches('/')) })
    }

    /// The file at `path`, of at most `limit` bytes, unless it is the one with this tag.
    ///
    /// # Errors
    /// [`FetchError`]. Nothing is asked twice.
    pub fn get(&mut self, path: &str, etag: Option<&str>, limit: usize) -> Result<Fetched, FetchError> {
        let url = format!("{}{path}", self.root);
        let transport = |source| {
            FetchError::Source(SourceError::Transport { url: url.clone(), source: Box::new(source) })
        };
        let mut request = self.agent.get(&url);
        if let Some(etag) = etag.filter(|etag| is_tag(etag)) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let mut response = request.call().map_err(transport)?;
        let status = response.status().as_u16();
        match status {
            200 => {}
            304 if etag.is_some() => return Ok(Fetched::Unchanged),
            404 | 410 => return Ok(Fetched::Absent),
            _refused => {
                return Err(FetchError::Status { url, status, retry_after: retry_after(response.headers()) });
            }
        }
        let etag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let etag = etag.filter(|tag| is_tag(tag)).map(str::to_owned);
        let body_limit = u64::try_from(limit).unwrap_or(u64::MAX);
        match response.body_mut().with_config().limit(body_limit.saturating_add(1)).read_to_vec() {
            Ok(bytes) if bytes.len() <= limit => Ok(Fetched::New { bytes, etag }),
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(FetchError::Source(SourceError::TooLong { what: url, limit }))
            }
            Err(error) => Err(transport(error)),
        }
    }
}

/// Whether a text is one entity tag (RFC 9110 section 8.8.3), short enough to be kept.
pub(crate) fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    text.len() <= MAX_TAG_BYTES
        && inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// Seconds from now, or a date beside the server's own `Date` (RFC 9110 section 10.2.3): two times of one clock, so that
/// nobody else's need be right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let value = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (then, now) = (date::parse(value)?, date::parse(text(header::DATE)?)?);
    Some(Duration::from_secs(then.saturating_sub(now)))
}

/// Why a file was not fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The server could not be reached, or its answer not be read.
    Source(SourceError),
    /// The server refused.
    Status {
        /// What it was asked for.
        url: String,
        /// What it answered.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl FetchError {
    /// When the server wants to be asked again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Source(_) => None,
            Self::Status { retry_after, .. } => *retry_after,
        }
    }
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Status { url, status, retry_after: None } => write!(f, "fetching {url}: status {status}"),
            Self::Status { url, status, retry_after: Some(wait) } => {
                write!(f, "fetching {url}: status {status}, to be asked again in {} s", wait.as_secs())
            }
        }
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Source(error) => Some(error),
            Self::Status { .. } => None,
        }
    }
}

/// One for http to https, one for a moved prefix, one to spare.
const MAX_REDIRECTS: u32 = 3;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A trust bundle of the largest size, 64 MiB, over 5 Mbit/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest entity tag that is sent back: more than a SHA-256 in quotes.
const MAX_TAG_BYTES: usize = 200;
