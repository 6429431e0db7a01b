//! Published status lists: each is fetched, proved, decoded and compared with the fold of the log, bit by bit.

use std::collections::BTreeMap;

use sillok_client::source::Source;
use sillok_log::audit::Auditor;
use sillok_log::entry::{ListId, Thumbprint};
use sillok_log::ledger::ListRecord;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::Policy;
use sillok_log::status::ListState;
use sillok_verifier::key::PublicKey;
use sillok_verifier::snapshot::{MAX_FILE_BYTES, SnapshotFile};
use sillok_verifier::trust::{Container, MAX_CONTAINER_BYTES, Root};

use super::rendering::{self, PURPOSES, Problem, TOKEN, plane};
use super::report::Row;

/// What was found about all lists.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How many were compared.
    pub(super) compared: u64,
    pub(super) findings: Vec<Row>,
    /// What could not be checked, and why.
    pub(super) unchecked: Vec<(String, String)>,
}

/// Audits every list of which the log has a snapshot.
pub(super) fn audit(source: &Source, key: &VerifierKey, auditor: &Auditor) -> Found {
    let mut found = Found::default();
    let Ok(policy) = Policy::parse(format!("log {key}\nquorum none\n").as_bytes()) else {
        found.unchecked.push(("published status lists".into(), "the log's key makes no policy".into()));
        return found;
    };
    let with_snapshot = auditor.ledger().lists().filter(|(_list, record)| record.last_snapshot().is_some());
    let keys = IssuerKeys::fetch(source);
    let mut one = One { source, policy: &policy, keys: &keys, auditor, found: &mut found };
    with_snapshot.for_each(|(list, record)| one.audit(list, record));
    found
}

/// What the audit of one list needs.
struct One<'a> {
    source: &'a Source,
    policy: &'a Policy,
    keys: &'a IssuerKeys,
    auditor: &'a Auditor,
    found: &'a mut Found,
}

impl One<'_> {
    fn audit(&mut self, list: ListId, record: &ListRecord) {
        let folder = format!("status/{list}");
        let Some((file, state)) = self.snapshot(&folder, list) else { return };
        let sequence = file.place().1;
        self.compare(list, &state, sequence, &format!("{folder}/snapshot"));
        // After the snapshot, which is replaced last: they are at least as new.
        let mut planes = Vec::with_capacity(PURPOSES.len());
        for purpose in PURPOSES {
            let path = format!("{folder}/{purpose}");
            let Some(token) = self.fetch(&path) else { continue };
            match plane(&token, purpose, file.uri(), record, self.auditor.ledger(), self.keys) {
                Ok(plane) => planes.push(plane),
                Err(Problem::Finding { code, detail }) => self.finding(code, &path, &detail),
                Err(Problem::Unchecked { held, why }) => {
                    planes.push(held);
                    self.found.unchecked.push((format!("signature of {path}"), why));
                }
            }
        }
        self.token(list, record, &folder, &file);
        let Ok([revocation, suspension]) = <[Vec<u8>; 2]>::try_from(planes) else { return };
        match ListState::from_planes(list, record.size(), revocation, suspension) {
            Ok(state) => {
                self.compare(list, &state, sequence, &format!("{folder}/revocation and /suspension"))
            }
            Err(error) => self.finding(MALFORMED, &folder, &error.to_string()),
        }
    }

    /// The IETF rendering, where there is one.
    fn token(&mut self, list: ListId, record: &ListRecord, folder: &str, file: &SnapshotFile) {
        let path = format!("{folder}/{TOKEN}");
        let token = match self.source.published(&path, MAX_FILE_BYTES) {
            Ok(Some(token)) => token,
            Ok(None) => return,
            Err(error) => return self.found.unchecked.push((path, error.to_string())),
        };
        let held = match rendering::state(&token, list, file.uri(), record, self.auditor.ledger(), self.keys)
        {
            Ok(held) => held,
            Err(Problem::Finding { code, detail }) => return self.finding(code, &path, &detail),
            Err(Problem::Unchecked { held, why }) => {
                self.found.unchecked.push((format!("signature of {path}"), why));
                held
            }
        };
        self.compare(list, &held, file.place().1, &path);
    }

    /// The snapshot file and its state, proved by the log.
    fn snapshot(&mut self, folder: &str, list: ListId) -> Option<(SnapshotFile, ListState)> {
        let path = format!("{folder}/snapshot");
        let bytes = self.fetch(&path)?;
        let proved = SnapshotFile::parse(&bytes).map_err(|error| error.to_string()).and_then(|file| {
            let proved = file.prove(self.policy).map_err(|error| error.to_string())?;
            Ok((file, proved.into_state()))
        });
        match proved {
            Ok((file, _state)) if file.place().0 != list => {
                self.finding(MALFORMED, &path, &format!("it is of list {}", file.place().0));
                None
            }
            Ok(proved) => Some(proved),
            Err(problem) => {
                self.finding(MALFORMED, &path, &problem);
                None
            }
        }
    }

    fn fetch(&mut self, path: &str) -> Option<Vec<u8>> {
        let why = match self.source.published(path, MAX_FILE_BYTES) {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => format!("{} is not there; --lists names another place", self.source.name(path)),
            Err(error) => error.to_string(),
        };
        self.found.unchecked.push((path.into(), why));
        None
    }

    fn compare(&mut self, list: ListId, state: &ListState, sequence: u64, path: &str) {
        self.found.compared += 1;
        if let Some(finding) = self.auditor.check_published_list(list, state, sequence) {
            self.finding(finding.code(), path, &finding.to_string());
        }
    }

    fn finding(&mut self, code: &'static str, path: &str, problem: &str) {
        self.found.findings.push(Row { code: code.into(), at: None, detail: format!("{path}: {problem}") });
    }
}

/// Keys that a trust bundle names, by thumbprint. The log says which of them is whose: the bundle is only where the
/// public key of a thumbprint is found.
#[derive(Debug, Default)]
pub(super) struct IssuerKeys {
    by_thumbprint: BTreeMap<Thumbprint, PublicKey>,
    /// Why there are none.
    problem: Option<String>,
}

impl IssuerKeys {
    fn fetch(source: &Source) -> Self {
        let root = source
            .published("trust-bundle", MAX_CONTAINER_BYTES)
            .map_err(|error| error.to_string())
            .and_then(|bytes| bytes.ok_or_else(|| format!("{} is not there", source.name("trust-bundle"))))
            .and_then(|bytes| Container::parse(&bytes).map_err(|error| error.to_string()))
            .and_then(|container| {
                let note = Note::parse(&container.root).map_err(|error| error.to_string())?;
                Root::parse(note.text()).map_err(|error| error.to_string())
            });
        match root {
            Ok(root) => {
                let keys = root.issuers.into_iter().flat_map(|issuer| issuer.keys);
                let by_thumbprint = keys.map(|key| (key.key.thumbprint(), key.key)).collect();
                Self { by_thumbprint, problem: None }
            }
            Err(problem) => Self { by_thumbprint: BTreeMap::new(), problem: Some(problem) },
        }
    }

    pub(super) fn get(&self, thumbprint: &Thumbprint) -> Result<&PublicKey, String> {
        self.by_thumbprint.get(thumbprint).ok_or_else(|| match &self.problem {
            Some(problem) => format!("no trust bundle gives its key {thumbprint}: {problem}"),
            None => format!("the trust bundle does not give its key {thumbprint}"),
        })
    }
}

/// A published list that cannot be read, or does not prove itself (specs/log.md, "Audit findings").
pub(super) const MALFORMED: &str = "list.malformed";
