//! A run: an immutable file of keys in order, and of control entries, written once and read page by page.
//!
//! | Pages | Content |
//! |---|---|
//! | 1 | magic, first and last number of the run, begin, watermark, number of keys, bytes of controls, salt; big-endian |
//! | | keys: fingerprint (16 bytes) and place (8), in order of fingerprint, each once; 170 a page |
//! | | controls: place (8), length (2), entry; in order of place, across pages |
//!
//! A run bears the numbers of the flushes that are in it: `<first>-<last>.run`, and the leaves that they cover: from *begin*
//! up to the *watermark*. Both follow one another without a gap in an index, or what lies behind the gap counts for nothing.
//! Numbers alone would not do: they begin anew when an index is cleared, and a run from before may come back.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sillok_log::{LeafIndex, TreeSize};

use super::page::{self, Binding, CONTENT_BYTES, PAGE_BYTES, PageReader, PageWriter, damaged};
use crate::store::{Error, SeenKey};

/// What stands for a key in the index: 128 bits of its salted hash. They are spread evenly whatever the keys are, and
/// nobody can choose two keys that share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fingerprint(pub(super) [u8; 16]);

impl Fingerprint {
    pub(super) fn of(salt: &Salt, key: &SeenKey) -> Self {
        let (kind, hash) = match key {
            SeenKey::Commitment(commitment) => (b'c', commitment),
            SeenKey::Leaf(hash) => (b'l', &hash.0),
        };
        let digest: [u8; 32] =
            Sha256::new().chain_update(salt).chain_update([kind]).chain_update(hash).finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    pub(super) fn upper(&self) -> u64 {
        (u128::from_be_bytes(self.0) >> 64) as u64
    }

    pub(super) fn lower(&self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }
}

/// Drawn when an index begins.
pub(super) type Salt = [u8; 16];

/// A key and its place.
pub(super) type Record = (Fingerprint, u64);

/// A control entry and its place.
pub(super) type Control = (LeafIndex, Vec<u8>);

/// What page 0 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) salt: Salt,
    pub(super) first: u64,
    pub(super) last: u64,
    /// The watermark of what was noted before.
    pub(super) begin: TreeSize,
    pub(super) watermark: TreeSize,
    pub(super) keys: u64,
    control_bytes: u64,
}

impl Header {
    /// The header of a run before anything is in it.
    pub(super) fn new(
        salt: Salt,
        (first, last): (u64, u64),
        (begin, watermark): (TreeSize, TreeSize),
    ) -> Self {
        Self { salt, first, last, begin, watermark, keys: 0, control_bytes: 0 }
    }

    fn encode(&self) -> Vec<u8> {
        let (begin, watermark) = (self.begin.0, self.watermark.0);
        let numbers = [self.first, self.last, begin, watermark, self.keys, self.control_bytes];
        let mut bytes = MAGIC.to_vec();
        numbers.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend(self.salt);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.strip_prefix(MAGIC)?.split_at_checked(6 * 8)?;
        let mut numbers = numbers.as_chunks::<8>().0.iter().copied().map(u64::from_be_bytes);
        Some(Self {
            first: numbers.next()?,
            last: numbers.next()?,
            begin: TreeSize(numbers.next()?),
            watermark: TreeSize(numbers.next()?),
            keys: numbers.next()?,
            control_bytes: numbers.next()?,
            salt: *rest.first_chunk()?,
        })
    }

    /// Of the pages, to what cannot be another run's of this index.
    fn binding(&self) -> Binding {
        let hash = Sha256::new().chain_update(MAGIC).chain_update(self.salt);
        let hash = hash.chain_update(self.first.to_be_bytes()).chain_update(self.last.to_be_bytes());
        Binding(hash.finalize().into())
    }

    /// Whether it is the next run of the index of that salt, which ends with flush number `next - 1` at size `end`.
    pub(super) fn follows(&self, salt: Option<Salt>, next: u64, end: TreeSize) -> bool {
        self.first == next && self.begin == end && salt.is_none_or(|salt| salt == self.salt)
    }

    fn key_pages(&self) -> u64 {
        self.keys.div_ceil(KEYS_A_PAGE as u64)
    }

