//! Programs by others: found on the path, or installed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::machine::Machine;

/// A program that is neither here nor to be had: the command says so instead of passing.
#[derive(Debug)]
pub(crate) struct Absent {
    program: String,
    why: String,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer absent: {}: {}", self.program, self.why)
    }
}

impl std::error::Error for Absent {}

/// A program of one of Debian's packages.
///
/// # Errors
/// [`Absent`] when it is not here and the package cannot be installed.
pub(crate) fn debian(program: &str, package: &str) -> Result<PathBuf> {
    if let Some(path) = find(program) {
        return Ok(path);
    }
    println!("peers: installing Debian's {package}");
    let installed = quiet(Command::new("apt-get").args(["update", "-q"])).and_then(|()| {
        quiet(Command::new("apt-get").args(["install", "-q", "-y", "--no-install-recommends", package]))
    });
    match (find(program), installed) {
        (Some(path), _) => Ok(path),
        (None, outcome) => {
            Err(absent(program, &outcome.err().unwrap_or_else(|| "not in the package".into())))
        }
    }
}

/// A program of a Go module, built below `target/` once: `package` is its path, `version` what follows the `@`.
///
/// # Errors
/// [`Absent`] when Go is not here or the module cannot be built.
pub(crate) fn go(machine: &Machine, package: &str, version: &str) -> Result<PathBuf> {
    let program = package.rsplit('/').next().unwrap_or(package);
    let folder = machine.target().join("peers/go").join(version);
    let path = folder.join(program);
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    println!("peers: building {package}@{version}");
    let built =
        quiet(Command::new("go").args(["install", &format!("{package}@{version}")]).env("GOBIN", &folder));
    match built {
        Ok(()) if path.is_file() => Ok(path),
        Ok(()) => Err(absent(package, "the build left no program")),
        Err(why) => Err(absent(package, &why)),
    }
}

/// A package of npm, installed below `target/` once and without its scripts: the folder of its modules.
///
/// # Errors
/// [`Absent`] when npm is not here or the package cannot be installed.
pub(crate) fn npm(machine: &Machine, package: &str, version: &str) -> Result<PathBuf> {
    let folder = machine.target().join("peers/npm").join(format!("{package}-{version}"));
    let modules = folder.join("node_modules");
    let whole = modules.join(package).join("package.json");
    if whole.is_file() {
        return Ok(modules);
    }
    let npm = find("npm").ok_or_else(|| absent("npm", "not on the path"))?;
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    println!("peers: installing {package}@{version}");
    let mut install = Command::new(npm);
    install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix"]);
    match quiet(install.arg(&folder).arg(format!("{package}@{version}"))) {
        Ok(()) if whole.is_file() => Ok(modules),
        Ok(()) => Err(absent(package, "the installation left no package")),
        Err(why) => Err(absent(package, &why)),
    }
}

/// Packages of npm exactly as a lock file says, installed below `target/` once and without their scripts: the folder that has
/// `node_modules`.
///
/// # Errors
/// [`Absent`] when npm is not here or a package cannot be installed.
pub(crate) fn npm_locked(machine: &Machine, name: &str, package: &str, lock: &str) -> Result<PathBuf> {
    let folder = machine.target().join("peers/npm").join(name);
    let (done, kept) = (folder.join("node_modules/.package-lock.json"), folder.join("package-lock.json"));
    if done.is_file() && std::fs::read(&kept).is_ok_and(|kept| kept == lock.as_bytes()) {
        return Ok(folder);
    }
    let npm = find("npm").ok_or_else(|| absent("npm", "not on the path"))?;
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    for (file, text) in [("package.json", package), ("package-lock.json", lock)] {
        let path = folder.join(file);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    println!("peers: installing the packages of {name}");
    let mut install = Command::new(npm);
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    match quiet(&mut install) {
        Ok(()) if done.is_file() => Ok(folder),
        Ok(()) => Err(absent(name, "the installation left no packages")),
        Err(why) => {
            // Else the next run would take what is half there for the whole.
            drop(std::fs::remove_file(&kept));
            Err(absent(name, &why))
        }
    }
}

/// What is not here, and why.
pub(crate) fn absent(program: &str, why: &str) -> anyhow::Error {
    Absent { program: program.into(), why: why.into() }.into()
}

/// Where a program is on the path, or among the programs that an administrator has.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push(Path::new("/usr/sbin").into());
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Runs a command and keeps its last line for the case that it fails.
fn quiet(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(text.lines().last().map_or_else(|| output.status.to_string(), String::from))
}
