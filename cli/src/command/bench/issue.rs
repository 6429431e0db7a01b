//! Issuing over HTTP, client and server in this process on loopback.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use serde_json::{Value, json};

use super::figure::{Figure, Latency};
use super::{Bench, limit};
use crate::command::init;
use crate::folder::Folder;
use crate::operator::Operator;
use crate::service::{Running, Service};

pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let limits = vec![limit::signatures()?, limit::synchronisations(bench.place)?];
    let world = World::start(bench)?;
    let operator = world.operator(bench)?;
    let single = ask(SINGLE_CONNECTIONS, 1, bench.time, |number| {
        let (request, key) = request(number);
        operator
            .post("/credentials/issue", request.to_string().as_bytes(), Some(&key))
            .map(|_answer| 1)
            .map_err(anyhow::Error::from)
    })?;
    let batch = ask(BATCH_CONNECTIONS, BATCH, bench.time, |number| {
        issue_batch(&operator, number, BATCH).map(|answers| answers.len())
    })?;
    drop(operator);
    world.running.stop()?;
    let figure =
        |name, (rate, latency)| Figure { name, unit: "credentials/s", rate, latency, limits: limits.clone() };
    Ok(vec![
        figure("issue: one a request, 32 connections", single),
        figure("issue: 100 a request, 8 connections", batch),
    ])
}

/// An issuer with its log.
pub(super) struct World {
    pub(super) folder: Folder,
    pub(super) running: Running,
}

impl World {
    pub(super) fn start(bench: &Bench<'_>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let data = bench.place.join("data");
        make_passphrase(&data)?;
        let folder = init::make(&data, Some(&url), bench.context)?;
        let running = Running::start(Service::open(&folder, bench.context)?, listener)?;
        Ok(Self { folder, running })
    }

    /// Stops, lets `change` do something to the folder, and starts again at another port.
    pub(super) fn restart(
        self,
        bench: &Bench<'_>,
        change: impl FnOnce(&Folder) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let Self { folder, running } = self;
        running.stop()?;
        change(&folder)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let running = Running::start(Service::open(&folder, bench.context)?, listener)?;
        Ok(Self { folder, running })
    }

    pub(super) fn operator(&self, bench: &Bench<'_>) -> anyhow::Result<Operator> {
        Operator::new(&self.folder, self.running.url(), bench.context)
    }
}

fn make_passphrase(data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data)?;
    sillok_registry::sealed::Passphrase::create(&data.join("passphrase"))?;
    Ok(())
}

/// Issues a batch, and returns the items of the answer, all of which are credentials.
pub(super) fn issue_batch(operator: &Operator, first: u64, count: usize) -> anyhow::Result<Vec<Value>> {
    let requests: Vec<Value> = (first..first + count as u64)
        .map(|number| {
            let (mut request, key) = request(number);
            request["idempotencyKey"] = key.into();
            request
        })
        .collect();
    let body = json!({ "requests": requests });
    let mut answer = operator.post("/credentials/issue/batch", body.to_string().as_bytes(), None)?;
    let Value::Array(items) = answer["results"].take() else { bail!("answer has no results") };
    match items.iter().find(|item| item["status"] != 201) {
        Some(item) => bail!("an item is refused: {}", item["problem"]),
        None => Ok(items),
    }
}

/// Asks on many connections for a while. `work` is given the number of its first credential, and says how many it got.
fn ask(
    connections: u64,
    batch: usize,
    time: Duration,
    work: impl Fn(u64) -> anyhow::Result<usize> + Sync,
) -> anyhow::Result<(f64, Option<Latency>)> {
    let began = Instant::now();
    let results = Mutex::new((0_usize, Vec::new()));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|connection| {
                let (work, results) = (&work, &results);
                scope.spawn(move || -> anyhow::Result<()> {
                    let (mut number, mut issued, mut latencies) = (connection * APART, 0, Vec::new());
                    number += batch as u64 * APART * APART;
                    while began.elapsed() < time {
                        let asked = Instant::now();
                        issued += work(number)?;
                        latencies.push(asked.elapsed().as_secs_f64() * 1_000.0);
                        number += batch as u64;
                    }
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.0 += issued;
                    results.1.extend(latencies);
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_panic| Err(anyhow!("a client has panicked")))
        })
    })?;
    let took = began.elapsed().as_secs_f64();
    let (issued, latencies) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((issued as f64 / took, Latency::of(latencies)))
}

/// A person with two doses, who occurs once.
fn request(number: u64) -> (Value, String) {
    let subject = format!("person-{number}");
    let request = json!({
        "credential": {
            "type": ["VerifiableCredential", "VaccinationCredential"],
            "credentialSubject": {
                "familyName": "Bench",
                "givenName": format!("Number {number}"),
                "birthDate": "1980-02-29",
                "doses": [
                    { "number": 1, "date": "2021-05-03", "vaccine": "208", "system": "http://hl7.org/fhir/sid/cvx", "lot": "LOT00001" },
                    { "number": 2, "date": "2021-05-31", "vaccine": "208", "system": "http://hl7.org/fhir/sid/cvx", "lot": "LOT00002" },
                ],
            },
        },
        "options": { "subject": subject, "facility": "Bench clinic", "sourceEvent": format!("{subject}-dose-2") },
    });
    (request, format!("bench-{number}"))
}

const SINGLE_CONNECTIONS: u64 = 32;
const BATCH_CONNECTIONS: u64 = 8;
const BATCH: usize = 100;

/// Numbers of credentials that one connection has for itself.
const APART: u64 = 1 << 24;
