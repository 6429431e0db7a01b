//! Landmarks: lists, allocation, and receipts that a verifier's set proves or does not.

use super::Vector;
use crate::reference::landmark::{LandmarkReceipt, allocate, hash, hashes, list, nodes, read_list, subtree};
use crate::reference::tree::{Hash, inclusion, leaf_hash, root};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = lists();
    all.extend(allocations());
    all.extend(good_receipts());
    all.extend(bad_sets());
    all.extend(bad_receipts());
    all.extend(bad_bytes());
    all
}

fn vector(name: &str, expect: &str, spec: &str, comment: &str, check: &str) -> Vector {
    Vector::new("landmark", name, expect, spec, comment).line("check", check)
}

fn list_vector(name: &str, expect: &str, comment: &str, text: impl AsRef<[u8]>) -> Vector {
    let read = std::str::from_utf8(text.as_ref()).ok().and_then(read_list);
    assert_eq!(read.is_some(), expect == "ok", "{name}");
    vector(&format!("list-{name}"), expect, "landmarks.md#published-list", comment, "list").text("list", text)
}

fn lists() -> Vec<Vector> {
    let good = list(3, &[0, 3, 7, 20]);
    let limit: Vec<u64> = (5..=16_389).collect();
    let beyond: Vec<u64> = (4..=16_389).collect();
    let bad = |name, comment, text: &str| list_vector(name, "error", comment, text);
    vec![
        list_vector("good", "ok", "three landmarks from the first", &good),
        list_vector("none", "ok", "a log that has none yet", list(0, &[0])),
        list_vector("window", "ok", "the newest two of nine", list(9, &[300, 400, 500])),
        list_vector(
            "one-an-entry",
            "ok",
            "a landmark has at least as many leaves as its number",
            list(9, &[8, 9]),
        ),
        list_vector("largest-size", "ok", "2^63 - 1", list(1, &[0, (1 << 63) - 1])),
        list_vector("longest", "ok", "16,384 landmarks", list(16_389, &limit)),
        bad("too-long", "16,385 landmarks", &list(16_389, &beyond)),
        bad("size-2-63", "a size above every tree's", &list(1, &[0, 1 << 63])),
        bad("empty", "nothing", ""),
        bad("no-sizes", "the first line alone", "0 0\n"),
        bad("no-newline", "the last line does not end", good.trim_end()),
        bad("blank-line", "a line too many", &format!("{good}\n")),
        bad("carriage-returns", "lines end with U+000A alone", &good.replace('\n', "\r\n")),
        bad("two-spaces", "one space between the numbers", &good.replace("3 3", "3  3")),
        bad("leading-zero", "a number has no leading zero", &good.replace("\n7\n", "\n07\n")),
        bad("plus", "a number has no sign", &good.replace("\n7\n", "\n+7\n")),
        bad("count-too-small", "a size more than announced", &good.replace("3 3", "3 2")),
        bad("count-too-large", "a size fewer than announced", &good.replace("3 3", "4 4")),
        bad("count-above-number", "more landmarks than there ever were", &good.replace("3 3", "2 3")),
        bad("equal-sizes", "two landmarks of one size", &list(3, &[0, 7, 7, 20])),
        bad("falling", "oldest first", &list(3, &[0, 20, 7, 3])),
        bad("zero-has-leaves", "landmark zero has size zero", &list(3, &[1, 3, 7, 20])),
        bad("number-above-size", "nine landmarks before a size of seven", &list(9, &[7, 20])),
    ]
}

fn allocations() -> Vec<Vector> {
    let allocated = |name: &str, comment: &str, [last, before, published]: [u64; 3], hour: bool| {
        let sizes = allocate(last, before, published, hour);
        let vector =
            vector(&format!("allocate-{name}"), "ok", "landmarks.md#allocation", comment, "allocate")
                .line("last", last)
                .line("before", before)
                .line("published", published)
                .line("hour", if hour { "new" } else { "same" });
        sizes.iter().fold(vector, |vector, size| vector.line("size", size))
    };
    vec![
        allocated("same-hour", "no hour has begun", [64, 70, 100], false),
        allocated("first", "the first hour of a log", [0, 0, 100], true),
        allocated("round", "96 is rounder than the others above 69", [64, 70, 100], true),
        allocated("covers-before", "what was public an hour ago is covered", [64, 97, 100], true),
        allocated("no-growth-since", "what was left over is covered when nothing came", [96, 100, 100], true),
        allocated("nothing-new", "never two of one size", [100, 100, 100], true),
        allocated("one-entry", "one entry", [100, 100, 101], true),
        allocated("by-growth", "2^20 entries have come within the hour", [96, 96, 1_048_700], false),
        allocated("by-growth-not-yet", "one fewer", [96, 96, 1_048_671], false),
        allocated("by-growth-twice", "three million at once, and a new hour", [96, 100, 3_000_000], true),
    ]
}

