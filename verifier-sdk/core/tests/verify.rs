//! Verdicts: a valid credential, every code of specs/verification.md, and what no evidence may do.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use sillok_log::entry::StatusValue;
use sillok_log::receipt::Receipt;
use sillok_log::{TreeSize, UnixSeconds};
use sillok_verifier::key::lower_s;
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::trust::{Cuts, Standing};
use sillok_verifier::verdict::{Anchoring, Witnesses};
use sillok_verifier::{Memory, Reason, Verdict, check_issued};

#[path = "verify/cases.rs"]
mod cases;
#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use cases::CASES;
use world::*;

#[test]
fn a_logged_credential_of_a_valid_slot_is_valid() {
    let (world, issued, container) = World::ready();
    let Verdict::Valid(facts) = world.judge(&container, &issued) else { panic!("valid") };
    assert_eq!(facts.issuer, ISSUER);
    assert_eq!(facts.key, world.issuer.thumbprint());
    assert_eq!(facts.origin, ORIGIN);
    assert_eq!(facts.index, issued.index);
    assert_eq!(facts.checkpoint_size, TreeSize(world.log.size() as u64));
    assert_eq!(facts.witnesses, Witnesses::NoneAsked);
    assert_eq!(facts.witnesses.to_string(), "none asked");
    assert_eq!(facts.anchoring, Anchoring::NamedByCaller);
    assert_eq!((facts.status.sequence, facts.status.not_after), (1, UnixSeconds(NOW.0 + 6 * HOUR)));
    assert_eq!(facts.status.uri, uri());
    assert_eq!(facts.valid_from, UnixSeconds(1_798_761_600));
    assert_eq!(facts.valid_until, Some(UnixSeconds(1_830_297_600)));
}

#[test]
fn a_landmark_receipt_is_as_good_and_takes_no_signature() {
    let (mut world, issued) = cases::landmarked();
    let checkpoint = TreeSize(world.log.size() as u64);
    let (trust, memory) = open(&world.container(), &Memory::default());
    let receipt = world.landmark_receipt(&issued).encode();
    assert_eq!(receipt.len(), 29 + 73 + 2 * 32);
    let judge =
        |receipt: &[u8]| verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(receipt), &[], NOW);
    let (Verdict::Valid(facts), kept) = judge(&receipt) else { panic!("valid") };
    assert_eq!((facts.origin.as_str(), facts.index), (ORIGIN, issued.index));
    assert_eq!(facts.checkpoint_size, checkpoint, "of the feed");
    assert_eq!(kept.encode(), memory.encode(), "a landmark moves nothing in memory");
    // Whatever single bit is changed, it is not valid or cannot be told.
    for bit in 0..receipt.len() * 8 {
        let mut changed = receipt.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!judge(&changed).0.admits(), "bit {bit}");
    }
}

#[test]
fn an_ed25519_issuer_is_as_good() {
    let mut world = World::with_issuer(Signing::ed25519(13));
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    assert!(world.judge(&container, &issued).admits());
}

/// Each code is reached, and reached alone: the first rule that fails decides.
#[test]
fn every_code_has_a_case_that_yields_it() {
    let covered: BTreeSet<Reason> = CASES.iter().map(|(reason, _case)| *reason).collect();
    // Those of presentations and of places are shown by the vectors, each of them: specs/vectors/verify.
    let shown_elsewhere = ["presentation.", "disclosure.", "holder.", "rules."];
    let is_of_credentials =
        |reason: &Reason| !shown_elsewhere.iter().any(|class| reason.code().starts_with(class));
    assert_eq!(covered, Reason::ALL.iter().copied().filter(is_of_credentials).collect());
    for (position, (reason, case)) in CASES.iter().enumerate() {
        assert_eq!(case(), Verdict::of(*reason), "case {position}: {}", reason.code());
    }
}

/// Codes, their order and their verdicts are those of the table that people read.
#[test]
fn reasons_are_the_table_of_the_specification() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/verification.md");
    let text = std::fs::read_to_string(path).expect("the specification");
    let rows: Vec<(String, bool)> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [_number, _rule, code, verdict] = cells[..] else { panic!("four cells in {line}") };
            (code.trim_matches('`').to_string(), verdict.starts_with("not valid"))
        })
        .collect();
    let ours: Vec<(String, bool)> =
        Reason::ALL.iter().map(|reason| (reason.code().into(), reason.is_evidence_of_wrong())).collect();
    assert_eq!(ours, rows);
    for reason in Reason::ALL {
        let wrong = matches!(Verdict::of(*reason), Verdict::Invalid(_));
        assert_eq!(wrong, reason.is_evidence_of_wrong(), "{reason}");
    }
}

