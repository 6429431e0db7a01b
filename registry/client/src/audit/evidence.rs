//! Files of evidence: written whole, and read without believing anything of them.

use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;
use sillok_log::Hash;
use sillok_log::evidence::{self, Claim, Evidence, MAX_EVIDENCE_BYTES, Prefix, TYPE};
use sillok_log::note::VerifierKey;

use super::state::{StateError, replace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    r#type: String,
    claim: String,
    log: String,
    older: String,
    newer: String,
    prefix_root: Option<String>,
    #[serde(default)]
    consistency: Vec<String>,
}

/// Why a file shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceError {
    /// It is not of the form.
    Malformed {
        /// What is wrong.
        problem: String,
    },
    /// It does not show what it claims.
    Shown(evidence::Error),
}

impl std::fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed { problem } => write!(f, "evidence is malformed: {problem}"),
            Self::Shown(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EvidenceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { .. } => None,
            Self::Shown(error) => error.source(),
        }
    }
}

impl From<evidence::Error> for EvidenceError {
    fn from(error: evidence::Error) -> Self {
        Self::Shown(error)
    }
}

/// Writes a file of evidence, and makes its folder.
///
/// # Errors
/// [`StateError::Io`].
pub fn write_evidence(evidence: &Evidence, path: &Path, key: &VerifierKey) -> Result<(), StateError> {
    if let Some(folder) = path.parent() {
        let failed = |source| StateError::Io { operation: "make", path: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    replace(path, &mut |file| file.write_all(evidence.to_json(key).as_bytes()))
}

//= specs/audit.md#evidence
/// Reads a file of evidence, and the key of the log that it names: whoever relies on it compares that key with the one known.
///
/// # Errors
/// [`EvidenceError::Malformed`].
pub fn parse_evidence(text: &str) -> Result<(Evidence, VerifierKey), EvidenceError> {
    let malformed = |problem: String| EvidenceError::Malformed { problem };
    if text.len() > MAX_EVIDENCE_BYTES {
        return Err(malformed(format!("it is longer than {MAX_EVIDENCE_BYTES} bytes")));
    }
    let file: File = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    if file.r#type != TYPE {
        return Err(malformed(format!("its type is not {TYPE}")));
    }
    let claim = Claim::from_word(&file.claim)
        .ok_or_else(|| malformed("its claim is neither fork nor rollback".into()))?;
    let key = VerifierKey::parse(&file.log).map_err(|error| malformed(error.to_string()))?;
    let hash = |text: &String| {
        Hash::from_base64(text).ok_or_else(|| malformed("a hash is not base64 of 32 bytes".into()))
    };
    let proof = match &file.prefix_root {
        Some(root) => {
            let consistency = file.consistency.iter().map(hash).collect::<Result<_, _>>()?;
            Some(Prefix { root: hash(root)?, consistency })
        }
        None if file.consistency.is_empty() => None,
        None => return Err(malformed("it has a proof of no root".into())),
    };
    Ok((Evidence::new(claim, [&file.older, &file.newer], proof), key))
}
