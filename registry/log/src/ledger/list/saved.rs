//! Pure. A list in a saved state.

use alloc::vec::Vec;

use super::{Change, ListRecord, Slot};
use crate::LeafIndex;
use crate::entry::{Entry, IssuerHash, List, ListId, StatusValue};
use crate::saved::{Reader, SavedError, push_bytes, push_count, push_number};

//= specs/audit.md#saved-state
impl ListRecord {
    pub(in crate::ledger) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.list.0);
        out.extend_from_slice(&self.issuer.0);
        push_number(out, self.size);
        push_number(out, self.declared_at.0);
        push_count(out, self.slots.len());
        for (index, slot) in &self.slots {
            out.extend_from_slice(&index.to_be_bytes());
            out.push(slot.value.code());
            push_number(out, slot.changes);
        }
        push_count(out, self.changes.len());
        for change in &self.changes {
            push_number(out, change.at.0);
            out.extend_from_slice(&change.index.to_be_bytes());
            out.push(change.before.code());
        }
        match self.last_snapshot {
            None => push_bytes(out, &[]),
            Some((snapshot, at)) => {
                push_bytes(out, &Entry::Snapshot(snapshot).encode());
                push_number(out, at.0);
            }
        }
    }

    pub(in crate::ledger) fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let list =
            List { list: ListId(reader.take()?), issuer: IssuerHash(reader.take()?), size: reader.number()? };
        Entry::List(list).check().map_err(|_no_list| SavedError::Parts)?;
        let mut record = Self::new(&list, LeafIndex(reader.number()?));
        let index = |reader: &mut Reader<'_>| match u32::from_be_bytes(reader.take()?) {
            index if u64::from(index) < list.size => Ok(index),
            _outside => Err(SavedError::Parts),
        };
        record.slots = reader
            .items(|reader| {
                let index = index(reader)?;
                Ok((index, Slot { value: value(reader)?, changes: reader.number()? }))
            })?
            .into_iter()
            .collect();
        record.changes = reader
            .items(|reader| {
                let at = LeafIndex(reader.number()?);
                Ok(Change { at, index: index(reader)?, before: value(reader)? })
            })?
            .into();
        record.last_snapshot = match reader.bytes()? {
            [] => None,
            bytes => match Entry::parse(bytes) {
                Ok(Entry::Snapshot(snapshot)) if snapshot.list == list.list => {
                    Some((snapshot, LeafIndex(reader.number()?)))
                }
                Ok(_other) => return Err(SavedError::Parts),
                Err(_malformed) => return Err(SavedError::Parts),
            },
        };
        Ok(record)
    }
}

fn value(reader: &mut Reader<'_>) -> Result<StatusValue, SavedError> {
    let [code] = reader.take()?;
    StatusValue::from_code(code).ok_or(SavedError::Code { found: code })
}
