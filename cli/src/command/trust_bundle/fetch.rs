//! `sillok trust-bundle fetch`: keeps an authority's trust bundle, verified and up to date.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use sillok_client::Fetcher;
use sillok_client::refresh::{Attempt, Schedule};
use sillok_log::UnixSeconds;

use super::cache::{Cache, State};
use super::update::{Update, update};
use crate::command::verify::anchors;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

/// Fetch the trust bundle of an authority into a folder, and keep it there up to date.
///
/// The folder holds `bundle` and `memory` for `sillok verify --trust DIR/bundle --memory DIR/memory`. Nothing is kept that
/// does not prove itself. Asks again after 6 hours, 3 more or less at random, and later when the server is away.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The issuer's URL.
    #[arg(value_name = "URL")]
    url: String,
    /// The folder, one for each authority; made if it is not there.
    #[arg(long, value_name = "DIR")]
    cache: PathBuf,
    /// A root key that you trust (a verifier key); may be repeated.
    #[arg(long, value_name = "VKEY")]
    root: Vec<String>,
    /// How many of the root keys must have signed the bundle.
    #[arg(long, value_name = "K", requires = "root", default_value_t = 1)]
    threshold: usize,
    /// Go on until stopped, and ask when it is time.
    #[arg(long)]
    follow: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let anchors = anchors(&args.root, args.threshold)?;
    let mut fetcher = match Fetcher::open(&args.url) {
        Ok(fetcher) => fetcher,
        Err(error) => return usage(error.to_string()),
    };
    let mut cache = Cache::open(&args.cache, &args.url)?;
    let schedule = Schedule::default();
    let random = |most: Duration| most.mul_f64(fastrand::f64());
    if args.follow {
        let wait = schedule.after_start(cache.due(), (context.clock)(), &random);
        pause(wait)?;
    }
    loop {
        let now = (context.clock)();
        let ended = update(&mut fetcher, &mut cache, anchors.as_ref(), now)?;
        let exit = tell(&ended)?;
        let failures = if exit == Exit::Good { 0 } else { cache.state.failures.saturating_add(1) };
        let attempt = match &ended {
            Update::Unchanged | Update::New { .. } => Attempt::Answered,
            Update::Failed(error) => Attempt::Failed { in_a_row: failures, retry_after: error.retry_after() },
            Update::Refused(_) | Update::Unreadable(_) => {
                Attempt::Failed { in_a_row: failures, retry_after: None }
            }
        };
        let wait = schedule.after(attempt, &random);
        let due = Some(UnixSeconds((context.clock)().0.saturating_add(wait.as_secs())).0);
        cache.keep_state(State { due, failures, ..cache.state.clone() })?;
        if !args.follow {
            return Ok(exit);
        }
        pause(wait)?;
    }
}

fn pause(wait: Duration) -> anyhow::Result<()> {
    if !wait.is_zero() {
        output::line(format_args!("asks again in {} minutes", wait.as_secs().div_ceil(60)))?;
        thread::sleep(wait);
    }
    Ok(())
}

fn tell(ended: &Update) -> anyhow::Result<Exit> {
    match ended {
        Update::Unchanged => output::line(format_args!("nothing newer"))?,
        Update::New { number, bytes, by_delta, steps } => {
            let how = if *by_delta { "by a delta" } else { "whole" };
            let over = if *steps == 0 { String::new() } else { format!(", over {steps} roots between") };
            output::line(format_args!("bundle {number} is kept: {bytes} bytes, {how}{over}"))?;
        }
        Update::Refused(error) => {
            output::line(format_args!("refused and not kept: {error} ({})", error.code()))?;
            return Ok(Exit::Bad);
        }
        Update::Unreadable(what) => {
            output::line(format_args!("refused and not kept: {what}"))?;
            return Ok(Exit::Bad);
        }
        Update::Failed(error) => {
            output::line(format_args!("not fetched: {error}"))?;
            return Ok(Exit::Unknown);
        }
    }
    Ok(Exit::Good)
}
