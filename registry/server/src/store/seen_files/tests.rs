//! Against a model: random batches, merges, stops, kills and losses of memory; and every kind of damage.

use std::collections::HashMap;

use proptest::prelude::*;
use sillok_log::Hash;

use super::run::RunWriter;
use super::*;

const SIZES: Sizes = Sizes { flush_keys: 200, filter_bytes: 4_096 };

fn open(folder: &Path) -> FileSeen {
    FileSeen::open_sized(folder, SIZES).unwrap()
}

/// Waits until no runs are due to be merged.
fn settle(seen: &FileSeen) {
    while seen.merging.lock().unwrap().is_some() {
        let thread = seen.merging.lock().unwrap().take().unwrap();
        ended(thread).unwrap();
        seen.keep_merging().unwrap();
    }
    assert!(merge::due(&seen.files.read().runs, SIZES.flush_keys).is_none());
}

fn key(n: u64) -> SeenKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    if n.is_multiple_of(3) { SeenKey::Leaf(Hash(bytes)) } else { SeenKey::Commitment(bytes) }
}

/// Leaves from `start` on, of which each fiftieth is a control; the first has the key of an earlier one again.
fn batch(start: u64, leaves: u64) -> SeenBatch {
    let mut keys: Vec<_> = (start..start + leaves).map(|n| (key(n), LeafIndex(n))).collect();
    if let Some((first, _place)) = keys.first_mut() {
        *first = key(start / 2);
    }
    let controls = (start..start + leaves).filter(|n| n.is_multiple_of(50));
    let controls = controls.map(|n| (LeafIndex(n), vec![n as u8; 1 + n as usize % 300])).collect();
    SeenBatch { watermark: TreeSize(start + leaves), keys, controls }
}

/// What should be in the index.
#[derive(Clone, Default)]
struct Model {
    keys: HashMap<SeenKey, LeafIndex>,
    controls: Vec<Control>,
}

impl Model {
    fn of(batches: &[SeenBatch]) -> Self {
        let mut model = Self::default();
        for batch in batches {
            model.keys.extend(batch.keys.iter().copied());
            model.controls.extend(batch.controls.iter().cloned());
        }
        model
    }

    fn check(&self, seen: &FileSeen, most: u64) {
        for n in 0..most {
            let expected = self.keys.get(&key(n)).copied();
            assert_eq!(seen.find(&key(n)).unwrap(), expected, "key {n}");
            assert!(seen.may_have(&key(n)) || expected.is_none(), "key {n}");
        }
        let mut controls = Vec::new();
        let mut take = |place, entry: &[u8]| {
            controls.push((place, entry.to_vec()));
            true
        };
        seen.visit_controls(&mut take).unwrap();
        assert_eq!(controls, self.controls);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Note(u64),
    Settle,
    /// It is stopped and opened again.
    Stop,
    /// It is opened again from what is in the files at this moment.
    Kill,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_u64..150).prop_map(Step::Note),
        4 => Just(Step::Settle),
        2 => Just(Step::Stop),
        2 => Just(Step::Kill),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_knows_what_a_map_knows_and_after_a_kill_what_was_noted_up_to_some_batch(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut place = folder.path().join("0");
        let mut seen = open(&place);
        let (mut batches, mut size) = (Vec::new(), 0);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Note(leaves) => {
                    let batch = batch(size, leaves);
                    seen.note(&batch).unwrap();
                    size = batch.watermark.0;
                    batches.push(batch);
                }
                Step::Settle => settle(&seen),
                Step::Stop => {
                    drop(seen);
                    prop_assert_eq!(FileSeen::inspect(&place).unwrap(), TreeSize(size));
                    seen = open(&place);
                    prop_assert_eq!(seen.watermark().unwrap(), TreeSize(size));
                }
                Step::Kill => {
                    settle(&seen);
                    place = folder.path().join(format!("{}", number + 1));
                    copy(&seen.files.folder, &place);
                    seen = open(&place);
                    let kept = seen.watermark().unwrap();
                    batches.retain(|batch: &SeenBatch| batch.watermark <= kept);
                    let last = batches.last().map_or(TreeSize(0), |batch| batch.watermark);
                    prop_assert_eq!(kept, last, "it ends where a batch ended");
                    prop_assert!(size - kept.0 < 350, "no more is lost than was in memory");
                    size = kept.0;
                }
                Step::Clear => {
                    seen.clear().unwrap();
                    batches.clear();
                    size = 0;
                }
            }
            prop_assert_eq!(seen.watermark().unwrap(), TreeSize(size));
        }
        Model::of(&batches).check(&seen, size + 100);
        prop_assert!(seen.files.read().runs.len() < 16);
    }
}

