//! Receipts that are missing, unreadable, of another log or of another credential; keys that were withdrawn.

use super::super::Vector;
use super::super::world::{ORIGIN, Plan, World, log_key, witness};
use super::{Scene, world};
use crate::reference::encoding::base64;
use crate::reference::entry::{commitment, issue};
use crate::reference::json::string;
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey, note};
use crate::reference::receipt::issue_extra;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = texts();
    all.extend(checkpoints());
    all.extend(forks());
    all.extend(proofs());
    all.extend(keys());
    all
}

/// The default world with another receipt.
fn shown(name: &str, expect: &str, comment: &str, receipt: impl FnOnce(&World) -> String) -> Vector {
    let world = world(|_| ());
    let receipt = receipt(&world);
    Scene::of(&world).with(|scene| scene.receipt = Some(receipt.into_bytes())).vector(name, expect, comment)
}

fn texts() -> Vec<Vector> {
    let malformed = |name: &str, comment: &str, receipt: &dyn Fn(&World) -> String| {
        shown(&format!("receipt-{name}"), "cannot tell receipt.malformed", comment, receipt)
    };
    let missing = Scene::planned(|_| ()).with(|scene| scene.receipt = None);
    vec![
        missing.vector("receipt-missing", "cannot tell receipt.missing", "the credential alone"),
        malformed("malformed", "no receipt", &|_| "receipt\n".into()),
        malformed("carriage-returns", "a receipt that a mail program rewrote", &|world| {
            world.receipt.replace('\n', "\r\n")
        }),
        malformed("without-extra", "an issue receipt has an extra", &|world| {
            world.log.receipt(world.index, world.log.size(), None)
        }),
        malformed("extra-version", "another version of extra", &|world| {
            let extra = [&[2], &world.extra[1..]].concat();
            world.log.receipt(world.index, world.log.size(), Some(&extra))
        }),
        malformed("extra-short", "72 bytes", &|world| {
            world.log.receipt(world.index, world.log.size(), Some(&world.extra[..72]))
        }),
        malformed("index-plus", "a number has no sign", &|world| {
            world.receipt.replacen("index ", "index +", 1)
        }),
    ]
}

fn checkpoints() -> Vec<Vector> {
    let other = NoteKey::new("other.example/log", ED25519, 8);
    let impostor = NoteKey::new(ORIGIN, ED25519, 9);
    let by = |key: NoteKey| {
        move |world: &World| {
            let mut log = world.log.clone();
            log.key = key;
            log.receipt(world.index, log.size(), Some(&world.extra))
        }
    };
    let witnessed = |plan: &mut Plan| {
        plan.witnesses = [1, 2, 3].map(|n| (witness(n), super::NOW - 3_600)).into();
        plan.quorum = "group g 2 w1 w2 w3\nquorum g\n".into();
    };
    let quorum = |name: &str, expect: &str, comment: &str, witnesses: Vec<NoteKey>| {
        let world = world(witnessed);
        let mut log = world.log.clone();
        log.witnesses = witnesses.into_iter().map(|witness| (witness, super::NOW - 3_600)).collect();
        let receipt = log.receipt(world.index, log.size(), Some(&world.extra));
        Scene::of(&world)
            .with(|scene| scene.receipt = Some(receipt.into_bytes()))
            .vector(name, expect, comment)
    };
    let unmet = "cannot tell checkpoint.quorum";
    vec![
        shown("log-unknown", "cannot tell log.unknown", "a log that the policy does not name", by(other)),
        shown(
            "checkpoint-impostor",
            "cannot tell log.key-unknown",
            "the log's name with another key",
            by(impostor),
        ),
        shown(
            "checkpoint-changed",
            "not valid checkpoint.signature",
            "the root changed under its signature",
            |world| {
                let checkpoint = world.log.checkpoint(world.log.size());
                let root = checkpoint.lines().nth(2).unwrap_or_default().to_owned();
                world.receipt.replace(&root, &base64(&[7; 32]))
            },
        ),
        quorum("quorum-met", "valid", "two of three witnesses", vec![witness(1), witness(3)]),
        quorum("quorum-unmet", unmet, "one of three witnesses where two are asked", vec![witness(2)]),
        quorum("quorum-none-signed", unmet, "the log alone", Vec::new()),
        quorum(
            "quorum-strangers",
            unmet,
            "one witness and one that nobody named",
            vec![witness(2), NoteKey::new("witness9.example", COSIGNATURE, 29)],
        ),
    ]
}

