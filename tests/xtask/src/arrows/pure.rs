//! What "pure" means, checked in the sources: nothing under `src/` names a clock, file, socket or thread.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::PURE_CRATES;
use crate::source::{self, Token};
use crate::workspace::{Workspace, expect_none, say};

/// Checks the pure crates, and every other file that says `//! Pure.` of itself.
///
/// # Errors
/// Fails with every word that a pure file may not name, and every mark of a pure crate that is missing.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut findings = Vec::new();
    let mut checked = 0;
    let folders = pure_folders(workspace)?;
    for path in source::files(&workspace.root, "rs")? {
        let in_crate = folders.iter().any(|folder| path.starts_with(folder));
        let text = source::read(&path)?;
        let says_pure = text.starts_with(MARK);
        if !in_crate && !says_pure {
            continue;
        }
        checked += 1;
        let shown = workspace.relative(&path);
        if in_crate && !says_pure {
            findings.push(format!("{shown}: the first line does not begin with `{MARK}`"));
        }
        let place = if in_crate { Place::PureCrate } else { Place::PureFile };
        findings.extend(impurities(&text, place).iter().map(|found| format!("{shown}:{found}")));
        if in_crate && is_crate_root(&path) && !declares_no_std(&text) {
            findings.push(format!("{shown}: lacks `#![no_std]`"));
        }
    }
    expect_none("impurities", &findings)?;
    say("arrows", format_args!("{checked} pure files name no clock, file, socket or thread"));
    Ok(())
}

/// The `src/` folders of the pure crates; a pure crate has no cargo features.
fn pure_folders(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let packages = workspace.metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("metadata has no `packages`")?;
    let (mut folders, mut findings) = (Vec::new(), Vec::new());
    for name in PURE_CRATES {
        let ours = |package: &&Value| package.get("name").and_then(Value::as_str) == Some(name);
        let package = packages.iter().find(ours).with_context(|| format!("no crate `{name}`"))?;
        let manifest = package.get("manifest_path").and_then(Value::as_str).map(Path::new);
        let folder = manifest.and_then(Path::parent).with_context(|| format!("`{name}` has no folder"))?;
        folders.push(folder.join("src"));
        let features = package.get("features").and_then(Value::as_object);
        for feature in features.into_iter().flat_map(serde_json::Map::keys) {
            findings.push(format!("{name}: feature `{feature}`"));
        }
    }
    expect_none("cargo features in pure crates", &findings)?;
    Ok(folders)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A crate without the standard library.
    PureCrate,
    /// A pure file in a crate that has it, and may use its collections.
    PureFile,
}

/// Every forbidden word in the code, as `LINE: WORD`.
fn impurities(code: &str, place: Place) -> Vec<String> {
    let tokens = source::tokens(code);
    let mut findings = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let beside = |index: Option<usize>, mark: &str| {
            index.and_then(|index| tokens.get(index)).is_some_and(|token: &Token| token.text == mark)
        };
        let in_path = beside(at.checked_sub(1), "::") || beside(at.checked_add(1), "::");
        let word = token.text.as_str();
        let forbidden = WORDS.contains(&word)
            || (in_path && MODULES.contains(&word))
            || (place == Place::PureCrate && CRATE_WORDS.contains(&word));
        if forbidden {
            findings.push(format!("{}: `{word}`", token.line));
        }
    }
    findings
}

fn declares_no_std(code: &str) -> bool {
    let texts: Vec<String> = source::tokens(code).into_iter().map(|token| token.text).collect();
    texts.windows(5).any(|window| window == ["#", "!", "[", "no_std", "]"])
}

fn is_crate_root(path: &Path) -> bool {
    path.ends_with("src/lib.rs")
}

const MARK: &str = "//! Pure.";

/// Forbidden wherever they stand: clocks, files, sockets, threads, randomness, terminals, and crates that bring them.
const WORDS: [&str; 29] = [
    "Condvar",
    "File",
    "Instant",
    "JoinHandle",
    "OpenOptions",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixListener",
    "UnixStream",
    "actix_web",
    "dbg",
    "eprint",
    "eprintln",
    "fs",
    "getrandom",
    "jiff",
    "libc",
    "openssl",
    "print",
    "println",
    "rand",
    "rustix",
    "sled",
    "stdin",
    "tokio",
    "ureq",
];

/// Forbidden as part of a path: alone they are ordinary names.
const MODULES: [&str; 5] = ["env", "io", "net", "process", "thread"];

/// Forbidden in a pure crate only.
const CRATE_WORDS: [&str; 2] = ["macro_rules", "std"];

#[cfg(test)]
mod tests {
    use super::{Place, declares_no_std, impurities};

    #[test]
    fn a_forbidden_word_is_named_with_its_line() {
        let code = "use core::fmt;\nuse std::time::SystemTime;\n";
        assert_eq!(impurities(code, Place::PureCrate), ["2: `std`", "2: `SystemTime`"]);
        assert_eq!(impurities(code, Place::PureFile), ["2: `SystemTime`"]);
    }

    #[test]
    fn whole_words_only_and_no_prose() {
        let code =
            "// std::fs and a thread\nfn profile(env: u8, File_: u8) -> &str { \"File\" } struct Profile;";
        assert!(impurities(code, Place::PureCrate).is_empty());
    }

    #[test]
    fn a_module_counts_in_a_path_only() {
        assert_eq!(impurities("let net = 1; thread::spawn(net)", Place::PureFile), ["1: `thread`"]);
        assert_eq!(impurities("use std::{fs, io::Read}", Place::PureFile), ["1: `fs`", "1: `io`"]);
    }

    #[test]
    fn no_std_in_a_comment_is_no_declaration() {
        assert!(declares_no_std("//! Pure.\n#![no_std]\n"));
        assert!(!declares_no_std("// #![no_std]\n#![cfg_attr(test, no_std)]\n"));
    }
}
