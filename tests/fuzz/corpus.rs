//! What the damage starts from: the parts of `specs/vectors`, good ones and bad ones, and what is made from them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use sillok_log::note::{Note, SignatureKind, SignerKey};
use sillok_log::receipt::{LandmarkReceipt, SubtreeReceipt};
use sillok_log::submission::Authorization;
use sillok_log::tile::encode_bundle;
use sillok_tests::reference::delta::text_in;
use sillok_tests::vectors::Vector;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::jws::{TokenType, compact, protected_header, signing_input};
use sillok_verifier::key::Algorithm;
use sillok_verifier::status_list::{compress_state, encode_bitstring};
use sillok_verifier::trust::{Container, Feed};
use sillok_verifier::{Memory, Trust, UnixSeconds};

/// Every vector.
pub(crate) fn vectors() -> &'static [Vector] {
    static VECTORS: OnceLock<Vec<Vector>> = OnceLock::new();
    VECTORS.get_or_init(|| {
        // The tests and the coverage-guided shell lie at different depths.
        let above =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("specs/vectors"));
        let folder = above.into_iter().find(|folder| folder.is_dir()).expect("specs/vectors above the crate");
        let mut files: Vec<_> = list(&folder).into_iter().flat_map(|topic| list(&topic)).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
        files.iter().map(|path| read(path)).collect()
    })
}

