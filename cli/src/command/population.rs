//! `sillok population`: brings a population file up to date.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use sillok_client::Source;
use sillok_verifier::population::{MAX_POPULATION_BYTES, Population};

use super::verify::read;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

/// Fetch the population file: the status of all credentials, for `sillok verify --population`.
///
/// Who has a file takes the delta from it, and the whole only where there is none. Nobody vouches for what is fetched:
/// `sillok verify` uses of it what has the digest of a snapshot in its trust bundle.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where it is published: a URL, or the folder of it.
    #[arg(long, value_name = "URL|DIR")]
    from: String,
    /// The file; made if it is not there.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    let source = match Source::open(&args.from) {
        Ok(source) => source,
        Err(error) => return usage(format!("--from {}: {error}", args.from)),
    };
    let kept = kept(&args.file)?;
    let (population, how) = match step(&source, kept.as_ref())? {
        Some(stepped) => stepped,
        None => whole(&source, &args.from)?,
    };
    if kept.as_ref() != Some(&population) {
        store(&args.file, &population.encode())?;
    }
    let (revoked, suspended) = population.set_slots();
    output::line(format_args!(
        "{how}: {} lists of {} slots, {revoked} revoked, {suspended} suspended",
        population.lists(),
        population.slots()
    ))?;
    Ok(Exit::Good)
}

/// What is kept of before: nothing if the file is not there, or is none.
fn kept(path: &Path) -> anyhow::Result<Option<Population>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => usage(format!("could not read {}: {error}", path.display())),
        Ok(_file) => Ok(Population::parse(&read(path, MAX_POPULATION_BYTES)?).ok()),
    }
}

/// By the delta from the kept file; `None` if there is none that leads on from it.
fn step(source: &Source, kept: Option<&Population>) -> anyhow::Result<Option<(Population, String)>> {
    let Some(kept) = kept else { return Ok(None) };
    let digest: String = Sha256::digest(kept.encode()).iter().map(|byte| format!("{byte:02x}")).collect();
    let delta = source.published(&format!("status/population/from-{digest}"), MAX_POPULATION_BYTES)?;
    Ok(delta.and_then(|delta| {
        let population = kept.apply(&delta).ok()?;
        Some((population, format!("took a delta of {} bytes", delta.len())))
    }))
}

fn whole(source: &Source, place: &str) -> anyhow::Result<(Population, String)> {
    let Some(bytes) = source.published("status/population/whole", MAX_POPULATION_BYTES)? else {
        bail!("{place} has no population file: an issuer publishes it when it first starts");
    };
    let population = Population::parse(&bytes).with_context(|| format!("population file of {place}"))?;
    Ok((population, format!("took the whole, {} bytes", bytes.len())))
}

/// Replaces the file in one step.
fn store(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let written = File::create(&staged)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&staged, path));
    written.with_context(|| format!("could not write {}", path.display()))
}
