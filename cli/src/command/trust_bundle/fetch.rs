//! `sillok trust-bundle fetch`: keeps an authority's trust bundle, verified and up to date.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use sillok_client::Fetcher;
use sillok_client::refresh::{Attempt, Schedule};
use sillok_log::UnixSeconds;
use sillok_verifier::Anchors;

use super::cache::{Cache, State};
use super::update::{Server, Update, update};
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
    let surroundings = Surroundings {
        clock: &*context.clock,
        random: &|most: Duration| most.mul_f64(fastrand::f64()),
        say: &mut |line| output::line(format_args!("{line}")),
        wait: &mut |time| {
            thread::sleep(time);
            Ok(ControlFlow::Continue(()))
        },
    };
    keep_up(&mut fetcher, &mut cache, anchors.as_ref(), args.follow, surroundings)
}

/// What the loop needs besides server and folder.
pub(super) struct Surroundings<'a> {
    pub(super) clock: &'a dyn Fn() -> UnixSeconds,
    /// A random part of a duration.
    pub(super) random: &'a dyn Fn(Duration) -> Duration,
    pub(super) say: &'a mut dyn FnMut(String) -> anyhow::Result<()>,
    /// Waits, and says whether to go on then.
    pub(super) wait: &'a mut dyn FnMut(Duration) -> anyhow::Result<ControlFlow<()>>,
}

/// Asks once, or again and again until `wait` ends it. How the last request ended.
//= specs/trust-bundle.md#fetching
pub(super) fn keep_up(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    follow: bool,
    mut around: Surroundings<'_>,
) -> anyhow::Result<Exit> {
    let schedule = Schedule::default();
    if follow {
        let wait = schedule.after_start(cache.due(), (around.clock)(), around.random);
        if around.pause(wait)?.is_break() {
            return Ok(Exit::Good);
        }
    }
    loop {
        let ended = update(server, cache, anchors, (around.clock)())?;
        let (line, exit) = told(&ended);
        (around.say)(line)?;
        let failures = if exit == Exit::Good { 0 } else { cache.state.failures.saturating_add(1) };
        let attempt = match &ended {
            Update::Unchanged | Update::New { .. } => Attempt::Answered,
            Update::Failed(error) => Attempt::Failed { in_a_row: failures, retry_after: error.retry_after() },
            Update::Refused(_) | Update::Unreadable(_) => {
                Attempt::Failed { in_a_row: failures, retry_after: None }
            }
        };
        let wait = schedule.after(attempt, around.random);
        let due = Some((around.clock)().0.saturating_add(wait.as_secs()));
        cache.keep_state(State { due, failures, ..cache.state.clone() })?;
        if !follow || around.pause(wait)?.is_break() {
            return Ok(exit);
        }
    }
}

impl Surroundings<'_> {
    fn pause(&mut self, wait: Duration) -> anyhow::Result<ControlFlow<()>> {
        if wait.is_zero() {
            return Ok(ControlFlow::Continue(()));
        }
        (self.say)(format!("asks again in {} minutes", wait.as_secs().div_ceil(60)))?;
        (self.wait)(wait)
    }
}

/// How a request ended, in words.
fn told(ended: &Update) -> (String, Exit) {
    match ended {
        Update::Unchanged => ("nothing newer".into(), Exit::Good),
        Update::New { number, bytes, by_delta, steps } => {
            let how = if *by_delta { "by a delta" } else { "whole" };
            let over = if *steps == 0 { String::new() } else { format!(", over {steps} roots between") };
            (format!("bundle {number} is kept: {bytes} bytes, {how}{over}"), Exit::Good)
        }
        Update::Refused(error) => (format!("refused and not kept: {error} ({})", error.code()), Exit::Bad),
        Update::Unreadable(what) => (format!("refused and not kept: {what}"), Exit::Bad),
        Update::Failed(error) => (format!("not fetched: {error}"), Exit::Unknown),
    }
}
