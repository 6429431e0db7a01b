//! What a data folder says about the logs before and after its own: two small files, one verifier key a line.
//!
//! `successor` holds the key of the log that is to take over. In `predecessors` stand the logs before, oldest first, each
//! with its last size; the last of them without a size while it has not handed over yet; and the SHA-256 of these lines.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use sillok_issuer::config::Predecessor;
use sillok_log::note::VerifierKey;
use sillok_log::{Hash, TreeSize};

use crate::exit::usage;
use crate::folder::Place;

/// A log before that of a folder; without a size as long as it has not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) log: VerifierKey,
    pub(crate) size: Option<TreeSize>,
}

/// The log that is to take over from that of a folder, if one was announced.
pub(crate) fn successor(place: &Place) -> anyhow::Result<Option<VerifierKey>> {
    let path = place.path().join(SUCCESSOR);
    let Some(text) = read(&path)? else { return Ok(None) };
    let key = VerifierKey::parse(text.trim_end());
    Ok(Some(key.with_context(|| format!("{} is damaged", path.display()))?))
}

/// The logs before that of a folder, all of which have handed over.
pub(crate) fn predecessors(place: &Place) -> anyhow::Result<Vec<Predecessor>> {
    let mut all = Vec::new();
    for Before { log, size } in before(place)? {
        let Some(size) = size else {
            return usage(format!(
                "{} is to succeed {}, which has not handed over yet: `sillok log switch` does that",
                place.path().display(),
                log.name()
            ));
        };
        all.push(Predecessor { log, size });
    }
    Ok(all)
}

/// The logs before that of a folder, oldest first.
pub(crate) fn before(place: &Place) -> anyhow::Result<Vec<Before>> {
    let path = place.path().join(PREDECESSORS);
    let damaged = || format!("{} is damaged", path.display());
    let Some(text) = read(&path)? else { return Ok(Vec::new()) };
    let end = text.trim_end().rfind('\n').map_or(0, |end| end + 1);
    let (text, check) = text.split_at(end);
    // A changed digit of a size would be as good a size.
    if check != check_line(text) {
        bail!(damaged());
    }
    text.lines().map(|line| parse(line).with_context(damaged)).collect()
}

fn check_line(text: &str) -> String {
    format!("sha256 {}\n", Hash(Sha256::digest(text).into()).to_hex())
}

fn parse(line: &str) -> anyhow::Result<Before> {
    let (log, size) = line.split_once(' ').map_or((line, None), |(log, size)| (log, Some(size)));
    let size = size.map(|size| size.parse().map(TreeSize)).transpose()?;
    Ok(Before { log: VerifierKey::parse(log)?, size })
}

pub(crate) fn write_successor(place: &Place, key: &VerifierKey) -> anyhow::Result<()> {
    replace(&place.path().join(SUCCESSOR), &format!("{key}\n"))
}

pub(crate) fn write_before(place: &Place, logs: &[Before]) -> anyhow::Result<()> {
    let line = |before: &Before| match before.size {
        Some(size) => format!("{} {size}\n", before.log),
        None => format!("{}\n", before.log),
    };
    let text: String = logs.iter().map(line).collect();
    replace(&place.path().join(PREDECESSORS), &(text.clone() + &check_line(&text)))
}

/// What to say to whoever wants to issue into a frozen log.
pub(crate) fn ended(place: &Place, log: &VerifierKey) -> anyhow::Result<String> {
    let next =
        successor(place)?.map_or_else(String::new, |next| format!(", and {} is to succeed it", next.name()));
    Ok(format!(
        "{} is frozen{next}: nothing is issued into it; `sillok registry` serves its files on",
        log.name()
    ))
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) if text.len() > MAX_BYTES => bail!("{} is longer than {MAX_BYTES} bytes", path.display()),
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::anyhow!("could not read {}: {error}", path.display())),
    }
}

/// Replaces a file in one step: written beside it, synchronised, renamed, the folder synchronised.
pub(crate) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let written = File::create(&staged)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&staged, path));
    written.with_context(|| format!("could not write {}", path.display()))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synchronised = File::open(folder).and_then(|folder| folder.sync_all());
    synchronised.with_context(|| format!("could not synchronise {}", folder.display()))
}

const SUCCESSOR: &str = "successor";
const PREDECESSORS: &str = "predecessors";

/// Of either file: more logs than there will be half-years.
const MAX_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use sillok_log::note::{SignatureKind, SignerKey};

    use super::*;

    #[test]
    fn the_logs_before_and_after_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path()).unwrap();
        assert!(successor(&place).unwrap().is_none() && before(&place).unwrap().is_empty());
        let key =
            |name: &str| SignerKey::from_seed(name, SignatureKind::Ed25519, &[1; 32]).unwrap().verifier();
        let first = Before { log: key("log.example/1"), size: Some(TreeSize(7)) };
        let second = Before { log: key("log.example/2"), size: None };
        write_successor(&place, &key("log.example/4")).unwrap();
        write_before(&place, &[first.clone(), second.clone()]).unwrap();
        assert_eq!(successor(&place).unwrap(), Some(key("log.example/4")));
        assert_eq!(before(&place).unwrap(), [first, second]);
        let waits = predecessors(&place).unwrap_err().to_string();
        assert!(waits.contains("log.example/2, which has not handed over"), "{waits}");
        let path = folder.path().join(PREDECESSORS);
        let text = fs::read(&path).unwrap();
        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            assert!(before(&place).is_err(), "bit {bit}");
        }
    }
}
