//! A run: items one after another, sorted, in a file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{ITEM_BYTES, Item};

/// A sorted file of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Run {
    pub(in crate::audit) number: u64,
    pub(in crate::audit) items: u64,
    /// SHA-256 of the file; zeros if it does not outlast the process.
    pub(in crate::audit) digest: [u8; 32],
    /// Whether its items were compared with those of every other settled run.
    pub(in crate::audit) settled: bool,
}

impl Run {
    pub(super) fn verify(&self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path).map_err(|error| named(path, &error))?;
        let (mut digest, mut chunk) = (Sha256::new(), vec![0; BUFFER_BYTES]);
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                count => digest.update(&chunk[..count]),
            }
        }
        if <[u8; 32]>::from(digest.finalize()) == self.digest {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} is not what the saved state says", path.display())))
        }
    }
}

pub(super) struct RunWriter {
    file: File,
    chunk: Vec<u8>,
    /// Of what is written, if the run is to outlast the process.
    digest: Option<Sha256>,
    number: u64,
    items: u64,
}

impl RunWriter {
    pub(super) fn create(path: &Path, number: u64, durable: bool) -> io::Result<Self> {
        let file = File::create(path).map_err(|error| named(path, &error))?;
        let (chunk, digest) = (Vec::with_capacity(BUFFER_BYTES), durable.then(Sha256::new));
        Ok(Self { file, chunk, digest, number, items: 0 })
    }

    pub(super) fn push(&mut self, item: &Item) -> io::Result<()> {
        self.items += 1;
        self.chunk.extend_from_slice(&item.to_bytes());
        if self.chunk.len() + ITEM_BYTES > BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> io::Result<Run> {
        self.flush()?;
        let digest = match self.digest {
            Some(digest) => {
                self.file.sync_all()?;
                digest.finalize().into()
            }
            None => [0; 32],
        };
        Ok(Run { number: self.number, items: self.items, digest, settled: false })
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(digest) = &mut self.digest {
            digest.update(&self.chunk);
        }
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

/// The items of several runs in order.
pub(super) struct Merge {
    files: Vec<BufReader<File>>,
    /// The next item of each file.
    heads: BinaryHeap<Reverse<(Item, usize)>>,
}

impl Merge {
    pub(super) fn open(paths: impl Iterator<Item = PathBuf>) -> io::Result<Self> {
        let mut merge = Self { files: Vec::new(), heads: BinaryHeap::new() };
        for path in paths {
            let file = File::open(&path).map_err(|error| named(&path, &error))?;
            merge.files.push(BufReader::with_capacity(BUFFER_BYTES, file));
            merge.advance(merge.files.len() - 1)?;
        }
        Ok(merge)
    }

    /// Puts the next item of a file among the heads.
    fn advance(&mut self, file: usize) -> io::Result<()> {
        let mut bytes = [0; ITEM_BYTES];
        match self.files[file].read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        self.heads.push(Reverse((Item::from_bytes(&bytes), file)));
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((item, file)) = self.heads.pop()?;
        Some(self.advance(file).map(|()| item))
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Each file that is read or written in sequence.
const BUFFER_BYTES: usize = 1 << 16;
