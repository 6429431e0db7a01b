use sillok_log::UnixSeconds;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{IssuerHash, List, ListId, MIN_LIST_SLOTS, Snapshot};
use sillok_log::merkle::Frontier;
use sillok_log::note::{SignatureKind, SignerKey};

use super::*;
use crate::sequencer::edge::Edge;
use crate::sequencer::publish::publish;
use crate::store::{MemoryBlobs, MemorySeen};

const LIST: ListId = ListId([6; 16]);

fn signed(frontier: &Frontier) -> Signed {
    let key = SignerKey::from_seed("log.example", SignatureKind::Ed25519, &[1; 32]).unwrap();
    let checkpoint = Checkpoint { origin: key.name().into(), size: frontier.size(), root: frontier.root() };
    let note = checkpoint.sign(&key).unwrap();
    Signed { checkpoint, note }
}

/// A public log of a list and a snapshot, whose digest is that of no fold.
fn public(blobs: &MemoryBlobs) -> (Signed, Vec<Vec<Hash>>, SeenBatch) {
    let list = List { list: LIST, issuer: IssuerHash([1; 32]), size: MIN_LIST_SLOTS };
    let snapshot = Snapshot {
        list: LIST,
        sequence: 1,
        digest: Hash([9; 32]),
        fold_size: TreeSize(1),
        issued: UnixSeconds(1),
        not_after: UnixSeconds(2),
    };
    let mut edge = Edge::load(blobs, &signed(&Frontier::new())).unwrap();
    let mut noted = SeenBatch { watermark: TreeSize(2), ..SeenBatch::default() };
    for (index, entry) in (0..).zip([Entry::List(list), Entry::Snapshot(snapshot)]) {
        noted.controls.push((LeafIndex(index), entry.encode()));
        edge.push(entry.encode()).unwrap();
    }
    let signed = signed(edge.frontier());
    publish(blobs, blobs, &mut edge, TreeSize(0), &signed).unwrap();
    (signed, edge.levels().to_vec(), noted)
}

#[test]
fn a_noted_control_is_found_in_the_log_and_not_judged_again() {
    let (blobs, seen) = (MemoryBlobs::default(), MemorySeen::default());
    let (signed, edge, noted) = public(&blobs);
    seen.note(&noted).unwrap();
    // A fold of the list would contradict this snapshot.
    let ledger = catch_up(&seen, &blobs, &signed, LogKind::Typed, &edge, &mut |_at| true).unwrap().unwrap();
    let (snapshot, at) = ledger.last_snapshot(LIST).unwrap();
    assert_eq!((snapshot.sequence, at), (1, LeafIndex(1)));
}

#[test]
fn an_entry_that_is_scanned_is_judged() {
    let (blobs, seen) = (MemoryBlobs::default(), MemorySeen::default());
    let (signed, edge, mut noted) = public(&blobs);
    let scan = |seen| catch_up(seen, &blobs, &signed, LogKind::Typed, &edge, &mut |_at| true);
    assert!(matches!(scan(&seen), Err(Fatal::EntryRefused { at: LeafIndex(1), .. })));
    // So is one that was noted with other bytes than the log has: all is read again.
    if let Some((_index, bytes)) = noted.controls.last_mut() {
        *bytes = vec![1, 2, 3];
    }
    let other = MemorySeen::default();
    other.note(&noted).unwrap();
    assert!(matches!(scan(&other), Err(Fatal::EntryRefused { at: LeafIndex(1), .. })));
}
