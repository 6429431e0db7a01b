//! What everybody may read: keys, did:web document, contexts, types, status lists and the trust bundle.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use sillok_verifier::encoding::encode_base64url;

use super::SHORT_CACHE;
use crate::application::Core;
use crate::compose::{context_document, context_url};
use crate::error::{Code, Problem};
use crate::publish::{PublishedKey, Rendered, numbered_place};

/// `GET /.well-known/jwt-vc-issuer`: keys of credentials that are to be believed, retired ones included.
pub(super) async fn jwt_vc_issuer(core: web::Data<Core>, request: HttpRequest) -> HttpResponse {
    let keys: Vec<Value> = core.publication().keys.iter().filter_map(jwk).collect();
    let body = json!({ "issuer": core.config.public_url, "jwks": { "keys": keys } });
    document(&request, "application/json", &body)
}

/// `GET /.well-known/did.json` (did:web, VC-JOSE-COSE section 4.2).
pub(super) async fn did_document(core: web::Data<Core>, request: HttpRequest) -> HttpResponse {
    let did = did_web(&core.config.public_url);
    let publication = core.publication();
    // Each key twice: readers of JSON Web Signature 2020 know one kind of method, those of VC-JOSE-COSE the other, and `kid` of what
    // the former read names the first.
    let methods = publication.keys.iter().filter_map(jwk).flat_map(|jwk| {
        let kid = jwk["kid"].as_str().unwrap_or_default().to_owned();
        let method = |id: String, kind: &str| {
            json!({ "id": id, "type": kind, "controller": did, "publicKeyJwk": jwk })
        };
        [method(format!("{did}#{kid}"), "JsonWebKey2020"), method(format!("{did}#{kid}-jwk"), "JsonWebKey")]
    });
    let methods: Vec<Value> = methods.collect();
    let assertion: Vec<&Value> = methods.iter().map(|method| &method["id"]).collect();
    let body = json!({
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/jwk/v1",
            "https://w3id.org/security/suites/jws-2020/v1",
        ],
        "id": did,
        "alsoKnownAs": [core.config.public_url],
        "verificationMethod": methods,
        "assertionMethod": assertion,
    });
    document(&request, "application/did+json", &body)
}

/// `GET /types`: what can be issued.
pub(super) async fn types(core: web::Data<Core>, request: HttpRequest) -> HttpResponse {
    let types = core.types.iter().map(|kind| {
        let display = kind.display().iter().map(|(language, display)| {
            (language.clone(), json!({ "name": display.name, "description": display.description }))
        });
        json!({
            "name": kind.name(),
            "type": kind.type_name(),
            "display": display.collect::<serde_json::Map<String, Value>>(),
            "validity_days": kind.validity_days(),
            "schema": kind.schema(),
            "context": context_url(&core.config.public_url, kind),
            "scope": format!("issue:{}", kind.name()),
        })
    });
    let types: Vec<Value> = types.collect();
    document(&request, "application/json", &json!({ "types": types }))
}

/// `GET /contexts/<type>/v1`: the JSON-LD context of a type.
pub(super) async fn context(
    core: web::Data<Core>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let kind = core.types.get(&path).ok_or_else(unknown)?;
    let file = Rendered::new("application/ld+json", context_document(kind).into_bytes());
    Ok(rendered(&request, &file, SHORT_CACHE))
}

/// `GET /credential-types/<type>/v1`: what wallets read of a type at its `vct`.
pub(super) async fn type_metadata(
    core: web::Data<Core>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let kind = core.types.find(&path).ok_or_else(unknown)?;
    let metadata = kind.metadata(&core.config.public_url);
    let file = Rendered::new("application/json", metadata.document.clone().into_bytes());
    Ok(rendered(&request, &file, SHORT_CACHE))
}

/// `GET /trust-bundle`.
pub(super) async fn trust_bundle(core: web::Data<Core>, request: HttpRequest) -> HttpResponse {
    rendered(&request, &core.publication().bundle, BUNDLE_CACHE)
}

