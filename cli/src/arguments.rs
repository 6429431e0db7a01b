//! The command line: one subcommand, each in a file of its own.

use clap::{Parser, Subcommand};

use crate::command::{audit, config, fsck, init, keys, registry, trust_bundle, verify};
use crate::context::Context;
use crate::exit::Exit;

/// A ledger of credentials that anyone can check and nobody can quietly change.
///
/// Start with `sillok init --data DIR`, then `sillok registry --data DIR`. Nothing here ever asks a question: the
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
    Init(init::Args),
    Registry(registry::Args),
    Keys(keys::Args),
    Audit(audit::Args),
    Fsck(fsck::Args),
    Config(config::Args),
    TrustBundle(trust_bundle::Args),
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Init(args) => init::run(args, context),
            Self::Registry(args) => registry::run(args, context),
            Self::Keys(args) => keys::run(args, context),
            Self::Audit(args) => audit::run(args, context),
            Self::Fsck(args) => fsck::run(args, context),
            Self::Config(args) => config::run(args, context),
            Self::TrustBundle(args) => trust_bundle::run(args, context),
            Self::Verify(args) => verify::run(args, context),
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
}
