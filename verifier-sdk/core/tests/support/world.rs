//! A small but whole world: an authority, a log, an issuer with a status list, and what they hand out.
//!
//! Everything is composed by the writers beside the readers under test and signed by keys from seeds, so that a
//! test changes one thing and knows that it is the only one.

use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sillok_log::entry::{
    Entry, Key, KeyEvent, List, ListId, MIN_LIST_SLOTS, Snapshot, StatusValue, Thumbprint, issuer_hash,
    provenance,
};
use sillok_log::landmark::Landmarks;
use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::receipt::{IssueExtra, LandmarkReceipt, LogTag};
use sillok_log::status::ListState;
use sillok_log::{LeafIndex, TreeSize, UnixSeconds};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::jws::{TokenType, compact, protected_header, signing_input};
use sillok_verifier::key::{Algorithm, PublicKey, lower_s};
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::status_list::encode_bitstring;
use sillok_verifier::trust::{
    Container, EarlierLandmarks, Feed, FeedLandmarks, FeedSnapshot, Issuer, IssuerKey, Root, Standing,
};
use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, Verdict, verify};

#[path = "log.rs"]
pub(crate) mod log;

use log::{LOG_SEED, Log};

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
pub(crate) const ISSUER: &str = "https://health.example";
pub(crate) const ORIGIN: &str = "log.example/annals";
pub(crate) const LIST: ListId = ListId([7; 16]);
pub(crate) const SLOT: u32 = 94_567;
pub(crate) const HOUR: u64 = 3_600;

pub(crate) enum Signing {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl Signing {
    pub(crate) fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a scalar"))
    }

    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::ed25519(key.verifying_key().as_bytes()).expect("a key"),
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let half =
                    |bytes: Option<&[u8]>| <[u8; 32]>::try_from(bytes.expect("a coordinate")).expect("32");
                let (x, y) = (point.x().map(|x| &x[..]), point.y().map(|y| &y[..]));
                PublicKey::p256(&half(x), &half(y)).expect("a key")
            }
        }
    }

    pub(crate) fn thumbprint(&self) -> Thumbprint {
        self.public().thumbprint()
    }

    pub(crate) fn kid(&self) -> String {
        encode_base64url(&self.thumbprint().0)
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.public().algorithm()
    }

    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(message.as_bytes()).to_bytes().to_vec(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message.as_bytes());
                lower_s(&signature.to_bytes()).expect("a signature").to_vec()
            }
        }
    }

    /// The compact JWS of a header and a payload, whatever they say.
    pub(crate) fn token(&self, header: &str, payload: &Value) -> String {
        let input = signing_input(header, &payload.to_string());
        compact(&input, &self.sign(&input))
    }

    pub(crate) fn credential(&self, payload: &Value) -> String {
        self.token(&protected_header(self.algorithm(), &self.kid(), TokenType::CREDENTIAL), payload)
    }
}

/// A credential that is in the log.
pub(crate) struct Issued {
    pub(crate) credential: String,
    pub(crate) index: LeafIndex,
    pub(crate) extra: Vec<u8>,
}

/// A logged snapshot with the state that it is of.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) snapshot: Snapshot,
    pub(crate) index: LeafIndex,
    pub(crate) state: ListState,
}

pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) issuer: Signing,
    pub(crate) root_key: SignerKey,
    pub(crate) feed_key: SignerKey,
    pub(crate) root: Root,
    pub(crate) feed_sequence: u64,
    pub(crate) state: ListState,
    pub(crate) published: Vec<Published>,
    /// Sizes of landmarks from number zero; without any the feed has none.
    pub(crate) landmark_sizes: Vec<u64>,
    /// Landmarks of frozen logs.
    pub(crate) landmarks_before: Vec<EarlierLandmarks>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_issuer(Signing::p256(11))
    }

    pub(crate) fn with_issuer(issuer: Signing) -> Self {
        let note_key =
            |name, seed| SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).expect("a key");
        let root_key = note_key("authority.example/root", 2);
        let feed_key = note_key("authority.example/feed", 3);
        let mut log = Log::new(ORIGIN, LOG_SEED);
        let owner = issuer_hash(ISSUER).expect("short");
        let time = UnixSeconds(NOW.0 - 30 * 24 * HOUR);
        let (key, event) = (issuer.thumbprint(), KeyEvent::Added);
        log.append(&Entry::Key(Key { issuer: owner, key, event, time, cuts: Vec::new() }));
        log.append(&Entry::List(List { list: LIST, issuer: owner, size: MIN_LIST_SLOTS }));
        let root = Root {
            sequence: 1,
            epoch: 1,
            issued: UnixSeconds(NOW.0 - 10 * 24 * HOUR),
            not_after: UnixSeconds(NOW.0 + 90 * 24 * HOUR),
            authority: "Health authority".into(),
            root_keys: vec![root_key.verifier()],
            threshold: 1,
            feed_keys: vec![feed_key.verifier()],
            policy: format!("log {}\nquorum none\n", log.key.verifier()),
            issuers: vec![Issuer {
                id: ISSUER.into(),
                name: "Health office".into(),
                keys: vec![IssuerKey { key: issuer.public(), standing: Standing::Active }],
            }],
            status_max_age: 24 * HOUR,
            rules: Vec::new(),
        };
        let state = ListState::new(LIST, MIN_LIST_SLOTS).expect("a list");
        let (feed_sequence, published, landmark_sizes) = (1, Vec::new(), Vec::new());
        Self {
            log,
            issuer,
            root_key,
            feed_key,
            root,
            feed_sequence,
            state,
            published,
            landmark_sizes,
            landmarks_before: Vec::new(),
        }
    }

    /// A world in which one credential is issued and the list's state is published, with what it hands out.
    pub(crate) fn ready() -> (Self, Issued, Container) {
        let mut world = Self::new();
        let issued = world.issue(&payload());
        world.publish();
        let container = world.container();
        (world, issued, container)
    }

    /// Asks for one witness. It cosigns from now on if `cosigns`.
    pub(crate) fn ask_witness(&mut self, cosigns: bool) {
        let witness =
            SignerKey::from_seed("witness.example", SignatureKind::CosignatureV1, &[4; 32]).expect("a key");
        let log = self.log.key.verifier();
        self.root.policy = format!("log {log}\nwitness w {}\nquorum w\n", witness.verifier());
        self.log.cosigned_at = UnixSeconds(NOW.0 - 60);
        self.log.witnesses = if cosigns { vec![witness] } else { Vec::new() };
    }

    pub(crate) fn issue(&mut self, payload: &Value) -> Issued {
        let credential = self.issuer.credential(payload);
        self.log_credential(credential)
    }

    /// Logs a credential that is signed already.
    pub(crate) fn log_credential(&mut self, credential: String) -> Issued {
        let extra = IssueExtra {
            nonce: [8; 32],
            provenance: provenance(&[9; 32], "operator-1", "clinic-2", "event-3").expect("short"),
            time: UnixSeconds(NOW.0 - NOW.0 % HOUR),
        };
        let signed = credential.rsplit_once('.').expect("a compact JWS").0;
        let index = self.log.append(&extra.entry(signed.as_bytes(), self.issuer.thumbprint()));
        Issued { credential, index, extra: extra.encode().to_vec() }
    }

    pub(crate) fn receipt(&self, issued: &Issued) -> String {
        self.log.receipt_at(issued.index, Some(issued.extra.clone()), self.log.size()).encode()
    }

    pub(crate) fn set(&mut self, value: StatusValue) {
        self.state.set(SLOT, value).expect("a slot");
    }

    /// Logs a snapshot of the current state, good for six hours.
    pub(crate) fn publish(&mut self) -> Published {
        self.publish_until(UnixSeconds(NOW.0 + 6 * HOUR))
    }

    pub(crate) fn publish_until(&mut self, not_after: UnixSeconds) -> Published {
        self.publish_between(UnixSeconds(NOW.0 - HOUR), not_after)
    }

    pub(crate) fn publish_between(&mut self, issued: UnixSeconds, not_after: UnixSeconds) -> Published {
        let snapshot = Snapshot {
            list: LIST,
            sequence: self.published.len() as u64 + 1,
            digest: self.state.digest(),
            fold_size: TreeSize(self.log.size() as u64),
            issued,
            not_after,
        };
        let index = self.log.append(&Entry::Snapshot(snapshot));
        let published = Published { snapshot, index, state: self.state.clone() };
        self.published.push(published.clone());
        published
    }

    pub(crate) fn file(&self, published: &Published) -> SnapshotFile {
        let receipt = self.log.receipt(published.index);
        SnapshotFile::new(&uri(), ISSUER, &published.snapshot, &published.state, &receipt).expect("a file")
    }

    pub(crate) fn record(&self, published: &Published) -> FeedSnapshot {
        FeedSnapshot {
            uri: uri(),
            issuer: ISSUER.into(),
            length: published.state.length(),
            snapshot: published.snapshot,
            index: published.index,
            proof: self.log.proof(published.index, self.log.size()),
        }
    }

    fn landmarks(&self) -> Option<FeedLandmarks> {
        let newest = (self.landmark_sizes.len() as u64).checked_sub(1)?;
        let sizes = self.landmark_sizes.iter().copied().map(TreeSize).collect();
        let landmarks = Landmarks::from_sizes(newest, sizes).expect("landmarks");
        let size = TreeSize(self.log.size() as u64);
        let (landmarks, nodes) = FeedLandmarks::nodes(&landmarks, size).expect("within the log")?;
        Some(FeedLandmarks { landmarks, hashes: self.log.nodes(&nodes) })
    }

    /// Another log takes over. The feed holds the landmarks of this one, against its last checkpoint, from now on. The policy
    /// is to name both.
    pub(crate) fn succeed(&mut self, next: Log) {
        let set = self.landmarks().expect("landmarks");
        self.landmarks_before.insert(0, EarlierLandmarks { checkpoint: self.log.note(), set });
        (self.log, self.landmark_sizes) = (next, Vec::new());
        self.published.clear();
        self.publish();
        self.feed_sequence += 1;
    }

    /// The receipt of a credential relative to its landmark.
    pub(crate) fn landmark_receipt(&self, issued: &Issued) -> LandmarkReceipt {
        let landmarks = self.landmarks().expect("landmarks").landmarks;
        let landmark = landmarks.covering(issued.index).expect("a landmark that covers it");
        let subtree = landmarks.subtree(landmark, issued.index).expect("its subtree");
        let plan = subtree.inclusion_plan(issued.index).expect("a leaf of it");
        let proof = plan.fold(&self.log.nodes(plan.nodes())).expect("a proof");
        let (log, index, extra) = (LogTag::of(ORIGIN), issued.index, issued.extra.clone());
        LandmarkReceipt { log, landmark, index, extra, proof }
    }

    /// The feed that an honest authority makes now: the newest snapshot, against the newest checkpoint.
    pub(crate) fn feed(&self) -> Feed {
        Feed {
            sequence: self.feed_sequence,
            epoch: self.root.epoch,
            root: self.root.sequence,
            issued: UnixSeconds(NOW.0 - HOUR),
            not_after: UnixSeconds(NOW.0 + 12 * HOUR),
            checkpoint: self.log.note(),
            snapshots: self.published.last().map(|newest| self.record(newest)).into_iter().collect(),
            landmarks: self.landmarks(),
            landmarks_before: self.landmarks_before.clone(),
        }
    }

    /// The bundle that an honest authority hands out now, the newest state embedded.
    pub(crate) fn container(&mut self) -> Container {
        let feed = self.feed();
        let files = self.published.last().map(|newest| self.file(newest)).into_iter().collect();
        self.container_of(&feed, files)
    }

    /// Signs and logs root and feed, whatever they say.
    pub(crate) fn container_of(&mut self, feed: &Feed, snapshots: Vec<SnapshotFile>) -> Container {
        let root_text = self.root.to_text().expect("a root");
        let root_index = self.log.append(&self.root.entry(&root_text));
        let feed_text = feed.to_text().expect("a feed");
        let feed_index = self.log.append(&feed.entry(&feed_text));
        Container {
            root: sign(&root_text, &[&self.root_key]),
            root_receipt: self.log.receipt(root_index),
            feed: sign(&feed_text, &[&self.feed_key]),
            feed_receipt: self.log.receipt(feed_index),
            snapshots,
            consistency: Vec::new(),
        }
    }

    /// What a verifier says that opens `container` with an empty memory and is shown the credential and its receipt.
    pub(crate) fn judge(&self, container: &Container, issued: &Issued) -> Verdict {
        self.judge_with(container, issued, &[])
    }

    pub(crate) fn judge_with(&self, container: &Container, issued: &Issued, statuses: &[&[u8]]) -> Verdict {
        judge_at(container, &issued.credential, Some(&self.receipt(issued)), statuses, NOW)
    }
}

