//! The sealed parts of the journal's records: fields one after the other, each behind its length in four bytes.

use sillok_log::entry::{Entry, FieldTooLong, Issue, provenance};
use sillok_log::{Hash, LeafIndex};

/// Where a credential comes from. The log holds a digest of it, the journal the whole: the authority's own auditors
/// reconcile the two.
#[derive(Clone, PartialEq, Eq)]
pub struct Provenance {
    /// What blinds the digest: 32 fresh random bytes.
    pub nonce: [u8; 32],
    /// Who has the credential issued.
    pub operator: String,
    /// Where.
    pub facility: String,
    /// The event that the credential is about, in the words of the system it comes from.
    pub source_event: String,
}

impl Provenance {
    /// The digest that the issue entry holds.
    ///
    /// # Errors
    /// A field longer than 65,535 bytes.
    pub fn digest(&self) -> Result<Hash, FieldTooLong> {
        provenance(&self.nonce, &self.operator, &self.facility, &self.source_event)
    }
}

/// Nothing of it belongs into a log line.
impl std::fmt::Debug for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provenance").finish_non_exhaustive()
    }
}

/// What an intent seals.
pub(super) struct Signed {
    pub(super) jws: String,
    pub(super) nonce: [u8; 32],
    pub(super) provenance: Provenance,
    pub(super) entry: Issue,
}

/// What a done record seals: where a credential is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its leaf.
    pub leaf: LeafIndex,
    /// The receipt, with its `extra`.
    pub receipt: String,
}

/// What a change of a status seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Why; for the authority only.
    pub reason: String,
    /// Who has changed it.
    pub operator: String,
}

/// The fields of what an intent seals.
pub(super) fn signed<'a>(
    jws: &'a str,
    nonce: &'a [u8; 32],
    from: &'a Provenance,
    entry: &'a [u8],
) -> [&'a [u8]; 7] {
    let texts = [&from.operator, &from.facility, &from.source_event].map(|text| text.as_bytes());
    let [operator, facility, source_event] = texts;
    [jws.as_bytes(), nonce, &from.nonce, operator, facility, source_event, entry]
}

pub(super) fn parse_signed(bytes: &[u8]) -> Option<Signed> {
    let [jws, nonce, from, operator, facility, source_event, entry] = split(bytes)?;
    let Ok(Entry::Issue(entry)) = Entry::parse(entry) else { return None };
    let provenance = Provenance {
        nonce: from.try_into().ok()?,
        operator: text(operator)?,
        facility: text(facility)?,
        source_event: text(source_event)?,
    };
    Some(Signed { jws: text(jws)?, nonce: nonce.try_into().ok()?, provenance, entry })
}

/// The fields of what a done record seals.
pub(super) fn logged<'a>(leaf: &'a [u8; 8], receipt: &'a str) -> [&'a [u8]; 2] {
    [leaf, receipt.as_bytes()]
}

pub(super) fn parse_logged(bytes: &[u8]) -> Option<Logged> {
    let [leaf, receipt] = split(bytes)?;
    Some(Logged { leaf: LeafIndex(u64::from_be_bytes(leaf.try_into().ok()?)), receipt: text(receipt)? })
}

/// The fields of what a change of a status seals.
pub(super) fn note<'a>(reason: &'a str, operator: &'a str) -> [&'a [u8]; 2] {
    [reason.as_bytes(), operator.as_bytes()]
}

pub(super) fn parse_note(bytes: &[u8]) -> Option<Note> {
    let [reason, operator] = split(bytes)?;
    Some(Note { reason: text(reason)?, operator: text(operator)? })
}

/// How long fields are together.
pub(super) fn joined_bytes(fields: &[&[u8]]) -> usize {
    fields.iter().map(|field| field.len() + LENGTH_BYTES).sum()
}

/// Writes fields into the place of that length.
pub(super) fn join(fields: &[&[u8]], mut place: &mut [u8]) {
    for field in fields {
        // A field longer than 4 GiB makes a record that the journal refuses.
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes();
        let (Some(head), Some(text)) =
            (place.split_off_mut(..LENGTH_BYTES), place.split_off_mut(..field.len()))
        else {
            return;
        };
        head.copy_from_slice(&length);
        text.copy_from_slice(field);
    }
}

fn split<const N: usize>(mut rest: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [[].as_slice(); N];
    for field in &mut fields {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        (*field, rest) = after.split_at_checked(length)?;
    }
    rest.is_empty().then_some(fields)
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Of the length before each field.
const LENGTH_BYTES: usize = 4;
