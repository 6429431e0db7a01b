//! Deltas of trust bundles, member by member from `specs/trust-bundle.md`.

use super::json::{array, object, string};
use super::status::zlib;
use super::tree::{Hash, sha256};
use super::trust::Snapshot;

/// What a bundle digest is over.
#[derive(Clone)]
pub struct Bundle {
    /// Root, its receipt, feed, its receipt.
    pub notes: [String; 4],
    /// Snapshots, each with its receipt. None of these bundles has consistency proofs.
    pub snapshots: Vec<(Snapshot, String)>,
}

impl Bundle {
    /// The bundle digest.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut bytes = vec![22];
        bytes.extend(b"sillok/trust-bundle/v1");
        for note in &self.notes {
            bytes.extend(text(note));
        }
        bytes.extend((self.snapshots.len() as u64).to_be_bytes());
        for (snapshot, receipt) in &self.snapshots {
            bytes.extend(text(&snapshot.uri));
            bytes.extend(text(&snapshot.issuer));
            let Snapshot { length, sequence, fold_size, issued, not_after, .. } = snapshot;
            for number in [length, sequence, fold_size, issued, not_after] {
                bytes.extend(number.to_be_bytes());
            }
            bytes.extend(text(receipt));
            bytes.extend(snapshot.digest);
        }
        bytes.extend(0_u64.to_be_bytes());
        sha256(&[&bytes])
    }
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat()
}

/// The file of a delta, its text given.
#[must_use]
pub fn delta(base: &Hash, result: &Hash, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a short text");
    let head = [&b"sillok-trust-bundle-delta/v1\n"[..], base, result, &length.to_be_bytes()].concat();
    [head, zlib(text.as_bytes())].concat()
}

/// The text in the file of a delta, if there is one.
#[must_use]
pub fn text_in(file: &[u8]) -> Option<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_zlib(file.get(97..)?).ok()
}

/// The text of a delta: notes that changed, and JSON of the snapshot files.
#[must_use]
pub fn delta_text(base: &Bundle, result: &Bundle, snapshots: &[String]) -> String {
    let names = ["root", "root_receipt", "feed", "feed_receipt"];
    let pairs = names.iter().zip(base.notes.iter().zip(&result.notes));
    let mut members: Vec<(&str, String)> =
        pairs.filter(|(_, (old, new))| old != new).map(|(name, (_, new))| (*name, string(new))).collect();
    members.push(("snapshots", array(snapshots)));
    members.push(("consistency", array(&[])));
    object(&members)
}

/// A snapshot file that follows the one at position `from`, with these gaps between changes.
#[must_use]
pub fn changed(from: u64, snapshot: &Snapshot, receipt: &str, gaps: &[u64]) -> String {
    object(&[
        ("from", from.to_string()),
        ("sequence", snapshot.sequence.to_string()),
        ("fold_size", snapshot.fold_size.to_string()),
        ("issued", snapshot.issued.to_string()),
        ("not_after", snapshot.not_after.to_string()),
        ("receipt", string(receipt)),
        ("changes", array(&gaps.iter().map(u64::to_string).collect::<Vec<_>>())),
    ])
}
