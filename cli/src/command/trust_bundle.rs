//! `sillok trust-bundle`: prints the published trust bundle, or fetches an authority's.

use std::path::PathBuf;

use anyhow::bail;
use sillok_client::Source;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::output;

mod cache;
mod fetch;
#[cfg(test)]
mod tests;
mod update;

/// Print the trust bundle that the issuer of a data folder has published, or fetch an authority's.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// The data folder.
    #[arg(long, value_name = "DIR", required = true)]
    data: Option<PathBuf>,
    /// Without the states of status lists, for who takes them from the population file.
    #[arg(long)]
    without_states: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Fetch(fetch::Args),
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    if let Some(Action::Fetch(args)) = args.action {
        return fetch::run(args, context);
    }
    let Some(data) = &args.data else { return usage("--data names the folder".into()) };
    let folder = Folder::open(data, context, &[])?;
    let public = folder.place.public();
    let source = Source::open(&public.display().to_string())?;
    let path = if args.without_states { "status/population/trust-bundle" } else { "trust-bundle" };
    let Some(bundle) = source.published(path, MAX_CONTAINER_BYTES)? else {
        bail!("{} has no trust bundle yet: an issuer publishes it when it first starts", public.display());
    };
    output::write(&bundle)?;
    Ok(Exit::Good)
}
