//! A small world for whole scenarios: a log, its witnesses, an issuer, a list, a trust bundle. Every value can be
//! changed before it is built.

use crate::reference::credential::{IssuerKey, compact, header, signing_input, status_entries};
use crate::reference::encoding::hex;
use crate::reference::entry::{self, commitment, document_digest, issuer_hash};
use crate::reference::json::{array, object, string};
use crate::reference::landmark::{self, LandmarkReceipt};
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey, checkpoint_text, note};
use crate::reference::receipt::{issue_extra, receipt};
use crate::reference::status::Slots;
use crate::reference::tree::{Hash, inclusion, leaf_hash, root};
use crate::reference::trust::{Container, Feed, IssuerItem, KeyItem, Root, Snapshot};

/// 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600;
/// One day.
pub const DAY: u64 = 86_400;
/// When scenarios ask: two days later.
pub const NOW: u64 = START + 2 * DAY;
/// The issuer of everything.
pub const ISSUER: &str = "https://issuer.example";
/// The log.
pub const ORIGIN: &str = "log.example/sillok";
/// The list.
pub const LIST: [u8; 16] = [4; 16];
/// Slots of the list.
pub const SLOTS: u64 = 131_072;
/// The slot of the credential.
pub const SLOT: u32 = 5;

/// A log in memory, naive.
#[derive(Clone)]
pub struct Log {
    /// Signs checkpoints.
    pub key: NoteKey,
    /// Cosign every checkpoint, each at its time.
    pub witnesses: Vec<(NoteKey, u64)>,
    /// The entries.
    pub entries: Vec<Vec<u8>>,
}

impl Log {
    /// Appends an entry and says where it is.
    pub fn push(&mut self, entry: Vec<u8>) -> u64 {
        self.entries.push(entry);
        self.size() - 1
    }

    /// The number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The leaf hashes of the first `size` entries.
    #[must_use]
    pub fn leaves(&self, size: u64) -> Vec<Hash> {
        self.entries.iter().zip(0..size).map(|(entry, _)| leaf_hash(entry)).collect()
    }

    /// The signed checkpoint at this size.
    #[must_use]
    pub fn checkpoint(&self, size: u64) -> String {
        let text = checkpoint_text(&self.key.name, size, &root(&self.leaves(size)));
        let mut lines = vec![self.key.line(&text)];
        lines.extend(self.witnesses.iter().map(|(witness, time)| witness.cosign(&text, *time)));
        note(&text, &lines)
    }

    /// The inclusion proof of an entry at this size.
    #[must_use]
    pub fn proof(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion(usize::try_from(index).expect("a small log"), &self.leaves(size))
    }

    /// The receipt of an entry at this size.
    #[must_use]
    pub fn receipt(&self, index: u64, size: u64, extra: Option<&[u8]>) -> String {
        receipt(extra, index, &self.proof(index, size), &self.checkpoint(size))
    }
}

