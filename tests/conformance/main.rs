//! Conformance: every file of `specs/vectors` against `sillok-log` and `sillok-verifier`. The data is fat, the code
//! thin: a runner turns a file's parts into calls and says what happened in the words of its `expect:` line.
//! `specs/README.md` has the format.

mod attack;
mod authorities;
mod cosignature;
mod coverage;
mod credential;
mod delta;
mod entry;
mod evidence;
mod files;
mod foreign;
mod landmark;
mod ledger;
mod note;
mod packed;
mod presentation;
mod receipt;
mod reference;
mod rules;
mod status;
mod subtree;
mod tree;
mod verify;
mod witness;

use files::check_topic;

#[test]
fn attack() {
    check_topic("attack", attack::run);
}

#[test]
fn authorities() {
    check_topic("authorities", authorities::run);
}

#[test]
fn tree() {
    check_topic("tree", tree::run);
}

#[test]
fn tile() {
    check_topic("tile", tree::run_tile);
}

#[test]
fn note() {
    check_topic("note", note::run);
}

#[test]
fn checkpoint() {
    check_topic("checkpoint", note::run_checkpoint);
}

#[test]
fn cosignature() {
    check_topic("cosignature", cosignature::run);
}

#[test]
fn policy() {
    check_topic("policy", note::run_policy);
}

#[test]
fn entry() {
    check_topic("entry", entry::run);
}

#[test]
fn rules() {
    check_topic("rules", rules::run);
}

#[test]
fn evidence() {
    check_topic("evidence", evidence::run);
}

#[test]
fn ledger() {
    check_topic("ledger", ledger::run);
}

#[test]
fn receipt() {
    check_topic("receipt", receipt::run);
}

#[test]
fn landmark() {
    check_topic("landmark", landmark::run);
}

#[test]
fn subtree() {
    check_topic("subtree", subtree::run);
}

#[test]
fn status() {
    check_topic("status", status::run);
}

#[test]
fn date() {
    check_topic("date", credential::run_date);
}

#[test]
fn credential() {
    check_topic("credential", credential::run);
}

#[test]
fn presentation() {
    check_topic("presentation", presentation::run);
}

#[test]
fn packed() {
    check_topic("packed", packed::run);
}

#[test]
fn trust() {
    check_topic("trust", verify::run_trust);
}

#[test]
fn delta() {
    check_topic("delta", delta::run);
}

#[test]
fn verify() {
    check_topic("verify", verify::run);
}

#[test]
fn witness() {
    check_topic("witness", witness::run);
}

#[test]
fn foreign() {
    check_topic("foreign", foreign::run);
}
