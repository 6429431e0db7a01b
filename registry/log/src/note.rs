//! Pure. Signed notes: a text and lines of signatures (C2SP signed-note v1.0.0).
//!
//! A text means nothing before [`Note::open`] says who signed it. Parsing is strict: what parses is what
//! [`compose`] writes, byte for byte.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::number::decode_base64;

mod key;
mod ml_dsa;

pub(crate) use key::is_name;
pub use key::{KeyError, KeyId, MAX_NAME_BYTES, SignatureKind, SignerKey, VerifierKey};

/// A note that parsed. None of its signatures is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

/// One line of a note's signatures, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine<'a> {
    /// The name the signer goes by.
    pub name: &'a str,
    /// The ID of the signer's key.
    pub key_id: KeyId,
    /// What the key's algorithm made of the text, at least one byte.
    pub signature: Vec<u8>,
}

impl SignatureLine<'_> {
    /// Whether the line claims to be from `key`: name *and* ID match.
    #[must_use]
    pub fn claims(&self, key: &VerifierKey) -> bool {
        self.key_id == key.key_id() && self.name == key.name()
    }

    /// The line, newline included.
    #[must_use]
    pub fn encode(&self) -> String {
        key::signature_line(self.name, self.key_id, &self.signature)
    }
}

impl<'a> Note<'a> {
    /// Reads a note from bytes.
    ///
    /// # Errors
    /// As [`Note::parse`], and bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(Error::TooLong { bytes: bytes.len() });
        }
        Self::parse(core::str::from_utf8(bytes).map_err(|at| Error::Utf8 { offset: at.valid_up_to() })?)
    }

    //= specs/log.md#checkpoint
    /// Reads a note: text, empty line, signature lines. The *last* empty line separates.
    ///
    /// # Errors
    /// More than [`MAX_NOTE_BYTES`] or [`MAX_SIGNATURES`], a control character (carriage return included), no
    /// signature, a line that is not em dash, name and canonical base64.
    pub fn parse(note: &'a str) -> Result<Self, Error> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(Error::TooLong { bytes: note.len() });
        }
        check_controls(note)?;
        let (before, lines) = note.rsplit_once("\n\n").ok_or(Error::Separator)?;
        let text = note.get(..before.len().saturating_add(1)).ok_or(Error::Separator)?;
        if lines.is_empty() {
            return Err(Error::NoSignatures);
        }
        let lines = lines.strip_suffix('\n').ok_or(Error::Unterminated)?;
        // Counted before any is decoded, so that a flood costs one pass over the bytes.
        let count = lines.split('\n').count();
        if count > MAX_SIGNATURES {
            return Err(Error::TooManySignatures { count });
        }
        let signatures = lines
            .split('\n')
            .enumerate()
            .map(|(index, line)| signature_line(line).ok_or(Error::SignatureLine { index }))
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The text, final newline included. Ignore it until [`Note::open`] has named a signer.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines in order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine<'a>] {
        &self.signatures
    }

    /// Checks the note against trusted keys of kind [`SignatureKind::Ed25519`] and returns the positions in
    /// `keys` of those that signed, each once, in the order of their lines. Lines of unknown keys are ignored.
    ///
    /// # Errors
    /// No known key signed; a signature of a known key is wrong or stands twice; a key is a cosigner's; two keys
    /// have the same name and ID.
    pub fn open(&self, keys: &[VerifierKey]) -> Result<Vec<usize>, Error> {
        if let Some(key) = keys.iter().find(|key| key.kind() != SignatureKind::Ed25519) {
            return Err(Error::KeyKind { found: key.kind() });
        }
        let mut signers = Vec::new();
        for (index, line) in self.signatures.iter().enumerate() {
            let Some((position, key)) = claimed(line, keys)? else { continue };
            if signers.contains(&position) {
                return Err(Error::Repeated { index });
            }
            if !self.signed_by(line, key) {
                return Err(Error::BadSignature { index, key: key.key_id() });
            }
            signers.push(position);
        }
        if signers.is_empty() { Err(Error::NoKnownSigner) } else { Ok(signers) }
    }

    /// Whether `line` holds a plain Ed25519 signature of `key` over the text.
    pub(crate) fn signed_by(&self, line: &SignatureLine<'_>, key: &VerifierKey) -> bool {
        key.kind() == SignatureKind::Ed25519 && key.accepts(self.text.as_bytes(), &line.signature)
    }
}

