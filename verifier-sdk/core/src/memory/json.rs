//! Pure. Memory as a JSON text, for whoever keeps it.
//!
//! The text is the verifier's own, not a stranger's: whoever can write it can make the verifier forget. It is read
//! as strictly as everything else all the same, so that a torn file is an error and never an empty memory.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use sillok_log::Hash;
use sillok_log::entry::Thumbprint;
use sillok_log::policy::Policy;

use super::{Alarm, AlarmKind, Content, FeedSeen, MAX_ALARMS, Memory, RootSeen, Seen, checkpoint_of};
use crate::json::{Json, JsonError, Limits, Object};
use crate::trust::Standing;
use crate::trust::members::{
    MAX_DEPTH, ObjectText, counted, document_keys, expect_type, hex_hash, items, json_array, refused, time,
};
use crate::trust::root::MAX_ROOT_KEYS;

impl Memory {
    /// Reads what [`Memory::encode`] writes.
    ///
    /// # Errors
    /// Another text. A caller stops then, and does not go on with an empty memory.
    pub fn parse(bytes: &[u8]) -> Result<Self, MemoryError> {
        read(bytes).map_err(MemoryError)
    }

    /// The memory as compact JSON: the same memory always gives the same bytes.
    #[must_use]
    pub fn encode(&self) -> String {
        let content = &*self.content;
        let mut object = ObjectText::new().string("type", TYPE).number("time_floor", content.floor.0);
        if let Some(root) = &content.root {
            object = object.json("root", &write_root(root));
        }
        if let Some(feed) = &content.feed {
            let feed = ObjectText::new()
                .number("sequence", feed.sequence)
                .number("epoch", feed.epoch)
                .string("digest", &feed.digest.to_hex())
                .finish();
            object = object.json("feed", &feed);
        }
        let checkpoints = content.checkpoints.values().map(|seen| {
            ObjectText::new().string("note", &seen.text).string("under", &seen.under.to_hex()).finish()
        });
        let keys = content
            .keys
            .iter()
            .map(|(key, standing)| standing.write(ObjectText::new().string("key", &key.to_hex())).finish());
        let alarms = content.alarms.iter().map(|alarm| {
            ObjectText::new()
                .string("kind", alarm.kind.name())
                .string("first", &alarm.first)
                .string("second", &alarm.second)
                .finish()
        });
        object
            .json("checkpoints", &json_array(checkpoints))
            .json("keys", &json_array(keys))
            .json("alarms", &json_array(alarms))
            .finish()
    }
}

fn write_root(root: &RootSeen) -> String {
    let mut object = ObjectText::new()
        .number("sequence", root.sequence)
        .number("epoch", root.epoch)
        .string("digest", &root.digest.to_hex());
    if let Some(previous) = &root.previous {
        object = object.string("previous", &previous.to_hex());
    }
    object
        .keys("keys", &root.keys)
        .number("threshold", u64::try_from(root.threshold).unwrap_or(u64::MAX))
        .string("policy", &root.policy)
        .finish()
}

fn read(bytes: &[u8]) -> Result<Memory, JsonError> {
    let json = Json::parse(bytes, &LIMITS)?;
    let object = json.object()?;
    expect_type(object, TYPE, &MEMBERS)?;
    let root = object.get("root").map(|root| read_root(root.object()?)).transpose();
    let feed = object.get("feed").map(|feed| read_feed(feed.object()?)).transpose();
    let mut content = Content {
        root: root.map_err(|error| error.inside("root"))?,
        feed: feed.map_err(|error| error.inside("feed"))?,
        checkpoints: BTreeMap::new(),
        keys: BTreeMap::new(),
        floor: time(object, "time_floor")?,
        alarms: items(object, "alarms", MAX_ALARMS.saturating_add(1), read_alarm)?,
    };
    // As `Memory::raise` keeps them: forks, then one inconsistency at most.
    let forks = content.alarms.iter().take_while(|alarm| alarm.kind == AlarmKind::Fork).count();
    if forks > MAX_ALARMS || content.alarms.len() > forks.saturating_add(1) {
        return Err(refused("alarms", "at most 16 forks and behind them at most one inconsistency"));
    }
    for seen in items(object, "checkpoints", MAX_ITEMS, read_seen)? {
        if content.checkpoints.insert(seen.checkpoint.origin.clone(), seen).is_some() {
            return Err(refused("checkpoints", "an array with one checkpoint of each log"));
        }
    }
    for (key, standing) in items(object, "keys", MAX_ITEMS, read_key)? {
        if content.keys.insert(key, standing).is_some() {
            return Err(refused("keys", "an array of different keys"));
        }
    }
    Ok(Memory { content: Arc::new(content), ..Memory::default() })
}

