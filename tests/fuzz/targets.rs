//! One function a format. Its property: no panic; what parses is written as it was read; what opens or verifies was
//! really signed. It says whether it accepted the input.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Entry;
use sillok_log::landmark::Landmarks;
use sillok_log::note::{Note, VerifierKey, compose};
use sillok_log::policy::Policy;
use sillok_log::receipt::{IssueExtra, LandmarkReceipt, Receipt, SubtreeReceipt};
use sillok_log::submission::Authorization;
use sillok_log::tile::{Tile, encode_bundle, parse_bundle};
use sillok_log::{Hash, LeafIndex};
use sillok_tests::reference::delta::delta as delta_file;
use sillok_tests::reference::tree::sha256;
use sillok_verifier::credential::{Credential, IN_THE_CLEAR};
use sillok_verifier::datetime::DateTimeStamp;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::{Jws, TokenType, compact};
use sillok_verifier::packed::{PackError, pack, unpack};
use sillok_verifier::population::{MAX_SET_SLOTS, Population};
use sillok_verifier::sd_jwt::{Hidden, Presentation, reveal};
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::status_list::{
    compress_state, decode_bitstring, decode_token_list, decompress_state, encode_bitstring,
    encode_token_list,
};
use sillok_verifier::trust::{Container, Delta, DeltaError, EarlierLandmarks, Feed, Root};
use sillok_verifier::{Evidence, Format, Holder, Memory, Policy as DoorPolicy, Trust, verify};

use crate::corpus::{NOW, delta_base, parts};
use crate::known::{Door, known};

pub(crate) fn note(input: &[u8]) -> bool {
    let Ok(note) = Note::parse_bytes(input) else { return false };
    let lines: Vec<String> = note
        .signatures()
        .iter()
        .map(|line| {
            let bytes = [line.key_id.0.to_be_bytes().as_slice(), &line.signature].concat();
            format!("\u{2014} {} {}\n", line.name, STANDARD.encode(bytes))
        })
        .collect();
    let again = compose(note.text(), &lines).expect("what parses can be written");
    assert_eq!(again.as_bytes(), input);
    if note.open(&known().note_keys).is_ok() {
        assert!(known().note_texts.contains(note.text()), "a forged note opens");
    }
    true
}

pub(crate) fn verifier_key(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(key) = VerifierKey::parse(text) else { return false };
    assert_eq!(key.to_string(), text);
    true
}

/// A body, or a whole signed checkpoint.
pub(crate) fn checkpoint(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let opened = known().note_keys.iter().filter_map(|key| Checkpoint::open(text, key).ok());
    let opened = opened.inspect(|opened| {
        assert!(known().note_texts.contains(&opened.body()), "a forged checkpoint opens");
    });
    if opened.count() > 0 {
        return true;
    }
    let Ok(checkpoint) = Checkpoint::parse_body(text) else { return false };
    assert_eq!(checkpoint.body(), text);
    true
}

/// A policy may hold comments: what it writes is read as the same policy.
pub(crate) fn policy(input: &[u8]) -> bool {
    let Ok(policy) = Policy::parse(input) else { return false };
    let written = policy.encode();
    let again = Policy::parse(&written).expect("what is written parses");
    assert_eq!(again.encode(), written);
    assert_eq!(
        (again.logs().len(), again.witnesses().len()),
        (policy.logs().len(), policy.witnesses().len())
    );
    true
}

pub(crate) fn entry(input: &[u8]) -> bool {
    let Ok(entry) = Entry::parse(input) else { return false };
    assert_eq!(entry.encode(), input);
    entry.check().expect("what parses keeps the rules of its fields");
    true
}

/// A byte with the number of entries, then the bundle.
pub(crate) fn bundle(input: &[u8]) -> bool {
    let Some((width, bytes)) = input.split_first() else { return false };
    let Ok(entries) = parse_bundle(bytes, u16::from(*width)) else { return false };
    assert_eq!(entries.len(), usize::from(*width));
    assert_eq!(encode_bundle(entries).expect("entries of a bundle"), bytes);
    true
}

pub(crate) fn tile_path(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(tile) = Tile::parse(text) else { return false };
    assert_eq!(tile.path(), text);
    true
}

pub(crate) fn receipt(input: &[u8]) -> bool {
    let Ok(receipt) = Receipt::parse(input) else { return false };
    assert_eq!(receipt.encode().as_bytes(), input);
    let opened = known().note_keys.iter().find_map(|key| Checkpoint::open(&receipt.checkpoint, key).ok());
    if let Some(checkpoint) = opened {
        assert!(known().note_texts.contains(&checkpoint.body()), "a receipt with a forged checkpoint opens");
        let proved = known().leaves.iter().filter(|leaf| receipt.check(leaf, &checkpoint).is_ok());
        assert!(proved.count() <= 1, "one receipt proves two leaves");
    }
    true
}

