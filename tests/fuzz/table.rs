//! The targets by name, for the tests here and for the coverage-guided shell.

use crate::{corpus, exchange, rules, targets};

/// A format, what reads it, and what the damage starts from.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Panics if the property of the format is broken, and says whether the input was accepted.
    pub(crate) run: fn(&[u8]) -> bool,
    pub(crate) corpus: fn() -> Vec<Vec<u8>>,
    /// Longest input of the coverage-guided runs, in bytes.
    pub(crate) max_bytes: usize,
}

const fn target(
    name: &'static str,
    run: fn(&[u8]) -> bool,
    corpus: fn() -> Vec<Vec<u8>>,
    max_bytes: usize,
) -> Target {
    Target { name, run, corpus, max_bytes }
}

/// Each of them is a test in `main.rs` and a binary in `shell/Cargo.toml`, in this order.
pub(crate) static TABLE: [Target; 40] = [
    target("note", targets::note, corpus::notes, LONG),
    target("verifier_key", targets::verifier_key, corpus::verifier_keys, LONG),
    target("checkpoint", targets::checkpoint, corpus::checkpoint_bodies, LONG),
    target("policy", targets::policy, || corpus::parts(&["policy"]), LONG),
    target("entry", targets::entry, || corpus::parts(&["entry"]), SHORT),
    target("bundle", targets::bundle, corpus::bundles, LONG),
    target("tile_path", targets::tile_path, || corpus::parts(&["path"]), SHORT),
    target("receipt", targets::receipt, || corpus::parts(&["receipt"]), LONG),
    target("landmark_list", targets::landmark_list, corpus::landmark_lists, LONG),
    target("landmark_receipt", targets::landmark_receipt, corpus::landmark_receipts, LONG),
    target("subtree_receipt", targets::subtree_receipt, corpus::subtree_receipts, LONG),
    target("issue_extra", targets::issue_extra, || corpus::parts(&["extra"]), SHORT),
    target("authorization", targets::authorization, corpus::authorizations, SHORT),
    target("jws", targets::jws, || corpus::parts(&["credential"]), LONG),
    target("credential", targets::credential, corpus::credential_payloads, LONG),
    target("presentation", targets::presentation, corpus::presentations, LONG),
    target("packed", targets::packed, || corpus::parts(&["packed"]), LONG),
    target("date", targets::date, || corpus::parts(&["date"]), SHORT),
    target("trust_bundle", targets::trust_bundle, || corpus::parts(&["trust"]), LONG),
    target("trust_delta", targets::trust_delta, corpus::trust_deltas, LONG),
    target("trust_document", targets::trust_document, corpus::trust_documents, LONG),
    target("earlier_landmarks", targets::earlier_landmarks, corpus::earlier_landmarks, LONG),
    target("snapshot", targets::snapshot, corpus::snapshots, LONG),
    target("status_list", targets::status_list, corpus::status_lists, LONG),
    target("state", targets::state, corpus::states, LONG),
    target("population", targets::population, || corpus::parts(&["population"]), LONG),
    target("population_delta", targets::population_delta, || corpus::parts(&["delta"]), LONG),
    target("memory", targets::memory, corpus::memories, LONG),
    target("verdict", targets::verdict, || corpus::parts(&["credential", "receipt"]), LONG),
    target("json", exchange::json, corpus::jsons, LONG),
    target("jwk", exchange::jwk, || corpus::parts(&["key"]), LONG),
    target("cosignature", exchange::cosignature, exchange::cosignature_lines, LONG),
    target("witness_request", exchange::witness_request, || corpus::parts(&["request"]), LONG),
    target("witness_size", exchange::witness_size, exchange::witness_sizes, SHORT),
    target("audit_state", exchange::audit_state, exchange::audit_states, LONG),
    target("evidence", exchange::evidence, || corpus::parts(&["evidence"]), LONG),
    target("monitored_line", exchange::monitored_line, exchange::monitored_lines, LONG),
    target("monitored_checkpoint", exchange::monitored_checkpoint, exchange::monitored_checkpoints, SHORT),
    target("certlogic", rules::certlogic, rules::expressions, LONG),
    target("rule_set", rules::rule_set, rules::rule_sets, LONG),
];

/// A line or a header: above the limits of entries (716) and of authorizations (512).
const SHORT: usize = 1_024;

/// A file: above the limits of credentials (16,384) and receipts (65,536). Other formats may have megabytes, which would
/// cost runs and reach no further code.
const LONG: usize = 66_560;
