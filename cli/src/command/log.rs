//! `sillok log`: the end of a log, and the log after it.

use std::path::PathBuf;

use clap::Subcommand;
use sillok_registry::inspect::Inspection;

use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

mod announce;
mod switch;

/// Freeze the log of a data folder, or have another log succeed it.
///
/// A log is succeeded in two steps: it is announced, so that all who verify know the new one; and later, while nothing
/// runs, the new one takes over.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Freeze the log of a data folder, for ever: it signs nothing more, and is read on. Nobody may have it open.
    Freeze {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Make the data folder of the next log: its key and origin are told to all who verify once the issuer of the
    /// present one is started again.
    Announce {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The data folder of the next log, which is made.
        #[arg(long, value_name = "DIR")]
        next: PathBuf,
        /// The next log's identity, such as `log.example.org/2027h1`; never one that was used.
        #[arg(long, value_name = "ORIGIN")]
        origin: String,
    },
    /// Freeze the log of a data folder and have the announced one take over, with the issuer. Nobody may have either
    /// open. What was interrupted is finished by doing it again.
    Switch {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The data folder of the next log.
        #[arg(long, value_name = "DIR")]
        next: PathBuf,
    },
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Freeze { data } => freeze(&Folder::open(data, context, &[])?),
        Action::Announce { data, next, origin } => announce::run(data, next, origin, context),
        Action::Switch { data, next } => switch::run(data, next, context),
    }
}

//= specs/log.md#freezing
fn freeze(folder: &Folder) -> anyhow::Result<Exit> {
    let key = folder.log_vkey()?;
    let mut inspection = Inspection::open(&folder.head(), &key)?;
    let before = inspection.frozen;
    inspection.freeze(&key)?;
    let (origin, size) = (key.name(), inspection.signed.size());
    let since = if before { "was frozen before" } else { "is frozen" };
    output::line(format_args!("{origin} {since} at size {size}; `sillok registry` serves its files on"))?;
    Ok(Exit::Good)
}