    fn pages(&self) -> u64 {
        1 + self.key_pages() + self.control_bytes.div_ceil(CONTENT_BYTES as u64)
    }
}

/// The file of the run of these numbers, first and last.
pub(super) fn path(folder: &Path, (first, last): (u64, u64)) -> PathBuf {
    folder.join(format!("{first:016x}-{last:016x}{SUFFIX}"))
}

/// The numbers in the name of a run's file.
pub(super) fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let number = |digits: &str| u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16);
    Some((number(first)?, number(last)?)).filter(|(first, last)| first <= last)
}

/// A run that is there.
pub(super) struct Run {
    pub(super) header: Header,
    pub(super) path: PathBuf,
    file: File,
    binding: Binding,
}

impl Run {
    /// Opens the file of the run of these numbers. Only its first page has been checked then.
    ///
    /// # Errors
    /// [`Error::Damaged`], or a failed operation.
    pub(super) fn open(folder: &Path, numbers: (u64, u64)) -> Result<Self, Error> {
        let path = path(folder, numbers);
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        let mut page = vec![0; PAGE_BYTES];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut page, 0)
            .map_err(|_short| damaged(&path, "its first page is not there"))?;
        let header = Header::parse(&page).filter(|header| {
            (header.first, header.last) == numbers
                && header.binding().open(0, &page).is_some()
                && header.pages().checked_mul(PAGE_BYTES as u64) == Some(length)
        });
        let header = header.ok_or_else(|| damaged(&path, "it is not the run that its name says"))?;
        Ok(Self { binding: header.binding(), header, path, file })
    }

    /// Where a key is.
    ///
    /// Fingerprints are spread evenly, so that its page is guessed from its value between those that are known; two or
    /// three guesses do for 20 million keys. Each excludes a page at least.
    ///
    /// # Errors
    /// [`Error::Damaged`], or a failed operation.
    pub(super) fn find(&self, key: &Fingerprint) -> Result<Option<LeafIndex>, Error> {
        let (mut low, mut high) = (0, self.header.key_pages());
        let (mut low_key, mut high_key) = (0, u64::MAX);
        while low < high {
            let above = u128::from(key.upper().saturating_sub(low_key)) * u128::from(high - low);
            let guess = above / (u128::from(high_key.saturating_sub(low_key)) + 1);
            let guess = (low + guess as u64).min(high - 1);
            let content = page::read(&self.file, &self.path, &self.binding, 1 + guess)?;
            let records: Vec<Record> = self.records_of(guess, &content).collect();
            let (Some((first, _)), Some((last, _))) = (records.first(), records.last()) else { break };
            if key < first {
                (high, high_key) = (guess, first.upper());
            } else if key > last {
                (low, low_key) = (guess + 1, last.upper());
            } else {
                let found = records.binary_search_by_key(key, |(fingerprint, _place)| *fingerprint);
                return Ok(found.ok().and_then(|at| records.get(at)).map(|(_key, place)| LeafIndex(*place)));
            }
        }
        Ok(None)
    }

    /// The records in the content of key page `number`, from 0.
    fn records_of<'a>(&self, number: u64, content: &'a [u8]) -> impl Iterator<Item = Record> + use<'a> {
        let left = self.header.keys.saturating_sub(number.saturating_mul(KEYS_A_PAGE as u64));
        let records =
            content.as_chunks::<RECORD_BYTES>().0.iter().take(left.min(KEYS_A_PAGE as u64) as usize);
        records.filter_map(|record| {
            let (key, place) = record.split_first_chunk::<16>()?;
            Some((Fingerprint(*key), u64::from_be_bytes(*place.first_chunk()?)))
        })
    }

    /// Its keys in order.
    pub(super) fn records(&self) -> Records<'_> {
        let pages = PageReader::new(&self.file, &self.path, self.binding, 1, 1 + self.header.key_pages());
        Records { run: self, pages, number: 0, page: Vec::new().into_iter() }
    }

    /// Its controls in order.
    pub(super) fn controls(&self) -> Controls<'_> {
        let (next, end) = (1 + self.header.key_pages(), self.header.pages());
        let pages = PageReader::new(&self.file, &self.path, self.binding, next, end);
        Controls { run: self, pages, left: self.header.control_bytes, buffer: Vec::new() }
    }

    /// Reads all of it, and hands its keys to `visit`.
    ///
    /// # Errors
    /// [`Error::Damaged`] when any of it is not what was written, or not in order; a failed operation.
    pub(super) fn check(&self, visit: &mut dyn FnMut(&Fingerprint)) -> Result<(), Error> {
        let (mut records, mut last, mut keys) = (self.records(), None, 0);
        while let Some((key, _place)) = records.next()? {
            if last.is_some_and(|last| last >= key) {
                return Err(damaged(&self.path, "its keys are not in order"));
            }
            visit(&key);
            (last, keys) = (Some(key), keys + 1);
        }
        if keys != self.header.keys {
            return Err(damaged(&self.path, "it has fewer keys than it says"));
        }
        let mut controls = self.controls();
        while controls.next()?.is_some() {}
        Ok(())
    }
}

