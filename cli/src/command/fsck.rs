//! `sillok fsck`: checks the files of one's own log, with the registry stopped, and names each damaged file.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use sillok_client::audit::{Audit, Progress};
use sillok_client::source::Source;
use sillok_log::TreeSize;
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_registry::inspect::Inspection;
use sillok_registry::segment::{Segments, Staging as _};
use sillok_registry::store::FileSeen;
use sillok_registry::{Fatal, Phase, Signed, store};

use super::audit::bar;
use super::registry;
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

mod blame;
mod superseded;

/// Check the files of a data folder, with its registry stopped: head, checkpoint, tiles, bundles, segments, index.
///
/// Exit codes: 0 all well, 1 damaged files, 2 could not finish.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Drop the derived index and build it anew from the log.
    #[arg(long)]
    rebuild_index: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let (mut damages, mut unchecked, sizes) = check(&folder)?;
    // One that is dropped anyway need not be well.
    if let Some(Sizes { whole, .. }) = sizes.filter(|_sizes| !args.rebuild_index) {
        check_index(&folder, whole, &mut damages, &mut unchecked);
    }
    for damage in &damages {
        output::line(format_args!("damaged: {damage}"))?;
    }
    for what in &unchecked {
        output::line(format_args!("could not check: {what}"))?;
    }
    if !damages.is_empty() || !unchecked.is_empty() {
        let files = damages.len();
        output::line(format_args!("{files} damaged, {} not checked", unchecked.len()))?;
        return Ok(if damages.is_empty() { Exit::Unknown } else { Exit::Bad });
    }
    let Sizes { public, whole } = sizes.unwrap_or_default();
    output::line(format_args!("all well: {whole} entries, every tile and bundle leads to the signed root"))?;
    if public < whole {
        let awaited = whole.0 - public.0;
        output::line(format_args!(
            "{awaited} of them are not public: no quorum of witnesses has cosigned them"
        ))?;
    }
    if args.rebuild_index {
        rebuild_index(&folder, context)?;
    }
    Ok(Exit::Good)
}

/// How many entries there are.
#[derive(Clone, Copy, Default)]
struct Sizes {
    /// As the public checkpoint says.
    public: TreeSize,
    /// Whose tiles are all there; more while cosignatures are awaited.
    whole: TreeSize,
}

/// What is damaged, what could not be checked, and, if a checkpoint says it, how many entries there are.
fn check(folder: &Folder) -> anyhow::Result<(Vec<String>, Vec<String>, Option<Sizes>)> {
    let key = folder.log_vkey()?;
    let mut damages = Vec::new();
    // Holds the lock on the log until the end.
    let inspection = match Inspection::open(&folder.head(), &key) {
        Ok(inspection) => Some(inspection),
        Err(Fatal::Store { source: store::Error::Locked { path }, .. }) => {
            bail!("{} is locked: stop the registry first", path.display());
        }
        Err(error) => {
            damages.push(format!("{}: {error}", folder.head().display()));
            None
        }
    };
    if let Some(head) = &inspection
        && head.kind != folder.kind()
    {
        damages.push(format!("{}: it is of a log of the kind {:?}", folder.head().display(), head.kind));
    }
    let source = Source::open(&folder.place.public().display().to_string())?;
    let mut audit = Audit::new(&source, &key, folder.kind());
    let progress = bar("entries");
    let mut told = |Progress { done, total }| {
        progress.set_length(total);
        progress.set_position(done);
    };
    if let Err(error) = audit.advance(&mut told) {
        damages.push(format!("{}: {error}", folder.place.public().join("checkpoint").display()));
        return Ok((damages, vec!["tiles and bundles, without a checkpoint".into()], None));
    }
    let public = audit.auditor().size();
    // What awaits cosignatures has its tiles there too.
    if let Some((path, note)) = pending(folder)? {
        let covered = Checkpoint::open(&note, &key).is_ok_and(|pending| pending.size <= public);
        if !covered && let Err(error) = audit.advance_to((path.clone(), note), &mut told) {
            damages.push(format!("{path}: {error}"));
        }
    }
    progress.finish_and_clear();
    let (frontier, complete) = (audit.auditor().frontier().clone(), audit.is_complete());
    let Some(report) = audit.finish() else { bail!("the audit read no checkpoint") };
    let unchecked: Vec<String> =
        report.unchecked.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect();
    damages.extend(blame::blame(&source, &report));
    let size = report.checkpoint.size;
    if report.findings.total() == 0 && complete {
        damages.extend(superseded::check(&source, &folder.place.public(), size)?);
        if let Some(head) = &inspection {
            damages.extend(check_head(folder, &head.signed, frontier));
        }
    }
    Ok((damages, unchecked, Some(Sizes { public, whole: size })))
}

