//! The W3C's own suites against ours: VC Data Model 2.0 against a real `sillok serve` behind TLS, and VC-JOSE-COSE (its JOSE
//! and SD-JWT parts) against the product's code. The score is printed, with every test that fails.
//!
//! A failure that is a defect of the suite is one in a table here, and is shown to be one: the same test passes when the line
//! that is wrong is put right in a copy.

mod adapter;
mod front;
mod service;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::machine::Machine;
use crate::peer;
use front::Front;
use service::Service;
use suite::{Outcome, Score};

/// # Errors
/// A test fails that is not known to be wrong, one that is known to be wrong passes, or does not pass in the copy that is put
/// right; Node, npm, nginx or OpenSSL is absent.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        None => {}
        Some((name, rest)) if name == "adapter" => return adapter::run(rest),
        Some((name, _rest)) => bail!("`w3c` takes no argument, not {name:?}"),
    }
    let node = peer::find("node").ok_or_else(|| peer::absent("node", "not on the path"))?;
    let npm = peer::find("npm").ok_or_else(|| peer::absent("npm", "not on the path"))?;
    let nginx = peer::debian("nginx", "nginx-light")?;
    let openssl = peer::debian("openssl", "openssl")?;
    let program = machine.sillok_checked()?;
    let proofs = foreign_proofs(machine)?;
    let scratch = machine.scratch("w3c-")?;
    let suites = install(machine, &npm)?;

    let service = Service::start(&program, &proofs, scratch.path())?;
    let front = Front::start((&nginx, &openssl), scratch.path(), service.address()?)?;
    let data_model = suites.join("data-model");
    let config = front.local_config(service::ISSUER, service::TOKEN)?;
    fs::write(data_model.join("localConfig.cjs"), config)?;
    let before = suite::run(&node, &suites, "data-model", &[], scratch.path())?;
    let mut score = Score::new("VC Data Model 2.0", before);
    score.explain(DATA_MODEL_DEFECTS, |defect| {
        let copy = patched(&suites, "data-model", defect)?;
        suite::run(&node, &suites, copy, &[], scratch.path())
    })?;
    drop(front);
    service.stop()?;

    let shim = shim(scratch.path())?;
    let jose = suites.join("jose-cose");
    fs::create_dir_all(jose.join("tests/output"))?;
    fs::write(jose.join("localConfig.cjs"), JOSE_CONFIG)?;
    let outcomes = suite::run(&node, &suites, "jose-cose", &[("PATH", &shim)], scratch.path())?;
    let asked = outcomes.into_iter().filter(|outcome: &Outcome| !outcome.skipped).collect();
    let jose = Score::new("VC-JOSE-COSE, JOSE and SD-JWT", asked);

    score.print();
    jose.print();
    ensure!(score.is_good() && jose.is_good(), "not every test passes or is shown to be wrong");
    Ok(())
}

/// The suites below `target/`, with what they need, installed anew when their files have changed.
fn install(machine: &Machine, npm: &Path) -> Result<PathBuf> {
    let from = machine.root().join("tests/peers/w3c");
    let to = machine.target().join("peers/w3c");
    fs::create_dir_all(&to).with_context(|| format!("create {}", to.display()))?;
    let copied = Command::new("cp").arg("-rT").arg(&from).arg(&to).status().context("start cp")?;
    ensure!(copied.success(), "cp ended with {copied}");
    let (lock, done) = (fs::read(from.join("package-lock.json"))?, to.join("installed"));
    if fs::read(&done).ok().as_ref() == Some(&lock) {
        return Ok(to);
    }
    println!("peers: installing what the suites need");
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&to)
        .stdin(Stdio::null())
        .output()
        .context("start npm")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(peer::absent("npm", text.lines().last().unwrap_or("npm ci failed")));
    }
    fs::write(done, lock)?;
    Ok(to)
}

/// The program that checks proofs of others, built with its own lock file.
fn foreign_proofs(machine: &Machine) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = machine.target().join("foreign-proofs");
    let status = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(machine.root().join("issuer/foreign-proofs/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "`cargo build` of issuer/foreign-proofs ended with {status}");
    Ok(target.join("debug/sillok-foreign-proofs"))
}

/// A copy of a suite in which one line is put right.
fn patched(suites: &Path, name: &str, defect: &Defect) -> Result<&'static str> {
    let to = suites.join(PATCHED);
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    let copied = Command::new("cp").arg("-r").arg(suites.join(name)).arg(&to).status().context("start cp")?;
    ensure!(copied.success(), "cp ended with {copied}");
    let file = to.join(defect.file);
    let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    ensure!(text.matches(defect.wrong).count() == 1, "{} does not say {:?} once", defect.file, defect.wrong);
    fs::write(&file, text.replace(defect.wrong, defect.right))?;
    Ok(PATCHED)
}

/// What the suite takes for docker: ourselves. The value of `PATH` with it.
fn shim(scratch: &Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = scratch.join("bin");
    fs::create_dir_all(&folder)?;
    let own = std::env::current_exe().context("find this program")?;
    let script = format!("#!/bin/sh\nexec '{}' w3c adapter --now {JOSE_NOW} \"$@\"\n", own.display());
    let docker = folder.join("docker");
    fs::write(&docker, script)?;
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755))?;
    let path = std::env::var("PATH").unwrap_or_default();
    Ok(format!("{}:{path}", folder.display()))
}

/// Something in a suite that is wrong, and what would be right.
pub(crate) struct Defect {
    /// In the suite's folder.
    file: &'static str,
    wrong: &'static str,
    right: &'static str,
    why: &'static str,
    /// The tests that it fails.
    tests: &'static [&'static str],
}

/// What is wrong in the VC Data Model 2.0 suite at the commit that is here.
const DATA_MODEL_DEFECTS: &[Defect] = &[Defect {
    file: "tests/assertions.js",
    wrong: "credential.should.exist();",
    right: "should.exist(credential);",
    why: "`exist` is a property of Chai's assertions and not a function: calling it throws for every credential that is enveloped",
    tests: &[
        "A conforming document MUST be secured by at least one securing mechanism as described in Section 4.12 Securing Mechanisms.",
        "A conforming issuer implementation MUST secure the conforming documents it produces using a securing mechanismdescribed in Section 4.12 Securing Mechanisms.",
    ],
}];

/// Where the copy is.
const PATCHED: &str = "data-model-put-right";

/// Two parts of three: COSE is not ours.
const JOSE_CONFIG: &str = "module.exports = {settings: {}, implementations: [{name: 'Sillok', implementation: 'Sillok', \
    'jose-cose': {features: {credential_jose: true, presentation_jose: true, credential_sdjwt: true, \
    presentation_sdjwt: true}}}]};\n";

/// 2024-12-16T00:00:00Z: a presentation that the suite wants accepted has expired on the next day.
const JOSE_NOW: u64 = 1_734_307_200;
