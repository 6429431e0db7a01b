//! A receipt as long as those of a log with a million entries, made once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{ISSUE_TIME_SECONDS, Thumbprint};
use sillok_log::receipt::{IssueExtra, Receipt};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

/// The base64 of a receipt, as answers hold it. It proves nothing.
pub(super) fn of_usual_size(key: &Thumbprint) -> String {
    let extra = IssueExtra { nonce: key.0, provenance: Hash(key.0), time: UnixSeconds(ISSUE_TIME_SECONDS) };
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: TreeSize(LEAVES), root: Hash(key.0) };
    // The name, then a key id of 4 bytes and an Ed25519 signature of 64.
    let signature = STANDARD.encode([0x5a; 68]);
    let receipt = Receipt {
        extra: Some(extra.encode().to_vec()),
        index: LeafIndex(LEAVES - 1),
        proof: vec![Hash(key.0); PROOF_HASHES],
        checkpoint: format!("{}\n\u{2014} {ORIGIN} {signature}\n", checkpoint.body()),
    };
    STANDARD.encode(receipt.encode())
}

/// As long as the random ones that `sillok init` makes.
const ORIGIN: &str = "localhost/sillok/0123456789abcdef";

const LEAVES: u64 = 1 << 20;

/// Hashes of a proof in a tree of as many leaves.
const PROOF_HASHES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receipt_is_one() {
        let text = STANDARD.decode(of_usual_size(&Thumbprint([7; 32]))).unwrap();
        let receipt = Receipt::parse(&text).unwrap();
        assert_eq!((receipt.index.0, receipt.proof.len()), (LEAVES - 1, PROOF_HASHES));
        assert!(IssueExtra::parse(&receipt.extra.unwrap()).is_ok());
    }
}