/// What a folder holds, by name; nothing if it is a file.
fn list(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = listing.map(|item| item.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Vector {
    let file = fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let name = path.file_stem().expect("a file has a name").to_string_lossy();
    let topic = path.parent().and_then(Path::file_name).expect("a file is in a topic").to_string_lossy();
    Vector::parse(&topic, &name, &file).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every content of parts of these names, once.
pub(crate) fn parts(names: &[&str]) -> Vec<Vec<u8>> {
    let all = vectors().iter().flat_map(|vector| &vector.parts);
    let named = all.filter(|part| names.contains(&part.name.as_str()));
    named.map(|part| part.bytes.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Deltas of trust bundles, and the texts in them.
pub(crate) fn trust_deltas() -> Vec<Vec<u8>> {
    let topic = vectors().iter().filter(|vector| vector.topic == "delta");
    let files: Vec<Vec<u8>> = topic.filter_map(|vector| vector.get("delta").map(<[u8]>::to_vec)).collect();
    let texts: BTreeSet<Vec<u8>> = files.iter().filter_map(|file| text_in(file)).collect();
    files.into_iter().chain(texts).collect()
}

/// What they lead from.
pub(crate) fn delta_base() -> Vec<u8> {
    let good = vectors().iter().find(|vector| (&*vector.topic, &*vector.name) == ("delta", "good"));
    good.and_then(|vector| vector.get("base")).expect("specs/vectors/delta/good.txt").to_vec()
}

/// Whole presentations, and payloads of which something is hidden.
pub(crate) fn presentations() -> Vec<Vec<u8>> {
    let mut all: Vec<_> =
        parts(&["credential", "presentation"]).into_iter().filter(|bytes| bytes.contains(&b'~')).collect();
    let topic = vectors().iter().filter(|vector| vector.topic == "presentation");
    all.extend(topic.filter_map(|vector| vector.get("payload").map(<[u8]>::to_vec)));
    all
}

pub(crate) fn landmark_receipts() -> Vec<Vec<u8>> {
    parts(&["receipt"]).into_iter().filter(|bytes| LandmarkReceipt::is_claimed_by(bytes)).collect()
}

pub(crate) fn subtree_receipts() -> Vec<Vec<u8>> {
    parts(&["receipt"]).into_iter().filter(|bytes| SubtreeReceipt::is_claimed_by(bytes)).collect()
}

/// Without the longest, which are longer than the shell takes.
pub(crate) fn landmark_lists() -> Vec<Vec<u8>> {
    parts(&["list"]).into_iter().filter(|bytes| bytes.len() <= 4_096).collect()
}

/// The containers that have the form of one.
pub(crate) fn containers() -> Vec<Container> {
    parts(&["trust"]).iter().filter_map(|bytes| Container::parse(bytes).ok()).collect()
}

pub(crate) fn notes() -> Vec<Vec<u8>> {
    let mut notes: BTreeSet<Vec<u8>> = parts(&["note", "checkpoint"]).into_iter().collect();
    for container in containers() {
        notes.extend([container.root.into_bytes(), container.feed.into_bytes()]);
    }
    notes.into_iter().collect()
}

/// Texts of notes.
fn note_texts() -> Vec<Vec<u8>> {
    let notes = notes();
    let texts =
        notes.iter().filter_map(|note| Some(Note::parse_bytes(note).ok()?.text().as_bytes().to_vec()));
    texts.collect()
}

pub(crate) fn checkpoint_bodies() -> Vec<Vec<u8>> {
    let mut texts = note_texts();
    texts.retain(|text| text.first() != Some(&b'{'));
    texts.into_iter().chain(parts(&["note", "checkpoint"])).collect()
}

pub(crate) fn trust_documents() -> Vec<Vec<u8>> {
    let mut texts = note_texts();
    texts.retain(|text| text.first() == Some(&b'{'));
    texts
}

/// Landmarks of logs before those of the feeds.
pub(crate) fn earlier_landmarks() -> Vec<Vec<u8>> {
    let texts = trust_documents().into_iter().filter_map(|text| String::from_utf8(text).ok());
    let feeds = texts.filter_map(|text| Feed::parse(&text).ok());
    let items: BTreeSet<Vec<u8>> =
        feeds.flat_map(|feed| feed.landmarks_before).map(|earlier| earlier.to_json().into_bytes()).collect();
    items.into_iter().collect()
}

pub(crate) fn verifier_keys() -> Vec<Vec<u8>> {
    let lines = parts(&["key", "keys", "vkey", "signer", "anchors"]);
    lines.iter().flat_map(|lines| lines.split(|byte| *byte == b'\n')).map(<[u8]>::to_vec).collect()
}

/// Bundles, each behind a byte that says how many entries it has.
pub(crate) fn bundles() -> Vec<Vec<u8>> {
    let entries = parts(&["entry"]);
    let bundle = |width: usize| {
        let bytes = encode_bundle(entries.iter().take(width)).expect("short entries");
        let width = u8::try_from(width).expect("a small width");
        [&[width], bytes.as_slice()].concat()
    };
    [0, 1, 2, 7, 40].map(bundle).into()
}

pub(crate) fn authorizations() -> Vec<Vec<u8>> {
    let key = SignerKey::from_seed("log.example/issuer", SignatureKind::Ed25519, &[3; 32]).expect("a name");
    let sign = |time| {
        let signed =
            Authorization::sign("log.example", &key, b"{}", UnixSeconds(time)).expect("a short body");
        signed.encode().into_bytes()
    };
    [0, 1, 1_767_398_400].map(sign).into()
}

/// Payloads of credentials, before their base64url: damage reaches what is in them.
pub(crate) fn credential_payloads() -> Vec<Vec<u8>> {
    let tokens = parts(&["credential"]);
    let payloads: BTreeSet<Vec<u8>> = tokens
        .iter()
        .filter_map(|token| decode_base64url(token.split(|byte| *byte == b'.').nth(1)?))
        .collect();
    payloads.into_iter().collect()
}

/// Texts of JSON: payloads, keys and trust documents.
pub(crate) fn jsons() -> Vec<Vec<u8>> {
    let mut all = credential_payloads();
    all.extend(trust_documents());
    all.extend(parts(&["key"]).into_iter().filter(|key| key.first() == Some(&b'{')));
    all
}

pub(crate) fn snapshots() -> Vec<Vec<u8>> {
    let mut files: BTreeSet<Vec<u8>> = parts(&["status"]).into_iter().collect();
    let all = containers().into_iter().flat_map(|container| container.snapshots);
    files.extend(all.map(|file| file.to_json().into_bytes()));
    files.into_iter().collect()
}

/// Planes of the smallest list with some bits set.
fn planes() -> [Vec<u8>; 3] {
    let plane = |step: usize| {
        let mut plane = vec![0_u8; PLANE_BYTES];
        plane.iter_mut().step_by(step).for_each(|byte| *byte = 0x81);
        plane
    };
    [plane(PLANE_BYTES), plane(1_000), plane(37)]
}

/// W3C status list credentials. Nobody signed them, which reading one does not look at.
pub(crate) fn status_lists() -> Vec<Vec<u8>> {
    let token = |encoded_list: &str| {
        let header = protected_header(Algorithm::Es256, &encode_base64url(&[5; 32]), TokenType::STATUS_LIST);
        let payload = format!(
            r#"{{"iss":"https://issuer.example","credentialSubject":{{"encodedList":"{encoded_list}"}}}}"#
        );
        compact(&signing_input(&header, &payload), &[1; 64]).into_bytes()
    };
    let lists = planes().map(|plane| encode_bitstring(&plane));
    let written = lists.iter().map(|list| list.clone().into_bytes());
    written.chain(lists.iter().map(|list| token(list))).chain(parts(&["encoded-list", "lst"])).collect()
}

/// Compressed states of snapshot files.
pub(crate) fn states() -> Vec<Vec<u8>> {
    let [a, b, c] = planes();
    let published = parts(&["state"]).into_iter().filter_map(|state| decode_base64url(&state));
    [compress_state(&a, &b), compress_state(&b, &c), compress_state(&c, &a)]
        .into_iter()
        .chain(published)
        .collect()
}

/// What verifiers remember after the bundles of the vectors, alarms included.
pub(crate) fn memories() -> Vec<Vec<u8>> {
    let mut memories = BTreeSet::from([Memory::default().encode().into_bytes()]);
    for vector in vectors() {
        let mut memory = Memory::default();
        for bundle in vector.all_of("trust") {
            memory = match Trust::open(bundle, None, &memory, NOW) {
                Ok((_trust, memory)) => memory,
                Err(refused) => refused.memory().cloned().unwrap_or(memory),
            };
            memories.insert(memory.encode().into_bytes());
        }
    }
    memories.into_iter().collect()
}

/// The time of most vectors.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_767_398_400);

/// Bytes of a plane of 131,072 slots.
const PLANE_BYTES: usize = 16_384;
