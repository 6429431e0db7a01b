//! Damage: one flipped bit in any kind of stored file is found before the next signature, or by a check of the files, or
//! changes nothing; files from a backup and a clock that goes back are refused; and a cache that keeps every tile for
//! ever is never contradicted.
//!
//! Mostly in this process, over the files that the real binary has made.

#[expect(dead_code, reason = "the kill loop uses the rest")]
mod cache;
mod inside;
mod kept;
#[expect(dead_code, reason = "the crash tests use the rest")]
#[path = "outside.rs"]
mod outside;
mod restored;
mod stored;
mod witnessed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use outside::acknowledged::Acknowledged;
use outside::batch::{self, Answered};
use outside::inspection::Inspection;
use outside::issuance::Handed;
use outside::load;
use outside::writer::{Folder, Launch, LogKey, Service};
use sillok_client::{Level, Source};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_registry::{Outcome, Registry};
use stored::{Flip, Kind};

/// The binary under test.
fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_sillok").into()
}

/// A folder with files of every kind, a part of them committed and not public, and what is in it.
struct World {
    folder: Folder,
    key: LogKey,
    /// What the log holds once it has recovered.
    entries: Vec<Vec<u8>>,
    acknowledged: Acknowledged,
    handed: Handed,
    public_size: u64,
}

/// Where one flipped bit was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// It is not opened, or stops before it signs.
    BeforeSigning,
    /// By a check of the files or an audit, which names the file; what was signed meanwhile is right.
    ByCheck,
    /// Nowhere: all that was promised is held, and the check of the files is content.
    Nowhere,
}

impl World {
    fn make() -> Self {
        let folder = Folder::init();
        let (mut acknowledged, mut handed) = (Acknowledged::default(), Handed::default());
        let small =
            |service, interval| Launch { segment_bytes: SEGMENT_BYTES, ..Launch::new(service, interval) };
        let writer = folder.try_start(&small(Service::Serve, 1)).expect("a new folder starts");
        load::begin_at(&folder, &writer, &mut acknowledged);
        let mut submit = |writer: &_, from, count, level| {
            let entries = batch::issues(from, count);
            let answered = batch::submit(&folder, writer, &entries, level, None, &mut acknowledged);
            assert_eq!(answered, Answered::Logged);
        };
        submit(&writer, 0, 300, Level::Published);
        submit(&writer, 300, 3, Level::Published);
        for person in ["Hong", "Kim", "Lee"] {
            let answered = handed.ask(writer.url(), person, &folder, &mut acknowledged);
            assert_eq!(answered, Answered::Logged);
        }
        drop(writer);
        let writer = folder.try_start(&small(Service::Registry, 60_000)).expect("it starts again");
        let mut submit = |from, count, level| {
            let entries = batch::issues(from, count);
            let answered = batch::submit(&folder, &writer, &entries, level, None, &mut acknowledged);
            assert_eq!(answered, Answered::Logged);
        };
        // The first publication waits for nothing, the next one for more.
        submit(303, 2, Level::Published);
        submit(305, 2, Level::Committed);
        submit(307, 2, Level::Committed);
        drop(writer);
        let key = folder.unseal_log_key();
        let public_size = published(&folder).size.0;
        let recovered = folder.copy();
        inside::open(&recovered, &key).expect("it recovers").stop().expect("it stops");
        let found = Inspection::of(&recovered, recovered.path());
        found.holds(&acknowledged);
        let entries = found.entries().to_vec();
        assert_eq!(entries.len() as u64, public_size + 4, "nothing is left to recover");
        Self { folder, key, entries, acknowledged, handed, public_size }
    }

    /// One flipped bit in a file of the log.
    fn flip_in_log(&self, relative: &Path, random: &mut fastrand::Rng) -> (Found, Flip) {
        let folder = self.folder.copy_log();
        let path = within(&folder, relative);
        let flip = stored::flip(&path, random);
        let damaged = std::fs::read(&path).expect("the damaged file");
        let opened =
            inside::open(&folder, &self.key).and_then(|registry| self.go_on(&folder, registry, random));
        let name = relative.to_str().expect("a plain name");
        if opened.as_ref().is_err_and(|reason| reason.contains(name)) {
            return (Found::BeforeSigning, flip);
        }
        let checked = self.folder.copy_log();
        std::fs::write(within(&checked, relative), damaged).expect("the same damage");
        let (code, told) = checked.told(&["fsck", "--data", checked.path()]);
        match (opened, code) {
            (Ok(()), Some(0)) => return (Found::Nowhere, flip),
            (Ok(()) | Err(_), Some(1)) => {}
            (opened, _other) => panic!("{}: {opened:?}, and fsck says {told}", flip.told),
        }
        assert!(told.contains(name), "{}: fsck does not name the file: {told}", flip.told);
        (Found::ByCheck, flip)
    }

