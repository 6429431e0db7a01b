//! What the binaries share: the targets and their corpora are those of `cargo test -p sillok-tests --test fuzz`.

#[path = "../corpus.rs"]
mod corpus;
#[path = "../exchange.rs"]
mod exchange;
#[path = "../known.rs"]
mod known;
#[path = "../rules.rs"]
mod rules;
#[path = "../table.rs"]
mod table;
#[path = "../targets.rs"]
mod targets;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use table::{TABLE, Target};

/// Chooses the target of this process; with [`SEEDS`] set, writes its corpus and ends the process instead.
pub fn start(name: &str) {
    let target = TABLE.iter().find(|target| target.name == name).expect("every binary is in the table");
    if let Some(folder) = std::env::var_os(SEEDS) {
        write_seeds(target, Path::new(&folder));
        println!("max_len={}", target.max_bytes);
        std::process::exit(0);
    }
    // Worked out here, so that it counts neither as time nor as coverage of the first input.
    known::known();
    assert!(CHOSEN.set(target).is_ok(), "the runtime starts a process once");
}

/// Gives an input to the chosen target.
pub fn run(input: &[u8]) -> bool {
    (CHOSEN.get().expect("the runtime calls start first").run)(input)
}

/// Files named by their place in the corpus: the same ones replace each other at every run.
fn write_seeds(target: &Target, folder: &Path) {
    let shown = folder.display();
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("create {shown}: {error}"));
    for (index, seed) in (target.corpus)().iter().enumerate() {
        let path = folder.join(format!("seed-{index:03}"));
        fs::write(&path, seed).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }
}

static CHOSEN: OnceLock<&Target> = OnceLock::new();

/// The variable that names a folder for the seeds.
const SEEDS: &str = "SILLOK_FUZZ_SEEDS";
