//! Pure. The text of a policy: lines of octets, names defined before they are used (C2SP tlog-policy, "Policy
//! file syntax and structure").

use alloc::vec::Vec;
use core::fmt;

use super::{Group, Log, Member, Policy, Witness};
use crate::note::{KeyError, SignatureKind, VerifierKey};
use crate::number::parse_decimal;

impl Policy {
    /// Reads a policy. Names, URLs and comments are octets; only the keys must be UTF-8.
    ///
    /// # Errors
    /// The first line that breaks the syntax, defines what is defined, uses what is not, repeats a key, or goes
    /// over a limit; a text without exactly one `quorum` line.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(ParseError { line: 0, problem: Problem::TooLong { bytes: text.len() } });
        }
        let mut parser = Parser::default();
        let mut line = 0_usize;
        for content in text.split_inclusive(|&octet| octet == b'\n') {
            line = line.saturating_add(1);
            // A file cut short could end in a shorter, valid name: `quorum one-of` for `quorum one-of-each`.
            content
                .strip_suffix(b"\n")
                .ok_or(Problem::Unterminated)
                .and_then(|content| parser.line(content))
                .map_err(|problem| ParseError { line, problem })?;
        }
        let quorum = parser.quorum.ok_or(ParseError { line, problem: Problem::NoQuorum })?;
        Ok(Self { logs: parser.logs, witnesses: parser.witnesses, groups: parser.groups, quorum })
    }
}

#[derive(Default)]
struct Parser {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    names: Vec<Name>,
    quorum: Option<Option<Member>>,
}

struct Name {
    octets: Vec<u8>,
    member: Member,
    // A name is a member of one group at most, so that no witness counts twice.
    grouped: bool,
}

impl Parser {
    fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        if let Some(&octet) = line.iter().find(|&&octet| !matches!(octet, b'\t' | 0x20..=0x7E | 0x80..)) {
            return Err(Problem::Octet { octet });
        }
        let items: Vec<&[u8]> =
            line.split(|octet| matches!(octet, b' ' | b'\t')).filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(Problem::Items { count: items.len() }),
            _other => Err(Problem::Keyword),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), Problem> {
        let key = parse_key(key, |kind| kind == SignatureKind::Ed25519)?;
        if self.logs.len() >= MAX_LOGS {
            return Err(Problem::TooManyLogs);
        }
        if self.logs.iter().any(|log| log.key.public_bytes() == key.public_bytes()) {
            return Err(Problem::DuplicateLog);
        }
        self.check_collision(&key)?;
        self.logs.push(Log { key, url: url.map(Vec::from) });
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), Problem> {
        let key = parse_key(key, SignatureKind::cosigns)?;
        if self.witnesses.len() >= MAX_WITNESSES {
            return Err(Problem::TooManyWitnesses);
        }
        if self.witnesses.iter().any(|witness| witness.key.public_bytes() == key.public_bytes()) {
            return Err(Problem::DuplicateWitness);
        }
        self.check_collision(&key)?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(Witness { name: name.into(), key, url: url.map(Vec::from) });
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), Problem> {
        if self.groups.len() >= MAX_GROUPS {
            return Err(Problem::TooManyGroups);
        }
        if members.is_empty() {
            return Err(Problem::NoMembers);
        }
        let threshold = match threshold {
            b"all" => members.len(),
            b"any" => 1,
            number => parse_threshold(number, members.len())?,
        };
        let members = members.iter().map(|member| self.join(member)).collect::<Result<_, _>>()?;
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name: name.into(), threshold, members });
        Ok(())
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), Problem> {
        if self.quorum.is_some() {
            return Err(Problem::SecondQuorum);
        }
        let known = || self.names.iter().find(|known| known.octets == name).map(|known| known.member);
        let quorum = if name == NONE { None } else { Some(known().ok_or(Problem::UndefinedName)?) };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), Problem> {
        if name == NONE || self.names.iter().any(|known| known.octets == name) {
            return Err(Problem::DefinedName);
        }
        self.names.push(Name { octets: name.into(), member, grouped: false });
        Ok(())
    }

    fn join(&mut self, name: &[u8]) -> Result<Member, Problem> {
        let known = self.names.iter_mut().find(|known| known.octets == name).ok_or(Problem::UndefinedName)?;
        if known.grouped {
            return Err(Problem::SecondMembership);
        }
        known.grouped = true;
        Ok(known.member)
    }

    /// Two keys with one name and ID cannot be told apart in a note; IDs are short enough to collide on purpose.
    fn check_collision(&self, key: &VerifierKey) -> Result<(), Problem> {
        let logs = self.logs.iter().map(|log| &log.key);
        let mut known = logs.chain(self.witnesses.iter().map(|witness| &witness.key));
        if known.any(|known| known.key_id() == key.key_id() && known.name() == key.name()) {
            return Err(Problem::CollidingKey);
        }
        Ok(())
    }
}

