//! Every kind of file that a data folder has, and one flipped bit in one of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::outside::writer::Folder;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Bundle,
    BundlePartial,
    /// Of a size before the public one.
    BundleSuperseded,
    Checkpoint,
    HashTile,
    HashTilePartial,
    /// Of a size before the public one.
    HashTileSuperseded,
    Head,
    /// Derived; sled's files.
    Index,
    Journal,
    KeyPublic,
    KeySealed,
    /// Which slots of a status list are taken is permuted with what stands here.
    Lists,
    Passphrase,
    /// Batches that are committed.
    Segment,
    /// Written by people. A flipped bit is another setting, or none: what it says is shown by `sillok config show`, and
    /// no signature depends on it but the log's name, which the public text of the key holds too.
    Settings,
    StatusRendering,
    StatusSnapshot,
    State,
    Subjects,
    TrustBundle,
}

/// All files of a folder and its head, by kind. A file of no known kind ends the test.
pub(crate) fn files(folder: &Folder, public_size: u64) -> BTreeMap<Kind, Vec<PathBuf>> {
    let mut found = BTreeMap::from([(Kind::Head, vec![folder.head()])]);
    let root = Path::new(folder.path());
    let mut folders = vec![root.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder of the log") {
            let path = entry.expect("a file of the log").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).expect("below the folder").to_str().expect("a plain name");
            if let Some(kind) = kind(name, public_size) {
                found.entry(kind).or_insert_with(Vec::new).push(path);
            }
        }
    }
    found.values_mut().for_each(|paths| paths.sort());
    found
}

fn kind(name: &str, public_size: u64) -> Option<Kind> {
    let parts: Vec<&str> = name.split('/').collect();
    let current = |level: u32| format!(".p/{}", (public_size >> (8 * level)) % 256);
    Some(match parts.as_slice() {
        // Holds nothing: its lock is what matters.
        ["issuer", "lock"] => return None,
        // Each is held to the other, bit by bit: registry/server/tests/landmarks.rs.
        ["landmarks" | ".landmarks.new"] | ["public", "landmarks" | ".landmarks.new"] => return None,
        // Each is a trust bundle like the one beside them, opened by whoever fetched it, or leads to one bit by bit:
        // verifier-sdk/core/tests/delta.rs, verifier-sdk/core/tests/trust.rs.
        ["public", "trust-bundles", _name] => return None,
        // Judged list by list by the digest of the logged snapshot: verifier-sdk/core/tests/population.rs.
        ["public", "status", "population", _name] => return None,
        ["public", "checkpoint"] => Kind::Checkpoint,
        ["public", "trust-bundle"] => Kind::TrustBundle,
        ["public", "status", _list, "snapshot"] => Kind::StatusSnapshot,
        ["public", "status", _list, "revocation" | "suspension" | "token"] => Kind::StatusRendering,
        ["public", "tile", "entries", ..] if name.ends_with(&current(0)) => Kind::BundlePartial,
        ["public", "tile", "entries", ..] if name.contains(".p/") => Kind::BundleSuperseded,
        ["public", "tile", "entries", ..] => Kind::Bundle,
        ["public", "tile", level, ..] => match level.parse() {
            Ok(level) if name.ends_with(&current(level)) => Kind::HashTilePartial,
            Ok(_level) if name.contains(".p/") => Kind::HashTileSuperseded,
            Ok(_level) => Kind::HashTile,
            Err(_text) => panic!("{name} is of no kind that this test knows"),
        },
        ["wal", segment] if segment.ends_with(".seg") => Kind::Segment,
        ["index", ..] => Kind::Index,
        ["issuer", "journal" | "records" | "wallets", _segment] => Kind::Journal,
        ["issuer", "lists"] => Kind::Lists,
        ["issuer", "state"] => Kind::State,
        ["issuer", "subjects"] => Kind::Subjects,
        ["keys", key] if key.ends_with(".pub") => Kind::KeyPublic,
        ["keys", key] if key.ends_with(".pem") => Kind::KeySealed,
        ["passphrase"] => Kind::Passphrase,
        ["sillok.toml"] => Kind::Settings,
        _other => panic!("{name} is of no kind that this test knows"),
    })
}

/// A bit that was flipped.
pub(crate) struct Flip {
    /// Which byte of the file.
    pub(crate) at: usize,
    /// Where, in words.
    pub(crate) told: String,
    /// Whether its byte was zero: what is filled ahead and not used yet is.
    pub(crate) was_zero: bool,
}

/// Flips a bit of a file: of four bytes three are not zero, where zeros are but filled ahead.
pub(crate) fn flip(path: &Path, random: &mut fastrand::Rng) -> Flip {
    let mut bytes = fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    assert!(!bytes.is_empty(), "{} is empty", path.display());
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let anywhere = random.usize(0..bytes.len());
    let at = if random.u32(0..4) > 0 { random.choice(&used).copied().unwrap_or(anywhere) } else { anywhere };
    let (was, bit) = (bytes[at], random.u32(0..8));
    bytes[at] ^= 1 << bit;
    fs::write(path, &bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    Flip { at, told: format!("{} byte {at} bit {bit}, was {was:02x}", path.display()), was_zero: was == 0 }
}
