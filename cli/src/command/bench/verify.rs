//! Verification offline, everything included, beside the signature check alone with the same provider: in one run, in turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use sillok_provider_aws_lc::AwsLc;
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::key::PublicKey;
use sillok_verifier::{
    Evidence, Holder, Memory, Policy, RustCrypto, Signatures, Trust, UnixSeconds, Verdict, verify,
};

use super::Bench;
use super::figure::{Figure, Limit};

mod issued;

use issued::{Issued, Prepared};

pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let prepared = issued::prepare(bench)?;
    let now = (bench.context.clock)();
    let (trust, memory) = Trust::open(&prepared.bundle, None, &Memory::default(), now)?;
    let key = prepared.key(&trust)?;
    let checkpoints = issued::distinct_checkpoints(&prepared.together)?;
    let mut figures = vec![Figure {
        name: "receipts of one checkpoint, where it is shared",
        unit: "receipts",
        rate: prepared.together.len() as f64 / checkpoints as f64,
        latency: None,
        limits: Vec::new(),
    }];
    for (names, provider) in PROVIDERS {
        // A door of its own for each kind: what one kind made known must not help another.
        let memories = [(); KINDS].map(|()| memory.clone());
        let door = Door { trust: &trust, memories, provider, now, key };
        figures.extend(measure_one(&prepared, door, names, bench.time)?);
    }
    Ok(figures)
}

/// What is measured, in this order: the check alone, full receipts that share checkpoints, full receipts each with a
/// checkpoint that is not known, and receipts by landmark.
const KINDS: usize = 4;

/// What the figures of a provider are called: the kinds, and the quotients of all but the first.
type Names = ([&'static str; KINDS], [&'static str; KINDS - 1]);

macro_rules! names {
    ($provider:literal) => {
        (
            [
                concat!("ES256 check alone, ", $provider),
                concat!("verify: full receipt, checkpoint shared, ", $provider),
                concat!("verify: full receipt, each its checkpoint, ", $provider),
                concat!("verify: by landmark, ", $provider),
            ],
            [
                concat!("time: full receipt, checkpoint shared, ", $provider),
                concat!("time: full receipt, each its checkpoint, ", $provider),
                concat!("time: by landmark, ", $provider),
            ],
        )
    };
}

static PROVIDERS: [(Names, &dyn Signatures); 2] = [(names!("p256"), &RustCrypto), (names!("AWS-LC"), &AwsLc)];

/// What is at the door.
struct Door<'a> {
    trust: &'a Trust,
    memories: [Memory; KINDS],
    provider: &'a dyn Signatures,
    now: UnixSeconds,
    key: PublicKey,
}

/// All kinds of work in turns of a few milliseconds, on one core, so that whatever else the machine does slows all of them alike.
fn measure_one(
    prepared: &Prepared,
    mut door: Door<'_>,
    (kinds, quotients): Names,
    time: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let tokens: Vec<Jws<'_>> = prepared
        .together
        .iter()
        .map(|one| Jws::parse(one.credential.as_bytes(), TokenType::CREDENTIAL))
        .collect::<Result<_, _>>()?;
    let mut spent = [Duration::ZERO; KINDS];
    let mut done = [0_u64; KINDS];
    let began = Instant::now();
    // Half a minute of nothing else would heat the core for whoever comes last: the first turns are not counted.
    let warm = time / 10;
    let mut first = 0;
    while began.elapsed() < time * 4 {
        let counts = began.elapsed() >= warm;
        for kind in 0..KINDS {
            let turn = Instant::now();
            for number in first..first + TURN {
                let together = number % prepared.together.len();
                match kind {
                    0 => {
                        let token = black_box(&tokens[together]);
                        let checked =
                            door.key.verify_with(door.provider, token.signing_input(), token.signature());
                        checked.map_err(|error| anyhow!("a good signature is refused: {error}"))?;
                    }
                    2 => {
                        let issued = &prepared.apart[number % prepared.apart.len()];
                        door.admit(kind, issued, &issued.receipt)?;
                    }
                    _together => {
                        let issued = &prepared.together[together];
                        let receipt = if kind == 1 { &issued.receipt } else { &issued.landmark };
                        door.admit(kind, issued, receipt)?;
                    }
                }
            }
            if counts {
                spent[kind] += turn.elapsed();
                done[kind] += TURN as u64;
            }
        }
        first += TURN;
    }
    let rates: Vec<f64> =
        done.iter().zip(spent).map(|(done, spent)| *done as f64 / spent.as_secs_f64()).collect();
    Ok(figures(kinds, quotients, &rates))
}

/// The kinds beside the check alone, which bounds them, and by how much they take longer.
fn figures(kinds: [&'static str; KINDS], quotients: [&'static str; KINDS - 1], rates: &[f64]) -> Vec<Figure> {
    let unit = "verifications/s";
    let limit = Limit { name: kinds[0], unit, rate: rates[0] };
    let kinds = kinds.into_iter().zip(rates).skip(1);
    let times = quotients.into_iter().zip(&rates[1..]).map(|(name, rate)| Figure {
        name,
        unit: "times the check alone",
        rate: limit.rate / rate,
        latency: None,
        limits: Vec::new(),
    });
    kinds
        .map(|(name, rate)| Figure { name, unit, rate: *rate, latency: None, limits: vec![limit] })
        .chain(times)
        .collect()
}

impl Door<'_> {
    fn admit(&mut self, kind: usize, issued: &Issued, receipt: &[u8]) -> anyhow::Result<()> {
        let policy = Policy::new(Holder::NotAsked).with_signatures(self.provider);
        let evidence = Evidence::new(black_box(issued.credential.as_bytes()), receipt);
        let (verdict, kept) = verify(&evidence, self.trust, &self.memories[kind], &policy, self.now);
        self.memories[kind] = kept;
        match verdict {
            Verdict::Valid(_) => Ok(()),
            Verdict::Invalid(reason) | Verdict::Unknown(reason) => {
                bail!("a good credential is judged {reason} ({})", reason.code())
            }
        }
    }
}

/// Credentials of one turn: a few milliseconds.
const TURN: usize = 64;