pub(crate) fn landmark_list(input: &[u8]) -> bool {
    let Ok(list) = Landmarks::parse(input) else { return false };
    assert_eq!(list.encode().as_bytes(), input);
    let sizes = list.sizes();
    for (before, size) in sizes.iter().zip(&sizes[1..]) {
        // The last leaf that each landmark covers, and the first that the next one does.
        let (first, last) = (list.covering(LeafIndex(before.0)), list.covering(LeafIndex(size.0 - 1)));
        assert_eq!(first, last, "leaves of one interval are covered by two landmarks");
    }
    true
}

pub(crate) fn landmark_receipt(input: &[u8]) -> bool {
    let Ok(receipt) = LandmarkReceipt::parse(input) else { return false };
    assert_eq!(receipt.encode(), input);
    true
}

pub(crate) fn subtree_receipt(input: &[u8]) -> bool {
    let Ok(receipt) = SubtreeReceipt::parse(input) else { return false };
    assert_eq!(receipt.encode(), input);
    true
}

pub(crate) fn issue_extra(input: &[u8]) -> bool {
    let Ok(extra) = IssueExtra::parse(input) else { return false };
    assert_eq!(extra.encode().as_slice(), input);
    true
}

pub(crate) fn authorization(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(authorization) = Authorization::parse(text) else { return false };
    assert_eq!(authorization.encode(), text);
    true
}

/// A credential or a status list as a compact JWS.
pub(crate) fn jws(input: &[u8]) -> bool {
    let types = Format::ALL.map(Format::token_type).into_iter().chain([TokenType::STATUS_LIST]);
    let tokens = types.map(|expected| Jws::parse(input, expected));
    let mut accepted = false;
    for jws in tokens.flatten() {
        let signing_input = std::str::from_utf8(jws.signing_input()).expect("base64url is ASCII");
        assert_eq!(compact(signing_input, jws.signature()).as_bytes(), input);
        if known().credential_keys.iter().any(|key| jws.verify(key).is_ok()) {
            assert!(known().signing_inputs.contains(jws.signing_input()), "a forged token verifies");
        }
        accepted = true;
    }
    accepted
}

/// The payload of a credential. Nothing writes credentials from values, so it is read twice.
pub(crate) fn credential(input: &[u8]) -> bool {
    let limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };
    let Ok(json) = Json::parse(input, &limits) else { return false };
    let mut forms = 0;
    for format in Format::ALL {
        let Ok(credential) = Credential::parse_as(format, &json) else { continue };
        assert_eq!(Credential::parse_as(format, &json).as_ref(), Ok(&credential));
        assert!(credential.valid_until.is_none_or(|until| until.0 <= MAX_SECONDS));
        forms += 1;
    }
    // The two of VC 2.0 have one payload; what is of two others has two meanings.
    assert!(forms <= 2, "a payload of {forms} forms");
    forms > 0
}

/// A presentation: taken apart, and at a door that asks for a live code. Or a payload, with every disclosure there is.
pub(crate) fn presentation(input: &[u8]) -> bool {
    let limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };
    if let Ok(payload) = Json::parse(input, &limits) {
        let disclosures: Vec<Vec<u8>> = parts(&["disclosure"]);
        // With all of them something is always left over: one after another.
        let places = [Hidden::Inside("credentialSubject"), Hidden::Outside(IN_THE_CLEAR)];
        let mut processed = places
            .iter()
            .flat_map(|place| disclosures.iter().map(|one| reveal(&payload, &[one.as_slice()], *place)));
        return processed.any(|claims| claims.is_ok_and(|claims| claims.object().is_ok()));
    }
    let Ok(shown) = Presentation::parse(input) else { return false };
    let parts = [shown.token].into_iter().chain(shown.disclosures.iter().copied());
    let mut again: Vec<u8> = parts.flat_map(|part| [part, b"~"].concat()).collect();
    assert_eq!(again, shown.bound);
    again.extend(shown.key_binding.unwrap_or_default());
    assert_eq!(again, input);
    let Door { trust, memory, receipt, .. } = &known().live;
    let evidence = Evidence::new(input, receipt);
    let (verdict, _memory) = verify(&evidence, trust, memory, &DoorPolicy::new(Holder::Live), NOW);
    if verdict.admits() {
        assert!(known().codes.contains(signed_by_holder(input)), "a forged code is admitted");
    }
    true
}

