//! A witness's decisions, row by row, and what a log makes of them (specs/log.md, "Witnesses").
#![expect(clippy::unwrap_used, reason = "test fixtures are known to be good")]

use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::cosignature;
use sillok_log::merkle::{Frontier, ProofError, consistency_plan, empty_root, leaf_hash};
use sillok_log::note::{self, SignatureKind, SignerKey};
use sillok_log::witness::{
    AnswerError, Latest, MAX_PROOF_LINES, MAX_REQUEST_BYTES, Next, Refusal, Reply, Request, RequestError,
    Submitted, cosignatures, next, parse_size, size_body,
};
use sillok_log::{Hash, TreeSize, UnixSeconds};

const ORIGIN: &str = "log.example/annals";

fn log_key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

fn leaves(count: u8) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(&[leaf])).collect()
}

fn root(size: u8) -> Hash {
    let mut frontier = Frontier::new();
    leaves(size).into_iter().for_each(|leaf| frontier.push(leaf).unwrap());
    frontier.root()
}

/// The hash of a complete node, computed from the leaves.
fn node(level: u8, index: u64) -> Hash {
    let width = 1_u64 << level;
    let mut frontier = Frontier::new();
    (index * width..(index + 1) * width)
        .for_each(|leaf| frontier.push(leaf_hash(&[u8::try_from(leaf).unwrap()])).unwrap());
    frontier.root()
}

fn proof(old: u8, new: u8) -> Vec<Hash> {
    let plan = consistency_plan(TreeSize(old.into()), TreeSize(new.into())).unwrap();
    let hashes: Vec<Hash> = plan.nodes().iter().map(|id| node(id.level, id.index)).collect();
    plan.fold(&hashes).unwrap()
}

fn checkpoint(size: u8, root: Hash) -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: TreeSize(size.into()), root }
}

fn latest(size: u8) -> Latest {
    Latest { size: TreeSize(size.into()), root: root(size) }
}

fn body(old: u8, proof: Vec<Hash>, note: &str) -> Vec<u8> {
    Request { old: TreeSize(old.into()), proof, checkpoint: note }.encode().into_bytes()
}

fn decide(body: &[u8], latest: &Latest) -> Result<String, Refusal> {
    let keys = [log_key(1).verifier()];
    Submitted::parse(body)?.decide(Some((&keys, latest))).map(|accepted| accepted.note)
}

#[test]
fn whatever_extends_what_was_cosigned_last_is_accepted() {
    for old in 0..9 {
        for new in old..12 {
            let note = checkpoint(new, root(new)).sign(&log_key(1)).unwrap();
            let accepted = decide(&body(old, proof(old, new), &note), &latest(old));
            assert_eq!(accepted, Ok(note), "{old} to {new}");
        }
    }
}

