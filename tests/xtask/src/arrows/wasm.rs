//! Builds the pure crates for wasm32: the proof that they need no operating system.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, output, say, succeed};

/// Neither rustup nor Debian could provide the target: the check says so instead of passing.
#[derive(Debug)]
pub(crate) struct WasmAbsent;

impl fmt::Display for WasmAbsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "wasm32 target absent: neither `rustup target add` nor Debian's rustc-web could provide it",
        )
    }
}

impl std::error::Error for WasmAbsent {}

/// Builds the libraries of these crates for wasm32-unknown-unknown.
///
/// # Errors
/// Fails when a build does, or with [`WasmAbsent`].
pub(super) fn check(workspace: &Workspace, crates: &[&str]) -> Result<()> {
    let (mut command, _folder) = cargo(workspace, "core,alloc")?;
    command.args(["build", "--quiet", "--locked", "--lib"]);
    command.args(crates.iter().flat_map(|name| ["-p", name]));
    succeed(&mut command).context("build the pure crates for wasm32")?;
    say("arrows", format_args!("{} build for {TARGET}", crates.join(", ")));
    Ok(())
}

/// A cargo that builds for wasm32 into the folder beside it. `library` is what of the standard library is built where the
/// compiler does not bring it.
///
/// # Errors
/// Fails with [`WasmAbsent`].
pub(crate) fn cargo(workspace: &Workspace, library: &str) -> Result<(Command, PathBuf)> {
    let (mut command, route) = match compiler(workspace)? {
        Route::Rustup => (workspace.cargo_command(&[]), "rustup"),
        Route::Debian(folder) => (debian_cargo(workspace, &folder)?, "rustc-web of Debian"),
        Route::None => {
            println!("arrows: {WasmAbsent}");
            return Err(WasmAbsent.into());
        }
    };
    say("wasm32", format_args!("compiler by {route}"));
    // A folder of its own: the two compilers must not share one with each other, or with other builds.
    let folder = workspace.target.join("wasm");
    command.env("CARGO_BUILD_TARGET", TARGET).env("CARGO_TARGET_DIR", &folder);
    if route != "rustup" {
        command.env("CARGO_UNSTABLE_BUILD_STD", library);
    }
    Ok((command, folder))
}

enum Route {
    Rustup,
    /// The folder that holds `rustc` and `cargo` of the packages `rustc-web` and `cargo-web`.
    Debian(PathBuf),
    None,
}

/// First hit wins: the target is there, rustup brings it, or Debian has a compiler that can build its library.
fn compiler(workspace: &Workspace) -> Result<Route> {
    if has_target(workspace)? {
        return Ok(Route::Rustup);
    }
    if quiet_success(Command::new("timeout").args(["120", "rustup", "target", "add", TARGET]))
        && has_target(workspace)?
    {
        return Ok(Route::Rustup);
    }
    println!("arrows: rustup did not bring {TARGET}, trying Debian's packages");
    if let Some(folder) = debian_folder() {
        return Ok(Route::Debian(folder));
    }
    // Installing needs root; where it is refused, the folder is still missing afterwards.
    for arguments in [&["update", "-qq"][..], &APT_INSTALL] {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        if !quiet_success(&mut apt) {
            println!("arrows: `apt-get {}` did not succeed", arguments.join(" "));
        }
    }
    Ok(debian_folder().map_or(Route::None, Route::Debian))
}

fn has_target(workspace: &Workspace) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", TARGET]).current_dir(&workspace.root);
    Ok(Path::new(output(&mut command)?.trim()).is_dir())
}

/// Where Debian put the compiler: outside the search path, so only its package knows.
fn debian_folder() -> Option<PathBuf> {
    let list = Command::new("dpkg").args(["-L", "rustc-web"]).output().ok()?;
    let list = String::from_utf8(list.stdout).ok()?;
    let rustc = list.lines().find(|line| line.ends_with("/bin/rustc"))?;
    let folder = Path::new(rustc).parent()?;
    folder.join("cargo").is_file().then(|| folder.to_path_buf())
}

/// Debian's cargo with Debian's compiler; the library of the target is built from source beside the crates.
fn debian_cargo(workspace: &Workspace, folder: &Path) -> Result<Command> {
    let versions = ["rustc-web", "rust-web-src"]
        .map(|package| output(Command::new("dpkg-query").args(["-W", "-f", "${Version}", package])));
    let [compiler, library] = versions;
    let (compiler, library) = (compiler?, library?);
    // A standard library belongs to exactly one compiler.
    anyhow::ensure!(compiler == library, "rustc-web is {compiler} but rust-web-src is {library}");
    let mut command = Command::new(folder.join("cargo"));
    command.current_dir(&workspace.root);
    // Without RUSTC Debian's cargo calls the rustup proxy first on the path.
    command.env("RUSTC", folder.join("rustc")).env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTUP_TOOLCHAIN");
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
    Ok(command)
}

/// Whether the command ran and succeeded; what it prints is not shown.
fn quiet_success(command: &mut Command) -> bool {
    command.stdin(std::process::Stdio::null()).output().is_ok_and(|output| output.status.success())
}

const TARGET: &str = "wasm32-unknown-unknown";

const APT_INSTALL: [&str; 7] =
    ["install", "-y", "--no-install-recommends", "rustc-web", "cargo-web", "rust-web-src", "lld-19"];
