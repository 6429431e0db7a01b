//! Credentials with both kinds of receipts, by a log and an issuer that are made for it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_client::Source;
use sillok_client::landmark::LandmarkProver;
use sillok_log::receipt::{IssueExtra, Receipt};
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::key::PublicKey;
use sillok_verifier::memory::MAX_CHECKED;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{Memory, Trust};

use super::super::Bench;
use super::super::issue::{World, issue_batch};
use crate::command::status::publish;

/// A trust bundle and what it makes valid.
pub(super) struct Prepared {
    pub(super) bundle: Vec<u8>,
    /// Many of them have the same checkpoint in their receipts.
    pub(super) together: Vec<Issued>,
    /// Each has a checkpoint of its own, and they are more than a verifier keeps.
    pub(super) apart: Vec<Issued>,
}

/// A credential with its receipts.
pub(super) struct Issued {
    pub(super) credential: String,
    /// With the whole checkpoint.
    pub(super) receipt: Vec<u8>,
    /// Relative to the landmark.
    pub(super) landmark: Vec<u8>,
}

pub(super) fn prepare(bench: &Bench<'_>) -> anyhow::Result<Prepared> {
    let world = World::start(bench)?;
    let operator = world.operator(bench)?;
    let mut items = Vec::new();
    for number in 0..APART {
        items.extend(issue_batch(&operator, number, 1)?);
    }
    for batch in 0..BATCHES {
        items.extend(issue_batch(&operator, APART + batch * BATCH as u64, BATCH)?);
    }
    publish(&operator)?;
    drop(operator);
    let world = world.restart(bench, |folder| {
        // An hour later, as far as the log's files say: what it has shown, it keeps.
        let list = folder.place.public().join("landmarks");
        Ok(fs::write(list, format!("1 1\n{LANDMARK}\n0\n"))?)
    })?;
    publish(&world.operator(bench)?)?;
    let source = Source::open(world.running.url())?;
    let bundle = source.published("trust-bundle", MAX_CONTAINER_BYTES)?;
    let bundle = bundle.ok_or_else(|| anyhow!("there is no trust bundle"))?;
    let (trust, _memory) = Trust::open(&bundle, None, &Memory::default(), (bench.context.clock)())?;
    let jitter = Arc::new(|_most: Duration| Duration::ZERO);
    let mut prover = LandmarkProver::new(&source, trust.policy(), jitter, &thread::sleep);
    let (mut together, mut apart) = (Vec::new(), Vec::new());
    for (number, item) in (0..).zip(&items) {
        let credential = item["verifiableCredential"]["id"].as_str();
        let credential = credential.and_then(|id| id.strip_prefix("data:application/vc+jwt,"));
        let receipt = item["receipt"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let (Some(credential), Some(receipt)) = (credential, receipt) else {
            bail!("an answer has no credential or no receipt")
        };
        let full = Receipt::parse(&receipt)?;
        if full.index.0 >= LANDMARK {
            continue;
        }
        let extra = full.extra.as_deref().context("a receipt has no extra")?;
        let token = Jws::parse(credential.as_bytes(), TokenType::CREDENTIAL)?;
        let entry = IssueExtra::parse(extra)?.entry(token.signing_input(), token.header().key_id);
        let landmark = prover.receipt(&entry.leaf_hash(), full.index, extra)?.encode();
        let issued = Issued { credential: credential.to_owned(), receipt, landmark };
        if number < APART { apart.push(issued) } else { together.push(issued) }
    }
    world.running.stop()?;
    let checkpoints = distinct_checkpoints(&apart)?;
    if checkpoints != apart.len() || checkpoints <= MAX_CHECKED {
        bail!("{} credentials that were issued apart have {checkpoints} checkpoints", apart.len());
    }
    Ok(Prepared { bundle, together, apart })
}

impl Prepared {
    /// The key that signed all of them.
    pub(super) fn key(&self, trust: &Trust) -> anyhow::Result<PublicKey> {
        let first = self.together.first().context("nothing was issued")?;
        let token = Jws::parse(first.credential.as_bytes(), TokenType::CREDENTIAL)?;
        let mut keys = trust.root().issuers.iter().flat_map(|issuer| &issuer.keys).map(|known| known.key);
        keys.find(|key| key.thumbprint() == token.header().key_id).context("the bundle has not the key")
    }
}

/// How many checkpoints there are in the receipts.
pub(super) fn distinct_checkpoints(issued: &[Issued]) -> anyhow::Result<usize> {
    let checkpoints: Result<BTreeSet<String>, _> =
        issued.iter().map(|one| Receipt::parse(&one.receipt).map(|receipt| receipt.checkpoint)).collect();
    Ok(checkpoints?.len())
}

/// Issued one after another, each waited for, before the batches.
const APART: u64 = 2 * MAX_CHECKED as u64;

/// Different ones, in turn.
const BATCHES: u64 = 6;
const BATCH: usize = 100;

/// Where the landmark is: full tiles below it.
const LANDMARK: u64 = 512;
