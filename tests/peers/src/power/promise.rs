//! What clients were told, by the moment in the trace from which they may rely on it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sillok_log::receipt::Receipt;

use super::record::Said;

/// What a client asked for: it decides what an answer means.
#[derive(Clone)]
pub(super) enum Asked {
    /// `POST /add` of these bytes.
    Add(Vec<u8>),
    /// `POST /entries` of these entries.
    Entries(Vec<Vec<u8>>),
    /// `GET /checkpoint`.
    Checkpoint,
    /// Credentials by idempotency key.
    Credentials(Vec<String>),
    /// A change of status, or anything else that is acknowledged by its status alone.
    Other,
}

/// What somebody may rely on.
pub(super) enum Promise {
    /// The log exists.
    Begun,
    /// An entry of the log, with the checkpoint that it was proved with, if it was.
    Entry {
        index: u64,
        entry: Vec<u8>,
        checkpoint: Option<String>,
    },
    Checkpoint(String),
    Credential(Credential),
    /// A line of the program that writes a register.
    Line(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) key: String,
    pub(super) credential: String,
    pub(super) receipt: String,
}

impl Credential {
    /// Its `id`.
    pub(super) fn id(&self) -> Result<String> {
        id(&self.credential)
    }
}

/// The `id` in a compact JWS.
pub(super) fn id(credential: &str) -> Result<String> {
    let payload = URL_SAFE_NO_PAD.decode(credential.split('.').nth(1).context("a compact JWS")?)?;
    let payload: Value = serde_json::from_slice(&payload)?;
    Ok(payload["id"].as_str().context("an id")?.to_owned())
}

/// What one client asked, and the bytes of the answer.
pub(super) struct Told {
    pub(super) asked: Asked,
    pub(super) body: Vec<u8>,
}

/// Brings together what the trace says was sent and what clients say that they got.
///
/// # Errors
/// A client got what the trace does not show, or an answer of success reached nobody.
pub(super) fn promises(said: &[Said], told: Vec<Told>) -> Result<Vec<(usize, Promise)>> {
    let mut by_body: BTreeMap<Vec<u8>, Vec<Asked>> = BTreeMap::new();
    for Told { asked, body } in told {
        by_body.entry(body).or_default().push(asked);
    }
    let mut promises = Vec::new();
    for Said { at, status, body } in said {
        match status {
            0 => promises.push((*at, line(body))),
            200..300 => {
                let Some(asked) = by_body.get_mut(body).and_then(Vec::pop) else { continue };
                for promise in promised(asked, body).with_context(|| format!("answer at line {at}"))? {
                    promises.push((*at, promise));
                }
            }
            _refusal => {}
        }
    }
    let left: usize = by_body.values().map(Vec::len).sum();
    ensure!(left == 0, "{left} answers of the clients are not in the trace");
    Ok(promises)
}

/// What was told, whenever it was.
pub(super) fn again(told: Vec<Told>) -> Result<Vec<(usize, Promise)>> {
    let mut promises = Vec::new();
    for Told { asked, body } in told {
        promises.extend(promised(asked, &body)?.into_iter().map(|promise| (0, promise)));
    }
    Ok(promises)
}

fn line(body: &[u8]) -> Promise {
    let text = String::from_utf8_lossy(body).into_owned();
    if text.contains("is ready: ") { Promise::Begun } else { Promise::Line(text) }
}

fn promised(asked: Asked, body: &[u8]) -> Result<Vec<Promise>> {
    Ok(match asked {
        Asked::Add(entry) => {
            let index = std::str::from_utf8(body)?.parse().context("an index")?;
            vec![Promise::Entry { index, entry, checkpoint: None }]
        }
        Asked::Checkpoint => vec![Promise::Checkpoint(String::from_utf8(body.to_vec())?)],
        Asked::Entries(entries) => entries_of(entries, body)?,
        Asked::Credentials(asked) => {
            let json: Value = serde_json::from_slice(body)?;
            let items = match json["results"].as_array() {
                Some(items) => items.clone(),
                None => vec![json],
            };
            let mut promises = Vec::new();
            for (key, item) in asked.iter().zip(&items) {
                promises.extend(credential(key, item)?.into_iter().flat_map(with_checkpoint));
            }
            promises
        }
        Asked::Other => Vec::new(),
    })
}

fn entries_of(entries: Vec<Vec<u8>>, body: &[u8]) -> Result<Vec<Promise>> {
    let json: Value = serde_json::from_slice(body)?;
    let results = json["results"].as_array().context("results")?;
    ensure!(results.len() == entries.len(), "{} results for {} entries", results.len(), entries.len());
    let mut promises = vec![Promise::Checkpoint(json["checkpoint"].as_str().context("a checkpoint")?.into())];
    for (entry, result) in entries.into_iter().zip(results) {
        let Some(receipt) = result["receipt"].as_str() else { bail!("an entry is refused: {result}") };
        let receipt = Receipt::parse(receipt.as_bytes())?;
        let index = result["index"].as_u64().context("an index")?;
        promises.push(Promise::Entry { index, entry, checkpoint: Some(receipt.checkpoint) });
    }
    Ok(promises)
}

fn credential(key: &str, item: &Value) -> Result<Option<Credential>> {
    let Some(id) = item["verifiableCredential"]["id"].as_str() else { return Ok(None) };
    let credential = id.strip_prefix("data:application/vc+jwt,").context("an enveloped credential")?.into();
    let receipt = STANDARD.decode(item["receipt"].as_str().context("a receipt")?)?;
    let receipt = String::from_utf8(receipt)?;
    Ok(Some(Credential { key: key.into(), credential, receipt }))
}

fn with_checkpoint(credential: Credential) -> Vec<Promise> {
    let receipt = Receipt::parse(credential.receipt.as_bytes()).ok();
    let checkpoint = receipt.map(|receipt| Promise::Checkpoint(receipt.checkpoint));
    checkpoint.into_iter().chain([Promise::Credential(credential)]).collect()
}