/// Malleability: (r, n - s) is the same credential with the same receipt.
#[test]
fn the_twin_of_a_signature_is_the_same_credential() {
    let (world, issued, container) = World::ready();
    let (input, signature) = issued.credential.rsplit_once('.').expect("a compact JWS");
    let signature = sillok_verifier::encoding::decode_base64url(signature.as_bytes()).expect("base64url");
    let parsed = p256::ecdsa::Signature::from_slice(&signature).expect("a signature");
    let (r, s) = parsed.split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).expect("a signature");
    assert_ne!(twin, parsed);
    assert_eq!(lower_s(&twin.to_bytes()).expect("a signature")[..], signature[..]);
    let credential = sillok_verifier::jws::compact(input, &twin.to_bytes());
    let verdict = judge_at(&container, &credential, Some(&world.receipt(&issued)), &[], NOW);
    assert_eq!(verdict, world.judge(&container, &issued));
    assert!(verdict.admits());
}

#[test]
fn a_credential_below_the_cut_stays_valid() {
    for standing in [Standing::Retired as fn(Cuts) -> Standing, Standing::Compromised] {
        let mut world = World::new();
        let issued = world.issue(&payload());
        world.publish();
        world.root.issuers[0].keys[0].standing = standing(cases::cut(issued.index.0 + 1));
        let container = world.container();
        assert!(world.judge(&container, &issued).admits());
    }
}

#[test]
fn a_quorum_of_witnesses_is_stated() {
    let mut world = World::new();
    world.ask_witness(true);
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    let Verdict::Valid(facts) = world.judge(&container, &issued) else { panic!("valid") };
    assert_eq!(facts.witnesses, Witnesses::Quorum);
}

/// What a witness has stated is the least that a clock may say.
#[test]
fn a_clock_that_is_set_back_is_not_believed() {
    let mut world = World::new();
    world.ask_witness(true);
    let mut claims = payload();
    claims["validUntil"] = json!("2027-01-15T07:58:00Z");
    let issued = world.issue(&claims);
    world.publish();
    let container = world.container();
    let receipt = world.receipt(&issued);
    let judge = |now| judge_at(&container, &issued.credential, Some(&receipt), &[], now);
    // The witness cosigned a minute before eight, after the credential had expired.
    assert_eq!(judge(UnixSeconds(NOW.0 - 600)), Verdict::of(Reason::ValidityExpired));
    assert_eq!(judge(UnixSeconds(0)), Verdict::of(Reason::ClockBehind));
}

#[test]
fn fresher_status_at_hand_outlives_the_feed() {
    let (mut world, issued, container) = World::ready();
    let later = UnixSeconds(world.feed().not_after.0 + 1);
    let newer = world.publish_until(UnixSeconds(later.0 + HOUR));
    let file = world.file(&newer).to_json();
    let receipt = world.receipt(&issued);
    let judge =
        |statuses: &[&[u8]]| judge_at(&container, &issued.credential, Some(&receipt), statuses, later);
    assert_eq!(judge(&[]), Verdict::of(Reason::TrustFeedExpired));
    assert!(judge(&[file.as_bytes()]).admits());
    // Files that do not parse, or are of no use, change nothing when a state is at hand.
    assert!(judge(&[b"{}", b"", file.as_bytes(), b"a.b.c"]).admits());
}

#[test]
fn the_newest_proved_state_counts_in_any_order() {
    let mut world = World::new();
    let issued = world.issue(&payload());
    let first = world.publish();
    let container = world.container();
    world.set(StatusValue::Suspended);
    let second = world.publish();
    world.set(StatusValue::Revoked);
    let third = world.publish();
    let files: Vec<String> =
        [&first, &second, &third].map(|one| world.file(one).to_json()).into_iter().collect();
    let judge = |order: &[usize]| {
        let shown: Vec<&[u8]> = order.iter().map(|&at| files[at].as_bytes()).collect();
        world.judge_with(&container, &issued, &shown)
    };
    assert!(judge(&[0]).admits());
    for order in [&[1][..], &[0, 1], &[1, 0]] {
        assert_eq!(judge(order), Verdict::of(Reason::StatusSuspended), "{order:?}");
    }
    for order in [&[2][..], &[0, 1, 2], &[2, 1, 0], &[1, 2, 0]] {
        assert_eq!(judge(order), Verdict::of(Reason::StatusRevoked), "{order:?}");
    }
}

