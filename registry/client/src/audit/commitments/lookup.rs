//! Looks a few commitments up in runs that would take long to read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::{ITEM_BYTES, Item};

pub(super) struct Lookup(Vec<(File, u64)>);

impl Lookup {
    pub(super) fn open(runs: impl Iterator<Item = (PathBuf, u64)>) -> io::Result<Self> {
        runs.map(|(path, items)| Ok((File::open(path)?, items))).collect::<io::Result<_>>().map(Self)
    }

    pub(super) fn has(&self, item: &Item) -> io::Result<bool> {
        for (file, items) in &self.0 {
            let (mut low, mut high) = (0, *items);
            while low < high {
                let middle = low + (high - low) / 2;
                let mut found = [0; ITEM_BYTES];
                file.read_exact_at(&mut found, middle * ITEM_BYTES as u64)?;
                match Item::from_bytes(&found).commitment.cmp(&item.commitment) {
                    std::cmp::Ordering::Equal => return Ok(true),
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                }
            }
        }
        Ok(false)
    }
}
