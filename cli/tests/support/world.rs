//! A data folder with a log of typed entries and a published list, made through the rooms that make real ones.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sillok_log::audit::LogKind;
use sillok_log::entry::{
    Entry, Issue, IssuerHash, Key, KeyEvent, List, ListId, Snapshot, Status, StatusValue, issuer_hash,
};
use sillok_log::ledger::Role;
use sillok_log::note::{self, SignatureKind, SignerKey};
use sillok_log::status::ListState;
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_registry::sealed::{self, KeyKind, Passphrase};
use sillok_registry::{Level, Limits, Logged, Options, Outcome, Paths, Registry, Stores};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::jws::{TokenType, compact, protected_header, signing_input};
use sillok_verifier::key::PublicKey;
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::status_list::{encode_bitstring, encode_token_list};
use sillok_verifier::trust::{Container, Issuer, IssuerKey, Root, Standing};

/// As `sillok init` has it.
const ISSUER: &str = "http://localhost:8080";
const LIST: ListId = ListId([4; 16]);
const SLOTS: u64 = 131_072;
/// When everything was issued: a whole hour.
const NOW: UnixSeconds = UnixSeconds(1_620_000_000);
pub(crate) const ISSUED: usize = 600;

/// Opens the log of a folder that the program made, as its registry does.
pub(crate) fn open(data: &Path, kind: LogKind) -> Registry {
    let keys = data.join("keys");
    let origin = sealed::public_text(&keys, "log").unwrap().split('+').next().unwrap().to_owned();
    let passphrase = Passphrase::load(&data.join("passphrase")).unwrap();
    let signer = sealed::open(&keys, "log", KeyKind::Ed25519, &passphrase).unwrap().signer(&origin).unwrap();
    let mut head = data.as_os_str().to_owned();
    head.push(".head");
    let paths = Paths {
        public: data.join("public"),
        segments: data.join("wal"),
        seen: data.join("index"),
        head: head.into(),
    };
    let stores = Stores::open(&paths, 1 << 20).unwrap();
    let registry =
        Registry::open(Options { signer, kind, limits: Limits::default() }, stores, Arc::new(clock)).unwrap();
    while registry.handle().phase() == sillok_registry::Phase::Building {
        std::thread::yield_now();
    }
    registry
}

/// The program has signed with the system's clock, and a log does not go back in time.
fn clock() -> UnixSeconds {
    UnixSeconds(u64::try_from(jiff::Timestamp::now().as_second()).unwrap())
}

struct Writer {
    registry: Registry,
    issuer: IssuerHash,
}

impl Writer {
    fn log(&self, role: Role, entries: &[Entry]) -> Vec<Logged> {
        let bytes = entries.iter().map(Entry::encode).collect();
        let answer = self.registry.handle().submit_blocking(bytes, role, Level::Published).unwrap();
        let outcomes = answer.results.into_iter().map(|outcome| match outcome {
            Outcome::Logged(logged) => logged,
            Outcome::Refused { code, detail } => panic!("{code}: {detail}"),
        });
        outcomes.collect()
    }

    fn log_as_issuer(&self, entries: &[Entry]) -> Vec<Logged> {
        self.log(Role::Issuer(self.issuer), entries)
    }
}

