//! Trust documents: root, feed, snapshot files and the container, member by member from `specs/trust-bundle.md`.

use super::encoding::{base64, hex};
use super::json::{self, array, object, string};
use super::tree::Hash;

/// An issuer's key in a root.
#[derive(Clone)]
pub struct KeyItem {
    /// The public JWK.
    pub jwk: String,
    /// `active`, `retired` or `compromised`.
    pub state: &'static str,
    /// Origin and size of each cut.
    pub cuts: Vec<(String, u64)>,
}

impl KeyItem {
    fn json(&self) -> String {
        let cut = |(origin, size): &(String, u64)| {
            object(&[("origin", string(origin)), ("size", size.to_string())])
        };
        let cuts: Vec<String> = self.cuts.iter().map(cut).collect();
        object(&[("jwk", self.jwk.clone()), ("state", string(self.state)), ("cuts", array(&cuts))])
    }
}

/// An issuer in a root.
#[derive(Clone)]
pub struct IssuerItem {
    /// The issuer URL.
    pub id: String,
    /// Its keys.
    pub keys: Vec<KeyItem>,
}

impl IssuerItem {
    fn json(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(KeyItem::json).collect();
        object(&[("id", string(&self.id)), ("name", string("Example Authority")), ("keys", array(&keys))])
    }
}

/// The root document.
#[derive(Clone)]
pub struct Root {
    /// Rises by one a document.
    pub sequence: u64,
    /// Epoch of the feed.
    pub epoch: u64,
    /// Unix seconds.
    pub issued: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// Verifier keys of its signers.
    pub root_keys: Vec<String>,
    /// How many sign.
    pub threshold: u64,
    /// Verifier keys of the feed.
    pub feed_keys: Vec<String>,
    /// A tlog-policy text.
    pub policy: String,
    /// The issuers.
    pub issuers: Vec<IssuerItem>,
    /// Seconds.
    pub status_max_age: u64,
    /// Texts of rule sets.
    pub rules: Vec<String>,
}

impl Root {
    /// One line of JSON and its newline.
    #[must_use]
    pub fn text(&self) -> String {
        let strings =
            |values: &[String]| array(&values.iter().map(|value| string(value)).collect::<Vec<_>>());
        let issuers: Vec<String> = self.issuers.iter().map(IssuerItem::json).collect();
        let members = [
            ("type", string("sillok-root/v1")),
            ("sequence", self.sequence.to_string()),
            ("epoch", self.epoch.to_string()),
            ("issued", self.issued.to_string()),
            ("not_after", self.not_after.to_string()),
            ("authority", string("Example Authority")),
            ("root_keys", strings(&self.root_keys)),
            ("threshold", self.threshold.to_string()),
            ("feed_keys", strings(&self.feed_keys)),
            ("policy", string(&self.policy)),
            ("issuers", array(&issuers)),
            ("status_max_age", self.status_max_age.to_string()),
            ("rules", strings(&self.rules)),
        ];
        format!("{}\n", object(&members))
    }
}

/// A snapshot of a list: what the entry says and where the list is.
#[derive(Clone)]
pub struct Snapshot {
    /// Base URI of the list.
    pub uri: String,
    /// List id.
    pub list: [u8; 16],
    /// Issuer URL.
    pub issuer: String,
    /// Slots.
    pub length: u64,
    /// From 1.
    pub sequence: u64,
    /// State digest.
    pub digest: Hash,
    /// Fold size.
    pub fold_size: u64,
    /// Unix seconds.
    pub issued: u64,
    /// Unix seconds.
    pub not_after: u64,
}

impl Snapshot {
    /// As an item of a feed, with its leaf index and proof.
    #[must_use]
    pub fn feed_item(&self, index: u64, proof: &[Hash]) -> String {
        object(&[
            ("uri", string(&self.uri)),
            ("list", string(&hex(&self.list))),
            ("issuer", string(&self.issuer)),
            ("length", self.length.to_string()),
            ("sequence", self.sequence.to_string()),
            ("digest", string(&hex(&self.digest))),
            ("fold_size", self.fold_size.to_string()),
            ("issued", self.issued.to_string()),
            ("not_after", self.not_after.to_string()),
            ("index", index.to_string()),
            ("proof", hashes(proof)),
        ])
    }

    /// As a snapshot file, with its receipt and the compressed state.
    #[must_use]
    pub fn file(&self, receipt: &str, state: &str) -> String {
        object(&[
            ("type", string("sillok-snapshot/v1")),
            ("uri", string(&self.uri)),
            ("list", string(&hex(&self.list))),
            ("issuer", string(&self.issuer)),
            ("length", self.length.to_string()),
            ("sequence", self.sequence.to_string()),
            ("fold_size", self.fold_size.to_string()),
            ("issued", self.issued.to_string()),
            ("not_after", self.not_after.to_string()),
            ("receipt", string(receipt)),
            ("state", string(state)),
        ])
    }
}

/// The feed document.
#[derive(Clone)]
pub struct Feed {
    /// Rises by one a document.
    pub sequence: u64,
    /// Epoch of the root.
    pub epoch: u64,
    /// Sequence of the newest root.
    pub root: u64,
    /// Unix seconds.
    pub issued: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// A signed note.
    pub checkpoint: String,
    /// Items, JSON already.
    pub snapshots: Vec<String>,
    /// At most eight items, JSON already.
    pub landmarks: Vec<String>,
}

impl Feed {
    /// One line of JSON and its newline.
    #[must_use]
    pub fn text(&self) -> String {
        let members = [
            ("type", string("sillok-feed/v1")),
            ("sequence", self.sequence.to_string()),
            ("epoch", self.epoch.to_string()),
            ("root", self.root.to_string()),
            ("issued", self.issued.to_string()),
            ("not_after", self.not_after.to_string()),
            ("checkpoint", string(&self.checkpoint)),
            ("snapshots", array(&self.snapshots)),
            ("landmarks", array(&self.landmarks)),
        ];
        format!("{}\n", object(&members))
    }
}

/// The whole bundle; everything is text already.
#[derive(Clone)]
pub struct Container {
    /// Signed note of the root.
    pub root: String,
    /// Receipt of its bundle entry.
    pub root_receipt: String,
    /// Signed note of the feed.
    pub feed: String,
    /// Receipt of its bundle entry.
    pub feed_receipt: String,
    /// Snapshot files.
    pub snapshots: Vec<String>,
    /// Consistency proofs, JSON already.
    pub consistency: Vec<String>,
}

impl Container {
    /// The file, one member a line.
    #[must_use]
    pub fn file(&self) -> String {
        json::file(&[
            ("type", string("sillok-trust-bundle/v1")),
            ("root", string(&self.root)),
            ("root_receipt", string(&self.root_receipt)),
            ("feed", string(&self.feed)),
            ("feed_receipt", string(&self.feed_receipt)),
            ("snapshots", array(&self.snapshots)),
            ("consistency", array(&self.consistency)),
        ])
    }
}

/// A consistency proof of the container.
#[must_use]
pub fn consistency_item(origin: &str, from: u64, to: u64, proof: &[Hash]) -> String {
    let numbers = [("from", from.to_string()), ("to", to.to_string())];
    let [from, to] = numbers;
    object(&[("origin", string(origin)), from, to, ("proof", hashes(proof))])
}

fn hashes(proof: &[Hash]) -> String {
    array(&proof.iter().map(|hash| string(&base64(hash))).collect::<Vec<_>>())
}
