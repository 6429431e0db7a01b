//! The issuer's interface: routes, and what holds for all of them. The handlers are in the files below.
//!
//! A process that serves a registry too mounts [`configure`] and its own operations; one that serves the issuer alone
//! mounts [`configure_operations`] and [`configure_fallback`] as well.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Resource, ResponseError as _, Route, web};

use crate::application::Core;
use crate::auth::TOKEN_PATH;
use crate::error::{Code, Problem};

mod administration;
mod authentication;
pub(crate) mod body;
mod credentials;
mod discovery;
mod operations;

/// Mounts everything but health, readiness, metrics and the description of the interface.
pub fn configure(core: Arc<Core>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(core))
            .service(resource(TOKEN_PATH, web::post().to(authentication::token)))
            .service(resource("/credentials/issue", web::post().to(credentials::issue)))
            .service(resource("/credentials/issue/batch", web::post().to(credentials::issue_batch)))
            .service(resource("/credentials/status", web::post().to(credentials::status)))
            .service(resource("/admin/keys/rotate", web::post().to(administration::rotate)))
            .service(resource("/admin/keys/retire", web::post().to(administration::retire)))
            .service(resource("/admin/keys/compromise", web::post().to(administration::compromise)))
            .service(resource("/admin/publish", web::post().to(administration::publish)))
            .service(resource(
                "/.well-known/oauth-authorization-server",
                web::get().to(authentication::metadata),
            ))
            .service(resource("/.well-known/jwt-vc-issuer", web::get().to(discovery::jwt_vc_issuer)))
            .service(resource("/.well-known/did.json", web::get().to(discovery::did_document)))
            .service(resource("/trust-bundle", web::get().to(discovery::trust_bundle)))
            .service(resource("/status/{list}/{file}", web::get().to(discovery::status_list)))
            .service(resource("/contexts/{type}/v1", web::get().to(discovery::context)))
            .service(resource("/types", web::get().to(discovery::types)));
    }
}

/// Mounts health, readiness, metrics and the description of the interface.
pub fn configure_operations(core: Arc<Core>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(core))
            .service(resource("/healthz", web::get().to(operations::health)))
            .service(resource("/readyz", web::get().to(operations::ready)))
            .service(resource("/metrics", web::get().to(operations::metrics)))
            .service(resource("/openapi.json", web::get().to(operations::openapi)));
    }
}

/// Answers every other path with a problem.
pub fn configure_fallback(config: &mut web::ServiceConfig) {
    config.default_service(web::to(|| async {
        Problem::new(Code::RouteUnknown, "no resource has this path").error_response()
    }));
}

/// A path with its one method, within the deadline.
fn resource(
    path: &str,
    route: Route,
) -> Resource<
    impl actix_web::dev::ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    web::resource(path)
        .route(route)
        .default_service(web::to(|| async {
            Problem::new(Code::RouteMethod, "resource has another method").error_response()
        }))
        .wrap(from_fn(bounded))
}

/// Ends a request at the deadline, a slow body included, and counts what was refused. What was handed in goes on: a
/// retry with the same key finds it.
async fn bounded(
    core: web::Data<Core>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let changes = *request.method() != Method::GET;
    let answer = tokio::time::timeout(core.config.limits.deadline, next.call(request)).await;
    let answer = answer.unwrap_or_else(|_elapsed| {
        Err(Problem::later(Code::RequestDeadline, "request took longer than its deadline", 1).into())
    });
    match answer {
        Ok(response) => {
            if let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>())
                && changes
            {
                core.metrics.refuse(problem.code);
            }
            Ok(response)
        }
        Err(error) => {
            if let Some(problem) = error.as_error::<Problem>() {
                core.metrics.refuse(problem.code);
            }
            Err(error)
        }
    }
}

/// An answer that is not worth asking for again within a minute.
const SHORT_CACHE: &str = "public, max-age=60";

/// The description of the interface, as it is served.
pub const OPENAPI: &str = include_str!("../../specs/openapi/issuer.json");

/// Every route, for comparing with [`OPENAPI`].
pub const ROUTES: [(&str, &str); 19] = [
    ("get", "/.well-known/did.json"),
    ("get", "/.well-known/jwt-vc-issuer"),
    ("get", "/.well-known/oauth-authorization-server"),
    ("post", "/admin/keys/compromise"),
    ("post", "/admin/keys/retire"),
    ("post", "/admin/keys/rotate"),
    ("post", "/admin/publish"),
    ("get", "/contexts/{type}/v1"),
    ("post", "/credentials/issue"),
    ("post", "/credentials/issue/batch"),
    ("post", "/credentials/status"),
    ("get", "/healthz"),
    ("get", "/metrics"),
    ("post", "/oauth/token"),
    ("get", "/openapi.json"),
    ("get", "/readyz"),
    ("get", "/status/{list}/{file}"),
    ("get", "/trust-bundle"),
    ("get", "/types"),
];
