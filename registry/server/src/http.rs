//! IO. The log over HTTP: submission, static files, health. Handlers hold a [`Handle`] and own nothing.
//!
//! A program puts the parts together: [`configure`] and [`configure_operations`] on the public listener (beside an
//! issuer's routes if it likes, else with [`configure_openapi`]), [`configure_raw`] on a listener of its own, [`server`] for either.
//!
//! # Out of scope
//! TLS, which a proxy or the program ends. What entries mean.

use std::collections::BTreeMap;
use std::future::ready;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_http::HttpServiceBuilder;
use actix_http::error::DispatchError;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::guard::{Any, Get, Head, Post};
use actix_web::http::header;
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Route};
use rustix::net::sockopt::set_tcp_user_timeout;
use sillok_log::UnixSeconds;

use crate::handle::{Clock, Handle};
use crate::submission::Submitters;
use connection::{Guarded, Patience};

pub(crate) mod body;
mod connection;
mod descriptors;
mod files;
mod operations;
mod problem;
mod submit;

pub use operations::{Readiness, readiness};
pub use problem::Problem;

/// Limits of the HTTP side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Threads that serve.
    pub workers: usize,
    /// Connections at once, all threads together; more wait to be accepted. Fewer where the process, with all of its
    /// listeners, may not open so many files.
    pub max_connections: usize,
    /// Longest time for the head of a request to arrive; at least a second, since the HTTP library's clock is up to half
    /// a second behind.
    pub head_timeout: Duration,
    /// Longest time for its body to arrive.
    pub body_timeout: Duration,
    /// Longest time for entries to be logged before their submitter is told to come again.
    pub answer_timeout: Duration,
    /// Longest time in which a client takes nothing of its answer. Whoever takes little is given longer, by 2 KiB/s.
    pub write_timeout: Duration,
    /// How long a connection that is being closed is read from, so that its client gets to see the answer.
    pub linger_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long requests under way are given to end when the server stops.
    pub shutdown_timeout: Duration,
    /// Entries that one submitter may have in the queue.
    pub submitter_entries: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            max_connections: 10_000,
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(20),
            linger_timeout: Duration::from_secs(1),
            keep_alive: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(30),
            // Half of what the queue takes by default, so that no one submitter keeps the others out.
            submitter_entries: 32_768,
        }
    }
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    handle: Handle,
    submitters: Submitters,
    public: PathBuf,
    clock: Clock,
    config: HttpConfig,
    /// Entries of each submitter that wait, in the order of `submitters`. Owned by the submit handler.
    waiting: Vec<AtomicU64>,
    /// Answers so far, by route and status.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl State {
    /// Serves the log of `handle`, whose files are in the folder `public`.
    pub fn new(
        handle: Handle,
        submitters: Submitters,
        public: &Path,
        clock: Clock,
        config: HttpConfig,
    ) -> Self {
        let waiting = std::iter::repeat_with(AtomicU64::default).take(submitters.len()).collect();
        let (public, answers) = (public.to_path_buf(), Mutex::default());
        Self(Arc::new(Shared { handle, submitters, public, clock, config, waiting, answers }))
    }

    /// The log.
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// How many requests were answered, by route and status.
    pub fn answers(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn submitters(&self) -> &Submitters {
        &self.0.submitters
    }

    fn public(&self) -> &Path {
        &self.0.public
    }

    fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    fn now(&self) -> UnixSeconds {
        (self.0.clock)()
    }

    /// The entries of a submitter that wait. `Submitters::claimed` gives its position.
    fn waiting(&self, submitter: usize) -> &AtomicU64 {
        &self.0.waiting[submitter]
    }

    /// Makes the answer, counts it, and logs a refusal: once, here.
    fn answer(&self, endpoint: Endpoint, result: Result<HttpResponse, Problem>) -> HttpResponse {
        let path = endpoint.path();
        let mut response = result.unwrap_or_else(|problem| {
            let (status, code, detail) = (problem.status().as_u16(), problem.code(), problem.detail());
            if status == 500 {
                tracing::error!(path, status, code, detail, "request failed");
            } else {
                tracing::debug!(path, status, code, detail, "request refused");
            }
            problem.response()
        });
        let nosniff = header::HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        if endpoint.is_for_everybody() {
            let anybody = header::HeaderValue::from_static("*");
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
        }
        let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((path, response.status().as_u16())).or_default() += 1;
        response
    }
}

