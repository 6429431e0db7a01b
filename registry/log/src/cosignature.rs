//! Pure. Timestamped cosignatures of checkpoints and subtrees (C2SP tlog-cosignature v1.1.0-rc.1): Ed25519 over the
//! text of a checkpoint, ML-DSA-44 over a statement about a subtree, of which a whole tree is one.
//!
//! A witness that cosigns a checkpoint says: at this time, this is the largest consistent tree that I have seen of this
//! log. One that cosigns a subtree says that it agrees with all that it has seen.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{self, Checkpoint, check_origin};
use crate::merkle::empty_root;
use crate::note::{KeyId, SignatureKind, SignatureLine, SignerKey, VerifierKey};
use crate::subtree::Subtree;
use crate::{Hash, LeafIndex, UnixSeconds};

//= specs/log.md#cosignatures-and-quorum
/// Cosigns the text of a checkpoint at `time` and returns the signature line, newline included.
///
/// It signs what it is given: that the tree is consistent with all seen before is the witness's promise.
///
/// # Errors
/// A key that does not cosign, a text that is no checkpoint, a time above [`MAX_TIME`], an ML-DSA-44 cosignature of no
/// leaf with another root than the empty tree's.
pub fn cosign(checkpoint_body: &str, time: UnixSeconds, key: &SignerKey) -> Result<String, Error> {
    let checkpoint = Checkpoint::parse_body(checkpoint_body).map_err(Error::Checkpoint)?;
    let message = match key.kind() {
        SignatureKind::Ed25519 => return Err(Error::KeyKind { found: key.kind() }),
        SignatureKind::CosignatureV1 => message(checkpoint_body, time).into_bytes(),
        SignatureKind::MlDsa44 => {
            let tree = whole(&checkpoint)?;
            statement(key.name(), time, &checkpoint.origin, tree, &checkpoint.root)?
        }
    };
    line(&message, time, key)
}

//= specs/log.md#subtree-cosignatures
/// Cosigns a subtree of the log of `origin`, without a time, and returns the signature line, newline included.
///
/// # Errors
/// A key that is not of kind [`SignatureKind::MlDsa44`], an origin that no checkpoint can have, no leaf with another hash
/// than the empty tree's.
pub fn cosign_subtree(origin: &str, subtree: Subtree, hash: &Hash, key: &SignerKey) -> Result<String, Error> {
    check_kind(key.kind(), SignatureKind::MlDsa44)?;
    let time = UnixSeconds(0);
    line(&statement(key.name(), time, origin, subtree, hash)?, time, key)
}

/// Checks one signature line of a checkpoint against a witness's key and returns the time the witness stated; zero, which
/// ML-DSA-44 allows, says nothing of when.
///
/// Whether that time lies in the future is for the caller to judge, who has a clock.
///
/// # Errors
/// A line of another name or ID, a key that does not cosign, a wrong length, a time above [`MAX_TIME`], a signature
/// that does not verify.
pub fn verify(
    checkpoint_body: &str,
    line: &SignatureLine<'_>,
    key: &VerifierKey,
) -> Result<UnixSeconds, Error> {
    let (time, signature) = parts(line, key)?;
    let message = match key.kind() {
        SignatureKind::Ed25519 => return Err(Error::KeyKind { found: key.kind() }),
        SignatureKind::CosignatureV1 => message(checkpoint_body, time).into_bytes(),
        SignatureKind::MlDsa44 => {
            let checkpoint = Checkpoint::parse_body(checkpoint_body).map_err(Error::Checkpoint)?;
            statement(key.name(), time, &checkpoint.origin, whole(&checkpoint)?, &checkpoint.root)?
        }
    };
    accept(&message, signature, time, key)
}

//= specs/log.md#subtree-cosignatures
/// Checks one signature line against a witness's key: that it cosigned the subtree with this hash of the log of `origin`.
/// Returns the time it stated, which is zero unless the subtree is a whole tree: the cosignature of a checkpoint is one of
/// the subtree from 0 on, too.
///
/// # Errors
/// As [`verify`], for keys of kind [`SignatureKind::MlDsa44`] alone; a time for a subtree that is no whole tree; no leaf with another hash than the empty tree's.
pub fn verify_subtree(
    origin: &str,
    subtree: Subtree,
    hash: &Hash,
    line: &SignatureLine<'_>,
    key: &VerifierKey,
) -> Result<UnixSeconds, Error> {
    check_kind(key.kind(), SignatureKind::MlDsa44)?;
    let (time, signature) = parts(line, key)?;
    accept(&statement(key.name(), time, origin, subtree, hash)?, signature, time, key)
}

