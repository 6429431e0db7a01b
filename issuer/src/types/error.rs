//! Why a credential type is not loaded, and why claims are refused. Neither repeats a claim's value.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a credential type is not loaded.
#[derive(Debug)]
pub enum TypeError {
    /// Two types have one name, or issue one `type`.
    Duplicate {
        /// The name.
        name: String,
    },
    /// The operating system refused an operation.
    Io {
        /// The operation, as a verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The text is no description of a credential type.
    Malformed {
        /// The file, or the name of a built-in type.
        origin: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { name } => write!(f, "credential type {name} is described twice"),
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Self::Malformed { origin, problem } => {
                write!(f, "{origin} does not describe a credential type: {problem}")
            }
        }
    }
}

impl std::error::Error for TypeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Duplicate { .. } | Self::Malformed { .. } => None,
        }
    }
}

/// Why claims are not those of a type. It names the place and the rule, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError {
    /// JSON Pointer (RFC 6901) of the first claim that breaks a rule; empty for the claims themselves.
    pub pointer: String,
    /// The rule: a keyword of JSON Schema (`required`, `pattern`, …), or `json` for a text that is no acceptable JSON.
    pub keyword: String,
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pointer.as_str(), self.keyword.as_str()) {
            ("", keyword) => write!(f, "claims break the rule {keyword}"),
            (pointer, keyword) => write!(f, "claim {pointer} breaks the rule {keyword}"),
        }
    }
}

impl std::error::Error for ClaimsError {}
