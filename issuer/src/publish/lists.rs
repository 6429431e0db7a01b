//! Status lists: declaring them, logging snapshots of their states, and the files that are published of each.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sillok_log::entry::{Entry, ListId, Snapshot};
use sillok_log::status::ListState;
use sillok_log::{TreeSize, UnixSeconds};
use sillok_verifier::snapshot::SnapshotFile;

use super::events::composed;
use super::render::{Plane, plane_credential, token};
use super::state::{ListRecord, SnapshotRecord, replace};
use super::{Desk, Error, Extent, ListFiles, Rendered};
use crate::ledger::{Author, Error as LedgerError, Logged, Outcome, Refused};
use crate::register::Fold;

impl Desk {
    /// Adds what the slots hold and the state does not: a list that was just made, or whose making was interrupted.
    /// It gives slots only after verifiers can know of it.
    pub(super) fn add_lists(&mut self) -> Result<(), Error> {
        if self.core.register.slots().needs_list() && self.file.state.lists.len() < MAX_LISTS {
            let length = u32::try_from(self.core.config.list_slots).unwrap_or(u32::MAX);
            // If we crash here: the list is found below at the next start.
            self.core.register.slots().create(length)?;
        }
        for status in self.core.register.slots().lists() {
            let list = status.list.to_hex();
            if self.file.state.lists.iter().all(|known| known.list != list) {
                let slots = u64::from(status.length);
                self.file.change(|state| {
                    state.lists.push(ListRecord { list, slots, index: None, snapshot: None });
                })?;
                self.changed.insert(status.list);
            }
            if let Place::Vacant(place) = self.states.entry(status.list) {
                let state = ListState::new(status.list, u64::from(status.length));
                place.insert(state.map_err(|error| composed("list", &error))?);
            }
        }
        Ok(())
    }

    /// Opens the lists that are published.
    pub(super) fn open_lists(&self) -> Result<(), Error> {
        for status in self.core.register.slots().lists().iter().filter(|status| !status.open) {
            if self.published.contains_key(&status.list) {
                self.core.register.slots().open_list(status.list)?;
            }
        }
        Ok(())
    }

    /// A list more; a failure is tried again at the next look.
    pub(super) fn try_add_list(&mut self) {
        let added =
            self.add_lists().and_then(|()| self.publish(Extent::Changed)).and_then(|_| self.open_lists());
        if let Err(error) = added {
            tracing::warn!(error = %error, "a status list could not be added and is tried again");
            self.core.metrics.publish_failures.inc();
        }
    }

    /// Folds the journal anew: at the start, when the states in memory are empty.
    pub(super) fn restore_states(&mut self) -> Result<(), Error> {
        self.states = self.fold_states(&self.core.register.fold())?;
        Ok(())
    }

    //= specs/status.md#snapshots
    /// Logs snapshots of the lists that need one.
    pub(super) fn snapshot(&mut self, extent: Extent) -> Result<(), Error> {
        let wanted: BTreeSet<ListId> = match extent {
            Extent::Changed => self.changed.clone(),
            Extent::Everything => self.states.keys().copied().collect(),
        };
        let issued = self.now();
        let not_after = UnixSeconds(issued.0.saturating_add(self.core.config.feed_lifetime.as_secs()));
        let fold_size = self.core.ledger.largest();
        let fold = self.core.register.fold();
        // What the state in memory counts must be below the fold; after a restart the log may have to catch up.
        if fold.highest.values().any(|leaf| leaf.0 >= fold_size.0) {
            return Err(Error::Behind);
        }
        // The states in memory, kept change by change, must be the fold of the journal, made anew.
        let folded = self.fold_states(&fold)?;
        if folded
            .iter()
            .any(|(id, state)| self.states.get(id).is_none_or(|kept| kept.digest() != state.digest()))
        {
            return Err(composed("list", &"its state is not the fold of the journal"));
        }
        let mut snapshots = Vec::new();
        for (position, record) in self.file.state.lists.iter().enumerate() {
            let Some(state) =
                record.id().filter(|id| wanted.contains(id)).and_then(|id| self.states.get(&id))
            else {
                continue;
            };
            let previous = record.snapshot.as_ref();
            let above = previous.and_then(|previous| previous.index).or(record.index).unwrap_or(u64::MAX);
            if fold_size.0 <= above {
                return Err(Error::Behind);
            }
            snapshots.push((
                position,
                Snapshot {
                    list: state.list(),
                    sequence: previous.map_or(0, |previous| previous.sequence).saturating_add(1),
                    digest: state.digest(),
                    fold_size,
                    issued,
                    not_after,
                },
            ));
        }
        self.file.change(|state| {
            for (position, snapshot) in &snapshots {
                state.lists[*position].snapshot = Some(SnapshotRecord::pending(snapshot));
            }
        })?;
        self.settle_snapshots()?;
        // What is not written below is written by the next publication.
        self.changed.extend(wanted);
        Ok(())
    }

