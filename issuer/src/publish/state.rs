//! What the publisher must remember: which keys, lists and documents it has logged, and what it is about to log.
//!
//! Each event is written here before it is submitted and marked with its place after. So whatever a crash interrupts
//! is submitted again with the same bytes, and the log answers with the place that it has, or takes it now.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sillok_log::entry::{
    Cut, Entry, IssuerHash, Key, KeyEvent, List, ListId, OriginHash, Snapshot, origin_hash,
};
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;

/// The state in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    #[serde(rename = "type")]
    kind: String,
    /// Origin of the log that every index here is of; absent in a state that was made before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
    /// Credential-signing keys, in the order of their making.
    pub(crate) keys: Vec<KeyRecord>,
    /// Status lists, in the order of their making.
    pub(crate) lists: Vec<ListRecord>,
    /// The newest root.
    pub(crate) root: Option<DocumentRecord>,
    /// The newest feed.
    pub(crate) feed: Option<DocumentRecord>,
}

/// A credential-signing key and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRecord {
    /// Name of its file.
    pub(crate) name: String,
    /// Its public JWK, canonical.
    pub(crate) jwk: String,
    /// The first is *added*.
    pub(crate) events: Vec<KeyEventRecord>,
}

/// One event of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyEventRecord {
    pub(crate) event: EventName,
    pub(crate) time: u64,
    /// The first leaf index that is not good any more; absent for *added*, and for a key that ended in a log before.
    pub(crate) cut: Option<u64>,
    /// The same in the logs before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cuts_before: Vec<CutRecord>,
    /// Its place in the log; absent while it is about to be logged.
    pub(crate) index: Option<u64>,
}

/// A cut in a log that was succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutRecord {
    pub(crate) origin: String,
    pub(crate) size: u64,
}

/// The events of specs/entry.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventName {
    Added,
    Compromised,
    Retired,
}

/// A status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRecord {
    /// 32 hexadecimal digits.
    pub(crate) list: String,
    pub(crate) slots: u64,
    /// Place of its list entry.
    pub(crate) index: Option<u64>,
    /// The newest snapshot.
    pub(crate) snapshot: Option<SnapshotRecord>,
}

/// A snapshot entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotRecord {
    pub(crate) sequence: u64,
    /// 64 hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) fold_size: u64,
    pub(crate) issued: u64,
    pub(crate) not_after: u64,
    pub(crate) index: Option<u64>,
}

/// A root or feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentRecord {
    /// The signed note.
    pub(crate) note: String,
    /// The receipt of its bundle entry; absent while it is about to be logged.
    pub(crate) receipt: Option<String>,
}

impl State {
    /// What holds of it in a log that has succeeded `before`: everything is to be asked for its place again. Documents keep
    /// their receipts, which those who know that log alone can check.
    pub(crate) fn enter_log(&mut self, before: &str) {
        for event in self.keys.iter_mut().flat_map(|key| &mut key.events) {
            event.index = None;
            let cut = event.cut.take().map(|size| CutRecord { origin: before.into(), size });
            event.cuts_before.extend(cut);
        }
        for list in &mut self.lists {
            (list.index, list.snapshot) = (None, None);
        }
    }
}

impl KeyRecord {
    /// The public key.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        let json = Json::parse(self.jwk.as_bytes(), &JWK_LIMITS).ok()?;
        PublicKey::from_jwk(&json).ok()
    }

    /// The last event: what state the key is in.
    pub(crate) fn last(&self) -> Option<&KeyEventRecord> {
        self.events.last()
    }

    /// Whether it may sign.
    pub(crate) fn is_active(&self) -> bool {
        self.last().is_some_and(|last| last.event == EventName::Added && last.index.is_some())
    }
}

impl KeyEventRecord {
    /// The entry that says it.
    pub(crate) fn entry(&self, key: &PublicKey, issuer: IssuerHash, origin: OriginHash) -> Entry {
        let event = match self.event {
            EventName::Added => KeyEvent::Added,
            EventName::Compromised => KeyEvent::Compromised,
            EventName::Retired => KeyEvent::Retired,
        };
        let own = self.cut.map(|size| Cut { origin, size: TreeSize(size) });
        // An origin that has no hash is none that a log has: it came from a key of one.
        let before = self
            .cuts_before
            .iter()
            .filter_map(|cut| Some(Cut { origin: origin_hash(&cut.origin).ok()?, size: TreeSize(cut.size) }));
        let mut cuts: Vec<Cut> = before.chain(own).collect();
        cuts.sort_by_key(|cut| cut.origin);
        Entry::Key(Key { issuer, key: key.thumbprint(), event, time: UnixSeconds(self.time), cuts })
    }
}

