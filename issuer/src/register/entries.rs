//! What is to be appended to the journal, and taken into the index once it is durable.

use super::payload::{join, joined_bytes};
use super::record::Header;
use super::{Register, RegisterError};
use crate::journal::{Batch, StoreError};
use crate::subjects::{NONCE_BYTES, SEAL_BYTES, Sealer};

/// Records under construction: each is sealed where it will be written from.
pub(super) struct Entries {
    headers: Vec<Header>,
    batch: Batch,
}

impl Entries {
    pub(super) fn with_capacity(records: usize) -> Self {
        let batch = Batch::with_capacity(records, records.saturating_mul(USUAL_BYTES));
        Self { headers: Vec::with_capacity(records), batch }
    }

    /// Adds a record without a sealed part.
    pub(super) fn push(&mut self, header: Header) -> Result<(), StoreError> {
        self.seal(header, None, &[])
    }

    /// Adds a record whose sealed part opens only beside this header. Without a key the sealed part is left out.
    pub(super) fn seal(
        &mut self,
        header: Header,
        sealer: Option<&Sealer>,
        fields: &[&[u8]],
    ) -> Result<(), StoreError> {
        let context = header.encode();
        let Some((kind, bytes)) = context.split_first() else { return Ok(()) };
        match sealer {
            None => drop(self.batch.push(*kind, bytes, 0)?),
            Some(sealer) => {
                let plain = joined_bytes(fields);
                let sealed = self.batch.push(*kind, bytes, plain + SEAL_BYTES)?;
                join(fields, &mut sealed[NONCE_BYTES..NONCE_BYTES + plain]);
                sealer.seal_in_place(&context, sealed)?;
            }
        }
        self.headers.push(header);
        Ok(())
    }
}

impl Register {
    /// Makes records durable and takes them in.
    pub(super) fn append(&self, entries: Entries) -> Result<(), RegisterError> {
        if entries.headers.is_empty() {
            return Ok(());
        }
        let locations = self.journal.append(entries.batch)?;
        let mut index = self.hold();
        for (location, header) in locations.into_iter().zip(&entries.headers) {
            let unreadable = |what| RegisterError::Unreadable { what };
            index.apply(location, header).map_err(unreadable)?;
        }
        Ok(())
    }
}

/// Bytes of an intent with a credential of usual length. What is longer makes the memory grow: what was sealed before is
/// copied, and no plain text.
const USUAL_BYTES: usize = 2_048;
