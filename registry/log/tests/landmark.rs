//! Landmarks: when they are allocated, what their list looks like, and that a verifier's set proves leaves and nothing else.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::cosignature::cosign;
use sillok_log::landmark::{
    LandmarkError, Landmarks, MAX_LANDMARK_LEAVES, MAX_LANDMARKS, MAX_LIST_BYTES, Schedule, TrustedLandmarks,
    landmark_nodes, newest_with_hashes,
};
use sillok_log::merkle::{Frontier, NodeId, ProofError, inclusion_plan, leaf_hash, root_plan};
use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::policy::Policy;
use sillok_log::receipt::{
    LandmarkReceipt, LandmarkReceiptError, LogTag, MAX_LANDMARK_RECEIPT_BYTES, Receipt, SubtreeReceipt,
};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

/// The largest tree of these tests.
const LIMIT: u64 = 600;

struct Tree {
    nodes: HashMap<NodeId, Hash>,
}

impl Tree {
    fn new() -> Self {
        let mut nodes = HashMap::new();
        let mut frontier = Frontier::new();
        for n in 0..LIMIT {
            frontier
                .push_with(leaf_hash(&n.to_be_bytes()), &mut |node, hash| _ = nodes.insert(node, hash))
                .unwrap();
        }
        Self { nodes }
    }

    fn hashes(&self, nodes: &[NodeId]) -> Vec<Hash> {
        nodes.iter().map(|node| self.nodes[node]).collect()
    }

    fn root(&self, size: TreeSize) -> Hash {
        let plan = root_plan(size).unwrap();
        plan.fold(&self.hashes(plan.nodes())).unwrap()[0]
    }

    fn leaf(&self, index: u64) -> Hash {
        self.nodes[&NodeId { level: 0, index }]
    }

    fn proof(&self, landmarks: &Landmarks, number: u64, index: u64) -> Vec<Hash> {
        let plan =
            landmarks.subtree(number, LeafIndex(index)).unwrap().inclusion_plan(LeafIndex(index)).unwrap();
        plan.fold(&self.hashes(plan.nodes())).unwrap()
    }
}

/// Landmarks from number zero.
fn landmarks(sizes: &[u64]) -> Landmarks {
    let sizes: Vec<TreeSize> = [0].iter().chain(sizes).copied().map(TreeSize).collect();
    Landmarks::from_sizes(sizes.len() as u64 - 1, sizes).unwrap()
}

fn rng(seed: u8) -> TestRng {
    println!("seed {seed}");
    TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32])
}

