//! The recordings: a raw log, a log with rules, and an issuer with its log, each killed and started again; and a register
//! alone, with small segments and with erasures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use sillok_issuer::subjects::Master;
use sillok_log::audit::LogKind;
use sillok_log::entry::{
    Entry, Issue, Key, KeyEvent, List, ListId, Status, StatusValue, Thumbprint, issuer_hash,
};
use sillok_log::note::SignerKey;
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::sealed::{self, KeyKind, Passphrase};

use super::client::{Client, TOKEN};
use super::disk::Record;
use super::promise::{Promise, promises};
use super::record::{Program, Recorder};

/// What was recorded, and who was told what.
pub(super) struct Recording {
    pub(super) name: &'static str,
    pub(super) record: Record,
    /// By the moment from which somebody relies on it.
    pub(super) promises: Vec<(usize, Promise)>,
    pub(super) log: Option<Log>,
    /// What the register's content is sealed under, if there is one.
    pub(super) master: Option<[u8; 32]>,
    pub(super) essentials: Essentials,
}

/// Files without which nothing can be opened: settings, passphrase and keys.
#[derive(Default)]
pub(super) struct Essentials {
    /// Once the log exists.
    begun: BTreeMap<PathBuf, Vec<u8>>,
    /// Once a credential is in somebody's hand.
    issued: BTreeMap<PathBuf, Vec<u8>>,
}

impl Essentials {
    /// Whether those that must be there are, as they were.
    pub(super) fn hold(&self, root: &Path, begun: bool, issued: bool) -> Result<()> {
        let first = self.begun.iter().filter(|_file| begun);
        for (path, bytes) in first.chain(self.issued.iter().filter(|_file| issued)) {
            let path = root.join(path);
            let found = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            ensure!(found == *bytes, "{} is another", path.display());
        }
        Ok(())
    }
}

fn essentials(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files: Vec<PathBuf> = ["data/sillok.toml", "data/passphrase"].map(PathBuf::from).into();
    for entry in std::fs::read_dir(root.join("data/keys"))? {
        files.push(Path::new("data/keys").join(entry?.file_name()));
    }
    files.into_iter().map(|file| Ok((file.clone(), std::fs::read(root.join(&file))?))).collect()
}

/// Who signs the log and who may submit to it.
pub(super) struct Log {
    pub(super) kind: LogKind,
    pub(super) origin: String,
    key: sealed::SecretKey,
}

impl Log {
    pub(super) fn signer(&self) -> Result<SignerKey> {
        Ok(self.key.signer(&self.origin)?)
    }
}

impl Recording {
    pub(super) fn master(&self) -> Option<Master> {
        self.master.as_ref().map(Master::new)
    }
}

/// The programs that are recorded.
pub(super) struct Programs<'a> {
    pub(super) strace: &'a Path,
    pub(super) sillok: &'a Path,
    /// This one.
    pub(super) own: &'a Path,
}

