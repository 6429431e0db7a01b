//! The subcommands, and `ci`: all checks in order, each with the seconds it took.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, say};
use crate::{advisories, arrows, cite, docs, fuzz, threats, vectors, web};

/// Runs the subcommand that the arguments name.
///
/// # Errors
/// Fails on unknown arguments, and when a check fails with the offending thing named.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments.is_empty() || matches!(arguments.as_slice(), ["help" | "--help" | "-h"]) {
        println!("{USAGE}");
        return Ok(());
    }
    let workspace = Workspace::load()?;
    match arguments.as_slice() {
        ["ci"] => all(&workspace),
        ["fmt"] => format(&workspace),
        ["clippy"] => clippy(&workspace),
        ["arrows"] => arrows::check(&workspace),
        ["cite"] => cite::check(&workspace),
        ["tests-of-threats"] => threats::check(&workspace),
        ["vectors"] => vectors::write(&workspace),
        ["vectors", "--check"] => vectors::check(&workspace),
        ["advisories"] => advisories::check(&workspace, None),
        ["advisories", "--db", folder] => advisories::check(&workspace, Some(folder)),
        ["docs"] => docs::check(&workspace),
        ["web"] => web::build(&workspace, false),
        ["web", "--test"] => web::build(&workspace, true),
        ["fuzz", rest @ ..] => fuzz::run(&workspace, rest),
        ["load", rest @ ..] => outside(&workspace, "sillok-load", rest),
        ["peers", rest @ ..] => outside(&workspace, "sillok-peers", rest),
        other => bail!("unknown command `{}`\n{USAGE}", other.join(" ")),
    }
}

/// Says how the process ends for this error: 3 where the wasm target, the nightly compiler or a peer is absent, otherwise 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let absent = error.downcast_ref::<arrows::WasmAbsent>().is_some()
        || error.downcast_ref::<fuzz::NightlyAbsent>().is_some()
        || error.downcast_ref::<PeerAbsent>().is_some();
    if absent { ExitCode::from(PEER_ABSENT as u8) } else { ExitCode::FAILURE }
}

fn all(workspace: &Workspace) -> Result<()> {
    let mut times = Vec::new();
    for (name, check) in CHECKS {
        println!("== {name}");
        let start = Instant::now();
        check(workspace).with_context(|| format!("check `{name}` failed"))?;
        let seconds = start.elapsed().as_secs_f64();
        println!("== {name}: ok, {seconds:.1} s");
        times.push(format!("{name} {seconds:.1} s"));
    }
    say("ci", format_args!("all checks passed: {}", times.join(", ")));
    Ok(())
}

/// Runs a program of the tests in the release profile, and ends as it does.
fn outside(workspace: &Workspace, package: &str, arguments: &[&str]) -> Result<()> {
    let mut command = workspace.cargo_command(&["run", "--release", "--quiet", "--package", package, "--"]);
    let status = command.args(arguments).status().with_context(|| format!("start {package}"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(PEER_ABSENT) => Err(PeerAbsent.into()),
        _other => bail!("{package} ended with {status}"),
    }
}

/// A program of others is neither here nor to be had; the program that needs it has said which.
#[derive(Debug)]
struct PeerAbsent;

impl std::fmt::Display for PeerAbsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("peer absent")
    }
}

impl std::error::Error for PeerAbsent {}

fn format(workspace: &Workspace) -> Result<()> {
    workspace.cargo(&["fmt", "--all", "--check"])
}

fn clippy(workspace: &Workspace) -> Result<()> {
    workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn advisories_anywhere(workspace: &Workspace) -> Result<()> {
    advisories::check(workspace, None)
}

/// The status that says "peer absent".
const PEER_ABSENT: i32 = 3;

type Check = fn(&Workspace) -> Result<()>;

/// Cheap checks come first, so that a slip costs seconds and not minutes.
const CHECKS: [(&str, Check); 8] = [
    ("fmt", format),
    ("clippy", clippy),
    ("arrows", arrows::check),
    ("cite", cite::check),
    ("tests-of-threats", threats::check),
    ("vectors --check", vectors::check),
    ("advisories", advisories_anywhere),
    ("docs", docs::check),
];

const USAGE: &str = "\
cargo xtask ci                      every check below, in order, with the seconds of each (no test is run)
cargo xtask fmt                     rustfmt finds nothing to change
cargo xtask clippy                  no warning in any target
cargo xtask arrows                  who may depend on whom; pure crates stay pure and build for wasm32; sizes
cargo xtask cite                    every `//= specs/...` in the code names a heading that is there
cargo xtask tests-of-threats        every test that the threat model and the design name is in the sources
cargo xtask vectors [--check]       regenerates specs/vectors, or checks that doing so changes nothing
cargo xtask advisories [--db DIR]   Cargo.lock against a RustSec database, licences against the allow-list
cargo xtask docs                    rustdoc without warnings; README's first two blocks are the two commands
cargo xtask web [--test]            what browsers load, into verifier-sdk/wasm/pkg, and its tests in Node 20; needs npm
cargo xtask fuzz [--seconds N] [TARGET...]
                                    tests/fuzz under libFuzzer, N = 60 s a target; not in ci: needs a nightly compiler
cargo xtask load [NAME]             load on ledger and issuer beside the limits of the machine; without a name, the list
cargo xtask peers [NAME]            against programs by others; 3 where one is absent; without a name, the list";