#[test]
fn a_list_has_one_spelling() {
    let list = landmarks(&[3, 7, 20]);
    assert_eq!(list.encode(), "3 3\n20\n7\n3\n0\n");
    assert_eq!(Landmarks::new().encode(), "0 0\n0\n");
    let later = Landmarks::parse(b"9 2\n500\n400\n300\n").unwrap();
    for list in [&list, &Landmarks::new(), &later] {
        assert_eq!(Landmarks::parse(list.encode().as_bytes()).as_ref(), Ok(list));
    }
    for bad in [
        "",
        "0 0\n0",
        "0 0\n",
        "3 3\r\n20\n7\n3\n0\n",
        "3 3\n20\n7\n3\n0\n\n",
        "03 3\n20\n7\n3\n0\n",
        "3  3\n20\n7\n3\n0\n",
        "3 2\n20\n7\n3\n0\n",
        "3 4\n20\n7\n3\n0\n",
        "3 3\n20\n7\n7\n0\n",
        "3 3\n20\n3\n7\n0\n",
        "3 3\n+20\n7\n3\n0\n",
        "3 3\n20\n7\n3\n1\n",
        "2 3\n20\n7\n3\n0\n",
        "4 3\n20\n7\n3\n0\n",
        "3 3\n9223372036854775808\n7\n3\n0\n",
        "1 1\n18446744073709551616\n0\n",
        "0 0\n1\n",
        "\u{e9} 0\n0\n",
        "1 18446744073709551615\n5\n0\n",
    ] {
        assert!(Landmarks::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    let long = vec![b'0'; MAX_LIST_BYTES + 1];
    assert_eq!(Landmarks::parse(&long), Err(LandmarkError::TooLong { bytes: MAX_LIST_BYTES + 1 }));
}

#[test]
fn the_oldest_are_forgotten_and_the_longest_list_is_read() {
    let mut list = Landmarks::new();
    for number in 1..=MAX_LANDMARKS as u64 + 5 {
        list.push(TreeSize((1 << 62) + number)).unwrap();
    }
    assert_eq!((list.active(), list.newest().0), (MAX_LANDMARKS, MAX_LANDMARKS as u64 + 5));
    assert_eq!(list.covering(LeafIndex(0)), None);
    let text = list.encode();
    assert!(text.len() <= MAX_LIST_BYTES, "{} bytes", text.len());
    assert_eq!(Landmarks::parse(text.as_bytes()).as_ref(), Ok(&list));
    let more = Landmarks::from_sizes(
        MAX_LANDMARKS as u64 + 1,
        (0..=MAX_LANDMARKS as u64 + 1).map(TreeSize).collect(),
    );
    assert_eq!(more, Err(LandmarkError::Count { count: MAX_LANDMARKS + 2 }));
    assert_eq!(
        list.push(TreeSize(7)).err(),
        Some(LandmarkError::Order { size: list.newest().1, next: TreeSize(7) })
    );
}

#[test]
fn a_list_that_changed_does_not_agree() {
    let old = landmarks(&[3, 7, 20]);
    let mut newer = old.clone();
    newer.push(TreeSize(21)).unwrap();
    let mut window = newer.clone();
    window.keep_newest(1);
    let mut earlier = newer.clone();
    earlier.forget_above(TreeSize(20));
    assert_eq!(earlier, old);
    earlier.forget_above(TreeSize(6));
    assert_eq!(earlier.newest(), (1, TreeSize(3)));
    assert!(old.agrees_with(&old) && old.agrees_with(&newer) && old.agrees_with(&window));
    assert!(!newer.agrees_with(&old), "a list does not get shorter");
    assert!(!old.agrees_with(&landmarks(&[3, 8, 20, 21])));
    assert!(!old.agrees_with(&landmarks(&[3, 7, 19, 21])));
}

#[test]
fn each_leaf_is_covered_by_the_first_landmark_above_it() {
    let list = landmarks(&[1, 3, 130, 131]);
    for (index, number) in [(0, 1), (1, 2), (2, 2), (3, 3), (129, 3), (130, 4)] {
        assert_eq!(list.covering(LeafIndex(index)), Some(number), "leaf {index}");
        assert!(list.subtree(number, LeafIndex(index)).is_some());
        assert_eq!(list.subtree(number + 1, LeafIndex(index)), None);
    }
    assert_eq!(list.covering(LeafIndex(131)), None);
    assert_eq!(list.subtrees(0), None, "landmark zero covers nothing");
    assert_eq!(list.subtrees(5), None);
}

/// Hours of growth, each with the sizes that were public in it.
fn grow(seed: u8, hours: u64, most: u64) -> Vec<Vec<u64>> {
    let mut rng = rng(seed);
    let mut size = rng.next_u64() % most;
    (0..hours)
        .map(|_hour| {
            let quiet = rng.next_u64().is_multiple_of(4);
            let steps = rng.next_u64() % 5;
            (0..steps)
                .map(|_step| {
                    size += if quiet { rng.next_u64() % 3 } else { rng.next_u64() % most };
                    size
                })
                .collect()
        })
        .collect()
}

#[test]
fn allocation_keeps_its_promises() {
    for (seed, most) in [(1, 4), (2, 5_000), (3, 600_000), (4, 30_000_000)] {
        let mut list = Landmarks::new();
        let mut schedule = Schedule::begin(TreeSize(0), UnixSeconds(0));
        let (mut public, mut before) = (0, 0);
        for (hour, sizes) in grow(seed, 300, most).into_iter().enumerate() {
            let now = UnixSeconds((hour as u64 + 1) * 3_600);
            let known = list.clone();
            schedule.allocate(&mut list, TreeSize(public), now).unwrap();
            assert!(known.agrees_with(&list));
            assert!(before <= list.newest().1.0, "hour {hour}: what was public an hour ago is covered");
            assert!(list.newest().1.0 <= public, "hour {hour}: a landmark of what is not public");
            before = public;
            for size in sizes {
                public = size;
                let known = list.clone();
                schedule.allocate(&mut list, TreeSize(size), UnixSeconds(now.0 + 3_599)).unwrap();
                assert!(size - list.newest().1.0 < MAX_LANDMARK_LEAVES);
                let by_size = list.active() != known.active();
                assert!(
                    !by_size || size - known.newest().1.0 >= MAX_LANDMARK_LEAVES,
                    "one an hour but for growth"
                );
            }
        }
        let sizes = list.sizes();
        assert!(sizes.len() > 100, "{most}: {} landmarks", sizes.len());
        for (old, new) in sizes.iter().zip(&sizes[1..]) {
            assert!(old < new && new.0 - old.0 <= MAX_LANDMARK_LEAVES);
        }
        for number in 1..=list.newest().0 {
            let (left, right) = list.subtrees(number).unwrap();
            assert!(left.len().max(right.len()) <= MAX_LANDMARK_LEAVES, "at most 20 hashes");
        }
    }
}

#[test]
fn a_clock_that_jumps_stops_nothing_and_nothing_is_allocated_twice() {
    let mut list = Landmarks::new();
    let mut schedule = Schedule::begin(TreeSize(0), UnixSeconds(7_200));
    let mut at =
        |list: &mut Landmarks, size, now| schedule.allocate(list, TreeSize(size), UnixSeconds(now)).unwrap();
    assert!(!at(&mut list, 100, 7_300), "the hour has not ended");
    assert!(at(&mut list, 100, 10_800));
    assert!(!at(&mut list, 110, 10_900));
    assert!(at(&mut list, 110, 1 << 40), "a clock in the far future");
    assert!(at(&mut list, 120, 14_400), "and back");
    assert!(at(&mut list, 120, 18_000));
    let sizes = [0, 64, 104, 112, 120].map(TreeSize);
    assert_eq!(list.sizes(), sizes);
    assert!(at(&mut list, 120, 21_600), "no growth: only the time is kept");
    assert_eq!(list.sizes(), sizes);
}

/// Sizes of some landmarks, how many of them are kept, and the size of the checkpoint.
fn cuts() -> impl Strategy<Value = (Vec<u64>, usize, u64)> {
    (proptest::collection::btree_set(1..LIMIT, 1..20), 1..20_usize, 0..LIMIT).prop_map(
        |(sizes, kept, more)| {
            let sizes: Vec<u64> = sizes.into_iter().collect();
            let size = (sizes[sizes.len() - 1] + more).min(LIMIT);
            (sizes, kept, size)
        },
    )
}

#[test]
fn a_set_proves_each_leaf_that_it_covers_and_no_changed_one() {
    let tree = Tree::new();
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng(5))
        .run(&cuts(), |(sizes, kept, size)| {
            let mut list = landmarks(&sizes);
            list.keep_newest(kept);
            let size = TreeSize(size);
            let hashes = tree.hashes(&landmark_nodes(&list, size).unwrap());
            let root = tree.root(size);
            let set = TrustedLandmarks::open(list.clone(), size, &root, &hashes).unwrap();
            for index in list.sizes()[0].0..list.newest().1.0 {
                let number = list.covering(LeafIndex(index)).unwrap();
                let (leaf, proof) = (tree.leaf(index), tree.proof(&list, number, index));
                prop_assert_eq!(set.check(number, &leaf, LeafIndex(index), &proof), Ok(()));
                let other = leaf_hash(b"other");
                let refused = set.check(number, &other, LeafIndex(index), &proof);
                prop_assert!(matches!(refused, Err(ProofError::RootMismatch { .. })), "another leaf");
                let longer = [proof.as_slice(), &[other]].concat();
                prop_assert!(
                    matches!(
                        set.check(number, &leaf, LeafIndex(index), &longer),
                        Err(ProofError::Length { .. })
                    ),
                    "one hash more"
                );
                for elsewhere in [number - 1, number + 1] {
                    let refused = set.check(elsewhere, &leaf, LeafIndex(index), &proof);
                    prop_assert!(
                        matches!(refused, Err(ProofError::IndexOutOfRange { .. })),
                        "another landmark"
                    );
                }
            }
            for position in 0..hashes.len() {
                let mut damaged = hashes.clone();
                damaged[position].0[31] ^= 1;
                let refused = TrustedLandmarks::open(list.clone(), size, &root, &damaged);
                prop_assert!(
                    matches!(refused, Err(LandmarkError::Proof(ProofError::RootMismatch { .. }))),
                    "another hash"
                );
            }
            let fewer = TrustedLandmarks::open(list, size, &root, &hashes[1..]);
            prop_assert!(
                matches!(fewer, Err(LandmarkError::Proof(ProofError::Length { .. }))),
                "one hash fewer"
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn fewer_landmarks_are_proved_by_what_proves_all() {
    let tree = Tree::new();
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng(6))
        .run(&cuts(), |(sizes, kept, size)| {
            let (all, size) = (landmarks(&sizes), TreeSize(size));
            let hashes = tree.hashes(&landmark_nodes(&all, size).unwrap());
            let (newest, fewer) = newest_with_hashes(&all, size, &hashes, kept).unwrap();
            let mut expected = all.clone();
            expected.keep_newest(kept);
            prop_assert_eq!(&newest, &expected);
            prop_assert_eq!(fewer, tree.hashes(&landmark_nodes(&expected, size).unwrap()));
            let missing = newest_with_hashes(&all, size, &hashes[1..], kept);
            prop_assert!(
                matches!(missing, Err(LandmarkError::Proof(ProofError::Length { .. }))),
                "one hash fewer"
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_set_needs_the_very_checkpoint_and_the_very_sizes() {
    let tree = Tree::new();
    let list = landmarks(&[64, 128, 300]);
    let hashes = tree.hashes(&landmark_nodes(&list, TreeSize(310)).unwrap());
    let open = |list: &Landmarks, size| {
        TrustedLandmarks::open(list.clone(), TreeSize(size), &tree.root(TreeSize(310)), &hashes)
    };
    assert!(open(&list, 310).is_ok());
    for size in [299, 301, 304, 311, 600] {
        assert!(open(&list, size).is_err(), "{size}");
    }
    for sizes in [&[64, 128, 302][..], &[32, 128, 300], &[100, 300], &[64, 128, 257, 300]] {
        assert!(open(&landmarks(sizes), 310).is_err(), "{sizes:?}");
    }
    let empty = TrustedLandmarks::open(Landmarks::new(), TreeSize(0), &tree.root(TreeSize(0)), &[]).unwrap();
    assert!(!empty.has(0) && !empty.has(1));
}

/// A day whose noon is busy and whose night is quiet.
fn busy(hour: u64, a_year: u64, rng: &mut TestRng) -> u64 {
    let weight = [1, 1, 1, 1, 1, 2, 5, 12, 30, 50, 60, 70, 90, 70, 60, 50, 50, 40, 30, 20, 10, 5, 2, 1];
    let day: u64 = weight.iter().sum::<u64>() * 365;
    let share = weight[usize::try_from(hour % 24).unwrap()] * a_year / day;
    share * (50 + rng.next_u64() % 101) / 100
}

/// What a year of landmarks takes, and the longest proof in it.
#[test]
fn a_year_of_landmarks_fits_in_600_kb_and_each_proof_in_640_bytes() {
    for (seed, a_year) in [(6, 50_000_000), (7, 500_000_000)] {
        let mut rng = rng(seed);
        let mut list = Landmarks::new();
        let mut schedule = Schedule::begin(TreeSize(0), UnixSeconds(0));
        let mut size = 0;
        for hour in 1..=8_760 {
            size += busy(hour, a_year, &mut rng);
            schedule.allocate(&mut list, TreeSize(size), UnixSeconds(hour * 3_600)).unwrap();
        }
        let hashes = landmark_nodes(&list, TreeSize(size)).unwrap().len();
        let base64 = (hashes * 32).div_ceil(3) * 4;
        let sizes: usize = list.sizes().iter().map(|size| size.to_string().len() + 1).sum();
        let longest = (1..=list.newest().0)
            .flat_map(|number| <[_; 2]>::from(list.subtrees(number).unwrap()))
            .map(|subtree| subtree.len().next_power_of_two().ilog2() as usize * 32)
            .max()
            .unwrap();
        println!(
            "{size} entries: {} landmarks, {hashes} hashes, {} bytes in a feed, {} bytes of list; \
             longest proof {longest} bytes, receipt {} bytes",
            list.active(),
            base64 + sizes,
            list.encode().len(),
            29 + 73 + longest,
        );
        assert!(list.active() > 8_700 && base64 + sizes <= 600_000 && longest <= 640);
    }
}

#[test]
fn what_witnesses_cosigned_of_a_checkpoint_makes_a_subtree_receipt() {
    let tree = Tree::new();
    let key = |name: &str, kind, seed| SignerKey::from_seed(name, kind, &[seed; 32]).unwrap();
    let log = key("log.example/sillok", SignatureKind::Ed25519, 1);
    let witness = key("w.example", SignatureKind::MlDsa44, 2);
    let policy = format!("log {}\nwitness w {}\nquorum w\n", log.verifier(), witness.verifier());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let checkpoint =
        Checkpoint { origin: log.name().into(), size: TreeSize(600), root: tree.root(TreeSize(600)) };
    let body = checkpoint.body();
    let lines = [log.sign(&body).unwrap(), cosign(&body, UnixSeconds(1_800_000_000), &witness).unwrap()];
    let plan = inclusion_plan(LeafIndex(77), TreeSize(600)).unwrap();
    let full = |lines: &[String]| Receipt {
        extra: Some(vec![9; 73]),
        index: LeafIndex(77),
        proof: plan.fold(&tree.hashes(plan.nodes())).unwrap(),
        checkpoint: compose(&body, lines).unwrap(),
    };
    let made = SubtreeReceipt::of_full(&full(&lines), &policy).unwrap();
    let bytes = made.encode();
    println!("{} bytes of text, {} bytes in binary", full(&lines).encode().len(), bytes.len());
    assert_eq!(SubtreeReceipt::parse(&bytes).as_ref(), Ok(&made));
    made.check(&tree.leaf(77)).unwrap();
    policy.check_subtree(log.name(), made.subtree, &made.hash, &made.cosignatures).unwrap();
    assert!(policy.check_subtree("other.example", made.subtree, &made.hash, &made.cosignatures).is_err());
    assert_eq!(SubtreeReceipt::of_full(&full(&lines[..1]), &policy), None, "nobody cosigned");
}

#[test]
fn a_receipt_has_one_spelling() {
    let good = LandmarkReceipt {
        log: LogTag::of("log.example/sillok"),
        landmark: 7,
        index: LeafIndex(1 << 40),
        extra: vec![9; 73],
        proof: vec![leaf_hash(b"a"), leaf_hash(b"b")],
    };
    let bytes = good.encode();
    assert_eq!(bytes.len(), 29 + 73 + 64);
    assert_eq!(LandmarkReceipt::parse(&bytes).as_ref(), Ok(&good));
    assert!(
        LandmarkReceipt::is_claimed_by(&bytes)
            && !LandmarkReceipt::is_claimed_by(b"c2sp.org/tlog-proof@v1\n")
    );
    for length in 0..bytes.len() {
        // Where a whole hash is cut off, what is left is a receipt with a shorter proof.
        let whole = length >= 29 + 73 && (length - 29 - 73).is_multiple_of(32);
        assert_eq!(LandmarkReceipt::parse(&bytes[..length]).is_ok(), whole, "{length}");
    }
    let version = [b"slr\x02", &bytes[4..]].concat();
    assert_eq!(LandmarkReceipt::parse(&version), Err(LandmarkReceiptError::Header));
    let longest =
        LandmarkReceipt { extra: vec![0; 255], proof: vec![leaf_hash(b""); 63], ..good.clone() }.encode();
    assert_eq!(longest.len(), MAX_LANDMARK_RECEIPT_BYTES);
    assert!(LandmarkReceipt::parse(&longest).is_ok());
    let hashes = LandmarkReceipt { proof: vec![leaf_hash(b""); 64], ..good }.encode();
    assert_eq!(LandmarkReceipt::parse(&hashes), Err(LandmarkReceiptError::TooManyHashes { hashes: 64 }));
    let long = [longest.as_slice(), &[0; 32]].concat();
    assert!(matches!(LandmarkReceipt::parse(&long), Err(LandmarkReceiptError::TooLong { .. })));
}
