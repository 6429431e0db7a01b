//! The issuer's interface: routes, and what holds for all of them. The handlers are in the files below.
//!
//! A process that serves a registry too mounts [`configure`] and its own operations; one that serves the issuer alone
//! mounts [`configure_operations`] and [`configure_fallback`] as well.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{Any, Get, Head, Post, Put};
use actix_web::http::header;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, ResponseError as _, Route, web};

use crate::application::Core;
use crate::auth::TOKEN_PATH;
use crate::error::{Code, Problem};

mod administration;
mod authentication;
pub(crate) mod body;
mod credentials;
mod discovery;
mod operations;
mod records;
mod reissue;
mod verification;

/// Mounts everything but health, readiness, metrics and the description of the interface.
pub fn configure(core: Arc<Core>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(core))
            .service(post(TOKEN_PATH, web::route().to(authentication::token)))
            .service(post("/credentials/issue", web::route().to(credentials::issue)))
            .service(post("/credentials/issue/batch", web::route().to(credentials::issue_batch)))
            .service(post("/credentials/status", web::route().to(credentials::status)))
            .service(post("/credentials/verify", web::route().to(verification::credential)))
            .service(post("/presentations/verify", web::route().to(verification::presentation)))
            .service(post("/credentials/reissue", web::route().to(reissue::reissue)))
            .service(post("/credentials/reissue/due", web::route().to(reissue::due)))
            .service(put("/records", web::route().to(records::put)))
            .service(post("/admin/keys/rotate", web::route().to(administration::rotate)))
            .service(post("/admin/keys/retire", web::route().to(administration::retire)))
            .service(post("/admin/keys/compromise", web::route().to(administration::compromise)))
            .service(post("/admin/publish", web::route().to(administration::publish)))
            .service(get(
                "/.well-known/oauth-authorization-server",
                web::route().to(authentication::metadata),
            ))
            .service(get("/.well-known/jwt-vc-issuer", web::route().to(discovery::jwt_vc_issuer)))
            .service(get("/.well-known/did.json", web::route().to(discovery::did_document)))
            .service(get("/trust-bundle", web::route().to(discovery::trust_bundle)))
            .service(get("/trust-bundles/{name}", web::route().to(discovery::numbered_bundle)))
            .service(get("/status/population/{file}", web::route().to(discovery::population)))
            .service(get("/status/{list}/{file}", web::route().to(discovery::status_list)))
            .service(get("/contexts/{type}/v1", web::route().to(discovery::context)))
            .service(get("/credential-types/{type}/v1", web::route().to(discovery::type_metadata)))
            .service(get("/types", web::route().to(discovery::types)));
    }
}

/// Mounts health, readiness, metrics and the description of the interface.
pub fn configure_operations(core: Arc<Core>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(core))
            .service(get("/healthz", web::route().to(operations::health)))
            .service(get("/readyz", web::route().to(operations::ready)))
            .service(get("/metrics", web::route().to(operations::metrics)))
            .service(get("/openapi.json", web::route().to(operations::openapi)));
    }
}

/// Answers every other path with a problem.
pub fn configure_fallback(config: &mut web::ServiceConfig) {
    config.default_service(web::to(|| async {
        Problem::new(Code::RouteUnknown, "no resource has this path").error_response()
    }));
}

/// A path that is read.
fn get(path: &str, route: Route) -> impl HttpServiceFactory + use<> {
    resource(path, route.guard(Any(Get()).or(Head())), "GET, HEAD")
}

/// A path that changes something.
fn post(path: &str, route: Route) -> impl HttpServiceFactory + use<> {
    resource(path, route.guard(Post()), "POST")
}

/// A path that is given a content.
fn put(path: &str, route: Route) -> impl HttpServiceFactory + use<> {
    resource(path, route.guard(Put()), "PUT")
}

/// A path with its methods, within the deadline.
fn resource(path: &str, route: Route, allow: &'static str) -> impl HttpServiceFactory + use<> {
    let other_method = move || async move {
        let mut response = Problem::new(Code::RouteMethod, "resource has other methods").error_response();
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
        response
    };
    web::resource(path).route(route).default_service(web::to(other_method)).wrap(from_fn(bounded))
}

/// Ends a request at the deadline, a slow body included, and counts what was refused. What was handed in goes on: a
/// retry with the same key finds it.
async fn bounded(
    core: web::Data<Core>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = tokio::time::timeout(core.config.limits.deadline, next.call(request)).await;
    let late = || Problem::later(Code::RequestDeadline, "request took longer than its deadline", 1);
    let mut answer = answer.unwrap_or_else(|_elapsed| Err(late().into()));
    let error = match &answer {
        Ok(response) => response.response().error(),
        Err(error) => Some(error),
    };
    if let Some(problem) = error.and_then(|error| error.as_error::<Problem>()) {
        core.metrics.refuse(problem.code);
    }
    if let Ok(response) = &mut answer {
        let nosniff = header::HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    }
    answer
}

/// An answer that is not worth asking for again within a minute.
const SHORT_CACHE: &str = "public, max-age=60";

/// The description of the interface, as it is served.
pub const OPENAPI: &str = include_str!("../../specs/openapi/issuer.json");

/// Every route, for comparing with [`OPENAPI`].
pub const ROUTES: &[(&str, &str)] = &[
    ("get", "/.well-known/did.json"),
    ("get", "/.well-known/jwt-vc-issuer"),
    ("get", "/.well-known/oauth-authorization-server"),
    ("post", "/admin/keys/compromise"),
    ("post", "/admin/keys/retire"),
    ("post", "/admin/keys/rotate"),
    ("post", "/admin/publish"),
    ("get", "/contexts/{type}/v1"),
    ("get", "/credential-types/{type}/v1"),
    ("post", "/credentials/issue"),
    ("post", "/credentials/issue/batch"),
    ("post", "/credentials/reissue"),
    ("post", "/credentials/reissue/due"),
    ("post", "/credentials/status"),
    ("post", "/credentials/verify"),
    ("get", "/healthz"),
    ("get", "/metrics"),
    ("post", "/oauth/token"),
    ("get", "/openapi.json"),
    ("post", "/presentations/verify"),
    ("get", "/readyz"),
    ("put", "/records"),
    ("get", "/status/population/{file}"),
    ("get", "/status/{list}/{file}"),
    ("get", "/trust-bundle"),
    ("get", "/trust-bundles/{name}"),
    ("get", "/types"),
];
