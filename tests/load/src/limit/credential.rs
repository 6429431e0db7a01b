//! The same credential as the issuer makes, from the same request, in types all the way.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sillok_issuer::compose::{credential_id, date_time_stamp};
use sillok_log::UnixSeconds;

use crate::rush::{ISSUER, now};

/// The body of a request.
#[derive(Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    credential: Wanted<'a>,
    #[serde(borrow)]
    options: Options<'a>,
    #[serde(borrow, rename = "idempotencyKey")]
    _idempotency_key: Option<Cow<'a, str>>,
}

/// The body of a batch.
#[derive(Deserialize)]
pub(super) struct Requests<'a> {
    #[serde(borrow)]
    pub(super) requests: Vec<Request<'a>>,
}

#[derive(Deserialize)]
struct Wanted<'a> {
    #[serde(borrow, rename = "type")]
    _types: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "credentialSubject")]
    subject: Subject<'a>,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow, rename = "facility")]
    _facility: Cow<'a, str>,
    #[serde(borrow, rename = "sourceEvent")]
    _source_event: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subject<'a> {
    #[serde(borrow)]
    family_name: Cow<'a, str>,
    #[serde(borrow)]
    given_name: Cow<'a, str>,
    #[serde(borrow)]
    birth_date: Cow<'a, str>,
    #[serde(borrow)]
    doses: Vec<Dose<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Dose<'a> {
    number: u8,
    #[serde(borrow)]
    date: Cow<'a, str>,
    #[serde(borrow)]
    vaccine: Cow<'a, str>,
    #[serde(borrow)]
    system: Cow<'a, str>,
    #[serde(borrow)]
    lot: Cow<'a, str>,
}

/// The payload, members in the order of specs/credential.md.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: &'a str,
    #[serde(rename = "type")]
    types: [&'a str; 2],
    issuer: Issuer<'a>,
    iss: &'a str,
    #[serde(rename = "validFrom")]
    valid_from: &'a str,
    #[serde(rename = "validUntil")]
    valid_until: &'a str,
    #[serde(rename = "credentialSubject")]
    subject: &'a Subject<'a>,
    #[serde(rename = "credentialStatus")]
    status: [Status<'a>; 2],
}

#[derive(Serialize)]
struct Issuer<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "statusPurpose")]
    purpose: &'static str,
    #[serde(rename = "statusListIndex")]
    index: &'a str,
    #[serde(rename = "statusListCredential")]
    list: &'static str,
}

/// Composes credentials, each with a slot of its own.
#[derive(Default)]
pub(super) struct Composer {
    next_slot: AtomicU64,
}

impl Composer {
    /// The exact payload to sign.
    pub(super) fn compose(&self, request: &Request<'_>) -> Result<String> {
        anyhow::ensure!(!request.options.subject.is_empty(), "options/subject is empty");
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("draw an id")?;
        let id = credential_id(&random);
        // Most indices have six digits.
        let index = (100_000 + self.next_slot.fetch_add(1, Ordering::Relaxed) % 900_000).to_string();
        let now = now();
        let status = [("revocation", LIST_REVOCATION), ("suspension", LIST_SUSPENSION)]
            .map(|(purpose, list)| Status { kind: "BitstringStatusListEntry", purpose, index: &index, list });
        Ok(serde_json::to_string(&Payload {
            context: ["https://www.w3.org/ns/credentials/v2", CONTEXT],
            id: &id,
            types: ["VerifiableCredential", "VaccinationCredential"],
            issuer: Issuer { id: ISSUER, name: ISSUER },
            iss: ISSUER,
            valid_from: &date_time_stamp(now)?,
            valid_until: &date_time_stamp(UnixSeconds(now.0 + VALIDITY_SECONDS))?,
            subject: &request.credential.subject,
            status,
        })?)
    }
}

/// An answer.
#[derive(Serialize)]
pub(super) struct Enveloped<'a> {
    #[serde(rename = "verifiableCredential")]
    credential: Envelope,
    receipt: &'a str,
}

#[derive(Serialize)]
struct Envelope {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> Enveloped<'a> {
    pub(super) fn new(jws: &str, receipt: &'a str) -> Self {
        let credential = Envelope {
            context: ["https://www.w3.org/ns/credentials/v2"],
            id: format!("data:application/vc+jwt,{jws}"),
            kind: "EnvelopedVerifiableCredential",
        };
        Self { credential, receipt }
    }
}

/// One of a batch.
#[derive(Serialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "verifiableCredential")]
    credential: Envelope,
    receipt: &'a str,
    status: u16,
}

impl<'a> From<Enveloped<'a>> for Item<'a> {
    fn from(Enveloped { credential, receipt }: Enveloped<'a>) -> Self {
        Self { credential, receipt, status: 201 }
    }
}

/// The answer to a batch.
#[derive(Serialize)]
pub(super) struct Results<'a> {
    pub(super) results: Vec<Item<'a>>,
}

const CONTEXT: &str = "https://health.example/contexts/vaccination/v1";
const LIST_REVOCATION: &str = "https://health.example/status/0123456789abcdef0123456789abcdef/revocation";
const LIST_SUSPENSION: &str = "https://health.example/status/0123456789abcdef0123456789abcdef/suspension";

/// As specs/credential-types/vaccination.json has it.
const VALIDITY_SECONDS: u64 = 730 * 86_400;
