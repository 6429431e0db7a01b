//! `sillok serve`: registry and issuer of a data folder, in one process on one listener.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::command::init;
use crate::command::registry::{accept_earlier_clock, bind};
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::{Folder, Place};
use crate::logging;
use crate::service;
use sillok_log::audit::LogKind;

/// Serve registry and issuer of a data folder, both at the root of one listener.
///
/// A folder that is empty or not there is made first. Prints one line with its address once credentials can be issued;
/// what the log has published is served before that, while the issuer waits for the log or its witnesses. SIGTERM and
/// ctrl-c end it: requests under way are finished, what has changed is published.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Record that the log has signed last now, if its record says later: once, after it ran under a clock that was
    /// ahead and is set right.
    #[arg(long)]
    accept_earlier_clock: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    make_if_empty(&args.data, args.listen.as_deref(), context)?;
    let flags = [("listen", args.listen)];
    let folder = Folder::open(&args.data, context, &flags)?;
    let settings = folder.settings();
    logging::start(settings);
    if folder.kind() == LogKind::Raw {
        return usage(format!("{} is a raw log, in which nothing is issued", settings.origin));
    }
    // Bound before the log is opened: a port that is taken is said at once.
    let listener = bind(settings, "listen", &settings.listen)?;
    if args.accept_earlier_clock {
        accept_earlier_clock(&folder, context)?;
    }
    service::run_folder(folder, context, listener)?;
    Ok(Exit::Good)
}

/// `sillok init` on behalf of whoever starts with `serve` or `issuer`, saying so.
pub(crate) fn make_if_empty(data: &Path, listen: Option<&str>, context: &Context) -> anyhow::Result<()> {
    let place = Place::new(data)?;
    if place.settings_text()?.is_some() {
        return Ok(());
    }
    if !is_empty(place.path())? {
        return usage(format!(
            "{} is no data folder and not empty; `sillok init --data` makes one",
            data.display()
        ));
    }
    eprintln!("sillok: {} is empty: making a data folder of it, as `sillok init` does", data.display());
    // The address that was asked for is where it is reached, as far as anybody knows.
    let address = listen.and_then(|listen| listen.parse::<SocketAddr>().ok());
    let url = address
        .filter(|address| address.ip().is_loopback() && address.port() != 0)
        .filter(|_address| context.variable("SILLOK_PUBLIC_URL").is_none())
        .map(|address| format!("http://localhost:{}", address.port()));
    init::make(data, url.as_deref(), context)?;
    Ok(())
}

fn is_empty(path: &Path) -> anyhow::Result<bool> {
    match path.read_dir() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(anyhow::anyhow!("could not list {}: {error}", path.display())),
    }
}
