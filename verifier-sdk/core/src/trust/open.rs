//! Pure. Opening a trust bundle, step by step, in the order of specs/trust-bundle.md.
//!
//! Nothing is kept before everything is checked: the new memory is made by the last step.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::audit::LogKind;
use sillok_log::entry::{Document, Entry, document_digest};
use sillok_log::merkle::check_inclusion;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::{Opened, Policy, Witnessed};
use sillok_log::receipt::{LogTag, Receipt};
use sillok_log::{Hash, UnixSeconds};

use super::{
    Anchors, Container, EarlierLandmarks, Feed, FeedLandmarks, HeldLandmarks, Issuer, Issuers, Lists,
    Malformed, NotLogged, Part, Root, Trust, TrustError,
};
use crate::json::JsonError;
use crate::memory::{AlarmKind, FeedSeen, Memory, RootSeen};
use crate::verdict::{Anchoring, Witnesses};

/// Notes whose policy accepted them, with what they say.
type Checkpoints = BTreeMap<String, Opened>;

/// Where a newer root was seen under the policy of the one before it.
struct Previous {
    under: Hash,
    seen: (String, Opened),
    may_raise_floor: bool,
}

//= specs/trust-bundle.md#opening
pub(super) fn open(
    container: &[u8],
    anchors: Option<&Anchors>,
    memory: &Memory,
    now: UnixSeconds,
) -> Result<(Trust, Memory), TrustError> {
    let now = memory.not_before_floor(now);
    // 1. Container and both notes.
    let container = Container::parse(container).map_err(|error| json(Part::Container, error))?;
    let root_note = Note::parse(&container.root).map_err(|error| note(Part::Root, error))?;
    let root = Root::parse(root_note.text()).map_err(|error| json(Part::Root, error))?;
    let feed_note = Note::parse(&container.feed).map_err(|error| note(Part::Feed, error))?;
    let feed = Feed::parse(feed_note.text()).map_err(|error| json(Part::Feed, error))?;
    check_state_size(&container)?;
    let root_digest = document_digest(Document::Root, root_note.text());
    let feed_digest = document_digest(Document::Feed, feed_note.text());
    // 2 to 5. Whose root it is, and that it does not go back.
    check_root_signature(&root, &root_note)?;
    let anchoring = check_anchors(anchors, &root_note)?;
    check_root_order(&root, &root_digest, &root_note, anchors, memory)?;
    check_keys(&root, memory)?;
    // 6. The policy, and the root in the log.
    let policy = check_policy(&root)?;
    let mut checkpoints = Checkpoints::new();
    let root_entry = root.entry(root_note.text());
    // A newer root must be seen in a log that the verifier trusts already: whoever stole the root keys could show it in
    // a log of their own.
    let older = memory.root().filter(|seen| seen.sequence < root.sequence);
    let previous = older.map(|seen| Policy::parse(seen.policy.as_bytes())).transpose();
    let previous = previous.map_err(TrustError::Policy)?;
    let root_seen = check_logged(&container.root_receipt, &root_entry, previous.as_ref().unwrap_or(&policy))
        .map_err(TrustError::RootNotLogged)?;
    check_activation(Part::Root, root.issued, now)?;
    // 7. Whose feed it is, that it does not go back, and the feed in the log.
    feed_note.open(&root.feed_keys).map_err(TrustError::FeedSignature)?;
    check_feed_order(&feed, &feed_digest, &root, memory)?;
    let feed_entry = feed.entry(feed_note.text());
    let (note, opened) =
        check_logged(&container.feed_receipt, &feed_entry, &policy).map_err(TrustError::FeedNotLogged)?;
    checkpoints.insert(note, opened);
    check_activation(Part::Feed, feed.issued, now)?;
    // 8. and 9. Snapshots and landmarks.
    let current = policy.open(&feed.checkpoint).map_err(TrustError::FeedCheckpoint)?;
    check_snapshots(&feed, &current)?;
    let landmarks = prove_landmarks(&feed, &current, &policy, &mut checkpoints)?;
    let mut lists = Lists::of_feed(&feed, &current.checkpoint.origin);
    prove_files(&container, &policy, &mut lists, &mut checkpoints)?;
    checkpoints.insert(feed.checkpoint.clone(), current.clone());
    // 10. The checkpoints against memory.
    let seen = (root_digest, root_seen);
    let (mut kept, follows) = compare(memory, &root, seen, &mut checkpoints, &container, feed.not_after)?;
    keep_documents(&mut kept, &root, (root_digest, follows), &feed, feed_digest);
    let witnesses = match current.witnessed {
        Witnessed::NotAsked => Witnesses::NoneAsked,
        Witnessed::Quorum { .. } => Witnesses::Quorum,
    };
    let issuers: Issuers = root.issuers.iter().map(Issuer::believed_keys).collect();
    let trust = Trust {
        root,
        root_digest,
        follows,
        feed,
        anchoring,
        policy,
        witnesses,
        issuers,
        lists,
        landmarks,
        opened: checkpoints,
    };
    Ok((trust, kept))
}

