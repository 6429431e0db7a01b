//! Pure. Checkpoints: origin, size and root of a log as the text of a signed note (C2SP tlog-checkpoint v1.0.0).
//!
//! Our profile is narrower than the specification where that costs nobody anything: the origin is a key name, and
//! extension lines are refused, because no monitor can audit them.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::note::{self, MAX_NAME_BYTES, Note, SignatureKind, SignerKey, VerifierKey, is_name};
use crate::number::{decode_base64_exact, encode_base64, parse_decimal};
use crate::{Hash, TreeSize};

/// What a log says about itself: "at this size, my root is this".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The log's identity, equal to the name of its key.
    pub origin: String,
    /// The number of leaves.
    pub size: TreeSize,
    /// The RFC 6962 root hash at that size.
    pub root: Hash,
}

impl Checkpoint {
    /// The note text: three lines, each ended by a newline.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size.0, encode_base64(&self.root.0))
    }

    /// Reads a note text. It says nothing about who signed it.
    ///
    /// # Errors
    /// Anything but the three lines that [`Checkpoint::body`] writes; extension lines have their own variant.
    pub fn parse_body(body: &str) -> Result<Self, Error> {
        let body = body.strip_suffix('\n').ok_or(Error::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Error::Lines);
        };
        match lines.next() {
            None => {}
            // tlog-checkpoint forbids empty extension lines, so this is no checkpoint at all.
            Some("") => return Err(Error::Lines),
            Some(_extension) => return Err(Error::ExtensionLine),
        }
        check_origin(origin)?;
        let size = parse_decimal(size).map(TreeSize).ok_or(Error::Size)?;
        let root = decode_base64_exact::<32>(root).map(Hash).ok_or(Error::Root)?;
        Ok(Self { origin: origin.into(), size, root })
    }

    /// Signs the checkpoint with the log's key and returns the whole note.
    ///
    /// It does not know what the log signed before: that no two checkpoints contradict each other is the
    /// caller's promise.
    ///
    /// # Errors
    /// A key whose name is not the origin or that is not for notes; an origin that does not parse.
    pub fn sign(&self, key: &SignerKey) -> Result<String, Error> {
        check_origin(&self.origin)?;
        if key.name() != self.origin {
            return Err(Error::OriginMismatch);
        }
        let body = self.body();
        let line = key.sign(&body).map_err(Error::Note)?;
        note::compose(&body, &[line]).map_err(Error::Note)
    }

    /// Reads a note, checks that the log signed it, and reads its checkpoint. Other signatures are ignored.
    ///
    /// # Errors
    /// A malformed note or checkpoint, a wrong or missing signature, an origin that is not the key's name.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, Error> {
        if key.kind() != SignatureKind::Ed25519 {
            return Err(Error::Note(note::Error::KeyKind { found: key.kind() }));
        }
        let note = Note::parse(note).map_err(Error::Note)?;
        note.open(core::slice::from_ref(key)).map_err(Error::Note)?;
        let checkpoint = Self::parse_body(note.text())?;
        if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(Error::OriginMismatch) }
    }
}

fn check_origin(origin: &str) -> Result<(), Error> {
    if origin.len() > MAX_NAME_BYTES || !is_name(origin) { Err(Error::Origin) } else { Ok(()) }
}

/// Why a checkpoint is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A fourth line, which the format allows and this ledger does not use.
    ExtensionLine,
    /// The text is not three lines ended by newlines.
    Lines,
    /// The note around it is malformed or not signed as it must be.
    Note(note::Error),
    /// The origin is empty, longer than [`MAX_NAME_BYTES`], or holds a space, a plus or a control character.
    Origin,
    /// The origin is not the name of the key that signs.
    OriginMismatch,
    /// The root is not canonical base64 of 32 bytes.
    Root,
    /// The size is not a decimal number below 2^64 without sign and leading zero.
    Size,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExtensionLine => f.write_str("checkpoint has an extension line"),
            Self::Lines => f.write_str("checkpoint is not three lines ended by newlines"),
            Self::Note(error) => write!(f, "checkpoint is no properly signed note: {error}"),
            Self::Origin => write!(
                f,
                "checkpoint origin is empty, over {MAX_NAME_BYTES} bytes, or holds a space or a plus"
            ),
            Self::OriginMismatch => f.write_str("checkpoint origin is not the name of the log's key"),
            Self::Root => f.write_str("checkpoint root is not canonical base64 of 32 bytes"),
            Self::Size => f.write_str("checkpoint size is not a plain decimal number below 2^64"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Note(error) = self { Some(error) } else { None }
    }
}