impl ListRecord {
    /// Its id; `None` for a damaged file.
    pub(crate) fn id(&self) -> Option<ListId> {
        ListId::from_hex(&self.list)
    }

    /// The entry that declares it.
    pub(crate) fn entry(&self, issuer: IssuerHash) -> Option<Entry> {
        Some(Entry::List(List { list: self.id()?, issuer, size: self.slots }))
    }

    /// The snapshot as it stands in its entry.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        let record = self.snapshot.as_ref()?;
        Some(Snapshot {
            list: self.id()?,
            sequence: record.sequence,
            digest: Hash::from_hex(&record.digest)?,
            fold_size: TreeSize(record.fold_size),
            issued: UnixSeconds(record.issued),
            not_after: UnixSeconds(record.not_after),
        })
    }
}

impl SnapshotRecord {
    /// A snapshot that is about to be logged.
    pub(crate) fn pending(snapshot: &Snapshot) -> Self {
        Self {
            sequence: snapshot.sequence,
            digest: snapshot.digest.to_hex(),
            fold_size: snapshot.fold_size.0,
            issued: snapshot.issued.0,
            not_after: snapshot.not_after.0,
            index: None,
        }
    }
}

/// The state and its file.
pub(crate) struct StateFile {
    path: PathBuf,
    /// As it is in the file.
    pub(crate) state: State,
}

impl StateFile {
    /// Reads the state, or begins one.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let state = match fs::read(path) {
            Ok(bytes) => read(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                State { kind: TYPE.into(), ..State::default() }
            }
            Err(source) => return Err(StateError::Io { operation: "read", path: path.into(), source }),
        };
        if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
            // What was just read may have been renamed by a process that ended before its name was durable: what it says
            // is about to be logged must not be forgotten once it is.
            sync_folder(folder, path)?;
        }
        Ok(Self { path: path.into(), state })
    }

    /// Changes the state. It is durable when this returns; after an error it is as it was.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        let mut state = self.state.clone();
        change(&mut state);
        let mut bytes = serde_json::to_vec_pretty(&state)
            .map_err(|error| StateError::Damaged { path: self.path.clone(), problem: error.to_string() })?;
        let check = check_line(&bytes);
        bytes.extend_from_slice(check.as_bytes());
        replace(&self.path, &bytes, 0o600)?;
        self.state = state;
        Ok(())
    }
}

fn read(path: &Path, bytes: &[u8]) -> Result<State, StateError> {
    let damaged = |problem: String| StateError::Damaged { path: path.into(), problem };
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
    let (json, check) = bytes.split_at(end);
    if check_line(json).as_bytes() != check {
        return Err(damaged("it does not match the checksum in its last line".into()));
    }
    let state: State = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
    if state.kind != TYPE {
        return Err(damaged(format!("type is not {TYPE}")));
    }
    if let Some(key) = state.keys.iter().find(|key| key.public().is_none() || key.events.is_empty()) {
        return Err(damaged(format!("key {} has no public key or no event", key.name)));
    }
    let sound =
        |list: &ListRecord| list.id().is_some() && (list.snapshot.is_none() || list.snapshot().is_some());
    if let Some(list) = state.lists.iter().find(|list| !sound(list)) {
        return Err(damaged(format!("list {} has no id or a damaged snapshot", list.list)));
    }
    Ok(state)
}

/// What follows the JSON: a changed digit in it would be as good a number.
fn check_line(json: &[u8]) -> String {
    format!("\nsha256 {}", Hash(Sha256::digest(json).into()).to_hex())
}

/// Replaces a file in one step: written beside it, synchronised, renamed, the folder synchronised.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StateError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let error = |operation| {
        let path = path.to_path_buf();
        move |source| StateError::Io { operation, path, source }
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let staged = PathBuf::from(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(error("create the folder of"))?;
    }
    let mut options = File::options();
    let mut file =
        options.write(true).create(true).truncate(true).mode(mode).open(&staged).map_err(error("create"))?;
    file.write_all(bytes).map_err(error("write"))?;
    file.sync_all().map_err(error("synchronise"))?;
    // If we crash here: the old file, and one beside it that the next attempt overwrites.
    fs::rename(&staged, path).map_err(error("rename to"))?;
    path.parent().map_or(Ok(()), |folder| sync_folder(folder, path))
}

