//! Supply chain: no known advisory in Cargo.lock, no licence that we did not allow, each exception with its reason.

mod advisory;
mod exceptions;
mod licences;
pub(crate) mod lock;
mod spdx;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::source;
use crate::workspace::{Workspace, expect_none, say};
use advisory::Advisory;
use exceptions::Exceptions;

/// Matches Cargo.lock against a RustSec database, then checks the licences of what is built.
///
/// The database is the first that is there of: the argument, `SILLOK_ADVISORY_DB`, an advisory-db folder beside
/// the checkout. Without one the check says so and passes: it cannot be fetched everywhere.
///
/// # Errors
/// Fails with every advisory and licence that has no exception, and every exception that no longer applies.
pub(crate) fn check(workspace: &Workspace, folder: Option<&str>) -> Result<()> {
    let path = workspace.root.join(EXCEPTIONS);
    let exceptions =
        Exceptions::parse(&source::read(&path)?).with_context(|| format!("read {EXCEPTIONS}"))?;
    match database(workspace, folder)? {
        Some(folder) => advisories(workspace, &exceptions, &folder)?,
        None => say("advisories", format_args!("NOT CHECKED: no advisory-db folder beside the checkout")),
    }
    licences::check(workspace, &exceptions)
}

/// A database that was named must be there; the one beside the checkout may be absent.
fn database(workspace: &Workspace, folder: Option<&str>) -> Result<Option<PathBuf>> {
    let named =
        folder.map(PathBuf::from).or_else(|| std::env::var_os("SILLOK_ADVISORY_DB").map(PathBuf::from));
    if let Some(folder) = named {
        let crates = folder.join("crates");
        ensure!(crates.is_dir(), "{} is no advisory database: it has no folder `crates`", folder.display());
        return Ok(Some(folder));
    }
    let beside = workspace.root.join(BESIDE);
    Ok(beside.join("crates").is_dir().then_some(beside))
}

fn advisories(workspace: &Workspace, exceptions: &Exceptions, folder: &Path) -> Result<()> {
    let advisories = read_all(folder)?;
    let mut packages = Vec::new();
    for path in LOCKS {
        packages.extend(lock::packages(&source::read(&workspace.root.join(path))?)?);
    }
    let (mut findings, mut excepted) = (Vec::new(), BTreeSet::new());
    for package in &packages {
        for advisory in advisories.iter().filter(|advisory| advisory.affects(&package.name, &package.version))
        {
            let hit = format!("{} {} {}: {}", advisory.id, package.name, package.version, advisory.title);
            match exceptions.advisory(&advisory.id, &package.name) {
                Some(reason) => {
                    say("advisories", format_args!("excepted: {hit}; {reason}"));
                    excepted.insert((advisory.id.as_str(), package.name.as_str()));
                }
                None => findings.push(hit),
            }
        }
    }
    findings.extend(exceptions.advisories_besides(&excepted));
    expect_none("advisories without an exception, or exceptions without an advisory", &findings)?;
    let (packages, advisories) = (packages.len(), advisories.len());
    say(
        "advisories",
        format_args!("{packages} locked packages against {advisories} advisories: none but those"),
    );
    Ok(())
}

fn read_all(folder: &Path) -> Result<Vec<Advisory>> {
    let mut advisories = Vec::new();
    for path in source::files(&folder.join("crates"), "md")? {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("RUSTSEC-")) {
            let advisory = Advisory::parse(&source::read(&path)?);
            advisories.push(advisory.with_context(|| format!("read advisory {}", path.display()))?);
        }
    }
    ensure!(!advisories.is_empty(), "{} holds no advisory", folder.display());
    Ok(advisories)
}

/// Of what is built and shipped, and of the tool that writes the JavaScript.
const LOCKS: [&str; 2] = ["Cargo.lock", "verifier-sdk/wasm/bindgen/Cargo.lock"];

const EXCEPTIONS: &str = "tests/xtask/exceptions.toml";

const BESIDE: &str = "../shared/advisory-db";
