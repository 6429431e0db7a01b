//! Files that come from a backup while a witness remembers what it has cosigned.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::outside::acknowledged::Acknowledged;
use super::outside::batch::{self, Answered};
use super::outside::inspection::Inspection;
use super::outside::load;
use super::outside::writer::{Folder, Service};
use super::{program, published};
use sillok_client::Level;

/// `sillok witness` in a process of its own, killed when dropped.
struct Witness {
    process: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Witness {
    /// One that follows the log of a folder.
    fn of(folder: &Folder) -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        let data = place.path().to_str().expect("a name in UTF-8");
        folder.expect_success(&["witness", "init", "--data", data, "--name", "witness.example"]);
        folder.expect_success(&["witness", "add-log", &folder.log_key().to_string(), "--data", data]);
        let mut process = Command::new(program())
            .args(["witness", "--data", data, "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary under test runs");
        let mut line = String::new();
        let output = process.stdout.take().expect("standard output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line or the end");
        let url = line.trim_end().rsplit(' ').next().expect("an address").to_owned();
        Self { process, folder: place, url }
    }

    /// Makes its cosignature a condition of every checkpoint of a folder's log.
    fn is_asked_by(&self, folder: &Folder) {
        let key = fs::read_to_string(self.folder.path().join("keys/witness.pub")).expect("its verifier key");
        let policy = format!("witness w {} {}\nquorum w\n", key.trim_end(), self.url);
        let data = Path::new(folder.path());
        fs::write(data.join("policy"), policy).expect("the data folder is there");
        let settings = data.join("sillok.toml");
        let text = fs::read_to_string(&settings).expect("settings");
        fs::write(&settings, "policy = \"policy\"\n".to_owned() + &text).expect("settings");
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It is gone already, or is killed as a power cut would.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn submit(folder: &Folder, from: u32, count: u32, acknowledged: &mut Acknowledged) {
    let writer = folder.start(Service::Registry, 1);
    let entries = batch::issues(from, count);
    let answered = batch::submit(folder, &writer, &entries, Level::Cosigned, None, acknowledged);
    assert_eq!(answered, Answered::Logged);
}

/// A log whose witness has cosigned all of it, and a backup of before.
fn begin() -> (Folder, Folder, Witness, Acknowledged) {
    let folder = Folder::init();
    let witness = Witness::of(&folder);
    witness.is_asked_by(&folder);
    let mut acknowledged = Acknowledged::default();
    let writer = folder.start(Service::Registry, 1);
    load::begin_at(&folder, &writer, &mut acknowledged);
    drop(writer);
    submit(&folder, 0, 20, &mut acknowledged);
    let backup = folder.copy();
    submit(&folder, 100, 10, &mut acknowledged);
    (folder, backup, witness, acknowledged)
}

#[test]
fn data_and_head_both_restored_are_refused_while_a_witness_remembers() {
    let (folder, backup, witness, acknowledged) = begin();
    let whole = published(&folder);
    let head = fs::read(backup.head()).expect("a head");
    for command in ["registry", "serve"] {
        let refused = backup.expect_refusal(&[command, "--data", backup.path(), "--listen", "127.0.0.1:0"]);
        // A key and a list, 20 entries, and 10 after the backup.
        assert!(refused.contains("log.witnessed") && refused.contains("has cosigned size 32"), "{refused}");
    }
    assert_eq!(fs::read(backup.head()).expect("a head"), head, "something was signed");
    let evidence = fs::read_dir(Path::new(backup.path()).join("evidence")).expect("a folder of evidence");
    let files: Vec<_> = evidence.map(|entry| entry.expect("an entry").path()).collect();
    let [file] = &files[..] else { panic!("it is kept once: {files:?}") };
    let kept = fs::read_to_string(file).expect("evidence");
    assert!(kept.contains(&whole.root.to_base64()), "the checkpoint of the first history: {kept}");
    let file = file.to_str().expect("a name in UTF-8");
    folder.expect_success(&["evidence", "check", file, "--vkey", &folder.log_key().to_string()]);
    // The one that was not restored goes on, and has lost nothing.
    let writer = folder.start(Service::Registry, 1);
    Inspection::of(&folder, writer.url()).holds(&acknowledged);
    drop(writer);
    drop(witness);
}

#[test]
fn data_restored_with_the_head_kept_is_refused_under_a_policy_too() {
    let (folder, backup, _witness, _acknowledged) = begin();
    fs::remove_dir_all(folder.path()).expect("the data folder is there");
    fs::rename(backup.path(), folder.path()).expect("the backup is there");
    let refused = folder.expect_refusal(&["registry", "--data", folder.path(), "--listen", "127.0.0.1:0"]);
    assert!(refused.contains("lacks the entry of leaf 22, which was signed"), "{refused}");
}

#[test]
fn a_writer_that_is_killed_again_and_again_keeps_what_it_promised_and_is_never_contradicted() {
    let (folder, _backup, _witness, mut acknowledged) = begin();
    for round in 0..8 {
        let mut writer = folder.start(Service::Registry, 1);
        let entries = batch::issues(1_000 + round * 40, 40);
        let level = if round % 2 == 0 { Level::Committed } else { Level::Cosigned };
        let answered = batch::submit(&folder, &writer, &entries, level, None, &mut acknowledged);
        assert_eq!(answered, Answered::Logged, "round {round}");
        // At the moment of the answer: a committed batch is on its way into tiles and to the witness.
        writer.kill();
    }
    let writer = folder.start(Service::Registry, 1);
    let entries = batch::issues(9_000, 1);
    let answered = batch::submit(&folder, &writer, &entries, Level::Cosigned, None, &mut acknowledged);
    assert_eq!(answered, Answered::Logged);
    Inspection::of(&folder, writer.url()).holds(&acknowledged);
    assert!(!Path::new(folder.path()).join("evidence").exists(), "a witness contradicted the log");
}