    /// The states of all lists by the journal alone.
    fn fold_states(&self, fold: &Fold) -> Result<BTreeMap<ListId, ListState>, Error> {
        let mut states = BTreeMap::new();
        for (id, state) in &self.states {
            let empty = ListState::new(*id, state.length()).map_err(|error| composed("list", &error))?;
            states.insert(*id, empty);
        }
        for (slot, value) in &fold.values {
            let state =
                states.get_mut(&slot.list).ok_or_else(|| composed("list", &"a slot is of no list"))?;
            state.set(slot.index, *value).map_err(|error| composed("list", &error))?;
        }
        Ok(states)
    }

    //= specs/status.md#publication
    /// Writes the files of changed lists, each snapshot file last.
    pub(super) fn write_lists(&mut self) -> Result<(), Error> {
        let signer = self.core.signer().map_err(Error::Resume)?;
        let issuer = self.core.config.public_url.clone();
        for (id, logged, snapshot) in self.prove_snapshots()? {
            let Some(state) = self.states.get(&id).filter(|_state| self.changed.contains(&id)) else {
                continue;
            };
            let uri = self.uri(id);
            let file = SnapshotFile::new(&uri, &issuer, &snapshot, state, &logged.receipt.encode())
                .map_err(|error| composed("snapshot file", &error))?;
            let times = (snapshot.issued, snapshot.not_after);
            let plane = |plane| plane_credential(plane, state, (&uri, &issuer), signer.as_ref(), times);
            let folder = self.list_folder(id);
            let render = |name: &str, media_type, text: String| -> Result<Rendered, Error> {
                replace(&folder.join(name), text.as_bytes(), PUBLIC_MODE)?;
                Ok(Rendered::new(media_type, text.into_bytes()))
            };
            let [revocation, suspension] = [Plane::Revocation, Plane::Suspension]
                .map(|which| render(which.name(), "application/vc+jwt", plane(which)?));
            let (revocation, suspension) = (revocation?, suspension?);
            let text = token(state, &uri, signer.as_ref(), times)?;
            let token = render("token", "application/statuslist+jwt", text)?;
            let json = file.to_json();
            // If we crash before this: renderings that are newer than the snapshot file, which is allowed.
            replace(&folder.join("snapshot"), json.as_bytes(), PUBLIC_MODE)?;
            let snapshot = Rendered::new("application/json", json.into_bytes());
            self.published.insert(id, (file, ListFiles { snapshot, revocation, suspension, token }));
            self.changed.remove(&id);
        }
        Ok(())
    }

    /// The newest snapshot of every list, each proved relative to one and the same checkpoint: submitting an entry
    /// again is answered with its place and a fresh proof.
    pub(super) fn prove_snapshots(&self) -> Result<Vec<(ListId, Logged, Snapshot)>, Error> {
        let lists: Vec<(ListId, Snapshot)> =
            self.file.state.lists.iter().filter_map(|list| Some((list.id()?, list.snapshot()?))).collect();
        let entries: Vec<Entry> = lists.iter().map(|(_id, snapshot)| Entry::Snapshot(*snapshot)).collect();
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        for _attempt in 0..MAX_ATTEMPTS {
            let outcomes =
                self.core.ledger.submit(&entries, Author::Issuer, self.core.ledger.public_level())?;
            let proved = outcomes.into_iter().map(logged).collect::<Result<Vec<Logged>, Error>>()?;
            let first: Option<TreeSize> = proved.first().map(|logged| logged.size);
            if proved.iter().all(|logged| Some(logged.size) == first) {
                let proved =
                    lists.iter().zip(proved).map(|((id, snapshot), logged)| (*id, logged, *snapshot));
                return Ok(proved.collect());
            }
        }
        Err(Error::Behind)
    }

    /// The base URI of a list.
    pub(super) fn uri(&self, list: ListId) -> String {
        format!("{}/status/{}", self.core.config.public_url, list.to_hex())
    }

    fn list_folder(&self, list: ListId) -> PathBuf {
        self.core.config.public.join("status").join(list.to_hex())
    }
}

/// The place of an entry that must be taken.
pub(super) fn logged(outcome: Outcome) -> Result<Logged, Error> {
    match outcome {
        Outcome::Logged(logged) => Ok(logged),
        Outcome::Refused(Refused { code, detail }) => Err(LedgerError::Refused { code, detail }.into()),
    }
}

/// Everybody reads what is published.
pub(super) const PUBLIC_MODE: u32 = 0o644;

/// Most lists: those that a feed holds (specs/trust-bundle.md).
const MAX_LISTS: usize = 512;

/// How often one checkpoint for all lists is asked for.
const MAX_ATTEMPTS: usize = 10;
