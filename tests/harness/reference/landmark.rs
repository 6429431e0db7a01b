//! Landmarks: allocation by search, subtrees by search, the set by cutting the tree from its root down, and the bytes of a
//! landmark receipt, all by `specs/landmarks.md` and `specs/receipt.md`.

use super::encoding::{base64, decimal, unbase64};
use super::json::{array, object, string};
use super::tree::{Hash, included, root, sha256};

/// Leaves from one up to, but not including, another.
pub type Interval = (u64, u64);

/// The published list of landmarks with these sizes, oldest first, up to number `newest`.
#[must_use]
pub fn list(newest: u64, sizes: &[u64]) -> String {
    let lines: String = sizes.iter().rev().map(|size| format!("{size}\n")).collect();
    format!("{newest} {}\n{lines}", sizes.len() - 1)
}

/// Reads a list: number of the newest, and sizes, oldest first.
#[must_use]
pub fn read_list(list: &str) -> Option<(u64, Vec<u64>)> {
    let (head, rest) = list.split_once('\n')?;
    let (newest, active) = head.split_once(' ')?;
    let (newest, active) = (decimal(newest)?, decimal(active)?);
    let mut sizes = Vec::new();
    for line in rest.strip_suffix('\n')?.split('\n') {
        sizes.insert(0, decimal(line).filter(|size| *size < 1 << 63)?);
    }
    let rising = sizes.windows(2).all(|pair| pair[0] < pair[1]);
    let oldest = newest.checked_sub(active)?;
    let begins = if oldest == 0 { sizes[0] == 0 } else { sizes[0] >= oldest };
    (rising && begins && active <= 16_384 && active + 1 == sizes.len() as u64).then_some((newest, sizes))
}

/// The sizes allocated when `published` is public, in the order of their allocation.
#[must_use]
pub fn allocate(last: u64, before: u64, published: u64, new_hour: bool) -> Vec<u64> {
    let mut sizes = vec![last];
    while published >= sizes[sizes.len() - 1] + (1 << 20) {
        let last = sizes[sizes.len() - 1];
        sizes.push(roundest(last, last + (1 << 20)));
    }
    let last = sizes[sizes.len() - 1];
    if new_hour && published > last {
        sizes.push(roundest(last.max(before.saturating_sub(1)), published));
    }
    sizes.split_off(1)
}

/// The size in (a, b] that the largest power of two divides, by trying them all.
fn roundest(a: u64, b: u64) -> u64 {
    (a + 1..=b).max_by_key(|size| size.trailing_zeros()).expect("an interval that is not empty")
}

/// Number of the landmark that covers a leaf, and the subtree in which it proves it.
#[must_use]
pub fn subtree(newest: u64, sizes: &[u64], index: u64) -> Option<(u64, Interval)> {
    let after = sizes.iter().position(|size| *size > index).filter(|position| *position > 0)?;
    let (start, end) = (sizes[after - 1], sizes[after]);
    let number = newest - (sizes.len() - 1 - after) as u64;
    let whole = smallest_node(start, end);
    if whole == (start, end) {
        return Some((number, whole));
    }
    let middle = whole.0.midpoint(whole.1);
    Some((number, if index < middle { smallest_node(start, middle) } else { (middle, end) }))
}

/// The smallest complete node that holds the interval.
fn smallest_node(start: u64, end: u64) -> Interval {
    let mut width = 1;
    while start / width * width + width < end {
        width *= 2;
    }
    (start / width * width, start / width * width + width)
}

/// The largest complete nodes between the cuts, left to right.
#[must_use]
pub fn nodes(sizes: &[u64], size: u64) -> Vec<Interval> {
    let mut nodes = Vec::new();
    cut((0, size.next_power_of_two()), sizes, size, &mut nodes);
    nodes
}

fn cut(node: Interval, sizes: &[u64], size: u64, nodes: &mut Vec<Interval>) {
    let (start, end) = node;
    if start >= size {
        return;
    }
    if end <= size && !sizes.iter().any(|cut| start < *cut && *cut < end) {
        nodes.push(node);
        return;
    }
    let middle = start.midpoint(end);
    cut((start, middle), sizes, size, nodes);
    cut((middle, end), sizes, size, nodes);
}

