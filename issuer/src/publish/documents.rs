//! The documents of the trust bundle, and the bundle itself.

use std::sync::Arc;

use sillok_log::UnixSeconds;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{Note, SignerKey, compose};
use sillok_log::policy::Policy;
use sillok_verifier::trust::{Container, Cuts, Feed, FeedSnapshot, Issuer, IssuerKey, Root, Standing};

use super::events::composed;
use super::lists::PUBLIC_MODE;
use super::state::{DocumentRecord, EventName, KeyRecord, replace};
use super::{Desk, Error, Publication, PublishedKey, Rendered};
use sillok_log::TreeSize;

impl Desk {
    /// Makes a new root if the present one does not say what holds now, or has passed half of its life.
    pub(super) fn renew_root(&mut self) -> Result<(), Error> {
        let now = self.now();
        let present = self.root()?;
        let life = self.core.config.root_lifetime.as_secs();
        let wanted = Root {
            sequence: present.as_ref().map_or(0, |root| root.sequence).saturating_add(1),
            epoch: 1,
            issued: now,
            not_after: UnixSeconds(now.0.saturating_add(life)),
            authority: self.core.config.authority.clone(),
            root_keys: vec![self.root_key.verifier()],
            threshold: 1,
            feed_keys: vec![self.feed_key.verifier()],
            policy: self.policy()?,
            issuers: vec![Issuer {
                id: self.core.config.public_url.clone(),
                name: self.core.config.name.clone(),
                keys: self.issuer_keys(),
            }],
            status_max_age: self.core.config.feed_lifetime.as_secs(),
            rules: self.rule_sets(present.as_ref().map(|root| root.rules.clone()).unwrap_or_default(), now),
        };
        if let Some(present) = present {
            let Root { sequence, issued, not_after, .. } = present;
            let same = Root { sequence, issued, not_after, ..wanted.clone() } == present;
            if same && not_after.0.saturating_sub(now.0) >= life / 2 {
                return Ok(());
            }
        }
        let text = wanted.to_text().map_err(|error| composed("root", &error))?;
        let note = sign(&text, &self.root_key, "root")?;
        self.file.change(|state| state.root = Some(DocumentRecord { note, receipt: None }))?;
        self.settle_documents()?;
        tracing::info!(sequence = wanted.sequence, "root is logged");
        Ok(())
    }

    /// Makes the next feed. Its sequence.
    pub(super) fn renew_feed(&mut self) -> Result<u64, Error> {
        let now = self.now();
        let proved = self.prove_snapshots()?;
        let Some((_id, first, _snapshot)) = proved.first() else {
            return Err(composed("feed", &"there is no status list"));
        };
        let checkpoint = first.receipt.checkpoint.clone();
        let note = Note::parse(&checkpoint).map_err(|error| composed("feed", &error))?;
        let body = Checkpoint::parse_body(note.text()).map_err(|error| composed("feed", &error))?;
        let landmarks = self.feed_landmarks(&body);
        let landmarks_before = match self.root()? {
            Some(root) => self.landmarks_before(landmarks.as_ref(), &root.policy),
            None => Vec::new(),
        };
        let snapshots = proved.into_iter().map(|(id, logged, snapshot)| FeedSnapshot {
            uri: self.uri(id),
            issuer: self.core.config.public_url.clone(),
            length: self.states.get(&id).map_or(0, sillok_log::status::ListState::length),
            snapshot,
            index: logged.index,
            proof: logged.receipt.proof,
        });
        let feed = Feed {
            sequence: self.feed()?.map_or(0, |feed| feed.sequence).saturating_add(1),
            epoch: 1,
            root: self.root()?.map_or(1, |root| root.sequence),
            issued: now,
            not_after: UnixSeconds(now.0.saturating_add(self.core.config.feed_lifetime.as_secs())),
            checkpoint,
            snapshots: snapshots.collect(),
            landmarks,
            landmarks_before,
        };
        let text = feed.to_text().map_err(|error| composed("feed", &error))?;
        let note = sign(&text, &self.feed_key, "feed")?;
        self.file.change(|state| state.feed = Some(DocumentRecord { note, receipt: None }))?;
        self.settle_documents()?;
        self.core.metrics.feed_issued.set(i64::try_from(now.0).unwrap_or(i64::MAX));
        self.core.metrics.feed_sequence.set(i64::try_from(feed.sequence).unwrap_or(i64::MAX));
        Ok(feed.sequence)
    }

