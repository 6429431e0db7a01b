//! The rule sets of the root: what is laid into a folder, if it may follow what is published.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sillok_log::UnixSeconds;
use sillok_verifier::acceptance::{MAX_RULE_SET_BYTES, RuleSet, check_publication};
use sillok_verifier::trust::MAX_RULE_SETS;

use super::Desk;
use super::state::{StateError, replace};

/// Lays a rule set into the folder of an issuer: it is in the next root, if it may be.
///
/// # Errors
/// It could not be written.
pub fn put_rule_set(folder: &Path, set: &RuleSet) -> Result<PathBuf, StateError> {
    let path = folder.join(FOLDER).join(format!("{}.json", set.jurisdiction()));
    replace(&path, set.text().as_bytes(), MODE)?;
    Ok(path)
}

impl Desk {
    /// The rule sets of the next root: those of the present one, each replaced by the set that follows it. What may not
    /// follow is told and changes nothing: the rest of the root and the feeds do not wait for it.
    //= specs/rules.md#publication
    pub(super) fn rule_sets(&self, present: Vec<RuleSet>, now: UnixSeconds) -> Vec<RuleSet> {
        let mut sets = present;
        for path in files(&self.core.config.folder.join(FOLDER)) {
            if let Err(problem) = take(&path, &mut sets, now) {
                tracing::error!(file = %path.display(), problem, "rule set is not published");
            }
        }
        sets
    }
}

fn take(path: &Path, sets: &mut Vec<RuleSet>, now: UnixSeconds) -> Result<(), String> {
    let mut text = String::new();
    // One byte more than a set may have: what is too long is refused by its reader.
    let most = MAX_RULE_SET_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    let new = RuleSet::open(&text).map_err(|error| error.to_string())?;
    let place = sets.iter().position(|set| set.jurisdiction() == new.jurisdiction());
    let before = place.and_then(|place| sets.get(place));
    if before == Some(&new) {
        return Ok(());
    }
    let findings: Vec<String> = check_publication(&new, before, now)
        .iter()
        .map(|finding| format!("{}: {finding}", finding.code()))
        .collect();
    if !findings.is_empty() {
        return Err(findings.join("; "));
    }
    let others = sets.iter().filter(|set| set.jurisdiction() != new.jurisdiction());
    let bytes: usize = others.map(|set| set.text().len()).sum();
    if bytes.saturating_add(text.len()) > MAX_BYTES {
        return Err(format!("all sets together have more than {MAX_BYTES} bytes"));
    }
    match place {
        Some(place) => sets.get_mut(place).map_or((), |before| *before = new),
        None if sets.len() < MAX_RULE_SETS => sets.push(new),
        None => return Err(format!("there are {MAX_RULE_SETS} sets already")),
    }
    Ok(())
}

/// The files of a folder by name; none if it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::error!(folder = %folder.display(), problem = %error, "rule sets cannot be read");
            }
            return Vec::new();
        }
    };
    let paths = listing.filter_map(|item| Some(item.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    paths
}

/// In the folder of the issuer.
const FOLDER: &str = "rules";

/// Public data.
const MODE: u32 = 0o644;

/// Of all sets together: as strings in a root they may be twice as long, and a root fits into a note of 1 MiB.
const MAX_BYTES: usize = 393_216;
