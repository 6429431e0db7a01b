use sillok_log::UnixSeconds;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Issue, IssuerHash, List, ListId, MIN_LIST_SLOTS, Snapshot, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::Frontier;
use sillok_log::note::{SignatureKind, SignerKey};

use super::*;
use crate::sequencer::edge::Edge;
use crate::sequencer::plan::Parsed;
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

/// The one thread that all wait for would read files, and check a proof, for each entry that somebody else makes up with a
/// known commitment.
#[test]
fn what_whoever_submits_has_looked_up_the_sequencer_does_not() {
    let (blobs, seen) = (Arc::new(MemoryBlobs::default()), Arc::new(MemorySeen::default()));
    let item = |hour: u64| {
        let issue = Issue {
            commitment: Hash([3; 32]),
            issuer_key: Thumbprint([4; 32]),
            provenance: Hash([5; 32]),
            time: UnixSeconds(hour * 3_600),
        };
        let bytes = Entry::Issue(issue).encode();
        let parsed = Parsed::Typed(Entry::Issue(issue), Role::Issuer(IssuerHash([1; 32])));
        Item { leaf: leaf_hash(&bytes), bytes, parsed, known: None }
    };
    let mut items = [item(1), item(2)];
    let mut edge = Edge::load(blobs.as_ref(), &signed(&Frontier::new())).unwrap();
    edge.push(items[0].bytes.clone()).unwrap();
    let signed = signed(edge.frontier());
    publish(blobs.as_ref(), blobs.as_ref(), &mut edge, TreeSize(0), &signed).unwrap();
    let keys = vec![(items[0].key().unwrap(), LeafIndex(0))];
    seen.note(&SeenBatch { watermark: TreeSize(1), keys, controls: Vec::new() }).unwrap();
    Index::new(seen.clone(), blobs).recognise(&mut items, TreeSize(1), &signed);
    // Without a file.
    let mut index = Index::new(seen, Arc::new(MemoryBlobs::default()));
    let found = items.each_ref().map(|item| index.find(item, TreeSize(1), &signed).unwrap());
    assert_eq!(found, [Some(Known::Same(LeafIndex(0))), Some(Known::Other)]);
}
