//! Receipts: the lines of a C2SP tlog-proof, written and read by `specs/receipt.md`.

use super::encoding::{base64, decimal, unbase64};
use super::note::open_checkpoint;
use super::tree::{Hash, included};

/// `extra` of an issue receipt, 73 bytes.
#[must_use]
pub fn issue_extra(nonce: &[u8; 32], provenance: &Hash, time: u64) -> Vec<u8> {
    [&[1][..], nonce, provenance, &time.to_be_bytes()].concat()
}

/// The text of a receipt.
#[must_use]
pub fn receipt(extra: Option<&[u8]>, index: u64, proof: &[Hash], checkpoint: &str) -> String {
    let extra = extra.map_or_else(String::new, |extra| format!("extra {}\n", base64(extra)));
    let proof: String = proof.iter().map(|hash| format!("{}\n", base64(hash))).collect();
    format!("c2sp.org/tlog-proof@v1\n{extra}index {index}\n{proof}\n{checkpoint}")
}

/// Whether the receipt proves the leaf hash under a checkpoint that the log with this verifier key signed.
#[must_use]
pub fn proves(receipt: &[u8], leaf: &Hash, vkey: &str) -> bool {
    read(receipt, leaf, vkey).unwrap_or(false)
}

fn read(receipt: &[u8], leaf: &Hash, vkey: &str) -> Option<bool> {
    if receipt.len() > 65_536 {
        return None;
    }
    let (head, checkpoint) = std::str::from_utf8(receipt).ok()?.split_once("\n\n")?;
    let mut lines = head.split('\n');
    if lines.next()? != "c2sp.org/tlog-proof@v1" {
        return None;
    }
    let mut line = lines.next()?;
    if let Some(extra) = line.strip_prefix("extra ") {
        unbase64(extra)?;
        line = lines.next()?;
    }
    let index = decimal(line.strip_prefix("index ")?)?;
    let proof: Vec<Hash> = lines.map(|line| unbase64(line)?.try_into().ok()).collect::<Option<_>>()?;
    let (_origin, size, root) = open_checkpoint(checkpoint.as_bytes(), vkey)?;
    Some(proof.len() <= 63 && included(leaf, index, size, &root, &proof))
}
