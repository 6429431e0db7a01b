//! Pure. Timestamped Ed25519 cosignatures of checkpoints (C2SP tlog-cosignature v1.0.1, "Ed25519 signed message").
//!
//! A witness that cosigns says: at this time, this is the largest consistent tree that I have seen of this log.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::UnixSeconds;
use crate::checkpoint::{self, Checkpoint};
use crate::note::{KeyId, SignatureKind, SignatureLine, SignerKey, VerifierKey};

//= specs/log.md#cosignatures-and-quorum
/// Cosigns the text of a checkpoint at `time` and returns the signature line, newline included.
///
/// It signs what it is given: that the tree is consistent with all seen before is the witness's promise.
///
/// # Errors
/// A key of another kind, a text that is no checkpoint, a time above [`MAX_TIME`].
pub fn cosign(checkpoint_body: &str, time: UnixSeconds, key: &SignerKey) -> Result<String, Error> {
    check_kind(key.kind())?;
    check_time(time)?;
    Checkpoint::parse_body(checkpoint_body).map_err(Error::Checkpoint)?;
    let signature = key.sign_message(message(checkpoint_body, time).as_bytes());
    let mut timestamped = Vec::from(time.0.to_be_bytes());
    timestamped.extend_from_slice(&signature);
    Ok(key.line(&timestamped))
}

/// Checks one signature line of a checkpoint against a witness's key and returns the time the witness stated.
///
/// Whether that time lies in the future is for the caller to judge, who has a clock.
///
/// # Errors
/// A line of another name or ID, a key of another kind, a wrong length, a time above [`MAX_TIME`], a signature
/// that does not verify.
pub fn verify(
    checkpoint_body: &str,
    line: &SignatureLine<'_>,
    key: &VerifierKey,
) -> Result<UnixSeconds, Error> {
    check_kind(key.kind())?;
    if !line.claims(key) {
        return Err(Error::OtherKey { line: line.key_id, key: key.key_id() });
    }
    let length = Error::Length { bytes: line.signature.len() };
    let (time, signature) = line.signature.split_first_chunk::<8>().ok_or(length)?;
    let signature = <&[u8; 64]>::try_from(signature).map_err(|_refused| length)?;
    let time = UnixSeconds(u64::from_be_bytes(*time));
    check_time(time)?;
    if key.accepts(message(checkpoint_body, time).as_bytes(), signature) {
        Ok(time)
    } else {
        Err(Error::BadSignature { key: key.key_id() })
    }
}

fn message(checkpoint_body: &str, time: UnixSeconds) -> String {
    format!("cosignature/v1\ntime {}\n{checkpoint_body}", time.0)
}

const fn check_kind(found: SignatureKind) -> Result<(), Error> {
    match found {
        SignatureKind::CosignatureV1 => Ok(()),
        SignatureKind::Ed25519 => Err(Error::KeyKind { found }),
    }
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
    /// The key does not cosign.
    KeyKind {
        /// Its kind.
        found: SignatureKind,
    },
    /// A cosignature has 72 bytes: time and signature.
    Length {
        /// The number of bytes found.
        bytes: usize,
    },
    /// The line is from another name or key.
    OtherKey {
        /// The ID in the line.
        line: KeyId,
        /// The ID of the key.
        key: KeyId,
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
            Self::KeyKind { found } => write!(f, "cosignature asked of a key for: {found}"),
            Self::Length { bytes } => {
                write!(f, "cosignature has {bytes} bytes instead of {COSIGNATURE_BYTES}")
            }
            Self::OtherKey { line, key } => {
                write!(f, "signature line of key {line} is not from the witness with key {key}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{self, Note};
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
            let length = Err(Error::Length { bytes });
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
}