fn forks() -> Vec<Vector> {
    let first = world(|_| ());
    let mut forked = first.log.clone();
    let last = forked.entries.len() - 1;
    forked.entries[last][57] ^= 1;
    let fork = forked.receipt(first.index, forked.size(), Some(&first.extra));
    let earlier = first.log.receipt(first.index, first.index + 1, Some(&first.extra));
    let fork = Scene::of(&first).with(|scene| scene.receipt = Some(fork.into_bytes()));
    let earlier = Scene::of(&first).with(|scene| scene.receipt = Some(earlier.into_bytes()));
    vec![
        fork.vector(
            "fork",
            "cannot tell log.fork",
            "the log signed another root for a size that memory holds",
        )
        .line("alarms", 1),
        earlier
            .vector("smaller-checkpoint", "valid", "a checkpoint smaller than the remembered one is normal")
            .line("alarms", 0),
    ]
}

fn proofs() -> Vec<Vector> {
    let mismatch = |name: &str, comment: &str, receipt: &dyn Fn(&World) -> String| {
        shown(&format!("inclusion-{name}"), "not valid inclusion.mismatch", comment, receipt)
    };
    let stolen = Scene::planned(|_| ()).with(|scene| {
        let mut plan = Plan::default();
        plan.set("id", string("urn:uuid:6b3d4ce5-1f20-4b7c-9d8e-0f1a2b3c4d5e"));
        scene.credential = plan.credential();
    });
    let with_extra =
        |world: &World, extra: &[u8]| world.log.receipt(world.index, world.log.size(), Some(extra));
    vec![
        mismatch("other-credential", "a sound receipt of another credential", &|world| {
            let mut log = world.log.clone();
            let other = log.push(issue(&commitment(&[1; 32], b"e30.e30"), &[3; 32], &[2; 32], super::START));
            log.receipt(other, log.size(), Some(&world.extra))
        }),
        mismatch("other-index", "the place of another entry", &|world| {
            world.receipt.replacen(
                &format!("index {}", world.index),
                &format!("index {}", world.index + 1),
                1,
            )
        }),
        mismatch("index-is-size", "an index must be below the size", &|world| {
            world.receipt.replacen(
                &format!("index {}", world.index),
                &format!("index {}", world.log.size()),
                1,
            )
        }),
        mismatch("other-nonce", "another nonce is another commitment", &|world| {
            with_extra(world, &issue_extra(&[9; 32], &[2; 32], super::START))
        }),
        mismatch("other-hour", "another hour is another entry", &|world| {
            with_extra(world, &issue_extra(&[1; 32], &[2; 32], super::START + 3_600))
        }),
        mismatch("proof-too-short", "a hash is missing", &|world| {
            let hash = format!("{}\n", base64(&world.log.proof(world.index, world.log.size())[0]));
            world.receipt.replacen(&hash, "", 1)
        }),
        stolen.vector(
            "inclusion-not-logged",
            "not valid inclusion.mismatch",
            "signed, never logged, with the receipt of another",
        ),
    ]
}

fn keys() -> Vec<Vector> {
    let cut = |state, cuts: &[(&str, u64)]| {
        let cuts: Vec<_> = cuts.iter().map(|(origin, size)| ((*origin).to_owned(), *size)).collect();
        Scene::planned(|plan| plan.key_state = (state, cuts))
    };
    let (retired, compromised) = ("not valid key.after-retirement", "not valid key.compromised");
    let unsigned = {
        let world = world(|plan| plan.key_state = ("compromised", Vec::new()));
        let text = world.log.checkpoint(world.log.size());
        let text = text.split("\n\n").next().unwrap_or_default().to_owned() + "\n";
        let forged = note(&text, &[log_key().line("another\n")]);
        let receipt = world.receipt.replace(&world.log.checkpoint(world.log.size()), &forged);
        assert!(!receipt.contains(&log_key().line(&text)));
        Scene::of(&world).with(|scene| scene.receipt = Some(receipt.into_bytes()))
    };
    vec![
        cut("retired", &[(ORIGIN, 2)]).vector(
            "key-after-retirement",
            retired,
            "index 2 is not below the cut 2",
        ),
        cut("retired", &[]).vector("key-retired-without-cut", retired, "without a cut nothing is below it"),
        cut("retired", &[("other.example/log", 9)]).vector(
            "key-retired-elsewhere",
            retired,
            "a cut in another log says nothing here",
        ),
        cut("compromised", &[(ORIGIN, 2)]).vector(
            "key-compromised",
            compromised,
            "index 2 is not below the cut 2",
        ),
        cut("compromised", &[]).vector(
            "key-compromised-without-cut",
            compromised,
            "without a cut nothing is below it",
        ),
        unsigned.vector(
            "key-compromised-forged-receipt",
            "not valid checkpoint.signature",
            "the first rule that fails decides",
        ),
    ]
}