fn parse_key(text: &[u8], fits: impl FnOnce(SignatureKind) -> bool) -> Result<VerifierKey, Problem> {
    let text = core::str::from_utf8(text).map_err(|_invalid| Problem::KeyUtf8)?;
    let key = VerifierKey::parse(text).map_err(Problem::Key)?;
    if fits(key.kind()) { Ok(key) } else { Err(Problem::KeyKind { found: key.kind() }) }
}

fn parse_threshold(text: &[u8], members: usize) -> Result<usize, Problem> {
    core::str::from_utf8(text)
        .ok()
        .and_then(parse_decimal)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| (1..=members).contains(number))
        .ok_or(Problem::Threshold { members })
}

/// Where a policy is refused and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a policy's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A key has the name and ID of another key of the policy.
    CollidingKey,
    /// The name is defined already, or is `none`.
    DefinedName,
    /// Another log line has the same public key.
    DuplicateLog,
    /// Another witness line has the same public key.
    DuplicateWitness,
    /// The line has too few or too many items.
    Items {
        /// Their number, keyword included.
        count: usize,
    },
    /// The verifier key does not parse.
    Key(KeyError),
    /// Logs sign notes (0x01), witnesses cosign (0x04, 0x06).
    KeyKind {
        /// The kind found.
        found: SignatureKind,
    },
    /// The verifier key is not UTF-8.
    KeyUtf8,
    /// The line starts with none of `log`, `witness`, `group`, `quorum` and `#`.
    Keyword,
    /// The group has no members.
    NoMembers,
    /// No line says `quorum`.
    NoQuorum,
    /// An octet that is neither tab, newline, printable ASCII nor above 0x7F.
    Octet {
        /// The octet.
        octet: u8,
    },
    /// The name is a member of a group already.
    SecondMembership,
    /// A `quorum` line stands before this one.
    SecondQuorum,
    /// The threshold is not `all`, `any` or a plain decimal from 1 to the number of members.
    Threshold {
        /// The number of members.
        members: usize,
    },
    /// The text is longer than [`MAX_POLICY_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// More than [`MAX_GROUPS`] groups.
    TooManyGroups,
    /// More than [`MAX_LOGS`] logs.
    TooManyLogs,
    /// More than [`MAX_WITNESSES`] witnesses.
    TooManyWitnesses,
    /// The name is not defined on a line before.
    UndefinedName,
    /// The last line does not end in a newline.
    Unterminated,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy line {}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollidingKey => f.write_str("key has the name and ID of another key"),
            Self::DefinedName => f.write_str("name is defined already"),
            Self::DuplicateLog => f.write_str("public key stands in another log line"),
            Self::DuplicateWitness => f.write_str("public key stands in another witness line"),
            Self::Items { count } => write!(f, "wrong number of items, {count}"),
            Self::Key(error) => write!(f, "{error}"),
            Self::KeyKind { found } => write!(f, "key is for another purpose: {found}"),
            Self::KeyUtf8 => f.write_str("key is not UTF-8"),
            Self::Keyword => f.write_str("starts with none of log, witness, group, quorum and #"),
            Self::NoMembers => f.write_str("group has no members"),
            Self::NoQuorum => f.write_str("no quorum line up to the end"),
            Self::Octet { octet } => write!(f, "octet {octet:#04x} is not allowed"),
            Self::SecondMembership => f.write_str("member is in a group already"),
            Self::SecondQuorum => f.write_str("second quorum line"),
            Self::Threshold { members } => {
                write!(f, "threshold is not all, any or a plain number from 1 to {members}")
            }
            Self::TooLong { bytes } => write!(f, "text of {bytes} bytes is longer than {MAX_POLICY_BYTES}"),
            Self::TooManyGroups => write!(f, "more than {MAX_GROUPS} groups"),
            Self::TooManyLogs => write!(f, "more than {MAX_LOGS} logs"),
            Self::TooManyWitnesses => write!(f, "more than {MAX_WITNESSES} witnesses"),
            Self::UndefinedName => f.write_str("name is not defined on a line before"),
            Self::Unterminated => f.write_str("last line does not end in a newline"),
        }
    }
}

impl core::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Problem::Key(error) = &self.problem { Some(error) } else { None }
    }
}

/// The quorum that asks nobody; never a defined name.
const NONE: &[u8] = b"none";

/// Most logs, witnesses and groups: what tlog-policy strongly recommends to support. Both kinds of signature
/// together fit [`MAX_SIGNATURES`](crate::note::MAX_SIGNATURES).
pub const MAX_LOGS: usize = 32;
/// See [`MAX_LOGS`].
pub const MAX_WITNESSES: usize = 32;
/// See [`MAX_LOGS`].
pub const MAX_GROUPS: usize = 32;

/// Longest policy in bytes: 128 KiB. 32 logs of at most 313 bytes and 32 witnesses of at most 2,020 (ML-DSA-44) leave
/// almost half for names, URLs and comments.
pub const MAX_POLICY_BYTES: usize = 128 * 1024;
