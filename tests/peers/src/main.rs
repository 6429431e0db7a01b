//! Sillok against programs by others. `cargo xtask peers NAME` runs one; without a name it lists them.
//!
//! Each installs the program that it needs when that is missing. Where it cannot be had the command says "peer absent"
//! and ends with 3, so that nobody takes that for a pass.

mod certlogic;
mod credo;
mod disk;
mod fsck;
mod hammer;
mod inject;
mod machine;
mod nginx;
mod offline;
mod omniwitness;
// What the crash tests are made of; `program` says which binary it is about here.
#[expect(dead_code, reason = "the crash tests use the rest")]
#[path = "../../crash/outside.rs"]
mod outside;
mod peer;
mod power;
mod slow;
mod w3c;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use machine::Machine;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error:#}");
            if error.downcast_ref::<peer::Absent>().is_some() { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => return list(),
    };
    let Some((_name, _what, run)) = PEERS.iter().find(|(known, ..)| *known == name) else {
        list()?;
        anyhow::bail!("unknown peer `{name}`")
    };
    run(&Machine::find()?, rest)
}

/// Says which of our programs is under test, once a process.
fn under_test(program: PathBuf) -> Result<()> {
    ensure!(PROGRAM.set(program).is_ok(), "a program is under test already");
    Ok(())
}

/// The program under test.
fn program() -> PathBuf {
    PROGRAM.get().cloned().unwrap_or_else(|| "sillok".into())
}

fn list() -> Result<()> {
    for (name, what, _run) in PEERS {
        println!("cargo xtask peers {name:<12} {what}");
    }
    Ok(())
}

type Run = fn(&Machine, &[String]) -> Result<()>;

/// Name, what it shows, and the function that is given the arguments after the name.
const PEERS: &[(&str, &str, Run)] = &[
    ("certlogic", "certlogic-js and our CertLogic on generated expressions (npm)", certlogic::run),
    ("credo", "credo-ts as a wallet obtains, stores and presents credentials (npm, nginx)", credo::run),
    ("disk", "small file systems that fill at every step of the write path (mount)", disk::run),
    ("fsck", "Tessera's fsck over a log that grows, and over one with a wrong byte", fsck::run),
    ("hammer", "Tessera's conformance log and ours under Tessera's hammer, side by side", hammer::run),
    (
        "inject",
        "every system call of the write path fails once, or is the moment of a SIGKILL (strace)",
        inject::run,
    ),
    ("nginx", "deploy/nginx/sillok.conf before a log that grows", nginx::run),
    ("offline", "a thousand verifications open no socket and write no file (strace)", offline::run),
    (
        "omniwitness",
        "transparency-dev's witness cosigns our log, and ours Tessera's conformance log",
        omniwitness::run,
    ),
    ("slow", "slow heads, bodies and readers before `sillok serve` (slowhttptest)", slow::run),
    ("w3c", "the suites of the W3C for VC Data Model 2.0 and VC-JOSE-COSE, with the score (npm)", w3c::run),
    (
        "power",
        "recorded writes, dropped, torn and reordered by thousands of losses of power (strace)",
        power::run,
    ),
];

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