/// Puts a text and signature lines, as [`SignerKey::sign`] returns them, together to a note.
///
/// # Errors
/// Whatever [`Note::parse`] would refuse in the result, so that nothing unreadable is ever written.
pub fn compose<L: AsRef<str>>(text: &str, lines: &[L]) -> Result<String, Error> {
    check_text(text)?;
    let mut note = String::from(text);
    note.push('\n');
    for line in lines {
        note.push_str(line.as_ref());
    }
    // A "line" that holds an empty line would move the separator.
    if Note::parse(&note)?.text() == text { Ok(note) } else { Err(Error::Separator) }
}

/// The one trusted key that `line` claims, with its position.
pub(crate) fn claimed<'k>(
    line: &SignatureLine<'_>,
    keys: &'k [VerifierKey],
) -> Result<Option<(usize, &'k VerifierKey)>, Error> {
    let mut found = keys.iter().enumerate().filter(|(_position, key)| line.claims(key));
    let first = found.next();
    if found.next().is_some() {
        return Err(Error::AmbiguousKey { key: line.key_id });
    }
    Ok(first)
}

pub(crate) fn check_text(text: &str) -> Result<(), Error> {
    check_controls(text)?;
    if text.ends_with('\n') { Ok(()) } else { Err(Error::Unterminated) }
}

fn check_controls(text: &str) -> Result<(), Error> {
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(offset) => Err(Error::Control { offset }),
        None => Ok(()),
    }
}

fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = decode_base64(encoded)?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if !is_name(name) || signature.is_empty() {
        return None;
    }
    Some(SignatureLine { name, key_id: KeyId(u32::from_be_bytes(*id)), signature: signature.into() })
}

/// Why a note is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Two trusted keys have the same name and ID.
    AmbiguousKey {
        /// The ID they share.
        key: KeyId,
    },
    /// The signature of a known key is wrong.
    BadSignature {
        /// The position of the signature line, from 0.
        index: usize,
        /// The key that was claimed.
        key: KeyId,
    },
    /// A control character other than newline.
    Control {
        /// Its position in bytes.
        offset: usize,
    },
    /// The key is of a kind that does not sign plain notes.
    KeyKind {
        /// Its kind.
        found: SignatureKind,
    },
    /// No signature line is from a known key.
    NoKnownSigner,
    /// Nothing stands after the separating empty line.
    NoSignatures,
    /// A known key has more than one signature line.
    Repeated {
        /// The position of the second line, from 0.
        index: usize,
    },
    /// No empty line separates text from signatures.
    Separator,
    /// A signature line is not em dash, name and canonical base64 of at least five bytes.
    SignatureLine {
        /// Its position, from 0.
        index: usize,
    },
    /// The note is longer than [`MAX_NOTE_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The note has more than [`MAX_SIGNATURES`] signature lines.
    TooManySignatures {
        /// Their number.
        count: usize,
    },
    /// The text or the last signature line does not end in a newline.
    Unterminated,
    /// The note is not UTF-8.
    Utf8 {
        /// The position of the first wrong byte.
        offset: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmbiguousKey { key } => write!(f, "two trusted keys share the name and the ID {key}"),
            Self::BadSignature { index, key } => {
                write!(f, "signature line {index} does not verify under the known key {key}")
            }
            Self::Control { offset } => write!(f, "note has a control character at byte {offset}"),
            Self::KeyKind { found } => write!(f, "note signature asked of a key for: {found}"),
            Self::NoKnownSigner => f.write_str("note is not signed by any known key"),
            Self::NoSignatures => f.write_str("note has no signature line"),
            Self::Repeated { index } => {
                write!(f, "signature line {index} repeats a key that signed already")
            }
            Self::Separator => f.write_str("note has no empty line between text and signatures"),
            Self::SignatureLine { index } => {
                write!(f, "signature line {index} is not em dash, name and canonical base64")
            }
            Self::TooLong { bytes } => write!(f, "note of {bytes} bytes is longer than {MAX_NOTE_BYTES}"),
            Self::TooManySignatures { count } => {
                write!(f, "note has {count} signature lines, more than {MAX_SIGNATURES}")
            }
            Self::Unterminated => f.write_str("note text or last signature line does not end in a newline"),
            Self::Utf8 { offset } => write!(f, "note is not UTF-8 at byte {offset}"),
        }
    }
}

impl core::error::Error for Error {}

/// Longest note in bytes: 1 MiB. 64 lines of ML-DSA-44 take 212 KiB, the rest is room for text.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most signature lines in a note. signed-note asks for at least 16; a policy names at most 32 logs and 32
/// witnesses, and a strict Ed25519 verification costs some 50 microseconds, so a flood is bounded to a few
/// milliseconds.
pub const MAX_SIGNATURES: usize = 64;
