//! Pure. The ledger in a saved state.

use super::{KeyRecord, KeyState, Ledger, ListRecord};
use crate::entry::{Cut, IssuerHash, OriginHash, Thumbprint};
use crate::saved::{Pieces, Reader, SavedError, push_count, push_number};
use crate::{LeafIndex, TreeSize};

//= specs/audit.md#saved-state
impl Ledger {
    pub(crate) fn encode(&self, pieces: &mut Pieces<'_>) {
        let out = pieces.next();
        push_number(out, self.root_sequence);
        push_number(out, self.feed_sequence);
        push_count(out, self.keys.len());
        for (key, record) in &self.keys {
            let out = pieces.next();
            out.extend_from_slice(&key.0);
            out.extend_from_slice(&record.issuer.0);
            out.push(state_code(record.state));
            push_number(out, record.added_at.0);
            push_count(out, record.cuts.len());
            for cut in &record.cuts {
                out.extend_from_slice(&cut.origin.0);
                push_number(out, cut.size.0);
            }
        }
        push_count(pieces.next(), self.lists.len());
        self.lists.values().for_each(|list| list.encode(pieces));
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let (root_sequence, feed_sequence) = (reader.number()?, reader.number()?);
        let keys = reader.items(|reader| {
            let key = Thumbprint(reader.take()?);
            let issuer = IssuerHash(reader.take()?);
            let [code] = reader.take()?;
            let state = state(code).ok_or(SavedError::Code { found: code })?;
            let added_at = LeafIndex(reader.number()?);
            let cuts = reader.items(|reader| {
                Ok(Cut { origin: OriginHash(reader.take()?), size: TreeSize(reader.number()?) })
            })?;
            Ok((key, KeyRecord { issuer, state, cuts, added_at }))
        })?;
        let lists = reader.items(ListRecord::parse)?;
        let lists = lists.into_iter().map(|record| (record.list(), record)).collect();
        Ok(Self { keys: keys.into_iter().collect(), lists, root_sequence, feed_sequence })
    }
}

const fn state_code(state: KeyState) -> u8 {
    match state {
        KeyState::Active => 1,
        KeyState::Compromised => 2,
        KeyState::Retired => 3,
    }
}

const fn state(code: u8) -> Option<KeyState> {
    match code {
        1 => Some(KeyState::Active),
        2 => Some(KeyState::Compromised),
        3 => Some(KeyState::Retired),
        _unknown => None,
    }
}
