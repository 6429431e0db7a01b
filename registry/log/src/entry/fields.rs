//! Pure. The fields of entries, read and written in their order.

use alloc::vec::Vec;

use crate::entry::{
    Bundle, Cut, Document, Entry, EntryKind, Issue, IssuerHash, Key, KeyEvent, List, ListId, MAX_CUTS,
    OriginHash, ParseError, Snapshot, Status, StatusValue, Thumbprint, VERSION,
};
use crate::{Hash, TreeSize, UnixSeconds};

/// What is left of an entry whose length is right for its kind.
pub(super) struct Fields<'a> {
    kind: EntryKind,
    whole: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Compares the length with what the kind demands and skips version and kind.
    pub(super) fn new(kind: EntryKind, bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut fields = Self { kind, whole: bytes.len(), rest: bytes };
        let expected = match kind {
            EntryKind::Issue => 106,
            EntryKind::Status => 39,
            EntryKind::Snapshot => 82,
            EntryKind::List | EntryKind::Bundle => 58,
            EntryKind::Key => key_length(bytes)?,
        };
        if bytes.len() != expected {
            return Err(ParseError::Length { kind, expected, found: bytes.len() });
        }
        let _version_and_kind: [u8; 2] = fields.take()?;
        Ok(fields)
    }

    pub(super) fn read(mut self, kind: EntryKind) -> Result<Entry, ParseError> {
        match kind {
            EntryKind::Issue => self.issue().map(Entry::Issue),
            EntryKind::Status => self.status().map(Entry::Status),
            EntryKind::Snapshot => self.snapshot().map(Entry::Snapshot),
            EntryKind::List => self.list().map(Entry::List),
            EntryKind::Key => self.key().map(Entry::Key),
            EntryKind::Bundle => self.bundle().map(Entry::Bundle),
        }
    }

    fn issue(&mut self) -> Result<Issue, ParseError> {
        Ok(Issue {
            commitment: Hash(self.take()?),
            issuer_key: Thumbprint(self.take()?),
            provenance: Hash(self.take()?),
            time: UnixSeconds(self.number()?),
        })
    }

    fn status(&mut self) -> Result<Status, ParseError> {
        let list = ListId(self.take()?);
        let index = u32::from_be_bytes(self.take()?);
        let [value] = self.take()?;
        Ok(Status {
            list,
            index,
            value: StatusValue::from_code(value).ok_or(ParseError::StatusValue { found: value })?,
            change: self.number()?,
            time: UnixSeconds(self.number()?),
        })
    }

    fn snapshot(&mut self) -> Result<Snapshot, ParseError> {
        Ok(Snapshot {
            list: ListId(self.take()?),
            sequence: self.number()?,
            digest: Hash(self.take()?),
            fold_size: TreeSize(self.number()?),
            issued: UnixSeconds(self.number()?),
            not_after: UnixSeconds(self.number()?),
        })
    }

    fn list(&mut self) -> Result<List, ParseError> {
        Ok(List { list: ListId(self.take()?), issuer: IssuerHash(self.take()?), size: self.number()? })
    }

    fn key(&mut self) -> Result<Key, ParseError> {
        let issuer = IssuerHash(self.take()?);
        let key = Thumbprint(self.take()?);
        let [event] = self.take()?;
        let event = KeyEvent::from_code(event).ok_or(ParseError::KeyEvent { found: event })?;
        let time = UnixSeconds(self.number()?);
        let [count] = self.take()?;
        let cuts = (0..count).map(|_position| self.cut()).collect::<Result<_, _>>()?;
        Ok(Key { issuer, key, event, time, cuts })
    }

    fn cut(&mut self) -> Result<Cut, ParseError> {
        Ok(Cut { origin: OriginHash(self.take()?), size: TreeSize(self.number()?) })
    }

    fn bundle(&mut self) -> Result<Bundle, ParseError> {
        let [document] = self.take()?;
        let document = Document::from_code(document).ok_or(ParseError::Document { found: document })?;
        if self.take()? != [0; 7] {
            return Err(ParseError::Reserved);
        }
        Ok(Bundle {
            document,
            sequence: self.number()?,
            digest: Hash(self.take()?),
            activation: UnixSeconds(self.number()?),
        })
    }

    fn number(&mut self) -> Result<u64, ParseError> {
        self.take().map(u64::from_be_bytes)
    }

    /// The lengths of the fields add up to the length that was compared, so the error does not happen.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| ParseError::Length {
            kind: self.kind,
            expected: self.whole.saturating_add(N.saturating_sub(self.rest.len())),
            found: self.whole,
        })?;
        self.rest = rest;
        Ok(*field)
    }
}

/// What a key entry of this many cuts must have in bytes.
fn key_length(bytes: &[u8]) -> Result<usize, ParseError> {
    let Some(count) = bytes.get(KEY_BYTES.saturating_sub(1)) else {
        return Err(ParseError::Length { kind: EntryKind::Key, expected: KEY_BYTES, found: bytes.len() });
    };
    let count = usize::from(*count);
    // Before anything is allocated for them.
    if count > MAX_CUTS {
        return Err(ParseError::CutCount { count });
    }
    Ok(KEY_BYTES.saturating_add(count.saturating_mul(CUT_BYTES)))
}

/// An entry in the making.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(kind: EntryKind) -> Self {
        let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
        bytes.extend_from_slice(&[VERSION, kind.code()]);
        Self(bytes)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn issue(&mut self, issue: &Issue) {
        self.put(&issue.commitment.0);
        self.put(&issue.issuer_key.0);
        self.put(&issue.provenance.0);
        self.number(issue.time.0);
    }

    pub(super) fn status(&mut self, status: &Status) {
        self.put(&status.list.0);
        self.put(&status.index.to_be_bytes());
        self.put(&[status.value.code()]);
        self.number(status.change);
        self.number(status.time.0);
    }

    pub(super) fn snapshot(&mut self, snapshot: &Snapshot) {
        self.put(&snapshot.list.0);
        self.number(snapshot.sequence);
        self.put(&snapshot.digest.0);
        self.number(snapshot.fold_size.0);
        self.number(snapshot.issued.0);
        self.number(snapshot.not_after.0);
    }

    pub(super) fn list(&mut self, list: &List) {
        self.put(&list.list.0);
        self.put(&list.issuer.0);
        self.number(list.size);
    }

    pub(super) fn key(&mut self, key: &Key) {
        self.put(&key.issuer.0);
        self.put(&key.key.0);
        self.put(&[key.event.code()]);
        self.number(key.time.0);
        // Above the limit the entry does not pass `check`, and 255 cuts do not parse either.
        self.put(&[u8::try_from(key.cuts.len()).unwrap_or(u8::MAX)]);
        for cut in &key.cuts {
            self.put(&cut.origin.0);
            self.number(cut.size.0);
        }
    }

    pub(super) fn bundle(&mut self, bundle: &Bundle) {
        self.put(&[bundle.document.code()]);
        self.put(&[0; 7]);
        self.number(bundle.sequence);
        self.put(&bundle.digest.0);
        self.number(bundle.activation.0);
    }

    fn number(&mut self, number: u64) {
        self.put(&number.to_be_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// A key entry without cuts; its last byte is their number.
const KEY_BYTES: usize = 76;

/// One cut of a key entry.
const CUT_BYTES: usize = 40;

/// Room for every entry but a key with cuts: an issue entry has 106 bytes.
const TYPICAL_BYTES: usize = 106;
