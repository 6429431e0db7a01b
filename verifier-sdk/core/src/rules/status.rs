//! Pure. Rule 8: the credential's slot is valid in the newest state that is proved.
//!
//! The newest snapshot that anything here proves is the one that counts, even where only an older state is at hand:
//! else whoever shows an old file would hide a revocation that the verifier knows to be published.

use core::cmp::Ordering;

use sillok_log::UnixSeconds;
use sillok_log::entry::{Snapshot, StatusValue};
use sillok_log::status::ListState;

use super::inclusion::Logged;
use crate::credential::Credential;
use crate::evidence::Evidence;
use crate::memory::Memory;
use crate::snapshot::rendering::{Plane, Purpose, StatusFile, TokenList, state_of};
use crate::snapshot::{ProvedSnapshot, SnapshotFile};
use crate::trust::{KnownList, KnownState, Trust};
use crate::verdict::{Reason, StatusAsOf};

pub(super) fn check(
    evidence: &Evidence<'_>,
    credential: &Credential,
    logged: &Logged,
    trust: &Trust,
    kept: &mut Memory,
    now: UnixSeconds,
) -> Result<StatusAsOf, Reason> {
    let uri = credential.status.uri.as_str();
    let known = trust.list(uri, &logged.origin);
    // A list lives in one log. Another log may hold one of the same id, of whoever liked to declare it.
    let origin = known.map_or(logged.origin.as_str(), |list| list.origin.as_str());
    let mut search = Search::new(known, &credential.issuer, origin);
    for file in evidence.status_files() {
        search.look_at(file, uri, &credential.issuer, trust, kept);
    }
    search.try_planes();
    search.try_token();

    let feed = trust.feed();
    let depends_on_feed = search.newest.as_ref().is_none_or(|newest| newest.of_feed);
    if now > feed.not_after && depends_on_feed {
        return Err(Reason::TrustFeedExpired);
    }
    if known.is_none() && !search.named {
        return Err(Reason::StatusUnknownList);
    }
    // Only the feed's word is evidence: nobody signs the issuer that a status file names.
    if known.is_some_and(|list| list.listed && list.issuer != credential.issuer) {
        return Err(Reason::StatusForeignList);
    }
    let not_at_hand = if search.broken { Reason::StatusDigestMismatch } else { Reason::StatusMissing };
    let newest = search.newest.ok_or(not_at_hand)?;
    let state = newest.state.ok_or(not_at_hand)?;
    let age_limit = newest.snapshot.issued.0.saturating_add(trust.root().status_max_age);
    if now > newest.snapshot.not_after || now.0 > age_limit {
        return Err(Reason::StatusStale);
    }
    match u32::try_from(credential.status.index).ok().and_then(|index| state.get(index)) {
        None => Err(Reason::StatusIndexRange),
        Some(StatusValue::Revoked) => Err(Reason::StatusRevoked),
        Some(StatusValue::Suspended) => Err(Reason::StatusSuspended),
        Some(StatusValue::Valid) => Ok(StatusAsOf {
            uri: uri.into(),
            sequence: newest.snapshot.sequence,
            not_after: newest.snapshot.not_after,
        }),
    }
}

/// What has been found of one list.
struct Search<'t> {
    /// The log whose snapshots count.
    origin: &'t str,
    newest: Option<Newest<'t>>,
    /// A status file names the list.
    named: bool,
    /// A status file does not parse, does not prove itself, or contradicts another.
    broken: bool,
    revocation: Option<Plane>,
    suspension: Option<Plane>,
    token: Option<TokenList>,
}

/// The proved snapshot of the highest sequence.
struct Newest<'t> {
    snapshot: Snapshot,
    length: u64,
    of_feed: bool,
    /// Another snapshot of the same number is proved as well: no state settles which one counts.
    contested: bool,
    state: Option<State<'t>>,
}

/// The state of it.
enum State<'t> {
    Known(&'t KnownState),
    Shown(ListState),
}

impl State<'_> {
    fn get(&self, index: u32) -> Option<StatusValue> {
        match self {
            Self::Known(state) => state.get(index),
            Self::Shown(state) => state.get(index),
        }
    }
}

