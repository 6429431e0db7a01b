//! A log's files over HTTP.

use std::thread;
use std::time::Duration;

use ureq::http::header;

use super::SourceError;
use crate::fetch::is_tag;

/// What a server answered.
pub(super) enum Answer {
    Absent,
    New {
        bytes: Vec<u8>,
        etag: Option<String>,
    },
    /// The file has the tag that was sent.
    Unchanged,
}

#[derive(Debug)]
pub(super) struct Http {
    agent: ureq::Agent,
    /// Ends with a slash.
    root: String,
}

impl Http {
    pub(super) fn open(url: &str) -> Result<Self, SourceError> {
        let bad = || SourceError::Url { url: url.into() };
        let uri: ureq::http::Uri = url.parse().map_err(|_malformed| bad())?;
        if uri.host().is_none_or(str::is_empty) || url.contains(['?', '#', '@']) {
            return Err(bad());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .user_agent(concat!("sillok-client/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .max_idle_connections_per_host(super::PARALLEL_REQUESTS)
            .build()
            .new_agent();
        Ok(Self { agent, root: format!("{}/", url.trim_end_matches('/')) })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Asks up to [`ATTEMPTS`] times: a static file asked for twice is the same file.
    pub(super) fn get(&self, path: &str, tag: Option<&str>, limit: usize) -> Result<Answer, SourceError> {
        let url = self.url(path);
        let mut pause = FIRST_PAUSE;
        for _attempt in 1..ATTEMPTS {
            match self.attempt(&url, tag, limit) {
                Err(SourceError::Transport { .. }) => {}
                Err(SourceError::Status { status, .. }) if status == 429 || status >= 500 => {}
                other => return other,
            }
            thread::sleep(pause);
            pause *= 4;
        }
        self.attempt(&url, tag, limit)
    }

    fn attempt(&self, url: &str, tag: Option<&str>, limit: usize) -> Result<Answer, SourceError> {
        let transport = |source| SourceError::Transport { url: url.into(), source: Box::new(source) };
        let mut request = self.agent.get(url);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let mut response = request.call().map_err(transport)?;
        match response.status().as_u16() {
            200 => {}
            304 if tag.is_some() => return Ok(Answer::Unchanged),
            404 | 410 => return Ok(Answer::Absent),
            status => return Err(SourceError::Status { url: url.into(), status }),
        }
        let etag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let etag = etag.filter(|tag| is_tag(tag)).map(str::to_owned);
        let body_limit = u64::try_from(limit).unwrap_or(u64::MAX);
        match response.body_mut().with_config().limit(body_limit.saturating_add(1)).read_to_vec() {
            Ok(bytes) if bytes.len() <= limit => Ok(Answer::New { bytes, etag }),
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(SourceError::TooLong { what: url.into(), limit })
            }
            Err(error) => Err(transport(error)),
        }
    }
}

/// One for http to https, one for a moved prefix, one to spare.
const MAX_REDIRECTS: u32 = 3;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A bundle of the largest size, 16 MiB, over 5 Mbit/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// With the pauses below, 2.1 seconds: a restart of a server, not an outage.
const ATTEMPTS: u32 = 4;

/// Four times as long after each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