/// Opens a bundle that is expected to open.
pub(crate) fn open(container: &Container, memory: &Memory) -> (Trust, Memory) {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), None, memory, NOW).expect("a bundle that opens")
}

/// Verifies, and checks what holds of every verification: memory comes back as it was unless the verdict is valid.
pub(crate) fn judge_at(
    container: &Container,
    credential: &str,
    receipt: Option<&str>,
    statuses: &[&[u8]],
    now: UnixSeconds,
) -> Verdict {
    let (trust, memory) = open(container, &Memory::default());
    verify_kept(&trust, &memory, credential.as_bytes(), receipt.map(str::as_bytes), statuses, now).0
}

pub(crate) fn verify_kept(
    trust: &Trust,
    memory: &Memory,
    credential: &[u8],
    receipt: Option<&[u8]>,
    statuses: &[&[u8]],
    now: UnixSeconds,
) -> (Verdict, Memory) {
    let evidence = Evidence { credential, receipt, statuses };
    let (verdict, kept) = verify(&evidence, trust, memory, &Policy::new(Holder::NotAsked), now);
    if kept.alarms() == memory.alarms() && !verdict.admits() {
        assert_eq!(kept.encode(), memory.encode(), "memory after {verdict}");
    }
    assert_eq!(Memory::parse(kept.encode().as_bytes()).expect("a memory"), kept);
    (verdict, kept)
}

