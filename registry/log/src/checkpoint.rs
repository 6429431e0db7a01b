//! Pure. Checkpoints: origin, size and root of a log as the text of a signed note (C2SP tlog-checkpoint v1.0.0).
//!
//! Our profile is narrower than the specification where that costs nobody anything: the origin is a key name, and
//! extension lines are refused, because no monitor can audit them.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::merkle::MAX_TREE_SIZE;
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

    //= specs/log.md#checkpoint
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
        let size = parse_decimal(size).filter(|&size| size <= MAX_TREE_SIZE).map(TreeSize);
        let size = size.ok_or(Error::Size)?;
        let root = decode_base64_exact::<32>(root).map(Hash).ok_or(Error::Root)?;
        Ok(Self { origin: origin.into(), size, root })
    }

    /// Signs the checkpoint with the log's key and returns the whole note.
    ///
    /// It does not know what the log signed before: that no two checkpoints contradict each other is the
    /// caller's promise.
    ///
    /// # Errors
    /// A key whose name is not the origin or that is not for notes; an origin or size that would not parse.
    pub fn sign(&self, key: &SignerKey) -> Result<String, Error> {
        check_origin(&self.origin)?;
        if self.size.0 > MAX_TREE_SIZE {
            return Err(Error::Size);
        }
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

//= specs/log.md#origin-and-key
pub(crate) fn check_origin(origin: &str) -> Result<(), Error> {
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
    /// The size is not a decimal number below 2^63 without sign and leading zero.
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
            Self::Size => f.write_str("checkpoint size is not a plain decimal number below 2^63"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Note(error) = self { Some(error) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn key(name: &str, kind: SignatureKind) -> SignerKey {
        SignerKey::from_seed(name, kind, &[7; 32]).unwrap()
    }

    #[test]
    fn the_published_example_parses_and_encodes_to_itself() {
        let body = alloc::format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse_body(&body).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, TreeSize(20_852_163));
        assert_eq!(checkpoint.body(), body);
    }

    #[test]
    fn bodies_have_one_spelling() {
        let long = "x".repeat(256);
        let cases = [
            ("", Error::Lines),
            ("o\n1\nROOT", Error::Lines),
            ("o\n1\n", Error::Lines),
            ("o\n1\nROOT\n\n", Error::Lines),
            ("o\n1\nROOT\nextension\n", Error::ExtensionLine),
            ("\n1\nROOT\n", Error::Origin),
            ("o o\n1\nROOT\n", Error::Origin),
            ("o\u{2003}o\n1\nROOT\n", Error::Origin),
            ("o+o\n1\nROOT\n", Error::Origin),
            ("o\r\n1\nROOT\n", Error::Origin),
            ("LONG\n1\nROOT\n", Error::Origin),
            ("o\n+777\nROOT\n", Error::Size),
            ("o\n007\nROOT\n", Error::Size),
            ("o\n-1\nROOT\n", Error::Size),
            ("o\n1\r\nROOT\n", Error::Size),
            ("o\n\nROOT\n", Error::Size),
            ("o\n9223372036854775808\nROOT\n", Error::Size),
            ("o\n18446744073709551616\nROOT\n", Error::Size),
            ("o\n1\nROOT\r\n", Error::Root),
            ("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", Error::Root),
            ("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", Error::Root),
            ("o\n1\nAAAA\n", Error::Root),
        ];
        for (body, error) in cases {
            let body = body.replace("ROOT", ROOT).replace("LONG", &long);
            assert_eq!(Checkpoint::parse_body(&body), Err(error), "{body:?}");
        }
        for size in [0, 1, 255, MAX_TREE_SIZE] {
            let body = alloc::format!("{}\n{size}\n{ROOT}\n", "x".repeat(255));
            assert_eq!(Checkpoint::parse_body(&body).unwrap().body(), body);
        }
    }

    #[test]
    fn only_the_log_of_the_origin_signs_and_opens() {
        let log = key("example.com/log", SignatureKind::Ed25519);
        let checkpoint =
            Checkpoint { origin: log.name().to_string(), size: TreeSize(3), root: Hash([9; 32]) };
        let note = checkpoint.sign(&log).unwrap();
        assert_eq!(Checkpoint::open(&note, &log.verifier()), Ok(checkpoint.clone()));

        let other = key("example.com/other", SignatureKind::Ed25519);
        assert_eq!(checkpoint.sign(&other), Err(Error::OriginMismatch));
        let unknown = Error::Note(note::Error::NoKnownSigner);
        assert_eq!(Checkpoint::open(&note, &other.verifier()), Err(unknown));
        // Signed, by a trusted key, but about somebody else's log.
        let line = other.sign(&checkpoint.body()).unwrap();
        let foreign = note::compose(&checkpoint.body(), &[line]).unwrap();
        assert_eq!(Checkpoint::open(&foreign, &other.verifier()), Err(Error::OriginMismatch));

        let witness = key("example.com/log", SignatureKind::CosignatureV1);
        let kind = Error::Note(note::Error::KeyKind { found: SignatureKind::CosignatureV1 });
        assert_eq!(checkpoint.sign(&witness), Err(kind));
        assert_eq!(Checkpoint::open(&note, &witness.verifier()), Err(kind));
        let huge = Checkpoint { size: TreeSize(1 << 63), ..checkpoint };
        assert_eq!(huge.sign(&log), Err(Error::Size));
    }
}
