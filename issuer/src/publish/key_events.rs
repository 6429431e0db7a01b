//! Key events: a new key is in the log before its first use; an ended one has a cut in the log before the root says so.

use std::sync::Arc;

use sillok_log::TreeSize;
use sillok_log::entry::Thumbprint;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;
use sillok_verifier::trust::MAX_KEYS;

use super::state::{CutRecord, EventName, KeyEventRecord, KeyRecord};
use super::{Desk, Error, Extent};
use crate::config::Predecessor;
use crate::error::{Code, Problem};
use crate::issue;
use crate::keys::{self, KeyChange, KeyOrder};
use crate::sign::Signer as _;

impl Desk {
    /// Does what an operator asks for. No credential is issued meanwhile, so that each is signed by a key that is good
    /// where its leaf comes to be.
    pub(super) fn key_event(&mut self, order: &KeyOrder) -> Result<KeyChange, Problem> {
        let core = Arc::clone(&self.core);
        let _pause = core.pipeline.pause();
        // What is open was signed by the present key, and must be in the log before that key ends.
        issue::resume(&core)?;
        self.settle().map_err(Problem::from)?;
        let present = core.signer()?.thumbprint();
        let (key, event, cut, asked_before) = match order {
            KeyOrder::Rotate { .. } => (present, EventName::Retired, None, &[][..]),
            KeyOrder::Retire { key } => (*key, EventName::Retired, None, &[][..]),
            KeyOrder::Compromise { key, cut, cuts_before } => {
                (*key, EventName::Compromised, *cut, cuts_before.as_slice())
            }
        };
        let position = self.find(key)?;
        self.check_event(position, event)?;
        let cut = self.cut(position, cut)?;
        let cuts_before = self.cuts_before(position, asked_before)?;
        let replaced_by = if key == present {
            let algorithm = match order {
                KeyOrder::Rotate { algorithm } => algorithm.unwrap_or(core.config.algorithm),
                KeyOrder::Compromise { .. } => core.config.algorithm,
                KeyOrder::Retire { .. } => {
                    let detail = "key is the one that signs; rotate it instead";
                    return Err(Problem::new(Code::KeyWrongState, detail));
                }
            };
            Some(self.add_key(algorithm)?)
        } else {
            None
        };
        // If we crash here: the new key signs from the next start on, and the old one can be ended again.
        self.end_key(position, event, cut, cuts_before.clone())?;
        self.publish(Extent::Everything).map_err(Problem::from)?;
        let root_sequence = self.root().map_err(Problem::from)?.map_or(0, |root| root.sequence);
        let name = encode_base64url(&key.0);
        tracing::info!(key = name, cut = cut.0, root_sequence, "key has ended");
        let cuts_before = cuts_before.into_iter().map(|cut| (cut.origin, TreeSize(cut.size))).collect();
        Ok(KeyChange { key, replaced_by, cut, cuts_before, root_sequence })
    }

    fn find(&self, key: Thumbprint) -> Result<usize, Problem> {
        let is_it = |record: &KeyRecord| record.public().is_some_and(|public| public.thumbprint() == key);
        let position = self.file.state.keys.iter().position(is_it);
        position.ok_or_else(|| Problem::new(Code::KeyUnknown, "issuer has no key with this kid"))
    }

    //= specs/entry.md#ledger-rules
    fn check_event(&self, position: usize, event: EventName) -> Result<(), Problem> {
        let state = self.file.state.keys[position].last().map(|last| last.event);
        let fits = match event {
            EventName::Added => false,
            EventName::Compromised => matches!(state, Some(EventName::Added | EventName::Retired)),
            EventName::Retired => matches!(state, Some(EventName::Added)),
        };
        if fits {
            return Ok(());
        }
        let detail = match state {
            Some(EventName::Compromised) => "key is compromised already",
            Some(EventName::Retired) => "key is retired already",
            Some(EventName::Added) | None => "key is not in the log yet",
        };
        Err(Problem::new(Code::KeyWrongState, detail))
    }

