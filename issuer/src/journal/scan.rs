//! Reading a journal from its first frame to its last, and finding out where it ends.

use std::fs;
use std::path::{Path, PathBuf};

use super::frame::{self, Chain, Problem, SECTOR_BYTES};
use super::{Location, MAX_SEGMENT_BYTES, StoreError, segment, sync_folder};

/// Where a journal ends.
pub(super) struct End {
    pub(super) chain: Chain,
    /// Nothing if there is no segment yet.
    pub(super) last: Option<Last>,
}

/// The segment that the next frame goes to.
pub(super) struct Last {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    /// What is at the offset is to be cut off.
    pub(super) torn: bool,
    /// The frame that ends at the offset, and where it begins: the only one that may be in the page cache alone.
    pub(super) frame: Option<(u64, Vec<u8>)>,
}

type Visit<'a> = &'a mut dyn FnMut(Location, u8, &[u8]) -> Result<(), &'static str>;

/// Reads everything. Segments behind the end that hold nothing are removed.
pub(super) fn scan(folder: &Path, visit: Visit<'_>) -> Result<End, StoreError> {
    let mut end = End { chain: Chain::GENESIS, last: None };
    for (number, path) in segment::list(folder)? {
        let bytes = load(&path)?;
        if end.last.is_some() && frame::is_zero(&bytes) {
            // It was prepared and not used yet. Whatever comes behind it would not fit the chain.
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            sync_folder(folder)?;
            continue;
        }
        if let Some(Last { path, offset, torn: true, .. }) = end.last {
            return Err(StoreError::damaged(&path, offset, "a frame is missing, and later ones are there"));
        }
        let Tail { offset, torn, frame } = scan_segment(number, &path, &bytes, &mut end.chain, visit)?;
        let frame = frame.and_then(|at| Some((at as u64, bytes.get(at..offset)?.to_vec())));
        end.last = Some(Last { number, path, offset: offset as u64, torn, frame });
    }
    Ok(end)
}

/// Where the frames of a segment end, whether one is torn there, and where the last whole one begins.
struct Tail {
    offset: usize,
    torn: bool,
    frame: Option<usize>,
}

/// Reads one segment.
fn scan_segment(
    number: u32,
    path: &Path,
    bytes: &[u8],
    chain: &mut Chain,
    visit: Visit<'_>,
) -> Result<Tail, StoreError> {
    let mut at = 0;
    let mut last = None;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let damaged = |offset: usize, problem| StoreError::damaged(path, offset as u64, problem);
        let frame = match frame::parse(rest) {
            Ok(frame) => frame,
            Err(Problem::Torn) if has_frame(rest) => {
                return Err(damaged(at, "a frame is missing, and later ones are there"));
            }
            Err(Problem::Torn) => {
                return Ok(Tail { offset: at, torn: !frame::is_zero(rest), frame: last });
            }
            Err(Problem::Damaged(problem)) => return Err(damaged(at, problem)),
        };
        if frame.chain != *chain {
            return Err(damaged(at, "a frame does not follow the one before it"));
        }
        for (place, length, record) in &frame.records {
            let offset = at + place;
            let location = Location::new(number, offset as u64, *length);
            visit(location, record.kind, record.header).map_err(|problem| damaged(offset, problem))?;
        }
        chain.advance(frame.checksum);
        last = Some(at);
        at += frame.bytes;
    }
}

/// Whether a whole frame begins at any later sector.
fn has_frame(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(later) = rest.get(SECTOR_BYTES..) {
        if frame::parse(later).is_ok() {
            return true;
        }
        rest = later;
    }
    false
}

fn load(path: &Path) -> Result<Vec<u8>, StoreError> {
    let found = fs::metadata(path).map_err(StoreError::io("examine", path))?.len();
    if found > MAX_SEGMENT_BYTES {
        return Err(StoreError::damaged(path, MAX_SEGMENT_BYTES, "it is longer than any segment"));
    }
    fs::read(path).map_err(StoreError::io("read", path))
}