/// An index of runs of several classes, stopped; and its files.
fn filled(place: &Path, batches: u64) -> Vec<PathBuf> {
    let seen = open(place);
    for n in 0..batches {
        seen.note(&batch(n * 100, 100)).unwrap();
        settle(&seen);
    }
    drop(seen);
    let files = list(place).unwrap();
    files.into_iter().map(|numbers| run::path(place, numbers)).collect()
}

#[test]
fn whatever_is_damaged_is_forgotten_at_opening_with_all_after_it_and_named_by_an_inspection() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    let files = filled(&sound, 47);
    assert!(files.len() >= 4, "{files:?}");
    let other = folder.path().join("other");
    let aliens = filled(&other, 47);
    let mut number = 0;
    let mut damage = |what: &str, at: usize, work: &dyn Fn(&Path, &Path)| {
        number += 1;
        let place = folder.path().join(number.to_string());
        copy(&sound, &place);
        let name = |path: &Path| place.join(path.file_name().unwrap());
        work(&name(&files[at]), &aliens[at]);
        let what = format!("{what} in run {at} of {}", files.len());
        match FileSeen::inspect(&place) {
            Err(Error::Damaged { path, .. }) => assert!(path.starts_with(&place), "{what}"),
            found => assert!(what.contains("last missing"), "{what}: {found:?}"),
        }
        let kept = if at == 0 { TreeSize(0) } else { header(&files[at - 1]).watermark };
        let seen = open(&place);
        assert_eq!(seen.watermark().unwrap(), kept, "{what}");
        let batches: Vec<_> = (0..kept.0 / 100).map(|n| batch(n * 100, 100)).collect();
        Model::of(&batches).check(&seen, 4_800);
        if what.contains("bit") {
            return;
        }
        // And is learnt again.
        (kept.0 / 100..47).for_each(|n| seen.note(&batch(n * 100, 100)).unwrap());
        drop(seen);
        assert_eq!(FileSeen::inspect(&place).unwrap(), TreeSize(4_700), "{what}");
    };
    for at in [0, 1, files.len() - 1] {
        let pages = fs::metadata(&files[at]).unwrap().len() / 4_096;
        for page in [0, 1, pages / 2, pages - 1] {
            for offset in [0, 60, 4_079, 4_080, 4_095] {
                damage(&format!("bit of byte {offset} of page {page}"), at, &|file, _alien| {
                    flip(file, page * 4_096 + offset);
                });
            }
        }
        damage("half the file", at, &|file, _alien| truncate(file, pages * 2_048));
        damage("last page", at, &|file, _alien| truncate(file, (pages - 1) * 4_096));
        damage("whole content", at, &|file, _alien| truncate(file, 0));
        let what = if at == files.len() - 1 { "last missing" } else { "file missing" };
        damage(what, at, &|file, _alien| fs::remove_file(file).unwrap());
        if at > 0 {
            damage("run of another index", at, &|file, alien| {
                fs::copy(alien, file).unwrap();
            });
        }
    }
}