    /// The cut that was asked for, or the present size; never beyond an earlier one.
    fn cut(&self, position: usize, asked: Option<u64>) -> Result<TreeSize, Problem> {
        let present = self.core.ledger.largest();
        // A key that ended in a log before this one is good nowhere in this one.
        let earlier = match self.file.state.keys[position].last() {
            Some(last) if last.event != EventName::Added => TreeSize(last.cut.unwrap_or(0)),
            Some(_) | None => present,
        };
        let limit = present.min(earlier);
        match asked {
            None => Ok(limit),
            Some(size) if size <= limit.0 => Ok(TreeSize(size)),
            Some(size) => {
                let detail = format!("cut {size} is beyond {}, up to where the key can be good", limit.0);
                Err(Problem::new(Code::RequestMalformed, detail))
            }
        }
    }

    /// The cuts in the logs before this one: those that were asked for, else all of the log; never beyond an earlier one.
    fn cuts_before(&self, position: usize, asked: &[(String, u64)]) -> Result<Vec<CutRecord>, Problem> {
        // Until its log was frozen the key was good there, unless it had ended.
        let earlier = self.file.state.keys[position].last().filter(|last| last.event != EventName::Added);
        let mut cuts = match earlier {
            Some(last) => last.cuts_before.clone(),
            None => {
                let before = self.core.config.predecessors.iter();
                let cut = |before: &Predecessor| CutRecord {
                    origin: before.log.name().into(),
                    size: before.size.0,
                };
                before.map(cut).collect()
            }
        };
        let refused = |detail: String| Err(Problem::new(Code::RequestMalformed, detail));
        for (number, (origin, size)) in asked.iter().enumerate() {
            if asked.iter().take(number).any(|(other, _size)| other == origin) {
                return refused(format!("cut of {origin} stands twice"));
            }
            let Some(cut) = cuts.iter_mut().find(|cut| cut.origin == *origin) else {
                return refused(format!("{origin} is no log before this one in which the key can be good"));
            };
            if *size > cut.size {
                return refused(format!(
                    "cut {size} is beyond {} of {origin}, up to where the key can be good",
                    cut.size
                ));
            }
            cut.size = *size;
        }
        Ok(cuts)
    }

    /// Makes a key, logs it, and signs with it from now on.
    fn add_key(&mut self, algorithm: Algorithm) -> Result<Thumbprint, Problem> {
        let number = self.file.state.keys.len() + 1;
        if number > MAX_KEYS {
            let detail = format!("a root holds at most {MAX_KEYS} keys of an issuer");
            return Err(Problem::new(Code::KeyWrongState, detail));
        }
        self.make_key(number, algorithm).map_err(Problem::from)?;
        self.settle_keys().map_err(Problem::from)?;
        self.take_up_key().map_err(Problem::from)
    }

    /// Makes the key file, and notes that the key is to be logged.
    pub(super) fn make_key(&mut self, number: usize, algorithm: Algorithm) -> Result<(), Error> {
        let folder = &self.core.config.keys;
        // A file that an interrupted attempt left is taken up.
        let signer = keys::credential_key(folder, &keys::name(number), algorithm, &self.passphrase)?;
        let time = self.now().0;
        let added =
            KeyEventRecord { event: EventName::Added, time, cut: None, cuts_before: Vec::new(), index: None };
        let record = KeyRecord { name: keys::name(number), jwk: signer.public_jwk(), events: vec![added] };
        self.file.change(|state| state.keys.push(record))?;
        Ok(())
    }

    /// Signs with the newest active key from now on.
    pub(super) fn take_up_key(&self) -> Result<Thumbprint, Error> {
        let newest = self.file.state.keys.iter().rev().find(|key| key.is_active());
        let Some(newest) = newest else {
            return Err(super::events::composed("key", &"no credential-signing key is active"));
        };
        let folder = &self.core.config.keys;
        let signer =
            keys::credential_key(folder, &newest.name, self.core.config.algorithm, &self.passphrase)?;
        let thumbprint = signer.thumbprint();
        if newest.public().is_none_or(|public| public.thumbprint() != thumbprint) {
            return Err(super::events::composed("key", &"key file holds another key than the log"));
        }
        self.core.sign_with(Arc::new(signer));
        Ok(thumbprint)
    }

    fn end_key(
        &mut self,
        position: usize,
        event: EventName,
        cut: TreeSize,
        cuts_before: Vec<CutRecord>,
    ) -> Result<(), Problem> {
        let time = self.now().0;
        let record = KeyEventRecord { event, time, cut: Some(cut.0), cuts_before, index: None };
        self.file
            .change(|state| state.keys[position].events.push(record))
            .map_err(|error| Problem::internal("noting a key event", &error))?;
        self.settle_keys().map_err(Problem::from)
    }
}
