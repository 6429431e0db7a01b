//! A run: items one after another, sorted, in a file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{ITEM_BYTES, Item};

/// A sorted file of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Run {
    pub(in crate::audit) number: u64,
    pub(in crate::audit) items: u64,
    /// SHA-256 of the file.
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
    file: BufWriter<File>,
    digest: Sha256,
    number: u64,
    items: u64,
}

impl RunWriter {
    pub(super) fn create(path: &Path, number: u64) -> io::Result<Self> {
        let file = File::create(path).map_err(|error| named(path, &error))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { file, digest: Sha256::new(), number, items: 0 })
    }

    pub(super) fn push(&mut self, item: &Item) -> io::Result<()> {
        let bytes = item.to_bytes();
        self.digest.update(bytes);
        self.items += 1;
        self.file.write_all(&bytes)
    }

    pub(super) fn finish(self, durable: bool) -> io::Result<Run> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if durable {
            file.sync_all()?;
        }
        let (number, items, digest) = (self.number, self.items, self.digest.finalize().into());
        Ok(Run { number, items, digest, settled: false })
    }
}

/// The items of several runs in order.
pub(super) struct Merge {
    files: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<Head>>,
}

/// The next item of a file, in the order of items.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    key: ([u8; 32], u64),
    at: u64,
    file: usize,
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
        let item = Item::from_bytes(&bytes);
        self.heads.push(Reverse(Head { key: item.key(), at: item.at, file }));
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(Head { key: (commitment, _position), at, file }) = self.heads.pop()?;
        Some(self.advance(file).map(|()| Item { commitment, at }))
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Each file that is read or written in sequence.
const BUFFER_BYTES: usize = 1 << 16;
