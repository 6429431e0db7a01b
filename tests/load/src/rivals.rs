//! Signature-only work beside `ssi`, `jsonwebtoken` and `josekit`: a program of its own, outside the workspace, so that what
//! they bring along is in no lock file and no tree of the product.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use sillok_load::machine::Machine;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    println!("{}", Machine::find());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(root.join("rivals/Cargo.toml"));
    command.arg("--target-dir").arg(root.join("../../target/rivals")).arg("--").args(arguments);
    let status = command.status().context("run the rivals")?;
    ensure!(status.success(), "the rivals end with {status}");
    Ok(())
}