/// Somebody who holds landmarks, and a receipt for one leaf.
#[derive(Clone)]
struct Case {
    newest: u64,
    sizes: Vec<u64>,
    leaves: Vec<Hash>,
    root: Hash,
    hashes: Vec<Hash>,
    leaf: Hash,
    receipt: LandmarkReceipt,
}

impl Case {
    fn new(newest: u64, sizes: &[u64], size: u64, index: u64) -> Self {
        let leaves: Vec<Hash> = (0..size).map(|leaf| leaf_hash(format!("entry {leaf}").as_bytes())).collect();
        let (number, (start, end)) = subtree(newest, sizes, index).expect("a leaf that is covered");
        let place = |index: u64| usize::try_from(index).expect("a small log");
        let receipt = LandmarkReceipt {
            origin: "log.example/sillok".into(),
            number,
            index,
            extra: Vec::new(),
            proof: inclusion(place(index - start), &leaves[place(start)..place(end)]),
        };
        Self {
            newest,
            sizes: sizes.into(),
            root: root(&leaves),
            hashes: hashes(sizes, &leaves),
            leaf: leaves[place(index)],
            leaves,
            receipt,
        }
    }

    fn vector(&self, name: &str, expect: &str, spec: &str, comment: &str) -> Vector {
        let Self { newest, sizes, leaves, root: stated, hashes: held, leaf, receipt } = self;
        let sound = *stated == root(leaves) && *held == hashes(sizes, leaves);
        let proved = receipt.proves(*newest, sizes, leaves, leaf) && receipt.origin == "log.example/sillok";
        assert_eq!(sound && proved, expect == "ok", "{name}");
        self.raw(name, expect, spec, comment, &receipt.bytes())
    }

    fn raw(&self, name: &str, expect: &str, spec: &str, comment: &str, receipt: &[u8]) -> Vector {
        vector(name, expect, spec, comment, "receipt")
            .line("origin", "log.example/sillok")
            .text("list", list(self.newest, &self.sizes))
            .line("size", self.leaves.len())
            .hex("root", &self.root)
            .hashes("hashes", &self.hashes)
            .hex("receipt", receipt)
            .hex("leaf", &self.leaf)
    }
}

fn good_receipts() -> Vec<Vector> {
    let good = |name: &str, comment: &str, case: &Case| {
        case.vector(&format!("receipt-{name}"), "ok", "landmarks.md#subtrees", comment)
    };
    let cut = Case::new(3, &[0, 5, 12, 13], 14, 6);
    assert_eq!(nodes(&cut.sizes, 14), [(0, 4), (4, 5), (5, 6), (6, 8), (8, 12), (12, 13), (13, 14)]);
    assert_eq!(hash((5, 6), &cut.leaves), cut.hashes[2]);
    let mut with_extra = cut.clone();
    with_extra.receipt.extra = vec![7; 73];
    vec![
        good("left", "leaf 6 in [4, 8), which begins before the landmark's interval [5, 12)", &cut),
        good("right", "leaf 9 in [8, 12)", &Case::new(3, &[0, 5, 12, 13], 14, 9)),
        good("one-leaf", "an interval of one leaf needs no hash", &Case::new(3, &[0, 5, 12, 13], 14, 12)),
        good("whole-node", "[8, 16) is one complete node and not halved", &Case::new(2, &[0, 8, 16], 20, 9)),
        good("first", "the first landmark", &Case::new(1, &[0, 7], 7, 6)),
        good("at-its-size", "the landmark is as large as the checkpoint", &Case::new(2, &[0, 4, 7], 7, 5)),
        good("window", "landmarks 41 and 42 of a longer sequence", &Case::new(42, &[90, 160, 200], 230, 170)),
        good("extra", "what rebuilds the leaf travels along", &with_extra),
    ]
}