/// Everything that a registry answers. The routes are made from this table, and `specs/openapi/registry.json` is
/// compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Raw submission, on a listener of its own.
    Add,
    /// The public checkpoint.
    Checkpoint,
    /// Submission.
    Entries,
    /// Whether the process can answer.
    Healthz,
    /// The list of landmarks.
    Landmarks,
    /// Prometheus metrics.
    Metrics,
    /// The description of this interface.
    OpenApi,
    /// Whether the log takes entries.
    Readyz,
    /// What an issuer publishes about a status list.
    Status,
    /// Tiles and bundles.
    Tile,
    /// The trust bundle of an issuer.
    TrustBundle,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Add,
        Self::Checkpoint,
        Self::Entries,
        Self::Healthz,
        Self::Landmarks,
        Self::Metrics,
        Self::OpenApi,
        Self::Readyz,
        Self::Status,
        Self::Tile,
        Self::TrustBundle,
    ];

    /// Its path, as `specs/openapi/registry.json` writes it. The parameter of a tile spans several segments.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Add => "/add",
            Self::Checkpoint => "/checkpoint",
            Self::Entries => "/entries",
            Self::Healthz => "/healthz",
            Self::Landmarks => "/landmarks",
            Self::Metrics => "/metrics",
            Self::OpenApi => "/openapi.json",
            Self::Readyz => "/readyz",
            Self::Status => "/status/{list}/{file}",
            Self::Tile => "/tile/{path}",
            Self::TrustBundle => "/trust-bundle",
        }
    }

    /// The methods that it answers to.
    pub const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Add | Self::Entries => &["POST"],
            Self::Checkpoint
            | Self::Healthz
            | Self::Landmarks
            | Self::Metrics
            | Self::OpenApi
            | Self::Readyz
            | Self::Status
            | Self::Tile
            | Self::TrustBundle => &["GET", "HEAD"],
        }
    }

    /// Whether scripts of any web page may read it: it is public anyway.
    const fn is_for_everybody(self) -> bool {
        match self {
            Self::Checkpoint
            | Self::Landmarks
            | Self::OpenApi
            | Self::Status
            | Self::Tile
            | Self::TrustBundle => true,
            Self::Add | Self::Entries | Self::Healthz | Self::Metrics | Self::Readyz => false,
        }
    }

    fn register(self, services: &mut ServiceConfig) {
        let pattern = match self {
            Self::Tile => "/tile/{path:.*}",
            _other => self.path(),
        };
        let route: Route = if self.methods() == ["POST"] {
            web::route().guard(Post())
        } else {
            web::route().guard(Any(Get()).or(Head()))
        };
        let route = match self {
            Self::Add => route.to(submit::add),
            Self::Checkpoint => route.to(files::checkpoint),
            Self::Entries => route.to(submit::entries),
            Self::Healthz => route.to(operations::healthz),
            Self::Landmarks => route.to(files::landmarks),
            Self::Metrics => route.to(operations::metrics),
            Self::OpenApi => route.to(operations::openapi),
            Self::Readyz => route.to(operations::readyz),
            Self::Status => route.to(files::status),
            Self::Tile => route.to(files::tile),
            Self::TrustBundle => route.to(files::trust_bundle),
        };
        let other_method = move |request: HttpRequest, state: Data<State>| async move {
            let allow = self.methods().join(", ");
            let problem = Problem::method_not_allowed(request.method().as_str(), request.path());
            let mut response = problem.response();
            if let Ok(allow) = header::HeaderValue::from_str(&allow) {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            state.answer(self, Ok(response))
        };
        services.service(web::resource(pattern).route(route).default_service(web::to(other_method)));
    }
}

/// Submission and static files.
pub fn configure(services: &mut ServiceConfig, state: &State) {
    services.app_data(Data::new(state.clone()));
    for endpoint in [
        Endpoint::Checkpoint,
        Endpoint::Entries,
        Endpoint::Landmarks,
        Endpoint::Status,
        Endpoint::Tile,
        Endpoint::TrustBundle,
    ] {
        endpoint.register(services);
    }
}

/// Health and metrics. Needs [`configure`] or [`configure_raw`] beside it.
pub fn configure_operations(services: &mut ServiceConfig) {
    for endpoint in [Endpoint::Healthz, Endpoint::Metrics, Endpoint::Readyz] {
        endpoint.register(services);
    }
}

/// The description of this interface alone, for a program that serves nothing beside it. Needs [`configure`].
pub fn configure_openapi(services: &mut ServiceConfig) {
    Endpoint::OpenApi.register(services);
}

/// Raw submission, unauthenticated: for a listener that load tools alone can reach.
pub fn configure_raw(services: &mut ServiceConfig, state: &State) {
    services.app_data(Data::new(state.clone()));
    Endpoint::Add.register(services);
}

/// The answer where nothing is.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    Problem::not_found(request.path()).response()
}

/// The description of the interface (OpenAPI 3.1).
pub const fn openapi() -> &'static str {
    include_str!("../../../specs/openapi/registry.json")
}

/// Serves `services` on a listener until its handle stops it; then requests under way are given time to end. Signals
/// are the program's business.
///
/// # Errors
/// The listener cannot be used.
pub fn server(
    listener: TcpListener,
    config: &HttpConfig,
    services: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let workers = config.workers.max(1);
    let share = Arc::new(descriptors::connections(config.max_connections));
    // Also where the answer is with the system already and this process knows nothing of it any more. Connections
    // inherit it from their listener.
    let milliseconds = u32::try_from(config.write_timeout.as_millis()).unwrap_or(u32::MAX);
    set_tcp_user_timeout(&listener, milliseconds)?;
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(share.connections.div_ceil(workers).max(1))
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .disable_signals();
    let (config, ends) = (config.clone(), builder.graceful_shutdown_signal());
    let serve = move || {
        // Given back when the server is gone.
        let _share = &share;
        let (ends, patience) = (ends.clone(), Patience::of(&config));
        let app = App::new()
            .configure(services.clone())
            .default_service(web::to(not_found))
            .wrap_fn(connection::handle);
        let http = HttpServiceBuilder::default()
            .client_request_timeout(config.head_timeout)
            .client_disconnect_timeout(config.linger_timeout)
            .keep_alive(config.keep_alive)
            .graceful_shutdown_signal(move || {
                let ends = ends.clone();
                async move { ends.notified().await }
            })
            .on_connect_ext(Guarded::introduce)
            .h1(map_config(app, |_none| AppConfig::default()));
        let accept = move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            ready(Ok::<_, DispatchError>((Guarded::new(stream, patience), peer)))
        };
        fn_service(accept).and_then(http)
    };
    Ok(builder.listen("http", listener, serve)?.run())
}
