//! Load on the ledger and the issuer. `cargo xtask load NAME` runs one measurement; without a name it lists them.
//!
//! Every measurement prints machine, commit, and the limits that its figures are compared with, measured in the same
//! run. None is an assertion about time.

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        list();
        return Ok(());
    };
    match MEASUREMENTS.iter().find(|(known, ..)| *known == name.as_str()) {
        Some((_name, _what, run)) => run(rest),
        None => {
            list();
            bail!("unknown measurement `{name}`")
        }
    }
}

fn list() {
    for (name, what, _run) in MEASUREMENTS {
        println!("cargo xtask load {name:<10} {what}");
    }
}

type Run = fn(&[String]) -> Result<()>;

/// Name, what it measures, and the function that is given the arguments after the name.
const MEASUREMENTS: [(&str, &str, Run); 0] = [];
