//! What a witness answers, straight from the table of `specs/log.md#witnesses`.

use super::encoding::{decimal, unbase64};
use super::note::open_checkpoint;
use super::tree::{Hash, consistent, root};

/// `ok`, or the code of the refusal, for a request to a witness that follows the log of `vkey` and has cosigned this last.
#[must_use]
pub fn decide(body: &[u8], vkey: &str, latest: (u64, Hash)) -> &'static str {
    let Some((old, proof, note)) = split(body) else { return "request.malformed" };
    let Some((origin, size)) = claimed(note) else { return "request.malformed" };
    if old > size {
        return "witness.old-size";
    }
    if vkey.split('+').next() != Some(&origin) {
        return "witness.log-unknown";
    }
    let Some((_origin, size, new_root)) = open_checkpoint(note.as_bytes(), vkey) else {
        return "witness.signature";
    };
    if old != latest.0 {
        return "witness.conflict";
    }
    let extends = if old == 0 || old == size {
        proof.is_empty() && (size != 0 || new_root == root(&[])) && (old != size || new_root == latest.1)
    } else {
        consistent(old, size, &latest.1, &new_root, &proof)
    };
    if extends { "ok" } else { "witness.inconsistent" }
}

fn split(body: &[u8]) -> Option<(u64, Vec<Hash>, &str)> {
    let body = std::str::from_utf8(body).ok().filter(|body| body.len() <= 65_536)?;
    let (head, note) = body.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let old = decimal(lines.next()?.strip_prefix("old ")?)?;
    let proof: Vec<Hash> = lines.map(|line| unbase64(line)?.try_into().ok()).collect::<Option<_>>()?;
    (proof.len() <= 63).then_some((old, proof, note))
}

/// Origin and size of three lines above signature lines, whoever signed.
fn claimed(note: &str) -> Option<(String, u64)> {
    let (text, _signatures) = note.split_once("\n\n")?;
    let lines: Vec<&str> = text.split('\n').collect();
    let [origin, size, _root] = lines[..] else { return None };
    Some((origin.into(), decimal(size)?))
}
