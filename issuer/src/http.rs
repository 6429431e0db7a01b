//! The issuer's interface: routes, and what holds for all of them. The handlers are in the files below.
//!
//! A process that serves a registry too mounts [`configure`] and its own operations; one that serves the issuer alone
//! mounts [`configure_operations`] and [`configure_fallback`] as well.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{Any, Get, Head, Options, Post, Put};
use actix_web::http::{Method, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Resource, ResponseError as _, Route, web};

use crate::application::Core;
use crate::auth::TOKEN_PATH;
use crate::error::{Code, Problem};
use crate::openid::http::{
    self as openid, CREDENTIAL_PATH, DEFERRED_PATH, NONCE_PATH, NOTIFICATION_PATH, OFFERS_PATH,
};

mod administration;
pub(crate) mod authentication;
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
        let path = core.config.path().to_owned();
        // Below the issuer's URL, and what is well known: inserted before its path (RFC 8414 section 3.1).
        let get = |place: &str, route| get(&format!("{path}{place}"), route);
        let post = |place: &str, route| post(&format!("{path}{place}"), route);
        let put = |place: &str, route| put(&format!("{path}{place}"), route);
        let wallet_get = |place: &str, route| wallet(&format!("{path}{place}"), route, Method::GET);
        let wallet_post = |place: &str, route| wallet(&format!("{path}{place}"), route, Method::POST);
        let well_known = |name: &str, route| self::get(&format!("/.well-known/{name}{path}"), route);
        let wallet_well_known =
            |name: &str, route| wallet(&format!("/.well-known/{name}{path}"), route, Method::GET);
        // did:web: of a host at its well-known place, of a path below it.
        let did = if path.is_empty() { "/.well-known/did.json" } else { "/did.json" };
        config
            .app_data(web::Data::from(core))
            .service(wallet_post(TOKEN_PATH, web::route().to(authentication::token)))
            .service(post(OFFERS_PATH, web::route().to(openid::offer)))
            .service(wallet_get(&format!("{OFFERS_PATH}/{{reference}}"), web::route().to(openid::fetch)))
            .service(wallet_post(NONCE_PATH, web::route().to(openid::nonce)))
            .service(wallet_post(CREDENTIAL_PATH, web::route().to(openid::credential)))
            .service(wallet_post(DEFERRED_PATH, web::route().to(openid::deferred)))
            .service(wallet_post(NOTIFICATION_PATH, web::route().to(openid::notification)))
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
            .service(wallet_well_known(
                "oauth-authorization-server",
                web::route().to(authentication::metadata),
            ))
            .service(wallet_well_known("openid-credential-issuer", web::route().to(openid::metadata)))
            .service(well_known("jwt-vc-issuer", web::route().to(discovery::jwt_vc_issuer)))
            .service(get(did, web::route().to(discovery::did_document)))
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

/// A path that wallets ask for, those in browsers too.
fn wallet(path: &str, route: Route, method: Method) -> impl HttpServiceFactory + use<> {
    let (route, allow) = if method == Method::GET {
        (route.guard(Any(Get()).or(Head())), "GET, HEAD, OPTIONS")
    } else {
        (route.guard(Post()), "OPTIONS, POST")
    };
    let preflight = web::route().guard(Options()).to(openid::preflight);
    unbounded(path, route, allow).route(preflight).wrap(from_fn(bounded)).wrap(from_fn(open_to_scripts))
}

/// Lets scripts of any origin read the answer.
async fn open_to_scripts(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut answer = next.call(request).await?;
    openid::open_to_scripts(answer.headers_mut());
    Ok(answer)
}

/// A path that is given a content.
fn put(path: &str, route: Route) -> impl HttpServiceFactory + use<> {
    resource(path, route.guard(Put()), "PUT")
}

/// A path with its methods, within the deadline.
fn resource(path: &str, route: Route, allow: &'static str) -> impl HttpServiceFactory + use<> {
    unbounded(path, route, allow).wrap(from_fn(bounded))
}

fn unbounded(path: &str, route: Route, allow: &'static str) -> Resource {
    let other_method = move || async move {
        let mut response = Problem::new(Code::RouteMethod, "resource has other methods").error_response();
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
        response
    };
    web::resource(path).route(route).default_service(web::to(other_method))
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
    ("get", "/.well-known/openid-credential-issuer"),
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
    ("post", "/offers"),
    ("get", "/offers/{reference}"),
    ("get", "/openapi.json"),
    ("post", "/openid/credential"),
    ("post", "/openid/deferred"),
    ("post", "/openid/nonce"),
    ("post", "/openid/notification"),
    ("post", "/presentations/verify"),
    ("get", "/readyz"),
    ("put", "/records"),
    ("get", "/status/population/{file}"),
    ("get", "/status/{list}/{file}"),
    ("get", "/trust-bundle"),
    ("get", "/trust-bundles/{name}"),
    ("get", "/types"),
];
