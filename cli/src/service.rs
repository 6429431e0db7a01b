//! Registry and issuer of a data folder as one service, the issuer alone, and how both are served until they are asked
//! to end.

use std::fs::File;
use std::future::Future;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::web::{self, Data, ServiceConfig};
use anyhow::{Context as _, anyhow};
use sillok_client::{Settings as SubmitterSettings, Submitter};
use sillok_issuer::foreign::keys::ForeignIssuer;
use sillok_issuer::http as issuer_http;
use sillok_issuer::types::CredentialTypes;
use sillok_issuer::{Backend, Client, Config, Core, Issuer};
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_registry::http::{self as registry_http, HttpConfig, State};
use sillok_registry::landmarks::LandmarkThread;
use sillok_registry::sealed::{self, KeyKind};
use sillok_registry::{Clock, Registry};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::{Algorithm, PublicKey};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::context::Context;
use crate::exit::usage;
use crate::folder::Folder;
use crate::output;
use crate::succession;

mod early;
mod operations;
mod running;

use early::Log;
pub(crate) use running::Running;

/// What one process serves.
pub(crate) struct Service {
    issuer: Issuer,
    /// The log, if it is in this process.
    log: Option<(Registry, State)>,
    landmarks: Option<LandmarkThread>,
    http: HttpConfig,
}

impl Service {
    /// Registry and issuer of a folder, in this process. It blocks until both can work.
    pub(crate) fn open(folder: &Folder, context: &Context) -> anyhow::Result<Self> {
        let (log, config) = Log::open(folder, context)?;
        let backend = Backend::Embedded(log.registry.handle());
        let issuer = open_issuer(folder, config, backend, context.clock.clone())?;
        Ok(Self::of(log, issuer))
    }

    fn of(log: Log, issuer: Issuer) -> Self {
        let Log { registry, state, landmarks, http } = log;
        Self { issuer, log: Some((registry, state)), landmarks, http }
    }

    /// The issuer of a folder, whose log is at `registry`.
    pub(crate) fn open_remote(folder: &Folder, registry: &str, context: &Context) -> anyhow::Result<Self> {
        let settings = folder.settings();
        let log = match settings.log_vkey.as_str() {
            "" => folder.log_vkey()?,
            text => VerifierKey::parse(text).or_else(|error| usage(format!("setting log_vkey: {error}")))?,
        };
        let mut config = issuer_config(folder, log.clone())?;
        config.log_place = Some(registry.to_owned());
        // One attempt that is as patient as a worker may be: what has no answer then stays open, and the issuer
        // submits it again.
        let patience = config.limits.ledger_patience;
        let submitter = |name| -> anyhow::Result<Box<Submitter>> {
            let key = submitter_key(folder, name)?;
            let jitter = Arc::new(|most: Duration| most.mul_f64(fastrand::f64()));
            let settings =
                SubmitterSettings { attempts: 1, request_timeout: patience, ..SubmitterSettings::default() };
            let clock = context.clock.clone();
            Ok(Box::new(Submitter::new(registry, key, log.clone(), settings, clock, jitter)?))
        };
        let backend =
            Backend::Remote { administrator: submitter("administrator")?, issuer: submitter("submitter")? };
        let issuer = open_issuer(folder, config, backend, context.clock.clone())?;
        Ok(Self { issuer, log: None, landmarks: None, http: HttpConfig::default() })
    }

    /// Serves until `end`, then finishes what is under way, publishes what has changed, and returns. `ready` is called
    /// once requests are answered.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        ready: impl AsyncFnOnce() -> anyhow::Result<()>,
        end: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Self { issuer, log, landmarks, http } = self;
        let (core, state) = (issuer.core(), log.as_ref().map(|(_registry, state)| state.clone()));
        let server = registry_http::server(listener, &http, move |services: &mut ServiceConfig| {
            configure(services, &core, state.as_ref());
        })?;
        let handle = server.handle();
        let running = actix_web::rt::spawn(server);
        ready().await?;
        end.await;
        handle.stop(true).await;
        drop(running.await);
        // Both block: they wait for their threads.
        let stopped = web::block(move || {
            issuer.stop();
            drop(landmarks);
            log.map_or(Ok(()), |(registry, _state)| registry.stop())
        });
        Ok(stopped.await??)
    }
}

