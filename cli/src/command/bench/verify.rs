//! Verification offline, everything included: signature, validity, inclusion, status.

use std::time::Instant;

use anyhow::{anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_client::Source;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, Verdict, verify};

use super::figure::Figure;
use super::issue::{World, issue_batch};
use super::{Bench, limit};
use crate::command::status::publish;

pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let limits = vec![limit::verifications()?];
    let world = World::start(bench)?;
    let operator = world.operator(bench)?;
    let mut issued = Vec::new();
    for item in issue_batch(&operator, 0, CREDENTIALS)? {
        let credential = item["verifiableCredential"]["id"].as_str();
        let credential = credential.and_then(|id| id.strip_prefix("data:application/vc+jwt,"));
        let receipt = item["receipt"].as_str().and_then(|text| STANDARD.decode(text).ok());
        match (credential, receipt) {
            (Some(credential), Some(receipt)) => issued.push((credential.to_owned(), receipt)),
            _missing => bail!("an answer has no credential or no receipt"),
        }
    }
    publish(&operator)?;
    let bundle = Source::open(world.running.url())?.published("trust-bundle", MAX_CONTAINER_BYTES)?;
    let bundle = bundle.ok_or_else(|| anyhow!("there is no trust bundle"))?;
    drop(operator);
    world.running.stop()?;

    let now = (bench.context.clock)();
    let (trust, mut memory) = Trust::open(&bundle, None, &Memory::default(), now)?;
    let policy = Policy::new(Holder::NotAsked);
    let (began, mut verified) = (Instant::now(), 0_u64);
    while began.elapsed() < bench.time {
        for (credential, receipt) in &issued {
            let evidence =
                Evidence { credential: credential.as_bytes(), receipt: Some(receipt), statuses: &[] };
            let (verdict, kept) = verify(&evidence, &trust, &memory, &policy, now);
            memory = kept;
            if let Verdict::Invalid(reason) | Verdict::Unknown(reason) = verdict {
                bail!("a good credential is judged {reason} ({})", reason.code());
            }
            verified += 1;
        }
    }
    let rate = verified as f64 / began.elapsed().as_secs_f64();
    Ok(vec![Figure {
        name: "verify: credentials offline, one core",
        unit: "verifications/s",
        rate,
        latency: None,
        limits,
    }])
}

/// Different ones, in turn.
const CREDENTIALS: usize = 500;
