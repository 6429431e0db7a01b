//! Pure. The one-byte codes of entries.

use core::fmt;

/// The six kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// One credential was issued.
    Issue,
    /// One slot of a list changed.
    Status,
    /// The state of a list, as published.
    Snapshot,
    /// A status list exists.
    List,
    /// A key is added, retired or compromised.
    Key,
    /// A trust document is in force.
    Bundle,
}

impl EntryKind {
    /// The kinds in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Issue, Self::Status, Self::Snapshot, Self::List, Self::Key, Self::Bundle];

    /// The byte that says it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Issue => 1,
            Self::Status => 2,
            Self::Snapshot => 3,
            Self::List => 4,
            Self::Key => 5,
            Self::Bundle => 6,
        }
    }

    /// The kind that a byte says.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Issue),
            2 => Some(Self::Status),
            3 => Some(Self::Snapshot),
            4 => Some(Self::List),
            5 => Some(Self::Key),
            6 => Some(Self::Bundle),
            _ => None,
        }
    }

    /// The word of specs/entry.md for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Status => "status",
            Self::Snapshot => "snapshot",
            Self::List => "list",
            Self::Key => "key",
            Self::Bundle => "bundle",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a slot says about its credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusValue {
    /// Neither revoked nor suspended: what every slot says before its first change.
    #[default]
    Valid,
    /// Withdrawn for good.
    Revoked,
    /// Withdrawn for now.
    Suspended,
}

impl StatusValue {
    /// The byte that says it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Revoked => 1,
            Self::Suspended => 2,
        }
    }

    /// The value that a byte says.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Valid),
            1 => Some(Self::Revoked),
            2 => Some(Self::Suspended),
            _ => None,
        }
    }
}

impl fmt::Display for StatusValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
        })
    }
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyEvent {
    /// It may sign from now on.
    Added,
    /// It signs no more; what it signed below its cuts stays good.
    Retired,
    /// Somebody else may have it; what it signed below its cuts stays good.
    Compromised,
}

impl KeyEvent {
    /// The byte that says it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Added => 1,
            Self::Retired => 2,
            Self::Compromised => 3,
        }
    }

    /// The event that a byte says.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Added),
            2 => Some(Self::Retired),
            3 => Some(Self::Compromised),
            _ => None,
        }
    }
}

/// Which trust document a bundle entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {
    /// Keys, policies and cuts, signed by people.
    Root,
    /// Snapshots and landmarks, signed by a machine.
    Feed,
}

impl Document {
    /// The byte that says it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Root => 1,
            Self::Feed => 2,
        }
    }

    /// The document that a byte says.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Root),
            2 => Some(Self::Feed),
            _ => None,
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Feed => "feed",
        })
    }
}
