//! Looking at a log that nobody writes: what a check of its files asks first.

use std::path::Path;

use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::note::VerifierKey;

use crate::sequencer::{Fatal, Head, Signed, recover};
use crate::store::{FileHeads, Heads as _};

/// What the head of a log says. While it lives, no other process writes the log.
pub struct Inspection {
    /// Whether the log's entries have rules.
    pub kind: LogKind,
    /// When it last signed.
    pub time: UnixSeconds,
    /// What it last signed.
    pub signed: Signed,
    /// Whether it never signs again.
    pub frozen: bool,
    /// Holds the lock.
    heads: FileHeads,
}

impl Inspection {
    /// Locks the log and reads its head. It changes nothing.
    ///
    /// # Errors
    /// The head is missing, empty, damaged or not signed by `key`, or another process has the log open.
    pub fn open(head: &Path, key: &VerifierKey) -> Result<Self, Fatal> {
        let heads = FileHeads::open(head).map_err(Fatal::store("opening the head"))?;
        let record = heads.read().map_err(Fatal::store("reading the head"))?.ok_or(Fatal::HeadEmpty)?;
        let Head { kind, time, signed, frozen } = Head::open(&record, key)?;
        Ok(Self { kind, time, signed, frozen, heads })
    }

    //= specs/log.md#freezing
    /// Freezes the log, for ever. To do it again changes nothing.
    ///
    /// # Errors
    /// The head cannot be replaced, or whether it was cannot be found out.
    pub fn freeze(&mut self, key: &VerifierKey) -> Result<(), Fatal> {
        recover::freeze(&self.heads, key)?;
        self.frozen = true;
        Ok(())
    }
}
