//! What was really signed: the keys of the vectors and everything in them that opens under these keys. Whatever else
//! opens is a forgery.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use sillok_log::Hash;
use sillok_log::note::{Note, SignatureKind, VerifierKey};
use sillok_log::policy::Policy;
use sillok_log::receipt::Receipt;
use sillok_tests::reference::tree::sha256;
use sillok_tests::vectors::Vector;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::key::PublicKey;
use sillok_verifier::packed::unpack;
use sillok_verifier::population::Population;
use sillok_verifier::sd_jwt::Presentation;
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::{Evidence, Format, Holder, Memory, Policy as DoorPolicy, Trust, verify};

use crate::corpus::{NOW, containers, notes, parts, snapshots, vectors};

/// Keys, and what they signed.
pub(crate) struct Known {
    pub(crate) note_keys: Vec<VerifierKey>,
    pub(crate) note_texts: BTreeSet<String>,
    pub(crate) credential_keys: Vec<PublicKey>,
    pub(crate) signing_inputs: BTreeSet<Vec<u8>>,
    pub(crate) policies: Vec<Policy>,
    /// Digests of states that a logged snapshot has.
    pub(crate) states: BTreeSet<Hash>,
    pub(crate) leaves: BTreeSet<Hash>,
    /// By the SHA-256 of their files.
    pub(crate) populations: BTreeMap<Vec<u8>, Population>,
    pub(crate) door: Door,
    /// A door that asks for live codes.
    pub(crate) live: Door,
    /// One that reads them from QR codes.
    pub(crate) code: Door,
    /// What holders of the vectors signed.
    pub(crate) codes: BTreeSet<Vec<u8>>,
}

/// A door that admits one credential.
pub(crate) struct Door {
    pub(crate) trust: Trust,
    pub(crate) memory: Memory,
    pub(crate) credential: Vec<u8>,
    pub(crate) receipt: Vec<u8>,
}

/// Worked out once.
pub(crate) fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(Known::learn)
}

impl Known {
    fn learn() -> Self {
        let bundles = parts(&["trust"]);
        let trusts: Vec<Trust> = bundles
            .iter()
            .filter_map(|bundle| Some(Trust::open(bundle, None, &Memory::default(), NOW).ok()?.0))
            .collect();
        let note_keys = note_keys(&trusts);
        let credential_keys = credential_keys(&trusts);
        let policies: BTreeMap<Vec<u8>, Policy> =
            trusts.iter().map(|trust| (trust.policy().encode(), trust.policy().clone())).collect();
        let policies: Vec<Policy> = policies.into_values().collect();
        let live = vectors().iter().find(|vector| vector.name == "holder-live").and_then(Door::of);
        let live = live.expect("a vector of a live code is valid");
        let code = vectors().iter().find(|vector| vector.name == "packed-live").and_then(Door::of_code);
        let known = Self {
            note_texts: note_texts(&note_keys),
            signing_inputs: signing_inputs(&credential_keys),
            states: snapshots().iter().flat_map(|file| proved_states(file, &policies)).collect(),
            leaves: parts(&["leaf"])
                .iter()
                .filter_map(|leaf| Some(Hash(leaf.as_slice().try_into().ok()?)))
                .collect(),
            populations: parts(&["population"])
                .iter()
                .filter_map(|file| Some((sha256(&[file]).to_vec(), Population::parse(file).ok()?)))
                .collect(),
            door: vectors().iter().find_map(Door::of).expect("a vector of one bundle is valid"),
            codes: codes(&live.credential),
            live,
            code: code.expect("a vector of a packed live code is valid"),
            note_keys,
            credential_keys,
            policies,
        };
        assert!(known.note_texts.len() > 10 && known.signing_inputs.len() > 3, "the corpus holds sound ones");
        assert!(!known.states.is_empty() && !known.leaves.is_empty(), "the corpus holds sound ones");
        known
    }
}

