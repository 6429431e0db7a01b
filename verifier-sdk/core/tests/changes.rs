//! One byte differs, or a piece is missing. Whatever byte of the credential, of its receipt of any kind, or of a signature that
//! the quorum needs is changed, it is never *valid*; whatever piece of the evidence is not there, it is never *not valid*.

use sillok_log::cosignature::cosign_subtree;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::receipt::{LogTag, Receipt, SubtreeReceipt};
use sillok_log::subtree::Subtree;
use sillok_log::{LeafIndex, TreeSize};
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::trust::Container;
use sillok_verifier::{Memory, Reason, Trust, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// A door that was given a bundle, and a credential whose receipts of each kind it has not seen yet.
struct Door {
    world: World,
    issued: Issued,
    container: Container,
    trust: Trust,
    memory: Memory,
    /// The size of the checkpoint in the full receipt.
    size: usize,
    /// Memory of a door that has seen a larger checkpoint, and keeps the full receipt's as accepted.
    knowing: Memory,
    /// The same, and it has forgotten what it accepted.
    forgetful: Memory,
}

impl Door {
    /// Under a quorum of two, one of which cosigns subtrees too; the second landmark is the sixth entry.
    fn new(issuer: Signing) -> Self {
        let mut world = World::with_issuer(issuer);
        let key = |name, kind, seed| SignerKey::from_seed(name, kind, &[seed; 32]).expect("a key");
        let first = key("witness.example", SignatureKind::CosignatureV1, 4);
        let second = key("other-witness.example", SignatureKind::CosignatureV1, 5);
        let third = key("subtree-witness.example", SignatureKind::MlDsa44, 6);
        world.root.policy = format!(
            "log {}\nwitness a {}\nwitness b {}\nwitness c {}\ngroup both all a b\ngroup either any both c\nquorum either\n",
            world.log.key.verifier(),
            first.verifier(),
            second.verifier(),
            third.verifier(),
        );
        world.log.cosigned_at = sillok_verifier::UnixSeconds(NOW.0 - 60);
        world.log.witnesses = vec![first, second];
        let issued = world.issue(&payload());
        while world.log.size() < 10 {
            world.publish();
        }
        world.landmark_sizes = vec![0, 4, 6];
        let container = world.container();
        let (trust, memory) = open(&container, &Memory::default());
        // What is receipted now is relative to a checkpoint that no bundle has shown.
        let size = world.log.append(&world.root.entry("another leaf")).0 as usize + 1;
        world.log.append(&world.root.entry("a leaf after it"));
        let mut knowing = memory.clone();
        for size in [size + 1, size] {
            let receipt = world.log.receipt_at(issued.index, Some(issued.extra.clone()), size).encode();
            let shown = Some(receipt.as_bytes());
            let (verdict, kept) =
                verify_kept(&trust, &knowing, issued.credential.as_bytes(), shown, &[], NOW);
            assert!(verdict.admits(), "{verdict}");
            knowing = kept;
        }
        assert_eq!(knowing.checked_notes(), 2);
        let forgetful = Memory::parse(knowing.encode().as_bytes()).expect("a memory");
        Self { world, issued, container, trust, memory, size, knowing, forgetful }
    }

    fn judge(&self, credential: &[u8], receipt: &[u8]) -> Verdict {
        verify_kept(&self.trust, &self.memory, credential, Some(receipt), &[], NOW).0
    }

    /// The credential with this receipt. Whether its checkpoint was accepted before makes no difference.
    fn judge_receipt(&self, receipt: &[u8]) -> Verdict {
        let judge = |memory| verify_kept(&self.trust, memory, self.credential(), Some(receipt), &[], NOW);
        let (knowing, forgetful) = (judge(&self.knowing), judge(&self.forgetful));
        assert_eq!(knowing, forgetful);
        let verdict = judge(&self.memory).0;
        assert_eq!(verdict.admits(), knowing.0.admits());
        verdict
    }

    fn credential(&self) -> &[u8] {
        self.issued.credential.as_bytes()
    }

    fn receipt(&self) -> Receipt {
        self.world.log.receipt_at(self.issued.index, Some(self.issued.extra.clone()), self.size)
    }

    fn landmark_receipt(&self) -> Vec<u8> {
        self.world.landmark_receipt(&self.issued).encode()
    }

    /// Relative to the subtree of the first eight entries, cosigned by the one witness that does so.
    fn subtree_receipt(&self) -> Vec<u8> {
        let log = &self.world.log;
        let subtree = Subtree::new(LeafIndex(0), TreeSize(8)).expect("an aligned interval");
        let hash = log.checkpoint(8).root;
        let key = SignerKey::from_seed("subtree-witness.example", SignatureKind::MlDsa44, &[6; 32]);
        let key = key.expect("a key");
        let line = cosign_subtree(ORIGIN, subtree, &hash, &key).expect("a cosignature");
        let note = format!("a text\n\n{line}");
        let note = sillok_log::note::Note::parse(&note).expect("a note");
        let cosignatures =
            note.signatures().iter().map(|line| (line.key_id, line.signature.clone())).collect();
        let receipt = SubtreeReceipt {
            log: LogTag::of(ORIGIN),
            subtree,
            hash,
            index: self.issued.index,
            extra: self.issued.extra.clone(),
            proof: log.proof(self.issued.index, 8),
            cosignatures,
        };
        receipt.encode()
    }
}

fn issuers() -> [Signing; 2] {
    [Signing::p256(11), Signing::ed25519(13)]
}

/// Every position with each of these changes: the lowest bit, the bit of the case of letters, the highest bit.
fn each_change(text: &[u8], mut check: impl FnMut(&[u8], usize)) {
    for position in 0..text.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut changed = text.to_vec();
            changed[position] ^= flip;
            check(&changed, position);
        }
    }
}

