//! The record of the head: what the log has signed last, and when.
//!
//! version, `01`, or `02` of a log that is frozen ‖ kind ‖ u64 time ‖ u64 size ‖ root[32] ‖ Ed25519 signature[64], integers big-endian. The rest of the
//! checkpoint is known to whoever may open the log, and a record of 114 bytes fits one sector with its frame.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{self, Note, VerifierKey};
use sillok_log::{Hash, TreeSize, UnixSeconds};

use super::Fatal;

/// A checkpoint and the note that says it, signed by the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

impl Signed {
    /// Opens a note under the log's key.
    pub(crate) fn open(note: String, key: &VerifierKey, which: &'static str) -> Result<Self, Fatal> {
        let checkpoint =
            Checkpoint::open(&note, key).map_err(|source| Fatal::Checkpoint { which, source })?;
        Ok(Self { checkpoint, note })
    }

    /// The size of the tree.
    pub fn size(&self) -> TreeSize {
        self.checkpoint.size
    }
}

/// What the head holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: LogKind,
    pub(crate) time: UnixSeconds,
    pub(crate) signed: Signed,
    /// Nothing is signed any more, for ever.
    pub(crate) frozen: bool,
}

impl Head {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Fatal> {
        let note = Note::parse(&self.signed.note);
        let lines = note.as_ref().map(Note::signatures).unwrap_or_default();
        let signature = match lines {
            [line] if line.signature.len() == SIGNATURE_BYTES => &line.signature,
            _other => return Err(Fatal::HeadMalformed),
        };
        let mut record = Vec::with_capacity(RECORD_BYTES);
        record.extend_from_slice(&[if self.frozen { FROZEN } else { VERSION }, kind_byte(self.kind)]);
        record.extend_from_slice(&self.time.0.to_be_bytes());
        record.extend_from_slice(&self.signed.checkpoint.size.0.to_be_bytes());
        record.extend_from_slice(self.signed.checkpoint.root.as_bytes());
        record.extend_from_slice(signature);
        Ok(record)
    }

    /// Reads a record and checks the signature in it.
    pub(crate) fn open(record: &[u8], key: &VerifierKey) -> Result<Self, Fatal> {
        let (head, rest) = record.split_first_chunk::<2>().ok_or(Fatal::HeadMalformed)?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or(Fatal::HeadMalformed)?;
        let (size, rest) = rest.split_first_chunk::<8>().ok_or(Fatal::HeadMalformed)?;
        let (root, signature) = rest.split_first_chunk::<32>().ok_or(Fatal::HeadMalformed)?;
        let (frozen, kind) = match *head {
            [VERSION, kind] => (false, kind),
            // A program that knows nothing of it does not open the log.
            [FROZEN, kind] => (true, kind),
            _other => return Err(Fatal::HeadMalformed),
        };
        let kind = match kind {
            TYPED => LogKind::Typed,
            RAW => LogKind::Raw,
            _other => return Err(Fatal::HeadMalformed),
        };
        if signature.len() != SIGNATURE_BYTES {
            return Err(Fatal::HeadMalformed);
        }
        let checkpoint = Checkpoint {
            origin: key.name().into(),
            size: TreeSize(u64::from_be_bytes(*size)),
            root: Hash(*root),
        };
        let signature = [key.key_id().0.to_be_bytes().as_slice(), signature].concat();
        let line = format!("\u{2014} {} {}\n", key.name(), BASE64_STANDARD.encode(signature));
        let note = note::compose(&checkpoint.body(), &[line]).map_err(|_unwritable| Fatal::HeadMalformed)?;
        let signed = Signed::open(note, key, "head's")?;
        Ok(Self { kind, time: UnixSeconds(u64::from_be_bytes(*time)), signed, frozen })
    }
}

fn kind_byte(kind: LogKind) -> u8 {
    match kind {
        LogKind::Raw => RAW,
        LogKind::Typed => TYPED,
    }
}

const VERSION: u8 = 1;
const FROZEN: u8 = 2;
const TYPED: u8 = 1;
const RAW: u8 = 2;

/// Of Ed25519 (RFC 8032).
const SIGNATURE_BYTES: usize = 64;

const RECORD_BYTES: usize = 114;

#[cfg(test)]
mod tests {
    use sillok_log::note::{SignatureKind, SignerKey};

    use super::*;

    #[test]
    fn a_record_reads_as_it_was_written_and_no_bit_of_what_was_signed_can_change() {
        let name = "log.example/".to_owned() + &"x".repeat(200);
        let key = SignerKey::from_seed(&name, SignatureKind::Ed25519, &[1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: name, size: TreeSize(7), root: Hash([9; 32]) };
        let note = checkpoint.sign(&key).unwrap();
        for frozen in [false, true] {
            let signed = Signed { checkpoint: checkpoint.clone(), note: note.clone() };
            let head = Head { kind: LogKind::Raw, time: UnixSeconds(5), signed, frozen };
            let record = head.encode().unwrap();
            assert_eq!((record.len(), record[0]), (RECORD_BYTES, if frozen { 2 } else { 1 }));
            assert_eq!(Head::open(&record, &key.verifier()).unwrap(), head);
            // No one bit of the version makes a frozen log take entries again.
            for bit in (0..8).chain(10 * 8..record.len() * 8) {
                let mut damaged = record.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(Head::open(&damaged, &key.verifier()).is_err(), "bit {bit}");
            }
            for cut in 0..record.len() {
                assert!(Head::open(&record[..cut], &key.verifier()).is_err(), "{cut} bytes");
            }
        }
    }
}