fn alarmed(kind: AlarmKind, memory: Memory) -> TrustError {
    let memory = Box::new(memory);
    match kind {
        AlarmKind::Fork => TrustError::Fork { memory },
        AlarmKind::Inconsistent => TrustError::Consistency { memory },
    }
}

fn json(part: Part, error: JsonError) -> TrustError {
    TrustError::Malformed { part, problem: Malformed::Json(error) }
}

fn note(part: Part, error: sillok_log::note::Error) -> TrustError {
    TrustError::Malformed { part, problem: Malformed::Note(error) }
}

/// A small file may hold a large state, and a container many small files.
fn check_state_size(container: &Container) -> Result<(), TrustError> {
    let bytes = container.snapshots.iter().map(|file| file.length().div_euclid(4)).sum();
    if bytes > MAX_STATE_BYTES {
        return Err(TrustError::Malformed {
            part: Part::Container,
            problem: Malformed::TooMuchState { bytes },
        });
    }
    let mut places = BTreeSet::new();
    // By URI and not by list: two logs may hold lists of one id.
    match container.snapshots.iter().position(|file| !places.insert((file.uri(), file.place().1))) {
        Some(position) => Err(TrustError::SnapshotFile { position, error: None }),
        None => Ok(()),
    }
}

/// How many of `keys` signed. A wrong signature of one of them counts for none: such a note is not as it was made.
fn count_signers(note: &Note<'_>, keys: &[VerifierKey]) -> usize {
    note.open(keys).map_or(0, |signers| signers.len())
}

fn check_root_signature(root: &Root, note: &Note<'_>) -> Result<(), TrustError> {
    let signed = count_signers(note, &root.root_keys);
    let threshold = root.threshold;
    if signed < threshold { Err(TrustError::RootSignature { signed, threshold }) } else { Ok(()) }
}

fn check_anchors(anchors: Option<&Anchors>, note: &Note<'_>) -> Result<Anchoring, TrustError> {
    let Some(anchors) = anchors else { return Ok(Anchoring::NamedByCaller) };
    let signed = count_signers(note, anchors.keys());
    let threshold = anchors.threshold();
    if signed < threshold {
        Err(TrustError::RootNotAnchored { signed, threshold })
    } else {
        Ok(Anchoring::Anchored)
    }
}

fn check_root_order(
    root: &Root,
    digest: &Hash,
    note: &Note<'_>,
    anchors: Option<&Anchors>,
    memory: &Memory,
) -> Result<(), TrustError> {
    let Some(seen) = memory.root() else { return Ok(()) };
    let (sequence, remembered) = (root.sequence, seen.sequence);
    if sequence < remembered {
        return Err(TrustError::RootRollback { sequence, remembered });
    }
    if sequence == remembered {
        return if *digest == seen.digest { Ok(()) } else { Err(TrustError::RootFork { sequence }) };
    }
    if Some(sequence) != remembered.checked_add(1) {
        // Steps were missed. Only those who were trusted beforehand can say that they led here.
        if anchors.is_none() {
            return Err(TrustError::RootGap { sequence, remembered });
        }
    }
    // Whoever holds an old anchor key alone cannot lead a verifier away from the keys that it has come to know.
    let signed = count_signers(note, &seen.keys);
    let threshold = seen.threshold;
    if signed < threshold {
        return Err(TrustError::RootNotSignedByPrevious { signed, threshold });
    }
    if root.epoch < seen.epoch {
        return Err(TrustError::RootEpoch { epoch: root.epoch, remembered: seen.epoch });
    }
    Ok(())
}

fn check_keys(root: &Root, memory: &Memory) -> Result<(), TrustError> {
    for key in root.issuers.iter().flat_map(|issuer| &issuer.keys) {
        let thumbprint = key.key.thumbprint();
        if !memory.allows(thumbprint, &key.standing) {
            return Err(TrustError::KeyRevived { key: thumbprint });
        }
    }
    Ok(())
}

