//! `sillok demo`: the whole story on made-up people, step by step, each with what came of it.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::logging;
use crate::output;

mod forgery;
mod story;

use story::Story;

/// See it all at work: issue credentials for made-up people, revoke three, verify all offline, audit the log, and
/// catch a forger.
///
/// Everything is real: keys, files, HTTP on this machine. It exits with 0 only if each step came out as it says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many people.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    people: u64,
    /// Leave the servers running at the end, with commands to try, until ctrl-c.
    #[arg(long)]
    keep: bool,
    /// An empty folder to work in, which stays; a temporary one that is removed if it is not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let temporary = tempfile::tempdir()?;
    let place = match &args.data {
        Some(path) => {
            check_empty(path)?;
            std::path::absolute(path)?
        }
        None => temporary.path().to_path_buf(),
    };
    logging::start_quiet();
    let mut story = Story::begin(place, args.people, context)?;
    let told = tell(&mut story);
    match told {
        Ok(()) => say("\nEverything came out as told.")?,
        Err(error) => {
            eprintln!("sillok: this is not as it should be: {error}");
            return Ok(Exit::Bad);
        }
    }
    if args.keep {
        story.keep_running(args.data.is_some())?;
    } else if args.data.is_some() {
        say(&format!("All of it is in {}.", story.place().display()))?;
    } else {
        say("The folder is gone again. Keep it with --data DIR, try it by hand with --keep.")?;
    }
    Ok(Exit::Good)
}

fn tell(story: &mut Story<'_>) -> anyhow::Result<()> {
    story.make_keys()?;
    story.start_servers()?;
    story.sample_people()?;
    story.import()?;
    story.revoke()?;
    story.fetch_trust()?;
    story.stop_servers()?;
    story.verify_offline()?;
    story.audit()?;
    story.forge()
}

fn check_empty(path: &Path) -> anyhow::Result<()> {
    match path.read_dir().map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => usage(format!("--data {}: the folder is not empty", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("could not list {}: {error}", path.display()),
    }
}

/// One line, at once.
fn say(text: &str) -> anyhow::Result<()> {
    output::line(format_args!("{text}"))
}