/// Logs a key, a list, issue entries, a revocation and a snapshot, and publishes what an issuer publishes.
pub(crate) fn fill(data: &Path) {
    let signing = SigningKey::from_slice(&[9; 32]).unwrap();
    let point = signing.verifying_key().to_sec1_point(false);
    let public = PublicKey::p256(&(*point.x().unwrap()).into(), &(*point.y().unwrap()).into()).unwrap();
    let key = public.thumbprint();
    let issuer = issuer_hash(ISSUER).unwrap();
    let writer = Writer { registry: open(data, LogKind::Typed), issuer };
    writer.log(
        Role::Administrator,
        &[Entry::Key(Key { issuer, key, event: KeyEvent::Added, time: NOW, cuts: Vec::new() })],
    );
    writer.log_as_issuer(&[Entry::List(List { list: LIST, issuer, size: SLOTS })]);
    let issue = |number: usize| {
        let mut commitment = [0; 32];
        commitment[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let commitment = Hash(commitment);
        Entry::Issue(Issue { commitment, issuer_key: key, provenance: Hash([7; 32]), time: NOW })
    };
    writer.log_as_issuer(&(0..ISSUED).map(issue).collect::<Vec<_>>());
    let revoked = Status { list: LIST, index: 5, value: StatusValue::Revoked, change: 0, time: NOW };
    let logged = writer.log_as_issuer(&[Entry::Status(revoked)]);
    let mut state = ListState::new(LIST, SLOTS).unwrap();
    state.set(5, StatusValue::Revoked).unwrap();
    let snapshot = Snapshot {
        list: LIST,
        sequence: 1,
        digest: state.digest(),
        fold_size: TreeSize(logged[0].index.0 + 1),
        issued: NOW,
        not_after: UnixSeconds(NOW.0 + 3_600),
    };
    let logged = writer.log_as_issuer(&[Entry::Snapshot(snapshot)]);
    writer.registry.stop().unwrap();

    let uri = format!("{ISSUER}/status/{LIST}");
    let folder = data.join(format!("public/status/{LIST}"));
    fs::create_dir_all(&folder).unwrap();
    let file = SnapshotFile::new(&uri, ISSUER, &snapshot, &state, &logged[0].receipt.encode()).unwrap();
    fs::write(folder.join("snapshot"), file.to_json()).unwrap();
    for (purpose, plane) in [("revocation", state.revocation()), ("suspension", state.suspension())] {
        fs::write(folder.join(purpose), rendering(&signing, &public, &uri, purpose, plane)).unwrap();
    }
    let token = token(&signing, &public, &uri, &state);
    fs::write(folder.join("token"), token).unwrap();
    fs::write(data.join("public/trust-bundle"), trust_bundle(public)).unwrap();
}

/// Both planes as an IETF status list token.
fn token(signing: &SigningKey, public: &PublicKey, uri: &str, state: &ListState) -> String {
    let lst = encode_token_list(state.revocation(), state.suspension());
    let payload =
        json!({ "sub": format!("{uri}/token"), "iat": NOW.0, "status_list": { "bits": 2, "lst": lst } });
    signed(signing, public, TokenType::STATUS_TOKEN, &payload.to_string())
}

fn signed(signing: &SigningKey, public: &PublicKey, kind: TokenType, payload: &str) -> String {
    let kid = encode_base64url(&public.thumbprint().0);
    let input = signing_input(&protected_header(public.algorithm(), &kid, kind), payload);
    let signature: Signature = signing.sign(input.as_bytes());
    compact(&input, &signature.to_bytes())
}

/// A plane as a W3C status list credential.
fn rendering(signing: &SigningKey, public: &PublicKey, uri: &str, purpose: &str, plane: &[u8]) -> String {
    let payload = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": format!("{uri}/{purpose}"),
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISSUER,
        "validFrom": "2021-05-03T00:00:00Z",
        "credentialSubject": {
            "id": format!("{uri}/{purpose}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode_bitstring(plane),
        },
    });
    signed(signing, public, TokenType::STATUS_LIST, &payload.to_string())
}

/// A bundle from which an auditor takes the issuer's public key, and nothing else.
fn trust_bundle(public: PublicKey) -> String {
    let signer = |name: &str, seed| SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap();
    let root_key = signer("authority.example/root", 1);
    let root = Root {
        sequence: 1,
        epoch: 1,
        issued: NOW,
        not_after: UnixSeconds(NOW.0 + 1_000),
        authority: "Example Authority".into(),
        root_keys: vec![root_key.verifier()],
        threshold: 1,
        feed_keys: vec![signer("authority.example/feed", 2).verifier()],
        policy: format!("log {}\nquorum none\n", signer("log.example", 3).verifier()),
        issuers: vec![Issuer {
            id: ISSUER.into(),
            name: "Example Authority".into(),
            keys: vec![IssuerKey { key: public, standing: Standing::Active }],
        }],
        status_max_age: 3_600,
        rules: Vec::new(),
    };
    let text = root.to_text().unwrap();
    let note = note::compose(&text, &[root_key.sign(&text).unwrap()]).unwrap();
    let container = Container {
        root: note,
        root_receipt: String::new(),
        feed: String::new(),
        feed_receipt: String::new(),
        snapshots: Vec::new(),
        consistency: Vec::new(),
    };
    container.to_json().unwrap()
}
