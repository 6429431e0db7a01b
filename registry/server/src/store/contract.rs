//! One test for each contract, run by every implementation of it, ours and later ones.
//!
//! Each function takes a fresh, empty store and panics with the promise that is broken.

use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, LeafIndex, TreeSize};

use super::{Blobs, Error, Heads, MAX_HEAD_BYTES, Object, Seen, SeenBatch, SeenKey, Swap};

/// Checks the promises of [`Blobs`] on an empty store.
///
/// # Panics
/// When one is broken.
pub fn check_blobs(blobs: &dyn Blobs) {
    let object = |path: &str, bytes: &[u8]| Object { path: path.into(), bytes: bytes.into() };
    let get = |path| blobs.get(path).expect("an object can be read");
    assert_eq!(get("tile/0/000"), None, "an empty store has nothing");

    let many: Vec<_> = (0..600).map(|n| object(&format!("tile/0/x001/{n:03}"), &[1; 40])).collect();
    blobs.put_many(&many).expect("objects can be created");
    assert_eq!(get("tile/0/x001/599"), Some(vec![1; 40]), "what was put is there");
    blobs.put_many(&many).expect("the same bytes again are fine");

    let mixed = [object("tile/0/x002/000", b"new"), object("tile/0/x001/000", b"other")];
    assert!(matches!(blobs.put_many(&mixed), Err(Error::Clash { .. })), "other bytes at a used name fail");
    assert_eq!(get("tile/0/x001/000"), Some(vec![1; 40]), "and change nothing");
    blobs.put_many(&mixed[..1]).expect("a failed put can be repeated in part");
    let twice = [object("tile/1/000", b"a"), object("tile/1/000", b"b")];
    assert!(blobs.put_many(&twice).is_err(), "one name with two contents fails");

    for name in
        ["", "/etc/passwd", "../up", "tile/../up", "tile//0", "tile/.tmp", "tile/0\0", &"a/".repeat(99)]
    {
        assert!(matches!(blobs.get(name), Err(Error::Name { .. })), "{name:?} is refused");
        assert!(blobs.put_many(&[object(name, b"x")]).is_err(), "{name:?} is refused");
    }

    blobs.put_many(&[object("tile/0/003.p/1", b"1"), object("tile/0/003.p/2", b"22")]).expect("partials");
    blobs.put_many(&[object("tile/0/003", b"333")]).expect("a full tile beside its partials");
    blobs.discard_partials("tile/0/003").expect("partials can be discarded");
    blobs.discard_partials("tile/0/003").expect("twice");
    assert_eq!(get("tile/0/003.p/1"), None, "the partial is gone");
    assert_eq!(get("tile/0/003"), Some(b"333".to_vec()), "the full tile is not");

    check_public_checkpoint(blobs);
}

fn check_public_checkpoint(blobs: &dyn Blobs) {
    let read = || blobs.checkpoint().expect("the checkpoint can be read");
    assert_eq!(read(), None, "an empty store has no checkpoint");
    assert!(blobs.put_checkpoint("no note").is_err(), "only a checkpoint is one");
    blobs.put_checkpoint(&note(9, 1)).expect("a first checkpoint");
    assert_eq!(read(), Some(note(9, 1)));
    blobs.put_checkpoint(&note(10, 2)).expect("a larger one: sizes are numbers, not texts");
    blobs.put_checkpoint(&note(9, 1)).expect("a smaller one is no error");
    assert_eq!(read(), Some(note(10, 2)), "and never replaces a larger one");
    assert!(
        matches!(blobs.put_checkpoint(&note(10, 3)), Err(Error::Clash { .. })),
        "the same size with another root fails"
    );
    blobs.put_checkpoint(&note(10, 2)).expect("the same one again");
    assert_eq!(read(), Some(note(10, 2)));
}

fn note(size: u64, root: u8) -> String {
    let key = SignerKey::from_seed("contract.example/log", SignatureKind::Ed25519, &[7; 32]).expect("a key");
    let checkpoint = Checkpoint { origin: key.name().into(), size: TreeSize(size), root: Hash([root; 32]) };
    checkpoint.sign(&key).expect("a checkpoint")
}

