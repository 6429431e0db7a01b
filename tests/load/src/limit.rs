//! The limit that figures of issuing are compared with: the same requests and answers over the same HTTP server, the
//! same credential with the same signature, and nothing else: no log, no journal, no check of what was signed.
//!
//! `load limit` serves it in a process of its own; the measurements start it. It is as fast as an honest service that
//! only signs: JSON is parsed into types and written from types, and nothing waits for anything.

use std::io::Write as _;
use std::net::SocketAddr;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context as _, Result, bail};
use sillok_issuer::sign::{Signer as _, sign_compact};
use sillok_verifier::jws::TokenType;

mod credential;
mod receipt;
mod signer;

use credential::{Composer, Enveloped, Item, Request, Requests, Results};
use signer::Plain;

/// Serves until the process is ended. Arguments: the address to listen on, and the bearer token that is asked for.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [listen, token] = arguments else {
        bail!("limit takes an address to listen on and a bearer token: `load limit 127.0.0.1:0 TOKEN`")
    };
    let listen: SocketAddr = listen.parse().with_context(|| format!("{listen:?} is no address and port"))?;
    let state = Data::new(Limit::new(token)?);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::clone(&state))
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
                .route("/credentials/issue", web::post().to(issue))
                .route("/credentials/issue/batch", web::post().to(issue_batch))
        })
        .workers(std::thread::available_parallelism().map_or(1, usize::from))
        .bind(listen)
        .with_context(|| format!("listen on {listen}"))?;
        let address = server.addrs().first().copied().context("the listener has no address")?;
        let mut output = std::io::stdout();
        writeln!(output, "limit: listening on http://{address}").context("say where the limit listens")?;
        output.flush().context("say where the limit listens")?;
        Ok(server.run().await?)
    })
}

/// What all requests share.
struct Limit {
    authorization: String,
    signer: Plain,
    composer: Composer,
    receipt: String,
}

impl Limit {
    fn new(token: &str) -> Result<Self> {
        let signer = Plain::generate()?;
        Ok(Self {
            authorization: format!("Bearer {token}"),
            receipt: receipt::of_usual_size(&signer.thumbprint()),
            signer,
            composer: Composer::default(),
        })
    }

    fn knows(&self, request: &HttpRequest) -> bool {
        let header = request.headers().get(header::AUTHORIZATION);
        header.is_some_and(|header| header.as_bytes() == self.authorization.as_bytes())
    }

    fn answer(&self, request: &Request<'_>) -> Result<Enveloped<'_>> {
        let payload = self.composer.compose(request)?;
        let jws = sign_compact(&self.signer, &payload, TokenType::CREDENTIAL)?;
        Ok(Enveloped::new(jws.text(), &self.receipt))
    }
}

async fn issue(limit: Data<Limit>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if !limit.knows(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    if request.headers().get("Idempotency-Key").is_none() {
        return HttpResponse::BadRequest().finish();
    }
    let Ok(order) = serde_json::from_slice::<Request<'_>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    match limit.answer(&order) {
        Ok(answer) => HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(answer),
        Err(_not_signed) => HttpResponse::InternalServerError().finish(),
    }
}

async fn issue_batch(limit: Data<Limit>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if !limit.knows(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(Requests { requests }) = serde_json::from_slice::<Requests<'_>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let answers = requests.iter().map(|request| limit.answer(request).map(Item::from));
    match answers.collect::<Result<Vec<_>>>() {
        Ok(results) => {
            HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Results { results })
        }
        Err(_not_signed) => HttpResponse::InternalServerError().finish(),
    }
}

/// As the issuer takes for a batch.
const MAX_BODY_BYTES: usize = 2 << 20;
