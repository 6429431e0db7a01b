//! What a monitor sees, in the text format of Prometheus 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use anyhow::Context as _;
use sillok_log::UnixSeconds;
use sillok_log::audit::{Counts, Hours};
use sillok_log::entry::{EntryKind, Thumbprint};
use sillok_registry::http::{self as registry_http, HttpConfig};
use sillok_verifier::encoding::encode_base64url;

use super::super::audit::{MAX_KEYS, Report, busiest, kind_name, rfc3339};
use super::Webhook;
use crate::output;

#[derive(Default)]
pub(super) struct Metrics {
    looks: u64,
    failures: u64,
    /// Of the last look that succeeded.
    last: String,
    page: Arc<Mutex<String>>,
}

impl Metrics {
    /// Serves the page from a thread that lasts as long as the process.
    pub(super) fn serve(&self, address: SocketAddr) -> anyhow::Result<()> {
        let listener =
            TcpListener::bind(address).with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr()?;
        let page = Data::from(Arc::clone(&self.page));
        let configure = move |services: &mut ServiceConfig| {
            services.app_data(page.clone());
            services.route("/metrics", web::get().to(metrics));
            services.route("/healthz", web::get().to(healthz));
        };
        thread::spawn(move || {
            let config = HttpConfig { workers: 1, max_connections: MAX_CONNECTIONS, ..HttpConfig::default() };
            let served = actix_web::rt::System::new()
                .block_on(async move { registry_http::server(listener, &config, configure)?.await });
            if let Err(error) = served {
                tracing::error!(%error, "metrics are not served");
            }
        });
        self.show();
        output::line(format_args!("sillok: listening on http://{address}"))
    }

    pub(super) fn failed(&mut self) {
        self.looks += 1;
        self.failures += 1;
        self.show();
    }

    pub(super) fn looked(
        &mut self,
        report: &Report,
        origin: &str,
        webhook: Option<&Webhook>,
        now: UnixSeconds,
    ) {
        self.looks += 1;
        let mut out = String::new();
        let mut put = |name: &str, help: &str, lines: &[(String, u64)]| {
            // Writing to a String cannot fail.
            write!(out, "# HELP sillok_monitor_{name} {help}\n# TYPE sillok_monitor_{name} gauge\n")
                .unwrap_or_default();
            for (labels, value) in lines {
                writeln!(out, "sillok_monitor_{name}{labels} {value}").unwrap_or_default();
            }
        };
        let one = |value: u64| vec![(String::new(), value)];
        put("last_look_seconds", "When the log was looked at last (Unix time).", &one(now.0));
        put("findings", "What is wrong.", &one(report.total()));
        put("not_checked", "What could not be looked at.", &one(report.unchecked().len() as u64));
        if let Some(found) = report.of_log() {
            let (counts, checkpoint) = (&found.counts, &found.checkpoint);
            let origin: String = origin.chars().filter(|c| !c.is_control() && !"\\\"".contains(*c)).collect();
            put(
                "size",
                "Entries of the checkpoint.",
                &[(format!("{{origin=\"{origin}\"}}"), checkpoint.size.0)],
            );
            put("replayed", "Entries that were replayed.", &one(found.replayed.0));
            let kinds = EntryKind::ALL
                .map(|kind| (format!("{{kind=\"{}\"}}", kind_name(kind)), counts.of_kind(kind)));
            put("entries", "Entries by kind.", &kinds);
            let keys: Vec<_> = busiest(counts.issued_by_key(), MAX_KEYS)
                .iter()
                .filter_map(|key| Some((key, counts.issued_by_key().get(key)?)))
                .map(|(key, count)| (format!("{{kid=\"{}\"}}", encode_base64url(&key.0)), *count))
                .collect();
            put("issued", "Issue entries by issuer key, of the keys with most.", &keys);
            let issued = counts.issued_by_hour();
            put(
                "issued_by_key_and_hour",
                "Issue entries by issuer key within the last hours that have any, of the keys with most.",
                &by_key_and_hour(counts, &issued),
            );
            for (name, help, hours) in [
                ("issued_by_hour", "Issue entries by hour, the last hours that have any.", &issued),
                (
                    "revoked_by_hour",
                    "Revocations by hour, the last hours that have any.",
                    counts.revoked_by_hour(),
                ),
            ] {
                let hours: Vec<_> = hours
                    .counts()
                    .iter()
                    .rev()
                    .take(HOURS)
                    .map(|(hour, count)| (format!("{{hour=\"{}\"}}", rfc3339(*hour)), *count))
                    .collect();
                put(name, help, &hours);
            }
        }
        if let Some(floor) = report.time_floor() {
            put(
                "cosigned_seconds",
                "The time at or after which the quorum cosigned (Unix time).",
                &one(floor.0),
            );
        }
        if let Some((posted, given_up)) = webhook.map(Webhook::counts) {
            put("webhook_posted", "Findings that the webhook took.", &one(posted));
            put("webhook_given_up", "Findings that it did not take.", &one(given_up));
        }
        self.last = out;
        self.show();
    }

    fn show(&self) {
        let mut page = String::new();
        for (name, help, value) in [
            ("looks_total", "How often the log was looked at.", self.looks),
            ("failures_total", "How often it could not be.", self.failures),
        ] {
            write!(
                page,
                "# HELP sillok_monitor_{name} {help}\n# TYPE sillok_monitor_{name} counter\nsillok_monitor_{name} {value}\n"
            )
            .unwrap_or_default();
        }
        page.push_str(&self.last);
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

/// At most [`HOURS`] times [`MAX_KEYS`] of them.
fn by_key_and_hour(counts: &Counts, issued: &Hours) -> Vec<(String, u64)> {
    let hours: Vec<&UnixSeconds> = issued.counts().keys().rev().take(HOURS).collect();
    let Some(first) = hours.last().copied() else { return Vec::new() };
    let mut recent: BTreeMap<Thumbprint, u64> = BTreeMap::new();
    let by_both = counts.issued_by_key_and_hour();
    for ((key, hour), count) in by_both.counts() {
        if hour >= first {
            *recent.entry(*key).or_default() += count;
        }
    }
    let mut lines = Vec::new();
    for key in busiest(&recent, MAX_KEYS) {
        for (hour, count) in by_both.of_key(key).filter(|(hour, _count)| hour >= first) {
            let (kid, hour) = (encode_base64url(&key.0), rfc3339(hour));
            lines.push((format!("{{kid=\"{kid}\",hour=\"{hour}\"}}"), count));
        }
    }
    lines
}

/// `GET /metrics`.
async fn metrics(page: Data<Mutex<String>>) -> HttpResponse {
    let page = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(page)
}

/// `GET /healthz`: the process can answer.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// A monitor's page is asked for by few.
const MAX_CONNECTIONS: usize = 64;

/// A label for each hour that a log names would be without bound.
const HOURS: usize = 48;
