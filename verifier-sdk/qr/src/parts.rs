//! What is too long for one code, in several that are shown one after another: Uniform Resources (BCR-2020-005, BCR-2024-001) of
//! the bytes of the packed form.

use std::fmt;

use sillok_verifier::packed;
use ur::ur::{Decoder, Encoder};

/// The texts to show one after another, again and again from the beginning: all parts, and as many mixed ones.
///
/// # Errors
/// The text is no packed form, or needs more than [`MAX_PARTS`].
//= specs/presentation.md#several-codes
pub fn split(text: &str) -> Result<Vec<String>, SplitError> {
    let bytes = packed::to_bytes(text.as_bytes()).map_err(|_other| SplitError::Packed)?;
    let message = byte_string(&bytes);
    let count = message.len().div_ceil(FRAGMENT_BYTES);
    // A message in one part is written without mixing, and read without it: it would fit into one code.
    if !(2..=MAX_PARTS).contains(&count) {
        return Err(SplitError::Count { parts: count });
    }
    let mut encoder = Encoder::bytes(&message, FRAGMENT_BYTES).map_err(|_none| SplitError::Packed)?;
    // Whoever lost one part would wait for it a whole round; a mixed part stands for many. Mixing for ever takes longer than
    // beginning anew: measured with none, a tenth and a third of the codes lost.
    let parts = (0..2 * encoder.fragment_count()).map(|_part| encoder.next_part());
    let texts: Result<Vec<String>, _> =
        parts.map(|part| part.map(|part| part.to_ascii_uppercase())).collect();
    texts.map_err(|_none| SplitError::Packed)
}

/// Why a text is not shown in several codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// It needs one, or more than [`MAX_PARTS`].
    Count {
        /// How many.
        parts: usize,
    },
    /// It is no packed form.
    Packed,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { parts } => write!(f, "split text: {parts} codes are not from 2 to {MAX_PARTS}"),
            Self::Packed => f.write_str("split text: it is not the packed form of a presentation"),
        }
    }
}

impl std::error::Error for SplitError {}

/// Puts together what several codes say.
#[derive(Default)]
pub struct Collector {
    decoder: Decoder,
    /// Texts that were taken, to bound what a stranger's screen can make us keep.
    taken: usize,
}

/// No text of it: it is about a person.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// What a collector has after a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The text of the packed form.
    Complete(String),
    /// So many of so many parts are known.
    Partial {
        /// How many are known.
        known: usize,
        /// How many there are.
        of: usize,
    },
    /// The text is no part, and changes nothing.
    NoPart,
}

impl Collector {
    /// Takes the text of a code. A part of something else begins anew: one screen is before the camera.
    //= specs/presentation.md#several-codes
    pub fn take(&mut self, text: &str) -> Progress {
        let Some(of) = count(text) else { return Progress::NoPart };
        if self.taken > MAX_TAKEN {
            *self = Self::default();
        }
        if self.decoder.receive(text).is_err() {
            *self = Self::default();
            if self.decoder.receive(text).is_err() {
                return Progress::NoPart;
            }
        }
        self.taken += 1;
        if !self.decoder.complete() {
            return Progress::Partial {
                known: self.decoder.resolved_fragment_count().unwrap_or_default(),
                of,
            };
        }
        let message = self.decoder.message().ok().flatten();
        *self = Self::default();
        let text = message.as_deref().and_then(content).map(packed::from_bytes);
        text.map_or(Progress::NoPart, Progress::Complete)
    }
}

/// Of how many parts a text says that it is one: `UR:BYTES/3-7/…`.
fn count(text: &str) -> Option<usize> {
    if text.len() > MAX_PART_CHARACTERS {
        return None;
    }
    let head = text.get(..PREFIX.len()).filter(|head| head.eq_ignore_ascii_case(PREFIX))?;
    let (numbers, _body) = text.get(head.len()..)?.split_once('/')?;
    let (number, of) = numbers.split_once('-')?;
    let number: usize = number.parse().ok()?;
    let of = of.parse().ok().filter(|of| (2..=MAX_PARTS).contains(of))?;
    (number <= MAX_NUMBER).then_some(of)
}

/// A CBOR byte string (RFC 8949 section 3.1): what the type `bytes` is.
fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut message = match length {
        0..=23 => vec![0x40 | length.to_be_bytes()[1]],
        24..=255 => vec![0x58, length.to_be_bytes()[1]],
        _more => [&[0x59][..], &length.to_be_bytes()].concat(),
    };
    message.extend_from_slice(bytes);
    message
}

/// What is in a byte string, in its shortest form.
fn content(message: &[u8]) -> Option<&[u8]> {
    let header = match message.first()? {
        0x40..=0x57 => 1,
        0x58 => 2,
        0x59 => 3,
        _other => return None,
    };
    let bytes = message.get(header..)?;
    (byte_string(bytes) == message).then_some(bytes)
}

const PREFIX: &str = "UR:BYTES/";

/// Most bytes of a fragment: a code of version 13 at level L, which every camera reads in every frame.
pub const FRAGMENT_BYTES: usize = 300;

/// Most parts: the 32,768 bytes of a packed form in fragments of 300, and some.
pub const MAX_PARTS: usize = 128;

/// Longest text of a part: what one code holds.
const MAX_PART_CHARACTERS: usize = packed::MAX_CODE_CHARACTERS;

/// Largest number of a part: hours of mixing.
const MAX_NUMBER: usize = 1 << 20;

/// Most texts that are taken for one message: eight times around the longest, and then it begins anew.
const MAX_TAKEN: usize = 8 * MAX_PARTS;
