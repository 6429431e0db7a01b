//! Tessera's conformance log, as it is and with shorter intervals.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};

use crate::machine::Machine;
use crate::peer::absent;

/// Batches and checkpoints of a conformance log, which its source has fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    pub(super) batch: usize,
    pub(super) age_milliseconds: usize,
    pub(super) checkpoint_milliseconds: usize,
}

/// Builds the program with other intervals, out of the source that the module proxy has.
pub(super) fn build_tuned(machine: &Machine, intervals: Intervals) -> Result<PathBuf> {
    let Intervals { batch, age_milliseconds: age, checkpoint_milliseconds: checkpoint } = intervals;
    let folder = machine.target().join("peers/go").join(VERSION);
    let program = folder.join(format!("posix-{batch}-{age}-{checkpoint}"));
    if program.is_file() {
        return Ok(program);
    }
    println!("peers: building {MODULE}@{VERSION} with other intervals");
    let scratch = machine.scratch("rival-")?;
    let source = scratch.path().join("source");
    let cached = cached_source()?;
    // The cache is not to be written, and its files' modes say so.
    run(Command::new("cp").args(["-r", "--no-preserve=mode"]).arg(&cached).arg(&source))?;
    let main = source.join("cmd/conformance/posix/main.go");
    let mut text = std::fs::read_to_string(&main).with_context(|| format!("read {}", main.display()))?;
    for (old, new) in [
        (
            "WithCheckpointInterval(time.Second)",
            format!("WithCheckpointInterval({checkpoint} * time.Millisecond)"),
        ),
        ("WithBatching(256, time.Second)", format!("WithBatching({batch}, {age} * time.Millisecond)")),
    ] {
        ensure!(text.matches(old).count() == 1, "{} has not {old} once", main.display());
        text = text.replace(old, &new);
    }
    std::fs::write(&main, text).with_context(|| format!("write {}", main.display()))?;
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    run(Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("./cmd/conformance/posix")
        .current_dir(&source))?;
    Ok(program)
}

/// Where Go keeps the source of the module, fetched if it is not there.
fn cached_source() -> Result<PathBuf> {
    let mut download = Command::new("go");
    download.args(["mod", "download", "-json", &format!("{MODULE}@{VERSION}")]).current_dir("/");
    let output = download.output().map_err(|error| absent("go", &error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("\"Dir\": \""));
    let folder = line.and_then(|line| line.strip_suffix("\","));
    let folder = folder.ok_or_else(|| absent(MODULE, "its source could not be fetched"))?;
    Ok(folder.into())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().map_err(|error| absent("go", &error.to_string()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?} ended with {}: {complaint}", command.get_program(), output.status);
    Ok(())
}

/// Writes a new key in the format of Go's note package, and returns its public half.
pub(crate) fn write_key(path: &Path) -> Result<VerifierKey> {
    let mut seed = [0; 32];
    fastrand::fill(&mut seed);
    let key = SignerKey::from_seed("example.com/rival", SignatureKind::Ed25519, &seed)?.verifier();
    let public = key.to_string();
    let named: Vec<&str> = public.splitn(3, '+').take(2).collect();
    let secret = STANDARD.encode([&[SignatureKind::Ed25519.byte()], seed.as_slice()].concat());
    let text = format!("PRIVATE+KEY+{}+{secret}", named.join("+"));
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(key)
}

/// The module of rival and hammer.
pub(crate) const MODULE: &str = "github.com/transparency-dev/tessera";

/// Its release.
pub(crate) const VERSION: &str = "v1.0.4";