#[test]
fn no_byte_of_a_credential_can_differ() {
    for issuer in issuers() {
        let door = Door::new(issuer);
        let receipt = door.receipt().encode();
        assert!(door.judge(door.credential(), receipt.as_bytes()).admits());
        each_change(door.credential(), |changed, position| {
            let verdict = door.judge(changed, receipt.as_bytes());
            assert!(!verdict.admits(), "byte {position} of the credential differs");
        });
    }
}

/// What the change of a character may hide: a decoder that ignores some bits or characters reads the same bytes.
#[test]
fn no_character_of_a_credential_can_be_another() {
    let door = Door::new(Signing::ed25519(13));
    let receipt = door.receipt().encode();
    let characters = b"A_-.=+/ \n\0";
    for position in 0..door.credential().len() {
        for other in characters {
            let mut changed = door.credential().to_vec();
            if changed[position] != *other {
                changed[position] = *other;
                let verdict = door.judge(&changed, receipt.as_bytes());
                assert!(!verdict.admits(), "byte {position} of the credential is {other}");
            }
        }
    }
}

/// The last characters of parts of 3n + 1 and 3n + 2 bytes: all others that decode to the same bytes.
#[test]
fn no_part_of_a_credential_has_a_second_spelling() {
    let door = Door::new(Signing::p256(11));
    let receipt = door.receipt().encode();
    let mut spellings = 0;
    for end in door.issued.credential.match_indices('.').map(|(at, _dot)| at).chain([door.credential().len()])
    {
        for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
            let mut changed = door.credential().to_vec();
            if changed[end - 1] != *other {
                changed[end - 1] = *other;
                assert!(!door.judge(&changed, receipt.as_bytes()).admits(), "{}", char::from(*other));
                spellings += 1;
            }
        }
    }
    assert_eq!(spellings, 3 * 63);
}

/// All of it: extra, index, path, the body of the checkpoint, the log's signature, and those of both witnesses.
#[test]
fn no_byte_of_a_receipt_can_differ() {
    let door = Door::new(Signing::ed25519(13));
    let receipt = door.receipt().encode();
    assert_eq!(receipt.matches('\u{2014}').count(), 3, "the log and a quorum that needs both witnesses");
    each_change(receipt.as_bytes(), |changed, position| {
        assert!(!door.judge_receipt(changed).admits(), "byte {position} of the receipt differs");
    });
}

/// Below the base64, where a text cannot be changed: every bit of the extra and of the path, and other indexes.
#[test]
fn no_bit_below_the_base64_can_differ() {
    let door = Door::new(Signing::ed25519(13));
    let sound = door.receipt();
    let judge = |receipt: &Receipt| door.judge_receipt(receipt.encode().as_bytes());
    assert!(judge(&sound).admits());
    for bit in 0..door.issued.extra.len() * 8 {
        let mut receipt = sound.clone();
        receipt.extra.as_mut().expect("an extra")[bit / 8] ^= 1 << (bit % 8);
        assert!(!judge(&receipt).admits(), "bit {bit} of the extra");
    }
    for bit in 0..sound.proof.len() * 256 {
        let mut receipt = sound.clone();
        receipt.proof[bit / 256].0[bit / 8 % 32] ^= 1 << (bit % 8);
        assert_eq!(judge(&receipt), Verdict::of(Reason::InclusionMismatch), "bit {bit} of the path");
    }
    for bit in 0..64 {
        let mut receipt = sound.clone();
        receipt.index.0 ^= 1 << bit;
        assert!(!judge(&receipt).admits(), "bit {bit} of the index");
    }
}

#[test]
fn no_byte_of_a_landmark_receipt_can_differ() {
    let door = Door::new(Signing::ed25519(13));
    let receipt = door.landmark_receipt();
    assert!(door.judge(door.credential(), &receipt).admits());
    for bit in 0..receipt.len() * 8 {
        let mut changed = receipt.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!door.judge(door.credential(), &changed).admits(), "bit {bit}");
    }
    each_change(door.credential(), |changed, position| {
        assert!(!door.judge(changed, &receipt).admits(), "byte {position} of the credential differs");
    });
}

#[test]
fn no_byte_of_a_subtree_receipt_can_differ() {
    let door = Door::new(Signing::ed25519(13));
    let receipt = door.subtree_receipt();
    let verdict = door.judge(door.credential(), &receipt);
    assert!(verdict.admits(), "{verdict}");
    for position in 0..receipt.len() {
        let mut changed = receipt.clone();
        changed[position] ^= 1 << (position % 8);
        assert!(!door.judge(door.credential(), &changed).admits(), "byte {position}");
    }
}