/// A recording is tried again when a process was killed within a call whose effect nobody knows.
pub(super) fn make_all(programs: &Programs<'_>, scratch: &Path) -> Result<Vec<Recording>> {
    let recipes: [(&'static str, Recipe); 4] =
        [("raw log", raw_log), ("log", log), ("issuer", issuer), ("register", register)];
    let mut recordings = Vec::new();
    for (name, recipe) in recipes {
        let mut attempt = 1;
        let recording = loop {
            let folder = scratch.join(format!("{}-{attempt}", name.replace(' ', "-")));
            std::fs::create_dir_all(&folder)?;
            match recipe(programs, &folder).with_context(|| format!("record the {name}")) {
                Ok(recording) => break recording,
                Err(error) if attempt < ATTEMPTS => println!("power: once more: {error:#}"),
                Err(error) => return Err(error),
            }
            attempt += 1;
        };
        recordings.push(Recording { name, ..recording });
    }
    Ok(recordings)
}

type Recipe = fn(&Programs<'_>, &Path) -> Result<Recording>;

fn raw_log(programs: &Programs<'_>, folder: &Path) -> Result<Recording> {
    let mut recorder = Recorder::new(programs.strace, folder)?;
    let (data, begun) = init(&mut recorder, programs, &["--raw", "--origin", "power.example/raw"])?;
    let client = Client::new();
    let mut next = 0;
    // Up to two before a full tile, over it, and on.
    for (interval, together, alone) in [("1", 253, 3), ("300", 0, 4), ("1", 20, 6)] {
        let arguments =
            ["registry", "--data", &data, "--listen", "127.0.0.1:0", "--add-listen", "127.0.0.1:0"];
        let program = recorder.start(programs.sillok, &arguments, &settings(interval))?;
        let addresses = program.addresses()?;
        let [url, add] = addresses.as_slice() else { anyhow::bail!("not two addresses: {addresses:?}") };
        client.ready(url)?;
        let entries: Vec<Vec<u8>> = (next..next + together + alone).map(raw_entry).collect();
        let (crowd, rest) = entries.split_at(together);
        at_once(crowd, |entry| client.add(add, entry))?;
        for entry in rest {
            client.add(add, entry)?;
            client.checkpoint(url)?;
        }
        next += together + alone;
        recorder.kill(program)?;
    }
    finish(recorder, &client, Some((&data, begun)))
}

fn log(programs: &Programs<'_>, folder: &Path) -> Result<Recording> {
    let mut recorder = Recorder::new(programs.strace, folder)?;
    let (data, begun) =
        init(&mut recorder, programs, &["--origin", "power.example/log", "--public-url", ISSUER])?;
    let client = Client::new();
    let secret = |name: &str| -> Result<SignerKey> {
        let keys = Path::new(&data).join("keys");
        let passphrase = Passphrase::load(&Path::new(&data).join("passphrase"))?;
        let role = if name == "submitter" { "issuer" } else { name };
        let secret = sealed::open(&keys, name, KeyKind::Ed25519, &passphrase)?;
        Ok(secret.signer(&format!("power.example/log/{role}"))?)
    };
    let (administrator, submitter) = (secret("administrator")?, secret("submitter")?);
    let origin = "power.example/log";
    let mut number = 0;
    let mut entries = |kinds: &[u8]| -> Vec<Vec<u8>> {
        kinds
            .iter()
            .map(|kind| {
                number += 1;
                if *kind == STATUS { status(number) } else { issue(number) }
            })
            .collect()
    };
    for (session, interval) in ["1", "300", "20"].into_iter().enumerate() {
        let arguments = ["registry", "--data", &data, "--listen", "127.0.0.1:0"];
        let program = recorder.start(programs.sillok, &arguments, &settings(interval))?;
        let url = program.addresses()?.swap_remove(0);
        client.ready(&url)?;
        if session == 0 {
            client.entries(&url, (origin, &administrator), &[key()?], "published")?;
            client.entries(&url, (origin, &submitter), &[list()?], "committed")?;
            client.entries(&url, (origin, &submitter), &entries(&[ISSUE; 251]), "committed")?;
        }
        let small: [&[u8]; 6] = [
            &[ISSUE],
            &[ISSUE, STATUS],
            &[STATUS],
            &[ISSUE, ISSUE, STATUS],
            &[ISSUE],
            &[ISSUE, ISSUE, ISSUE, STATUS],
        ];
        for (position, kinds) in small.into_iter().enumerate() {
            let level = if position % 3 == 1 && interval == "1" { "published" } else { "committed" };
            let batch = entries(kinds);
            client.entries(&url, (origin, &submitter), &batch, level)?;
            // A retry finds it.
            client.entries(&url, (origin, &submitter), &batch, "committed")?;
            client.checkpoint(&url)?;
        }
        let crowd: Vec<Vec<u8>> = (0..12).flat_map(|_one| entries(&[ISSUE])).collect();
        at_once(&crowd, |entry| {
            client.entries(&url, (origin, &submitter), std::slice::from_ref(entry), "committed")
        })?;
        recorder.kill(program)?;
    }
    finish(recorder, &client, Some((&data, begun)))
}

fn issuer(programs: &Programs<'_>, folder: &Path) -> Result<Recording> {
    let mut recorder = Recorder::new(programs.strace, folder)?;
    let (data, begun) =
        init(&mut recorder, programs, &["--origin", "power.example/issuer", "--public-url", ISSUER])?;
    let client = Client::new();
    let names = |from: usize, count: usize| -> Vec<String> {
        (from..from + count).map(|number| format!("person {number}")).collect()
    };
    let mut next = 0;
    for (interval, batches, crowd) in [("1", [120, 100], 27), ("300", [2, 1], 18), ("20", [5, 3], 9)] {
        let arguments = ["serve", "--data", &data, "--listen", "127.0.0.1:0"];
        let program = recorder.start(programs.sillok, &arguments, &settings(interval))?;
        let url = program.addresses()?.swap_remove(0);
        client.ready(&url)?;
        for count in batches {
            client.issue_batch(&url, &names(next, count))?;
            next += count;
        }
        at_once(&names(next, crowd), |name| client.issue(&url, name).map(drop))?;
        next += crowd;
        let (first, second) = (format!("person {next}"), format!("person {}", next + 1));
        next += 2;
        for (name, purpose) in [(first, "suspension"), (second, "revocation")] {
            let issued = client.issue(&url, &name)?;
            let issued = issued["verifiableCredential"]["id"].as_str().context("a credential")?;
            let change = json!({
                "credentialId": super::promise::id(issued)?,
                "credentialStatus": { "type": "BitstringStatusListEntry", "statusPurpose": purpose },
                "status": true,
            });
            client.order(&format!("{url}/credentials/status"), &change)?;
            // A retry gets the same bytes.
            client.issue(&url, &name)?;
            client.checkpoint(&url)?;
        }
        client.order(&format!("{url}/admin/publish"), &json!({}))?;
        client.issue_batch(&url, &names(next, 1))?;
        next += 1;
        recorder.kill(program)?;
    }
    finish(recorder, &client, Some((&data, begun)))
}

fn register(programs: &Programs<'_>, folder: &Path) -> Result<Recording> {
    let mut recorder = Recorder::new(programs.strace, folder)?;
    let register = recorder.root.join("register").display().to_string();
    for session in ["0", "1", "2"] {
        let arguments = ["power", super::register::WRITE, &register, session];
        let program = recorder.start(programs.own, &arguments, &[])?;
        ensure!(program.line.starts_with(super::register::OPENED), "the register says {:?}", program.line);
        recorder.finish(program)?;
    }
    finish(recorder, &Client::new(), None)
}

fn settings(publish_interval: &str) -> [(&'static str, &str); 6] {
    [
        ("SILLOK_PUBLISH_INTERVAL_MILLISECONDS", publish_interval),
        ("SILLOK_SEGMENT_BYTES", SEGMENT_BYTES),
        ("SILLOK_DEMO_TOKEN", TOKEN),
        ("SILLOK_LIST_SLOTS", "131072"),
        ("SILLOK_STATUS_INTERVAL_SECONDS", "0"),
        ("SILLOK_LOG_LEVEL", "warn"),
    ]
}

/// Makes the data folder: its path, and what has to be in it from then on.
fn init(
    recorder: &mut Recorder,
    programs: &Programs<'_>,
    more: &[&str],
) -> Result<(String, BTreeMap<PathBuf, Vec<u8>>)> {
    let data = recorder.root.join("data").display().to_string();
    let arguments = [&["init", "--data", &data], more].concat();
    let program: Program = recorder.start(programs.sillok, &arguments, &[])?;
    recorder.finish(program)?;
    Ok((data, essentials(&recorder.root)?))
}

fn finish(
    recorder: Recorder,
    client: &Client,
    begun: Option<(&str, BTreeMap<PathBuf, Vec<u8>>)>,
) -> Result<Recording> {
    let (mut log, mut master, mut kept) = (None, None, Essentials::default());
    if let Some((data, begun)) = begun {
        let data = Path::new(data);
        kept = Essentials { begun, issued: essentials(&recorder.root)? };
        let (keys, passphrase) = (data.join("keys"), Passphrase::load(&data.join("passphrase"))?);
        let key = sealed::open(&keys, "log", KeyKind::Ed25519, &passphrase)?;
        let public = sillok_log::note::VerifierKey::parse(&sealed::public_text(&keys, "log")?)?;
        let origin = public.name().to_owned();
        log = Some(Log { kind: LogKind::of_origin(&origin), origin, key });
        if sealed::exists(&keys, "subjects")? {
            master = Some(*sealed::open(&keys, "subjects", KeyKind::Raw32, &passphrase)?.danger_bytes());
        }
    } else {
        master = Some(super::register::MASTER);
    }
    let (record, said) = recorder.end()?;
    let promises = promises(&said, client.told())?;
    Ok(Recording { name: "", record, promises, log, master, essentials: kept })
}

/// Some threads ask for everything, so that batches come together.
fn at_once<T: Sync>(items: &[T], ask: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|first| {
                let ask = &ask;
                scope.spawn(move || items.iter().skip(first).step_by(CLIENTS).try_for_each(ask))
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_panic| anyhow::bail!("a client panicked")))
    })
}

/// Of different lengths, some longer than a sector.
pub(super) fn raw_entry(number: usize) -> Vec<u8> {
    format!("entry {number} ").into_bytes().repeat(1 + number * 7 % 60)
}

pub(super) fn issue(number: usize) -> Vec<u8> {
    let commitment = sillok_log::merkle::leaf_hash(&number.to_be_bytes());
    let issue = Issue { commitment, issuer_key: ISSUER_KEY, provenance: Hash([3; 32]), time: HOUR };
    Entry::Issue(issue).encode()
}

fn status(number: usize) -> Vec<u8> {
    let status =
        Status { list: LIST, index: number as u32, value: StatusValue::Suspended, change: 0, time: HOUR };
    Entry::Status(status).encode()
}

fn key() -> Result<Vec<u8>> {
    let (issuer, event) = (issuer_hash(ISSUER)?, KeyEvent::Added);
    Ok(Entry::Key(Key { issuer, key: ISSUER_KEY, event, time: HOUR, cuts: Vec::new() }).encode())
}

fn list() -> Result<Vec<u8>> {
    Ok(Entry::List(List { list: LIST, issuer: issuer_hash(ISSUER)?, size: 131_072 }).encode())
}

/// The issuer whose entries are logged.
pub(super) const ISSUER: &str = "https://issuer.example";

const ISSUER_KEY: Thumbprint = Thumbprint([7; 32]);
const LIST: ListId = ListId([9; 16]);
const HOUR: UnixSeconds = UnixSeconds(1_800_000_000);

const ISSUE: u8 = 1;
const STATUS: u8 = 2;

/// Small, so that segments fill up and are retired all the time.
const SEGMENT_BYTES: &str = "8192";

/// Clients that ask at the same time.
const CLIENTS: usize = 3;

/// Recordings of one kind before it is given up.
const ATTEMPTS: usize = 5;
