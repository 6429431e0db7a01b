//! What was handed over, remembered outside of the issuer: for each person the bytes, the leaf and the place that the
//! receipt promises.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use sillok_log::entry::Thumbprint;
use sillok_log::merkle::leaf_hash;
use sillok_log::receipt::IssueExtra;
use sillok_verifier::jws::{Jws, TokenType};

use super::answer::Issued;

/// Half of a SHA-256: no issuer finds two texts that share it.
pub(super) type Short = [u8; 16];

/// What is known of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Record {
    /// Has not asked.
    #[default]
    Nothing,
    /// Has asked, and has no answer yet.
    Asked,
    /// Was answered.
    Held {
        /// Of credential and receipt.
        bytes: Short,
        /// Of the leaf that the credential and its receipt make.
        leaf: Short,
        /// Where the receipt says that it is.
        index: u64,
    },
}

/// What an answer is, compared with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    First,
    Same,
    /// Other bytes than this person was handed before.
    Different,
    /// Not a credential with a receipt.
    Malformed(&'static str),
}

/// Everybody who asked.
#[derive(Default)]
pub(super) struct Held {
    records: Vec<Record>,
    /// Who was answered, in order.
    answered: Vec<u32>,
    /// First people of batches that are reserved and not given away.
    batches: Vec<u64>,
    /// The protected header of the last credential in base64url, and the key that it names: the next one has the same.
    header: String,
    key: Option<Thumbprint>,
}

impl Held {
    /// The next person who has not asked yet. From now on it has.
    pub(super) fn next_person(&mut self) -> u64 {
        self.records.push(Record::Asked);
        self.records.len() as u64 - 1
    }

    /// The first of `count` people of one of `clients` clients, as a batch has them. Nobody else gets them.
    pub(super) fn next_batch(&mut self, count: u64, clients: u64) -> u64 {
        if let Some(first) = self.batches.pop() {
            return first;
        }
        let first = self.records.len() as u64;
        self.records
            .resize(self.records.len() + usize::try_from(count * clients).unwrap_or(0), Record::Nothing);
        self.batches.extend((first + 1..first + clients).rev());
        first
    }

    /// Marks one of a batch.
    pub(super) fn ask(&mut self, number: u64) {
        if let Some(record @ Record::Nothing) = position(number).and_then(|at| self.records.get_mut(at)) {
            *record = Record::Asked;
        }
    }

    /// Takes an answer.
    pub(super) fn take(&mut self, number: u64, issued: &Issued<'_>) -> Taken {
        let mut hash = Sha256::new();
        hash.update(issued.credential);
        hash.update(issued.receipt);
        let now = short(&hash.finalize().into());
        match position(number).and_then(|at| self.records.get(at)) {
            Some(Record::Held { bytes, .. }) if *bytes == now => return Taken::Same,
            Some(Record::Held { .. }) => return Taken::Different,
            Some(Record::Asked | Record::Nothing) => {}
            None => return Taken::Malformed("an answer for nobody"),
        }
        let (leaf, index) = match self.leaf(issued) {
            Ok(found) => found,
            Err(problem) => return Taken::Malformed(problem),
        };
        if let Some(record) = position(number).and_then(|at| self.records.get_mut(at)) {
            *record = Record::Held { bytes: now, leaf, index };
            self.answered.push(u32::try_from(number).unwrap_or(u32::MAX));
        }
        Taken::First
    }

    /// The leaf that a credential and its receipt make, and where it is promised to be.
    fn leaf(&mut self, issued: &Issued<'_>) -> Result<(Short, u64), &'static str> {
        let credential = issued.credential;
        let input_ends = credential.rfind('.').ok_or("credential has no signature")?;
        let (header, _rest) = credential.split_once('.').ok_or("credential has no payload")?;
        let key = match self.key {
            Some(key) if self.header == header => key,
            _another => {
                let jws = Jws::parse(credential.as_bytes(), TokenType::CREDENTIAL);
                let key = jws.map_err(|_error| "credential is no JWS of a credential")?.header().key_id;
                self.header = header.to_owned();
                self.key.insert(key).to_owned()
            }
        };
        // The head of a receipt, up to its proof (specs/receipt.md).
        let head = &issued.receipt[..issued.receipt.len().min(HEAD_CHARACTERS)];
        let head = STANDARD.decode(head).map_err(|_error| "receipt is not base64")?;
        let mut lines = head.split(|byte| *byte == b'\n').skip(1);
        let mut line = |name: &[u8]| {
            let value = lines.next()?.strip_prefix(name)?;
            Some(value.to_vec())
        };
        let extra = line(b"extra ").ok_or("receipt has no extra")?;
        let extra = STANDARD.decode(extra).map_err(|_error| "extra of the receipt is not base64")?;
        let extra = IssueExtra::parse(&extra)
            .map_err(|_error| "extra of the receipt is not one of an issue entry")?;
        let index = line(b"index ").ok_or("receipt has no index")?;
        let index = std::str::from_utf8(&index).ok().and_then(|text| text.parse().ok());
        let entry = extra.entry(&credential.as_bytes()[..input_ends], key);
        Ok((short(&leaf_hash(&entry.encode()).0), index.ok_or("index of the receipt is no number")?))
    }

    /// Somebody who was answered.
    pub(super) fn somebody(&self, random: &mut fastrand::Rng) -> Option<u64> {
        random.choice(&self.answered).copied().map(u64::from)
    }

    /// Everybody who was answered, in order of the answers, from the `from`-th on.
    pub(super) fn answered(&self, from: usize) -> &[u32] {
        self.answered.get(from..).unwrap_or_default()
    }

    /// Everybody who asked and has no answer.
    pub(super) fn open(&self) -> Vec<u64> {
        let numbered = self.records.iter().zip(0..);
        numbered
            .filter(|(record, _number)| **record == Record::Asked)
            .map(|(_record, number)| number)
            .collect()
    }

    /// Who holds what.
    pub(super) fn records(&self) -> impl Iterator<Item = (u64, &Record)> {
        (0..).zip(&self.records)
    }
}

/// The first half.
pub(super) fn short(hash: &[u8; 32]) -> Short {
    let mut half = Short::default();
    half.copy_from_slice(&hash[..16]);
    half
}

fn position(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Base64 characters, a multiple of 4, in which the head of a receipt is: 23 bytes of header, 107 of `extra`, at most 27
/// of `index`.
const HEAD_CHARACTERS: usize = 212;
