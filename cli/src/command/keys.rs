//! `sillok keys`: the public halves of the keys of a data folder.

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand};
use sillok_registry::sealed;

use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

/// Show the keys of a data folder, their public halves only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every key: its name, a tab, its verifier key or public JWK.
    List {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Print the public half of one key, one line.
    #[command(group(ArgGroup::new("which").required(true).args(["log_vkey", "name"])))]
    Show {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The log's C2SP verifier key.
        #[arg(long)]
        log_vkey: bool,
        /// The key of this name, as `keys list` shows it.
        name: Option<String>,
    },
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match args.action {
        Action::List { data } => {
            let keys = Folder::open(&data, context, &[])?.place.keys();
            for name in sealed::names(&keys)? {
                output::line(format_args!("{name}\t{}", sealed::public_text(&keys, &name)?))?;
            }
        }
        Action::Show { data, log_vkey: _, name: Some(name) } => {
            let keys = Folder::open(&data, context, &[])?.place.keys();
            output::line(format_args!("{}", sealed::public_text(&keys, &name)?))?;
        }
        Action::Show { data, log_vkey: _, name: None } => {
            output::line(format_args!("{}", Folder::open(&data, context, &[])?.log_vkey()?))?;
        }
    }
    Ok(Exit::Good)
}