/// An index was cleared and began anew, and a loss of power undid the removal of one of the files before: its number is the
/// next one and its salt the same, and the leaves between are lacking.
#[test]
fn a_run_that_begins_elsewhere_than_where_those_before_it_end_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let seen = open(&place);
    (0..2).for_each(|n| seen.note(&batch(n * 250, 250)).unwrap());
    let later = run::path(&place, (1, 1));
    let kept = folder.path().join("kept");
    fs::copy(&later, &kept).unwrap();
    assert_eq!(header(&later).begin, TreeSize(250));
    seen.clear().unwrap();
    seen.note(&batch(0, 100)).unwrap();
    drop(seen);
    fs::copy(&kept, &later).unwrap();
    let found = FileSeen::inspect(&place);
    assert!(matches!(&found, Err(Error::Damaged { path, .. }) if *path == later), "{found:?}");
    let seen = open(&place);
    assert_eq!(seen.watermark().unwrap(), TreeSize(100));
    Model::of(&[batch(0, 100)]).check(&seen, 500);
    assert!(!later.exists());
}

fn header(path: &Path) -> Header {
    let numbers = run::parse_name(path.file_name().unwrap().to_str().unwrap()).unwrap();
    Run::open(path.parent().unwrap(), numbers).unwrap().header
}

fn flip(file: &Path, byte: u64) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte as usize] ^= 4;
    fs::write(file, bytes).unwrap();
}

fn truncate(file: &Path, bytes: u64) {
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(bytes).unwrap();
}

#[test]
fn a_page_that_goes_bad_later_is_an_error_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 40);
    let seen = open(folder.path());
    settle(&seen);
    let files = list(folder.path()).unwrap().into_iter().map(|numbers| run::path(folder.path(), numbers));
    files.for_each(|file| {
        let bytes = fs::metadata(&file).unwrap().len();
        (0..bytes / 4_096).for_each(|page| flip(&file, page * 4_096 + 50));
    });
    let noted: Vec<_> = (0..40).map(|n| batch(n * 100, 100)).collect();
    for key in Model::of(&noted).keys.keys() {
        let found = seen.find(key);
        assert!(matches!(found, Err(Error::Damaged { .. })), "{key:?}: {found:?}");
    }
    assert!(matches!(seen.visit_controls(&mut |_place, _entry| true), Err(Error::Damaged { .. })));
}

#[test]
fn a_merge_that_ended_half_way_leaves_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("parts");
    {
        let seen = open(&parts);
        // Of the four runs the last is made at the end, when nobody merges any more.
        (0..8).for_each(|n| seen.note(&batch(n * 100, 100)).unwrap());
    }
    let before = list(&parts).unwrap();
    assert_eq!(before, [(0, 0), (1, 1), (2, 2), (3, 3)]);
    let model = Model::of(&(0..8).map(|n| batch(n * 100, 100)).collect::<Vec<_>>());
    let runs: Vec<_> = before.iter().map(|numbers| Arc::new(Run::open(&parts, *numbers).unwrap())).collect();
    merge::merge(&runs, &parts, &AtomicBool::new(false)).unwrap().unwrap();
    let state = |name: &str, work: &dyn Fn(&Path)| {
        let place = folder.path().join(name);
        copy(&parts, &place);
        work(&place);
        let seen = open(&place);
        assert_eq!(seen.watermark().unwrap(), TreeSize(800), "{name}");
        model.check(&seen, 900);
        drop(seen);
        assert_eq!(FileSeen::inspect(&place).unwrap(), TreeSize(800), "{name}");
        let names = fs::read_dir(&place).unwrap().count();
        assert_eq!(names, list(&place).unwrap().len(), "{name}: nothing else is left");
    };
    let (merged, whole) = (|place: &Path| place.join(MERGED), |place: &Path| run::path(place, (0, 3)));
    state("no name yet", &|_place| {});
    state("half written", &|place| truncate(&merged(place), 5_000));
    state("named", &|place| fs::rename(merged(place), whole(place)).unwrap());
    state("named, and some removed", &|place| {
        fs::rename(merged(place), whole(place)).unwrap();
        (1..3).for_each(|n| fs::remove_file(run::path(place, (n, n))).unwrap());
    });
    state("named, and damaged, while the others are there", &|place| {
        fs::rename(merged(place), whole(place)).unwrap();
        flip(&whole(place), 4_200);
    });
}

