//! The command line: one subcommand, each in a file of its own.

use clap::{Parser, Subcommand};

use crate::command::status::{self, Change};
use crate::command::{
    audit, bench, config, demo, evidence, fsck, import, init, issuer, keys, log, mirror, monitor, offer,
    population, present, receipt, registry, reissue, rules, sample, serve, trust_bundle, verify, witness,
};
use crate::context::Context;
use crate::exit::Exit;

/// A ledger of credentials that anyone can check and nobody can quietly change.
///
/// See it all at work with `sillok demo`, then start with `sillok serve --data DIR`. Nothing here ever asks a question: the
/// passphrase of the keys comes from the file that SILLOK_PASSPHRASE_FILE names, or from DIR.
#[derive(Debug, Parser)]
#[command(name = "sillok", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Args),
    Init(init::Args),
    Serve(serve::Args),
    Registry(registry::Args),
    Issuer(issuer::Args),
    Keys(keys::Args),
    Log(log::Args),
    Sample(sample::Args),
    Import(import::Args),
    Offer(offer::Args),
    /// Revoke credentials, for good.
    Revoke(status::Args),
    /// Suspend credentials, until they are reinstated.
    Suspend(status::Args),
    /// Reinstate suspended credentials.
    Reinstate(status::Args),
    Reissue(reissue::Args),
    TrustBundle(trust_bundle::Args),
    Population(population::Args),
    Rules(rules::Args),
    Present(present::Args),
    Verify(verify::Args),
    Receipt(receipt::Args),
    Audit(audit::Args),
    Monitor(monitor::Args),
    Mirror(mirror::Args),
    Evidence(evidence::Args),
    Fsck(fsck::Args),
    Config(config::Args),
    Bench(bench::Args),
    Witness(witness::Args),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Demo(args) => demo::run(args, context),
            Self::Init(args) => init::run(args, context),
            Self::Serve(args) => serve::run(args, context),
            Self::Registry(args) => registry::run(args, context),
            Self::Issuer(args) => issuer::run(args, context),
            Self::Keys(args) => keys::run(args, context),
            Self::Log(args) => log::run(args, context),
            Self::Sample(args) => sample::run(args, context),
            Self::Import(args) => import::run(args, context),
            Self::Offer(args) => offer::run(args, context),
            Self::Revoke(args) => status::run(Change::Revoke, args, context),
            Self::Suspend(args) => status::run(Change::Suspend, args, context),
            Self::Reinstate(args) => status::run(Change::Reinstate, args, context),
            Self::Reissue(args) => reissue::run(args, context),
            Self::Population(args) => population::run(args, context),
            Self::TrustBundle(args) => trust_bundle::run(args, context),
            Self::Rules(args) => rules::run(args, context),
            Self::Present(args) => present::run(args, context),
            Self::Verify(args) => verify::run(args, context),
            Self::Receipt(args) => receipt::run(args, context),
            Self::Audit(args) => audit::run(args, context),
            Self::Monitor(args) => monitor::run(args, context),
            Self::Mirror(args) => mirror::run(args, context),
            Self::Evidence(args) => evidence::run(args, context),
            Self::Fsck(args) => fsck::run(args, context),
            Self::Config(args) => config::run(args, context),
            Self::Bench(args) => bench::run(args, context),
            Self::Witness(args) => witness::run(args, context),
        }
    }
}

/// Reads the command line.
pub(crate) fn parse() -> anyhow::Result<Command> {
    Ok(Arguments::try_parse()?.command)
}

const EXIT_CODES: &str = "Exit codes: 0 done, valid or clean; 1 not valid, or findings; 2 cannot tell, or could not \
finish; 64 the command was not understood.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn base64url_may_begin_with_a_hyphen() {
        let at = ["--data", "d", "--issuer", "http://localhost"];
        for kid in ["-U3pqZ-xK", "-hVdata", "--cutU3pq"] {
            for given in [vec!["retire"], vec!["compromise"], vec!["compromise", "--cut", "3"]] {
                let line = [&["sillok", "keys"], &given[..], &at, &[kid]].concat();
                assert!(Arguments::try_parse_from(&line).is_ok(), "{line:?}");
            }
        }
        let verify =
            ["sillok", "verify", "--trust", "b", "--challenge", "-x9", "--audience", "door", "c.jwt"];
        assert!(Arguments::try_parse_from(verify).is_ok());
    }
}
