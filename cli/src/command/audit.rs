//! `sillok audit`: replays a log and says what is wrong with it.

use std::time::Duration;

use sillok_client::audit::{Audit, AuditError, Progress};
use sillok_client::source::Source;
use sillok_log::audit::LogKind;
use sillok_log::note::VerifierKey;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

mod lists;
mod progress;
mod rendering;
mod report;

pub(crate) use progress::bar;
pub(crate) use report::Report;

/// Replay a whole log: root, tiles, the rules of its entries, every published status list bit by bit.
///
/// Exit codes: 0 clean, 1 findings, 2 could not finish.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The log: its URL (the root of the registry's listener), a data folder, or its public folder.
    #[arg(value_name = "URL_OR_DIR")]
    place: String,
    /// The log's verifier key, as `sillok keys show --log-vkey` prints it.
    #[arg(long, value_name = "VKEY")]
    vkey: String,
    /// Where status lists and the trust bundle are published, if not at the same place.
    #[arg(long, value_name = "URL_OR_DIR")]
    lists: Option<String>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    let key = match VerifierKey::parse(args.vkey.trim()) {
        Ok(key) => key,
        Err(error) => return usage(format!("--vkey {:?} is refused: {error}", args.vkey)),
    };
    let open = |place: &str| Source::open(place).or_else(|error| usage(error.to_string()));
    let source = open(&args.place)?;
    let lists = args.lists.as_deref().map(open).transpose()?;
    let report = audit(&source, lists.as_ref().unwrap_or(&source), &key)?;
    if args.json {
        output::line(format_args!("{}", report.json()))?;
    } else {
        output::write(report.text().as_bytes())?;
    }
    Ok(report.exit())
}

/// Audits the log, then what is published about its lists.
pub(crate) fn audit(source: &Source, lists_source: &Source, key: &VerifierKey) -> Result<Report, AuditError> {
    let kind = LogKind::of_origin(key.name());
    let mut audit = Audit::new(source, key, kind);
    advance(&mut audit)?;
    let mut report = Report::default();
    match kind {
        LogKind::Raw => {}
        LogKind::Typed if audit.is_complete() => {
            let mut found = lists::audit(lists_source, key, audit.auditor());
            // A log that lives publishes lists while it is replayed and read: follow it before blaming it.
            for _attempt in 0..ATTEMPTS {
                if found.findings.is_empty() || !lists_source.is_remote() {
                    break;
                }
                std::thread::sleep(PAUSE);
                advance(&mut audit)?;
                found = lists::audit(lists_source, key, audit.auditor());
            }
            report.set_lists(found);
        }
        LogKind::Typed => report.could_not_check("published status lists", "the log could not be replayed"),
    }
    report.set_ledger(audit.auditor().ledger());
    // `advance` has read a checkpoint.
    if let Some(found) = audit.finish() {
        report.set_log(found, kind);
    }
    Ok(report)
}

fn advance(audit: &mut Audit<'_>) -> Result<(), AuditError> {
    let bar = bar("entries");
    let result = audit.advance(&mut |Progress { done, total }| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    result
}

/// How often a list that was published meanwhile is followed.
const ATTEMPTS: u32 = 3;

/// A log publishes its checkpoint within a second (specs/log.md, "Static files").
const PAUSE: Duration = Duration::from_secs(1);