/// What a scenario may change before anything is built.
#[derive(Clone)]
pub struct Plan {
    /// Witnesses of the policy, `w1` and so on, and the text of its quorum.
    pub witnesses: Vec<(NoteKey, u64)>,
    /// Lines of the policy behind the keys.
    pub quorum: String,
    /// Entries at the start of the log that nobody asks about.
    pub filler: u8,
    /// Signs the credential and stands in the root.
    pub key: IssuerKey,
    /// State and cut of the key in the root.
    pub key_state: (&'static str, Vec<(String, u64)>),
    /// JSON of the protected header.
    pub header: String,
    /// Members of the payload.
    pub payload: Vec<(&'static str, String)>,
    /// Changes of slots, each the first of its slot.
    pub changes: Vec<(u32, u8)>,
    /// Issuer URLs of the root: of everything, and of somebody who is in it as well.
    pub issuers: [String; 2],
    /// Issuer URL that the list is declared for.
    pub list_issuer: String,
    /// Issuance and not-after of the snapshot.
    pub snapshot_times: (u64, u64),
    /// Whether the feed names the snapshot.
    pub in_feed: bool,
    /// Whether the container embeds the snapshot file.
    pub embedded: bool,
    /// Number of the newest landmark of the feed, and sizes, oldest first; without sizes the feed has none.
    pub landmarks: (u64, Vec<u64>),
    /// Landmarks of logs before, items of the feed.
    pub landmarks_before: Vec<String>,
    /// Sequence and epoch of the root.
    pub root_number: (u64, u64),
    /// `issued` and `not_after` of the root.
    pub root_times: (u64, u64),
    /// Keys that the root names, and its threshold.
    pub root_keys: (Vec<NoteKey>, u64),
    /// Keys that sign the root.
    pub root_signers: Vec<NoteKey>,
    /// Sequence and epoch of the feed.
    pub feed_number: (u64, u64),
    /// Sequence of the root that the feed was made under, if it is not this one.
    pub feed_root: Option<u64>,
    /// `issued` and `not_after` of the feed.
    pub feed_times: (u64, u64),
    /// The key that signs the feed.
    pub feed_signer: NoteKey,
    /// A policy that is not the one made of log and witnesses.
    pub policy: Option<String>,
    /// Texts of rule sets.
    pub rules: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        let key = IssuerKey::p256(11);
        Self {
            witnesses: Vec::new(),
            quorum: "quorum none\n".into(),
            filler: 0,
            header: header(&key),
            key,
            key_state: ("active", Vec::new()),
            payload: payload(),
            changes: vec![(7, 1), (9, 2)],
            issuers: [ISSUER.into(), "https://neighbour.example".into()],
            list_issuer: ISSUER.into(),
            snapshot_times: (START + DAY, START + 8 * DAY),
            in_feed: true,
            embedded: true,
            landmarks: (0, Vec::new()),
            landmarks_before: Vec::new(),
            root_number: (1, 1),
            root_times: (START, START + 365 * DAY),
            root_keys: (vec![root_key(1)], 1),
            root_signers: vec![root_key(1)],
            feed_number: (1, 1),
            feed_root: None,
            feed_times: (START + DAY, START + 8 * DAY),
            feed_signer: feed_key(),
            policy: None,
            rules: Vec::new(),
        }
    }
}

/// The built world.
#[derive(Clone)]
pub struct World {
    /// The log with everything in it.
    pub log: Log,
    /// The compact JWS.
    pub credential: String,
    /// Its leaf index.
    pub index: u64,
    /// `extra` of its receipt.
    pub extra: Vec<u8>,
    /// Its receipt, at the full size.
    pub receipt: String,
    /// What was published last.
    pub published: Published,
}

/// What an authority publishes.
#[derive(Clone)]
pub struct Published {
    /// The root document.
    pub root: Root,
    /// The feed document.
    pub feed: Feed,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Its leaf index.
    pub snapshot_index: u64,
    /// The snapshot file.
    pub file: String,
    /// The trust bundle.
    pub container: Container,
}

impl World {
    /// The same log after more was published by `plan`.
    #[must_use]
    pub fn renewed(&self, plan: &Plan) -> Self {
        let mut log = self.log.clone();
        log.witnesses.clone_from(&plan.witnesses);
        plan.publish(log, self.published.snapshot.sequence + 1, |log, published| {
            let receipt = log.receipt(self.index, log.size(), Some(&self.extra));
            Self { log, receipt, published, ..self.clone() }
        })
    }

    /// The receipt of the credential relative to one of these landmarks.
    #[must_use]
    pub fn landmark_receipt(&self, (newest, sizes): &(u64, Vec<u64>)) -> LandmarkReceipt {
        let (number, (start, end)) =
            landmark::subtree(*newest, sizes, self.index).expect("a landmark that covers the credential");
        let place = |index: u64| usize::try_from(index).expect("a small log");
        let leaves = &self.log.leaves(end)[place(start)..];
        LandmarkReceipt {
            origin: self.log.key.name.clone(),
            number,
            index: self.index,
            extra: self.extra.clone(),
            proof: inclusion(place(self.index - start), leaves),
        }
    }

    /// The landmarks of this log as the feed of a log after it holds them, against the newest checkpoint.
    #[must_use]
    pub fn landmarks_as_before(&self, (newest, sizes): &(u64, Vec<u64>)) -> String {
        let size = self.log.size();
        let hashes = landmark::hashes(sizes, &self.log.leaves(size));
        landmark::feed_item_before(&self.log.checkpoint(size), *newest, sizes, &hashes)
    }

