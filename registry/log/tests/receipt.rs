//! Receipts: strict, canonical, and a proof of one leaf alone.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, Issue, Thumbprint, commitment};
use sillok_log::merkle::{BatchTree, Frontier, MAX_INCLUSION_PROOF, ProofError, leaf_hash};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::receipt::{
    CheckError, EXTRA_BYTES, ExtraError, IssueExtra, MAX_RECEIPT_BYTES, Receipt, ReceiptError,
};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

const SIGNING_INPUT: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.e30";
const KEY: Thumbprint = Thumbprint([2; 32]);

fn extra() -> IssueExtra {
    IssueExtra { nonce: [7; 32], provenance: Hash([3; 32]), time: UnixSeconds(7_200) }
}

/// A log whose leaf at `index` is the entry of `extra()`, and its receipt.
fn receipt(index: u64, size: u64) -> (Receipt, Checkpoint) {
    let ours = extra().entry(SIGNING_INPUT, KEY).leaf_hash();
    let leaves = (0..size).map(|at| if at == index { ours } else { leaf_hash(&at.to_be_bytes()) }).collect();
    let tree = BatchTree::new(Frontier::new(), leaves).unwrap();
    let checkpoint =
        Checkpoint { origin: "log.example/1".into(), size: TreeSize(size), root: tree.frontier().root() };
    let signer = SignerKey::from_seed("log.example/1", SignatureKind::Ed25519, &[1; 32]).unwrap();
    let receipt = Receipt {
        extra: Some(extra().encode().to_vec()),
        index: LeafIndex(index),
        proof: tree.inclusion_proof(LeafIndex(index)).unwrap(),
        checkpoint: checkpoint.sign(&signer).unwrap(),
    };
    (receipt, checkpoint)
}

fn parse(text: &str) -> Result<Receipt, ReceiptError> {
    Receipt::parse(text.as_bytes())
}

/// Replaces a piece of a good receipt, which must be there once, and parses the result.
fn damaged(from: &str, to: &str) -> Result<Receipt, ReceiptError> {
    let text = receipt(5, 11).0.encode();
    assert_eq!(text.matches(from).count(), 1, "{from:?}");
    parse(&text.replace(from, to))
}

#[test]
fn every_leaf_of_every_small_log_has_a_receipt() {
    for size in 1..20 {
        for index in 0..size {
            let (receipt, checkpoint) = receipt(index, size);
            let text = receipt.encode();
            let read = parse(&text).unwrap();
            assert_eq!(read, receipt);
            assert_eq!(read.encode(), text);
            let rebuilt = IssueExtra::parse(read.extra.as_ref().unwrap()).unwrap().entry(SIGNING_INPUT, KEY);
            assert_eq!(read.check(&rebuilt.leaf_hash(), &checkpoint), Ok(()));
        }
    }
}

#[test]
fn a_receipt_proves_one_leaf_at_one_place_in_one_tree() {
    let (receipt, checkpoint) = receipt(5, 11);
    let leaf = extra().entry(SIGNING_INPUT, KEY).leaf_hash();
    let is_wrong = |receipt: &Receipt, leaf: &Hash| {
        matches!(receipt.check(leaf, &checkpoint), Err(CheckError::Proof(_)))
    };
    assert!(!is_wrong(&receipt, &leaf));
    assert!(is_wrong(&receipt, &extra().entry(b"another", KEY).leaf_hash()));
    assert!(is_wrong(&receipt, &extra().entry(SIGNING_INPUT, Thumbprint([9; 32])).leaf_hash()));
    for index in (0..20).filter(|index| *index != 5) {
        assert!(is_wrong(&Receipt { index: LeafIndex(index), ..receipt.clone() }, &leaf), "{index}");
    }
    let mut short = receipt.clone();
    short.proof.pop();
    assert!(is_wrong(&short, &leaf));
    let mut long = receipt.clone();
    long.proof.push(Hash([0; 32]));
    assert!(is_wrong(&long, &leaf));
    let beyond = Receipt { index: LeafIndex(11), ..receipt };
    let error = beyond.check(&leaf, &checkpoint);
    assert!(
        matches!(error, Err(CheckError::Proof(ProofError::IndexOutOfRange { index: 11, .. }))),
        "{error:?}"
    );
}

#[test]
fn a_receipt_is_checked_against_its_own_checkpoint() {
    let (receipt, checkpoint) = receipt(5, 11);
    let leaf = extra().entry(SIGNING_INPUT, KEY).leaf_hash();
    for other in [
        Checkpoint { origin: "log.example/2".into(), ..checkpoint.clone() },
        Checkpoint { size: TreeSize(12), ..checkpoint.clone() },
        Checkpoint { root: Hash([0; 32]), ..checkpoint.clone() },
    ] {
        assert_eq!(receipt.check(&leaf, &other), Err(CheckError::OtherCheckpoint));
    }
}

