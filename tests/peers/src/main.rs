//! Sillok against programs by others. `cargo xtask peers NAME` runs one; without a name it lists them.
//!
//! Each installs the program that it needs when that is missing. Where it cannot be had the command says "peer absent"
//! and ends with 3, so that nobody takes that for a pass.

mod hammer;
mod machine;
mod peer;

use std::process::ExitCode;

use anyhow::Result;

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

fn list() -> Result<()> {
    for (name, what, _run) in PEERS {
        println!("cargo xtask peers {name:<12} {what}");
    }
    Ok(())
}

type Run = fn(&Machine, &[String]) -> Result<()>;

/// Name, what it shows, and the function that is given the arguments after the name.
const PEERS: &[(&str, &str, Run)] =
    &[("hammer", "Tessera's conformance log and ours under Tessera's hammer, side by side", hammer::run)];