pub(crate) fn sign(text: &str, keys: &[&SignerKey]) -> String {
    let lines: Vec<String> = keys.iter().map(|key| key.sign(text).expect("a signature")).collect();
    compose(text, &lines).expect("a note")
}

pub(crate) fn uri() -> String {
    format!("{ISSUER}/status/{LIST}")
}

/// One plane as a W3C status list credential.
pub(crate) fn plane_credential(issuer: &Signing, purpose: &str, plane: &[u8]) -> String {
    issuer.credential(&json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": format!("{}/{purpose}", uri()),
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISSUER,
        "validFrom": "2027-01-15T07:00:00Z",
        "credentialSubject": {
            "id": format!("{}/{purpose}#list", uri()),
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode_bitstring(plane),
        },
    }))
}

/// The claims of a vaccination certificate that is valid in 2027.
pub(crate) fn payload() -> Value {
    let entry = |purpose: &str| {
        json!({
            "type": "BitstringStatusListEntry",
            "statusPurpose": purpose,
            "statusListIndex": SLOT.to_string(),
            "statusListCredential": format!("{}/{purpose}", uri()),
        })
    };
    json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:3f2b7c9e-8a64-4d21-9f0e-5b1c2d3e4f50",
        "type": ["VerifiableCredential", "VaccinationCertificate"],
        "issuer": ISSUER,
        "iss": ISSUER,
        "validFrom": "2027-01-01T00:00:00Z",
        "validUntil": "2028-01-01T00:00:00Z",
        "credentialSubject": { "name": "Hong Gildong", "doses": 2 },
        "credentialStatus": [entry("revocation"), entry("suspension")],
    })
}