/// The text of a code. Another writer may compress it in another way; what it says is the same.
pub(crate) fn packed(input: &[u8]) -> bool {
    let asked = Holder::Challenge { nonce: "b25lIGZvciB0aGlzIGRvb3I", audience: "https://door.example" };
    let Ok(unpacked) = unpack(input, asked) else { return false };
    match pack(&unpacked.evidence(&[])) {
        Ok(again) => assert_eq!(unpack(again.as_bytes(), asked).as_ref(), Ok(&unpacked)),
        // A better writer than ours made it fit.
        Err(PackError::TooLong) => {}
        Err(other) => panic!("what unpacks packs: {other}"),
    }
    let live = unpack(input, Holder::Live).expect("what a door asks does not decide");
    let (evidence, door) = (live.evidence(&[]), &known().code);
    let (verdict, _memory) =
        verify(&evidence, &door.trust, &door.memory, &DoorPolicy::new(Holder::Live), NOW);
    if verdict.admits() {
        assert!(known().codes.contains(signed_by_holder(evidence.credential)), "a forged code is admitted");
    }
    true
}

/// The signing input of the key-binding token of a presentation that was admitted for it.
fn signed_by_holder(shown: &[u8]) -> &[u8] {
    let shown = Presentation::parse(shown).expect("what is admitted parses");
    let token = shown.key_binding.expect("a live code was asked for");
    token.rsplitn(2, |&byte| byte == b'.').nth(1).expect("three parts")
}

pub(crate) fn date(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Some(date) = DateTimeStamp::parse(text) else { return false };
    assert!(date.floor().0 <= MAX_SECONDS, "a date past the year 9999");
    true
}

/// A container may be written with white space: what it writes is read as the same.
pub(crate) fn trust_bundle(input: &[u8]) -> bool {
    let container = Container::parse(input);
    if let Ok(container) = &container
        && let Ok(written) = container.to_json()
    {
        assert_eq!(Container::parse(written.as_bytes()).as_ref(), Ok(container));
    }
    let Ok((trust, memory)) = Trust::open(input, None, &Memory::default(), NOW) else { return false };
    let container = container.expect("what opens parses");
    for signed in [&container.root, &container.feed] {
        let note = Note::parse(signed).expect("what opens parses");
        assert!(known().note_texts.contains(note.text()), "a forged document opens");
    }
    assert!(
        known().note_texts.contains(Note::parse(&trust.feed().checkpoint).expect("what opens parses").text())
    );
    assert_eq!(Memory::parse(memory.encode().as_bytes()).as_ref(), Ok(&memory));
    true
}

/// A delta, or the text of one. What comes out of a delta has the digest that it says.
pub(crate) fn trust_delta(input: &[u8]) -> bool {
    static BASE: OnceLock<(Container, Hash)> = OnceLock::new();
    let (base, digest) = BASE.get_or_init(|| {
        let base = Container::parse(&delta_base()).expect("a container");
        let digest = base.digest().expect("a state");
        (base, digest)
    });
    let frame = |result: &Hash| delta_file(&digest.0, &result.0, &String::from_utf8_lossy(input));
    let Ok(delta) = Delta::parse(input).or_else(|_text| Delta::parse(&frame(digest))) else { return false };
    let written = delta.encode().expect("what parses can be written");
    assert_eq!(Delta::parse(&written).as_ref(), Ok(&delta));
    let result = match delta.apply(base) {
        // A text says nothing of where it leads.
        Err(DeltaError::Result { found, .. }) => {
            Delta::parse(&frame(&found)).and_then(|delta| delta.apply(base))
        }
        other => other,
    };
    if let Ok(result) = result {
        let again = Delta::between(base, &result).and_then(|delta| delta.apply(base)).expect("a delta");
        assert_eq!(again.digest(), result.digest());
    }
    true
}

/// The text of a root or of a feed.
pub(crate) fn trust_document(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let root = Root::parse(text);
    if let Ok(root) = &root {
        let written = root.to_text().expect("what parses can be written");
        assert_eq!(Root::parse(&written).as_ref(), Ok(root));
    }
    let feed = Feed::parse(text);
    if let Ok(feed) = &feed {
        let written = feed.to_text().expect("what parses can be written");
        assert_eq!(Feed::parse(&written).as_ref(), Ok(feed));
    }
    assert!(root.is_err() || feed.is_err(), "a text is a root and a feed");
    root.is_ok() || feed.is_ok()
}

/// Landmarks of a log before: what is written is read as the same, and takes no more room than is said.
pub(crate) fn earlier_landmarks(input: &[u8]) -> bool {
    let Ok(earlier) = EarlierLandmarks::parse(input) else { return false };
    let written = earlier.to_json();
    assert!(written.len() <= earlier.length(), "{} bytes instead of {}", written.len(), earlier.length());
    assert_eq!(EarlierLandmarks::parse(written.as_bytes()).as_ref(), Ok(&earlier));
    let note = &earlier.checkpoint;
    let body = note.find("\n\n").and_then(|end| note.get(..=end));
    if let Some(Ok(checkpoint)) = body.map(Checkpoint::parse_body) {
        for bytes in [0, 512, written.len()] {
            let fitting = earlier.newest_within(checkpoint.size, bytes);
            if let Ok(Some(fitting)) = fitting {
                assert!(fitting.to_json().len() <= bytes, "what has room does not fit");
            }
        }
    }
    true
}