/// Checks the promises of [`Heads`] on an empty store.
///
/// # Panics
/// When one is broken.
pub fn check_heads(heads: &dyn Heads) {
    let read = || heads.read().expect("the head can be read");
    assert_eq!(read(), None, "an empty store has no record");
    assert!(matches!(heads.swap(Some(b"x"), b"y"), Swap::Lost(None)), "nothing is not something");
    assert!(matches!(heads.swap(None, b"one"), Swap::Won), "a first record");
    assert_eq!(read().as_deref(), Some(b"one".as_slice()));
    assert!(matches!(heads.swap(None, b"two"), Swap::Lost(Some(current)) if current == b"one"));
    assert!(matches!(heads.swap(Some(b"on"), b"two"), Swap::Lost(Some(_))), "a prefix is not the record");
    let mut old = b"one".to_vec();
    for round in 0..5_usize {
        let new = vec![b'a'; MAX_HEAD_BYTES - round];
        assert!(matches!(heads.swap(Some(&old), &new), Swap::Won), "round {round}");
        assert_eq!(read().as_ref(), Some(&new), "round {round}");
        assert!(matches!(heads.swap(Some(&old), b"late"), Swap::Lost(Some(_))), "the old one has lost");
        old = new;
    }
    let too_long = vec![b'a'; MAX_HEAD_BYTES + 1];
    assert!(!matches!(heads.swap(Some(&old), &too_long), Swap::Won), "too long a record");
    assert_eq!(heads.read().expect("still readable"), Some(old), "a refused swap changes nothing");
}

/// Checks the promises of [`Seen`] on an empty store.
///
/// # Panics
/// When one is broken.
pub fn check_seen(seen: &dyn Seen) {
    let watermark = || seen.watermark().expect("a watermark");
    let find = |key| seen.find(&key).expect("a look-up");
    let controls = || {
        let mut all = Vec::new();
        seen.visit_controls(&mut |index, entry| {
            all.push((index, entry.to_vec()));
            true
        })
        .expect("controls");
        all
    };
    assert_eq!(watermark(), TreeSize(0));
    assert_eq!(find(SeenKey::Commitment([1; 32])), None);
    assert_eq!(controls(), vec![]);

    let first = SeenBatch {
        watermark: TreeSize(3),
        keys: vec![
            (SeenKey::Commitment([1; 32]), LeafIndex(0)),
            (SeenKey::Leaf(Hash([2; 32])), LeafIndex(1)),
        ],
        controls: vec![(LeafIndex(1), b"key".to_vec()), (LeafIndex(2), b"list".to_vec())],
    };
    seen.note(&first).expect("a batch");
    let second = SeenBatch {
        watermark: TreeSize(300),
        keys: (3..300).map(|n| (SeenKey::Leaf(Hash([n as u8; 32])), LeafIndex(n))).take(200).collect(),
        controls: vec![(LeafIndex(256), b"status".to_vec())],
    };
    seen.note(&second).expect("another");
    assert_eq!(watermark(), TreeSize(300));
    assert_eq!(find(SeenKey::Commitment([1; 32])), Some(LeafIndex(0)));
    assert_eq!(find(SeenKey::Leaf(Hash([1; 32]))), None, "a commitment is not a leaf hash");
    assert_eq!(find(SeenKey::Leaf(Hash([4; 32]))), Some(LeafIndex(4)));
    let expected: Vec<_> = first.controls.iter().chain(&second.controls).cloned().collect();
    assert_eq!(controls(), expected, "controls come in order of place");

    let mut visited = 0;
    seen.visit_controls(&mut |_index, _entry| {
        visited += 1;
        false
    })
    .expect("a visitor may stop");
    assert_eq!(visited, 1);

    seen.clear().expect("it may forget");
    assert_eq!((watermark(), find(SeenKey::Commitment([1; 32])), controls()), (TreeSize(0), None, vec![]));
    seen.note(&first).expect("and learn again");
    assert_eq!((watermark(), controls()), (TreeSize(3), first.controls));
}