    /// The trust bundle, as a file.
    #[must_use]
    pub fn trust(&self) -> String {
        self.published.container.file()
    }
}

impl Plan {
    /// Appends everything to a log and writes everything that is signed.
    #[must_use]
    pub fn build(&self) -> World {
        let log = Log { key: log_key(), witnesses: self.witnesses.clone(), entries: Vec::new() };
        self.build_on(log)
    }

    /// The same on a log that holds something already.
    #[must_use]
    pub fn build_on(&self, mut log: Log) -> World {
        let thumbprint = self.key.thumbprint();
        for number in 0..self.filler {
            log.push(entry::list(&[200 + number; 16], &issuer_hash(ISSUER), SLOTS));
        }
        log.push(entry::key(&issuer_hash(ISSUER), &thumbprint, entry::ADDED, START, &[]));
        log.push(entry::list(&LIST, &issuer_hash(&self.list_issuer), SLOTS));
        let (credential, input) = (self.credential(), signing_input(&self.header, &object(&self.payload)));
        let issued = entry::issue(&commitment(&[1; 32], input.as_bytes()), &thumbprint, &[2; 32], START);
        let index = log.push(issued);
        for (slot, value) in &self.changes {
            log.push(entry::status(&LIST, *slot, *value, 0, START + 3_600));
        }
        let extra = issue_extra(&[1; 32], &[2; 32], START);
        self.publish(log, 1, |log, published| {
            let receipt = log.receipt(index, log.size(), Some(&extra));
            World { log, credential, index, extra, receipt, published }
        })
    }

    /// Logs the root unless it is there, a snapshot and a feed, and writes the bundle.
    fn publish<T>(&self, mut log: Log, sequence: u64, then: impl FnOnce(Log, Published) -> T) -> T {
        let (snapshot, snapshot_index, state) = self.snapshot(&mut log, sequence);
        let root = self.root();
        let entry = bundle(entry::ROOT, root.sequence, &root.text(), root.issued);
        let known = log.entries.iter().zip(0..).find_map(|(old, index)| (*old == entry).then_some(index));
        let root_index = known.unwrap_or_else(|| log.push(entry));
        let seen = log.size();
        let item = snapshot.feed_item(snapshot_index, &log.proof(snapshot_index, seen));
        let mut feed = self.feed(log.checkpoint(seen), if self.in_feed { vec![item] } else { Vec::new() });
        let (newest, sizes) = &self.landmarks;
        if !sizes.is_empty() {
            feed.landmarks =
                vec![landmark::feed_item(*newest, sizes, &landmark::hashes(sizes, &log.leaves(seen)))];
        }
        feed.landmarks.extend(self.landmarks_before.iter().cloned());
        let feed_index = log.push(bundle(entry::FEED, feed.sequence, &feed.text(), feed.issued));
        let size = log.size();
        let file = snapshot.file(&log.receipt(snapshot_index, size, None), &state);
        let container = Container {
            root: signed(&root.text(), &self.root_signers),
            root_receipt: log.receipt(root_index, size, None),
            feed: signed(&feed.text(), std::slice::from_ref(&self.feed_signer)),
            feed_receipt: log.receipt(feed_index, size, None),
            snapshots: if self.embedded { vec![file.clone()] } else { Vec::new() },
            consistency: Vec::new(),
        };
        then(log, Published { root, feed, snapshot, snapshot_index, file, container })
    }

    /// The compact JWS of header and payload.
    #[must_use]
    pub fn credential(&self) -> String {
        compact(&self.header, &object(&self.payload), &self.key)
    }

    /// Changes a member of the payload, or adds it.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.payload.retain(|(old, _)| *old != name);
        self.payload.push((name, value));
    }

    /// Logs a snapshot of everything so far: it, its index, its compressed state.
    pub fn snapshot(&self, log: &mut Log, sequence: u64) -> (Snapshot, u64, String) {
        let fold_size = log.size();
        let slots = Slots::fold(&log.entries, &LIST, SLOTS, fold_size);
        let digest = slots.digest(&LIST);
        let (issued, not_after) = self.snapshot_times;
        let index = log.push(entry::snapshot(&LIST, sequence, &digest, fold_size, self.snapshot_times));
        let snapshot = Snapshot {
            uri: list_uri(),
            list: LIST,
            issuer: self.list_issuer.clone(),
            length: SLOTS,
            sequence,
            digest,
            fold_size,
            issued,
            not_after,
        };
        (snapshot, index, slots.state())
    }

