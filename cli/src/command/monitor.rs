//! `sillok monitor`: follows a log and says what is wrong with it, as it happens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sillok_client::audit::Audit;
use sillok_log::audit::LogKind;
use tempfile::TempDir;

use super::audit::{load_policy, log_key, open_source};
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::logging;

mod follow;
mod metrics;
mod told;
mod watch;
mod webhook;

pub(crate) use follow::{Next, follow};
use metrics::Metrics;
use told::ToldBefore;
use watch::Watch;
use webhook::Webhook;

/// Follow a log: history, quorum, freshness, every entry, every published list. Each finding is told once.
///
/// With --once it looks once and ends, for cron: 0 clean, 1 findings, 2 could not finish. Otherwise it ends by SIGTERM.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The log: its URL, a data folder, or its public folder.
    #[arg(value_name = "URL_OR_DIR")]
    place: String,
    /// The log's verifier key, as `sillok keys show --log-vkey` prints it.
    #[arg(long, value_name = "VKEY")]
    vkey: String,
    /// The witnesses that must have cosigned: a C2SP tlog-policy file.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where status lists and the trust bundle are published, if not at the same place.
    #[arg(long, value_name = "URL_OR_DIR")]
    lists: Option<String>,
    /// Where state, findings and evidence are kept. Without it, nothing outlasts the process.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Each finding is posted there as JSON.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Serve /metrics (Prometheus) and /healthz there.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write what was found as one page of HTML after each look.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// A checkpoint older than this is a finding.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    max_age: u64,
    /// How often the log is looked at, give or take a quarter.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// Look once and end.
    #[arg(long)]
    once: bool,
}

//= specs/audit.md#monitor
#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let key = log_key(&args.vkey)?;
    let policy = args.policy.as_deref().map(load_policy).transpose()?;
    let source = open_source(&args.place)?.keeping(KEPT_BYTES);
    let lists = args.lists.as_deref().map(open_source).transpose()?;
    let lists = lists.map(|lists| lists.keeping(KEPT_BYTES));
    if args.webhook.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return usage("--webhook is not http:// or https://".into());
    }
    logging::start_plain();
    let temporary = if args.state.is_none() { Some(TempDir::with_prefix("sillok-monitor-")?) } else { None };
    let folder = match (&args.state, &temporary) {
        (Some(folder), _) => folder.as_path(),
        (None, Some(temporary)) => temporary.path(),
        (None, None) => return usage("there is no folder for the state".into()),
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| anyhow::anyhow!("could not make {}: {error}", folder.display()))?;
    let audit = Audit::open(&source, &key, LogKind::of_origin(key.name()), &folder.join("audit"))?;
    let mut watch = Watch {
        audit,
        lists: lists.as_ref().unwrap_or(&source),
        key: &key,
        policy: policy.as_ref(),
        max_age: args.max_age,
        told: ToldBefore::open(folder)?,
        metrics: Metrics::default(),
        webhook: args.webhook.as_deref().map(Webhook::start),
        page: args.report.as_deref(),
        clock: context.clock.clone(),
    };
    if let Some(address) = args.listen {
        watch.metrics.serve(address)?;
    }
    if args.once {
        let looked = watch.look();
        watch.end();
        return looked;
    }
    follow(Duration::from_secs(args.interval), || match watch.look() {
        Ok(_exit) => Next::Wait,
        Err(error) => {
            tracing::warn!(%error, "the log could not be looked at");
            Next::WaitLonger
        }
    })?;
    watch.end();
    Ok(Exit::Good)
}

/// Lists and trust bundle that are not fetched again while they do not change: some hundred lists with their renderings.
const KEPT_BYTES: usize = 64 << 20;
