//! `sillok trust-bundle`: prints the published trust bundle.

use std::path::PathBuf;

use anyhow::bail;
use sillok_client::Source;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;

use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

/// Print the trust bundle that the issuer of a data folder has published.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Without the states of status lists, for who takes them from the population file.
    #[arg(long)]
    without_states: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let public = folder.place.public();
    let source = Source::open(&public.display().to_string())?;
    let path = if args.without_states { "status/population/trust-bundle" } else { "trust-bundle" };
    let Some(bundle) = source.published(path, MAX_CONTAINER_BYTES)? else {
        bail!("{} has no trust bundle yet: an issuer publishes it when it first starts", public.display());
    };
    output::write(&bundle)?;
    Ok(Exit::Good)
}
