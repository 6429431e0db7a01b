//! Where a log is read from: its URL, or a folder with its files.
//!
//! Nothing here is believed: bytes go to whoever asked, who verifies them before keeping them. Nothing is kept either, but
//! for whoever asks the same again and again ([`Source::keeping`]).

use std::path::{Path, PathBuf};

use sillok_log::note::MAX_NOTE_BYTES;
use sillok_log::tile::{Tile, TileError, TileKind, parse_bundle};

mod folder;
mod http;
mod kept;

use http::Answer;
use kept::Kept;

/// A published log, static files in one place or the other (specs/log.md, "Static files").
#[derive(Debug)]
pub struct Source {
    place: Place,
    kept: Option<Kept>,
}

#[derive(Debug)]
enum Place {
    Folder(folder::Folder),
    Http(http::Http),
}

impl Source {
    /// Opens a log at a URL (`http://` or `https://`, the root of its listener) or in a folder: a data folder with
    /// `public/` in it, or the public folder itself. It connects to nothing yet.
    ///
    /// # Errors
    /// [`SourceError::Url`], [`SourceError::NoFolder`].
    pub fn open(place: &str) -> Result<Self, SourceError> {
        let place = if place.starts_with("http://") || place.starts_with("https://") {
            Place::Http(http::Http::open(place)?)
        } else {
            Place::Folder(folder::Folder::open(Path::new(place))?)
        };
        Ok(Self { place, kept: None })
    }

    /// Keeps what [`Source::published`] fetches from a URL, up to so many bytes, and asks for it again with its entity tag
    /// (RFC 9110 section 13.1.2): a file that has not changed is not sent again.
    #[must_use]
    pub fn keeping(self, bytes: usize) -> Self {
        Self { kept: Some(Kept::new(bytes)), ..self }
    }

    /// The newest checkpoint, a signed note that nobody has opened yet.
    ///
    /// # Errors
    /// [`SourceError::NoCheckpoint`] if there is none; else see [`SourceError`].
    pub fn checkpoint(&self) -> Result<String, SourceError> {
        let bytes = self.fetch("checkpoint", MAX_NOTE_BYTES)?;
        let bytes = bytes.ok_or_else(|| SourceError::NoCheckpoint { place: self.describe() })?;
        String::from_utf8(bytes).map_err(|_not_text| SourceError::NotText { what: self.name("checkpoint") })
    }

    //= specs/log.md#static-files
    /// The bytes of a tile or bundle, `None` if the log does not have it. A partial one that is gone is cut out of
    /// its full one, which begins with it.
    ///
    /// # Errors
    /// See [`SourceError`]; a full bundle that cannot be cut is [`SourceError::Tile`].
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, SourceError> {
        let found = self.fetch(&tile.path(), limit(tile))?;
        if found.is_some() || tile.is_full() {
            return Ok(found);
        }
        let Ok(full) = tile.to_full() else { return Ok(None) };
        let Some(mut bytes) = self.fetch(&full.path(), limit(&full))? else { return Ok(None) };
        let length = match tile.expect_len() {
            Some(length) => length,
            None => {
                let entries = parse_bundle(&bytes, full.width())
                    .map_err(|source| SourceError::Tile { tile: full, source })?;
                entries.iter().take(usize::from(tile.width())).map(|entry| LENGTH_BYTES + entry.len()).sum()
            }
        };
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    /// The bytes of another published file, such as `trust-bundle` or `status/<list>/snapshot`, `None` if it is not
    /// there. At most `limit` bytes.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn published(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        if !path.split('/').all(part) {
            return Err(SourceError::Path { path: path.chars().take(MAX_SHOWN).collect() });
        }
        match (&self.place, &self.kept) {
            (Place::Http(http), Some(kept)) => fetch_kept(http, kept, path, limit),
            (Place::Folder(_) | Place::Http(_), _) => self.fetch(path, limit),
        }
    }

    /// How many requests are worth having under way at once.
    pub(crate) const fn parallel(&self) -> usize {
        match self.place {
            Place::Folder(_) => PARALLEL_READS,
            Place::Http(_) => PARALLEL_REQUESTS,
        }
    }

    /// Whether the log is read over the network: what is missing now may be there a moment later.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self.place, Place::Http(_))
    }

    /// Where a file of the log is: its path or its URL.
    #[must_use]
    pub fn name(&self, path: &str) -> String {
        match &self.place {
            Place::Folder(folder) => folder.path(path).display().to_string(),
            Place::Http(http) => http.url(path),
        }
    }

    fn describe(&self) -> String {
        self.name("")
    }

    fn fetch(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match &self.place {
            Place::Folder(folder) => folder.read(path, limit),
            Place::Http(http) => match http.get(path, None, limit)? {
                Answer::New { bytes, .. } => Ok(Some(bytes)),
                Answer::Absent | Answer::Unchanged => Ok(None),
            },
        }
    }
}