/// Serves until a signal. Prints the address once requests are answered.
pub(crate) fn run(service: Service, listener: TcpListener) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    actix_web::rt::System::new().block_on(async move {
        let end = asked_to_end()?;
        let ready = async || output::line(format_args!("sillok: listening on http://{address}"));
        service.serve(listener, ready, end).await
    })?;
    tracing::info!("everything is published");
    Ok(())
}

//= specs/log.md#witnesses
/// Serves registry and issuer of a folder until a signal, from when the log is open: the issuer may have to wait for it.
/// Prints the address once both work.
pub(crate) fn run_folder(folder: Folder, context: &Context, listener: TcpListener) -> anyhow::Result<()> {
    let (log, mut config) = Log::open(&folder, context)?;
    // As long as it takes: nobody is kept from what is public.
    config.limits.start_patience = START_PATIENCE;
    let (address, clock) = (listener.local_addr()?, context.clock.clone());
    let backend = Backend::Embedded(log.registry.handle());
    actix_web::rt::System::new().block_on(async move {
        let mut end = Box::pin(asked_to_end()?);
        let early = log.serve(listener.try_clone()?)?;
        tracing::info!(%address, "the log is served, its issuer is being opened");
        let (opened, opening) = oneshot::channel();
        // Ends with the process: an issuer that is opened may be killed at any time.
        thread::Builder::new()
            .name("sillok-opening".into())
            .spawn(move || drop(opened.send(open_issuer(&folder, config, backend, clock))))?;
        let issuer = tokio::select! {
            opened = opening => opened.unwrap_or_else(|_panicked| Err(anyhow!("opening the issuer has panicked"))),
            () = &mut end => {
                early.stop(true).await;
                return web::block(move || log.stop()).await?;
            }
        };
        let issuer = match issuer {
            Ok(issuer) => issuer,
            Err(error) => {
                early.stop(true).await;
                web::block(move || log.stop()).await??;
                return Err(error);
            }
        };
        // Both answer meanwhile. Whoever reads the line is not answered by the one that knows of no issuer.
        let ready = async || {
            early.stop(true).await;
            output::line(format_args!("sillok: listening on http://{address}"))
        };
        Service::of(log, issuer).serve(listener, ready, end).await
    })?;
    tracing::info!("everything is published");
    Ok(())
}

/// Ends at a signal. Signals are waited for from now on: whoever reads what is printed next may send one at once.
fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _signal = terminate.recv() => tracing::info!("asked to end by SIGTERM"),
            _signal = interrupt.recv() => tracing::info!("asked to end by SIGINT"),
        }
    })
}

/// All routes. Of the paths that both have, the log's own files go first: they are what an auditor reads.
fn configure(services: &mut ServiceConfig, core: &Arc<Core>, state: Option<&State>) {
    match state {
        Some(state) => {
            registry_http::configure(services, state);
            issuer_http::configure(Arc::clone(core))(services);
            services.app_data(Data::from(Arc::clone(core)));
            services.route("/healthz", web::get().to(operations::healthz));
            services.route("/readyz", web::get().to(operations::readyz));
            services.route("/metrics", web::get().to(operations::metrics));
            services.route("/openapi.json", web::get().to(operations::openapi));
        }
        None => {
            issuer_http::configure(Arc::clone(core))(services);
            issuer_http::configure_operations(Arc::clone(core))(services);
            issuer_http::configure_fallback(services);
        }
    }
}

fn open_issuer(folder: &Folder, config: Config, backend: Backend, clock: Clock) -> anyhow::Result<Issuer> {
    let types = match folder.settings().types_folder.as_str() {
        "" => CredentialTypes::load(None),
        path => CredentialTypes::load(Some(&folder.place.path().join(path))),
    };
    Ok(Issuer::open(config, types?, folder.passphrase()?, backend, clock)?)
}

