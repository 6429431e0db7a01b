//! [`Seen`] in `sled` 0.34. Derived data only: it keeps no promise through a power loss, may open an unreadable file
//! as an empty database, and holds much of its content in memory (specs/decisions.md).
//!
//! So each batch and its watermark are one atomic write, the controls are bound by a running digest, what does not
//! open is set up anew, and whoever uses a hit checks it against the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use sillok_log::{LeafIndex, TreeSize};

use super::{Error, Seen, SeenBatch, SeenKey};

/// The index in a folder of its own.
pub struct SledSeen {
    db: sled::Db,
    path: PathBuf,
    /// What the meta record says. Owned by whoever notes; read by all.
    meta: Mutex<Meta>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Meta {
    watermark: u64,
    /// Folded over every control noted: SHA-256(digest before, index, entry). Zero for none.
    controls: [u8; 32],
}

impl SledSeen {
    /// Opens the folder. What cannot be opened is removed and begins empty: it is rebuilt from the log.
    ///
    /// # Errors
    /// The folder can be neither opened nor set up anew.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let index = |source| Error::Index { operation: "open", source };
        let db = match open_database(path) {
            Ok(db) => db,
            Err(_unreadable) => {
                if path.exists() {
                    std::fs::remove_dir_all(path).map_err(Error::io("clear", path))?;
                }
                open_database(path).map_err(index)?
            }
        };
        let seen = Self { db, path: path.to_path_buf(), meta: Mutex::default() };
        let bytes = seen.db.get(META).map_err(index)?;
        match bytes.as_deref().map(Meta::decode) {
            Some(Some(meta)) => *seen.meta.lock().unwrap_or_else(PoisonError::into_inner) = meta,
            // Keys without a watermark, or an unreadable one, are the remains of something else.
            None | Some(None) => seen.clear()?,
        }
        Ok(seen)
    }

    fn meta(&self) -> Meta {
        *self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn damaged(&self, problem: &'static str) -> Error {
        Error::Damaged { path: self.path.clone(), problem }
    }
}

impl Seen for SledSeen {
    fn watermark(&self) -> Result<TreeSize, Error> {
        Ok(TreeSize(self.meta().watermark))
    }

    fn find(&self, key: &SeenKey) -> Result<Option<LeafIndex>, Error> {
        let found =
            self.db.get(key_bytes(key)).map_err(|source| Error::Index { operation: "look up", source })?;
        let Some(bytes) = found else { return Ok(None) };
        let index =
            <[u8; 8]>::try_from(bytes.as_ref()).map_err(|_length| self.damaged("a place is not 8 bytes"))?;
        Ok(Some(LeafIndex(u64::from_be_bytes(index))))
    }

    fn note(&self, batch: &SeenBatch) -> Result<(), Error> {
        let mut meta = self.meta();
        let mut write = sled::Batch::default();
        for (key, index) in &batch.keys {
            write.insert(key_bytes(key).as_slice(), &index.0.to_be_bytes());
        }
        for (index, entry) in &batch.controls {
            write.insert(control_key(*index).as_slice(), entry.as_slice());
            meta.controls = fold(&meta.controls, *index, entry);
        }
        meta.watermark = batch.watermark.0;
        write.insert(META, meta.encode().as_slice());
        self.db.apply_batch(write).map_err(|source| Error::Index { operation: "note", source })?;
        *self.meta.lock().unwrap_or_else(PoisonError::into_inner) = meta;
        Ok(())
    }

    fn visit_controls(&self, visit: &mut dyn FnMut(LeafIndex, &[u8]) -> bool) -> Result<(), Error> {
        let mut digest = [0; 32];
        for item in self.db.scan_prefix([CONTROL]) {
            let (key, entry) = item.map_err(|source| Error::Index { operation: "list", source })?;
            let index = key.strip_prefix(&[CONTROL]).and_then(|index| <[u8; 8]>::try_from(index).ok());
            let index =
                LeafIndex(u64::from_be_bytes(index.ok_or_else(|| self.damaged("a place is not 8 bytes"))?));
            digest = fold(&digest, index, &entry);
            if !visit(index, &entry) {
                return Ok(());
            }
        }
        if digest == self.meta().controls {
            Ok(())
        } else {
            Err(self.damaged("controls are missing or changed"))
        }
    }

    fn clear(&self) -> Result<(), Error> {
        let index = |source| Error::Index { operation: "clear", source };
        self.db.clear().map_err(index)?;
        let meta = Meta::default();
        self.db.insert(META, meta.encode().as_slice()).map_err(index)?;
        *self.meta.lock().unwrap_or_else(PoisonError::into_inner) = meta;
        Ok(())
    }
}

impl Meta {
    fn encode(self) -> Vec<u8> {
        [self.watermark.to_be_bytes().as_slice(), &self.controls].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (watermark, controls) = bytes.split_first_chunk::<8>()?;
        Some(Self { watermark: u64::from_be_bytes(*watermark), controls: controls.try_into().ok()? })
    }
}

fn open_database(path: &Path) -> sled::Result<sled::Db> {
    let open = || {
        sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_MILLISECONDS))
            .mode(sled::Mode::LowSpace)
            .open()
    };
    // sled 0.34 panics on some damaged files (its issues 1387 and 1533); for derived data that is one more error.
    catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|_panic| Err(sled::Error::Unsupported("the file makes sled panic".into())))
}

fn fold(digest: &[u8; 32], index: LeafIndex, entry: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(digest)
        .chain_update(index.0.to_be_bytes())
        .chain_update(entry)
        .finalize()
        .into()
}

fn key_bytes(key: &SeenKey) -> [u8; 33] {
    let (kind, hash) = match key {
        SeenKey::Commitment(commitment) => (COMMITMENT, commitment),
        SeenKey::Leaf(hash) => (LEAF, &hash.0),
    };
    let mut bytes = [kind; 33];
    bytes[1..].copy_from_slice(hash);
    bytes
}

fn control_key(index: LeafIndex) -> [u8; 9] {
    let mut bytes = [CONTROL; 9];
    bytes[1..].copy_from_slice(&index.0.to_be_bytes());
    bytes
}

const COMMITMENT: u8 = b'c';
const CONTROL: u8 = b'e';
const LEAF: u8 = b'l';
const META: &[u8] = b"m";

/// sled's own measure; the process was seen to take several times as much (specs/decisions.md).
const CACHE_BYTES: u64 = 64 << 20;

/// Derived data: what is lost with the last half second is caught up from the log at the next start.
const FLUSH_MILLISECONDS: u64 = 500;
