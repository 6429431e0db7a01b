//! The same HTTP server as the registry's, with nothing behind it: what the network and the load tool alone can do.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::{Context as _, Result};

/// Serves `POST /add` on a free port of the loopback until the process is stopped: counts, and answers the count.
///
/// # Errors
/// There is no port.
pub fn serve(_arguments: &[String]) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen on a free port")?;
    println!("listening on http://{}", listener.local_addr()?);
    let count = Data::new(AtomicU64::new(0));
    let app = move || {
        let add =
            web::resource("/add").route(web::post().to(add)).app_data(web::PayloadConfig::new(MAX_BYTES));
        App::new().app_data(count.clone()).service(add)
    };
    // The settings of the registry's own server.
    let server = HttpServer::new(app)
        .workers(std::thread::available_parallelism().map_or(1, usize::from))
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(60))
        .listen(listener)?;
    actix_web::rt::System::new().block_on(server.run())?;
    Ok(())
}

async fn add(body: Bytes, count: Data<AtomicU64>) -> HttpResponse {
    if body.is_empty() {
        return HttpResponse::BadRequest().finish();
    }
    let index = count.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body(index.to_string())
}

/// As much as `/add` of the registry takes (specs/log.md, "Raw submission").
const MAX_BYTES: usize = 65_535;
