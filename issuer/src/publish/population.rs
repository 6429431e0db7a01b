//! The population file: the states of all lists in one, and the deltas that lead to it from the files before it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sillok_log::UnixSeconds;
use sillok_verifier::population::{MAX_POPULATION_BYTES, Population};

use super::lists::PUBLIC_MODE;
use super::state::replace;
use super::{Desk, Error, Rendered, StateError};

/// What is published of the population.
#[derive(Clone, Debug, Default)]
pub struct PopulationFiles {
    /// The population file, if there is one.
    pub whole: Option<Rendered>,
    /// Deltas to it, by the SHA-256 of the file that each starts from, in hexadecimal.
    pub from: BTreeMap<String, Rendered>,
    /// The trust bundle without the states that the population file has.
    pub bundle: Rendered,
}

/// The files that readers may still have, oldest first, and when each was replaced.
#[derive(Debug, Default)]
pub(super) struct Bases {
    kept: VecDeque<(UnixSeconds, Rendered)>,
}

impl Bases {
    /// Keeps the newest [`RECENT`] and before them the last of each hour, [`MOST`] in all.
    fn add(&mut self, replaced: UnixSeconds, file: Rendered) {
        self.forget(&file.digest());
        self.kept.push_back((replaced, file));
        let hour = |(time, _file): &(UnixSeconds, Rendered)| time.0 / 3_600;
        let older = self.kept.len().saturating_sub(RECENT);
        let same = (1..older).find(|at| hour(&self.kept[at - 1]) == hour(&self.kept[*at])).map(|at| at - 1);
        if let Some(at) = same {
            self.kept.remove(at);
        }
        let bytes: usize = self.kept.iter().map(|(_time, file)| file.bytes.len()).sum();
        if self.kept.len() > MOST || bytes > MOST_BYTES {
            self.kept.pop_front();
        }
    }

    fn forget(&mut self, digest: &str) {
        self.kept.retain(|(_time, file)| file.digest() != digest);
    }
}

impl Desk {
    //= specs/status.md#publication
    /// Replaces the population file if a state has changed, and makes the deltas to it.
    pub(super) fn write_population(&mut self) -> Result<(), Error> {
        let folder = self.core.config.public.join("status").join("population");
        let whole = folder.join("whole");
        if self.population.whole.is_none() {
            // After a start only the file of before is known: readers who have an older one take the whole.
            self.population.whole = read(&whole)?;
        }
        let states = self.states.iter().filter(|(id, _state)| self.published.contains_key(id));
        let population = match Population::new(states.map(|(_id, state)| state)) {
            Ok(population) => population,
            Err(error) => {
                // The lists are published one by one all the same.
                tracing::warn!(error = %error, "there is no population file");
                remove(&whole)?;
                self.population.whole = None;
                return Ok(());
            }
        };
        let file = rendered(population.encode());
        let before = self.population.whole.replace(file.clone());
        if let Some(before) = before.filter(|before| before.etag != file.etag) {
            let now = self.now();
            self.bases.add(now, before);
        }
        self.bases.forget(&file.digest());
        replace(&whole, &file.bytes, PUBLIC_MODE)?;
        // From the present one too: who has it learns so without reading the whole.
        let bases = self.bases.kept.iter().map(|(_time, base)| base).chain([&file]);
        let made = bases.filter_map(|base| {
            let delta = Population::parse(&base.bytes).ok()?.delta_to(&population);
            Some((base.digest(), rendered(delta)))
        });
        let deltas: BTreeMap<String, Rendered> = made.collect();
        // If we crash here: deltas that lead to the file before, from which there is none to this one.
        for (digest, delta) in &deltas {
            replace(&folder.join(format!("{DELTA}{digest}")), &delta.bytes, PUBLIC_MODE)?;
        }
        remove_others(&folder, &deltas.keys().map(|digest| format!("{DELTA}{digest}")).collect())?;
        self.population.from = deltas;
        Ok(())
    }
}

impl Rendered {
    /// The SHA-256 of the bytes, in hexadecimal.
    fn digest(&self) -> String {
        self.etag.trim_matches('"').to_owned()
    }
}

fn rendered(bytes: Vec<u8>) -> Rendered {
    Rendered::new("application/octet-stream", bytes)
}

/// The file that was published before; nothing if there is none, or none that readers would read.
fn read(path: &Path) -> Result<Option<Rendered>, StateError> {
    match fs::read(path) {
        Ok(bytes) if bytes.len() <= MAX_POPULATION_BYTES && Population::parse(&bytes).is_ok() => {
            Ok(Some(rendered(bytes)))
        }
        Ok(_damaged) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::Io { operation: "read", path: path.into(), source }),
    }
}

fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StateError::Io { operation: "remove", path: path.into(), source })
        }
        _gone => Ok(()),
    }
}

/// Removes the deltas that are none of these.
fn remove_others(folder: &Path, names: &BTreeSet<String>) -> Result<(), StateError> {
    let error = |source| StateError::Io { operation: "list", path: folder.into(), source };
    for item in fs::read_dir(folder).map_err(error)? {
        let path: PathBuf = item.map_err(error)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(DELTA) && !names.contains(&name) {
            remove(&path)?;
        }
    }
    Ok(())
}

const DELTA: &str = "from-";

/// So many files before the present one always have a delta: who syncs every minute misses some minutes.
const RECENT: usize = 8;

/// Most deltas: with one an hour more than a day.
const MOST: usize = 36;

/// Most bytes of files before the present one that are kept in memory.
const MOST_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_before_them_one_an_hour() {
        let mut bases = Bases::default();
        for minute in 0..60 * 60_u64 {
            bases.add(UnixSeconds(minute * 60), rendered(minute.to_be_bytes().to_vec()));
        }
        let kept: Vec<u64> = bases.kept.iter().map(|(time, _file)| time.0 / 60).collect();
        assert_eq!(kept.len(), MOST);
        let (hours, recent) = kept.split_at(MOST - RECENT);
        assert_eq!(recent, (3_600 - 8..3_600).collect::<Vec<u64>>());
        assert!(hours.windows(2).all(|pair| pair[1] / 60 == pair[0] / 60 + 1), "{hours:?}");
        // A state that comes back is kept once, as the newest.
        bases.add(UnixSeconds(216_000), rendered(kept[3].to_be_bytes().to_vec()));
        let digest = rendered(kept[3].to_be_bytes().to_vec()).digest();
        assert_eq!(bases.kept.iter().filter(|(_time, file)| file.digest() == digest).count(), 1);
        assert_eq!(bases.kept.back().map(|(time, _file)| time.0), Some(216_000));
    }
}