/// The line that carries time and signature.
fn line(message: &[u8], time: UnixSeconds, key: &SignerKey) -> Result<String, Error> {
    check_time(time)?;
    let mut timestamped = Vec::from(time.0.to_be_bytes());
    timestamped.extend_from_slice(&key.sign_message(message).ok_or(Error::Signing)?);
    Ok(key.line(&timestamped))
}

/// Time and signature out of a line of this key.
fn parts<'l>(line: &'l SignatureLine<'_>, key: &VerifierKey) -> Result<(UnixSeconds, &'l [u8]), Error> {
    let expected = match key.kind() {
        SignatureKind::Ed25519 => return Err(Error::KeyKind { found: key.kind() }),
        SignatureKind::CosignatureV1 => COSIGNATURE_BYTES,
        SignatureKind::MlDsa44 => ML_DSA_COSIGNATURE_BYTES,
    };
    if !line.claims(key) {
        return Err(Error::OtherKey { line: line.key_id, key: key.key_id() });
    }
    let length = Error::Length { bytes: line.signature.len(), expected };
    let (time, signature) = line.signature.split_first_chunk::<8>().ok_or(length)?;
    if line.signature.len() != expected {
        return Err(length);
    }
    let time = UnixSeconds(u64::from_be_bytes(*time));
    check_time(time)?;
    Ok((time, signature))
}

fn accept(
    message: &[u8],
    signature: &[u8],
    time: UnixSeconds,
    key: &VerifierKey,
) -> Result<UnixSeconds, Error> {
    if key.accepts(message, signature) { Ok(time) } else { Err(Error::BadSignature { key: key.key_id() }) }
}

/// What Ed25519 signs (tlog-cosignature, "Ed25519 signed message").
fn message(checkpoint_body: &str, time: UnixSeconds) -> String {
    format!("cosignature/v1\ntime {}\n{checkpoint_body}", time.0)
}

/// What ML-DSA-44 signs (tlog-cosignature, "ML-DSA-44 signed message").
fn statement(
    cosigner: &str,
    time: UnixSeconds,
    origin: &str,
    subtree: Subtree,
    hash: &Hash,
) -> Result<Vec<u8>, Error> {
    check_origin(origin).map_err(Error::Checkpoint)?;
    if time.0 != 0 && subtree.start().0 != 0 {
        return Err(Error::SubtreeTime { time });
    }
    if subtree.is_empty() && *hash != empty_root() {
        return Err(Error::EmptyTree);
    }
    let mut statement = Vec::from(*LABEL);
    push_short(&mut statement, cosigner);
    statement.extend_from_slice(&time.0.to_be_bytes());
    push_short(&mut statement, origin);
    for number in [subtree.start().0, subtree.end().0] {
        statement.extend_from_slice(&number.to_be_bytes());
    }
    statement.extend_from_slice(&hash.0);
    Ok(statement)
}

/// A text behind its length in one byte: names and origins have at most 255.
fn push_short(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

/// The whole tree of a checkpoint as a subtree.
fn whole(checkpoint: &Checkpoint) -> Result<Subtree, Error> {
    Subtree::new(LeafIndex(0), checkpoint.size)
        .map_err(|_too_large| Error::Checkpoint(checkpoint::Error::Size))
}

fn check_kind(found: SignatureKind, wanted: SignatureKind) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::KeyKind { found }) }
}

const fn check_time(time: UnixSeconds) -> Result<(), Error> {
    if time.0 > MAX_TIME.0 { Err(Error::Time { time }) } else { Ok(()) }
}

/// Why a cosignature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The signature does not verify under the key it claims.
    BadSignature {
        /// The key that was claimed.
        key: KeyId,
    },
    /// The text to cosign is no checkpoint.
    Checkpoint(checkpoint::Error),
    /// No leaf, with another hash than the empty tree's.
    EmptyTree,
    /// The key does not cosign, or not subtrees.
    KeyKind {
        /// Its kind.
        found: SignatureKind,
    },
    /// A cosignature is a time and a signature, and this is longer or shorter.
    Length {
        /// The number of bytes found.
        bytes: usize,
        /// The number that a cosignature of the key has.
        expected: usize,
    },
    /// The line is from another name or key.
    OtherKey {
        /// The ID in the line.
        line: KeyId,
        /// The ID of the key.
        key: KeyId,
    },
    /// The key made no signature.
    Signing,
    /// A time is stated for a subtree that is no whole tree.
    SubtreeTime {
        /// The time found.
        time: UnixSeconds,
    },
    /// The time is above [`MAX_TIME`].
    Time {
        /// The time found.
        time: UnixSeconds,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature { key } => write!(f, "cosignature does not verify under the key {key}"),
            Self::Checkpoint(error) => write!(f, "text to cosign is no checkpoint: {error}"),
            Self::EmptyTree => f.write_str("cosigned tree has no leaf and not the hash of the empty tree"),
            Self::KeyKind { found } => write!(f, "cosignature asked of a key for: {found}"),
            Self::Length { bytes, expected } => {
                write!(f, "cosignature has {bytes} bytes instead of {expected}")
            }
            Self::OtherKey { line, key } => {
                write!(f, "signature line of key {line} is not from the witness with key {key}")
            }
            Self::Signing => f.write_str("cosigning key made no signature"),
            Self::SubtreeTime { time } => {
                write!(
                    f,
                    "cosignature of a subtree states the time {}, which only one of a whole tree may",
                    time.0
                )
            }
            Self::Time { time } => write!(f, "cosignature time {} exceeds {}", time.0, MAX_TIME.0),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Checkpoint(error) = self { Some(error) } else { None }
    }
}

