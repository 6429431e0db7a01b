//! Pure. Trust policies: which logs are believed, and which witnesses must have cosigned (C2SP tlog-policy).
//!
//! A checkpoint is good if *one* of the listed logs signed it and the cosignatures satisfy the quorum.

use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{self, Checkpoint};
use crate::cosignature;
use crate::note::{self, KeyId, Note, SignatureKind, SignatureLine, VerifierKey};
use crate::subtree::Subtree;
use crate::{Hash, UnixSeconds};

mod parse;

pub use parse::{MAX_GROUPS, MAX_LOGS, MAX_POLICY_BYTES, MAX_WITNESSES, ParseError, Problem};

/// A policy that parsed: every name is resolved, no key stands twice, no group can count a witness twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    // `None` is `quorum none`.
    quorum: Option<Member>,
}

/// A log that the policy believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

impl Log {
    /// The log's key, whose name is the log's origin.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where the log is found, if the policy says so. Octets: the format does not promise UTF-8.
    #[must_use]
    pub fn url(&self) -> Option<&[u8]> {
        self.url.as_deref()
    }
}

/// A witness that the policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    name: Vec<u8>,
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

impl Witness {
    /// The witness's name inside this policy; it has no meaning elsewhere. Octets: not always UTF-8.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The witness's cosignature key.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The witness's submission prefix, if the policy says it. Octets: the format does not promise UTF-8.
    #[must_use]
    pub fn url(&self) -> Option<&[u8]> {
        self.url.as_deref()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    // From 1 to the number of members.
    threshold: usize,
    // Witnesses, and groups with a smaller position than this one.
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that the policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What the log said.
    pub checkpoint: Checkpoint,
    /// The key of the log that signed.
    pub log: VerifierKey,
    /// Position in [`Policy::witnesses`] and latest stated time of each witness that cosigned, by position.
    pub cosigned: Vec<(usize, UnixSeconds)>,
    /// What the quorum says.
    pub witnessed: Witnessed,
}

/// What the cosignatures amount to under the policy's quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witnessed {
    /// The policy says `quorum none`: nobody was asked.
    NotAsked,
    /// The quorum is satisfied.
    Quorum {
        /// The largest t such that the cosignatures at or after t alone satisfy the quorum.
        time_floor: UnixSeconds,
    },
}

impl Policy {
    /// The logs, in the order of their lines.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses, in the order of their lines.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    //= specs/log.md#cosignatures-and-quorum
    /// Reads a checkpoint's note and checks it: one listed log of its origin signed it, and the cosignatures of
    /// known witnesses satisfy the quorum. A witness counts once, at its latest time, however often it signed.
    ///
    /// # Errors
    /// A malformed note or checkpoint, an origin no log line names, a missing or wrong signature of the log, a
    /// wrong cosignature of a known witness, a quorum that is not met.
    pub fn open(&self, note: &str) -> Result<Opened, Error> {
        let note = Note::parse(note).map_err(Error::Note)?;
        let checkpoint = Checkpoint::parse_body(note.text()).map_err(Error::Checkpoint)?;
        if !self.logs.iter().any(|log| log.key.name() == checkpoint.origin) {
            return Err(Error::UnknownLog);
        }
        let log = self.signing_log(&note, &checkpoint.origin)?;
        let times = self.cosignature_times(&note)?;
        let witnessed = self.judge(&times)?;
        let cosigned = times
            .into_iter()
            .enumerate()
            .filter_map(|(witness, time)| time.map(|time| (witness, time)))
            .collect();
        Ok(Opened { checkpoint, log: log.clone(), cosigned, witnessed })
    }

    //= specs/receipt.md#subtree-receipt
    /// Checks that witnesses who meet the quorum cosigned a subtree of the log of `origin`: a key ID, and time and signature as in
    /// a line, for each. Where nobody is asked, nobody's cosignature counts.
    ///
    /// # Errors
    /// A wrong cosignature of a known witness, a quorum that is not met or that there is none of.
    pub fn check_subtree(
        &self,
        origin: &str,
        subtree: Subtree,
        hash: &Hash,
        cosignatures: &[(KeyId, Vec<u8>)],
    ) -> Result<(), Error> {
        let mut times: Vec<Option<UnixSeconds>> = alloc::vec![None; self.witnesses.len()];
        for (key_id, signature) in cosignatures {
            for (witness, (Witness { key, .. }, latest)) in self.witnesses.iter().zip(&mut times).enumerate()
            {
                if key.kind() == SignatureKind::MlDsa44 && key.key_id() == *key_id {
                    let line =
                        SignatureLine { name: key.name(), key_id: *key_id, signature: signature.clone() };
                    let time = cosignature::verify_subtree(origin, subtree, hash, &line, key)
                        .map_err(|error| Error::Cosignature { witness, error })?;
                    *latest = (*latest).max(Some(time));
                }
            }
        }
        match self.judge(&times)? {
            Witnessed::NotAsked => Err(Error::QuorumNotMet { cosigned: 0 }),
            Witnessed::Quorum { .. } => Ok(()),
        }
    }

