//! Load on the ledger and the issuer. `cargo xtask load NAME` runs one measurement; without a name it lists them.
//!
//! Every measurement prints machine, commit, and the limits that its figures are compared with, measured in the same
//! run. None is an assertion about time.

use anyhow::{Result, bail};

mod audit;
mod cosigned;
mod growth;
mod ledger;
mod limit;
mod overload;
mod profile;
mod rivals;
mod rush;

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
const MEASUREMENTS: [(&str, &str, Run); 10] = [
    ("audit", "a log of --entries (4 million) with status and snapshots, replayed from disk", audit::run),
    (
        "cosigned",
        "what witnesses cost: no witness and 2 of 3, in turns, to committed and to a cosigned checkpoint",
        cosigned::run,
    ),
    (
        "growth",
        "memory, time per append, opening and disk of a log that grows to 20 million entries",
        growth::run,
    ),
    ("ledger", "the ledger at a steady load: latencies, costs and limits", ledger::run),
    (
        "limit",
        "serves what `rush` compares with: the same HTTP and signature, no log (ADDRESS TOKEN)",
        limit::run,
    ),
    ("null", "a server that only counts, for those who measure against it", sillok_load::null::serve),
    ("overload", "the ledger at 0.5 to 5 times what it can take, and its recovery", overload::run),
    ("profile", "where the time of the ledger goes", profile::run),
    (
        "rush",
        "13 December 2021 before lunch: stampede, overload, kill -9, beside the limit of signing over HTTP",
        rush::run,
    ),
    ("verify", "signature checks beside ssi, jsonwebtoken and josekit, in one run (SECONDS)", rivals::run),
];