#[test]
fn numbers_have_one_spelling() {
    for line in ["index +5", "index 05", "index -5", "index 5 ", "index  5", "index ", "index 0x5", "Index 5"]
    {
        assert_eq!(damaged("index 5", line), Err(ReceiptError::Index), "{line:?}");
    }
    assert_eq!(damaged("index 5", "index 18446744073709551616"), Err(ReceiptError::Index));
    assert_eq!(damaged("index 5", "index 18446744073709551615").unwrap().index, LeafIndex(u64::MAX));
    assert_eq!(damaged("index 5\n", ""), Err(ReceiptError::Index));
    assert!(matches!(damaged("\n11\n", "\n+11\n"), Err(ReceiptError::Checkpoint(_))));
}

#[test]
fn lines_end_with_a_newline_alone() {
    assert_eq!(
        damaged("index 5\n", "index 5\r\n"),
        Err(ReceiptError::Control { offset: "c2sp.org/tlog-proof@v1\nextra \nindex 5".len() + 100 })
    );
    let text = receipt(5, 11).0.encode();
    assert!(matches!(parse(&text.replace('\n', "\r\n")), Err(ReceiptError::Control { offset: 22 })));
    assert!(matches!(parse(text.trim_end()), Err(ReceiptError::Checkpoint(_))));
    assert!(matches!(damaged("index 5\n", "index 5\t\n"), Err(ReceiptError::Control { .. })));
}

#[test]
fn the_header_is_there() {
    for header in [
        "",
        "c2sp.org/tlog-proof@v2\n",
        " c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v1 \n",
        "c2sp.org/tlog-proof@v1\n\n",
    ] {
        let error = damaged("c2sp.org/tlog-proof@v1\n", header).unwrap_err();
        assert!(matches!(error, ReceiptError::Header | ReceiptError::Index), "{header:?}: {error}");
    }
    assert_eq!(parse(""), Err(ReceiptError::Header));
    assert_eq!(parse("c2sp.org/tlog-proof@v1\nindex 0\n"), Err(ReceiptError::Separator));
    assert_eq!(Receipt::parse(b"c2sp.org/tlog-proof@v1\n\xff"), Err(ReceiptError::Utf8 { offset: 23 }));
}

#[test]
fn extra_stands_once_and_says_something() {
    let encoded = receipt(5, 11).0.encode();
    let line = encoded.split_inclusive('\n').nth(1).unwrap();
    assert!(line.starts_with("extra "));
    assert_eq!(damaged(line, &format!("{line}{line}")), Err(ReceiptError::Index));
    assert_eq!(damaged(line, "extra \n"), Err(ReceiptError::Extra));
    assert_eq!(damaged(line, "extra\n"), Err(ReceiptError::Index));
    assert_eq!(damaged(line, "").unwrap().extra, None);
    let after_index = encoded.replace(line, "").replace("index 5\n", &format!("index 5\n{line}"));
    assert_eq!(parse(&after_index), Err(ReceiptError::ProofHash { position: 0 }));
    let empty = Receipt { extra: Some(vec![]), ..receipt(5, 11).0 };
    assert_eq!(parse(&empty.encode()).unwrap().extra, None);
}

#[test]
fn base64_has_one_spelling() {
    for line in ["extra AQJ=", "extra AQI", "extra AQI==", "extra AQ I=", "extra -_8=", "extra  AQI="] {
        let text = receipt(5, 11).0.encode();
        let old = text.lines().nth(1).unwrap().to_owned();
        assert_eq!(parse(&text.replace(&old, line)), Err(ReceiptError::Extra), "{line}");
    }
    let hash = receipt(5, 11).0.proof[1].to_base64();
    let stray_bits = {
        // The character before the padding carries two bits that must be zero.
        let position = hash.len() - 2;
        let spare = char::from(hash.as_bytes()[position] + 1);
        format!("{}{spare}=", &hash[..position])
    };
    let wrong = Err(ReceiptError::ProofHash { position: 1 });
    for line in [&stray_bits, hash.trim_end_matches('='), &format!("{hash}="), &format!(" {hash}"), "AQI="] {
        assert_eq!(damaged(&hash, line), wrong, "{line}");
    }
}

#[test]
fn a_proof_has_at_most_63_hashes() {
    let (receipt, _checkpoint) = receipt(5, 11);
    let with = |count| Receipt { proof: vec![Hash([1; 32]); count], ..receipt.clone() }.encode();
    assert_eq!(parse(&with(MAX_INCLUSION_PROOF)).unwrap().proof.len(), 63);
    assert_eq!(parse(&with(MAX_INCLUSION_PROOF + 1)), Err(ReceiptError::TooManyHashes));
    assert!(parse(&with(0)).unwrap().proof.is_empty());
}

