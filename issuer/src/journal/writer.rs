//! The one who appends.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::frame::{Builder, SECTOR_BYTES};
use super::scan::End;
use super::segment::{self, Preparation, Segment};
use super::{Batch, Chain, Location, StoreError, sync_folder};

pub(super) struct Writer {
    folder: PathBuf,
    segment_bytes: u64,
    pub(super) segment: Segment,
    /// Where the next frame goes, in bytes. Only zeros follow.
    offset: u64,
    chain: Chain,
    next: Option<Preparation>,
    /// The frame that is being put together: in memory that stays, and as large as the largest so far.
    frame: Builder,
}

impl Writer {
    /// Goes on at `end`. A torn frame there is overwritten with zeros first. The last whole frame is written again and
    /// synchronised before anybody rests on it: after a crash between writing and synchronising, or a synchronisation
    /// that failed, it may have been read from the page cache and be nowhere else.
    pub(super) fn open(folder: &Path, segment_bytes: u64, end: End) -> Result<Self, StoreError> {
        let Some(last) = end.last else {
            let segment = segment::prepare(folder, 1, segment_bytes)?;
            let folder = folder.to_path_buf();
            return Ok(Self::at(folder, segment_bytes, segment, 0, end.chain));
        };
        let (path, offset) = (last.path, last.offset);
        let file =
            OpenOptions::new().read(true).write(true).open(&path).map_err(StoreError::io("open", &path))?;
        let found = file.metadata().map_err(StoreError::io("examine", &path))?.len();
        let bytes = found.max(segment_bytes);
        if let Some((at, frame)) = &last.frame {
            // If we crash here: the same bytes as before.
            file.write_all_at(frame, *at).map_err(StoreError::io("write", &path))?;
        }
        if last.torn || found < bytes {
            // If we crash here: some of its sectors are zeros, so the frame is still torn.
            let mut at = offset;
            while at < bytes {
                let zeros = vec![0; (bytes - at).min(segment::CHUNK_BYTES) as usize];
                file.write_all_at(&zeros, at).map_err(StoreError::io("write", &path))?;
                at += zeros.len() as u64;
            }
        }
        file.sync_all().map_err(StoreError::io("synchronise", &path))?;
        sync_folder(folder)?;
        let segment = Segment { number: last.number, file, path, bytes };
        Ok(Self::at(folder.to_path_buf(), segment_bytes, segment, offset, end.chain))
    }

    fn at(folder: PathBuf, segment_bytes: u64, segment: Segment, offset: u64, chain: Chain) -> Self {
        Self { folder, segment_bytes, segment, offset, chain, next: None, frame: Builder::default() }
    }

    /// Writes the batches, in as few frames as they fit into.
    pub(super) fn append(&mut self, batches: &[Batch]) -> Result<Vec<Vec<Location>>, StoreError> {
        let limit = self.segment_bytes.min(MAX_FRAME_BYTES) as usize;
        let count = batches.iter().map(Batch::len).sum();
        let mut places = Vec::with_capacity(count);
        let mut locations = Vec::with_capacity(count);
        self.frame.clear();
        for record in batches.iter().flat_map(Batch::records) {
            if !self.frame.is_empty() && self.frame.bytes_with(record) > limit {
                self.commit(&mut places, &mut locations)?;
                self.frame.clear();
            }
            places.push((self.frame.push(record), record.len()));
        }
        self.commit(&mut places, &mut locations)?;
        let mut locations = locations.into_iter();
        Ok(batches.iter().map(|batch| locations.by_ref().take(batch.len()).collect()).collect())
    }

    /// Makes the frame durable.
    fn commit(
        &mut self,
        places: &mut Vec<(usize, usize)>,
        locations: &mut Vec<Location>,
    ) -> Result<(), StoreError> {
        let (bytes, checksum) = self.frame.finish(&self.chain);
        let length = bytes.len() as u64;
        if self.offset + length > self.segment.bytes {
            // Goes over to the next segment, which was prepared in the background.
            self.segment = match self.next.take().and_then(Preparation::wait) {
                Some(prepared) => prepared?,
                None => segment::prepare(&self.folder, self.segment.number + 1, self.segment_bytes)?,
            };
            self.offset = 0;
        }
        let Segment { number, file, path, .. } = &self.segment;
        // If we crash here: the frame is torn, nobody was told about it, and the next opening cuts it off.
        file.write_all_at(bytes, self.offset).map_err(StoreError::io("write", path))?;
        file.sync_data().map_err(StoreError::io("synchronise", path))?;
        // If we crash here: the records are there, and their callers hear of it when they ask again.
        let begin = self.offset;
        locations
            .extend(places.drain(..).map(|(at, bytes)| Location::new(*number, begin + at as u64, bytes)));
        self.offset += length;
        self.chain.advance(checksum);
        if self.next.is_none() && self.offset > self.segment.bytes / 2 {
            self.next = Some(Preparation::start(&self.folder, number + 1, self.segment_bytes));
        }
        Ok(())
    }
}

/// Most bytes of a frame: what waits during one synchronisation under load, and no more than is quick to hash again.
const MAX_FRAME_BYTES: u64 = 4 << 20;

const _: () = assert!(super::MIN_SEGMENT_BYTES as usize >= super::MAX_RECORD_BYTES + 2 * SECTOR_BYTES);
