//! `sillok audit`: replays a log and says what is wrong with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sillok_client::audit::{Audit, AuditError, Progress};
use sillok_client::source::Source;
use sillok_client::succession;
use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::note::VerifierKey;
use sillok_log::policy::{Policy, Witnessed};

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

mod lists;
mod page;
mod progress;
pub(crate) mod rendering;
mod report;

pub(crate) use page::{MAX_KEYS, busiest, page};
pub(crate) use progress::bar;
pub(crate) use report::{Report, Row, kind_name};

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
    /// Go on from the state in this file, and keep it there; the folder FILE.d holds what belongs to it.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The witnesses that must have cosigned: a C2SP tlog-policy file.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The log that this one has succeeded: that this one begins with what that one came to is compared, too.
    #[arg(long, value_name = "URL_OR_DIR", requires = "after_vkey")]
    after: Option<String>,
    /// The verifier key of the log before.
    #[arg(long, value_name = "VKEY", requires = "after")]
    after_vkey: Option<String>,
    /// Write what was found as one page of HTML, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    let key = log_key(&args.vkey)?;
    let policy = args.policy.as_deref().map(load_policy).transpose()?;
    let source = open_source(&args.place)?;
    let lists = args.lists.as_deref().map(open_source).transpose()?;
    let kind = LogKind::of_origin(key.name());
    let mut audit = match &args.state {
        Some(path) => Audit::open(&source, &key, kind, path)?,
        None => Audit::new(&source, &key, kind),
    };
    let mut report = examine(&mut audit, lists.as_ref().unwrap_or(&source), &key, policy.as_ref())?;
    if let (Some(place), Some(vkey)) = (&args.after, &args.after_vkey) {
        let before = (&open_source(place)?, &log_key(vkey)?);
        let size = report.checkpoint().map(|checkpoint| checkpoint.size).unwrap_or_default();
        if let Some(problem) = succession::compare(before, (&source, size))?.problem {
            report.add_finding(succession::FINDING, problem);
        }
    }
    if let Some(path) = &args.report {
        write_page(path, &report)?;
    }
    if args.json {
        output::line(format_args!("{}", report.json()))?;
    } else {
        output::write(report.text().as_bytes())?;
    }
    Ok(report.exit())
}

/// `--vkey`.
pub(crate) fn log_key(text: &str) -> anyhow::Result<VerifierKey> {
    VerifierKey::parse(text.trim()).or_else(|error| usage(format!("--vkey {text:?} is refused: {error}")))
}

/// `--policy`.
pub(crate) fn load_policy(path: &Path) -> anyhow::Result<Policy> {
    let refused = |problem: String| usage(format!("--policy {}: {problem}", path.display()));
    match std::fs::read(path) {
        Ok(bytes) => Policy::parse(&bytes).or_else(|error| refused(error.to_string())),
        Err(error) => refused(error.to_string()),
    }
}

/// A log, or what is published beside it.
pub(crate) fn open_source(place: &str) -> anyhow::Result<Source> {
    Source::open(place).or_else(|error| usage(error.to_string()))
}

/// The page of a report in a file, replaced as a whole.
pub(crate) fn write_page(path: &Path, report: &Report) -> anyhow::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    std::fs::write(&new, page(report))
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(|error| anyhow::anyhow!("could not write {}: {error}", path.display()))
}

/// Audits the log, then what is published about its lists.
pub(crate) fn audit(source: &Source, lists_source: &Source, key: &VerifierKey) -> Result<Report, AuditError> {
    examine(&mut Audit::new(source, key, LogKind::of_origin(key.name())), lists_source, key, None)
}

/// Advances an audit, and says what was found so far.
pub(crate) fn examine(
    audit: &mut Audit<'_>,
    lists_source: &Source,
    key: &VerifierKey,
    policy: Option<&Policy>,
) -> Result<Report, AuditError> {
    let kind = LogKind::of_origin(key.name());
    advance(audit)?;
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
                advance(audit)?;
                found = lists::audit(lists_source, key, audit.auditor());
            }
            report.set_lists(found);
        }
        LogKind::Typed => report.could_not_check("published status lists", "the log could not be replayed"),
    }
    report.set_ledger(audit.auditor().ledger());
    // `advance` has read a checkpoint.
    if let Some(found) = audit.report() {
        if let Some(policy) = policy {
            judge_quorum(&mut report, policy, &found.note);
        }
        report.set_log(found, kind);
    }
    Ok(report)
}

//= specs/log.md#cosignatures-and-quorum
fn judge_quorum(report: &mut Report, policy: &Policy, note: &str) {
    match policy.open(note) {
        Ok(opened) => match opened.witnessed {
            Witnessed::NotAsked => report.set_quorum("the policy asks for no witness".into(), None),
            Witnessed::Quorum { time_floor } => {
                let (count, time) = (opened.cosigned.len(), rfc3339(time_floor));
                let said =
                    format!("cosigned by {count} witnesses of the policy, which is met, at {time} or later");
                report.set_quorum(said, Some(time_floor));
            }
        },
        Err(error) => {
            report.set_quorum("the policy is not met".into(), None);
            report.add_finding(QUORUM, error.to_string());
        }
    }
}

/// A time as people read it.
pub(crate) fn rfc3339(time: UnixSeconds) -> String {
    let timestamp = i64::try_from(time.0).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    timestamp.map_or_else(|| time.0.to_string(), |timestamp| timestamp.to_string())
}

/// The checkpoint does not meet the policy (specs/log.md, "Audit findings").
const QUORUM: &str = "checkpoint.quorum";

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
