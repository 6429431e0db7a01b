//! `sillok witness`: a C2SP tlog-witness for the logs that it was told to follow.
//!
//! Its folder holds `keys/`, `logs/` and, unless SILLOK_PASSPHRASE_FILE names another file, `passphrase`.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use anyhow::Context as _;
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_registry::http::{self, HttpConfig};
use sillok_registry::sealed::{self, KeyKind, Passphrase, SecretKey};
use sillok_registry::witness::{self, Book};
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::logging;
use crate::output;

/// Be a witness: cosign checkpoints of logs that only ever grow.
///
/// `init` makes the keys, `add-log` begins to follow a log, and without either it serves: it prints one line with its address
/// once it answers, and ends at SIGTERM or ctrl-c.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serve: Option<Serve>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Init(Init),
    AddLog(AddLog),
}

/// Make the keys of a witness and print their verifier keys. Doing it again changes nothing.
#[derive(Debug, clap::Args)]
struct Init {
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The name that it signs under, such as `witness.example.org/w1`.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Cosign with ML-DSA-44 too.
    #[arg(long)]
    ml_dsa: bool,
}

/// Follow a log from nothing on. A witness that runs follows it when it is started again.
#[derive(Debug, clap::Args)]
struct AddLog {
    /// The verifier key of the log.
    #[arg(value_name = "VKEY")]
    vkey: String,
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// Listen without TLS on an address that is not a loopback one: only behind a proxy that does TLS.
    #[arg(long)]
    allow_plain_http: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match (args.action, args.serve) {
        (Some(Action::Init(args)), _none) => init(&args, context),
        (Some(Action::AddLog(args)), _none) => add_log(&args),
        (None, Some(args)) => serve(&args, context),
        (None, None) => {
            usage("`sillok witness` serves the folder of --data, or does one of init and add-log".into())
        }
    }
}

fn init(args: &Init, context: &Context) -> anyhow::Result<Exit> {
    let keys = args.data.join(KEYS);
    std::fs::create_dir_all(&args.data).with_context(|| format!("could not make {}", args.data.display()))?;
    let file = passphrase_file(&args.data, context);
    let passphrase = if file.exists() { Passphrase::load(&file)? } else { Passphrase::create(&file)? };
    for (name, kind) in key_files(args.ml_dsa) {
        if !sealed::exists(&keys, name)? {
            let secret = SecretKey::generate(kind)?;
            let public = secret.cosigner(&args.name)?.verifier().to_string();
            sealed::create(&keys, name, &secret, &passphrase, &public)?;
        }
        let key = public_key(&keys, name)?;
        if key.name() != args.name {
            return usage(format!(
                "{} holds the witness {}, not {}",
                args.data.display(),
                key.name(),
                args.name
            ));
        }
        output::line(format_args!("{key}"))?;
    }
    Ok(Exit::Good)
}

fn add_log(args: &AddLog) -> anyhow::Result<Exit> {
    let key =
        VerifierKey::parse(&args.vkey).or_else(|error| usage(format!("VKEY {:?}: {error}", args.vkey)))?;
    if !sealed::exists(&args.data.join(KEYS), ED25519)? {
        return usage(format!(
            "{} is no witness's folder; `sillok witness init` makes one",
            args.data.display()
        ));
    }
    Book::follow(&args.data.join(LOGS), &key)?;
    output::line(format_args!("{} follows {}", args.data.display(), key.name()))?;
    Ok(Exit::Good)
}

fn serve(args: &Serve, context: &Context) -> anyhow::Result<Exit> {
    logging::start_plain();
    if !args.listen.ip().is_loopback() && !args.allow_plain_http {
        return usage(format!(
            "--listen {}: no loopback address, and this is plain HTTP; put a proxy that does TLS before it and give \
             --allow-plain-http",
            args.listen
        ));
    }
    let book = Book::open(&args.data.join(LOGS), signers(&args.data, context)?, context.clock.clone())?;
    for log in book.logs() {
        tracing::info!(origin = log.name(), "follows a log");
    }
    let listener =
        TcpListener::bind(args.listen).with_context(|| format!("could not listen on {}", args.listen))?;
    actix_web::rt::System::new().block_on(answer(listener, Arc::new(book)))?;
    Ok(Exit::Good)
}

/// Answers until a signal, then lets requests under way end.
async fn answer(listener: TcpListener, book: Arc<Book>) -> anyhow::Result<()> {
    // Before the line is printed: whoever reads it may send a signal at once.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (config, address) = (HttpConfig::default(), listener.local_addr()?);
    let of_handlers = config.clone();
    let server = http::server(listener, &config, move |services: &mut ServiceConfig| {
        witness::configure(services, &book, &of_handlers);
    })?;
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    output::line(format_args!("listening on http://{address}"))?;
    tokio::select! {
        _signal = terminate.recv() => tracing::info!("asked to end by SIGTERM"),
        _signal = interrupt.recv() => tracing::info!("asked to end by SIGINT"),
    }
    handle.stop(true).await;
    Ok(running.await??)
}

/// The keys that the folder has, opened; Ed25519 first.
fn signers(data: &Path, context: &Context) -> anyhow::Result<Vec<SignerKey>> {
    let keys = data.join(KEYS);
    let passphrase = Passphrase::load(&passphrase_file(data, context))?;
    let mut signers = Vec::new();
    for (name, kind) in key_files(sealed::exists(&keys, ML_DSA)?) {
        let public = public_key(&keys, name)?;
        let signer = sealed::open(&keys, name, kind, &passphrase)?.cosigner(public.name())?;
        anyhow::ensure!(signer.verifier() == public, "key {name} is not the one that its public text names");
        signers.push(signer);
    }
    Ok(signers)
}

fn key_files(ml_dsa: bool) -> impl Iterator<Item = (&'static str, KeyKind)> {
    let second = ml_dsa.then_some((ML_DSA, KeyKind::Raw32));
    [(ED25519, KeyKind::Ed25519)].into_iter().chain(second)
}

/// The verifier key in a public text; before that of key material stands its check value.
fn public_key(keys: &Path, name: &str) -> anyhow::Result<VerifierKey> {
    let text = sealed::public_text(keys, name)?;
    let vkey = text.rsplit(' ').next().unwrap_or_default();
    VerifierKey::parse(vkey).with_context(|| format!("public text of the key {name}, {text:?}, is refused"))
}

fn passphrase_file(data: &Path, context: &Context) -> PathBuf {
    context.variable("SILLOK_PASSPHRASE_FILE").map_or_else(|| data.join("passphrase"), PathBuf::from)
}

const KEYS: &str = "keys";
const LOGS: &str = "logs";
const ED25519: &str = "witness";
const ML_DSA: &str = "witness-ml-dsa-44";