/// Latest time a cosignature may state: 2^63 - 1 (tlog-cosignature, "Format").
pub const MAX_TIME: UnixSeconds = UnixSeconds((1 << 63) - 1);

/// `timestamped_signature` of tlog-cosignature: u64 time, 64 bytes of Ed25519.
const COSIGNATURE_BYTES: usize = 8 + 64;

/// The same with 2,420 bytes of ML-DSA-44 (FIPS 204 table 2).
pub(crate) const ML_DSA_COSIGNATURE_BYTES: usize = 8 + 2_420;

/// `label` of tlog-cosignature's `cosigned_message`.
const LABEL: &[u8; 12] = b"subtree/v1\n\0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{self, Note};
    use alloc::string::ToString;
    use alloc::vec;

    const BODY: &str = "example.com/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const NOW: UnixSeconds = UnixSeconds(1_679_315_147);

    fn witness() -> SignerKey {
        SignerKey::from_seed("witness.example.com/w1", SignatureKind::CosignatureV1, &[4; 32]).unwrap()
    }

    #[test]
    fn a_cosignature_verifies_over_its_own_text_and_time_alone() {
        for time in [UnixSeconds(0), NOW, MAX_TIME] {
            let note = note::compose(BODY, &[cosign(BODY, time, &witness()).unwrap()]).unwrap();
            let note = Note::parse(&note).unwrap();
            let line = note.signatures().first().unwrap();
            assert_eq!(line.signature.len(), COSIGNATURE_BYTES);
            assert_eq!(verify(BODY, line, &witness().verifier()), Ok(time));

            let bad = Err(Error::BadSignature { key: line.key_id });
            assert_eq!(verify(&BODY.replace("\n3\n", "\n4\n"), line, &witness().verifier()), bad);
            for byte in 8..COSIGNATURE_BYTES {
                let mut line = line.clone();
                *line.signature.get_mut(byte).unwrap() ^= 1;
                assert_eq!(verify(BODY, &line, &witness().verifier()), bad, "byte {byte}");
            }
            let mut later = line.clone();
            *later.signature.get_mut(7).unwrap() ^= 1;
            assert_eq!(verify(BODY, &later, &witness().verifier()), bad);
        }
    }

    #[test]
    fn the_message_is_the_published_one() {
        let body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let text = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
                    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(message(body, NOW), text);
    }

    #[test]
    fn what_is_no_cosignature_is_refused_by_name() {
        let key = witness().verifier();
        let line = |signature: Vec<u8>| SignatureLine { name: key.name(), key_id: key.key_id(), signature };
        for bytes in [0, 8, 64, 71, 73] {
            let length = Err(Error::Length { bytes, expected: COSIGNATURE_BYTES });
            assert_eq!(verify(BODY, &line(vec![0; bytes]), &key), length);
        }
        let time = UnixSeconds(1 << 63);
        let mut late = Vec::from(time.0.to_be_bytes());
        late.resize(COSIGNATURE_BYTES, 0);
        assert_eq!(verify(BODY, &line(late), &key), Err(Error::Time { time }));
        assert_eq!(cosign(BODY, time, &witness()), Err(Error::Time { time }));

        let log = SignerKey::from_seed(key.name(), SignatureKind::Ed25519, &[4; 32]).unwrap();
        let kind = Error::KeyKind { found: SignatureKind::Ed25519 };
        assert_eq!(cosign(BODY, NOW, &log), Err(kind));
        assert_eq!(verify(BODY, &line(vec![0; 72]), &log.verifier()), Err(kind));

        let other =
            SignerKey::from_seed(key.name(), SignatureKind::CosignatureV1, &[5; 32]).unwrap().verifier();
        let mismatch = Error::OtherKey { line: key.key_id(), key: other.key_id() };
        assert_eq!(verify(BODY, &line(vec![0; 72]), &other), Err(mismatch));
        assert_eq!(cosign("text\n", NOW, &witness()), Err(Error::Checkpoint(checkpoint::Error::Lines)));
    }

    const FIRST: Hash = Hash([9; 32]);

    fn post_quantum() -> SignerKey {
        SignerKey::from_seed("witness.example.com/w2", SignatureKind::MlDsa44, &[4; 32]).unwrap()
    }

    fn only_line(text: &str) -> SignatureLine<'static> {
        let note = format!("text\n\n{text}");
        let note: &'static str = alloc::boxed::Box::leak(note.into_boxed_str());
        Note::parse(note).unwrap().signatures().first().unwrap().clone()
    }

    #[test]
    fn an_ml_dsa_cosignature_of_a_checkpoint_is_one_of_its_whole_tree() {
        let key = post_quantum();
        assert_eq!(VerifierKey::parse(&key.verifier().to_string()), Ok(key.verifier()));
        for time in [UnixSeconds(0), NOW, MAX_TIME] {
            let text = cosign(BODY, time, &key).unwrap();
            assert_eq!(text, cosign(BODY, time, &key).unwrap(), "signing again says the same");
            let line = only_line(&text);
            assert_eq!(line.signature.len(), ML_DSA_COSIGNATURE_BYTES);
            assert_eq!(verify(BODY, &line, &key.verifier()), Ok(time));
            let checkpoint = Checkpoint::parse_body(BODY).unwrap();
            let tree = Subtree::new(LeafIndex(0), checkpoint.size).unwrap();
            let (origin, root) = (&checkpoint.origin, &checkpoint.root);
            assert_eq!(verify_subtree(origin, tree, root, &line, &key.verifier()), Ok(time));

            let bad = Err(Error::BadSignature { key: line.key_id });
            assert_eq!(verify(&BODY.replace("\n3\n", "\n4\n"), &line, &key.verifier()), bad);
            assert_eq!(verify(&BODY.replace("/log", "/lag"), &line, &key.verifier()), bad);
            for byte in [7, 8, 40, 1_000, ML_DSA_COSIGNATURE_BYTES - 1] {
                let mut line = line.clone();
                *line.signature.get_mut(byte).unwrap() ^= 1;
                assert_eq!(verify(BODY, &line, &key.verifier()), bad, "byte {byte}");
            }
        }
    }

    #[test]
    fn a_subtree_is_cosigned_with_its_place_and_its_hash_and_without_a_time() {
        let (key, origin) = (post_quantum(), "example.com/log");
        let subtree = Subtree::new(LeafIndex(8), crate::TreeSize(13)).unwrap();
        let line = only_line(&cosign_subtree(origin, subtree, &FIRST, &key).unwrap());
        let check = |origin: &str, start, end, hash: &Hash| {
            let subtree = Subtree::new(LeafIndex(start), crate::TreeSize(end)).unwrap();
            verify_subtree(origin, subtree, hash, &line, &key.verifier())
        };
        let bad = Err(Error::BadSignature { key: line.key_id });
        assert_eq!(check(origin, 8, 13, &FIRST), Ok(UnixSeconds(0)));
        assert_eq!(check("example.com/lag", 8, 13, &FIRST), bad);
        assert_eq!(check(origin, 8, 12, &FIRST), bad);
        assert_eq!(check(origin, 0, 13, &FIRST), bad);
        assert_eq!(check(origin, 8, 13, &Hash([8; 32])), bad);
        assert_eq!(check("", 8, 13, &FIRST), Err(Error::Checkpoint(checkpoint::Error::Origin)));
        assert_eq!(check(origin, 5, 5, &FIRST), Err(Error::EmptyTree));
        let kind = Err(Error::KeyKind { found: SignatureKind::CosignatureV1 });
        assert_eq!(cosign_subtree(origin, subtree, &FIRST, &witness()).map(drop), kind.map(drop));
        assert_eq!(verify_subtree(origin, subtree, &FIRST, &line, &witness().verifier()), kind);
        let mut timed = line.clone();
        *timed.signature.get_mut(7).unwrap() = 1;
        let time = Err(Error::SubtreeTime { time: UnixSeconds(1) });
        assert_eq!(verify_subtree(origin, subtree, &FIRST, &timed, &key.verifier()), time);
    }

    #[test]
    fn the_statement_is_laid_out_as_published() {
        let subtree = Subtree::new(LeafIndex(0), crate::TreeSize(20_852_163)).unwrap();
        let mut expected = Vec::from(*b"subtree/v1\n\0\x02w1");
        expected.extend_from_slice(&[0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb]);
        expected.extend_from_slice(b"\x0fexample.com/log\0\0\0\0\0\0\0\0\0\0\0\0\x01\x3e\x2d\xc3");
        expected.extend_from_slice(&[9; 32]);
        assert_eq!(statement("w1", NOW, "example.com/log", subtree, &FIRST), Ok(expected));
    }
}
