//! Receipts relative to a landmark.

use super::super::Vector;
use super::super::world::{Log, ORIGIN, Plan, World, log_key, witness};
use super::{Scene, world};
use crate::reference::cosignature::CosignerKey;
use crate::reference::encoding::base64;
use crate::reference::entry::{commitment, issue};
use crate::reference::json::string;
use crate::reference::landmark::{LandmarkReceipt, SubtreeReceipt};
use crate::reference::note::{ED25519, NoteKey};
use crate::reference::tree::{inclusion, root};

/// The credential is leaf 2 of a log of 8 at the feed's checkpoint.
fn held() -> (u64, Vec<u64>) {
    (2, vec![0, 4, 6])
}

fn landmarked(change: impl FnOnce(&mut Plan)) -> World {
    world(|plan| {
        plan.landmarks = held();
        change(plan);
    })
}

/// What is shown is the landmark receipt of a world, after a change of it.
fn shown(world: &World, change: impl FnOnce(&mut LandmarkReceipt)) -> Scene {
    let mut receipt = world.landmark_receipt(&held());
    change(&mut receipt);
    Scene::of(world).with(|scene| scene.receipt = Some(receipt.bytes()))
}

fn scene(change: impl FnOnce(&mut LandmarkReceipt)) -> Scene {
    shown(&landmarked(|_| ()), change)
}

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(of_a_log_before());
    all.extend(unknown());
    all.extend(mismatches());
    all.extend(others());
    all.extend(subtrees());
    all
}

fn good() -> Vec<Vector> {
    let witnessed = landmarked(|plan| {
        plan.witnesses = vec![(witness(1), super::NOW - 3_600)];
        plan.quorum = "quorum w1\n".into();
    });
    let cut = landmarked(|plan| plan.key_state = ("compromised", vec![(ORIGIN.into(), 3)]));
    let right = world(|plan| plan.landmarks = (1, vec![0, 3]));
    let own = right.landmark_receipt(&(1, vec![0, 3]));
    vec![
        scene(|_| ()).vector("landmark-valid", "valid", "leaf 2 in [0, 4)"),
        Scene::of(&right).with(|scene| scene.receipt = Some(own.bytes())).vector(
            "landmark-valid-one-leaf",
            "valid",
            "leaf 2 in [2, 3): no hash at all",
        ),
        shown(&witnessed, |_| ()).vector(
            "landmark-valid-witnessed",
            "valid",
            "the feed's checkpoint has its quorum",
        ),
        shown(&cut, |_| ()).vector("landmark-valid-before-compromise", "valid", "index 2 is below the cut 3"),
        scene(|_| ()).with(|scene| scene.receipt = Some(landmarked(|_| ()).receipt.into_bytes())).vector(
            "landmark-valid-full-receipt",
            "valid",
            "a verifier that holds landmarks takes full receipts too",
        ),
    ]
}

/// The credential is leaf 2 of a log that this one has succeeded.
fn of_a_log_before() -> Vec<Vector> {
    let key = NoteKey::new("log.example/before", ED25519, 8);
    let frozen = Plan::default().build_on(Log { key, witnesses: Vec::new(), entries: Vec::new() });
    let name = frozen.log.key.name.clone();
    let next = |cuts: Option<u64>| {
        world(|plan| {
            let logs = [&frozen.log.key, &log_key()].map(|key| format!("log {}\n", key.vkey()));
            plan.policy = Some(format!("{}quorum none\n", logs.concat()));
            plan.landmarks_before = vec![frozen.landmarks_as_before(&held())];
            if let Some(size) = cuts {
                plan.key_state = ("compromised", vec![(name.clone(), size)]);
            }
        })
    };
    let shown = |cuts: Option<u64>, change: &dyn Fn(&mut LandmarkReceipt)| {
        let mut receipt = frozen.landmark_receipt(&held());
        change(&mut receipt);
        Scene::of(&next(cuts)).with(|scene| scene.receipt = Some(receipt.bytes()))
    };
    vec![
        shown(None, &|_| ()).vector(
            "landmark-log-before",
            "valid",
            "the feed holds the landmarks of the log before",
        ),
        shown(Some(3), &|_| ()).vector(
            "landmark-log-before-cut",
            "valid",
            "index 2 is below the cut of the log before",
        ),
        shown(None, &|receipt| receipt.number = 3).vector(
            "landmark-log-before-newer",
            "cannot tell landmark.unknown",
            "a landmark that the frozen log has not",
        ),
        shown(None, &|receipt| receipt.origin = ORIGIN.into()).vector(
            "landmark-log-before-as-own",
            "cannot tell landmark.unknown",
            "the present log has none",
        ),
        shown(Some(2), &|_| ()).vector(
            "landmark-log-before-after-cut",
            "not valid key.compromised",
            "index 2 is the cut of the log before",
        ),
    ]
}