impl<'t> Search<'t> {
    fn new(known: Option<&'t KnownList>, issuer: &str, origin: &'t str) -> Self {
        // A list that no feed vouches for and that says it is another issuer's is no state of this credential's list.
        let foreign = known.is_some_and(|list| !list.listed && list.issuer != issuer);
        let newest = known.filter(|_list| !foreign).map(|list| Newest {
            snapshot: list.snapshot,
            length: list.length,
            of_feed: list.of_feed,
            contested: false,
            state: list.state.as_ref().map(State::Known),
        });
        Self {
            origin,
            newest,
            named: false,
            broken: foreign,
            revocation: None,
            suspension: None,
            token: None,
        }
    }

    fn look_at(&mut self, file: &[u8], uri: &str, issuer: &str, trust: &Trust, kept: &mut Memory) {
        match StatusFile::read(file) {
            None => self.broken = true,
            Some(StatusFile::Snapshot(file)) if file.uri() == uri => {
                self.named = true;
                match prove(&file, issuer, self.origin, trust, kept) {
                    Some(proved) => self.add(proved),
                    None => self.broken = true,
                }
            }
            Some(StatusFile::Plane(plane)) if plane.uri == uri => {
                self.named = true;
                match plane.purpose {
                    Purpose::Revocation => self.revocation = Some(plane),
                    Purpose::Suspension => self.suspension = Some(plane),
                }
            }
            Some(StatusFile::Token(token)) if token.uri == uri => {
                self.named = true;
                self.token = Some(token);
            }
            // Of another list.
            Some(StatusFile::Plane(_) | StatusFile::Snapshot(_) | StatusFile::Token(_)) => {}
        }
    }

    fn add(&mut self, proved: ProvedSnapshot) {
        let snapshot = *proved.snapshot();
        let order = self
            .newest
            .as_ref()
            .map_or(Ordering::Greater, |newest| snapshot.sequence.cmp(&newest.snapshot.sequence));
        match (order, &mut self.newest) {
            (Ordering::Less, _) => {}
            (Ordering::Equal, Some(newest)) if newest.snapshot == snapshot => {
                if newest.state.is_none() && !newest.contested {
                    newest.state = Some(State::Shown(proved.into_state()));
                }
            }
            (Ordering::Equal, Some(newest)) => {
                newest.contested = true;
                newest.state = None;
                self.broken = true;
            }
            (Ordering::Equal | Ordering::Greater, newest) => {
                *newest = Some(Newest {
                    snapshot,
                    length: proved.state().length(),
                    of_feed: false,
                    contested: false,
                    state: Some(State::Shown(proved.into_state())),
                });
            }
        }
    }

    /// Takes the state that a pair of W3C status list credentials decodes to, if it is the newest snapshot's.
    fn try_planes(&mut self) {
        let (Some(revocation), Some(suspension)) = (&self.revocation, &self.suspension) else { return };
        let wanted = self.newest.as_mut().filter(|newest| newest.state.is_none() && !newest.contested);
        if let Some(newest) = wanted {
            let snapshot = &newest.snapshot;
            newest.state = state_of(revocation, suspension, snapshot.list, newest.length, &snapshot.digest)
                .map(State::Shown);
        }
        // A pair that is not needed is not decoded; one that no snapshot takes is a state that nothing logged.
        self.broken |= self.newest.as_ref().is_none_or(|newest| newest.state.is_none());
    }

    /// The same with an IETF status list token.
    fn try_token(&mut self) {
        let Some(token) = &self.token else { return };
        let wanted = self.newest.as_mut().filter(|newest| newest.state.is_none() && !newest.contested);
        if let Some(newest) = wanted {
            let snapshot = &newest.snapshot;
            newest.state = token.state(snapshot.list, newest.length, &snapshot.digest).map(State::Shown);
        }
        self.broken |= self.newest.as_ref().is_none_or(|newest| newest.state.is_none());
    }
}

/// The snapshot that a file proves, if the file says that it is of this issuer's list, it is in the log of `origin`, and
/// its checkpoint agrees with memory.
fn prove(
    file: &SnapshotFile,
    issuer: &str,
    origin: &str,
    trust: &Trust,
    kept: &mut Memory,
) -> Option<ProvedSnapshot> {
    if file.unverified_issuer() != issuer {
        return None;
    }
    let proved = file.prove(trust.policy()).ok()?;
    let opened = proved.opened();
    kept.observe(opened, proved.checkpoint(), trust.root_digest(), trust.feed().not_after).ok()?;
    (opened.checkpoint.origin == origin).then_some(proved)
}