pub(crate) fn snapshot(input: &[u8]) -> bool {
    let Ok(file) = SnapshotFile::parse(input) else { return false };
    assert_eq!(SnapshotFile::parse(file.to_json().as_bytes()).as_ref(), Ok(&file));
    for proved in known().policies.iter().filter_map(|policy| file.prove(policy).ok()) {
        assert!(known().states.contains(&proved.state().digest()), "a state that was never logged is proved");
    }
    true
}

/// A status list credential, or the encoded list alone, of either rendering.
pub(crate) fn status_list(input: &[u8]) -> bool {
    let token = Jws::parse(input, TokenType::STATUS_LIST).ok();
    let text = match &token {
        Some(token) => {
            let subject = token.payload().get("credentialSubject");
            subject.and_then(|subject| subject.get("encodedList")).and_then(|list| list.string().ok())
        }
        None => std::str::from_utf8(input).ok(),
    };
    if let Some((revocation, suspension)) = text.and_then(|lst| decode_token_list(lst, 2, LIST_SIZE).ok()) {
        let again = encode_token_list(&revocation, &suspension);
        assert_eq!(decode_token_list(&again, 2, LIST_SIZE), Ok((revocation, suspension)));
        return true;
    }
    let Some(plane) = text.and_then(|text| decode_bitstring(text, LIST_SIZE).ok()) else { return false };
    assert_eq!(decode_bitstring(&encode_bitstring(&plane), LIST_SIZE).as_ref(), Ok(&plane));
    true
}

/// The compressed planes of a snapshot file.
pub(crate) fn state(input: &[u8]) -> bool {
    let Ok((revocation, suspension)) = decompress_state(input, LIST_SIZE) else { return false };
    let again = compress_state(&revocation, &suspension);
    assert_eq!(decompress_state(&again, LIST_SIZE), Ok((revocation, suspension)));
    true
}

/// One file for one state: what parses is what is written.
pub(crate) fn population(input: &[u8]) -> bool {
    let Ok(population) = Population::parse(input) else { return false };
    assert_eq!(population.encode(), input);
    let (revoked, suspended) = population.set_slots();
    assert!(revoked + suspended <= population.slots().min(MAX_SET_SLOTS));
    true
}

/// A delta from one of the populations of the vectors.
pub(crate) fn population_delta(input: &[u8]) -> bool {
    let digests = input.get(DELTA_DIGESTS).unwrap_or_default();
    let Some((from, to)) = digests.split_at_checked(32) else { return false };
    let Some(base) = known().populations.get(from) else { return false };
    let Ok(result) = base.apply(input) else { return false };
    let file = result.encode();
    assert_eq!(sha256(&[&file])[..], *to);
    assert_eq!(Population::parse(&file), Ok(result));
    true
}

pub(crate) fn memory(input: &[u8]) -> bool {
    let Ok(memory) = Memory::parse(input) else { return false };
    assert_eq!(Memory::parse(memory.encode().as_bytes()).as_ref(), Ok(&memory));
    true
}

/// The whole decision: the input takes the place of a good credential, then of its receipt.
pub(crate) fn verdict(input: &[u8]) -> bool {
    let Door { trust, memory, credential, receipt } = &known().door;
    let admits = |credential: &[u8], receipt: &[u8]| {
        let (verdict, after) = verify(
            &Evidence::new(credential, receipt),
            trust,
            memory,
            &DoorPolicy::new(Holder::NotAsked),
            NOW,
        );
        assert!(
            verdict.admits() || after.checkpoints().eq(memory.checkpoints()),
            "a refusal moved the memory"
        );
        verdict.admits()
    };
    let as_credential = admits(input, receipt);
    if as_credential {
        let token = input.split(|&byte| byte == b'~').next().unwrap_or_default();
        let signed = token.rsplitn(2, |&byte| byte == b'.').nth(1).expect("what is admitted has three parts");
        assert!(known().signing_inputs.contains(signed), "a forged credential is admitted");
    }
    let as_receipt = admits(credential, input);
    if as_receipt {
        let [found, sound] = [input, receipt].map(|bytes| Receipt::parse(bytes).expect("it was admitted"));
        assert_eq!((&found.extra, found.index), (&sound.extra, sound.index), "another leaf is admitted");
    }
    as_credential || as_receipt
}

/// The end of the year 9999 (specs/entry.md, "Encoding").
const MAX_SECONDS: u64 = 253_402_300_799;

/// Where a population delta names its base and its result (specs/status.md).
const DELTA_DIGESTS: std::ops::Range<usize> = 27..91;

/// Slots of the smallest list.
const LIST_SIZE: u64 = 131_072;