fn unknown() -> Vec<Vector> {
    let unknown = "cannot tell landmark.unknown";
    let none = world(|_| ());
    let window = world(|plan| plan.landmarks = (3, vec![4, 6, 7]));
    let second = NoteKey::new("other.example/log", ED25519, 8);
    let policy = format!("log {}\nlog {}\nquorum none\n", log_key().vkey(), second.vkey());
    let two = landmarked(|plan| plan.policy = Some(policy));
    vec![
        shown(&none, |_| ()).vector("landmark-none-held", unknown, "the feed has no landmarks"),
        scene(|receipt| receipt.number = 3).vector("landmark-newer", unknown, "newer than the feed"),
        scene(|receipt| receipt.number = u64::MAX).vector("landmark-largest", unknown, "number 2^64 - 1"),
        scene(|receipt| receipt.number = 0).vector("landmark-zero", unknown, "landmark zero covers nothing"),
        shown(&window, |_| ()).vector("landmark-older", unknown, "older than the oldest of the feed"),
        shown(&window, |receipt| receipt.number = 1).vector(
            "landmark-only-begin",
            unknown,
            "the size where the oldest begins is held, but nothing before it",
        ),
        shown(&two, |receipt| receipt.origin = "other.example/log".into()).vector(
            "landmark-other-log",
            unknown,
            "another log of the policy, of which no landmarks are held",
        ),
        scene(|receipt| receipt.origin = "other.example/log".into()).vector(
            "landmark-log-unknown",
            "cannot tell log.unknown",
            "a log that the policy does not name",
        ),
    ]
}

fn mismatches() -> Vec<Vector> {
    let mismatch = |name: &str, comment: &str, change: &dyn Fn(&mut LandmarkReceipt)| {
        scene(change).vector(&format!("landmark-{name}"), "not valid inclusion.mismatch", comment)
    };
    let stolen = scene(|_| ()).with(|scene| {
        let mut plan = Plan::default();
        plan.set("id", string("urn:uuid:6b3d4ce5-1f20-4b7c-9d8e-0f1a2b3c4d5e"));
        scene.credential = plan.credential();
    });
    let elsewhere = landmarked(|_| ());
    let mut log = elsewhere.log.clone();
    let index = log.push(issue(&commitment(&[1; 32], b"e30.e30"), &[3; 32], &[2; 32], super::START));
    assert!(index > 6, "behind the newest landmark");
    vec![
        mismatch("other-landmark", "a landmark that does not cover the leaf", &|receipt| receipt.number = 2),
        mismatch("other-index", "the place of another entry", &|receipt| receipt.index = 3),
        mismatch("index-beyond", "a place behind the newest landmark", &move |receipt| receipt.index = index),
        mismatch("too-few-hashes", "the last hash is gone", &|receipt| receipt.proof.truncate(1)),
        mismatch("too-many-hashes", "one hash more", &|receipt| receipt.proof.push([7; 32])),
        mismatch("other-hash", "another sibling", &|receipt| receipt.proof[0] = [7; 32]),
        mismatch("other-nonce", "another nonce is another commitment", &|receipt| receipt.extra[1] ^= 1),
        mismatch("whole-tree", "a proof to the checkpoint's root", &|receipt| {
            let log = landmarked(|_| ()).log;
            receipt.proof = inclusion(2, &log.leaves(log.size()));
        }),
        stolen.vector(
            "landmark-not-logged",
            "not valid inclusion.mismatch",
            "signed, never logged, with the receipt of another",
        ),
    ]
}

