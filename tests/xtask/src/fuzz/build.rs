//! The binaries of tests/fuzz/shell, instrumented as `cargo fuzz build` would do it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::NightlyAbsent;
use crate::advisories::lock;
use crate::source;
use crate::workspace::{Workspace, expect_none, say, succeed};

/// The targets, which are the binaries of the shell.
///
/// # Errors
/// Fails when the manifest of the shell cannot be read or names no binary.
pub(super) fn names(workspace: &Workspace) -> Result<Vec<String>> {
    let path = workspace.root.join(SHELL).join("Cargo.toml");
    let manifest: Table =
        source::read(&path)?.parse().with_context(|| format!("parse {}", path.display()))?;
    let binaries = manifest.get("bin").and_then(Value::as_array).context("the shell has no binary")?;
    let names = binaries.iter().map(|binary| binary.get("name").and_then(Value::as_str).map(String::from));
    names.collect::<Option<_>>().context("a binary of the shell has no name")
}

/// Builds these targets and returns the folder that holds their binaries.
///
/// # Errors
/// Fails with [`NightlyAbsent`], when the two lock files disagree, and when the build does.
pub(super) fn build(workspace: &Workspace, targets: &[String]) -> Result<PathBuf> {
    let Some(host) = nightly_host() else {
        println!("fuzz: {NightlyAbsent}");
        return Err(NightlyAbsent.into());
    };
    locks_agree(workspace)?;
    say(
        "fuzz",
        format_args!("building {} targets for {host}, minutes when it is the first time", targets.len()),
    );
    let folder = workspace.target.join("fuzz/build");
    let mut command = Command::new("rustup");
    // Quiet, because cargo warns at every build that the binaries share their source.
    command.args(["run", "nightly", "cargo", "build", "--quiet", "--locked", "--release"]);
    // With a target named, build scripts and procedural macros stay free of the instrumentation.
    command.args(["--target", &host, "--target-dir"]).arg(&folder).arg("--manifest-path");
    command.arg(workspace.root.join(SHELL).join("Cargo.toml"));
    command.args(targets.iter().flat_map(|name| ["--bin", name]));
    command.env("RUSTFLAGS", INSTRUMENTATION.join(" "));
    // What cargo told this process about another compiler.
    for variable in ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    succeed(&mut command).context("build the fuzz targets")?;
    Ok(folder.join(host).join("release"))
}

/// The host that the nightly compiler builds for, or nothing if there is no such compiler.
fn nightly_host() -> Option<String> {
    let mut command = Command::new("rustup");
    let answer = command.args(["run", "nightly", "rustc", "-vV"]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok().filter(|_| answer.status.success())?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(String::from)
}

/// What is fuzzed must be what is shipped, dependencies included.
fn locks_agree(workspace: &Workspace) -> Result<()> {
    let ours = lock::packages(&source::read(&workspace.root.join("Cargo.lock"))?)?;
    let shell = lock::packages(&source::read(&workspace.root.join(SHELL).join("Cargo.lock"))?)?;
    let differs = |package: &&lock::Package| {
        let mut versions = ours.iter().filter(|one| one.name == package.name).peekable();
        versions.peek().is_some() && !versions.any(|one| one.version == package.version)
    };
    let findings: Vec<String> =
        shell.iter().filter(differs).map(|package| format!("{} {}", package.name, package.version)).collect();
    expect_none(
        &format!("versions in {SHELL}/Cargo.lock that Cargo.lock does not have ({REFRESH})"),
        &findings,
    )
}

const SHELL: &str = "tests/fuzz/shell";

const REFRESH: &str = "copy it there, then run `cargo metadata` in the folder: it keeps what the shell uses";

/// Coverage counters and compared operands for libFuzzer, and AddressSanitizer: the flags of cargo-fuzz 0.13.
const INSTRUMENTATION: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
    "-Zsanitizer=address",
];
