//! Two signed notes that one log must not have signed both, as a file that anybody can check again.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sillok_log::Hash;
use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::merkle::{ProofError, check_consistency};
use sillok_log::note::VerifierKey;

use super::history::Signed;
use super::state::{StateError, write_whole};

//= specs/audit.md#evidence
/// What a log did, in its own signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    claim: Claim,
    older: String,
    newer: String,
    proof: Option<(Hash, Vec<Hash>)>,
}

/// What evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// The log signed two histories. The evidence proves it to anybody.
    Fork,
    /// The log served a smaller checkpoint after a larger one. In which order is the word of whoever saw it.
    Rollback,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    r#type: String,
    claim: Claim,
    log: String,
    older: String,
    newer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_root: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consistency: Vec<String>,
}

/// Why evidence shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceError {
    /// It is not of the form.
    Malformed {
        /// What is wrong.
        problem: String,
    },
    /// A note does not open under the log's key.
    Note {
        /// What is wrong with it.
        source: checkpoint::Error,
    },
    /// The notes do not contradict each other.
    NothingWrong,
    /// The proof does not hold.
    Proof {
        /// What is wrong with it.
        source: ProofError,
    },
}

impl std::fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed { problem } => write!(f, "evidence is malformed: {problem}"),
            Self::Note { source } => write!(f, "note in the evidence is not the log's: {source}"),
            Self::NothingWrong => f.write_str("notes in the evidence do not contradict each other"),
            Self::Proof { source } => write!(f, "proof in the evidence does not hold: {source}"),
        }
    }
}

impl std::error::Error for EvidenceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Note { source } => Some(source),
            Self::Proof { source } => Some(source),
            Self::Malformed { .. } | Self::NothingWrong => None,
        }
    }
}

impl Evidence {
    pub(super) fn new(
        claim: Claim,
        older: &Signed,
        newer: &Signed,
        proof: Option<(Hash, Vec<Hash>)>,
    ) -> Self {
        Self { claim, older: older.note.clone(), newer: newer.note.clone(), proof }
    }

    /// What it says.
    #[must_use]
    pub const fn claim(&self) -> Claim {
        self.claim
    }

    /// The two notes, the one of the older history first.
    #[must_use]
    pub fn notes(&self) -> [&str; 2] {
        [&self.older, &self.newer]
    }

    /// The file, with the key of the log.
    #[must_use]
    pub fn to_json(&self, key: &VerifierKey) -> String {
        let (prefix_root, consistency) = match &self.proof {
            Some((root, proof)) => (Some(root.to_base64()), proof.iter().map(Hash::to_base64).collect()),
            None => (None, Vec::new()),
        };
        let file = File {
            r#type: TYPE.into(),
            claim: self.claim,
            log: key.to_string(),
            older: self.older.clone(),
            newer: self.newer.clone(),
            prefix_root,
            consistency,
        };
        // Strings and an enum without data: nothing that JSON cannot say.
        serde_json::to_string_pretty(&file).map(|text| text + "\n").unwrap_or_default()
    }

    /// The name of the file: the same evidence is one file.
    #[must_use]
    pub fn file_name(&self, key: &VerifierKey) -> String {
        let digest = Sha256::digest(self.to_json(key));
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("evidence-{hex}.json")
    }

    /// Writes the file, and makes its folder.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn write(&self, path: &Path, key: &VerifierKey) -> Result<(), StateError> {
        if let Some(folder) = path.parent() {
            let failed = |source| StateError::Io { operation: "make", path: folder.into(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        write_whole(path, &[self.to_json(key).as_bytes()])
    }

    /// Reads a file, and the key of the log that it names: whoever relies on it compares that key with the one known.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`].
    pub fn parse(text: &str) -> Result<(Self, VerifierKey), EvidenceError> {
        let malformed = |problem: String| EvidenceError::Malformed { problem };
        if text.len() > MAX_EVIDENCE_BYTES {
            return Err(malformed(format!("it is longer than {MAX_EVIDENCE_BYTES} bytes")));
        }
        let file: File = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if file.r#type != TYPE {
            return Err(malformed(format!("its type is not {TYPE}")));
        }
        let key = VerifierKey::parse(&file.log).map_err(|error| malformed(error.to_string()))?;
        let hash = |text: &String| {
            Hash::from_base64(text).ok_or_else(|| malformed("a hash is not base64 of 32 bytes".into()))
        };
        let proof = match &file.prefix_root {
            Some(root) => Some((hash(root)?, file.consistency.iter().map(hash).collect::<Result<_, _>>()?)),
            None if file.consistency.is_empty() => None,
            None => return Err(malformed("it has a proof of no root".into())),
        };
        Ok((Self { claim: file.claim, older: file.older, newer: file.newer, proof }, key))
    }

    /// Checks that both notes are the log's and that they show what is claimed.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn check(&self, key: &VerifierKey) -> Result<[Checkpoint; 2], EvidenceError> {
        let open = |note| Checkpoint::open(note, key).map_err(|source| EvidenceError::Note { source });
        let (older, newer) = (open(&self.older)?, open(&self.newer)?);
        let wrong = match (self.claim, &self.proof) {
            (Claim::Rollback, None) => older.size > newer.size,
            (Claim::Rollback, Some(_)) => false,
            (Claim::Fork, None) => older.size == newer.size && older.root != newer.root,
            (Claim::Fork, Some((root, proof))) => {
                check_consistency(older.size, root, newer.size, &newer.root, proof)
                    .map_err(|source| EvidenceError::Proof { source })?;
                older.size < newer.size && older.root != *root
            }
        };
        if wrong { Ok([older, newer]) } else { Err(EvidenceError::NothingWrong) }
    }
}

/// The form and its version.
const TYPE: &str = "sillok-evidence/v1";

/// Two notes of at most 64 KiB, escaped, and a proof.
const MAX_EVIDENCE_BYTES: usize = 1 << 19;