    fn root(&self) -> Root {
        let [issuer, second] = &self.issuers;
        let (state, cuts) = self.key_state.clone();
        let own = KeyItem { jwk: self.key.jwk(), state, cuts };
        let other = KeyItem { jwk: other_key().jwk(), state: "active", cuts: Vec::new() };
        let neighbour = KeyItem { jwk: IssuerKey::p256(13).jwk(), state: "active", cuts: Vec::new() };
        let witnesses = self.witnesses.iter().zip(1..);
        let witnesses: String =
            witnesses.map(|((key, _), n)| format!("witness w{n} {}\n", key.vkey())).collect();
        let policy = format!("log {}\n{witnesses}{}", log_key().vkey(), self.quorum);
        Root {
            sequence: self.root_number.0,
            epoch: self.root_number.1,
            issued: self.root_times.0,
            not_after: self.root_times.1,
            root_keys: self.root_keys.0.iter().map(NoteKey::vkey).collect(),
            threshold: self.root_keys.1,
            feed_keys: vec![feed_key().vkey()],
            policy: self.policy.clone().unwrap_or(policy),
            issuers: vec![
                IssuerItem { id: issuer.clone(), keys: vec![own, other] },
                IssuerItem { id: second.clone(), keys: vec![neighbour] },
            ],
            status_max_age: 7 * DAY,
            rules: self.rules.clone(),
        }
    }

    fn feed(&self, checkpoint: String, snapshots: Vec<String>) -> Feed {
        let ((sequence, epoch), (issued, not_after)) = (self.feed_number, self.feed_times);
        let root = self.feed_root.unwrap_or(self.root_number.0);
        Feed { sequence, epoch, root, issued, not_after, checkpoint, snapshots, landmarks: Vec::new() }
    }
}

/// A bundle entry of a document.
#[must_use]
pub fn bundle(document: u8, sequence: u64, text: &str, activation: u64) -> Vec<u8> {
    entry::bundle(document, sequence, &document_digest(document, text), activation)
}

/// A text signed by keys.
#[must_use]
pub fn signed(text: &str, keys: &[NoteKey]) -> String {
    note(text, &keys.iter().map(|key| key.line(text)).collect::<Vec<_>>())
}

/// The log's key.
#[must_use]
pub fn log_key() -> NoteKey {
    NoteKey::new(ORIGIN, ED25519, 7)
}

/// A witness.
#[must_use]
pub fn witness(number: u8) -> NoteKey {
    NoteKey::new(&format!("witness{number}.example"), COSIGNATURE, 20 + number)
}

/// A root key.
#[must_use]
pub fn root_key(number: u8) -> NoteKey {
    NoteKey::new(&format!("authority.example/root{number}"), ED25519, 40 + number)
}

/// The feed's key.
#[must_use]
pub fn feed_key() -> NoteKey {
    NoteKey::new("authority.example/feed", ED25519, 50)
}

/// The issuer's second key.
#[must_use]
pub fn other_key() -> IssuerKey {
    IssuerKey::ed25519(12)
}

/// Base URI of the list.
#[must_use]
pub fn list_uri() -> String {
    format!("{ISSUER}/status/{}", hex(&LIST))
}

/// The members of a sound payload.
#[must_use]
pub fn payload() -> Vec<(&'static str, String)> {
    let dose = object(&[("number", "1".into()), ("date", string("2025-12-20")), ("vaccine", string("207"))]);
    let subject = object(&[
        ("familyName", string("\u{d64d}")),
        ("givenName", string("\u{ae38}\u{b3d9}")),
        ("birthDate", string("1990-03-01")),
        ("doses", array(&[dose])),
    ]);
    vec![
        ("@context", array(&[string("https://www.w3.org/ns/credentials/v2")])),
        ("id", string("urn:uuid:5a2c3bd4-0e1f-4a6b-8c7d-9e0f1a2b3c4d")),
        ("type", array(&[string("VerifiableCredential"), string("VaccinationCredential")])),
        ("issuer", string(ISSUER)),
        ("iss", string(ISSUER)),
        ("validFrom", string("2026-01-01T00:00:00Z")),
        ("validUntil", string("2028-01-01T00:00:00Z")),
        ("credentialSubject", subject),
        ("credentialStatus", status_entries(&list_uri(), &SLOT.to_string())),
    ]
}
