//! The log of a folder by itself: what is served while its issuer is being opened, which takes as long as the log is not
//! written.

use std::net::TcpListener;

use actix_web::HttpResponse;
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use sillok_issuer::Config;
use sillok_registry::Registry;
use sillok_registry::http::{self as registry_http, HttpConfig, Problem, State};
use sillok_registry::landmarks::LandmarkThread;

use super::{issuer_config, operations};
use crate::command::registry::{open, start_landmarks, submitters};
use crate::context::Context;
use crate::exit::usage;
use crate::folder::Folder;
use crate::succession;

/// A log that is open.
pub(super) struct Log {
    pub(super) registry: Registry,
    pub(super) state: State,
    pub(super) landmarks: Option<LandmarkThread>,
    pub(super) http: HttpConfig,
}

impl Log {
    /// Opens the log of a folder, and says what its issuer is made of. It blocks.
    pub(super) fn open(folder: &Folder, context: &Context) -> anyhow::Result<(Self, Config)> {
        let settings = folder.settings();
        let log_key = folder.log_vkey()?;
        let submitters = submitters(settings, &log_key)?;
        let mut config = issuer_config(folder, log_key)?;
        config.log_place = Some(folder.place.public().display().to_string());
        let http = HttpConfig {
            // Half of the queue, so that no one submitter keeps the others out.
            submitter_entries: (settings.queue_entries as u64 / 2).max(1),
            ..HttpConfig::default()
        };
        let registry = open(folder, context)?;
        if registry.handle().is_frozen() {
            return usage(succession::ended(&folder.place, &config.log)?);
        }
        let state = State::new(
            registry.handle(),
            submitters,
            &folder.place.public(),
            context.clock.clone(),
            http.clone(),
        );
        let landmarks = start_landmarks(folder, registry.handle(), context)?;
        Ok((Self { registry, state, landmarks, http }, config))
    }

    //= specs/log.md#witnesses
    /// Serves the log until the handle stops it. Whatever else is asked for is told to come again.
    pub(super) fn serve(&self, listener: TcpListener) -> std::io::Result<ServerHandle> {
        let state = self.state.clone();
        let server = registry_http::server(listener, &self.http, move |services: &mut ServiceConfig| {
            registry_http::configure(services, &state);
            services.route("/healthz", web::get().to(operations::healthz));
            services.route("/readyz", web::get().to(operations::readyz_early));
            services.route("/metrics", web::get().to(operations::metrics_early));
            services.route("/openapi.json", web::get().to(operations::openapi));
            services.service(web::resource("/{path:.*}").route(web::to(starting)));
        })?;
        let handle = server.handle();
        drop(actix_web::rt::spawn(server));
        Ok(handle)
    }

    /// Publishes what is committed, and ends. It blocks.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        drop(self.landmarks);
        Ok(self.registry.stop()?)
    }
}

async fn starting() -> HttpResponse {
    let detail = "issuer is starting, and waits for the log";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "issuer.starting", detail)
        .retry_after(RETRY_SECONDS)
        .response()
}

/// As often as the issuer asks a log that waits for its witnesses.
const RETRY_SECONDS: u64 = 5;
