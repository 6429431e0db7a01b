//! `sillok issuer`: the issuer of a data folder alone, with its log elsewhere.

use std::path::PathBuf;

use crate::command::registry::bind;
use crate::command::serve::make_if_empty;
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::logging;
use crate::service::{self, Service};

/// Serve the issuer of a data folder; its log is a registry elsewhere.
///
/// With the registry's own folder nothing is to be set. With another, `log_vkey` names the log here, and the
/// registry's settings list the two keys that this folder submits with (`sillok keys list`). Prints one line with its
/// address once it answers. SIGTERM and ctrl-c end it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The registry: the root of its listener.
    #[arg(long, value_name = "URL")]
    registry: String,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    make_if_empty(&args.data, args.listen.as_deref(), context)?;
    let folder = Folder::open(&args.data, context, &[("listen", args.listen)])?;
    let settings = folder.settings();
    logging::start(settings);
    let listener = bind(settings, "listen", &settings.listen)?;
    service::run(Service::open_remote(&folder, &args.registry, context)?, listener)?;
    Ok(Exit::Good)
}