/// Whoever stops an index waits for its merge, of which controls may be nearly all.
#[test]
fn a_merge_of_few_keys_and_many_controls_is_given_up_too() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..2 {
        let controls: Vec<_> =
            (n * 100..n * 100 + 100).map(|place| (LeafIndex(place), vec![7; 1_000])).collect();
        let header = Header::new([1; 16], (n, n), (TreeSize(n * 100), TreeSize(n * 100 + 100)));
        merge::flush(header, &[], &controls, folder.path()).unwrap();
        fs::rename(folder.path().join(FLUSHED), run::path(folder.path(), (n, n))).unwrap();
    }
    let runs: Vec<_> = (0..2).map(|n| Arc::new(Run::open(folder.path(), (n, n)).unwrap())).collect();
    let merged = |give_up: bool| merge::merge(&runs, folder.path(), &AtomicBool::new(give_up)).unwrap();
    assert_eq!(merged(true), None);
    assert_eq!(merged(false), Some(()));
}

#[test]
fn what_files_refuse_is_an_error_and_what_was_noted_stays_known() {
    let blocked = |what: &str, work: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("index");
        let seen = open(&place);
        (0..3).for_each(|n| seen.note(&batch(n * 100, 100)).unwrap());
        work(&place);
        let mut noted = 3;
        let error = loop {
            assert!(noted < 100, "{what} is noticed");
            let result = seen.note(&batch(noted * 100, 100));
            noted += 1;
            match result {
                Ok(()) => settle_or_fail(&seen),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Io { .. }), "{what}: {error}");
        let batches: Vec<_> = (0..noted).map(|n| batch(n * 100, 100)).collect();
        Model::of(&batches).check(&seen, noted * 100);
    };
    blocked("a folder that is gone", &|place| fs::remove_dir_all(place).unwrap());
    blocked("a folder in place of what is flushed", &|place| fs::create_dir(place.join(FLUSHED)).unwrap());
    blocked("a folder in place of what is merged", &|place| fs::create_dir(place.join(MERGED)).unwrap());
    blocked("a folder in place of the next run", &|place| {
        fs::create_dir(run::path(place, (1, 1))).unwrap();
    });
    blocked("a folder in place of the merged run", &|place| {
        fs::create_dir(run::path(place, (0, 3))).unwrap();
    });
}

/// Waits for a merge, whose error the next batch hears.
fn settle_or_fail(seen: &FileSeen) {
    while seen.merging.lock().unwrap().as_ref().is_some_and(|thread| !thread.is_finished()) {
        thread::yield_now();
    }
}

#[test]
fn keys_are_found_however_they_are_spread() {
    let folder = tempfile::tempdir().unwrap();
    let spread: [(&str, &dyn Fn(u128) -> u128); 4] = [
        ("evenly", &|n| n * (u128::MAX / 3_000)),
        ("all at one end", &|n| n),
        ("all at the other", &|n| u128::MAX - 3_000 + n),
        ("ever denser", &|n| u128::MAX >> (n / 24)),
    ];
    for (number, (what, place)) in (0..).zip(spread) {
        let mut records: Vec<Record> =
            (0..3_000).map(|n| (Fingerprint(place(n).to_be_bytes()), n as u64)).collect();
        records.sort_unstable();
        records.dedup_by_key(|(key, _place)| *key);
        let path = run::path(folder.path(), (number, number));
        let file = RunWriter::create(&path).unwrap();
        let header = Header::new([1; 16], (number, number), (TreeSize(0), TreeSize(3_000)));
        let mut writer = RunWriter::new(&file, &path, header).unwrap();
        records.iter().for_each(|record| writer.key(record).unwrap());
        writer.finish().unwrap();
        let run = Run::open(folder.path(), (number, number)).unwrap();
        run.check(&mut |_key| {}).unwrap();
        for (key, place) in &records {
            assert_eq!(run.find(key).unwrap(), Some(LeafIndex(*place)), "{what}");
            let above = u128::from_be_bytes(key.0).wrapping_add(1);
            let neighbour = Fingerprint(above.to_be_bytes());
            let expected = records.binary_search_by_key(&neighbour, |(key, _)| *key).ok();
            assert_eq!(run.find(&neighbour).unwrap(), expected.map(|at| LeafIndex(records[at].1)), "{what}");
        }
    }
}
