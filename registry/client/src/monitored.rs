//! Pure. What a monitor remembers, as text: what it told, a line each, and the newest checkpoint that it saw.

use serde::{Deserialize, Serialize};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::{Hash, UnixSeconds};

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It has passed.
    Cleared,
    /// It was found.
    Found,
}

//= specs/audit.md#monitor
/// A line of `findings.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What became of it.
    pub event: Event,
    /// When it was told, in seconds since 1970.
    pub time: u64,
    /// The stable code.
    pub code: String,
    /// The entry that it is about, if it is about one.
    pub at: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl Line {
    /// Reads a line, with or without its end; `None` for one that a crash cut off, or that somebody else wrote.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The line, without its end.
    ///
    /// # Errors
    /// None that there is: texts and numbers can be written.
    pub fn encode(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// `observed.json`: a checkpoint, and since when it has been the newest by the own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Since when.
    pub since: UnixSeconds,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    size: u64,
    root: String,
    since: u64,
}

impl Observed {
    /// Reads what [`Observed::encode`] writes; `None` for anything else: then a checkpoint is new.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let Saved { size, root, since } = serde_json::from_slice(text).ok()?;
        Some(Self { size, root: Hash::from_base64(&root)?, since: UnixSeconds(since) })
    }

    /// The file.
    ///
    /// # Errors
    /// None that there is: texts and numbers can be written.
    pub fn encode(&self) -> serde_json::Result<String> {
        let Self { size, root, since } = self;
        serde_json::to_string(&Saved { size: *size, root: root.to_base64(), since: since.0 })
    }

    /// Whether this is what it saw.
    #[must_use]
    pub fn is_of(&self, checkpoint: &Checkpoint) -> bool {
        (self.size, self.root) == (checkpoint.size.0, checkpoint.root)
    }
}