    /// The same for one log alone, and without addresses: what its verifiers are given.
    ///
    /// # Errors
    /// A key that signs no notes, or has the name and ID of a witness.
    pub fn of_log(&self, key: &VerifierKey) -> Result<Self, ParseError> {
        let mut policy = Self { logs: Vec::new(), ..self.clone() };
        policy.witnesses.iter_mut().for_each(|witness| witness.url = None);
        let text = alloc::format!("log {key}\n").into_bytes();
        Self::parse(&[text, policy.encode()].concat())
    }

    /// Whether these witnesses, by position, would meet the quorum.
    #[must_use]
    pub fn is_met_by(&self, witnesses: &[usize]) -> bool {
        let time = |witness: usize| witnesses.contains(&witness).then_some(UnixSeconds(0));
        let times: Vec<_> = (0..self.witnesses.len()).map(time).collect();
        self.judge(&times).is_ok()
    }

    /// Whether the quorum asks for cosignatures at all.
    #[must_use]
    pub const fn has_quorum(&self) -> bool {
        self.quorum.is_some()
    }

    /// Judges the cosignatures of a checkpoint whose log is known otherwise: the log of its own policy does not ask itself.
    ///
    /// # Errors
    /// A malformed note, a wrong cosignature of a known witness, a quorum that is not met.
    pub fn witnessed(&self, note: &str) -> Result<Witnessed, Error> {
        self.judge(&self.cosignature_times(&Note::parse(note).map_err(Error::Note)?)?)
    }

    fn judge(&self, times: &[Option<UnixSeconds>]) -> Result<Witnessed, Error> {
        let Some(quorum) = self.quorum else { return Ok(Witnessed::NotAsked) };
        let not_met = Error::QuorumNotMet { cosigned: times.iter().flatten().count() };
        let time_floor = self.time_floor(quorum, times).ok_or(not_met)?;
        Ok(Witnessed::Quorum { time_floor })
    }

    /// The first log of this origin that signed. Every line of a log of this origin must verify, as signed-note wants
    /// it; lines of other logs say nothing here.
    fn signing_log(&self, note: &Note<'_>, origin: &str) -> Result<&VerifierKey, Error> {
        let mut seen = Vec::new();
        let mut signer = None;
        for (index, line) in note.signatures().iter().enumerate().filter(|(_, line)| line.name == origin) {
            let Some(log) = self.logs.iter().position(|log| line.claims(&log.key)) else { continue };
            let Some(Log { key, .. }) = self.logs.get(log) else { continue };
            if seen.contains(&log) {
                return Err(Error::Note(note::Error::Repeated { index }));
            }
            if !note.signed_by(line, key) {
                return Err(Error::LogSignature { log });
            }
            seen.push(log);
            signer = signer.or(Some(key));
        }
        signer.ok_or(Error::NotSignedByLog)
    }

    /// The latest time of each witness that cosigned, by the witness's position.
    fn cosignature_times(&self, note: &Note<'_>) -> Result<Vec<Option<UnixSeconds>>, Error> {
        let mut times: Vec<Option<UnixSeconds>> = alloc::vec![None; self.witnesses.len()];
        for line in note.signatures() {
            let known = self.witnesses.iter().zip(&mut times).enumerate();
            for (witness, (Witness { key, .. }, latest)) in known {
                if line.claims(key) {
                    let time = cosignature::verify(note.text(), line, key)
                        .map_err(|error| Error::Cosignature { witness, error })?;
                    *latest = (*latest).max(Some(time));
                }
            }
        }
        Ok(times)
    }

    /// The largest of the times at or after which the cosignatures alone satisfy `quorum`.
    fn time_floor(&self, quorum: Member, times: &[Option<UnixSeconds>]) -> Option<UnixSeconds> {
        let mut floors: Vec<UnixSeconds> = times.iter().copied().flatten().collect();
        floors.sort_unstable_by(|a, b| b.cmp(a));
        floors.into_iter().find(|&floor| self.satisfied(quorum, times, floor))
    }

