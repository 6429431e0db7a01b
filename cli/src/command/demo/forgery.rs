//! A copy of a log, and one byte of it changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

/// What was changed.
pub(super) struct Flip {
    /// The file, as its path in the log.
    pub(super) file: String,
    pub(super) offset: usize,
}

/// Copies a folder with everything in it.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Changes one byte of one tile, the one that a verifier of the first entries would read.
pub(super) fn flip_one_byte(log: &Path) -> anyhow::Result<Flip> {
    let tiles = log.join("tile").join("0");
    let tile = widest(&tiles)?.ok_or_else(|| anyhow!("there is no tile in {}", tiles.display()))?;
    let mut bytes = fs::read(&tile)?;
    let offset = bytes.len() / 2;
    let byte = bytes.get_mut(offset).ok_or_else(|| anyhow!("{} is empty", tile.display()))?;
    *byte ^= 1;
    // Files of a log are written once and may be read-only.
    fs::remove_file(&tile)?;
    fs::write(&tile, bytes)?;
    let file = tile.strip_prefix(log).unwrap_or(&tile).display().to_string();
    Ok(Flip { file, offset })
}

/// The first full tile, or else the partial one with most hashes: older ones an auditor need not read.
fn widest(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut found: Option<(u64, PathBuf)> = None;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let candidate = (entry.metadata()?.len(), entry.path());
            let better = found.as_ref().is_none_or(|found| {
                candidate.0 > found.0 || (candidate.0 == found.0 && candidate.1 < found.1)
            });
            if better {
                found = Some(candidate);
            }
        }
    }
    Ok(found.map(|(_bytes, path)| path))
}