/// The keys of a run.
pub(super) struct Records<'a> {
    run: &'a Run,
    pages: PageReader<'a>,
    number: u64,
    page: std::vec::IntoIter<Record>,
}

impl Records<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Record>, Error> {
        if let Some(record) = self.page.next() {
            return Ok(Some(record));
        }
        let Some(content) = self.pages.next()? else { return Ok(None) };
        self.page = self.run.records_of(self.number, content).collect::<Vec<_>>().into_iter();
        self.number += 1;
        Ok(self.page.next())
    }
}

/// The controls of a run.
pub(super) struct Controls<'a> {
    run: &'a Run,
    pages: PageReader<'a>,
    /// Bytes of them on pages that are not read yet.
    left: u64,
    buffer: Vec<u8>,
}

impl Controls<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Control>, Error> {
        loop {
            if let Some((control, rest)) = parse_control(&self.buffer) {
                self.buffer = rest.to_vec();
                return Ok(Some(control));
            }
            let Some(content) = self.pages.next()? else { break };
            let bytes = self.left.min(CONTENT_BYTES as u64);
            self.buffer.extend_from_slice(content.get(..bytes as usize).unwrap_or(content));
            self.left -= bytes;
        }
        if self.buffer.is_empty() { Ok(None) } else { Err(damaged(&self.run.path, "a control is cut short")) }
    }
}

fn parse_control(bytes: &[u8]) -> Option<(Control, &[u8])> {
    let (place, rest) = bytes.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some(((LeafIndex(u64::from_be_bytes(*place)), entry.to_vec()), rest))
}

/// Writes a run: first its keys, in order, then its controls. It has a name once it is whole and durable.
pub(super) struct RunWriter<'a> {
    header: Header,
    pages: PageWriter<'a>,
}

impl<'a> RunWriter<'a> {
    /// Makes the file that [`RunWriter`] writes into, under a name of no run.
    ///
    /// # Errors
    /// A failed operation.
    pub(super) fn create(path: &Path) -> Result<File, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).open(path).map_err(Error::io("create", path))
    }

    pub(super) fn new(file: &'a File, path: &'a Path, header: Header) -> Result<Self, Error> {
        Ok(Self { header, pages: PageWriter::new(file, path, header.binding())? })
    }

    pub(super) fn key(&mut self, (key, place): &Record) -> Result<(), Error> {
        self.header.keys += 1;
        self.pages.put(&key.0)?;
        self.pages.put(&place.to_be_bytes())
    }

    pub(super) fn control(&mut self, (place, entry): &Control) -> Result<(), Error> {
        if self.header.control_bytes == 0 {
            self.pages.end_page()?;
        }
        let length = u16::try_from(entry.len()).map_err(|_long| Error::TooLong { bytes: entry.len() })?;
        self.header.control_bytes += 8 + 2 + u64::from(length);
        self.pages.put(&place.0.to_be_bytes())?;
        self.pages.put(&length.to_be_bytes())?;
        self.pages.put(entry)
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let Self { header, pages } = self;
        pages.finish(&header.encode())
    }
}

const MAGIC: &[u8; 8] = b"SLKIDX02";
const SUFFIX: &str = ".run";
const RECORD_BYTES: usize = 24;
const KEYS_A_PAGE: usize = CONTENT_BYTES / RECORD_BYTES;