#[test]
fn every_row_of_the_table_of_refusals() {
    let good = checkpoint(7, root(7)).sign(&log_key(1)).unwrap();
    let stranger = checkpoint(7, root(7)).sign(&log_key(2)).unwrap();
    let forked = checkpoint(7, Hash([7; 32])).sign(&log_key(1)).unwrap();
    let wrong_empty = checkpoint(0, Hash([7; 32])).sign(&log_key(1)).unwrap();
    let claimed = good.replacen("\n7\n", "\n8\n", 1);
    let mut other_proof = proof(3, 7);
    other_proof[0] = Hash([0; 32]);
    let status = |body: &[u8], of: u8| {
        let refusal = decide(body, &latest(of)).unwrap_err();
        (refusal.status(), refusal.code())
    };
    for (what, body, of, expected) in [
        ("no request", b"new 3\n\n".to_vec(), 3, (400, "request.malformed")),
        ("no checkpoint", body(3, vec![], "text\n"), 3, (400, "request.malformed")),
        (
            "an extension line",
            body(3, vec![], &good.replacen("\n\n", "\nx\n\n", 1)),
            3,
            (400, "request.malformed"),
        ),
        ("too long", vec![b'o'; MAX_REQUEST_BYTES + 1], 3, (413, "request.too-large")),
        ("an old size above the new one", body(8, vec![], &good), 8, (400, "witness.old-size")),
        ("nobody's signature", body(3, proof(3, 7), &stranger), 3, (403, "witness.signature")),
        ("a wrong signature", body(3, proof(3, 8), &claimed), 3, (403, "witness.signature")),
        ("an old size too small", body(3, proof(3, 7), &good), 4, (409, "witness.conflict")),
        ("an old size too large", body(4, proof(4, 7), &good), 3, (409, "witness.conflict")),
        ("of nothing yet", body(3, proof(3, 7), &good), 0, (409, "witness.conflict")),
        ("beyond the checkpoint", body(7, vec![], &good), 9, (409, "witness.conflict")),
        ("a wrong proof", body(3, other_proof, &good), 3, (422, "witness.inconsistent")),
        ("no proof", body(3, vec![], &good), 3, (422, "witness.inconsistent")),
        ("a proof from nothing", body(0, proof(3, 7), &good), 0, (422, "witness.inconsistent")),
        ("another root for a size", body(7, vec![], &forked), 7, (422, "witness.inconsistent")),
        ("a proof for the same size", body(7, proof(3, 7), &good), 7, (422, "witness.inconsistent")),
        ("another empty tree", body(0, vec![], &wrong_empty), 0, (422, "witness.inconsistent")),
    ] {
        assert_eq!(status(&body, of), expected, "{what}");
    }
    let known = body(3, proof(3, 7), &good);
    let unknown = Submitted::parse(&known).unwrap().decide(None).unwrap_err();
    assert_eq!((unknown.status(), unknown.code()), (404, "witness.log-unknown"));
    let conflict = decide(&known, &latest(5)).unwrap_err();
    assert_eq!(conflict, Refusal::Conflict { latest: TreeSize(5) });
}

#[test]
fn what_is_kept_has_the_lines_of_the_logs_keys_alone() {
    let text = checkpoint(7, root(7)).body();
    let witness = SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &[3; 32]).unwrap();
    let lines = [
        log_key(2).sign(&text).unwrap(),
        cosignature::cosign(&text, UnixSeconds(5), &witness).unwrap(),
        log_key(1).sign(&text).unwrap(),
    ];
    let crowded = note::compose(&text, &lines).unwrap();
    let kept = decide(&body(3, proof(3, 7), &crowded), &latest(3));
    assert_eq!(kept, Ok(note::compose(&text, &lines[2..]).unwrap()));
}

#[test]
fn a_request_has_one_spelling() {
    let hash = Hash([9; 32]).to_base64();
    let good = format!("old 7\n{hash}\n\nnote\n");
    let request = Request::parse(good.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len(), request.checkpoint), (TreeSize(7), 1, "note\n"));
    assert_eq!(request.encode(), good);
    let lines = |count: usize| format!("old 7\n{}\nnote\n", format!("{hash}\n").repeat(count));
    assert!(Request::parse(lines(MAX_PROOF_LINES).as_bytes()).is_ok());
    for (body, error) in [
        (lines(MAX_PROOF_LINES + 1), RequestError::ProofLength),
        (good.replace("old", "Old"), RequestError::Old),
        (good.replace("old 7", "old 07"), RequestError::Old),
        (good.replace("old 7", "old +7"), RequestError::Old),
        (good.replace("old 7", "old  7"), RequestError::Old),
        (good.replace("old 7", "old 7 "), RequestError::Old),
        (good.replace("old 7", "old -1"), RequestError::Old),
        (good.replace("old 7", "old 18446744073709551616"), RequestError::Old),
        (good.replace('\n', "\r\n"), RequestError::Old),
        (good.replace('=', ""), RequestError::ProofLine { index: 0 }),
        (good.replace(&hash, &format!(" {hash}")), RequestError::ProofLine { index: 0 }),
        (format!("old 7\n{hash}\n"), RequestError::Separator),
        ("old 7\n".into(), RequestError::Separator),
        (String::new(), RequestError::Old),
    ] {
        assert_eq!(Request::parse(body.as_bytes()), Err(error), "{body:?}");
    }
    assert_eq!(Request::parse(b"old 7\n\xff\n\n"), Err(RequestError::Utf8));
}

