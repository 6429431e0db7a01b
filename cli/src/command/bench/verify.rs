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
    let mut figures = Vec::new();
    for (names, provider) in PROVIDERS {
        let door = Door { trust: &trust, memory: memory.clone(), provider, now, key };
        figures.extend(measure_one(&prepared, door, names, bench.time)?);
    }
    Ok(figures)
}

/// What the figures of a provider are called: the check alone, by checkpoint, by landmark, and the two quotients.
type Names = [&'static str; 5];

static PROVIDERS: [(Names, &dyn Signatures); 2] = [
    (
        [
            "ES256 check alone, p256",
            "verify: full receipt, p256, one core",
            "verify: by landmark, p256, one core",
            "verify: time of a full receipt, p256",
            "verify: time by landmark, p256",
        ],
        &RustCrypto,
    ),
    (
        [
            "ES256 check alone, AWS-LC",
            "verify: full receipt, AWS-LC, one core",
            "verify: by landmark, AWS-LC, one core",
            "verify: time of a full receipt, AWS-LC",
            "verify: time by landmark, AWS-LC",
        ],
        &AwsLc,
    ),
];

/// What is at the door.
struct Door<'a> {
    trust: &'a Trust,
    memory: Memory,
    provider: &'a dyn Signatures,
    now: UnixSeconds,
    key: PublicKey,
}

/// Three kinds of work in turns of a few milliseconds, so that whatever else the machine does slows all of them alike.
fn measure_one(
    prepared: &Prepared,
    mut door: Door<'_>,
    names: Names,
    time: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let tokens: Vec<Jws<'_>> = prepared
        .issued
        .iter()
        .map(|one| Jws::parse(one.credential.as_bytes(), TokenType::CREDENTIAL))
        .collect::<Result<_, _>>()?;
    let mut spent = [Duration::ZERO; 3];
    let mut done = [0_u64; 3];
    let began = Instant::now();
    // Half a minute of nothing else would heat the core for whoever comes last: the first turns are not counted.
    let warm = time / 10;
    let mut first = 0;
    while began.elapsed() < time * 3 {
        let counts = began.elapsed() >= warm;
        for kind in 0..3 {
            let turn = Instant::now();
            for number in first..first + TURN {
                let place = number % prepared.issued.len();
                match kind {
                    0 => {
                        let token = black_box(&tokens[place]);
                        let checked =
                            door.key.verify_with(door.provider, token.signing_input(), token.signature());
                        checked.map_err(|error| anyhow!("a good signature is refused: {error}"))?;
                    }
                    1 => door.admit(&prepared.issued[place], |issued| &issued.receipt)?,
                    _landmark => door.admit(&prepared.issued[place], |issued| &issued.landmark)?,
                }
            }
            if counts {
                spent[kind] += turn.elapsed();
                done[kind] += TURN as u64;
            }
        }
        first += TURN;
    }
    let [alone, full, landmark] = [0, 1, 2].map(|kind| done[kind] as f64 / spent[kind].as_secs_f64());
    let unit = "verifications/s";
    let limit = Limit { name: names[0], unit, rate: alone };
    let rate = |name, rate| Figure { name, unit, rate, latency: None, limits: vec![limit] };
    let times =
        |name, rate| Figure { name, unit: "times the check alone", rate, latency: None, limits: Vec::new() };
    Ok(vec![
        rate(names[1], full),
        rate(names[2], landmark),
        times(names[3], alone / full),
        times(names[4], alone / landmark),
    ])
}

impl Door<'_> {
    fn admit(&mut self, issued: &Issued, receipt: impl Fn(&Issued) -> &Vec<u8>) -> anyhow::Result<()> {
        let policy = Policy::new(Holder::NotAsked).with_signatures(self.provider);
        let evidence = Evidence::new(black_box(issued.credential.as_bytes()), receipt(issued));
        let (verdict, kept) = verify(&evidence, self.trust, &self.memory, &policy, self.now);
        self.memory = kept;
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