fn note_keys(trusts: &[Trust]) -> Vec<VerifierKey> {
    let lines = crate::corpus::verifier_keys();
    let named = lines.iter().filter_map(|line| VerifierKey::parse(std::str::from_utf8(line).ok()?).ok());
    let trusted = trusts.iter().flat_map(|trust| {
        let logs = trust.policy().logs().iter().map(|log| log.key().clone());
        let (root, feed) = (&trust.root().root_keys, &trust.root().feed_keys);
        logs.chain(root.iter().cloned()).chain(feed.iter().cloned()).collect::<Vec<_>>()
    });
    let signers = named.chain(trusted).filter(|key| key.kind() == SignatureKind::Ed25519);
    signers.map(|key| (key.to_string(), key)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Also the checkpoints in receipts and feeds.
fn note_texts(keys: &[VerifierKey]) -> BTreeSet<String> {
    let mut notes = notes();
    let in_containers = containers().into_iter().flat_map(|container| {
        let feed = Note::parse(&container.feed).ok().map(|note| note.text().to_owned());
        let feed = feed.and_then(|text| sillok_verifier::trust::Feed::parse(&text).ok());
        let receipts = [container.root_receipt, container.feed_receipt].into_iter();
        let receipts = receipts.filter_map(|text| Some(Receipt::parse(text.as_bytes()).ok()?.checkpoint));
        receipts.chain(feed.map(|feed| feed.checkpoint)).map(String::into_bytes).collect::<Vec<_>>()
    });
    let receipts = parts(&["receipt"]);
    let in_receipts =
        receipts.iter().filter_map(|bytes| Some(Receipt::parse(bytes).ok()?.checkpoint.into_bytes()));
    let in_snapshots: Vec<Vec<u8>> =
        snapshots().iter().filter_map(|file| snapshot_checkpoint(file)).collect();
    notes.extend(in_containers.chain(in_receipts).chain(in_snapshots));
    let opened =
        notes.iter().filter_map(|note| Note::parse_bytes(note).ok()).filter(|note| note.open(keys).is_ok());
    opened.map(|note| note.text().to_owned()).collect()
}

/// The checkpoint of a snapshot file's receipt.
fn snapshot_checkpoint(file: &[u8]) -> Option<Vec<u8>> {
    let json = Json::parse(file, &Limits { bytes: file.len(), depth: 8, values: 64 }).ok()?;
    let receipt = json.object().ok()?.string("receipt").ok()?.as_bytes();
    Some(Receipt::parse(receipt).ok()?.checkpoint.into_bytes())
}

fn credential_keys(trusts: &[Trust]) -> Vec<PublicKey> {
    let jwks = parts(&["key"]);
    let named = jwks.iter().filter_map(|jwk| {
        let json = Json::parse(jwk, &Limits { bytes: jwk.len(), depth: 2, values: 16 }).ok()?;
        PublicKey::from_jwk(&json).ok()
    });
    let issuers = trusts.iter().flat_map(|trust| &trust.root().issuers);
    let trusted = issuers.flat_map(|issuer| &issuer.keys).map(|known| known.key);
    let all: BTreeMap<_, _> = named.chain(trusted).map(|key| (key.thumbprint(), key)).collect();
    all.into_values().collect()
}

fn signing_inputs(keys: &[PublicKey]) -> BTreeSet<Vec<u8>> {
    let tokens = parts(&["credential"]);
    // The longest that any type allows: a credential that is too long was signed all the same.
    let tokens = tokens.iter().map(|shown| shown.split(|&byte| byte == b'~').next().unwrap_or_default());
    let parsed = tokens.flat_map(|token| {
        let types = Format::ALL.map(Format::token_type).into_iter().chain([TokenType::STATUS_LIST]);
        types.map(|expected| Jws::parse(token, expected).ok())
    });
    let parsed = parsed.flatten();
    let signed = parsed.filter(|jws| keys.iter().any(|key| jws.verify(key).is_ok()));
    signed.map(|jws| jws.signing_input().to_vec()).collect()
}

fn proved_states(file: &[u8], policies: &[Policy]) -> Vec<Hash> {
    let Ok(file) = SnapshotFile::parse(file) else { return Vec::new() };
    let proved = policies.iter().filter_map(|policy| file.prove(policy).ok());
    proved.map(|proved| proved.state().digest()).collect()
}

/// The signing inputs of key-binding tokens by the holder of this presentation.
fn codes(shown: &[u8]) -> BTreeSet<Vec<u8>> {
    let token = Presentation::parse(shown).expect("a presentation").token;
    let token = Jws::parse(token, TokenType::SD_CREDENTIAL).expect("a credential");
    let jwk = token.payload().get("cnf").and_then(|cnf| cnf.get("jwk")).expect("a holder");
    let holder = PublicKey::from_jwk(jwk).expect("a key");
    let signed = |shown: &[u8]| {
        let token = Presentation::parse(shown).ok()?.key_binding?;
        let mut parts = token.rsplitn(2, |&byte| byte == b'.');
        let (signature, input) = (parts.next()?, parts.next()?);
        holder.verify(input, &decode_base64url(signature)?).ok().map(|()| input.to_vec())
    };
    let packed = parts(&["packed"]).into_iter().filter_map(|code| {
        let unpacked = unpack(&code, Holder::Live).ok()?;
        Some(unpacked.evidence(&[]).credential.to_vec())
    });
    parts(&["credential"]).into_iter().chain(packed).filter_map(|shown| signed(&shown)).collect()
}

impl Door {
    /// The door of a vector whose code is valid.
    fn of_code(vector: &Vector) -> Option<Self> {
        let (trust, memory) = Trust::open(vector.get("trust")?, None, &Memory::default(), NOW).ok()?;
        let unpacked = unpack(vector.get("packed")?, Holder::Live).ok()?;
        let evidence = unpacked.evidence(&[]);
        let (verdict, _memory) = verify(&evidence, &trust, &memory, &DoorPolicy::new(Holder::Live), NOW);
        let (credential, receipt) = (evidence.credential.to_vec(), evidence.receipt?.to_vec());
        verdict.admits().then_some(Self { trust, memory, credential, receipt })
    }

    /// The door of a vector of one bundle whose credential is valid.
    fn of(vector: &Vector) -> Option<Self> {
        let mut bundles = vector.all_of("trust");
        let (Some(bundle), None, "valid") = (bundles.next(), bundles.next(), vector.expect.as_str()) else {
            return None;
        };
        let (trust, memory) = Trust::open(bundle, None, &Memory::default(), NOW).ok()?;
        let (credential, receipt) = (vector.get("credential")?.to_vec(), vector.get("receipt")?.to_vec());
        let (verdict, _memory) = verify(
            &Evidence::new(&credential, &receipt),
            &trust,
            &memory,
            &DoorPolicy::new(Holder::NotAsked),
            NOW,
        );
        verdict.admits().then_some(Self { trust, memory, credential, receipt })
    }
}
