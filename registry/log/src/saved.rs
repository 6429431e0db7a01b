//! Pure. Bytes of a saved state: big-endian fields of fixed width, one after another, counts before what they count.
//!
//! Whoever keeps a state adds a name, a version and a checksum (specs/audit.md, "Saved state").

use alloc::vec::Vec;
use core::fmt;

/// Why the bytes are no saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedError {
    /// A code that names nothing.
    Code {
        /// The code.
        found: u8,
    },
    /// The bytes end within a field, or go on behind the last one.
    Length,
    /// The parts contradict each other.
    Parts,
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { found } => write!(f, "saved state holds the code {found}, which names nothing"),
            Self::Length => f.write_str("saved state is shorter or longer than its fields"),
            Self::Parts => f.write_str("parts of the saved state contradict each other"),
        }
    }
}

impl core::error::Error for SavedError {}

/// What is left of a saved state.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next bytes.
    ///
    /// # Errors
    /// [`SavedError::Length`].
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], SavedError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(SavedError::Length)?;
        self.0 = rest;
        Ok(*field)
    }

    /// The next number.
    ///
    /// # Errors
    /// [`SavedError::Length`].
    pub fn number(&mut self) -> Result<u64, SavedError> {
        self.take().map(u64::from_be_bytes)
    }

    /// As many bytes as the number before them says.
    ///
    /// # Errors
    /// [`SavedError::Length`].
    pub fn bytes(&mut self) -> Result<&'a [u8], SavedError> {
        let length = usize::try_from(self.number()?).map_err(|_too_wide| SavedError::Length)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(SavedError::Length)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// As many items as the number before them says. An item has a byte at least: the bytes bound the memory.
    ///
    /// # Errors
    /// Those of the items.
    pub fn items<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SavedError>,
    ) -> Result<Vec<T>, SavedError> {
        let mut items = Vec::new();
        for _item in 0..self.number()? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// [`SavedError::Length`].
    pub fn end(self) -> Result<(), SavedError> {
        if self.0.is_empty() { Ok(()) } else { Err(SavedError::Length) }
    }
}

/// Bytes that are taken away whenever there are some.
pub(crate) struct Pieces<'a> {
    piece: Vec<u8>,
    take: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(take: &'a mut dyn FnMut(&[u8])) -> Self {
        Self { piece: Vec::new(), take }
    }

    /// Where the next bytes are appended: a few fields, not all items of a sequence.
    pub(crate) fn next(&mut self) -> &mut Vec<u8> {
        if self.piece.len() >= PIECE_BYTES {
            (self.take)(&self.piece);
            self.piece.clear();
        }
        &mut self.piece
    }

    pub(crate) fn end(self) {
        (self.take)(&self.piece);
    }
}

/// Appends a number, as [`Reader::number`] reads it.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends bytes, as [`Reader::bytes`] reads them.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count, as [`Reader::items`] reads it.
pub fn push_count(out: &mut Vec<u8>, count: usize) {
    // A usize has at most 64 bits on every platform that there is.
    push_number(out, u64::try_from(count).unwrap_or(u64::MAX));
}

/// Bytes that are worth a call of the system.
const PIECE_BYTES: usize = 64 << 10;
