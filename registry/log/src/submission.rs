//! Pure. How a submitter proves who asks: one header over the origin of the log, a time and the digest of the body.
//!
//! # Out of scope
//! Which keys are known and what they may append: the registry and [`crate::ledger::authorise`]. The JSON around
//! the entries: the two programs that send and read it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::note::{self, KeyId, MAX_NAME_BYTES, Note, SignatureKind, SignerKey, VerifierKey};
use crate::number::{decode_base64, encode_base64, parse_decimal};
use crate::{Hash, UnixSeconds};

/// How far a batch must have come before its submitter is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// The batch is durable and its checkpoint is signed. Enough between issuer and registry.
    #[default]
    Committed,
    /// A reader can fetch it.
    Published,
    /// The same, and the receipt is relative to a public checkpoint that meets the log's policy. What a holder is given.
    Cosigned,
}

impl Level {
    /// The word for it in the body of a submission.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Published => "published",
            Self::Cosigned => "cosigned",
        }
    }

    /// The level of a word, or nothing.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Committed, Self::Published, Self::Cosigned].into_iter().find(|level| level.name() == name)
    }
}

//= specs/log.md#submission
/// The text that a submitter signs: who is addressed, when, and with which body.
#[must_use]
pub fn text(origin: &str, time: UnixSeconds, body: &Hash) -> String {
    format!("{FIRST_LINE}\n{origin}\n{}\n{}\n", time.0, body.to_base64())
}

/// What stands in the text for a body: its SHA-256, over the bytes as sent.
#[must_use]
pub fn body_digest(body: &[u8]) -> Hash {
    Hash(Sha256::digest(body).into())
}

/// The value of the header `Authorization`, parsed. It proves nothing before [`Authorization::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    name: String,
    time: UnixSeconds,
    key_id: KeyId,
    signature: Vec<u8>,
}

impl Authorization {
    /// Signs a body for the log of `origin`, at the submitter's own time.
    ///
    /// # Errors
    /// A key that is not of kind [`SignatureKind::Ed25519`], or whose name a header cannot carry; an origin that no
    /// text can carry.
    pub fn sign(origin: &str, key: &SignerKey, body: &[u8], now: UnixSeconds) -> Result<Self, Error> {
        check_name(key.name())?;
        let text = text(origin, now, &body_digest(body));
        let line = key.sign(&text).map_err(Error::Note)?;
        let note = note::compose(&text, &[line]).map_err(Error::Note)?;
        let note = Note::parse(&note).map_err(Error::Note)?;
        let line = note.signatures().first().ok_or(Error::Form)?;
        Ok(Self { name: line.name.into(), time: now, key_id: line.key_id, signature: line.signature.clone() })
    }

    /// Reads the value of the header. There is one spelling.
    ///
    /// # Errors
    /// Anything but what [`Authorization::encode`] writes.
    pub fn parse(value: &str) -> Result<Self, Error> {
        if value.len() > MAX_HEADER_BYTES {
            return Err(Error::TooLong { bytes: value.len() });
        }
        let rest = value.strip_prefix(NAME).ok_or(Error::Form)?;
        let (name, rest) = rest.split_once(TIME).ok_or(Error::Form)?;
        let (time, rest) = rest.split_once(SIGNATURE).ok_or(Error::Form)?;
        let signature = rest.strip_suffix('"').ok_or(Error::Form)?;
        check_name(name)?;
        let time = parse_decimal(time).map(UnixSeconds).ok_or(Error::Time)?;
        let bytes = decode_base64(signature).ok_or(Error::Signature)?;
        let (key_id, signature) = bytes.split_first_chunk::<4>().ok_or(Error::Signature)?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(Error::Signature);
        }
        let key_id = KeyId(u32::from_be_bytes(*key_id));
        Ok(Self { name: name.into(), time, key_id, signature: signature.into() })
    }

    /// The value of the header.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::from(self.key_id.0.to_be_bytes());
        bytes.extend_from_slice(&self.signature);
        format!("{NAME}{}{TIME}{}{SIGNATURE}{}\"", self.name, self.time.0, encode_base64(&bytes))
    }

    /// Whether the header names `key`: name *and* key ID.
    #[must_use]
    pub fn claims(&self, key: &VerifierKey) -> bool {
        self.key_id == key.key_id() && self.name == key.name()
    }

    /// Checks that it was made at most [`MAX_SKEW_SECONDS`] from `now`. It needs no body.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub const fn check_time(&self, now: UnixSeconds) -> Result<(), Error> {
        if self.time.0.abs_diff(now.0) > MAX_SKEW_SECONDS {
            return Err(Error::Stale { time: self.time });
        }
        Ok(())
    }

    /// Checks that `key` signed this body for the log of `origin`, at most [`MAX_SKEW_SECONDS`] from `now`.
    ///
    /// # Errors
    /// Another key, a time too far away, a signature that does not verify.
    pub fn check(&self, origin: &str, key: &VerifierKey, body: &[u8], now: UnixSeconds) -> Result<(), Error> {
        if !self.claims(key) || key.kind() != SignatureKind::Ed25519 {
            return Err(Error::OtherKey);
        }
        self.check_time(now)?;
        let text = text(origin, self.time, &body_digest(body));
        let signature = <&[u8; SIGNATURE_BYTES]>::try_from(self.signature.as_slice());
        match signature {
            Ok(signature) if key.accepts(text.as_bytes(), signature) => Ok(()),
            Ok(_) | Err(_) => Err(Error::BadSignature),
        }
    }
}