fn fetch_kept(
    http: &http::Http,
    kept: &Kept,
    path: &str,
    limit: usize,
) -> Result<Option<Vec<u8>>, SourceError> {
    let (tag, before) = kept.get(path).unzip();
    match (http.get(path, tag.as_deref(), limit)?, before) {
        (Answer::Unchanged, Some(bytes)) => Ok(Some(bytes)),
        (Answer::Absent | Answer::Unchanged, _) => {
            kept.put(path, None);
            Ok(None)
        }
        (Answer::New { bytes, etag }, _) => {
            kept.put(path, etag.map(|tag| (tag, bytes.as_slice())));
            Ok(Some(bytes))
        }
    }
}

/// A hash tile has a known length; a bundle has at most 256 entries of at most 65,535 bytes.
fn limit(tile: &Tile) -> usize {
    match tile.kind() {
        TileKind::Hashes(_) => tile.expect_len().unwrap_or(MAX_TILE_BYTES),
        TileKind::Entries => usize::from(tile.width()) * (LENGTH_BYTES + usize::from(u16::MAX)),
    }
}

/// Why a file of a log could not be read. That it is not there is no error.
#[derive(Debug)]
pub enum SourceError {
    /// The operating system refused.
    Io {
        /// What was asked of it.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// There is no log: it has no checkpoint.
    NoCheckpoint {
        /// Where it was looked for.
        place: String,
    },
    /// There is no such folder.
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A text is not UTF-8.
    NotText {
        /// Which one.
        what: String,
    },
    /// The path of a published file is not plain.
    Path {
        /// Its beginning.
        path: String,
    },
    /// The server answered with a status that says neither that the file is there nor that it is not.
    Status {
        /// What was asked for.
        url: String,
        /// The status code.
        status: u16,
    },
    /// A full bundle from which a partial one is to be cut is malformed.
    Tile {
        /// The full bundle.
        tile: Tile,
        /// What is wrong with it.
        source: TileError,
    },
    /// A file is longer than it may be.
    TooLong {
        /// Which one.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// There was no answer, however often it was asked for.
    Transport {
        /// What was asked for.
        url: String,
        /// What went wrong last.
        source: Box<ureq::Error>,
    },
    /// The text is not the URL of a log.
    Url {
        /// The text.
        url: String,
    },
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
            Self::NoCheckpoint { place } => write!(f, "there is no checkpoint at {place}"),
            Self::NoFolder { path } => write!(f, "there is no folder {}", path.display()),
            Self::NotText { what } => write!(f, "{what} is not UTF-8"),
            Self::Path { path } => write!(f, "{path:?} is not the path of a published file"),
            Self::Status { url, status } => write!(f, "{url} was answered with status {status}"),
            Self::Tile { tile, source } => write!(f, "{tile} is no bundle: {source}"),
            Self::TooLong { what, limit } => write!(f, "{what} is longer than {limit} bytes"),
            Self::Transport { url, source } => write!(f, "could not fetch {url}: {source}"),
            Self::Url { url } => write!(f, "{url:?} is not the URL of a log"),
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Tile { source, .. } => Some(source),
            Self::Transport { source, .. } => Some(source.as_ref()),
            Self::NoCheckpoint { .. }
            | Self::NoFolder { .. }
            | Self::NotText { .. }
            | Self::Path { .. }
            | Self::Status { .. }
            | Self::TooLong { .. }
            | Self::Url { .. } => None,
        }
    }
}

/// Each entry of a bundle has its length before it, as a u16 (C2SP tlog-tiles).
const LENGTH_BYTES: usize = 2;

/// A full tile: 256 hashes of 32 bytes (C2SP tlog-tiles).
const MAX_TILE_BYTES: usize = 8_192;

/// Reading ahead hides the disk; more threads than this only take the processor from the hashing.
const PARALLEL_READS: usize = 2;

/// Enough to fill a line of 100 ms and 100 Mbit/s with bundles of 28 KB, and polite to a small server.
const PARALLEL_REQUESTS: usize = 8;

/// How much of a strange path an error shows.
const MAX_SHOWN: usize = 100;
