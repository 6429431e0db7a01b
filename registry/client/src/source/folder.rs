//! A log's files in a folder.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::SourceError;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A data folder, whose `public/` is the log, or the public folder itself.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let public = path.join("public");
        if public.is_dir() {
            Ok(Self { root: public })
        } else if path.is_dir() {
            Ok(Self { root: path.to_path_buf() })
        } else {
            Err(SourceError::NoFolder { path: path.to_path_buf() })
        }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.root.join(path);
        let failed = |operation, source| Err(SourceError::Io { operation, path: path.clone(), source });
        let file = match File::open(&path) {
            Ok(file) => file,
            // A partial tile's folder is a file's name in a log that has only the full one.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return failed("open", error),
        };
        let expected = file.metadata().map_or(0, |metadata| metadata.len());
        let more_than_allowed = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
        let mut bytes = Vec::with_capacity(usize::try_from(expected.min(more_than_allowed)).unwrap_or(0));
        if let Err(error) = file.take(more_than_allowed).read_to_end(&mut bytes) {
            return failed("read", error);
        }
        if bytes.len() > limit {
            return Err(SourceError::TooLong { what: path.display().to_string(), limit });
        }
        Ok(Some(bytes))
    }
}