    fn satisfied(&self, quorum: Member, times: &[Option<UnixSeconds>], floor: UnixSeconds) -> bool {
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let witnessed = |member: Member, groups: &[bool]| match member {
            Member::Witness(at) => times.get(at).copied().flatten().is_some_and(|time| time >= floor),
            Member::Group(at) => groups.get(at).copied().unwrap_or(false),
        };
        // Groups name only earlier groups, so one pass in order decides all of them.
        for group in &self.groups {
            let count = group.members.iter().filter(|&&member| witnessed(member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        witnessed(quorum, &groups)
    }

    /// Writes the policy in one canonical form: logs, witnesses, groups in order, quorum, single spaces, no
    /// comments. Octets, because names may be any; policies with UTF-8 names give UTF-8.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for log in &self.logs {
            let key = alloc::format!("{}", log.key);
            push_line(&mut out, [&b"log"[..], key.as_bytes()].into_iter().chain(log.url()));
        }
        for witness in &self.witnesses {
            let key = alloc::format!("{}", witness.key);
            let items = [&b"witness"[..], &witness.name, key.as_bytes()];
            push_line(&mut out, items.into_iter().chain(witness.url()));
        }
        for group in &self.groups {
            let number = alloc::format!("{}", group.threshold);
            let threshold = match group.threshold {
                all if all == group.members.len() => "all",
                1 => "any",
                _other => &number,
            };
            let items = [&b"group"[..], &group.name, threshold.as_bytes()];
            let members = group.members.iter().map(|&member| self.name_of(member));
            push_line(&mut out, items.into_iter().chain(members));
        }
        let quorum = self.quorum.map_or(&b"none"[..], |member| self.name_of(member));
        push_line(&mut out, [&b"quorum"[..], quorum].into_iter());
        out
    }

    fn name_of(&self, member: Member) -> &[u8] {
        let name = match member {
            Member::Witness(at) => self.witnesses.get(at).map(|witness| &witness.name),
            Member::Group(at) => self.groups.get(at).map(|group| &group.name),
        };
        // Positions are made by the parser, which pushes before it names.
        debug_assert!(name.is_some(), "member {member:?} of a parsed policy exists");
        name.map_or(&[], Vec::as_slice)
    }
}

fn push_line<'a>(out: &mut Vec<u8>, items: impl Iterator<Item = &'a [u8]>) {
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(item);
    }
    out.push(b'\n');
}

/// Why a policy does not accept a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The text of the note is no checkpoint of our profile.
    Checkpoint(checkpoint::Error),
    /// A line claims to be a known witness's and is not.
    Cosignature {
        /// The witness's position in [`Policy::witnesses`].
        witness: usize,
        /// What is wrong with it.
        error: cosignature::Error,
    },
    /// A line claims to be of a log of this origin and does not verify.
    LogSignature {
        /// The log's position in [`Policy::logs`].
        log: usize,
    },
    /// The note is malformed.
    Note(note::Error),
    /// The origin is a known log's, and there is no line of a key that the policy knows for it.
    NotSignedByLog,
    /// The cosignatures do not satisfy the quorum.
    QuorumNotMet {
        /// How many known witnesses cosigned.
        cosigned: usize,
    },
    /// The checkpoint's origin is in no log line.
    UnknownLog,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "note is no checkpoint: {error}"),
            Self::Cosignature { witness, error } => {
                write!(f, "cosignature of witness {witness} of the policy: {error}")
            }
            Self::LogSignature { log } => {
                write!(f, "signature of log {log} of the policy does not verify")
            }
            Self::Note(error) => write!(f, "checkpoint is no proper note: {error}"),
            Self::NotSignedByLog => f.write_str("checkpoint is not signed by a known key of its origin"),
            Self::QuorumNotMet { cosigned } => {
                write!(f, "cosignatures of {cosigned} known witnesses do not satisfy the quorum")
            }
            Self::UnknownLog => f.write_str("checkpoint origin is no log of the policy"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            Self::Cosignature { error, .. } => Some(error),
            Self::Note(error) => Some(error),
            Self::LogSignature { .. }
            | Self::NotSignedByLog
            | Self::QuorumNotMet { .. }
            | Self::UnknownLog => None,
        }
    }
}