/// The hash over an interval of leaf hashes.
#[must_use]
pub fn hash(interval: Interval, leaves: &[Hash]) -> Hash {
    let place = |index: u64| usize::try_from(index).expect("a small log");
    root(&leaves[place(interval.0)..place(interval.1)])
}

/// The hashes of a set over these leaves.
#[must_use]
pub fn hashes(sizes: &[u64], leaves: &[Hash]) -> Vec<Hash> {
    nodes(sizes, leaves.len() as u64).into_iter().map(|node| hash(node, leaves)).collect()
}

/// A set as the item of a feed.
#[must_use]
pub fn feed_item(newest: u64, sizes: &[u64], hashes: &[Hash]) -> String {
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    object(&[
        ("newest", newest.to_string()),
        ("sizes", array(&sizes)),
        ("hashes", string(&base64(&hashes.concat()))),
    ])
}

/// A set of a log before, against a checkpoint of its own, as the item of a feed.
#[must_use]
pub fn feed_item_before(checkpoint: &str, newest: u64, sizes: &[u64], hashes: &[Hash]) -> String {
    let own = feed_item(newest, sizes, hashes);
    own.replacen('{', &format!("{{\"checkpoint\":{},", string(checkpoint)), 1)
}

/// What a landmark receipt says.
#[derive(Clone)]
pub struct LandmarkReceipt {
    /// Origin of the log.
    pub origin: String,
    /// Number of the landmark.
    pub number: u64,
    /// The leaf.
    pub index: u64,
    /// What rebuilds the leaf.
    pub extra: Vec<u8>,
    /// Leaf's sibling first.
    pub proof: Vec<Hash>,
}

impl LandmarkReceipt {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let extra_length = u8::try_from(self.extra.len()).expect("a short extra");
        [
            b"slr\x01",
            &sha256(&[self.origin.as_bytes()])[..8],
            &self.number.to_be_bytes(),
            &self.index.to_be_bytes(),
            &[extra_length],
            &self.extra,
            &self.proof.concat(),
        ]
        .concat()
    }

    /// Whether it proves the leaf hash to somebody who holds these landmarks of these leaves.
    #[must_use]
    pub fn proves(&self, newest: u64, sizes: &[u64], leaves: &[Hash], leaf: &Hash) -> bool {
        let Some((number, (start, end))) = subtree(newest, sizes, self.index) else { return false };
        let root = hash((start, end), leaves);
        number == self.number && included(leaf, self.index - start, end - start, &root, &self.proof)
    }
}

/// What a subtree receipt says.
#[derive(Clone)]
pub struct SubtreeReceipt {
    /// Origin of the log.
    pub origin: String,
    /// The subtree.
    pub interval: Interval,
    /// Its hash.
    pub hash: Hash,
    /// The leaf.
    pub index: u64,
    /// What rebuilds the leaf.
    pub extra: Vec<u8>,
    /// Leaf's sibling first.
    pub proof: Vec<Hash>,
    /// Signature lines.
    pub lines: Vec<String>,
}

impl SubtreeReceipt {
    /// The bytes. Of a signature line the base64 holds key ID, time and signature.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let byte = |length: usize| u8::try_from(length).expect("a short field");
        let carried =
            |line: &String| line.trim_end().rsplit(' ').next().and_then(unbase64).expect("a signature line");
        let cosignatures: Vec<Vec<u8>> = self.lines.iter().map(carried).collect();
        [
            b"slr\x02",
            &sha256(&[self.origin.as_bytes()])[..8],
            &self.interval.0.to_be_bytes(),
            &self.interval.1.to_be_bytes(),
            &self.hash,
            &self.index.to_be_bytes(),
            &[byte(self.extra.len())],
            &self.extra,
            &[byte(self.proof.len())],
            &self.proof.concat(),
            &cosignatures.concat(),
        ]
        .concat()
    }
}
