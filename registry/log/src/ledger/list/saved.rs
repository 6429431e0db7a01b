//! Pure. A list in a saved state.

use alloc::boxed::Box;

use super::{Change, ListRecord, Slot};
use crate::LeafIndex;
use crate::entry::{Entry, IssuerHash, List, ListId, StatusValue};
use crate::saved::{Pieces, Reader, SavedError, push_bytes, push_count, push_number};

//= specs/audit.md#saved-state
impl ListRecord {
    pub(in crate::ledger) fn encode(&self, pieces: &mut Pieces<'_>) {
        let out = pieces.next();
        out.extend_from_slice(&self.list.0);
        out.extend_from_slice(&self.issuer.0);
        push_number(out, self.size);
        push_number(out, self.declared_at.0);
        push_count(out, self.slots.count());
        for (index, slot) in self.slots.iter() {
            let out = pieces.next();
            out.extend_from_slice(&index.to_be_bytes());
            out.push(slot.value.code());
            push_number(out, slot.changes);
        }
        push_count(pieces.next(), self.changes.count());
        for change in self.changes.iter() {
            let out = pieces.next();
            push_number(out, change.at.0);
            out.extend_from_slice(&change.index.to_be_bytes());
            out.push(change.before.code());
        }
        let out = pieces.next();
        match self.last_snapshot() {
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
        let mut last = None;
        reader.items(|reader| {
            let index = index(reader)?;
            let slot = Slot { value: value(reader)?, changes: reader.number()? };
            // In the order in which they are written, and none that did not change.
            if last.replace(index) >= Some(index) || slot.changes == 0 {
                return Err(SavedError::Parts);
            }
            record.slots.set(index, slot);
            Ok(())
        })?;
        reader.items(|reader| {
            let at = LeafIndex(reader.number()?);
            record.changes.push(&Change { at, index: index(reader)?, before: value(reader)? });
            Ok(())
        })?;
        record.last_snapshot = match reader.bytes()? {
            [] => None,
            bytes => match Entry::parse(bytes) {
                Ok(Entry::Snapshot(snapshot)) if snapshot.list == list.list => {
                    Some(Box::new((snapshot, LeafIndex(reader.number()?))))
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