/// Whether a quoted string of a header (RFC 9110 section 5.6.4) carries `name` without escapes.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(Error::Name)
    }
}

/// Why a submission does not prove who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The signature is not the key's over this origin, time and body.
    BadSignature,
    /// The header is not scheme, name, time and signature in this order and spelling.
    Form,
    /// The key's name is empty, too long, or holds what a quoted string would have to escape.
    Name,
    /// The key does not sign notes, or the origin cannot stand in one.
    Note(note::Error),
    /// The header names another key.
    OtherKey,
    /// The signature is not canonical base64 of a key ID and 64 bytes.
    Signature,
    /// The time is too far from the clock.
    Stale {
        /// The time in the header.
        time: UnixSeconds,
    },
    /// The time is not a plain decimal number below 2^64.
    Time,
    /// The header is longer than [`MAX_HEADER_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature => {
                f.write_str("signature is not the key's over this origin, time and body as sent")
            }
            Self::Form => f.write_str(
                "authorization is not of the form Sillok-Note name=\"...\", time=\"...\", signature=\"...\"",
            ),
            Self::Name => f.write_str(
                "key name in authorization is empty, too long, or not plain ASCII without quotes and backslashes",
            ),
            Self::Note(error) => write!(f, "submission cannot be signed: {error}"),
            Self::OtherKey => f.write_str("authorization names another key"),
            Self::Signature => {
                f.write_str("signature in authorization is not canonical base64 of a key ID and 64 bytes")
            }
            Self::Stale { time } => write!(
                f,
                "time {} in authorization is more than {MAX_SKEW_SECONDS} seconds from the log's clock",
                time.0
            ),
            Self::Time => {
                f.write_str("time in authorization is not a plain decimal number of seconds below 2^64")
            }
            Self::TooLong { bytes } => {
                write!(f, "authorization of {bytes} bytes is longer than {MAX_HEADER_BYTES}")
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Note(error) = self { Some(error) } else { None }
    }
}

/// What the signed text begins with. It can never be read as a checkpoint: it has four lines, a checkpoint three.
const FIRST_LINE: &str = "sillok/submit/v1";

/// How the header begins.
const NAME: &str = "Sillok-Note name=\"";

/// What stands between name and time.
const TIME: &str = "\", time=\"";

/// What stands between time and signature.
const SIGNATURE: &str = "\", signature=\"";

/// An Ed25519 signature (RFC 8032 section 5.1.6).
const SIGNATURE_BYTES: usize = 64;

/// Longest header in bytes: a name of 255, a time of 20 and a signature of 92, with the words around them.
pub const MAX_HEADER_BYTES: usize = 512;

/// How far the time of a submission may be from the log's clock, in seconds (specs/log.md, "Submission").
pub const MAX_SKEW_SECONDS: u64 = 300;

/// Most entries of one submission (specs/log.md, "Submission").
pub const MAX_ENTRIES: usize = 1_000;