/// Makes the name of a file in a folder durable.
fn sync_folder(folder: &Path, path: &Path) -> Result<(), StateError> {
    let synchronised = File::open(folder).and_then(|folder| folder.sync_all());
    let operation = "synchronise the folder of";
    synchronised.map_err(|source| StateError::Io { operation, path: path.into(), source })
}

/// Why the state cannot be read or kept.
#[derive(Debug)]
pub enum StateError {
    /// A file is not as it was written.
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file operation failed.
    Io {
        /// What was done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// How it failed.
        source: io::Error,
    },
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged { path, problem } => write!(f, "file {} is damaged: {problem}", path.display()),
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Damaged { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

const TYPE: &str = "sillok-issuer-state/v1";

const JWK_LIMITS: Limits = Limits { bytes: 1_024, depth: 2, values: 8 };

#[cfg(test)]
mod tests {
    use super::*;

    //= specs/log.md#succession
    //= type=test
    #[test]
    fn what_was_logged_is_the_same_entry_in_the_next_log_and_an_end_there_keeps_the_cut_of_before() {
        let jwk = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let event =
            |event, cut, index| KeyEventRecord { event, time: 5, cut, cuts_before: Vec::new(), index };
        let events = vec![
            event(EventName::Added, None, Some(0)),
            event(EventName::Retired, Some(7), Some(9)),
            event(EventName::Compromised, Some(3), None),
        ];
        let mut state = State::default();
        state.keys.push(KeyRecord { name: "issuer-1".into(), jwk: jwk.into(), events });
        let snapshot = SnapshotRecord {
            sequence: 4,
            digest: "00".repeat(32),
            fold_size: 8,
            issued: 5,
            not_after: 6,
            index: Some(8),
        };
        let list =
            ListRecord { list: "07".repeat(16), slots: 131_072, index: Some(1), snapshot: Some(snapshot) };
        state.lists.push(list);
        let public = state.keys[0].public().unwrap();
        let entries = |state: &State, origin: &str| -> Vec<Entry> {
            let origin = origin_hash(origin).unwrap();
            let events = state.keys[0].events.iter();
            events.map(|event| event.entry(&public, IssuerHash([1; 32]), origin)).collect()
        };
        let logged = entries(&state, "log.example/1");
        state.enter_log("log.example/1");
        assert_eq!(entries(&state, "log.example/2"), logged, "in the next log");
        assert!(state.keys[0].events.iter().all(|event| event.index.is_none() && event.cut.is_none()));
        assert_eq!((state.lists[0].index, state.lists[0].snapshot.clone()), (None, None));
        state.enter_log("log.example/2");
        assert_eq!(entries(&state, "log.example/3"), logged, "and in the one after it");

        // An end in the second log, with what was good in the first.
        let mut ended = event(EventName::Retired, Some(20), None);
        ended.cuts_before = vec![CutRecord { origin: "log.example/1".into(), size: 90 }];
        let entry = ended.entry(&public, IssuerHash([1; 32]), origin_hash("log.example/2").unwrap());
        let Entry::Key(key) = entry.clone() else { panic!("{entry:?}") };
        assert!(key.cuts.len() == 2 && key.cuts[0].origin < key.cuts[1].origin, "{key:?}");
        assert_eq!(Entry::parse(&entry.encode()), Ok(entry));
    }

    #[test]
    fn a_change_is_read_back_and_a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut file = StateFile::open(&path).unwrap();
        assert!(file.state.keys.is_empty());
        let list = ListRecord { list: "07".repeat(16), slots: 131_072, index: None, snapshot: None };
        file.change(|state| state.lists.push(list.clone())).unwrap();
        assert_eq!(StateFile::open(&path).unwrap().state.lists, [list]);
        let bytes = fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            let error = StateFile::open(&path).err().unwrap();
            assert!(matches!(error, StateError::Damaged { .. }), "bit {bit}: {error}");
        }
        // What its writer would never write, under a checksum that is right.
        let (json, _check) = bytes.split_at(bytes.iter().rposition(|byte| *byte == b'\n').unwrap());
        let text = String::from_utf8(json.to_vec()).unwrap();
        for (from, to) in [("state/v1", "state/v2"), ("0707", "07"), ("{", "[")] {
            let changed = text.replacen(from, to, 1);
            fs::write(&path, changed.clone() + &check_line(changed.as_bytes())).unwrap();
            let error = StateFile::open(&path).err().unwrap();
            assert!(matches!(error, StateError::Damaged { .. }), "{error}");
        }
    }
}