/// A credential and a receipt of each kind, or none, before bundles that lack what they may lack. What is not there is no
/// evidence of a wrong.
#[test]
fn what_is_not_there_is_no_wrong() {
    let door = Door::new(Signing::p256(11));
    let full = door.receipt();
    let text = full.encode();
    let mut without_extra = full.clone();
    without_extra.extra = None;
    let lines: Vec<&str> = full.checkpoint.split_inclusive('\n').collect();
    let mut receipts: Vec<(String, Option<Vec<u8>>)> = vec![
        ("no receipt".into(), None),
        ("an empty receipt".into(), Some(Vec::new())),
        ("a receipt without extra".into(), Some(without_extra.encode().into_bytes())),
        ("a receipt".into(), Some(text.clone().into_bytes())),
        ("a landmark receipt".into(), Some(door.landmark_receipt())),
        ("a subtree receipt".into(), Some(door.subtree_receipt())),
    ];
    for line in 4..lines.len() {
        let mut receipt = full.clone();
        let kept = lines.iter().enumerate().filter(|(number, _line)| *number != line);
        receipt.checkpoint = kept.map(|(_number, line)| *line).collect();
        receipts.push((format!("line {line} of the checkpoint"), Some(receipt.encode().into_bytes())));
    }
    let file = door.container.snapshots[0].to_json();
    let plane = |purpose: &str| plane_credential(&door.world.issuer, purpose, door.world.state.revocation());
    let (revocation, suspension) = (plane("revocation"), plane("suspension"));
    let statuses: [&[&[u8]]; 5] = [
        &[],
        &[file.as_bytes()],
        &[revocation.as_bytes()],
        &[suspension.as_bytes()],
        &[revocation.as_bytes(), suspension.as_bytes()],
    ];
    let (mut valid, mut unknown) = (0, 0);
    for trust in bundles(&door) {
        for (what, receipt) in &receipts {
            for shown in statuses {
                let verdict = verify_kept(
                    &trust,
                    &Memory::default(),
                    door.credential(),
                    receipt.as_deref(),
                    shown,
                    NOW,
                )
                .0;
                match verdict {
                    Verdict::Valid(_facts) => valid += 1,
                    Verdict::Unknown(_reason) => unknown += 1,
                    Verdict::Invalid(reason) => {
                        panic!("not valid for lack of evidence, with {what}: {}", reason.code())
                    }
                }
            }
        }
    }
    assert!(valid > 10 && unknown > 100, "{valid} valid, {unknown} cannot be told");
}

/// With and without landmarks, the list in the feed, its state.
fn bundles(door: &Door) -> Vec<Trust> {
    let mut world = Door::new(Signing::p256(11)).world;
    let mut all = Vec::new();
    for landmarks in [true, false] {
        for listed in [true, false] {
            for embedded in [true, false] {
                let mut feed = world.feed();
                if !landmarks {
                    feed.landmarks = None;
                }
                if !listed {
                    feed.snapshots.clear();
                }
                let newest = world.published.last().cloned().expect("a snapshot");
                let files = if embedded { vec![world.file(&newest)] } else { Vec::new() };
                world.feed_sequence += 1;
                all.push(open(&world.container_of(&feed, files), &Memory::default()).0);
            }
        }
    }
    assert_eq!(world.issuer.kid(), door.world.issuer.kid());
    all
}

/// A receipt that breaks off anywhere is one that cannot be read.
#[test]
fn a_receipt_that_breaks_off_is_no_wrong() {
    let door = Door::new(Signing::p256(11));
    let text = door.receipt().encode();
    for length in 0..text.len() {
        match door.judge_receipt(&text.as_bytes()[..length]) {
            Verdict::Unknown(_reason) => {}
            other => panic!("{length} bytes: {other}"),
        }
    }
    // A status file that breaks off is none.
    let mut container = door.container.clone();
    let file = container.snapshots.remove(0).to_json();
    let (trust, memory) = open(&container, &Memory::default());
    for length in (0..file.len()).step_by(7) {
        let shown = [&file.as_bytes()[..length]];
        let verdict = verify_kept(&trust, &memory, door.credential(), Some(text.as_bytes()), &shown, NOW).0;
        assert!(matches!(verdict, Verdict::Unknown(_)), "{length} bytes: {verdict}");
    }
}

/// The two signatures of one credential differ in many bytes, and no one byte makes the one from the other.
#[test]
fn a_twin_is_no_change_of_one_byte() {
    let issued = World::ready().1;
    let (_input, signature) = issued.credential.rsplit_once('.').expect("a compact JWS");
    let signature = decode_base64url(signature.as_bytes()).expect("base64url");
    let (r, s) = p256::ecdsa::Signature::from_slice(&signature).expect("a signature").split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).expect("a signature");
    let differ = twin.to_bytes().iter().zip(&signature).filter(|(one, other)| one != other).count();
    assert!(differ > 1, "{differ} bytes differ");
}