/// A bundle may embed a state that is newer than its feed. It counts, and does not depend on the feed.
#[test]
fn an_embedded_state_newer_than_the_feed_counts() {
    let (mut world, issued, _container) = World::ready();
    world.root.status_max_age = HOUR;
    let feed = world.feed();
    let later = UnixSeconds(feed.not_after.0 + 1);
    let newer = world.publish_between(UnixSeconds(later.0 - HOUR), UnixSeconds(later.0 + HOUR));
    let files = vec![world.file(&newer), world.file(&world.published[0].clone())];
    let container = world.container_of(&feed, files);
    let receipt = world.receipt(&issued);
    let verdict = judge_at(&container, &issued.credential, Some(&receipt), &[], later);
    let Verdict::Valid(facts) = verdict else { panic!("valid") };
    assert_eq!(facts.status.sequence, 2);
}

/// A list that only a file knows, and that the file says is another issuer's, is no list of this credential.
#[test]
fn an_embedded_state_of_another_issuer_is_none() {
    let (mut world, issued, container) = World::ready();
    let mut feed = world.feed();
    feed.snapshots.clear();
    let file = container.snapshots[0].to_json();
    let foreign = file.replace(&format!(r#""issuer":"{ISSUER}""#), r#""issuer":"https://other.example""#);
    let foreign = SnapshotFile::parse(foreign.as_bytes()).expect("a file");
    let container = world.container_of(&feed, vec![foreign]);
    assert_eq!(world.judge(&container, &issued), Verdict::of(Reason::StatusDigestMismatch));
    // The same state under its issuer's name is good.
    assert!(world.judge_with(&container, &issued, &[file.as_bytes()]).admits());
}

/// A log that holds two snapshots of one number has broken its rules; neither state counts, in any order.
#[test]
fn two_snapshots_of_one_number_settle_nothing() {
    let (mut world, issued, container) = World::ready();
    let honest = world.published.remove(0);
    world.set(StatusValue::Revoked);
    let other = world.publish();
    assert_eq!(honest.snapshot.sequence, other.snapshot.sequence);
    let (honest, other) = (world.file(&honest).to_json(), world.file(&other).to_json());
    let files = [other.as_bytes(), honest.as_bytes()];
    for shown in [&files[..1], &files[..], &[files[1], files[0], files[1]][..]] {
        let verdict = world.judge_with(&container, &issued, shown);
        assert_eq!(verdict, Verdict::of(Reason::StatusDigestMismatch));
    }
}

#[test]
fn a_pair_of_w3c_lists_is_a_state_of_the_feeds_snapshot() {
    for (value, expected) in [
        (StatusValue::Valid, None),
        (StatusValue::Suspended, Some(Reason::StatusSuspended)),
        (StatusValue::Revoked, Some(Reason::StatusRevoked)),
    ] {
        let mut world = World::new();
        let issued = world.issue(&payload());
        world.set(value);
        world.publish();
        let mut container = world.container();
        container.snapshots.clear();
        let revocation = plane_credential(&world.issuer, "revocation", world.state.revocation());
        let suspension = plane_credential(&world.issuer, "suspension", world.state.suspension());
        let judge = |statuses: &[&[u8]]| world.judge_with(&container, &issued, statuses);
        let pair = [revocation.as_bytes(), suspension.as_bytes()];
        assert_eq!(judge(&pair).reason(), expected);
        // Half of a state is none.
        assert_eq!(judge(&pair[..1]), Verdict::of(Reason::StatusMissing));
        assert_eq!(judge(&pair[1..]), Verdict::of(Reason::StatusMissing));
    }
}

#[test]
fn status_files_beyond_the_limit_are_not_looked_at() {
    let (world, issued, mut container) = World::ready();
    let file = container.snapshots.remove(0).to_json();
    let mut shown: Vec<&[u8]> = vec![b"{}"; sillok_verifier::MAX_STATUS_FILES];
    shown.push(file.as_bytes());
    let verdict = world.judge_with(&container, &issued, &shown);
    assert_eq!(verdict, Verdict::of(Reason::StatusDigestMismatch));
    assert!(world.judge_with(&container, &issued, &shown[1..]).admits());
}

#[test]
fn an_issuer_checks_what_it_signed() {
    let issuer = Signing::p256(11);
    let check =
        |credential: &str, id: &str, now| check_issued(credential.as_bytes(), id, &issuer.public(), now);
    let credential = issuer.credential(&payload());
    assert_eq!(check(&credential, ISSUER, NOW), Ok(()));
    assert_eq!(check(&credential, "https://other.example", NOW), Err(Reason::IssuerUnknown));
    assert_eq!(check(&credential, ISSUER, UnixSeconds(0)), Err(Reason::ValidityNotYet));
    let other = Signing::p256(12).credential(&payload());
    assert_eq!(check(&other, ISSUER, NOW), Err(Reason::IssuerKeyUnknown));
    let mut claims = payload();
    claims["credentialSubject"] = json!({});
    assert_eq!(check(&issuer.credential(&claims), ISSUER, NOW), Err(Reason::CredentialNonconforming));
}

/// Absence of data never becomes *not valid*.
#[test]
fn taking_evidence_away_is_never_a_wrong() {
    let (world, issued, mut container) = World::ready();
    let receipt = world.receipt(&issued);
    let file = container.snapshots.remove(0).to_json();
    let (trust, memory) = open(&container, &Memory::default());
    let files = [file.as_bytes()];
    for receipt in [None, Some(receipt.as_bytes())] {
        for statuses in [&[][..], &files[..]] {
            let (verdict, _kept) =
                verify_kept(&trust, &memory, issued.credential.as_bytes(), receipt, statuses, NOW);
            match verdict {
                Verdict::Invalid(reason) => panic!("not valid for lack of evidence: {}", reason.code()),
                Verdict::Valid(_) => assert!(receipt.is_some() && !statuses.is_empty()),
                Verdict::Unknown(_) => assert!(receipt.is_none() || statuses.is_empty()),
            }
        }
    }
}

/// The bytes of a receipt without the signature lines of its checkpoint, and the place where those begin.
fn signed_part(receipt: &str) -> usize {
    receipt.rfind("\n\n").expect("an empty line before the signatures") + 1
}

#[test]
fn no_single_byte_of_a_receipt_can_differ() {
    let (world, issued, container) = World::ready();
    let receipt = world.receipt(&issued);
    let (trust, memory) = open(&container, &Memory::default());
    for position in 0..signed_part(&receipt) {
        for flip in [1_u8, 0x20, 0x80] {
            let mut damaged = receipt.clone().into_bytes();
            damaged[position] ^= flip;
            let credential = issued.credential.as_bytes();
            let (verdict, _kept) = verify_kept(&trust, &memory, credential, Some(&damaged), &[], NOW);
            assert!(!verdict.admits(), "byte {position} of the receipt differs by {flip}");
        }
    }
}

/// The extra and the proof, changed where text cannot: decoded, changed, and encoded again.
#[test]
fn no_single_byte_under_the_base64_can_differ() {
    let (world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    let honest = Receipt::parse(world.receipt(&issued).as_bytes()).expect("a receipt");
    let judge = |receipt: Receipt| {
        let text = receipt.encode();
        verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(text.as_bytes()), &[], NOW).0
    };
    for position in 0..issued.extra.len() {
        let mut receipt = honest.clone();
        receipt.extra.as_mut().expect("an extra")[position] ^= 0x10;
        assert!(!judge(receipt).admits(), "byte {position} of the extra");
    }
    for position in 0..honest.proof.len() * 32 {
        let mut receipt = honest.clone();
        receipt.proof[position / 32].0[position % 32] ^= 1;
        assert_eq!(judge(receipt), Verdict::of(Reason::InclusionMismatch), "byte {position} of the proof");
    }
    for index in (0..40).filter(|index| *index != honest.index.0) {
        let mut receipt = honest.clone();
        receipt.index.0 = index;
        assert_eq!(judge(receipt), Verdict::of(Reason::InclusionMismatch), "index {index}");
    }
    assert!(judge(honest).admits());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever byte of a credential changes, it is not the credential that was logged.
    #[test]
    fn no_single_byte_of_a_credential_can_differ(position in any::<prop::sample::Index>(), flip in 1_u8..) {
        let (world, issued, container) = World::ready();
        let mut damaged = issued.credential.clone().into_bytes();
        let position = position.index(damaged.len());
        damaged[position] ^= flip;
        let (trust, memory) = open(&container, &Memory::default());
        let receipt = world.receipt(&issued);
        let (verdict, _kept) = verify_kept(&trust, &memory, &damaged, Some(receipt.as_bytes()), &[], NOW);
        prop_assert!(!verdict.admits(), "byte {} differs by {}", position, flip);
    }

    /// Bytes of any kind in any place are a verdict and never a panic, and never admit.
    #[test]
    fn anything_at_all_is_a_verdict(
        credential in prop::collection::vec(any::<u8>(), 0..200),
        receipt in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        status in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (_world, _issued, container) = World::ready();
        let (trust, memory) = open(&container, &Memory::default());
        let (verdict, _kept) =
            verify_kept(&trust, &memory, &credential, receipt.as_deref(), &[&status], NOW);
        prop_assert!(!verdict.admits());
    }
}