fn read_root(object: &Object) -> Result<RootSeen, JsonError> {
    object.expect_only(&["sequence", "epoch", "digest", "previous", "keys", "threshold", "policy"])?;
    let keys = document_keys(object, "keys", MAX_ROOT_KEYS)?;
    let threshold = usize::try_from(counted(object, "threshold")?).unwrap_or(usize::MAX);
    if threshold > keys.len() {
        return Err(refused("threshold", "at most the number of keys"));
    }
    let policy = object.string("policy")?;
    if Policy::parse(policy.as_bytes()).is_err() {
        return Err(refused("policy", "a tlog-policy text"));
    }
    Ok(RootSeen {
        sequence: counted(object, "sequence")?,
        epoch: counted(object, "epoch")?,
        digest: hex_hash(object, "digest")?,
        previous: object.get("previous").map(|_there| hex_hash(object, "previous")).transpose()?,
        keys,
        threshold,
        policy: policy.to_string(),
    })
}

fn read_feed(object: &Object) -> Result<FeedSeen, JsonError> {
    object.expect_only(&["sequence", "epoch", "digest"])?;
    Ok(FeedSeen {
        sequence: counted(object, "sequence")?,
        epoch: counted(object, "epoch")?,
        digest: hex_hash(object, "digest")?,
    })
}

fn read_seen(item: &Json) -> Result<Seen, JsonError> {
    let object = item.object()?;
    object.expect_only(&["note", "under"])?;
    let text = object.string("note")?;
    let checkpoint = checkpoint_of(text).ok_or_else(|| refused("note", "a note that holds a checkpoint"))?;
    let under: Hash = hex_hash(object, "under")?;
    Ok(Seen { checkpoint, text: text.to_string(), under })
}

fn read_key(item: &Json) -> Result<(Thumbprint, Standing), JsonError> {
    let object = item.object()?;
    object.expect_only(&["key", "state", "cuts"])?;
    let key = Thumbprint::from_hex(object.string("key")?);
    let key = key.ok_or_else(|| refused("key", "64 lower-case hex digits"))?;
    match Standing::read(object)? {
        Standing::Active => Err(refused("state", "one of retired, compromised")),
        standing @ (Standing::Compromised(_) | Standing::Retired(_)) => Ok((key, standing)),
    }
}

fn read_alarm(item: &Json) -> Result<Alarm, JsonError> {
    let object = item.object()?;
    object.expect_only(&["kind", "first", "second"])?;
    let kind = match object.string("kind")? {
        "fork" => AlarmKind::Fork,
        "inconsistent" => AlarmKind::Inconsistent,
        _other => return Err(refused("kind", "one of fork, inconsistent")),
    };
    let note = |name| object.string(name).map(ToString::to_string);
    Ok(Alarm { kind, first: note("first")?, second: note("second")? })
}

/// A text that is no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryError(JsonError);

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the verifier's memory: {}", self.0)
    }
}

impl core::error::Error for MemoryError {}

const TYPE: &str = "sillok-memory/v1";

const MEMBERS: [&str; 7] = ["type", "time_floor", "root", "feed", "checkpoints", "keys", "alarms"];

/// Longest memory in bytes: 64 MiB. Alarms take 34 notes of 1 MiB at most; the rest grows only by what a signed
/// root says.
pub const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Most remembered logs or keys that are read back. A root names at most 1,024 keys and 32 logs.
const MAX_ITEMS: usize = 1 << 17;

/// Each key has at most 16 cuts of three values.
const LIMITS: Limits = Limits { bytes: MAX_MEMORY_BYTES, depth: MAX_DEPTH, values: 4 << 20 };
