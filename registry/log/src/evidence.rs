//! Pure. Two signed notes that one log must not have signed both: what an auditor, a mirror and a writer keep, in one form.
//!
//! # Out of scope
//! Reading the file, which takes a reader of JSON: `sillok-client`.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::Hash;
use crate::checkpoint::{self, Checkpoint};
use crate::merkle::{ProofError, check_consistency};
use crate::note::VerifierKey;

//= specs/audit.md#evidence
/// What a log did, in its own signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    claim: Claim,
    older: String,
    newer: String,
    proof: Option<Prefix>,
}

/// The first entries of the newer tree, as many as the older one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Their root.
    pub root: Hash,
    /// The consistency proof from that root to the newer one.
    pub consistency: Vec<Hash>,
}

/// What evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The log signed two histories. The evidence proves it to anybody.
    Fork,
    /// The log served a smaller checkpoint after a larger one. In which order is the word of whoever saw it.
    Rollback,
}

impl Claim {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Rollback => "rollback",
        }
    }

    /// Reads what [`Claim::word`] writes; `None` for any other text.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Fork, Self::Rollback].into_iter().find(|claim| claim.word() == word)
    }
}

impl Evidence {
    /// Evidence out of two signed notes, the older one first. Nothing is checked yet: [`Evidence::check`].
    #[must_use]
    pub fn new(claim: Claim, [older, newer]: [&str; 2], proof: Option<Prefix>) -> Self {
        Self { claim, older: older.into(), newer: newer.into(), proof }
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
        let key = key.to_string();
        let root = self.proof.as_ref().map(|proof| proof.root.to_base64());
        let mut members = Vec::from([
            ("type", TYPE),
            ("claim", self.claim.word()),
            ("log", &key),
            ("older", &self.older),
            ("newer", &self.newer),
        ]);
        members.extend(root.as_deref().map(|root| ("prefix_root", root)));
        let mut text = String::from("{");
        for (position, (name, value)) in members.into_iter().enumerate() {
            text.push_str(if position == 0 { "\n  " } else { ",\n  " });
            push_string(&mut text, name);
            text.push_str(": ");
            push_string(&mut text, value);
        }
        if let Some(Prefix { consistency, .. }) =
            self.proof.as_ref().filter(|proof| !proof.consistency.is_empty())
        {
            text.push_str(",\n  \"consistency\": [");
            for (position, hash) in consistency.iter().enumerate() {
                text.push_str(if position == 0 { "\n    " } else { ",\n    " });
                push_string(&mut text, &hash.to_base64());
            }
            text.push_str("\n  ]");
        }
        text.push_str("\n}\n");
        text
    }

    /// The name of the file: the same evidence is one file.
    #[must_use]
    pub fn file_name(&self, key: &VerifierKey) -> String {
        let digest = Hash(Sha256::digest(self.to_json(key)).into()).to_hex();
        let beginning: String = digest.chars().take(NAME_DIGITS).collect();
        format!("evidence-{beginning}.json")
    }

    /// Checks that both notes are the log's and that they show what is claimed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn check(&self, key: &VerifierKey) -> Result<[Checkpoint; 2], Error> {
        let open = |note| Checkpoint::open(note, key).map_err(Error::Note);
        let (older, newer) = (open(&self.older)?, open(&self.newer)?);
        let wrong = match (self.claim, &self.proof) {
            (Claim::Rollback, None) => older.size > newer.size,
            (Claim::Rollback, Some(_)) => false,
            (Claim::Fork, None) => older.size == newer.size && older.root != newer.root,
            (Claim::Fork, Some(Prefix { root, consistency })) => {
                check_consistency(older.size, root, newer.size, &newer.root, consistency)
                    .map_err(Error::Proof)?;
                older.size < newer.size && older.root != *root
            }
        };
        if wrong { Ok([older, newer]) } else { Err(Error::NothingWrong) }
    }
}

/// A string of JSON (RFC 8259 section 7), with the short escapes where there are some.
fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\u{0}'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Why evidence shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A note does not open under the log's key.
    Note(checkpoint::Error),
    /// The notes do not contradict each other.
    NothingWrong,
    /// The proof does not hold.
    Proof(ProofError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(error) => write!(f, "note in the evidence is not the log's: {error}"),
            Self::NothingWrong => f.write_str("notes in the evidence do not contradict each other"),
            Self::Proof(error) => write!(f, "proof in the evidence does not hold: {error}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Note(error) => Some(error),
            Self::Proof(error) => Some(error),
            Self::NothingWrong => None,
        }
    }
}

/// The form and its version.
pub const TYPE: &str = "sillok-evidence/v1";

/// Longest file in bytes: two notes of at most 64 KiB each, escaped, and a proof.
pub const MAX_EVIDENCE_BYTES: usize = 1 << 19;

/// Hexadecimal digits of the file's SHA-256 in its name.
const NAME_DIGITS: usize = 16;