/// Longest body of a submission in bytes (specs/log.md, "Submission").
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Longest entry of a raw log in bytes (specs/log.md, "Raw submission"): what an entry bundle can hold.
pub const MAX_RAW_ENTRY_BYTES: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "example.org/log";
    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn key(name: &str, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap()
    }

    #[test]
    fn the_text_is_four_lines() {
        let digest = body_digest(b"");
        assert_eq!(
            text(ORIGIN, UnixSeconds(7), &digest),
            "sillok/submit/v1\nexample.org/log\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        );
    }

    #[test]
    fn a_signed_header_is_read_back_and_accepted() {
        let key = key("example.org/issuer", 1);
        let header = Authorization::sign(ORIGIN, &key, b"{}", NOW).unwrap();
        let read = Authorization::parse(&header.encode()).unwrap();
        assert_eq!(read, header);
        for skew in [0, MAX_SKEW_SECONDS] {
            assert_eq!(read.check(ORIGIN, &key.verifier(), b"{}", UnixSeconds(NOW.0 + skew)), Ok(()));
            assert_eq!(read.check(ORIGIN, &key.verifier(), b"{}", UnixSeconds(NOW.0 - skew)), Ok(()));
        }
    }

    #[test]
    fn another_log_body_time_or_key_is_refused() {
        let signer = key("example.org/issuer", 1);
        let header = Authorization::sign(ORIGIN, &signer, b"{}", NOW).unwrap();
        let known = signer.verifier();
        assert_eq!(header.check("example.org/other", &known, b"{}", NOW), Err(Error::BadSignature));
        assert_eq!(header.check(ORIGIN, &known, b"{ }", NOW), Err(Error::BadSignature));
        assert_eq!(header.check_time(NOW), Ok(()));
        let late = UnixSeconds(NOW.0 + MAX_SKEW_SECONDS + 1);
        assert_eq!(header.check_time(late), Err(Error::Stale { time: NOW }));
        assert_eq!(header.check(ORIGIN, &known, b"{}", late), Err(Error::Stale { time: NOW }));
        let early = UnixSeconds(NOW.0 - MAX_SKEW_SECONDS - 1);
        assert_eq!(header.check(ORIGIN, &known, b"{}", early), Err(Error::Stale { time: NOW }));
        let namesake = key("example.org/issuer", 2).verifier();
        assert_eq!(header.check(ORIGIN, &namesake, b"{}", NOW), Err(Error::OtherKey));
        let moved = Authorization { time: UnixSeconds(NOW.0 + 1), ..header };
        assert_eq!(moved.check(ORIGIN, &known, b"{}", NOW), Err(Error::BadSignature));
    }

    #[test]
    fn headers_have_one_spelling() {
        let signature = encode_base64(&[7; 68]);
        let good = format!("Sillok-Note name=\"n\", time=\"7\", signature=\"{signature}\"");
        assert_eq!(Authorization::parse(&good).unwrap().encode(), good);
        for (from, to, error) in [
            ("Sillok-Note", "Bearer", Error::Form),
            ("name=\"n\", time", "time", Error::Form),
            (", time", ",time", Error::Form),
            ("\"n\"", "\"\"", Error::Name),
            ("\"n\"", "\"n n\"", Error::Name),
            ("\"n\"", "\"n\\\"", Error::Name),
            ("\"n\"", "\"é\"", Error::Name),
            ("\"7\"", "\"07\"", Error::Time),
            ("\"7\"", "\"+7\"", Error::Time),
            ("\"7\"", "\"\"", Error::Time),
            (signature.as_str(), "AAAA", Error::Signature),
            (signature.as_str(), "", Error::Signature),
            (signature.as_str(), "%", Error::Signature),
        ] {
            assert_eq!(Authorization::parse(&good.replace(from, to)), Err(error), "{from} -> {to}");
        }
        assert_eq!(Authorization::parse(""), Err(Error::Form));
        assert_eq!(Authorization::parse(&format!("{good} ")), Err(Error::Form));
        let long = format!("Sillok-Note name=\"{}\"", "n".repeat(MAX_HEADER_BYTES));
        assert_eq!(Authorization::parse(&long), Err(Error::TooLong { bytes: long.len() }));
    }

    #[test]
    fn a_witness_key_and_an_unspeakable_name_do_not_sign() {
        let witness = SignerKey::from_seed("w", SignatureKind::CosignatureV1, &[1; 32]).unwrap();
        assert!(matches!(Authorization::sign(ORIGIN, &witness, b"", NOW), Err(Error::Note(_))));
        assert_eq!(Authorization::sign(ORIGIN, &key("n\"", 1), b"", NOW), Err(Error::Name));
    }

    #[test]
    fn levels_are_words() {
        for level in [Level::Committed, Level::Published] {
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        assert_eq!(Level::from_name("Committed"), None);
        assert_eq!(Level::default(), Level::Committed);
    }
}
