//! Records on their way to the journal, as they will stand in it.

use super::frame::{RECORD_HEAD_BYTES, put_record_head};
use super::{MAX_RECORD_BYTES, StoreError};

/// Things to remember together.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each record ends in the bytes.
    ends: Vec<usize>,
}

impl Batch {
    /// Room for some records, and for bytes of their headers and sealed parts.
    #[must_use]
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        let bytes = bytes.saturating_add(records.saturating_mul(RECORD_HEAD_BYTES));
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(records) }
    }

    /// Adds a record. What is returned is the place of its sealed part, zeros, for the caller to fill: the place is
    /// not moved before it is sealed, so that a text may be sealed where it stands.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] for a record longer than [`MAX_RECORD_BYTES`].
    pub fn push(&mut self, kind: u8, header: &[u8], sealed_bytes: usize) -> Result<&mut [u8], StoreError> {
        let bytes = RECORD_HEAD_BYTES.saturating_add(header.len()).saturating_add(sealed_bytes);
        let (Ok(header_bytes), true) = (u16::try_from(header.len()), bytes <= MAX_RECORD_BYTES) else {
            return Err(StoreError::TooLong { bytes });
        };
        // A record of that size has no longer part.
        put_record_head(&mut self.bytes, kind, header_bytes, sealed_bytes as u32);
        self.bytes.extend_from_slice(header);
        let at = self.bytes.len();
        self.bytes.resize(at + sealed_bytes, 0);
        self.ends.push(self.bytes.len());
        Ok(&mut self.bytes[at..])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of each.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).filter_map(|(begin, end)| self.bytes.get(begin..*end))
    }
}
