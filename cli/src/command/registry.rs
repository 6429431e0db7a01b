//! `sillok registry`: serves the log of a data folder.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use anyhow::Context as _;
use sillok_log::audit::LogKind;
use sillok_log::entry::issuer_hash;
use sillok_log::ledger::Role;
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;
use sillok_registry::http::{self, HttpConfig, State};
use sillok_registry::landmarks::{LandmarkFiles, LandmarkThread};
use sillok_registry::store::{FileBlobs, FileHeads};
use sillok_registry::submission::{Submitter, Submitters};
use sillok_registry::witness::Witnessing;
use sillok_registry::{Handle, Limits, Options, Registry, Stores};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Settings, SubmitterRole};
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::logging;
use crate::output;
use crate::succession;

/// Serve the log of a data folder: submission, static files, health and metrics.
///
/// Prints one line with its address once it answers. SIGTERM and ctrl-c end it: requests under way are finished,
/// what is committed is published.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address and port for `POST /add`, unauthenticated, of a raw log: for load tools.
    #[arg(long, value_name = "ADDR")]
    add_listen: Option<String>,
    /// Record that the log has signed last now, if its record says later: once, after it ran under a clock that was
    /// ahead and is set right.
    #[arg(long)]
    accept_earlier_clock: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let flags = [("listen", args.listen), ("add_listen", args.add_listen)];
    let folder = Folder::open(&args.data, context, &flags)?;
    let settings = folder.settings();
    logging::start(settings);
    let listener = bind(settings, "listen", &settings.listen)?;
    let add_listener = match (settings.add_listen.as_str(), folder.kind()) {
        ("", _) => None,
        (address, LogKind::Raw) => Some(bind(settings, "add_listen", address)?),
        (_address, LogKind::Typed) => {
            return usage(format!(
                "add_listen is for raw logs, which {} is not (init --raw)",
                settings.origin
            ));
        }
    };
    if args.accept_earlier_clock {
        accept_earlier_clock(&folder, context)?;
    }
    let registry = open(&folder, context)?;
    let landmarks = start_landmarks(&folder, registry.handle(), context)?;
    let submitters = submitters(settings, &folder.log_vkey()?)?;
    let config = HttpConfig {
        // Half of the queue, so that no one submitter keeps the others out.
        submitter_entries: (settings.queue_entries as u64 / 2).max(1),
        ..HttpConfig::default()
    };
    let state = State::new(
        registry.handle(),
        submitters,
        &folder.place.public(),
        context.clock.clone(),
        config.clone(),
    );
    actix_web::rt::System::new().block_on(serve(listener, add_listener, &config, &state))?;
    drop(landmarks);
    registry.stop()?;
    tracing::info!("everything committed is published");
    Ok(Exit::Good)
}

/// Opens the log of a folder, unless it waits for the one that it is to succeed.
pub(crate) fn open(folder: &Folder, context: &Context) -> anyhow::Result<Registry> {
    succession::predecessors(&folder.place)?;
    open_log(folder, context)
}

/// Opens the log of a folder, whatever it waits for.
pub(crate) fn open_log(folder: &Folder, context: &Context) -> anyhow::Result<Registry> {
    let settings = folder.settings();
    let options = Options { signer: folder.log_key()?, kind: folder.kind(), limits: limits(settings) };
    let stores = Stores::open(&folder.paths(), settings.segment_bytes)?;
    let clock = context.clock.clone();
    match witnessing(folder)? {
        Some(witnessing) => Ok(Registry::open_witnessed(options, stores, clock, witnessing)?),
        None => Ok(Registry::open(options, stores, clock)?),
    }
}

/// Whom the log asks. One that once asked somebody keeps what was pending, until it is public.
fn witnessing(folder: &Folder) -> anyhow::Result<Option<Witnessing>> {
    let (pending, policy) = (folder.place.path().join("pending"), folder.policy()?);
    let policy = match policy {
        Some(policy) => policy,
        None if pending.exists() => Policy::parse(b"quorum none\n")?,
        None => return Ok(None),
    };
    let pending = Arc::new(FileBlobs::open(&pending)?);
    let wait = Duration::from_secs(folder.settings().cosign_wait_seconds);
    let evidence = folder.place.path().join("evidence");
    Ok(Some(Witnessing { wait, ..Witnessing::new(policy, pending, evidence) }))
}