#[test]
fn a_log_asks_again_from_the_size_it_is_told_and_knows_when_that_is_impossible() {
    let (target, signed) = (TreeSize(10), TreeSize(20));
    let told = |size| Reply::Conflict(TreeSize(size));
    for (reply, asked, expected) in [
        (Reply::Cosigned, 1, Next::Done),
        (told(0), 1, Next::Ask { old: TreeSize(0) }),
        (told(10), 2, Next::Ask { old: TreeSize(10) }),
        (told(10), 3, Next::GiveUp),
        (told(11), 1, Next::Later { old: TreeSize(11) }),
        (told(20), 3, Next::Later { old: TreeSize(20) }),
        (told(21), 1, Next::Ahead { size: TreeSize(21) }),
        (told(u64::MAX), 3, Next::Ahead { size: TreeSize(u64::MAX) }),
        (Reply::Inconsistent, 1, Next::Suspect),
        (Reply::Failed, 1, Next::GiveUp),
    ] {
        assert_eq!(next(reply, target, signed, asked), expected, "{reply:?} {asked}");
    }
}

#[test]
fn an_answer_gives_the_lines_that_are_the_witnesses_own_and_good() {
    let text = checkpoint(7, root(7)).body();
    let witness =
        |seed| SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &[seed; 32]).unwrap();
    let quantum = SignerKey::from_seed("w.example", SignatureKind::MlDsa44, &[3; 32]).unwrap();
    let (own, other) = (witness(3), witness(4));
    let line = |key: &SignerKey, time| cosignature::cosign(&text, UnixSeconds(time), key).unwrap();
    let found = |answer: &str| cosignatures(answer, &text, &own.verifier());
    let good = line(&own, 5);
    assert_eq!(found(&good), Ok(vec![good.clone()]));
    assert_eq!(found(&(line(&other, 5) + &good + &line(&quantum, 5))), Ok(vec![good.clone()]));
    let post_quantum = line(&quantum, 5);
    assert_eq!(cosignatures(&post_quantum, &text, &quantum.verifier()), Ok(vec![post_quantum.clone()]));
    assert_eq!(found(&line(&other, 5)), Err(AnswerError::None));
    assert_eq!(found(&line(&own, 0)), Err(AnswerError::NoTime));
    let elsewhere = cosignature::cosign(&checkpoint(8, root(8)).body(), UnixSeconds(5), &own).unwrap();
    assert!(matches!(found(&elsewhere), Err(AnswerError::Cosignature(_))));
    assert_eq!(found(&format!("a text\n\n{good}")), Err(AnswerError::None));
    for garbage in ["", "\n", "<html>", "ok\n", &good.replace('\n', "")] {
        assert!(matches!(found(garbage), Err(AnswerError::Note(_))), "{garbage:?}");
    }
}

#[test]
fn a_size_is_a_plain_number_and_a_newline() {
    for size in [0, 7, u64::MAX] {
        assert_eq!(parse_size(size_body(TreeSize(size)).as_bytes()), Some(TreeSize(size)));
    }
    for body in ["", "\n", "7", "07\n", "7\n\n", "7\r\n", " 7\n", "+7\n", "18446744073709551616\n"] {
        assert_eq!(parse_size(body.as_bytes()), None, "{body:?}");
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let fork = checkpoint(7, Hash([7; 32])).sign(&log_key(1)).unwrap();
    let refusal = decide(&body(7, vec![], &fork), &latest(7)).unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::Inconsistent(ProofError::RootMismatch { .. } | ProofError::OldRootMismatch { .. })
    ));
    let text = "o\n07\nx\n\n\u{2014} o AAAAAAA=\n";
    let refusal = decide(&body(0, vec![], text), &Latest::default()).unwrap_err();
    assert_eq!(refusal, Refusal::Checkpoint(checkpoint::Error::Size));
    assert_eq!(Latest::default().root, empty_root());
}
