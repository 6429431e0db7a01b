//! Numbered trust bundles: immutable files beside the newest one, the deltas that lead to it, and what names it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sillok_log::note::Note;
use sillok_log::number::parse_decimal;
use sillok_verifier::trust::{Container, Delta, Feed, Root};

use super::events::composed;
use super::lists::PUBLIC_MODE;
use super::state::replace;
use super::{Desk, Error, StateError};

/// Epoch and sequence of a feed: the number of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    epoch: u64,
    sequence: u64,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

impl Number {
    fn parse(name: &str) -> Option<Self> {
        let (epoch, sequence) = name.split_once('.')?;
        Some(Self { epoch: parse_decimal(epoch)?, sequence: parse_decimal(sequence)? })
    }
}

impl Desk {
    //= specs/trust-bundle.md#publication
    /// Numbers the bundle that was just written. What fails is told and left to the next: the bundle itself is published,
    /// and readers who find no number take it.
    pub(super) fn number_bundle(&self) {
        if let Err(error) = self.try_number() {
            tracing::warn!(error = %error, "trust bundle has no number");
            self.core.metrics.publish_failures.inc();
        }
    }

    fn try_number(&self) -> Result<(), Error> {
        let public = &self.core.config.public;
        let folder = public.join(FOLDER);
        let bytes = read(&public.join("trust-bundle"))?;
        let refused = |error: &dyn std::fmt::Display| composed("numbered trust bundle", error);
        let container = Container::parse(&bytes).map_err(|error| refused(&error))?;
        let feed = Note::parse(&container.feed).map_err(|error| refused(&error))?;
        let feed = Feed::parse(feed.text()).map_err(|error| refused(&error))?;
        let root = Note::parse(&container.root).map_err(|error| refused(&error))?;
        let root = Root::parse(root.text()).map_err(|error| refused(&error))?;
        let number = Number { epoch: feed.epoch, sequence: feed.sequence };

        replace(&folder.join(number.to_string()), &bytes, PUBLIC_MODE)?;
        let of_root = folder.join(format!("root.{}", root.sequence));
        if !of_root.exists() {
            replace(&of_root, &bytes, PUBLIC_MODE)?;
        }
        let mut before = numbers(&folder)?;
        before.retain(|known| *known < number);
        let dropped = before.len().saturating_sub(KEPT - 1);
        let gone: Vec<Number> = before.drain(..dropped).collect();
        for base in &before {
            let Some(delta) = delta(&folder.join(base.to_string()), &container)? else { continue };
            if delta.len() < bytes.len() {
                replace(&folder.join(format!("{base}-{number}")), &delta, PUBLIC_MODE)?;
            }
        }
        // If we crash here: everything is there, and what names it still names the one before.
        let latest = format!(
            r#"{{"type":"sillok-trust-bundle-latest/v1","number":"{number}","root":{}}}"#,
            root.sequence
        );
        replace(&folder.join("latest"), latest.as_bytes(), PUBLIC_MODE)?;
        // Only now what the former one named may go.
        gone.iter().try_for_each(|old| remove(&folder.join(old.to_string())))?;
        remove_deltas(&folder, &format!("-{number}"))
    }
}

/// The delta from a numbered file; `None` if the file is not one that a delta can start from.
fn delta(base: &Path, result: &Container) -> Result<Option<Vec<u8>>, Error> {
    let Ok(base) = Container::parse(&read(base)?) else { return Ok(None) };
    Ok(Delta::between(&base, result).and_then(|delta| delta.encode()).ok())
}

/// The numbers that are there, in their order.
fn numbers(folder: &Path) -> Result<Vec<Number>, StateError> {
    let mut numbers: Vec<Number> = names(folder)?.iter().filter_map(|name| Number::parse(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Deltas that lead elsewhere: who holds their base finds another or takes the whole.
fn remove_deltas(folder: &Path, to: &str) -> Result<(), Error> {
    for name in names(folder)? {
        if name.contains('-') && !name.ends_with(to) {
            remove(&folder.join(name))?;
        }
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>, StateError> {
    let error = |source| StateError::Io { operation: "list", path: folder.into(), source };
    let items = fs::read_dir(folder).map_err(error)?;
    let name =
        |item: io::Result<fs::DirEntry>| item.map(|item| item.file_name().to_string_lossy().into_owned());
    items.map(name).collect::<io::Result<_>>().map_err(error)
}

fn read(path: &Path) -> Result<Vec<u8>, StateError> {
    fs::read(path).map_err(|source| StateError::Io { operation: "read", path: path.into(), source })
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::State(StateError::Io { operation: "remove", path: path.into(), source }))
        }
        _gone => Ok(()),
    }
}

/// Where a published numbered file is; `None` for a name that none has.
pub(crate) fn place(public: &Path, name: &str) -> Option<PathBuf> {
    let known = name == "latest"
        || Number::parse(name).is_some()
        || name.strip_prefix("root.").is_some_and(|sequence| parse_decimal(sequence).is_some())
        || name
            .split_once('-')
            .is_some_and(|(from, to)| Number::parse(from).is_some() && Number::parse(to).is_some());
    known.then(|| public.join(FOLDER).join(name))
}

const FOLDER: &str = "trust-bundles";

/// How many numbered containers are kept (specs/trust-bundle.md, "Publication"): with one an hour, more than the nine
/// hours after which the last reader asks again.
const KEPT: usize = 12;
