//! One case for each code of specs/verification.md: a world in which exactly that rule is broken.

use serde_json::json;
use sillok_log::entry::StatusValue;
use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::receipt::{LandmarkReceipt, Receipt};
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::jws::{TokenType, protected_header};
use sillok_verifier::trust::{Cuts, Standing};
use sillok_verifier::{Memory, Reason, Verdict};

use crate::world::log::Log;
use crate::world::*;

pub(crate) type Case = (Reason, fn() -> Verdict);

pub(crate) const CASES: &[Case] = &[
    (Reason::TrustRootExpired, root_expired),
    (Reason::TrustNotYetValid, root_from_the_future),
    (Reason::ClockBehind, clock_behind),
    (Reason::CredentialTooLarge, too_large),
    (Reason::CredentialMalformed, || with_token("e30.e30")),
    (Reason::CredentialMalformed, || with_token("")),
    (Reason::CredentialMalformed, || {
        with_token(&format!("{}.x", World::new().issuer.credential(&payload())))
    }),
    (Reason::CredentialMalformed, duplicate_claim),
    (Reason::HeaderForbiddenMember, || with_header(r#""crit":[],"#)),
    (Reason::HeaderForbiddenMember, || with_header(r#""jku":"https://evil.example","#)),
    (Reason::HeaderWrongType, || with_edited_header(r#""vc+jwt""#, r#""kb+jwt""#)),
    (Reason::HeaderWrongType, || with_edited_header(r#""cty":"vc""#, r#""cty":"vp""#)),
    (Reason::HeaderAlgorithm, || with_edited_header("ES256", "none")),
    (Reason::HeaderAlgorithm, || with_edited_header("ES256", "HS256")),
    (Reason::HeaderKeyId, || with_edited_header(r#""kid":""#, r#""kid":"../"#)),
    (Reason::IssuerUnknown, || with_claim("issuer", json!("https://other.example"))),
    (Reason::IssuerKeyUnknown, unknown_key),
    (Reason::SignatureAlgorithm, || with_edited_header("ES256", "EdDSA")),
    (Reason::SignatureInvalid, forged),
    (Reason::CredentialNonconforming, || with_claim("vc", json!({}))),
    (Reason::CredentialNonconforming, || with_claim("credentialStatus", json!([]))),
    (Reason::CredentialIssuerMismatch, || with_claim("iss", json!("https://other.example"))),
    (Reason::ValidityNotYet, || with_claim("validFrom", json!("2027-01-15T08:00:01Z"))),
    (Reason::ValidityNotYet, || with_claim("nbf", json!(NOW.0 + 1))),
    (Reason::ValidityExpired, || with_claim("validUntil", json!("2027-01-15T08:00:00Z"))),
    (Reason::ValidityExpired, || with_claim("exp", json!(NOW.0))),
    (Reason::ReceiptMissing, no_receipt),
    (Reason::ReceiptMalformed, || with_receipt(|receipt| receipt.extra = None)),
    (Reason::ReceiptMalformed, || with_receipt(|receipt| receipt.extra = Some(vec![1; 72]))),
    (Reason::ReceiptMalformed, || with_receipt_text(|text| text.replace("index ", "index +"))),
    (Reason::LogUnknown, other_log),
    (Reason::LandmarkUnknown, no_landmarks),
    (Reason::LandmarkUnknown, || with_landmark(|receipt| receipt.landmark = 3)),
    (Reason::LogUnknown, || with_landmark(|receipt| receipt.log.0[7] ^= 1)),
    (Reason::ReceiptMalformed, || with_landmark(|receipt| receipt.extra.truncate(72))),
    (Reason::InclusionMismatch, || with_landmark(|receipt| receipt.landmark = 2)),
    (Reason::InclusionMismatch, || with_landmark(|receipt| receipt.index.0 = u64::MAX)),
    (Reason::InclusionMismatch, || with_landmark(|receipt| receipt.proof.truncate(1))),
    (Reason::LogFork, landmarks_of_a_fork),
    (Reason::LogKeyUnknown, other_log_key),
    (Reason::LogKeyUnknown, framed_by_another_log),
    (Reason::CheckpointSignature, unsigned_checkpoint),
    (Reason::CheckpointQuorum, missing_witness),
    (Reason::CheckpointQuorum, false_witness),
    (Reason::LogFork, fork),
    (Reason::InclusionMismatch, receipt_of_another),
    (Reason::InclusionMismatch, || with_receipt(|receipt| receipt.index.0 = u64::MAX)),
    (Reason::InclusionMismatch, || with_receipt(|receipt| receipt.proof.truncate(1))),
    (Reason::KeyAfterRetirement, || with_standing(&|index| Standing::Retired(cut(index)))),
    (Reason::KeyAfterRetirement, || with_standing(&|_index| Standing::Retired(Cuts::default()))),
    (Reason::KeyCompromised, || with_standing(&|index| Standing::Compromised(cut(index)))),
    (Reason::TrustFeedExpired, feed_expired),
    (Reason::StatusUnknownList, unknown_list),
    (Reason::StatusForeignList, foreign_list),
    (Reason::StatusMissing, no_state),
    (Reason::StatusMissing, newer_snapshot_without_state),
    (Reason::StatusDigestMismatch, damaged_file),
    (Reason::StatusDigestMismatch, other_planes),
    (Reason::StatusDigestMismatch, file_of_another_issuer),
    (Reason::StatusStale, stale_snapshot),
    (Reason::StatusStale, old_snapshot),
    (Reason::StatusStale, old_file),
    (Reason::StatusIndexRange, || with_slot("131072")),
    (Reason::StatusIndexRange, || with_slot("18446744073709551615")),
    (Reason::StatusRevoked, || with_status(StatusValue::Revoked)),
    (Reason::StatusSuspended, || with_status(StatusValue::Suspended)),
];

/// A world of ten entries whose second landmark is the sixth, with the credential at index 2.
pub(crate) fn landmarked() -> (World, Issued) {
    let mut world = World::new();
    let issued = world.issue(&payload());
    while world.log.size() < 10 {
        world.publish();
    }
    world.landmark_sizes = vec![0, 4, 6];
    (world, issued)
}

fn with_landmark(edit: impl Fn(&mut LandmarkReceipt)) -> Verdict {
    let (mut world, issued) = landmarked();
    let mut receipt = world.landmark_receipt(&issued);
    edit(&mut receipt);
    let (trust, memory) = open(&world.container(), &Memory::default());
    verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(&receipt.encode()), &[], NOW).0
}

fn no_landmarks() -> Verdict {
    let (mut world, issued) = landmarked();
    let receipt = world.landmark_receipt(&issued).encode();
    world.landmark_sizes.clear();
    let (trust, memory) = open(&world.container(), &Memory::default());
    verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(&receipt), &[], NOW).0
}

/// Memory has seen another root for the size of the checkpoint that the landmarks were proved to.
fn landmarks_of_a_fork() -> Verdict {
    let (mut world, issued) = landmarked();
    let receipt = world.landmark_receipt(&issued).encode();
    let size = world.log.size();
    let mut other = World::new();
    let second = other.issue(&payload());
    other.publish_until(UnixSeconds(NOW.0 + HOUR));
    while other.log.size() < size {
        other.publish();
    }
    // The other verifier's bundle is of this fork; the receipt alone makes it remember the checkpoint.
    let (trust, _memory) = open(&world.container(), &Memory::default());
    let evidence = other.receipt(&second);
    let (verdict, memory) = verify_kept(
        &trust,
        &Memory::default(),
        second.credential.as_bytes(),
        Some(evidence.as_bytes()),
        &[],
        NOW,
    );
    assert!(verdict.admits(), "{verdict}");
    verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(&receipt), &[], NOW).0
}

fn root_expired() -> Verdict {
    let (world, issued, container) = World::ready();
    let later = UnixSeconds(world.root.not_after.0 + 1);
    judge_at(&container, &issued.credential, Some(&world.receipt(&issued)), &[], later)
}

/// The feed was made an hour before [`NOW`].
fn clock_behind() -> Verdict {
    let (_world, issued, container) = World::ready();
    judge_at(&container, &issued.credential, None, &[], UnixSeconds(NOW.0 - HOUR - 601))
}

/// Opened while the clock was right, used after it was set back.
fn root_from_the_future() -> Verdict {
    let (world, issued, container) = World::ready();
    let before = UnixSeconds(world.root.issued.0 - 24 * HOUR - 1);
    judge_at(&container, &issued.credential, Some(&world.receipt(&issued)), &[], before)
}

/// A world whose one credential is this text, logged like any other.
fn with_token(token: &str) -> Verdict {
    let (_world, _issued, container) = World::ready();
    judge_at(&container, token, None, &[], NOW)
}

fn too_large() -> Verdict {
    let mut claims = payload();
    claims["credentialSubject"]["name"] = json!("x".repeat(16_384));
    with_token(&World::new().issuer.credential(&claims))
}

/// Two readers could see two issuers.
fn duplicate_claim() -> Verdict {
    let world = World::new();
    let header = protected_header(world.issuer.algorithm(), &world.issuer.kid(), TokenType::CREDENTIAL);
    let text = payload().to_string().replacen('{', r#"{"issuer":"https://other.example","#, 1);
    let input = sillok_verifier::jws::signing_input(&header, &text);
    with_token(&sillok_verifier::jws::compact(&input, &world.issuer.sign(&input)))
}

fn with_edited_header(from: &str, to: &str) -> Verdict {
    let issuer = World::new().issuer;
    let header = protected_header(issuer.algorithm(), &issuer.kid(), TokenType::CREDENTIAL);
    assert!(header.contains(from), "{from} in {header}");
    logged(|world| world.issuer.token(&header.replace(from, to), &payload()))
}

fn with_header(member: &str) -> Verdict {
    with_edited_header("{", &format!("{{{member}"))
}

/// Signs with the issuer's key and logs whatever `compose` makes, and shows it with its receipt.
fn logged(compose: impl Fn(&World) -> String) -> Verdict {
    let mut world = World::new();
    let credential = compose(&world);
    let issued = world.log_credential(credential);
    world.publish();
    let container = world.container();
    world.judge(&container, &issued)
}

fn with_claim(name: &str, value: serde_json::Value) -> Verdict {
    let mut claims = payload();
    claims[name] = value;
    logged(|world| world.issuer.credential(&claims))
}

fn with_slot(index: &str) -> Verdict {
    let mut claims = payload();
    for position in 0..2 {
        claims["credentialStatus"][position]["statusListIndex"] = json!(index);
    }
    logged(|world| world.issuer.credential(&claims))
}

fn unknown_key() -> Verdict {
    logged(|_world| Signing::p256(12).credential(&payload()))
}

/// Signed by another key under the issuer's `kid`.
fn forged() -> Verdict {
    let thief = Signing::p256(12);
    logged(|world| {
        let header = protected_header(thief.algorithm(), &world.issuer.kid(), TokenType::CREDENTIAL);
        thief.token(&header, &payload())
    })
}

fn no_receipt() -> Verdict {
    let (_world, issued, container) = World::ready();
    judge_at(&container, &issued.credential, None, &[], NOW)
}

fn with_receipt(edit: impl Fn(&mut Receipt)) -> Verdict {
    with_receipt_text(|text| {
        let mut receipt = Receipt::parse(text.as_bytes()).expect("a receipt");
        edit(&mut receipt);
        receipt.encode()
    })
}

fn with_receipt_text(edit: impl Fn(&str) -> String) -> Verdict {
    let (world, issued, container) = World::ready();
    judge_at(&container, &issued.credential, Some(&edit(&world.receipt(&issued))), &[], NOW)
}

/// Shows a receipt from a log of this name and key that holds the same leaves.
fn from_log(origin: &str, seed: u8) -> Verdict {
    let (mut world, issued, container) = World::ready();
    world.log.key = SignerKey::from_seed(origin, SignatureKind::Ed25519, &[seed; 32]).expect("a key");
    let receipt = world.receipt(&issued);
    judge_at(&container, &issued.credential, Some(&receipt), &[], NOW)
}

fn other_log() -> Verdict {
    from_log("other.example/log", 5)
}

fn other_log_key() -> Verdict {
    from_log(ORIGIN, 5)
}

/// A listed log stands by its own origin alone: its signature, good or bad, under another's text is nobody's.
fn framed_by_another_log() -> Verdict {
    let mut world = World::new();
    let second = SignerKey::from_seed("second.example/annals", SignatureKind::Ed25519, &[5; 32]);
    let second = second.expect("a key");
    world.root.policy = format!("log {}\nlog {}\nquorum none\n", world.log.key.verifier(), second.verifier());
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    let size = world.log.size();
    let mut receipt = world.log.receipt_at(issued.index, Some(issued.extra.clone()), size);
    let line = second.sign("another text\n").expect("a signature");
    receipt.checkpoint = compose(&world.log.checkpoint(size).body(), &[line]).expect("a note");
    judge_at(&container, &issued.credential, Some(&receipt.encode()), &[], NOW)
}

/// The log's line is there under its name and ID, and is not over this text.
fn unsigned_checkpoint() -> Verdict {
    let (world, issued, container) = World::ready();
    let size = world.log.size();
    let mut receipt = world.log.receipt_at(issued.index, Some(issued.extra.clone()), size);
    let line = world.log.key.sign("another text\n").expect("a signature");
    receipt.checkpoint = compose(&world.log.checkpoint(size).body(), &[line]).expect("a note");
    judge_at(&container, &issued.credential, Some(&receipt.encode()), &[], NOW)
}

/// The bundle is witnessed; the receipt's checkpoint is not.
fn missing_witness() -> Verdict {
    let mut world = World::new();
    world.ask_witness(true);
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    world.log.append(&world.root.entry("another leaf"));
    world.log.witnesses.clear();
    world.judge(&container, &issued)
}

fn false_witness() -> Verdict {
    let mut world = World::new();
    world.ask_witness(true);
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    world.log.append(&world.root.entry("another leaf"));
    let receipt = world.receipt(&issued);
    let (head, last_line) = receipt.rsplit_once("witness.example ").expect("a cosignature");
    let damaged = format!("{head}witness.example {}", flip_in_base64(last_line, 60));
    judge_at(&container, &issued.credential, Some(&damaged), &[], NOW)
}

/// Replaces one character inside base64 by another one.
fn flip_in_base64(text: &str, position: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII")
}

/// A log that shows the door one history and the holder another, of the same size.
fn fork() -> Verdict {
    let (mut world, issued, container) = World::ready();
    world.log = other_history(&world.log);
    world.judge(&container, &issued)
}

pub(crate) fn other_history(log: &Log) -> Log {
    log.fork(log.size() - 1, Hash([0x5a; 32]))
}

fn receipt_of_another() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    let mut claims = payload();
    claims["credentialSubject"]["name"] = json!("Im Kkeokjeong");
    let other = world.issue(&claims);
    world.publish();
    let container = world.container();
    judge_at(&container, &issued.credential, Some(&world.receipt(&other)), &[], NOW)
}

/// The key is cut at the place of the credential, or as `standing` says.
fn with_standing(standing: &dyn Fn(u64) -> Standing) -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.publish();
    world.root.issuers[0].keys[0].standing = standing(issued.index.0);
    let container = world.container();
    world.judge(&container, &issued)
}

pub(crate) fn cut(size: u64) -> Cuts {
    Cuts::new([(ORIGIN.to_string(), TreeSize(size))])
}

fn feed_expired() -> Verdict {
    let (world, issued, container) = World::ready();
    let later = UnixSeconds(world.feed().not_after.0 + 1);
    judge_at(&container, &issued.credential, Some(&world.receipt(&issued)), &[], later)
}

fn unknown_list() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    let container = world.container();
    world.judge(&container, &issued)
}

fn foreign_list() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.publish();
    let mut feed = world.feed();
    feed.snapshots[0].issuer = "https://other.example".into();
    let container = world.container_of(&feed, Vec::new());
    world.judge(&container, &issued)
}

fn no_state() -> Verdict {
    let (world, issued, mut container) = World::ready();
    container.snapshots.clear();
    world.judge(&container, &issued)
}

/// The feed knows of a revocation that the holder's older file does not.
fn newer_snapshot_without_state() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    let old = world.publish();
    world.set(StatusValue::Revoked);
    world.publish();
    let mut container = world.container();
    container.snapshots.clear();
    let file = world.file(&old).to_json();
    world.judge_with(&container, &issued, &[file.as_bytes()])
}

fn damaged_file() -> Verdict {
    let (world, issued, mut container) = World::ready();
    let file = container.snapshots.remove(0).to_json();
    let damaged = file.replace(r#""sequence":1"#, r#""sequence":2"#);
    world.judge_with(&container, &issued, &[damaged.as_bytes()])
}

/// A pair of W3C lists of another state than the feed proves.
fn other_planes() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.set(StatusValue::Revoked);
    world.publish();
    let mut container = world.container();
    container.snapshots.clear();
    world.set(StatusValue::Suspended);
    let revocation = plane_credential(&world.issuer, "revocation", world.state.revocation());
    let suspension = plane_credential(&world.issuer, "suspension", world.state.suspension());
    world.judge_with(&container, &issued, &[revocation.as_bytes(), suspension.as_bytes()])
}

/// Nobody vouches for the issuer that a file names, so it is no evidence of a wrong.
fn file_of_another_issuer() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    let published = world.publish();
    let mut feed = world.feed();
    feed.snapshots.clear();
    let container = world.container_of(&feed, Vec::new());
    let file =
        world.file(&published).to_json().replace(&format!(r#""issuer":"{ISSUER}""#), r#""issuer":"x""#);
    world.judge_with(&container, &issued, &[file.as_bytes()])
}

fn stale_snapshot() -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.publish_until(UnixSeconds(NOW.0 - 1));
    let container = world.container();
    world.judge(&container, &issued)
}

/// The snapshot's own end is far away; the root allows no such age.
fn old_snapshot() -> Verdict {
    let mut world = World::new();
    world.root.status_max_age = HOUR - 1;
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    world.judge(&container, &issued)
}

/// Nor for a snapshot that comes as a file and that no feed names.
fn old_file() -> Verdict {
    let mut world = World::new();
    world.root.status_max_age = HOUR;
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    let old = world.publish_between(UnixSeconds(NOW.0 - HOUR - 1), UnixSeconds(NOW.0 + HOUR));
    let file = world.file(&old).to_json();
    world.judge_with(&container, &issued, &[file.as_bytes()])
}

fn with_status(value: StatusValue) -> Verdict {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.set(value);
    world.publish();
    let container = world.container();
    world.judge(&container, &issued)
}
