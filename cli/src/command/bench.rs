//! `sillok bench`: how fast this machine is at what matters, each figure beside what bounds it, in the same run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use tempfile::TempDir;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::logging;

mod audit;
mod figure;
mod issue;
mod ledger;
mod limit;
mod machine;
mod status;
mod verify;

use machine::Machine;

/// Measure this machine: appends to a log, credentials over HTTP, verifications, audits, status.
///
/// Each figure stands beside the limit that was measured in the same run. Everything is made in a temporary folder
/// and removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure.
    #[arg(value_enum)]
    what: What,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// How long each figure is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Entries of the log that is audited.
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    entries: u64,
    /// Where the temporary folder is made: the disk that is measured.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Entries appended to a log in this process, each answered with its receipt.
    Ledger,
    /// Credentials issued over HTTP on loopback, one a request and in batches, client and server on this machine.
    Issue,
    /// Credentials verified offline on one core.
    Verify,
    /// Entries of a log on disk that are replayed by an audit.
    Audit,
    /// The population file of 50 million slots: bytes beside the information bound, deltas, look-ups.
    Status,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    logging::start_quiet();
    let made = match &args.folder {
        Some(folder) => TempDir::new_in(folder),
        None => tempfile::tempdir(),
    };
    let temporary = match made {
        Ok(temporary) => temporary,
        Err(error) => return usage(format!("could not make a temporary folder: {error}")),
    };
    let bench = Bench {
        place: temporary.path(),
        time: Duration::from_secs(args.seconds),
        entries: args.entries,
        context,
    };
    let figures = match args.what {
        What::Ledger => ledger::measure(&bench),
        What::Issue => issue::measure(&bench),
        What::Verify => verify::measure(&bench),
        What::Audit => audit::measure(&bench),
        What::Status => status::measure(&bench),
    }?;
    let machine = Machine::describe();
    if args.json {
        figures
            .iter()
            .try_for_each(|figure| crate::output::line(format_args!("{}", figure.json(&machine))))?;
    } else {
        crate::output::write(figure::table(&figures, &machine).as_bytes())?;
    }
    Ok(Exit::Good)
}

/// Where and how long is measured.
struct Bench<'a> {
    place: &'a Path,
    time: Duration,
    entries: u64,
    context: &'a Context,
}