/// Checks that a receipt proves the entry of a document. The checkpoint that it does so under, and what that says.
fn check_logged(receipt: &str, entry: &Entry, policy: &Policy) -> Result<(String, Opened), NotLogged> {
    let receipt = Receipt::parse(receipt.as_bytes()).map_err(NotLogged::Receipt)?;
    if receipt.extra.is_some() {
        return Err(NotLogged::Extra);
    }
    let opened = policy.open(&receipt.checkpoint).map_err(NotLogged::Checkpoint)?;
    receipt.check(&entry.leaf_hash(), &opened.checkpoint).map_err(NotLogged::Inclusion)?;
    Ok((receipt.checkpoint, opened))
}

fn check_policy(root: &Root) -> Result<Policy, TrustError> {
    let policy = Policy::parse(root.policy.as_bytes()).map_err(TrustError::Policy)?;
    let raw = policy.logs().iter().position(|log| LogKind::of_origin(log.key().name()) == LogKind::Raw);
    match raw {
        Some(log) => Err(TrustError::RawLog { log }),
        None => Ok(policy),
    }
}

//= specs/trust-bundle.md#activation
fn check_activation(part: Part, issued: UnixSeconds, now: UnixSeconds) -> Result<(), TrustError> {
    if is_ahead(issued, now) { Err(TrustError::NotYetValid { part, issued }) } else { Ok(()) }
}

/// Whether a document is from the future, with what a clock may be wrong by.
pub(crate) const fn is_ahead(issued: UnixSeconds, now: UnixSeconds) -> bool {
    issued.0 > now.0.saturating_add(MAX_AHEAD_SECONDS)
}

fn check_feed_order(feed: &Feed, digest: &Hash, root: &Root, memory: &Memory) -> Result<(), TrustError> {
    if feed.epoch != root.epoch {
        return Err(TrustError::FeedEpoch { feed: feed.epoch, root: root.epoch });
    }
    if root.sequence < feed.root {
        return Err(TrustError::RootOutdated { sequence: root.sequence, newest: feed.root });
    }
    let Some(seen) = memory.feed() else { return Ok(()) };
    let (number, remembered) = ((feed.epoch, feed.sequence), (seen.epoch, seen.sequence));
    if number < remembered {
        return Err(TrustError::FeedRollback { feed: number, remembered });
    }
    if number == remembered && *digest != seen.digest {
        return Err(TrustError::FeedFork { epoch: feed.epoch, sequence: feed.sequence });
    }
    Ok(())
}

fn check_snapshots(feed: &Feed, current: &Opened) -> Result<(), TrustError> {
    let checkpoint = &current.checkpoint;
    for (position, record) in feed.snapshots.iter().enumerate() {
        let leaf = Entry::Snapshot(record.snapshot).leaf_hash();
        check_inclusion(&leaf, record.index, checkpoint.size, &record.proof, &checkpoint.root)
            .map_err(|error| TrustError::SnapshotProof { position, error })?;
    }
    Ok(())
}

//= specs/trust-bundle.md#feed-landmarks
/// Once, whatever is verified with them later.
fn prove_landmarks(
    feed: &Feed,
    current: &Opened,
    policy: &Policy,
    checkpoints: &mut Checkpoints,
) -> Result<Vec<HeldLandmarks>, TrustError> {
    let prove = |set: &FeedLandmarks, note: &str, opened: &Opened| {
        let Opened { checkpoint, .. } = opened;
        let proved = set.prove(checkpoint.size, &checkpoint.root).map_err(TrustError::Landmarks)?;
        Ok(HeldLandmarks { log: LogTag::of(&checkpoint.origin), checkpoint: note.to_string(), proved })
    };
    let present = feed.landmarks.iter().map(|set| prove(set, &feed.checkpoint, current));
    let mut held = present.collect::<Result<Vec<HeldLandmarks>, TrustError>>()?;
    for EarlierLandmarks { checkpoint, set } in &feed.landmarks_before {
        let opened = policy.open(checkpoint).map_err(TrustError::FeedCheckpoint)?;
        held.push(prove(set, checkpoint, &opened)?);
        checkpoints.insert(checkpoint.clone(), opened);
    }
    Ok(held)
}