    /// Writes the trust bundle and shows everything to readers.
    pub(super) fn write_bundle(&mut self) -> Result<(), Error> {
        let state = &self.file.state;
        let (Some(root), Some(feed)) = (&state.root, &state.feed) else {
            return Err(composed("trust bundle", &"root or feed is missing"));
        };
        let receipt = |record: &DocumentRecord| record.receipt.clone().unwrap_or_default();
        let container = Container {
            root: root.note.clone(),
            root_receipt: receipt(root),
            feed: feed.note.clone(),
            feed_receipt: receipt(feed),
            snapshots: self.published.values().map(|(file, _files)| file.clone()).collect(),
            consistency: Vec::new(),
        };
        let public = &self.core.config.public;
        let json = container.to_json().map_err(|error| composed("trust bundle", &error))?;
        replace(&public.join("trust-bundle"), json.as_bytes(), PUBLIC_MODE)?;
        let bare = Container { snapshots: Vec::new(), ..container };
        let bare = bare.to_json().map_err(|error| composed("trust bundle", &error))?;
        replace(&public.join("status/population/trust-bundle"), bare.as_bytes(), PUBLIC_MODE)?;
        self.population.bundle = Rendered::new("application/json", bare.into_bytes());
        let keys = state.keys.iter().filter(|key| key.events.iter().any(|event| event.index.is_some()));
        let keys = keys.filter_map(|key| {
            let compromised = key.last()?.event == EventName::Compromised;
            Some(PublishedKey { key: key.public()?, compromised })
        });
        let lists = self.published.iter().map(|(id, (_file, files))| (id.to_hex(), files.clone()));
        self.core.show(Arc::new(Publication {
            bundle: Rendered::new("application/json", json.into_bytes()),
            lists: lists.collect(),
            population: self.population.clone(),
            keys: keys.collect(),
        }));
        Ok(())
    }

    //= specs/log.md#succession
    /// The policy that verifiers are given: the logs before this one, this one and the one after it, always in this order,
    /// and whose cosignatures count.
    fn policy(&self) -> Result<String, Error> {
        let (key, config) = (self.core.ledger.key(), &self.core.config);
        let before = config.predecessors.iter().map(|before| &before.log);
        let logs = before.chain([key]).chain(&config.successor).map(|log| format!("log {log}\n"));
        let logs: String = logs.collect();
        let Some(policy) = &config.policy else { return Ok(format!("{logs}quorum none\n")) };
        let policy = policy.of_log(key).map_err(|error| composed("root", &error))?;
        let own = String::from_utf8(policy.encode()).map_err(|error| composed("root", &error))?;
        let line = format!("log {key}\n");
        let rest = own.strip_prefix(line.as_str());
        let rest = rest.ok_or_else(|| composed("root", &"policy does not begin with its log"))?;
        let text = logs + rest;
        Policy::parse(text.as_bytes()).map_err(|error| composed("root", &error))?;
        Ok(text)
    }

    /// The present root.
    pub(super) fn root(&self) -> Result<Option<Root>, Error> {
        let Some(record) = &self.file.state.root else { return Ok(None) };
        let note = Note::parse(&record.note).map_err(|error| composed("root", &error))?;
        Root::parse(note.text()).map(Some).map_err(|error| composed("root", &error))
    }

    fn feed(&self) -> Result<Option<Feed>, Error> {
        let Some(record) = &self.file.state.feed else { return Ok(None) };
        let note = Note::parse(&record.note).map_err(|error| composed("feed", &error))?;
        Feed::parse(note.text()).map(Some).map_err(|error| composed("feed", &error))
    }

    /// The keys that are in the log, as far as each is good there.
    fn issuer_keys(&self) -> Vec<IssuerKey> {
        let standing = |key: &KeyRecord| {
            let last = key.events.iter().rev().find(|event| event.index.is_some())?;
            let own = last.cut.map(|size| (self.core.ledger.origin().to_owned(), TreeSize(size)));
            let before = last.cuts_before.iter().map(|cut| (cut.origin.clone(), TreeSize(cut.size)));
            let cut = before.chain(own);
            Some(match last.event {
                EventName::Added => Standing::Active,
                EventName::Compromised => Standing::Compromised(Cuts::new(cut)),
                EventName::Retired => Standing::Retired(Cuts::new(cut)),
            })
        };
        let keys = self.file.state.keys.iter();
        keys.filter_map(|key| Some(IssuerKey { key: key.public()?, standing: standing(key)? })).collect()
    }
}

fn sign(text: &str, key: &SignerKey, what: &'static str) -> Result<String, Error> {
    let line = key.sign(text).map_err(|error| composed(what, &error))?;
    compose(text, &[line]).map_err(|error| composed(what, &error))
}