fn others() -> Vec<Vector> {
    let malformed = |name: &str, comment: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let bytes = change(landmarked(|_| ()).landmark_receipt(&held()).bytes());
        scene(|_| ()).with(|scene| scene.receipt = Some(bytes)).vector(
            &format!("landmark-{name}"),
            "cannot tell receipt.malformed",
            comment,
        )
    };
    let retired = landmarked(|plan| plan.key_state = ("retired", vec![(ORIGIN.into(), 2)]));
    let compromised = landmarked(|plan| plan.key_state = ("compromised", Vec::new()));
    let revoked = landmarked(|plan| plan.changes = vec![(super::super::world::SLOT, 1)]);
    vec![
        malformed("half-a-hash", "the last hash has 31 bytes", &|bytes| bytes[..bytes.len() - 1].to_vec()),
        malformed("version-2", "another version", &|bytes| [b"slr\x02", &bytes[4..]].concat()),
        malformed("base64", "a binary receipt as text", &|bytes| base64(&bytes).into_bytes()),
        scene(|receipt| receipt.extra.clear()).vector(
            "landmark-without-extra",
            "cannot tell receipt.malformed",
            "an issue receipt has an extra",
        ),
        scene(|receipt| receipt.extra.truncate(72)).vector(
            "landmark-extra-short",
            "cannot tell receipt.malformed",
            "72 bytes",
        ),
        shown(&retired, |_| ()).vector(
            "landmark-key-retired",
            "not valid key.after-retirement",
            "index 2 is not below the cut 2",
        ),
        shown(&compromised, |_| ()).vector(
            "landmark-key-compromised",
            "not valid key.compromised",
            "a key without a cut",
        ),
        shown(&revoked, |_| ()).vector(
            "landmark-revoked",
            "not valid status.revoked",
            "the state is looked at as ever",
        ),
    ]
}

/// What witness 2, whom the policy asks for as much as witness 1, cosigned of the log: leaf 2 in [0, 4).
fn cosigned(change: impl FnOnce(&mut SubtreeReceipt), more: impl FnOnce(&mut Plan)) -> Scene {
    let second = CosignerKey::new("witness2.example", 32);
    let policy = format!(
        "log {}\nwitness w1 {}\nwitness w2 {}\ngroup g any w1 w2\nquorum g\n",
        log_key().vkey(),
        witness(1).vkey(),
        second.vkey()
    );
    let world = world(|plan| {
        plan.witnesses = vec![(witness(1), super::NOW - 3_600)];
        plan.policy = Some(policy);
        more(plan);
    });
    let leaves = world.log.leaves(4);
    let (interval, hash) = ((0, 4), root(&leaves));
    let mut receipt = SubtreeReceipt {
        origin: ORIGIN.into(),
        interval,
        hash,
        index: world.index,
        extra: world.extra.clone(),
        proof: inclusion(2, &leaves),
        lines: vec![second.cosign(0, ORIGIN, interval, &hash)],
    };
    change(&mut receipt);
    Scene::of(&world).with(|scene| scene.receipt = Some(receipt.bytes()))
}

fn subtrees() -> Vec<Vector> {
    let unmet = "cannot tell checkpoint.quorum";
    let stranger = CosignerKey::new("witness9.example", 39);
    vec![
        cosigned(|_| (), |_| ()).vector(
            "subtree-valid",
            "valid",
            "leaf 2 in [0, 4), which a witness cosigned",
        ),
        cosigned(|receipt| receipt.lines = vec![stranger.cosign(0, ORIGIN, (0, 4), &receipt.hash)], |_| ())
            .vector("subtree-stranger", unmet, "a witness that the policy does not name"),
        cosigned(|receipt| receipt.hash[0] ^= 1, |_| ()).vector(
            "subtree-other-hash",
            unmet,
            "another hash than was cosigned",
        ),
        cosigned(
            |_| (),
            |plan| {
                plan.policy = None;
                plan.quorum = "quorum none\n".into();
            },
        )
        .vector("subtree-quorum-none", unmet, "where nobody is asked nobody's cosignature counts"),
        cosigned(|receipt| receipt.origin = "other.example/log".into(), |_| ()).vector(
            "subtree-log-unknown",
            "cannot tell log.unknown",
            "a log that the policy does not name",
        ),
        cosigned(|receipt| receipt.index = 3, |_| ()).vector(
            "subtree-other-index",
            "not valid inclusion.mismatch",
            "the place of another entry",
        ),
        cosigned(|receipt| receipt.extra[1] ^= 1, |_| ()).vector(
            "subtree-other-nonce",
            "not valid inclusion.mismatch",
            "another nonce is another commitment",
        ),
        cosigned(|receipt| receipt.interval = (1, 4), |_| ()).vector(
            "subtree-not-aligned",
            "cannot tell receipt.malformed",
            "[1, 4) is no subtree",
        ),
        cosigned(|_| (), |plan| plan.key_state = ("compromised", vec![(ORIGIN.into(), 2)])).vector(
            "subtree-key-compromised",
            "not valid key.compromised",
            "index 2 is not below the cut 2",
        ),
    ]
}
