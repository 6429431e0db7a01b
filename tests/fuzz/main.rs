//! Fuzz: every parser of the house on damaged input. [`targets`] are plain functions of bytes, and [`table`] names them.
//! Here each takes its corpus, then a bounded number of mutations of it and of random bytes, the same ones each time. A
//! failure prints its input in hexadecimal.
//!
//! The crate in `shell/` runs the same table under libFuzzer, which keeps what reaches new code and goes on from there:
//! `cargo xtask fuzz [--seconds N] [TARGET...]` builds it with a nightly compiler, keeps corpora in `target/fuzz/corpus`
//! and failing inputs in `target/fuzz/crashes`. A binary that is given files instead of folders takes each once:
//! `target/fuzz/build/HOST/release/TARGET FILE`. `cargo fuzz run --fuzz-dir tests/fuzz/shell TARGET` works as well.

mod agreement;
mod corpus;
mod exchange;
mod known;
mod mutation;
mod rules;
mod table;
mod targets;

use std::panic::{catch_unwind, resume_unwind};

use mutation::Mutator;
use table::{TABLE, Target};

/// Runs a target over its corpus and over damage done to it.
fn run(name: &str) {
    let target = TABLE.iter().find(|target| target.name == name).expect("the table has the target");
    let corpus = (target.corpus)();
    assert!(!corpus.is_empty(), "{name} has no corpus");
    let seed = name.bytes().fold(SEED, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
    let mut taken = corpus.iter().filter(|input| attempt(target, input)).count();
    let sound = taken;
    let mut mutator = Mutator::new(seed, corpus);
    for _case in 0..CASES {
        taken += usize::from(attempt(target, &mutator.draw()));
    }
    println!("{name}: {CASES} cases from seed {seed:#x}, {} of them accepted", taken - sound);
    // Else the damage never gets past the first check, or nothing is ever checked.
    assert!(sound > 0, "{name} accepts nothing of its corpus");
    assert!(taken < CASES, "{name} accepts everything");
}

fn attempt(target: &Target, input: &[u8]) -> bool {
    catch_unwind(|| (target.run)(input)).unwrap_or_else(|panic| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("target {} fails on {hex}", target.name);
        resume_unwind(panic)
    })
}

#[test]
fn note() {
    run("note");
}

#[test]
fn verifier_key() {
    run("verifier_key");
}

#[test]
fn checkpoint() {
    run("checkpoint");
}

#[test]
fn policy() {
    run("policy");
}

#[test]
fn entry() {
    run("entry");
}

#[test]
fn bundle() {
    run("bundle");
}

#[test]
fn tile_path() {
    run("tile_path");
}

#[test]
fn receipt() {
    run("receipt");
}

#[test]
fn landmark_list() {
    run("landmark_list");
}

#[test]
fn landmark_receipt() {
    run("landmark_receipt");
}

#[test]
fn subtree_receipt() {
    run("subtree_receipt");
}

#[test]
fn issue_extra() {
    run("issue_extra");
}

#[test]
fn authorization() {
    run("authorization");
}

#[test]
fn jws() {
    run("jws");
}

#[test]
fn credential() {
    run("credential");
}

#[test]
fn presentation() {
    run("presentation");
}

#[test]
fn packed() {
    run("packed");
}

#[test]
fn date() {
    run("date");
}

#[test]
fn trust_bundle() {
    run("trust_bundle");
}

#[test]
fn trust_delta() {
    run("trust_delta");
}

#[test]
fn trust_document() {
    run("trust_document");
}

#[test]
fn earlier_landmarks() {
    run("earlier_landmarks");
}

#[test]
fn snapshot() {
    run("snapshot");
}

#[test]
fn status_list() {
    run("status_list");
}

#[test]
fn state() {
    run("state");
}

#[test]
fn population() {
    run("population");
}

#[test]
fn population_delta() {
    run("population_delta");
}

#[test]
fn memory() {
    run("memory");
}

#[test]
fn verdict() {
    run("verdict");
}

#[test]
fn json() {
    run("json");
}

#[test]
fn jwk() {
    run("jwk");
}

#[test]
fn cosignature() {
    run("cosignature");
}

#[test]
fn witness_request() {
    run("witness_request");
}

#[test]
fn witness_size() {
    run("witness_size");
}

#[test]
fn audit_state() {
    run("audit_state");
}

#[test]
fn evidence() {
    run("evidence");
}

#[test]
fn monitored_line() {
    run("monitored_line");
}

#[test]
fn monitored_checkpoint() {
    run("monitored_checkpoint");
}

#[test]
fn certlogic() {
    run("certlogic");
}

#[test]
fn rule_set() {
    run("rule_set");
}

/// Damaged inputs of each target.
const CASES: usize = 20_000;

/// Any number.
const SEED: u64 = 0x2021_1213_1140;