fn issuer_config(folder: &Folder, log: VerifierKey) -> anyhow::Result<Config> {
    let settings = folder.settings();
    if settings.production && !settings.demo_token.is_empty() {
        return usage(
            "setting demo_token: it allows everything to everybody who knows it, which `production` refuses"
                .into(),
        );
    }
    let place = &folder.place;
    let mut config = Config::new(
        place.path().join("issuer"),
        place.keys(),
        place.public(),
        settings.public_url.clone(),
        log,
    );
    let set = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    config.name = set(&settings.issuer_name).unwrap_or(config.name);
    config.authority = set(&settings.authority).unwrap_or(config.authority);
    config.algorithm = Algorithm::from_name(&settings.key_algorithm)
        .ok_or_else(|| anyhow!("setting key_algorithm: {:?} is no algorithm", settings.key_algorithm))?;
    config.policy = folder.policy()?;
    config.predecessors = succession::predecessors(place)?;
    config.successor = succession::successor(place)?;
    config.foreign_issuers = match settings.foreign_issuers.as_str() {
        "" => Vec::new(),
        file => foreign_issuers(&place.path().join(file))?,
    };
    config.foreign_proof_verifier =
        set(&settings.foreign_proof_verifier).map(|program| place.path().join(program));
    config.list_slots = settings.list_slots;
    config.clients = clients(settings)?;
    config.demo_token = set(&settings.demo_token).map(Zeroizing::new);
    config.status_interval = Duration::from_secs(settings.status_interval_seconds);
    config.feed_interval = Duration::from_secs(settings.feed_interval_seconds);
    config.feed_lifetime = Duration::from_secs(settings.feed_lifetime_seconds);
    config.root_lifetime = Duration::from_secs(settings.root_lifetime_days * DAY_SECONDS);
    config.retention =
        (settings.retention_days > 0).then(|| Duration::from_secs(settings.retention_days * DAY_SECONDS));
    config.one_key_per_person = settings.one_key_per_person;
    config.check().or_else(|error| usage(error.to_string()))?;
    Ok(config)
}

/// Reads the keys of others, up to a limit.
fn foreign_issuers(file: &Path) -> anyhow::Result<Vec<ForeignIssuer>> {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MAX_FOREIGN_ISSUERS_BYTES).read_to_end(&mut text));
    read.with_context(|| format!("read {}", file.display()))?;
    ForeignIssuer::parse_all(&text)
        .map_err(|problem| anyhow!("{} holds no keys of others: {problem}", file.display()))
}

fn clients(settings: &Settings) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(settings.clients.len());
    for client in &settings.clients {
        let jwk = Json::parse(serde_json::to_string(&client.jwk)?.as_bytes(), &JWK)?;
        clients.push(Client {
            id: client.id.clone(),
            key: PublicKey::from_jwk(&jwk)?,
            scopes: client.scopes.clone(),
            operator: client.operator.clone(),
        });
    }
    Ok(clients)
}

/// The key under which a folder submits: its name is in its public text.
fn submitter_key(folder: &Folder, name: &str) -> anyhow::Result<SignerKey> {
    let keys = folder.place.keys();
    let public = VerifierKey::parse(&sealed::public_text(&keys, name)?)?;
    let secret = sealed::open(&keys, name, KeyKind::Ed25519, &folder.passphrase()?)?;
    Ok(secret.signer(public.name())?)
}

const DAY_SECONDS: u64 = 86_400;

/// A year: in it, somebody looks at a service that says that it is not ready.
const START_PATIENCE: Duration = Duration::from_secs(365 * DAY_SECONDS);

/// A few hundred issuers with some keys each.
const MAX_FOREIGN_ISSUERS_BYTES: u64 = 1 << 20;

/// As the check of the settings has it.
const JWK: Limits = Limits { bytes: 1_024, depth: 2, values: 16 };
