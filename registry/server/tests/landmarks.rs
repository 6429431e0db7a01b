//! Landmarks of a log in files: allocated from what is public, the same after any crash, and never two for one number.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fs;
use std::path::PathBuf;

use sillok_log::landmark::Landmarks;
use sillok_log::{LeafIndex, TreeSize, UnixSeconds};
use sillok_registry::landmarks::{Error, LandmarkFiles};

const HOUR: u64 = 3_600;

struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("public")).unwrap();
        Self { root }
    }

    fn kept(&self) -> PathBuf {
        self.root.path().join("landmarks")
    }

    fn list(&self) -> PathBuf {
        self.root.path().join("public/landmarks")
    }

    fn try_open(&self, published: u64, hour: u64) -> Result<LandmarkFiles, Error> {
        let public = self.root.path().join("public");
        LandmarkFiles::open(&self.kept(), &public, TreeSize(published), UnixSeconds(hour * HOUR))
    }

    fn open(&self, published: u64, hour: u64) -> LandmarkFiles {
        self.try_open(published, hour).unwrap()
    }

    fn shown(&self) -> Landmarks {
        Landmarks::parse(&fs::read(self.list()).unwrap()).unwrap()
    }

    /// A folder whose log had three landmarks by the hour 13, all shown.
    fn grown() -> Self {
        let folder = Self::new();
        let mut files = folder.open(0, 10);
        for (published, hour) in [(100, 11), (230, 12), (300, 13)] {
            advance(&mut files, published, hour);
        }
        assert_eq!(folder.shown().sizes(), [0, 64, 128, 256].map(TreeSize));
        folder
    }
}

fn advance(files: &mut LandmarkFiles, published: u64, hour: u64) {
    files.advance(TreeSize(published), UnixSeconds(hour * HOUR + 59)).unwrap();
}

#[test]
fn a_new_log_shows_that_it_has_none_and_then_one_an_hour() {
    let folder = Folder::new();
    let mut files = folder.open(0, 10);
    advance(&mut files, 0, 10);
    assert_eq!(fs::read_to_string(folder.list()).unwrap(), "0 0\n0\n");
    advance(&mut files, 100, 10);
    assert_eq!(folder.shown().active(), 0, "the hour has not ended");
    advance(&mut files, 100, 11);
    assert_eq!(folder.shown().newest(), (1, TreeSize(64)));
    advance(&mut files, 900, 11);
    assert_eq!(folder.shown().newest(), (1, TreeSize(64)), "one an hour");
    advance(&mut files, (1 << 20) + 900, 11);
    assert_eq!(folder.shown().newest(), (2, TreeSize(1 << 20)), "but 2^20 entries do not wait");
    assert_eq!(files.landmarks(), &folder.shown());
}

#[test]
fn a_restart_within_the_hour_allocates_nothing_and_remembers_what_is_to_be_covered() {
    let folder = Folder::grown();
    let before = fs::read(folder.kept()).unwrap();
    let mut files = folder.open(310, 13);
    advance(&mut files, 310, 13);
    assert_eq!(fs::read(folder.kept()).unwrap(), before);
    drop(files);
    let mut files = folder.open(330, 14);
    advance(&mut files, 330, 14);
    let newest = folder.shown().newest();
    assert_eq!(newest, (4, TreeSize(320)));
    assert_eq!(folder.shown().covering(LeafIndex(299)), Some(4), "public at 13, covered at 14");
}

#[test]
fn what_was_kept_and_not_shown_is_shown_after_a_crash() {
    let folder = Folder::grown();
    let earlier = fs::read(folder.list()).unwrap();
    advance(&mut folder.open(400, 14), 400, 14);
    let allocated = folder.shown();
    // As if the process had ended between the two.
    fs::write(folder.list(), &earlier).unwrap();
    fs::write(folder.root.path().join("public/.landmarks.new"), b"4 4\n38").unwrap();
    let mut files = folder.open(500, 14);
    advance(&mut files, 500, 14);
    assert_eq!(folder.shown(), allocated);
    // Or before either: half a file beside the old one is nothing.
    fs::write(folder.root.path().join(".landmarks.new"), b"sillok-land").unwrap();
    drop(files);
    assert_eq!(folder.open(500, 14).landmarks(), &allocated);
    // Or before the list was ever shown.
    fs::remove_file(folder.list()).unwrap();
    advance(&mut folder.open(500, 14), 500, 14);
    assert_eq!(folder.shown(), allocated);
}

#[test]
fn what_is_lost_of_one_file_is_taken_from_the_other() {
    let folder = Folder::grown();
    let (earlier, shown) = (fs::read(folder.kept()).unwrap(), folder.shown());
    fs::remove_file(folder.kept()).unwrap();
    let mut files = folder.open(310, 13);
    assert_eq!(files.landmarks(), &shown);
    advance(&mut files, 310, 13);
    assert!(folder.kept().exists(), "kept at once");
    advance(&mut files, 400, 14);
    drop(files);
    // A restored backup.
    let shown = folder.shown();
    fs::write(folder.kept(), earlier).unwrap();
    let mut files = folder.open(400, 15);
    assert_eq!(files.landmarks(), &shown);
    advance(&mut files, 400, 15);
    assert!(fs::read_to_string(folder.kept()).unwrap().ends_with(&shown.encode()), "kept at once");
    advance(&mut files, 600, 16);
    assert!(shown.agrees_with(&folder.shown()));
}

#[test]
fn a_contradiction_is_refused_and_nothing_is_written() {
    let folder = Folder::grown();
    let state = fs::read_to_string(folder.kept()).unwrap();
    for changed in
        [state.replace("\n128\n", "\n129\n"), state.replace("3 3\n256\n128\n64\n", "2 2\n192\n64\n")]
    {
        fs::write(folder.kept(), &changed).unwrap();
        assert!(matches!(folder.try_open(400, 14), Err(Error::Contradiction { .. })), "{changed}");
        assert_eq!(fs::read_to_string(folder.kept()).unwrap(), changed);
    }
    fs::write(folder.kept(), &state).unwrap();
    let refused = folder.try_open(255, 14);
    assert!(matches!(refused, Err(Error::Ahead { number: 3, .. })), "of a longer log");
}

/// What was written is what is read, whichever bit of either file flips: refused, or the same landmarks.
#[test]
fn a_flipped_bit_changes_no_landmark() {
    let folder = Folder::grown();
    let shown = folder.shown();
    for path in [folder.kept(), folder.list()] {
        let sound = fs::read(&path).unwrap();
        for bit in 0..sound.len() * 8 {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            if let Ok(files) = folder.try_open(400, 13) {
                assert_eq!(files.landmarks(), &shown, "{} bit {bit}", path.display());
            }
        }
        fs::write(&path, &sound).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_loses_nothing() {
    let folder = Folder::grown();
    let mut files = folder.open(400, 14);
    // A folder has the place of the file that is written first.
    let staged = folder.root.path().join("public/.landmarks.new");
    fs::create_dir(&staged).unwrap();
    let refused = files.advance(TreeSize(400), UnixSeconds(14 * HOUR));
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    assert_eq!(folder.shown().newest().0, 3);
    fs::remove_dir(&staged).unwrap();
    advance(&mut files, 400, 14);
    assert_eq!(folder.shown().newest(), (4, TreeSize(384)));
}
