//! The workspace as `cargo metadata` tells it, and the commands that are run in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Root, output folder and metadata of the workspace.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds; everything that a check writes goes below it.
    pub(crate) target: PathBuf,
    /// The answer of `cargo metadata --locked`, all platforms.
    pub(crate) metadata: Value,
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder.
    ///
    /// # Errors
    /// Fails when cargo does, or when its answer lacks a member.
    pub(crate) fn load() -> Result<Self> {
        let mut command = Command::new(cargo_program());
        command.args(["metadata", "--locked", "--format-version", "1"]);
        let metadata: Value =
            serde_json::from_str(&output(&mut command)?).context("parse `cargo metadata`")?;
        let folder = |member: &str| {
            let text = metadata.get(member).and_then(Value::as_str);
            text.map(PathBuf::from).with_context(|| format!("`cargo metadata` has no `{member}`"))
        };
        let (root, target) = (folder("workspace_root")?, folder("target_directory")?);
        Ok(Self { root, target, metadata })
    }

    /// A cargo command that will run in the root.
    pub(crate) fn cargo_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_program());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Runs cargo in the root and shows what it prints.
    ///
    /// # Errors
    /// Fails when the command does, with the command named.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<()> {
        succeed(&mut self.cargo_command(arguments))
    }

    /// The path as people write it: relative to the root.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

/// Prints one line of a check.
pub(crate) fn say(check: &str, line: fmt::Arguments<'_>) {
    println!("{check}: {line}");
}

/// Fails with all findings, one a line, or passes when there is none.
///
/// # Errors
/// Fails when `findings` is not empty.
pub(crate) fn expect_none(what: &str, findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} {what}:\n  {}", findings.len(), findings.join("\n  "))
}

/// Runs a command and shows what it prints.
///
/// # Errors
/// Fails when the command cannot be started or ends with another status than 0.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output; its standard error is shown.
///
/// # Errors
/// Fails when the command cannot be started, ends with another status than 0, or prints no UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read what {} printed", shown(command)))
}

/// `cargo xtask` is run by cargo, which names itself; a bare run of the binary finds it on the path.
fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    format!("`{}`", words.join(" "))
}