/// Where the newest checkpoint is whose tiles are all there, of a log that asks or asked witnesses, and what it says.
fn pending(folder: &Folder) -> anyhow::Result<Option<(String, String)>> {
    let path = folder.place.path().join("pending/checkpoint");
    match std::fs::read_to_string(&path) {
        Ok(note) => Ok(Some((path.display().to_string(), note))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("could not read {}: {error}", path.display()),
    }
}

/// Whether the published log and the segments add up to the head.
fn check_head(folder: &Folder, head: &Signed, mut frontier: Frontier) -> Option<String> {
    let (public, signed) = (frontier.size(), head.size());
    if public > signed {
        let head = folder.head();
        return Some(format!(
            "{}: it knows {signed} entries, {public} are public; it was taken from a backup",
            head.display()
        ));
    }
    if public < signed {
        // A new, empty segment begins there, as at every opening: the next start retires it.
        let segments = folder.paths().segments;
        let replayed =
            Segments::open(&segments, SEGMENT_BYTES).and_then(|staging| staging.replay(public, signed));
        let entries = match replayed {
            Ok(entries) => entries,
            Err(error) => return Some(error.to_string()),
        };
        if entries.iter().any(|entry| frontier.push(leaf_hash(entry)).is_err())
            || frontier.root() != head.checkpoint.root
        {
            return Some(format!("{}: its entries do not lead to the signed root", segments.display()));
        }
    } else if frontier.root() != head.checkpoint.root {
        return Some(format!(
            "{}: it has another root at size {signed} than is public",
            folder.head().display()
        ));
    }
    None
}

fn check_index(folder: &Folder, public: TreeSize, damages: &mut Vec<String>, unchecked: &mut Vec<String>) {
    let path = folder.place.index();
    if folder.kind() == LogKind::Raw || !path.exists() {
        return;
    }
    let rebuild = "`sillok fsck --rebuild-index` builds it anew";
    match FileSeen::inspect(&path) {
        Ok(noted) if noted > public => {
            damages
                .push(format!("{}: it is ahead of the log ({noted} of {public}); {rebuild}", path.display()));
        }
        Ok(_behind_or_equal) => {}
        Err(error @ store::Error::Damaged { .. }) => damages.push(format!("{error}; {rebuild}")),
        Err(error) => unchecked.push(format!("{}: {error}", path.display())),
    }
}

/// Forgets the index and opens the log once, which builds it.
fn rebuild_index(folder: &Folder, context: &Context) -> anyhow::Result<()> {
    let path = folder.place.index();
    if path.exists() {
        std::fs::remove_dir_all(&path)
            .map_err(|error| anyhow::anyhow!("could not remove {}: {error}", path.display()))?;
    }
    let registry = registry::open(folder, context)?;
    let progress = bar("entries");
    progress.set_length(registry.handle().published().size().0);
    loop {
        match registry.handle().phase() {
            Phase::Building => {}
            // It is built, whoever is away.
            Phase::Asking | Phase::Open | Phase::Frozen => break,
            Phase::Stopping => bail!("the log was stopped before its index was built"),
            Phase::Stopped { reason } => bail!("could not build the index: {reason}"),
        }
        progress
            .set_position(registry.handle().stats().index_built.load(std::sync::atomic::Ordering::Relaxed));
        std::thread::sleep(POLL);
    }
    progress.finish_and_clear();
    registry.stop()?;
    output::line(format_args!("index built anew"))?;
    Ok(())
}

/// How often the progress of a rebuild is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The segment that opening the folder begins, and in which nothing is written.
const SEGMENT_BYTES: u64 = 4_096;
