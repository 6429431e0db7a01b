//! Static files: the checkpoint, the tiles, and what an issuer publishes beside them.
//!
//! Whoever serves the public folder by another program needs the same table of types and caching.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};
use sillok_log::Hash;
use sillok_log::tile::Tile;

use super::{Endpoint, Problem, State};

/// How a kind of file is served.
struct Style {
    content_type: &'static str,
    cache_control: &'static str,
}

//= specs/log.md#static-files
const CHECKPOINT: Style = Style {
    content_type: "text/plain; charset=utf-8",
    cache_control: "public, max-age=1, stale-while-revalidate=5, stale-if-error=600",
};

//= specs/log.md#static-files
const TILE: Style =
    Style { content_type: "application/octet-stream", cache_control: "public, max-age=31536000, immutable" };

//= specs/landmarks.md#published-list
const LANDMARKS: Style = Style {
    content_type: "text/plain; charset=utf-8",
    cache_control: "public, max-age=300, stale-if-error=86400",
};

//= specs/status.md#publication
const SNAPSHOT: Style = Style { content_type: "application/json", cache_control: ISSUED };

const RENDERING: Style = Style { content_type: "application/vc+jwt", cache_control: ISSUED };

const STATUS_TOKEN: Style = Style { content_type: "application/statuslist+jwt", cache_control: ISSUED };

const POPULATION: Style = Style { content_type: "application/octet-stream", cache_control: ISSUED };

const TRUST_BUNDLE: Style = Style { content_type: "application/json", cache_control: ISSUED };

/// `GET /checkpoint`, out of memory: the writer keeps what it published last.
pub(super) async fn checkpoint(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let note = state.handle().published().note.clone();
    let result = Ok(respond(&request, &CHECKPOINT, &Digested::new(note.into())));
    state.answer(Endpoint::Checkpoint, result)
}

/// `GET /tile/…`.
pub(super) async fn tile(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let result = match relative(&request).filter(|path| Tile::parse(path).is_ok()) {
        Some(path) => serve(&request, &state, path, &TILE).await,
        None => Err(Problem::not_found(request.path())),
    };
    state.answer(Endpoint::Tile, result)
}

/// `GET /status/<list>/<file>`.
pub(super) async fn status(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let known = relative(&request).and_then(|path| Some((path, style_of_status(path)?)));
    let result = match known {
        Some((path, style)) => serve(&request, &state, path, style).await,
        None => Err(Problem::not_found(request.path())),
    };
    state.answer(Endpoint::Status, result)
}

/// `GET /landmarks`.
pub(super) async fn landmarks(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let result = serve(&request, &state, "landmarks", &LANDMARKS).await;
    state.answer(Endpoint::Landmarks, result)
}

/// `GET /trust-bundle`.
pub(super) async fn trust_bundle(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let result = serve(&request, &state, "trust-bundle", &TRUST_BUNDLE).await;
    state.answer(Endpoint::TrustBundle, result)
}

/// The path as it was asked for: what is percent-encoded is not canonical and matches no file.
fn relative(request: &HttpRequest) -> Option<&str> {
    request.uri().path().strip_prefix('/')
}

fn style_of_status(path: &str) -> Option<&'static Style> {
    let (list, file) = path.strip_prefix("status/")?.split_once('/')?;
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    if list == "population" {
        return match file.strip_prefix("from-") {
            None if file == "trust-bundle" => Some(&TRUST_BUNDLE),
            None => (file == "whole").then_some(&POPULATION),
            Some(digest) => is_hex(digest, 64).then_some(&POPULATION),
        };
    }
    if !is_hex(list, 32) {
        return None;
    }
    match file {
        "revocation" | "suspension" => Some(&RENDERING),
        "snapshot" => Some(&SNAPSHOT),
        "token" => Some(&STATUS_TOKEN),
        _unknown => None,
    }
}

/// `path` is one of the names above: nothing of it comes unchecked from the request.
async fn serve(
    request: &HttpRequest,
    state: &State,
    path: &str,
    style: &Style,
) -> Result<HttpResponse, Problem> {
    let file: PathBuf = state.public().join(path);
    // Reading may wait for a disk, hashing takes a while for large files: not on a thread that serves others.
    match web::block(move || read(&file)).await {
        Ok(Ok(Some(digested))) => Ok(respond(request, style, &digested)),
        Ok(Ok(None)) => Err(Problem::not_found(request.path())),
        Ok(Err(error)) => {
            tracing::error!(%error, path, "public file cannot be read");
            Err(unreadable(path))
        }
        Err(_ended) => Err(unreadable(path)),
    }
}

fn unreadable(path: &str) -> Problem {
    let detail = format!("/{path} cannot be read at the moment");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "log.unreadable", detail)
}

fn read(path: &Path) -> io::Result<Option<Digested>> {
    let file = match File::open(path) {
        // A folder in the place of a file, or a file in the place of a folder, is nothing that is served.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other?,
    };
    let length = file.metadata()?.len();
    if length > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "{length} bytes are more than the {MAX_FILE_BYTES} that are served"
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(Digested::new(bytes.into())))
}

/// Bytes with their strong validator.
struct Digested {
    bytes: Bytes,
    etag: String,
}

impl Digested {
    fn new(bytes: Bytes) -> Self {
        let etag = format!("\"{}\"", Hash(Sha256::digest(&bytes).into()).to_hex());
        Self { bytes, etag }
    }
}

fn respond(request: &HttpRequest, style: &Style, file: &Digested) -> HttpResponse {
    let fresh = is_fresh(request.headers(), &file.etag);
    let mut response = HttpResponse::build(if fresh { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, style.cache_control));
    if fresh { response.finish() } else { response.content_type(style.content_type).body(file.bytes.clone()) }
}

/// RFC 9110 section 13.1.2, by weak comparison: a cache on the way may have weakened the tag.
fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What the issuer publishes anew every minute or so (specs/status.md).
const ISSUED: &str = "public, max-age=60, stale-if-error=86400";

/// Longest file that is served, in bytes: a bundle of 256 raw entries of 65,535 bytes with their lengths is just below
/// 16 MiB, a snapshot file has at most that (specs/status.md), and a trust bundle holds several.
const MAX_FILE_BYTES: u64 = 64 << 20;
