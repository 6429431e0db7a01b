//! `sillok mirror`: a byte-exact copy of a log, verified before anything of it is stored.

use std::path::PathBuf;
use std::time::Duration;

use sillok_client::audit::{Claim, Progress, write_evidence};
use sillok_client::mirror::{Mirror, Outcome};
use sillok_client::source::Source;
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;

use super::audit::{bar, load_policy, log_key, open_source};
use super::monitor::{Next, follow};
use crate::context::Context;
use crate::exit::Exit;
use crate::{logging, output};

mod published;

/// Copy a log: checkpoint, tiles, bundles, status lists, trust bundle. Every byte leads to the signed root before it is stored.
///
/// The folder can be served as it is, and audited from: `sillok audit DIR`. An interrupted copy goes on where it was.
/// Exit codes: 0 as new as the log, 1 the log contradicts the mirror (evidence is in DIR.d), 2 could not finish.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The log: its URL, a data folder, or its public folder.
    #[arg(value_name = "URL_OR_DIR")]
    place: String,
    /// The log's verifier key, as `sillok keys show --log-vkey` prints it.
    #[arg(long, value_name = "VKEY")]
    vkey: String,
    /// The folder of the mirror.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The witnesses that must have cosigned what is mirrored: a C2SP tlog-policy file.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Copy what is there now and end.
    #[arg(long)]
    once: bool,
    /// How often the log is looked at, give or take a quarter.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    let key = log_key(&args.vkey)?;
    let policy = args.policy.as_deref().map(load_policy).transpose()?;
    let source = open_source(&args.place)?;
    let mut copying = Copying { source: &source, key: &key, policy: policy.as_ref(), args: &args };
    if args.once {
        let mut mirror = Mirror::open(&source, &key, policy.as_ref(), &args.out)?;
        return copying.pass(&mut mirror);
    }
    logging::start_plain();
    let mut mirror = Mirror::open(&source, &key, policy.as_ref(), &args.out)?;
    let mut exit = Exit::Good;
    follow(Duration::from_secs(args.interval), || match copying.pass(&mut mirror) {
        Ok(Exit::Bad) => {
            exit = Exit::Bad;
            Next::End
        }
        Ok(Exit::Good | Exit::Unknown | Exit::Usage) => Next::Wait,
        Err(error) => {
            tracing::warn!(error = %error, "the mirror is not as new as the log");
            Next::WaitLonger
        }
    })?;
    Ok(exit)
}

/// What each pass needs.
struct Copying<'a> {
    source: &'a Source,
    key: &'a VerifierKey,
    policy: Option<&'a Policy>,
    args: &'a Args,
}

impl Copying<'_> {
    /// Copies what is new.
    fn pass(&mut self, mirror: &mut Mirror<'_>) -> anyhow::Result<Exit> {
        let bar = bar("entries");
        let outcome = mirror.advance(&|Progress { done, total }| {
            bar.set_length(total);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        match outcome? {
            Outcome::Alarm(evidence) => {
                let mut folder = self.args.out.as_os_str().to_owned();
                folder.push(".d");
                let path = PathBuf::from(folder).join(evidence.file_name(self.key));
                write_evidence(&evidence, &path, self.key)?;
                output::line(format_args!(
                    "finding log.{}: the log contradicts what is mirrored; evidence is in {}",
                    match evidence.claim() {
                        Claim::Fork => "forked",
                        Claim::Rollback => "shrank",
                    },
                    path.display()
                ))?;
                return Ok(Exit::Bad);
            }
            Outcome::Copied(checkpoint) => output::line(format_args!(
                "mirrored {} entries of {}, root {}",
                checkpoint.size, checkpoint.origin, checkpoint.root
            ))?,
            Outcome::Unchanged(_checkpoint) => {}
        }
        let why = published::copy(self.source, mirror, self.key, self.policy)?;
        for why in &why {
            output::line(format_args!("not mirrored: {why}"))?;
        }
        Ok(if why.is_empty() { Exit::Good } else { Exit::Unknown })
    }
}
