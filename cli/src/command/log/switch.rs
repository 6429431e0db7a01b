//! The announced log takes over.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sillok_client::Source;
use sillok_issuer::publish::keep_landmarks;
use sillok_log::UnixSeconds;
use sillok_log::note::VerifierKey;
use sillok_registry::inspect::Inspection;
use sillok_registry::landmarks::LandmarkFiles;
use sillok_registry::store::FileBlobs;
use sillok_registry::succession::carry;
use sillok_registry::{Handle, Phase, Signed};
use sillok_verifier::memory::Memory;
use sillok_verifier::trust::{MAX_CONTAINER_BYTES, Trust};

use super::announce::copy_keys;
use crate::command::registry::open_log;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::output;
use crate::succession::{self, Before};

//= specs/log.md#succession
/// Every step looks first whether it was done, so that a run that was interrupted is finished by the next.
pub(super) fn run(data: &Path, next: &Path, context: &Context) -> anyhow::Result<Exit> {
    let (folder, next) = (Folder::open(data, context, &[])?, Folder::open(next, context, &[])?);
    let (old, new) = (folder.log_vkey()?, next.log_vkey()?);
    let mut before = succession::before(&next.place)?;
    let waits = before.pop().filter(|last| last.log == old);
    let Some(waits) =
        waits.filter(|_waits| succession::successor(&folder.place).ok().flatten() == Some(new.clone()))
    else {
        return usage(format!(
            "{} was not announced as the log after {}: `sillok log announce` does that",
            new.name(),
            old.name()
        ));
    };

    // 1. Nothing is signed any more, once everybody can know what comes next.
    let mut inspection = Inspection::open(&folder.head(), &old)?;
    if !inspection.frozen {
        check_announced(&folder, &old, &new, context)?;
        inspection.freeze(&old)?;
    }
    let last = inspection.signed.clone();
    drop(inspection);
    //
    // If we crash here, or below: the log is frozen, and the same command goes on.

    if waits.size.is_none() {
        // 2. All of it is public.
        publish(&folder, &last, context)?;
        cover(&folder, &last, context)?;

        // 3. The new log begins with what says what the old one came to.
        let count = begin_log(&folder, &next, &last, context)?;
        tracing::info!(count, "the new log begins with what was carried");

        // 4. The issuer moves, in one step. It is nowhere twice, so that no slot is given twice.
        copy_keys(&folder, &next.place)?;
        move_issuer(&folder, &next)?;
        keep_landmarks(
            &next.place.path().join("issuer"),
            &old,
            &Source::open(&folder.place.public().display().to_string())?,
        )?;
        //
        // If we crash here: the new folder does not serve yet, and the old one not any more.

        // 5. It may be served.
        before.push(Before { log: old.clone(), size: Some(last.size()) });
        succession::write_before(&next.place, &before)?;
    }
    output::line(format_args!(
        "{} is frozen at size {}, and {} has taken over: serve {}",
        old.name(),
        last.size(),
        new.name(),
        next.place.path().display()
    ))?;
    Ok(Exit::Good)
}

/// Whether what the old log's issuer has published names both logs, in a root that the old log holds.
fn check_announced(
    folder: &Folder,
    old: &VerifierKey,
    new: &VerifierKey,
    context: &Context,
) -> anyhow::Result<()> {
    let path = folder.place.public().join("trust-bundle");
    let not_yet = |why: String| {
        usage::<()>(format!(
            "{why}; start the issuer of {}, and give verifiers time to fetch what it publishes",
            folder.place.path().display()
        ))
    };
    let length = fs::metadata(&path).map(|found| found.len()).unwrap_or_default();
    if length == 0 || length > MAX_CONTAINER_BYTES as u64 {
        return not_yet(format!("{} is no trust bundle", path.display()));
    }
    let bytes = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    // Signatures, receipts and all: what verifiers do.
    let (trust, _memory) = Trust::open(&bytes, None, &Memory::default(), (context.clock)())
        .with_context(|| format!("{} is refused", path.display()))?;
    let names = |key: &VerifierKey| trust.policy().logs().iter().any(|log| log.key() == key);
    if names(old) && names(new) {
        return Ok(());
    }
    not_yet(format!("no root names {} yet", new.name()))
}

/// Opens the frozen log until all of it is public, cosigned if it is to be.
fn publish(folder: &Folder, last: &Signed, context: &Context) -> anyhow::Result<()> {
    let registry = open_log(folder, context)?;
    let handle = registry.handle();
    let deadline = Instant::now() + PATIENCE;
    while handle.published().size() < last.size() {
        if Instant::now() > deadline {
            bail!(
                "no quorum of witnesses has cosigned the last checkpoint of {} yet",
                last.checkpoint.origin
            );
        }
        thread::sleep(PAUSE);
    }
    Ok(registry.stop()?)
}

//= specs/landmarks.md#allocation
/// Allocates landmarks up to the end of the frozen log, as if two more hours had begun.
fn cover(folder: &Folder, last: &Signed, context: &Context) -> anyhow::Result<()> {
    let (kept, now) = (folder.place.path().join("landmarks"), (context.clock)());
    let mut files = LandmarkFiles::open(&kept, &folder.place.public(), last.size(), now)?;
    for hours in 0..=2 {
        files.advance(last.size(), UnixSeconds(now.0.saturating_add(hours * SECONDS_AN_HOUR)))?;
    }
    Ok(())
}

fn begin_log(folder: &Folder, next: &Folder, last: &Signed, context: &Context) -> anyhow::Result<u64> {
    let registry = open_log(next, context)?;
    wait_until_open(&registry.handle())?;
    let count = carry(&FileBlobs::open(&folder.place.public())?, &last.checkpoint, &registry.handle())?;
    registry.stop()?;
    Ok(count)
}

fn wait_until_open(handle: &Handle) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match handle.phase() {
            Phase::Asking if Instant::now() > deadline => {
                bail!("no quorum of witnesses has said what it cosigned of the new log; do they follow it?")
            }
            Phase::Asking | Phase::Building => thread::sleep(PAUSE),
            Phase::Open => return Ok(()),
            Phase::Frozen => bail!("the new log is frozen"),
            Phase::Stopping => bail!("the new log was stopped before its index was built"),
            Phase::Stopped { reason } => bail!("the new log has stopped: {reason}"),
        }
    }
}

fn move_issuer(folder: &Folder, next: &Folder) -> anyhow::Result<()> {
    let (from, to) = (folder.place.path().join("issuer"), next.place.path().join("issuer"));
    match (from.exists(), to.exists()) {
        (true, false) => {
            fs::rename(&from, &to).with_context(|| {
                format!(
                    "could not move {} to {}, which must be on one file system",
                    from.display(),
                    to.display()
                )
            })?;
        }
        // It was moved.
        (false, true) => {}
        (true, true) => bail!("both {} and {} are there", from.display(), to.display()),
        (false, false) => bail!("there is no {}", from.display()),
    }
    succession::sync_folder(next.place.path())?;
    succession::sync_folder(folder.place.path())
}

/// How long the last checkpoint may take to be cosigned before somebody is told.
const PATIENCE: Duration = Duration::from_secs(60);

const SECONDS_AN_HOUR: u64 = 3_600;

const PAUSE: Duration = Duration::from_millis(5);
