//! Pure. An audit between two entries, as bytes.

use alloc::vec::Vec;

use hashbrown::HashSet;

use super::edge::TileEdge;
use super::{Auditor, Counts, LogKind};
use crate::ledger::Ledger;
use crate::merkle::Frontier;
use crate::saved::{Pieces, Reader, SavedError, push_count, push_number};
use crate::{Hash, TreeSize};

//= specs/audit.md#saved-state
impl Auditor {
    /// The state as bytes, without the commitments that [`Auditor::push`] keeps: for those who keep them themselves
    /// ([`Auditor::push_apart`]).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut |piece| out.extend_from_slice(piece));
        out
    }

    /// The same bytes, piece by piece: a state of many slots is written without a second one in memory.
    pub fn encode_to(&self, take: &mut dyn FnMut(&[u8])) {
        let mut pieces = Pieces::new(take);
        let out = pieces.next();
        out.push(match self.kind {
            LogKind::Raw => RAW,
            LogKind::Typed => TYPED,
        });
        push_number(out, self.frontier.size().0);
        push_count(out, self.frontier.hashes().len());
        self.frontier.hashes().iter().for_each(|hash| out.extend_from_slice(&hash.0));
        self.edge.encode(out);
        self.ledger.encode(&mut pieces);
        self.counts.encode(pieces.next());
        pieces.end();
    }

    /// Reads what [`Auditor::encode`] writes. The bytes are believed: they come from whoever audits.
    ///
    /// # Errors
    /// [`SavedError`] for what it cannot have written.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut reader = Reader(bytes);
        let kind = match reader.take()? {
            [RAW] => LogKind::Raw,
            [TYPED] => LogKind::Typed,
            [found] => return Err(SavedError::Code { found }),
        };
        let size = TreeSize(reader.number()?);
        let hashes = reader.items(|reader| Ok(Hash(reader.take()?)))?;
        let frontier = Frontier::from_parts(size, hashes).map_err(|_other_length| SavedError::Parts)?;
        let edge = TileEdge::parse(&mut reader)?;
        let (ledger, counts) = (Ledger::parse(&mut reader)?, Counts::parse(&mut reader)?);
        reader.end()?;
        Ok(Self { kind, frontier, edge, ledger, commitments: HashSet::new(), counts })
    }
}

const RAW: u8 = 0;
const TYPED: u8 = 1;