/// `GET /trust-bundles/<name>`.
pub(super) async fn numbered_bundle(
    core: web::Data<Core>,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let place = numbered_place(&core.config.public, &name).ok_or_else(unknown)?;
    let read = web::block(move || std::fs::read(place)).await;
    let bytes = read.ok().and_then(Result::ok).ok_or_else(unknown)?;
    //= specs/trust-bundle.md#publication
    let (media_type, cache) = match name.as_str() {
        "latest" => ("application/json", BUNDLE_CACHE),
        delta if delta.contains('-') => ("application/octet-stream", IMMUTABLE_CACHE),
        _whole => ("application/json", IMMUTABLE_CACHE),
    };
    Ok(rendered(&request, &Rendered::new(media_type, bytes), cache))
}

/// `GET /status/<list>/<what>`.
pub(super) async fn status_list(
    core: web::Data<Core>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let publication = core.publication();
    let files = publication.lists.get(&path.0).ok_or_else(unknown)?;
    let file = match path.1.as_str() {
        "snapshot" => &files.snapshot,
        "revocation" => &files.revocation,
        "suspension" => &files.suspension,
        "token" => &files.token,
        _ => return Err(unknown()),
    };
    //= specs/status.md#publication
    Ok(rendered(&request, file, "public, max-age=60, stale-if-error=86400"))
}

/// `GET /status/population/<what>`.
pub(super) async fn population(
    core: web::Data<Core>,
    request: HttpRequest,
    what: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let publication = core.publication();
    let files = &publication.population;
    let file = match what.as_str() {
        "trust-bundle" => Some(&files.bundle),
        "whole" => files.whole.as_ref(),
        other => other.strip_prefix("from-").and_then(|digest| files.from.get(digest)),
    };
    //= specs/status.md#publication
    Ok(rendered(&request, file.ok_or_else(unknown)?, BUNDLE_CACHE))
}

fn unknown() -> Problem {
    Problem::new(Code::RouteUnknown, "nothing is published under this path")
}

/// A key as others read it (RFC 7517): `None` for a compromised one, of which others do not know the cut.
fn jwk(key: &PublishedKey) -> Option<Value> {
    if key.compromised {
        return None;
    }
    let mut jwk: Value = serde_json::from_str(&key.key.to_jwk_json()).ok()?;
    jwk["kid"] = encode_base64url(&key.key.thumbprint().0).into();
    jwk["alg"] = key.key.algorithm().name().into();
    jwk["use"] = "sig".into();
    Some(jwk)
}

/// The did:web of an issuer URL: a port's colon is percent-encoded, and the names of a path follow behind colons.
pub(crate) fn did_web(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    format!("did:web:{}", rest.replace(':', "%3A").replace('/', ":"))
}

fn document(request: &HttpRequest, media_type: &'static str, body: &Value) -> HttpResponse {
    rendered(request, &Rendered::new(media_type, body.to_string().into_bytes()), SHORT_CACHE)
}

/// Answers with bytes and their ETag, or with 304 to whoever has them.
fn rendered(request: &HttpRequest, file: &Rendered, cache: &'static str) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let current = known.is_some_and(|known| {
        known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == file.etag)
    });
    let mut response = if current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if current {
        return response.finish();
    }
    response.content_type(file.media_type).body(file.bytes.clone())
}

/// A numbered file never changes.
const IMMUTABLE_CACHE: &str = "public, max-age=31536000, immutable";

/// A verifier that syncs every minute gets a bundle at most that old.
const BUNDLE_CACHE: &str = "public, max-age=60, stale-if-error=86400";

#[cfg(test)]
mod tests {
    use super::did_web;

    #[test]
    fn did_web_of_a_host_with_a_port_and_a_path() {
        assert_eq!(did_web("https://health.example:8443/kr/seoul"), "did:web:health.example%3A8443:kr:seoul");
        assert_eq!(did_web("https://health.example"), "did:web:health.example");
        assert_eq!(did_web("http://localhost:8080"), "did:web:localhost%3A8080");
    }
}
