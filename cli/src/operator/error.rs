//! Why an issuer did not do what it was asked.

use serde_json::Value;

/// Problem details of RFC 9457, or the error of a token endpoint (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Problem {
    /// Reads what there is of it; a proxy may have answered anything.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        Self::of(status, &body)
    }

    /// The same of a body that was read.
    pub(crate) fn of(status: u16, body: &Value) -> Self {
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| body.get(*name)?.as_str());
            found.map(|text| text.chars().take(MAX_TEXT).collect::<String>())
        };
        Self {
            status,
            code: text(["code", "error"]).unwrap_or_else(|| "none".into()),
            detail: text(["detail", "error_description"]).unwrap_or_else(|| "no detail".into()),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, HTTP {})", self.detail, self.code, self.status)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Error {
    /// The answer is not what the interface describes.
    Answer { url: String, problem: String },
    /// It was busy for longer than patience.
    Busy(Problem),
    /// The client is not known, or not allowed to do this.
    Denied(Problem),
    /// The request is refused.
    Refused(Problem),
    /// There is no randomness for an assertion.
    Sign(getrandom::Error),
    /// Nobody answers.
    Transport { url: String, source: Box<ureq::Error> },
}

impl Error {
    pub(super) fn transport(url: &str, source: ureq::Error) -> Self {
        Self::Transport { url: url.into(), source: Box::new(source) }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { url, problem } => write!(f, "answer of {url} is not understood: {problem}"),
            Self::Busy(problem) => write!(f, "issuer is busy: {problem}"),
            Self::Denied(problem) => write!(f, "issuer gives the operator no token: {problem}"),
            Self::Refused(problem) => write!(f, "issuer refuses: {problem}"),
            Self::Sign(error) => write!(f, "could not draw the id of an assertion: {error}"),
            Self::Transport { url, source } => write!(f, "could not reach {url}: {source}"),
        }
    }
}

impl std::error::Error for Error {}

/// Longest text of a problem that is shown, in characters.
const MAX_TEXT: usize = 1_000;
