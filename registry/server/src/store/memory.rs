//! The contracts of [`super`] in memory: for tests, and for logs that nobody needs tomorrow.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sillok_log::{LeafIndex, TreeSize};

use super::{
    Blobs, Error, Heads, MAX_HEAD_BYTES, Object, Replace, Seen, SeenBatch, SeenKey, Swap, check_name,
    may_replace,
};

/// [`Blobs`] in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    state: Mutex<BlobState>,
}

#[derive(Clone, Debug, Default)]
struct BlobState {
    objects: BTreeMap<String, Vec<u8>>,
    checkpoint: Option<String>,
}

impl Blobs for MemoryBlobs {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        let mut state = hold(&self.state);
        for Object { path, bytes } in objects {
            check_name(path)?;
            if state.objects.get(path).is_some_and(|present| present != bytes) {
                return Err(Error::Clash { path: path.clone() });
            }
            state.objects.insert(path.clone(), bytes.clone());
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        check_name(path)?;
        Ok(hold(&self.state).objects.get(path).cloned())
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        check_name(path)?;
        let prefix = format!("{path}.p/");
        hold(&self.state).objects.retain(|name, _bytes| !name.starts_with(&prefix));
        Ok(())
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        let mut state = hold(&self.state);
        match may_replace(state.checkpoint.as_deref(), note)? {
            Replace::Clash => return Err(Error::Clash { path: "checkpoint".into() }),
            Replace::Keep => {}
            Replace::Yes => state.checkpoint = Some(note.into()),
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        Ok(hold(&self.state).checkpoint.clone())
    }
}

/// [`Heads`] in memory.
#[derive(Debug, Default)]
pub struct MemoryHeads {
    record: Mutex<Option<Vec<u8>>>,
}

impl Heads for MemoryHeads {
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(hold(&self.record).clone())
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Swap {
        let mut record = hold(&self.record);
        if record.as_deref() != old {
            return Swap::Lost(record.clone());
        }
        if new.len() > MAX_HEAD_BYTES {
            return Swap::Unknown(Error::TooLong { bytes: new.len() });
        }
        *record = Some(new.to_vec());
        Swap::Won
    }
}

/// [`Seen`] in memory.
#[derive(Debug, Default)]
pub struct MemorySeen {
    state: Mutex<SeenState>,
}

#[derive(Clone, Debug, Default)]
struct SeenState {
    watermark: TreeSize,
    keys: HashMap<SeenKey, LeafIndex>,
    controls: BTreeMap<LeafIndex, Vec<u8>>,
}

impl Seen for MemorySeen {
    fn watermark(&self) -> Result<TreeSize, Error> {
        Ok(hold(&self.state).watermark)
    }

    fn may_have(&self, key: &SeenKey) -> bool {
        hold(&self.state).keys.contains_key(key)
    }

    fn find(&self, key: &SeenKey) -> Result<Option<LeafIndex>, Error> {
        Ok(hold(&self.state).keys.get(key).copied())
    }

    fn note(&self, batch: &SeenBatch) -> Result<(), Error> {
        let mut state = hold(&self.state);
        state.watermark = state.watermark.max(batch.watermark);
        state.keys.extend(batch.keys.iter().copied());
        state.controls.extend(batch.controls.iter().cloned());
        Ok(())
    }

    fn visit_controls(&self, visit: &mut dyn FnMut(LeafIndex, &[u8]) -> bool) -> Result<(), Error> {
        // Copied, so that the visitor may use the store.
        let controls = hold(&self.state).controls.clone();
        // `all` stops where the visitor does.
        controls.iter().all(|(index, entry)| visit(*index, entry));
        Ok(())
    }

    fn clear(&self) -> Result<(), Error> {
        *hold(&self.state) = SeenState::default();
        Ok(())
    }
}

/// A copy of what is stored now: what a crash at this moment leaves behind.
impl Clone for MemoryBlobs {
    fn clone(&self) -> Self {
        Self { state: Mutex::new(hold(&self.state).clone()) }
    }
}

/// A copy of what is stored now.
impl Clone for MemoryHeads {
    fn clone(&self) -> Self {
        Self { record: Mutex::new(hold(&self.record).clone()) }
    }
}

/// A copy of what is stored now.
impl Clone for MemorySeen {
    fn clone(&self) -> Self {
        Self { state: Mutex::new(hold(&self.state).clone()) }
    }
}

/// A panic while a lock was held leaves whole values behind: each is changed by single assignments.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
