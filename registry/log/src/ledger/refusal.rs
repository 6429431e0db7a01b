//! Pure. Which rule of the ledger an entry breaks.

use core::fmt;

use crate::entry::{Document, EntryKind, ListId, OriginHash, StatusValue, Thumbprint};
use crate::{Hash, LeafIndex, TreeSize};

/// Which rule of the ledger an entry breaks; one code each, as in the table of specs/entry.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A document's sequence does not rise by one.
    BundleSequence {
        /// The document.
        document: Document,
        /// The next sequence.
        expected: u64,
        /// The sequence found.
        found: u64,
    },
    /// An earlier issue entry has the same commitment. Raised by whoever keeps the commitments.
    IssueDuplicate {
        /// The commitment.
        commitment: Hash,
    },
    /// The key of an issue entry was never added, is retired or is compromised.
    IssueKeyNotActive {
        /// The key.
        key: Thumbprint,
    },
    /// A key is added a second time.
    KeyAlreadyAdded {
        /// The key.
        key: Thumbprint,
    },
    /// A compromise lets pass what the retirement had cut off.
    KeyCutGrows {
        /// The log.
        origin: OriginHash,
        /// The cut found.
        found: TreeSize,
    },
    /// A key that is retired is not active, or is another issuer's.
    KeyNotActive {
        /// The key.
        key: Thumbprint,
    },
    /// A key that is compromised is unknown, compromised already, or another issuer's.
    KeyNotCompromisable {
        /// The key.
        key: Thumbprint,
    },
    /// A list is declared a second time.
    ListDuplicate {
        /// The list.
        list: ListId,
    },
    /// The submitter may not append this entry.
    NotAuthorised {
        /// The kind of the entry.
        kind: EntryKind,
    },
    /// The digest of a snapshot is not that of the fold.
    SnapshotDigest {
        /// The list.
        list: ListId,
        /// The digest found.
        found: Hash,
    },
    /// The fold of a snapshot reaches beyond the snapshot itself, or beyond what its log had committed.
    SnapshotFoldTooLarge {
        /// The fold size found.
        fold_size: TreeSize,
        /// The largest fold size: the snapshot's own index, or the committed size.
        index: LeafIndex,
    },
    /// The fold of a snapshot does not cover the list's previous snapshot, or the list entry.
    SnapshotFoldTooSmall {
        /// The fold size found.
        fold_size: TreeSize,
        /// What it must exceed.
        above: LeafIndex,
    },
    /// A list's sequence does not rise by one.
    SnapshotSequence {
        /// The next sequence.
        expected: u64,
        /// The sequence found.
        found: u64,
    },
    /// The list of a snapshot was not declared.
    SnapshotUnknownList {
        /// The list.
        list: ListId,
    },
    /// The list has no such slot.
    StatusIndexRange {
        /// The slot.
        index: u32,
        /// How many slots the list has.
        size: u64,
    },
    /// The slot has this value already.
    StatusNoChange {
        /// The slot.
        index: u32,
        /// The value.
        value: StatusValue,
    },
    /// The change number is not the next one of the slot.
    StatusOutOfOrder {
        /// The slot.
        index: u32,
        /// The next number.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// The slot is revoked and stays so.
    StatusRevokedIsTerminal {
        /// The slot.
        index: u32,
    },
    /// The list of a status entry was not declared.
    StatusUnknownList {
        /// The list.
        list: ListId,
    },
}

impl Refusal {
    /// The stable code of the rule.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BundleSequence { .. } => "bundle.sequence",
            Self::IssueDuplicate { .. } => "issue.duplicate",
            Self::IssueKeyNotActive { .. } => "issue.key-not-active",
            Self::KeyAlreadyAdded { .. } => "key.already-added",
            Self::KeyCutGrows { .. } => "key.cut-grows",
            Self::KeyNotActive { .. } => "key.not-active",
            Self::KeyNotCompromisable { .. } => "key.not-compromisable",
            Self::ListDuplicate { .. } => "list.duplicate",
            Self::NotAuthorised { .. } => "submitter.not-authorised",
            Self::SnapshotDigest { .. } => "snapshot.digest",
            Self::SnapshotFoldTooLarge { .. } => "snapshot.fold-too-large",
            Self::SnapshotFoldTooSmall { .. } => "snapshot.fold-too-small",
            Self::SnapshotSequence { .. } => "snapshot.sequence",
            Self::SnapshotUnknownList { .. } => "snapshot.unknown-list",
            Self::StatusIndexRange { .. } => "status.index-range",
            Self::StatusNoChange { .. } => "status.no-change",
            Self::StatusOutOfOrder { .. } => "status.out-of-order",
            Self::StatusRevokedIsTerminal { .. } => "status.revoked-is-terminal",
            Self::StatusUnknownList { .. } => "status.unknown-list",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BundleSequence { document, expected, found } => {
                write!(f, "bundle entry for {document} has the sequence {found}, not {expected}")
            }
            Self::IssueDuplicate { commitment } => {
                write!(f, "issue entry repeats the commitment {commitment}")
            }
            Self::IssueKeyNotActive { key } => {
                write!(f, "issue entry names the key {key}, which is not active")
            }
            Self::KeyAlreadyAdded { key } => write!(f, "key entry adds the key {key} a second time"),
            Self::KeyCutGrows { origin, found } => {
                write!(f, "key entry raises the cut of a retired key to {found} in the log {origin}")
            }
            Self::KeyNotActive { key } => {
                write!(f, "key entry retires the key {key}, which is not an active key of this issuer")
            }
            Self::KeyNotCompromisable { key } => write!(
                f,
                "key entry compromises the key {key}, which is not an active or retired key of this issuer"
            ),
            Self::ListDuplicate { list } => write!(f, "list entry declares the list {list} a second time"),
            Self::NotAuthorised { kind } => write!(f, "submitter may not append this {kind} entry"),
            Self::SnapshotDigest { list, found } => {
                write!(
                    f,
                    "snapshot entry of the list {list} has the digest {found}, which is not that of the fold"
                )
            }
            Self::SnapshotFoldTooLarge { fold_size, index } => {
                write!(f, "snapshot entry folds up to {fold_size}, and may up to {index}")
            }
            Self::SnapshotFoldTooSmall { fold_size, above } => {
                write!(f, "snapshot entry folds up to {fold_size} and must cover the entry at {above}")
            }
            Self::SnapshotSequence { expected, found } => {
                write!(f, "snapshot entry has the sequence {found}, not {expected}")
            }
            Self::SnapshotUnknownList { list } => {
                write!(f, "snapshot entry names the list {list}, which was not declared")
            }
            Self::StatusIndexRange { index, size } => {
                write!(f, "status entry names slot {index} of a list that has {size}")
            }
            Self::StatusNoChange { index, value } => {
                write!(f, "status entry makes slot {index} {value}, which it is")
            }
            Self::StatusOutOfOrder { index, expected, found } => {
                write!(f, "status entry is change {found} of slot {index}, not {expected}")
            }
            Self::StatusRevokedIsTerminal { index } => {
                write!(f, "status entry changes slot {index}, which is revoked for good")
            }
            Self::StatusUnknownList { list } => {
                write!(f, "status entry names the list {list}, which was not declared")
            }
        }
    }
}

impl core::error::Error for Refusal {}
