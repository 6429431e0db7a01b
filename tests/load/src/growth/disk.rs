//! What a log takes on the disk, by kind of file.

use std::fs;
use std::io;
use std::path::Path;

use sillok_registry::Paths;

/// Files of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) files: u64,
    /// What is in them.
    pub(super) bytes: u64,
    /// What the file system takes for them.
    pub(super) allocated_bytes: u64,
}

/// What there is of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    pub(super) tiles: Account,
    pub(super) bundles: Account,
    pub(super) index: Account,
    pub(super) segments: Account,
    /// The folder with most names in it.
    pub(super) most_names: u64,
}

impl Accounts {
    /// Those of a log that nobody writes at the moment.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub(super) fn of(paths: &Paths) -> io::Result<Self> {
        let mut most_names = 0;
        let mut account = |folder: &Path| -> io::Result<Account> {
            let mut account = Account::default();
            add(folder, &mut account, &mut most_names)?;
            Ok(account)
        };
        let bundles = account(&paths.public.join("tile/entries"))?;
        let all = account(&paths.public.join("tile"))?;
        let tiles = Account {
            files: all.files - bundles.files,
            bytes: all.bytes - bundles.bytes,
            allocated_bytes: all.allocated_bytes - bundles.allocated_bytes,
        };
        let (index, segments) = (account(&paths.seen)?, account(&paths.segments)?);
        Ok(Self { tiles, bundles, index, segments, most_names })
    }
}

fn add(folder: &Path, account: &mut Account, most_names: &mut u64) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let mut names = 0;
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed?,
    };
    for entry in listed {
        let entry = entry?;
        names += 1;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            add(&entry.path(), account, most_names)?;
        } else {
            account.files += 1;
            account.bytes += metadata.len();
            account.allocated_bytes += metadata.blocks() * BLOCK_BYTES;
        }
    }
    *most_names = names.max(*most_names);
    Ok(())
}

/// stat(2) counts in these, whatever the file system does.
const BLOCK_BYTES: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_counted_once_and_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let paths = super::super::writer::paths(folder.path());
        assert_eq!(Accounts::of(&paths).unwrap(), Accounts::default());
        for (path, bytes) in [
            ("tile/0/000", 8_192),
            ("tile/1/000.p/1", 32),
            ("tile/entries/000", 100),
            ("tile/entries/x001/000", 1),
        ] {
            let path = paths.public.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![1; bytes]).unwrap();
        }
        let found = Accounts::of(&paths).unwrap();
        assert_eq!((found.tiles.files, found.tiles.bytes), (2, 8_224));
        assert_eq!((found.bundles.files, found.bundles.bytes), (2, 101));
        assert_eq!((found.index.files, found.most_names), (0, 3));
    }
}