    /// One flipped bit in a file that the issuer needs.
    fn flip_in_issuer(&self, relative: &Path, random: &mut fastrand::Rng) -> (Found, Flip) {
        let folder = self.folder.copy();
        let flip = stored::flip(&within(&folder, relative), random);
        let launch = Launch { segment_bytes: SEGMENT_BYTES, ..Launch::new(Service::Serve, 1) };
        let writer = match folder.try_start(&launch) {
            Ok(writer) => writer,
            Err(ended) => {
                assert!(!ended.complaints.contains("panicked"), "{}: {}", flip.told, ended.complaints);
                let file = relative.file_stem().and_then(|name| name.to_str()).expect("a plain name");
                // A key at the end that does not open could be one that a crash has torn: the journal, which needs it, says
                // that it is missing.
                let told =
                    ended.complaints.contains(file) || ended.complaints.contains("subject's key is missing");
                assert!(told, "{}: it is not named: {}", flip.told, ended.complaints);
                return (Found::BeforeSigning, flip);
            }
        };
        let found = Inspection::of(&folder, writer.url());
        found.holds(&self.acknowledged);
        self.handed.clone().hold_answers(writer.url());
        drop(writer);
        // Keys of clients: this process signs nothing with them, and whoever does opens them first.
        if relative.starts_with("keys") {
            let name = relative.file_stem().and_then(|name| name.to_str()).expect("a plain name");
            // Key material has no public half: a check value, and then words for people.
            let remark = relative == Path::new("keys/subjects.pub") && flip.at >= CHECK_VALUE_BYTES;
            assert!(remark || folder.refuses_client_key(name), "{}: nobody notices", flip.told);
            return (Found::BeforeSigning, flip);
        }
        let (code, told) = folder.told(&["audit", folder.path(), "--vkey", &folder.log_key().to_string()]);
        let name = relative.to_str().and_then(|name| name.strip_prefix("public/")).unwrap_or("?");
        match code {
            Some(0) => (Found::Nowhere, flip),
            _other if told.contains(name) => (Found::ByCheck, flip),
            _other => panic!("{}: the audit does not name the file: {told}", flip.told),
        }
    }

    /// Asks again for what is in the log, and for something new; whatever is signed then is signed over the entries that
    /// were acknowledged, in their order.
    fn go_on(&self, folder: &Folder, registry: Registry, random: &mut fastrand::Rng) -> Result<(), String> {
        let new = batch::issues(5_000, 1);
        // Of every file of the log, and of its segments.
        let mut again = batch::issues(0, ISSUES);
        random.shuffle(&mut again[..300]);
        again.drain(AGAIN..300);
        for (entries, fresh) in [(&again, false), (&new, true)] {
            let answer = inside::submit(&registry, entries)?;
            for (entry, outcome) in entries.iter().zip(answer.results) {
                let Outcome::Logged(logged) = outcome else { panic!("an entry is refused: {outcome:?}") };
                let place = self.acknowledged.place_of(entry);
                assert_eq!(logged.duplicate, !fresh, "a known entry is taken for a new one");
                assert!(fresh || place == Some(logged.index), "a known entry got a second place");
            }
        }
        registry.stop().map_err(|error| error.to_string())?;
        let mut frontier = Frontier::new();
        for entry in self.entries.iter().chain(&new) {
            frontier.push(leaf_hash(entry)).expect("a small log");
        }
        let signed = published(folder);
        assert_eq!((signed.size, signed.root), (frontier.size(), frontier.root()), "a wrong root was signed");
        Ok(())
    }
}

/// The public checkpoint of a folder, opened.
fn published(folder: &Folder) -> Checkpoint {
    let note = Source::open(folder.path()).and_then(|source| source.checkpoint());
    let note = note.unwrap_or_else(|error| panic!("{error}"));
    Checkpoint::open(&note, folder.log_key()).unwrap_or_else(|error| panic!("{error}"))
}

/// A file of another copy.
fn within(folder: &Folder, relative: &Path) -> PathBuf {
    if relative == Path::new(HEAD) { folder.head() } else { Path::new(folder.path()).join(relative) }
}

