//! What the store has in memory: made of the journal's headers, and of nothing else.

use std::collections::{BTreeSet, HashMap};

use sillok_log::UnixSeconds;

use super::record::{FORMATS, Header, TxCode};
use super::{Digest, MAX_FAILURES};
use crate::journal::Location;
use crate::records::RecordNumber;

/// Everything that has not expired.
#[derive(Default)]
pub(super) struct Index {
    /// Offers that may be redeemed.
    pub(super) open: HashMap<Digest, Open>,
    /// Grants of which a refresh token was used, or that have ended before their time.
    grants: HashMap<Digest, Used>,
    /// Requests that wait.
    pub(super) waiting: HashMap<Digest, Waiting>,
    /// How many of them are of a grant.
    waiting_of: HashMap<Digest, u8>,
    /// When what expires: none of it stands here twice with one time.
    times: BTreeSet<(UnixSeconds, Kind, Digest)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Grant,
    Open,
    Waiting,
}

/// An offer that may be redeemed.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) location: Location,
    pub(super) record: RecordNumber,
    pub(super) expires: UnixSeconds,
    pub(super) formats: [u8; FORMATS],
    pub(super) tx_code: Option<TxCode>,
    pub(super) failures: u8,
}

/// What was made of a grant.
struct Used {
    /// Of the refresh token that is the next.
    generation: u32,
    revoked: bool,
}

/// A request that waits.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    pub(super) location: Location,
    pub(super) offer: Digest,
    pub(super) expires: UnixSeconds,
}

impl Index {
    /// Takes in a record, whether it was just written or read again at the start. What it is about may be forgotten.
    pub(super) fn apply(&mut self, location: Location, header: &Header) {
        match *header {
            Header::Offered { offer, record, expires, formats, tx_code } => {
                let open = Open { location, record, expires, formats, tx_code, failures: 0 };
                self.open.insert(offer, open);
                self.times.insert((expires, Kind::Open, offer));
            }
            Header::Failed { offer } => {
                let Some(open) = self.open.get_mut(&offer) else { return };
                open.failures = open.failures.saturating_add(1);
                if open.failures >= MAX_FAILURES {
                    self.close(&offer);
                }
            }
            Header::Redeemed { offer } => self.close(&offer),
            Header::Refreshed { offer, generation, expires } => self.refreshed(offer, generation, expires),
            Header::Revoked { offer, expires } => self.revoke(offer, expires),
            Header::Deferred { transaction, offer, expires } => {
                self.waiting.insert(transaction, Waiting { location, offer, expires });
                let count = self.waiting_of.entry(offer).or_insert(0);
                *count = count.saturating_add(1);
                self.times.insert((expires, Kind::Waiting, transaction));
            }
            Header::Obtained { transaction } => {
                self.end(&transaction);
            }
        }
    }

    /// Forgets what has expired.
    pub(super) fn forget(&mut self, now: UnixSeconds) {
        while self.times.first().is_some_and(|(time, ..)| *time <= now) {
            let Some((_time, kind, digest)) = self.times.pop_first() else { return };
            match kind {
                Kind::Grant => {
                    self.grants.remove(&digest);
                }
                Kind::Open => self.close(&digest),
                Kind::Waiting => {
                    self.end(&digest);
                }
            }
        }
    }

    /// An open offer.
    pub(super) fn find(&self, offer: &Digest, now: UnixSeconds) -> Option<&Open> {
        self.open.get(offer).filter(|open| open.expires > now)
    }

    /// An open offer, to count what fails.
    pub(super) fn find_mut(&mut self, offer: &Digest, now: UnixSeconds) -> Option<&mut Open> {
        self.open.get_mut(offer).filter(|open| open.expires > now)
    }

    /// An offer may not be redeemed any more.
    pub(super) fn close(&mut self, offer: &Digest) {
        if let Some(open) = self.open.remove(offer) {
            self.times.remove(&(open.expires, Kind::Open, *offer));
        }
    }

    /// Of the refresh token that is the next.
    pub(super) fn generation(&self, offer: &Digest) -> u32 {
        self.grants.get(offer).map_or(0, |grant| grant.generation)
    }

    pub(super) fn is_revoked(&self, offer: &Digest) -> bool {
        self.grants.get(offer).is_some_and(|grant| grant.revoked)
    }

    pub(super) fn refreshed(&mut self, offer: Digest, generation: u32, expires: UnixSeconds) {
        let grant = self.grant(offer, expires);
        grant.generation = grant.generation.max(generation);
    }

    pub(super) fn revoke(&mut self, offer: Digest, expires: UnixSeconds) {
        self.grant(offer, expires).revoked = true;
    }

    /// How many requests of a grant wait.
    pub(super) fn waiting_of(&self, offer: &Digest) -> u8 {
        self.waiting_of.get(offer).copied().unwrap_or(0)
    }

    /// A request waits no more. Whether it did.
    pub(super) fn end(&mut self, transaction: &Digest) -> bool {
        let Some(waiting) = self.waiting.remove(transaction) else { return false };
        self.times.remove(&(waiting.expires, Kind::Waiting, *transaction));
        if let Some(count) = self.waiting_of.get_mut(&waiting.offer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.waiting_of.remove(&waiting.offer);
            }
        }
        true
    }

    fn grant(&mut self, offer: Digest, expires: UnixSeconds) -> &mut Used {
        let Self { grants, times, .. } = self;
        grants.entry(offer).or_insert_with(|| {
            times.insert((expires, Kind::Grant, offer));
            Used { generation: 0, revoked: false }
        })
    }
}
