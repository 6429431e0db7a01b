//! How large things may grow: lines of a file, crates under those that apps embed.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::source;
use crate::workspace::{Workspace, expect_none, output, say};

/// Checks the length of every source file and the dependency trees of the crates that apps embed.
///
/// # Errors
/// Fails with every file and crate that is over its limit or banned.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    lines(workspace)?;
    EMBEDDED.iter().try_for_each(|(name, most)| tree(workspace, name, *most))
}

fn lines(workspace: &Workspace) -> Result<()> {
    let (mut findings, mut count) = (Vec::new(), 0);
    for path in source::files(&workspace.root, "rs")? {
        count += 1;
        let lines = source::read(&path)?.lines().count();
        if lines > MAX_LINES {
            findings.push(format!("{}: {lines} lines", workspace.relative(&path)));
        }
    }
    expect_none(&format!("source files over {MAX_LINES} lines"), &findings)?;
    say("arrows", format_args!("{count} source files of at most {MAX_LINES} lines"));
    Ok(())
}

fn tree(workspace: &Workspace, name: &str, most: usize) -> Result<()> {
    let arguments = ["tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none"];
    let tree = output(&mut workspace.cargo_command(&arguments))?;
    let crates = unique(&tree);
    let banned = |line: &&&str| line.split(' ').next().is_some_and(|name| BANNED.contains(&name));
    let findings: Vec<String> = crates.iter().filter(banned).map(|line| String::from(*line)).collect();
    expect_none(&format!("crates that {name} must not bring"), &findings)?;
    if crates.len() > most {
        let all: Vec<String> = crates.iter().map(|line| String::from(*line)).collect();
        expect_none(&format!("crates under {name}, at most {most}"), &all)?;
    }
    say("arrows", format_args!("{} crates under {name}, at most {most}", crates.len()));
    Ok(())
}

/// The packages of a `cargo tree`; ` (*)` marks one that was printed before.
fn unique(tree: &str) -> BTreeSet<&str> {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)").trim_end());
    lines.filter(|line| !line.is_empty()).collect()
}

/// A room that people can hold in their head (specs/design.md).
const MAX_LINES: usize = 600;

/// Authors of apps read what they embed. The slim set of the verifier was 44 when measured; the language of the rules is
/// published by itself.
const EMBEDDED: [(&str, usize); 2] = [("sillok-certlogic", 25), ("sillok-verifier", 60)];

/// Runtimes, C libraries and network clients.
const BANNED: [&str; 13] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "hyper",
    "josekit",
    "mio",
    "openssl",
    "openssl-sys",
    "reqwest",
    "ring",
    "rustls",
    "ssi",
    "tokio",
    "ureq",
];

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn a_crate_is_counted_once() {
        let tree = "a v1.0.0 (/x/a)\nb v1.0.0\nc v2.0.0\nb v1.0.0 (*)\nb v2.0.0\n";
        assert_eq!(unique(tree).len(), 4);
    }
}
