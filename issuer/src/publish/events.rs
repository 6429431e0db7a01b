//! What is about to be logged according to the state file, submitted: again after a crash, for the first time otherwise.

use sillok_log::entry::Entry;
use sillok_log::note::Note;
use sillok_verifier::trust::{Feed, Root};

use super::state::{DocumentRecord, KeyRecord, ListRecord};
use super::{Desk, Error};
use crate::ledger::Author;

impl Desk {
    /// Submits every event that has no place yet, and notes the places. Keys come first: all else rests on them.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.settle_keys()?;
        self.settle_lists()?;
        self.settle_snapshots()?;
        self.settle_documents()
    }

    pub(super) fn settle_keys(&mut self) -> Result<(), Error> {
        let open = |key: &KeyRecord| key.events.iter().position(|event| event.index.is_none());
        let mut position = 0;
        while let Some(key) = self.file.state.keys.get(position) {
            // One key may have several, in their order.
            let Some(number) = open(key) else {
                position += 1;
                continue;
            };
            let public = key.public().ok_or_else(|| damaged("key"))?;
            let entry = key.events[number].entry(&public, self.issuer, self.origin);
            // If we crash here: the same entry again, which the log then has or takes.
            let logged = self.core.ledger.submit_one(
                &entry,
                Author::Administrator,
                self.core.ledger.public_level(),
            )?;
            self.file.change(|state| state.keys[position].events[number].index = Some(logged.index.0))?;
            tracing::info!(key = %key_name(&self.file.state.keys[position]), leaf = logged.index.0, "key event is logged");
        }
        Ok(())
    }

    fn settle_lists(&mut self) -> Result<(), Error> {
        for position in 0..self.file.state.lists.len() {
            let list = &self.file.state.lists[position];
            if list.index.is_some() {
                continue;
            }
            let entry = list.entry(self.issuer).ok_or_else(|| damaged("list"))?;
            let logged =
                self.core.ledger.submit_one(&entry, Author::Issuer, self.core.ledger.public_level())?;
            self.file.change(|state| state.lists[position].index = Some(logged.index.0))?;
        }
        Ok(())
    }

    pub(super) fn settle_snapshots(&mut self) -> Result<(), Error> {
        let open =
            |list: &ListRecord| list.snapshot.as_ref().is_some_and(|snapshot| snapshot.index.is_none());
        let lists = self.file.state.lists.iter().enumerate().filter(|(_position, list)| open(list));
        let (positions, entries): (Vec<usize>, Vec<Entry>) =
            lists.filter_map(|(position, list)| Some((position, Entry::Snapshot(list.snapshot()?)))).unzip();
        if entries.is_empty() {
            return Ok(());
        }
        let outcomes = self.core.ledger.submit(&entries, Author::Issuer, self.core.ledger.public_level())?;
        let mut places = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            places.push(super::lists::logged(outcome)?.index.0);
        }
        self.file.change(|state| {
            for (position, place) in positions.iter().zip(places) {
                if let Some(snapshot) = &mut state.lists[*position].snapshot {
                    snapshot.index = Some(place);
                }
            }
        })?;
        Ok(())
    }

    pub(super) fn settle_documents(&mut self) -> Result<(), Error> {
        let open = |record: &&DocumentRecord| record.receipt.is_none();
        if let Some(record) = self.file.state.root.as_ref().filter(open) {
            let note = Note::parse(&record.note).map_err(|error| composed("root", &error))?;
            let root = Root::parse(note.text()).map_err(|error| composed("root", &error))?;
            let receipt = self.log_document(&root.entry(note.text()))?;
            self.file.change(|state| mark(&mut state.root, receipt))?;
        }
        if let Some(record) = self.file.state.feed.as_ref().filter(open) {
            let note = Note::parse(&record.note).map_err(|error| composed("feed", &error))?;
            let feed = Feed::parse(note.text()).map_err(|error| composed("feed", &error))?;
            let receipt = self.log_document(&feed.entry(note.text()))?;
            self.file.change(|state| mark(&mut state.feed, receipt))?;
        }
        Ok(())
    }

    fn log_document(&self, entry: &Entry) -> Result<String, Error> {
        let logged =
            self.core.ledger.submit_one(entry, Author::Administrator, self.core.ledger.public_level())?;
        Ok(logged.receipt.encode())
    }
}

fn mark(record: &mut Option<DocumentRecord>, receipt: String) {
    if let Some(record) = record {
        record.receipt = Some(receipt);
    }
}

fn key_name(key: &KeyRecord) -> &str {
    &key.name
}

fn damaged(what: &'static str) -> Error {
    Error::Compose { what, problem: "the state file does not hold it whole".into() }
}

pub(super) fn composed(what: &'static str, problem: &dyn std::fmt::Display) -> Error {
    Error::Compose { what, problem: problem.to_string() }
}
