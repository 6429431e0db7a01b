//! Fuzz: every parser of the house on damaged input. [`targets`] are plain functions of bytes, which a coverage-guided
//! shell may call as well; here each takes the corpus, then a bounded number of mutations of it and of random bytes,
//! the same ones each time. A failure prints its input in hexadecimal.

mod corpus;
mod known;
mod mutation;
mod targets;

use std::panic::{catch_unwind, resume_unwind};

use mutation::Mutator;

/// Runs a target over its corpus and over damage done to it.
fn run(name: &str, target: fn(&[u8]) -> bool, corpus: Vec<Vec<u8>>) {
    assert!(!corpus.is_empty(), "{name} has no corpus");
    let seed = name.bytes().fold(SEED, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
    let mut taken = corpus.iter().filter(|input| attempt(name, target, input)).count();
    let sound = taken;
    let mut mutator = Mutator::new(seed, corpus);
    for _case in 0..CASES {
        taken += usize::from(attempt(name, target, &mutator.draw()));
    }
    println!("{name}: {CASES} cases from seed {seed:#x}, {} of them accepted", taken - sound);
    // Else the damage never gets past the first check, or nothing is ever checked.
    assert!(sound > 0, "{name} accepts nothing of its corpus");
    assert!(taken < CASES, "{name} accepts everything");
}

fn attempt(name: &str, target: fn(&[u8]) -> bool, input: &[u8]) -> bool {
    catch_unwind(|| target(input)).unwrap_or_else(|panic| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("target {name} fails on {hex}");
        resume_unwind(panic)
    })
}

#[test]
fn note() {
    run("note", targets::note, corpus::notes());
}

#[test]
fn verifier_key() {
    run("verifier_key", targets::verifier_key, corpus::verifier_keys());
}

#[test]
fn checkpoint() {
    run("checkpoint", targets::checkpoint, corpus::checkpoint_bodies());
}

#[test]
fn policy() {
    run("policy", targets::policy, corpus::parts(&["policy"]));
}

#[test]
fn entry() {
    run("entry", targets::entry, corpus::parts(&["entry"]));
}

#[test]
fn bundle() {
    run("bundle", targets::bundle, corpus::bundles());
}

#[test]
fn tile_path() {
    run("tile_path", targets::tile_path, corpus::parts(&["path"]));
}

#[test]
fn receipt() {
    run("receipt", targets::receipt, corpus::parts(&["receipt"]));
}

#[test]
fn issue_extra() {
    run("issue_extra", targets::issue_extra, corpus::parts(&["extra"]));
}

#[test]
fn authorization() {
    run("authorization", targets::authorization, corpus::authorizations());
}

#[test]
fn jws() {
    run("jws", targets::jws, corpus::parts(&["credential"]));
}

#[test]
fn credential() {
    run("credential", targets::credential, corpus::credential_payloads());
}

#[test]
fn date() {
    run("date", targets::date, corpus::parts(&["date"]));
}

#[test]
fn trust_bundle() {
    run("trust_bundle", targets::trust_bundle, corpus::parts(&["trust"]));
}

#[test]
fn trust_document() {
    run("trust_document", targets::trust_document, corpus::trust_documents());
}

#[test]
fn snapshot() {
    run("snapshot", targets::snapshot, corpus::snapshots());
}

#[test]
fn status_list() {
    run("status_list", targets::status_list, corpus::status_lists());
}

#[test]
fn state() {
    run("state", targets::state, corpus::states());
}

#[test]
fn memory() {
    run("memory", targets::memory, corpus::memories());
}

#[test]
fn verdict() {
    run("verdict", targets::verdict, corpus::parts(&["credential", "receipt"]));
}

/// Damaged inputs of each target.
const CASES: usize = 20_000;

/// Any number.
const SEED: u64 = 0x2021_1213_1140;