#[test]
fn one_flipped_bit_in_a_file_of_the_log_is_found_or_changes_nothing() {
    let mut random = fastrand::Rng::with_seed(seed());
    let world = World::make();
    let mut counts = Counts::new();
    for (kind, paths) in stored::files(&world.folder, world.public_size) {
        let Some((_kind, flips, unnoticed)) = OF_LOG.iter().find(|(known, ..)| *known == kind) else {
            continue;
        };
        for _flip in 0..*flips {
            let path = random.choice(&paths).expect("a kind has a file");
            let relative = path.strip_prefix(world.folder.path()).unwrap_or_else(|_outside| Path::new(HEAD));
            let (found, flip) = world.flip_in_log(relative, &mut random);
            note(&mut counts, kind, found, &flip, *unnoticed);
        }
    }
    println!("{counts:#?}");
}

#[test]
fn one_flipped_bit_in_a_file_of_the_issuer_is_found_or_changes_nothing() {
    let mut random = fastrand::Rng::with_seed(seed());
    let world = World::make();
    let mut counts = Counts::new();
    for (kind, paths) in stored::files(&world.folder, world.public_size) {
        let Some((_kind, flips, unnoticed)) = OF_ISSUER.iter().find(|(known, ..)| *known == kind) else {
            continue;
        };
        for _flip in 0..*flips {
            let path = random.choice(&paths).expect("a kind has a file");
            let relative = path.strip_prefix(world.folder.path()).expect("in the folder");
            let (found, flip) = world.flip_in_issuer(relative, &mut random);
            note(&mut counts, kind, found, &flip, *unnoticed);
        }
    }
    println!("{counts:#?}");
}

type Counts = BTreeMap<(Kind, Found), u32>;

/// Counts a flip, which may have gone unnoticed only where that is harmless.
fn note(counts: &mut Counts, kind: Kind, found: Found, flip: &Flip, unnoticed: Unnoticed) {
    let allowed = match unnoticed {
        Unnoticed::Anywhere => true,
        Unnoticed::Never => false,
        Unnoticed::UnusedBytes => flip.was_zero,
    };
    assert!(allowed || found != Found::Nowhere, "{kind:?}: nobody notices {}", flip.told);
    *counts.entry((kind, found)).or_default() += 1;
}

fn seed() -> u64 {
    let seed = match std::env::var("SILLOK_CRASH_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("SILLOK_CRASH_SEED is {text:?}: {error}")),
        Err(_unset) => DEFAULT_SEED,
    };
    println!("seed {seed} (SILLOK_CRASH_SEED sets another)");
    seed
}

/// The head is beside the folder.
const HEAD: &str = ".head";

/// Where a flipped bit may change nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unnoticed {
    /// The file is derived: it is checked against the log when it is used, or made anew at the start.
    Anywhere,
    Never,
    /// In what is filled ahead with zeros, and written over before it is read.
    UnusedBytes,
}

/// How many bits are flipped in files of each kind that the log alone has.
const OF_LOG: [(Kind, u32, Unnoticed); 10] = [
    (Kind::Bundle, 6, Unnoticed::Never),
    (Kind::BundlePartial, 6, Unnoticed::Never),
    (Kind::BundleSuperseded, 6, Unnoticed::Never),
    (Kind::Checkpoint, 6, Unnoticed::Never),
    (Kind::HashTile, 6, Unnoticed::Never),
    (Kind::HashTilePartial, 6, Unnoticed::Never),
    (Kind::HashTileSuperseded, 6, Unnoticed::Never),
    (Kind::Head, 8, Unnoticed::UnusedBytes),
    (Kind::Index, 12, Unnoticed::Anywhere),
    (Kind::Segment, 8, Unnoticed::UnusedBytes),
];

/// The same for files that the issuer has, or both: each costs a start of the real binary.
const OF_ISSUER: [(Kind, u32, Unnoticed); 10] = [
    (Kind::Journal, 3, Unnoticed::UnusedBytes),
    (Kind::KeyPublic, 2, Unnoticed::Never),
    (Kind::KeySealed, 2, Unnoticed::Never),
    (Kind::Lists, 2, Unnoticed::Never),
    (Kind::Passphrase, 1, Unnoticed::Never),
    (Kind::State, 3, Unnoticed::Never),
    (Kind::StatusRendering, 2, Unnoticed::Anywhere),
    (Kind::StatusSnapshot, 2, Unnoticed::Anywhere),
    (Kind::Subjects, 3, Unnoticed::UnusedBytes),
    (Kind::TrustBundle, 2, Unnoticed::Anywhere),
];

/// The check value before the words in the public text of key material: a digest in hexadecimal digits.
const CHECK_VALUE_BYTES: usize = 64;

/// The smallest.
const SEGMENT_BYTES: u32 = 4_096;

/// Issue entries that the world has submitted: 300 in full and partial tiles, then nine more.
const ISSUES: u32 = 309;

/// How many of the 300 are submitted again after each flip.
const AGAIN: usize = 40;

/// Any number.
const DEFAULT_SEED: u64 = 0x5111_0c20_2112_1300;