fn bad_sets() -> Vec<Vector> {
    let case = Case::new(3, &[0, 5, 12, 13], 14, 6);
    let bad = |name: &str, comment: &str, damage: &dyn Fn(&mut Case)| {
        let mut case = case.clone();
        damage(&mut case);
        case.vector(&format!("set-{name}"), "error", "landmarks.md#trusted-set", comment)
    };
    let other = leaf_hash(b"other");
    vec![
        bad("other-root", "the checkpoint has another root", &|case| case.root = other),
        bad("first-hash", "the hash of the first node changed", &|case| case.hashes[0] = other),
        bad("last-hash", "the hash beyond the newest landmark changed", &|case| case.hashes[6] = other),
        bad("own-hash", "the hash that the leaf is proved by changed", &|case| case.hashes[3] = other),
        bad("order", "two hashes change places", &|case| case.hashes.swap(2, 3)),
        bad("too-few", "the last hash is gone", &|case| case.hashes.truncate(6)),
        bad("too-many", "one hash more", &|case| case.hashes.push(other)),
        bad("folded", "two nodes given as their parent, which no cut crosses but a landmark does", &|case| {
            case.hashes.splice(0..2, [hash((0, 5), &case.leaves)]);
        }),
    ]
}

fn bad_receipts() -> Vec<Vector> {
    let case = Case::new(3, &[0, 5, 12, 13], 14, 6);
    let bad = |name: &str, comment: &str, damage: &dyn Fn(&mut Case)| {
        let mut case = case.clone();
        damage(&mut case);
        case.vector(&format!("receipt-{name}"), "error", "receipt.md#landmark-receipt", comment)
    };
    let other = leaf_hash(b"other");
    vec![
        bad("other-leaf", "another leaf hash", &|case| case.leaf = other),
        bad("other-log", "the tag of another log", &|case| case.receipt.origin = "other.example/log".into()),
        bad("other-index", "the place of its sibling", &|case| case.receipt.index = 7),
        bad("index-not-covered", "a leaf of the left subtree before the landmark's interval", &|case| {
            case.receipt.index = 4;
        }),
        bad("index-beyond", "a leaf behind the newest landmark", &|case| case.receipt.index = 13),
        bad("index-largest", "2^64 - 1", &|case| case.receipt.index = u64::MAX),
        bad("landmark-before", "the landmark before", &|case| case.receipt.number = 1),
        bad("landmark-after", "the landmark after", &|case| case.receipt.number = 3),
        bad("landmark-zero", "landmark zero covers nothing", &|case| case.receipt.number = 0),
        bad("landmark-unknown", "a landmark that is not held", &|case| case.receipt.number = 4),
        bad("too-few-hashes", "the last hash is gone", &|case| case.receipt.proof.truncate(1)),
        bad("too-many-hashes", "one hash more", &|case| case.receipt.proof.push(other)),
        bad("whole-tree", "a proof to the checkpoint's root", &|case| {
            case.receipt.proof = inclusion(6, &case.leaves);
        }),
        bad("narrower", "a proof in [6, 8), whose hash is held too", &|case| {
            case.receipt.proof = inclusion(0, &case.leaves[6..8]);
        }),
        bad("node-as-leaf", "the hash of [6, 8) as a leaf of its own", &|case| {
            case.leaf = case.hashes[3];
            case.receipt.proof.remove(0);
        }),
    ]
}

fn bad_bytes() -> Vec<Vector> {
    let case = Case::new(3, &[0, 5, 12, 13], 14, 6);
    let good = case.receipt.bytes();
    let bad = |name: &str, comment: &str, bytes: &[u8]| {
        case.raw(&format!("bytes-{name}"), "error", "receipt.md#landmark-receipt", comment, bytes)
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    vec![
        bad("empty", "no bytes at all", &[]),
        bad("other-magic", "another first byte", &with(0, b'S')),
        bad("version-2", "another version", &with(3, 2)),
        bad("header-only", "the fixed fields without their last byte", &good[..28]),
        bad("half-a-hash", "the last hash has 31 bytes", &good[..good.len() - 1]),
        bad("a-byte-more", "a byte behind the last hash", &[&good[..], &[0]].concat()),
        bad("extra-past-the-end", "255 bytes of extra are announced", &with(28, 255)),
        bad("extra-of-32", "a hash taken for extra", &with(28, 32)),
        bad("sixty-four-hashes", "one hash more than any proof", &[&good[..29], &[7; 64 * 32]].concat()),
        bad("too-long", "more than 2,300 bytes", &[&good[..], &[7; 70 * 32]].concat()),
    ]
}