fn prove_files(
    container: &Container,
    policy: &Policy,
    lists: &mut Lists,
    checkpoints: &mut Checkpoints,
) -> Result<(), TrustError> {
    for (position, file) in container.snapshots.iter().enumerate() {
        let proved =
            file.prove(policy).map_err(|error| TrustError::SnapshotFile { position, error: Some(error) })?;
        checkpoints.insert(proved.checkpoint().to_string(), proved.opened().clone());
        lists.add(position, file, proved)?;
    }
    Ok(())
}

/// Memory after all checkpoints, and the digest of the root that this one was the step after. `root_seen` is where the root
/// is in a log: of the remembered root's policy if that is older, else of its own.
fn compare(
    memory: &Memory,
    root: &Root,
    (digest, root_seen): (Hash, (String, Opened)),
    checkpoints: &mut Checkpoints,
    container: &Container,
    floor_limit: UnixSeconds,
) -> Result<(Memory, Option<Hash>), TrustError> {
    let mut kept = memory.clone();
    let remembered = memory.root();
    let older = remembered.filter(|seen| seen.sequence < root.sequence);
    // Whose witnesses set the time wrong replaces them in a root of a newer epoch, and the time begins anew.
    let new_epoch = older.is_some_and(|seen| seen.epoch < root.epoch);
    if new_epoch {
        kept.forget_floor();
    }
    let under_previous = match older {
        Some(seen) => Some(Previous { under: seen.digest, seen: root_seen, may_raise_floor: !new_epoch }),
        None => {
            let (note, opened) = root_seen;
            checkpoints.insert(note, opened);
            None
        }
    };
    observe_all(&mut kept, checkpoints, under_previous.as_ref(), container, &digest, floor_limit)
        .map_err(|kind| alarmed(kind, memory.with_alarms_of(&kept)))?;
    // Whatever was the step before this root when it was first seen.
    let same = remembered.filter(|seen| seen.digest == digest);
    let follows = older.map(|seen| seen.digest).or_else(|| same.and_then(|seen| seen.previous));
    Ok((kept, follows))
}

/// All of them are compared with what was remembered before any of them moves memory: first the roots, which somebody
/// signed, then along every consistency proof at hand. Then they are compared with each other.
//= specs/verification.md#memory
fn observe_all(
    kept: &mut Memory,
    checkpoints: &Checkpoints,
    previous: Option<&Previous>,
    container: &Container,
    under: &Hash,
    floor_limit: UnixSeconds,
) -> Result<(), AlarmKind> {
    let own = checkpoints.iter().map(|(text, opened)| (under, text, opened, floor_limit));
    let previous = previous.iter().map(|previous| {
        let limit = if previous.may_raise_floor { floor_limit } else { UnixSeconds(0) };
        (&previous.under, &previous.seen.0, &previous.seen.1, limit)
    });
    let all = own.chain(previous);
    for (_under, text, opened, _limit) in all.clone() {
        kept.compare_roots(&opened.checkpoint, text)?;
    }
    for (_under, text, opened, _limit) in all.clone() {
        kept.compare_proofs(&opened.checkpoint, text, &container.consistency)?;
    }
    for (under, text, opened, limit) in all {
        kept.observe(opened, text, under, limit)?;
    }
    Ok(())
}

fn keep_documents(
    kept: &mut Memory,
    root: &Root,
    (root_digest, previous): (Hash, Option<Hash>),
    feed: &Feed,
    feed_digest: Hash,
) {
    for key in root.issuers.iter().flat_map(|issuer| &issuer.keys) {
        kept.keep_key(key.key.thumbprint(), &key.standing);
    }
    let root_seen = RootSeen {
        sequence: root.sequence,
        epoch: root.epoch,
        digest: root_digest,
        previous,
        keys: root.root_keys.clone(),
        threshold: root.threshold,
        policy: root.policy.clone(),
    };
    let feed_seen = FeedSeen { epoch: feed.epoch, sequence: feed.sequence, digest: feed_digest };
    kept.keep_documents(root_seen, feed_seen);
}

/// How far a document may be from the future: 24 hours (specs/trust-bundle.md, "Root"), which is more than a clock
/// set to the wrong zone is off by.
pub const MAX_AHEAD_SECONDS: u64 = 86_400;

/// Most bytes of state that a container holds: 256 MiB, a thousand lists of 2^20 slots. A stream of zeros grows a
/// thousandfold when it is decompressed, so the 64 MiB of the container bound nothing.
pub const MAX_STATE_BYTES: u64 = 256 << 20;