/// Begins to allocate landmarks for the log of a folder. Files that contradict each other are no reason not to serve.
pub(crate) fn start_landmarks(
    folder: &Folder,
    handle: Handle,
    context: &Context,
) -> anyhow::Result<Option<LandmarkThread>> {
    let (kept, public) = (folder.place.path().join("landmarks"), folder.place.public());
    let published = handle.published().checkpoint.size;
    match LandmarkFiles::open(&kept, &public, published, (context.clock)()) {
        Ok(files) => Ok(Some(LandmarkThread::start(files, handle, context.clock.clone())?)),
        Err(error) => {
            tracing::error!(%error, "no landmark is allocated before this is settled");
            Ok(None)
        }
    }
}

/// Sets the time in the head of a folder's log back to now, and says so.
pub(crate) fn accept_earlier_clock(folder: &Folder, context: &Context) -> anyhow::Result<()> {
    let (heads, now) = (FileHeads::open(&folder.paths().head)?, (context.clock)());
    let before = Registry::accept_earlier_clock(&folder.log_key()?, &heads, now)?;
    if now < before {
        eprintln!(
            "sillok: the log had recorded that it signed at {}; that is {} from now on",
            before.0, now.0
        );
    }
    Ok(())
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        queue_entries: settings.queue_entries,
        queue_bytes: settings.queue_bytes,
        batch_entries: settings.batch_entries,
        batch_bytes: settings.batch_bytes,
        linger: Duration::from_millis(settings.linger_milliseconds),
        publish_interval: Duration::from_millis(settings.publish_interval_milliseconds),
    }
}

/// The submitters of the settings, which are checked already.
pub(crate) fn submitters(settings: &Settings, log: &VerifierKey) -> anyhow::Result<Submitters> {
    let mut all = Vec::with_capacity(settings.submitters.len());
    for submitter in &settings.submitters {
        let role = match (submitter.role, &submitter.issuer) {
            (SubmitterRole::Issuer, Some(issuer)) => Role::Issuer(issuer_hash(issuer)?),
            (SubmitterRole::Administrator | SubmitterRole::Issuer, _) => Role::Administrator,
        };
        all.push(Submitter { key: VerifierKey::parse(&submitter.vkey)?, role });
    }
    Submitters::new(log, all).or_else(|error| usage(format!("setting submitters: {error}")))
}

/// Binds an address. Without TLS that is a loopback one, unless the settings say that a proxy stands before it.
pub(crate) fn bind(settings: &Settings, name: &str, address: &str) -> anyhow::Result<TcpListener> {
    let parsed: SocketAddr = address.parse().with_context(|| format!("setting {name}: {address:?}"))?;
    if !parsed.ip().is_loopback() && !settings.allow_plain_http {
        return usage(format!(
            "setting {name}: {address} is no loopback address, and this is plain HTTP; put a proxy that does TLS \
             before it and set allow_plain_http"
        ));
    }
    TcpListener::bind(parsed).with_context(|| format!("could not listen on {address}"))
}

/// Serves until a signal, then lets requests under way end.
async fn serve(
    listener: TcpListener,
    add_listener: Option<TcpListener>,
    config: &HttpConfig,
    state: &State,
) -> anyhow::Result<()> {
    // Before the line is printed: whoever reads it may send a signal at once.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut line = format!("listening on http://{}", listener.local_addr()?);
    let public = state.clone();
    let mut servers = vec![start(http::server(listener, config, move |services: &mut ServiceConfig| {
        http::configure(services, &public);
        http::configure_operations(services);
        http::configure_openapi(services);
    })?)];
    if let Some(listener) = add_listener {
        line.push_str(&format!(", adding on http://{}/add", listener.local_addr()?));
        let raw = state.clone();
        servers.push(start(http::server(listener, config, move |services: &mut ServiceConfig| {
            http::configure_raw(services, &raw);
        })?));
    }
    output::line(format_args!("{line}"))?;
    tokio::select! {
        _signal = terminate.recv() => tracing::info!("asked to end by SIGTERM"),
        _signal = interrupt.recv() => tracing::info!("asked to end by SIGINT"),
    }
    for server in servers {
        server.stop(true).await;
    }
    Ok(())
}

fn start(server: Server) -> ServerHandle {
    let handle = server.handle();
    drop(actix_web::rt::spawn(server));
    handle
}
