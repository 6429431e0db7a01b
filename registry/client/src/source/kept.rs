//! Files that were fetched before, with their entity tags: asked for again, one that has not changed is not sent again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The bytes are those that the server sent, and as unchecked as they were then.
#[derive(Debug)]
pub(super) struct Kept {
    files: Mutex<Files>,
    /// Most bytes of all files together.
    most: usize,
}

#[derive(Debug, Default)]
struct Files {
    by_path: BTreeMap<String, (String, Vec<u8>)>,
    bytes: usize,
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self { files: Mutex::default(), most }
    }

    /// The tag and the bytes of a file.
    pub(super) fn get(&self, path: &str) -> Option<(String, Vec<u8>)> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).by_path.get(path).cloned()
    }

    /// Keeps a file in place of the one of before. What there is no room for is fetched again.
    pub(super) fn put(&self, path: &str, found: Option<(String, &[u8])>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_tag, before)) = files.by_path.remove(path) {
            files.bytes -= before.len();
        }
        let Some((tag, bytes)) = found else { return };
        if bytes.len() <= self.most.saturating_sub(files.bytes) {
            files.bytes += bytes.len();
            files.by_path.insert(path.into(), (tag, bytes.to_vec()));
        }
    }
}