#[test]
fn nothing_follows_the_checkpoint_and_the_checkpoint_is_one() {
    let text = receipt(5, 11).0.encode();
    for tail in ["\n", " ", "x", "x\n", "\n\n", "index 5\n", "\u{2014} x AAAA\n"] {
        let error = parse(&format!("{text}{tail}")).unwrap_err();
        assert!(matches!(error, ReceiptError::Checkpoint(_)), "{tail:?}: {error}");
    }
    let extension = damaged("\n11\n", "\n11\nAAAA\n");
    assert!(matches!(extension, Err(ReceiptError::Checkpoint(_))), "{extension:?}");
    let (head, _checkpoint) = text.split_once("\n\n").unwrap();
    assert!(matches!(parse(&format!("{head}\n\n")), Err(ReceiptError::Checkpoint(_))));
    let (two_lines, _) = text.split_once("\n11\n").unwrap();
    assert!(matches!(parse(two_lines), Err(ReceiptError::Checkpoint(_))));
}

#[test]
fn a_receipt_has_a_limit() {
    let text = receipt(5, 11).0.encode();
    let with = |bytes: usize| Receipt { extra: Some(vec![0; bytes]), ..receipt(5, 11).0 }.encode();
    let room = (MAX_RECEIPT_BYTES - text.len()) / 4 * 3 + EXTRA_BYTES;
    assert!(with(room).len() <= MAX_RECEIPT_BYTES);
    assert!(parse(&with(room)).is_ok());
    let long = with(room + 9);
    assert_eq!(parse(&long), Err(ReceiptError::TooLong { bytes: long.len() }));
}

#[test]
fn extra_rebuilds_the_leaf_and_nothing_else() {
    let extra = extra();
    let bytes = extra.encode();
    assert_eq!(IssueExtra::parse(&bytes), Ok(extra));
    assert_eq!(bytes[0], 1);
    assert_eq!(bytes[1..33], [7; 32]);
    assert_eq!(bytes[33..65], [3; 32]);
    assert_eq!(bytes[65..], 7_200_u64.to_be_bytes());
    let entry = Entry::Issue(Issue {
        commitment: commitment(&[7; 32], SIGNING_INPUT),
        issuer_key: KEY,
        provenance: Hash([3; 32]),
        time: UnixSeconds(7_200),
    });
    assert_eq!(extra.entry(SIGNING_INPUT, KEY), entry);
    for position in 0..EXTRA_BYTES {
        let mut damaged = bytes;
        damaged[position] ^= 0x10;
        let other = IssueExtra::parse(&damaged).map(|extra| extra.entry(SIGNING_INPUT, KEY));
        assert_ne!(other, Ok(entry.clone()), "{position}");
    }
}

#[test]
fn extra_is_strict() {
    let bytes = extra().encode();
    assert_eq!(IssueExtra::parse(&bytes[..72]), Err(ExtraError::Length { found: 72 }));
    assert_eq!(IssueExtra::parse(&[&bytes[..], &[0]].concat()), Err(ExtraError::Length { found: 74 }));
    assert_eq!(IssueExtra::parse(&[]), Err(ExtraError::Length { found: 0 }));
    for found in [0, 2] {
        let mut damaged = bytes;
        damaged[0] = found;
        assert_eq!(IssueExtra::parse(&damaged), Err(ExtraError::Version { found }));
    }
    let half_past = IssueExtra { time: UnixSeconds(5_400), ..extra() };
    assert!(matches!(IssueExtra::parse(&half_past.encode()), Err(ExtraError::Time(_))));
}

#[test]
fn the_nonce_is_in_no_debug_text() {
    assert!(!format!("{:?}", extra()).contains("7, 7"));
}

proptest! {
    #[test]
    fn what_parses_encodes_to_the_same_bytes(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\n\r +=0159AZaz/\xe2".to_vec())), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = receipt(5, 11).0.encode().into_bytes();
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(receipt) = Receipt::parse(&bytes) {
            prop_assert_eq!(receipt.encode().into_bytes(), bytes);
        }
    }

    #[test]
    fn a_changed_receipt_proves_nothing_new(position in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let (good, checkpoint) = receipt(5, 11);
        let mut bytes = good.encode().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= flip;
        // The signature of the checkpoint is another matter; up to there every byte counts.
        let signatures = bytes.len() - good.checkpoint.len() + checkpoint.body().len();
        if position < signatures && let Ok(receipt) = Receipt::parse(&bytes) {
            let entry = receipt.extra.as_ref().and_then(|extra| IssueExtra::parse(extra).ok());
            let leaf = entry.map(|extra| extra.entry(SIGNING_INPUT, KEY).leaf_hash());
            prop_assert!(leaf.is_none_or(|leaf| receipt.check(&leaf, &checkpoint).is_err()));
        }
    }
}
