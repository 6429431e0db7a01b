//! specs/vectors: written by the generator of the tests, never by hand, so that regenerating changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::source;
use crate::workspace::{Workspace, expect_none, say};

/// Regenerates into a temporary folder and compares with specs/vectors, file by file.
///
/// # Errors
/// Fails with every file that differs, is missing, or is there without being generated.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let fresh = contents(&generate(workspace)?)?;
    let kept = contents(&workspace.root.join(VECTORS))?;
    expect_none("differences between specs/vectors and its generator", &differences(&fresh, &kept))?;
    say("vectors", format_args!("{} files regenerate without a difference", fresh.len()));
    Ok(())
}

/// Regenerates and makes specs/vectors equal to the result; foreign vectors are left alone.
///
/// # Errors
/// Fails when the generator does, or a file cannot be written.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let fresh = contents(&generate(workspace)?)?;
    let folder = workspace.root.join(VECTORS);
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let kept = contents(&folder)?;
    for finding in differences(&fresh, &kept) {
        say("vectors", format_args!("{finding}"));
    }
    for (name, bytes) in fresh.iter().filter(|(name, bytes)| kept.get(*name) != Some(*bytes)) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
    }
    for name in kept.keys().filter(|name| !fresh.contains_key(*name)) {
        let path = folder.join(name);
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    say("vectors", format_args!("{} files", fresh.len()));
    Ok(())
}

/// Runs the generator into an empty folder below the target folder.
fn generate(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("vectors");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let shown = folder.to_str().context("the target folder's path is not UTF-8")?;
    workspace.cargo(&["run", "-q", "-p", "sillok-tests", "--bin", "vectors", "--", shown])?;
    ensure!(!source::all_files(&folder)?.is_empty(), "the generator wrote no vector");
    Ok(folder)
}

/// Every file below the folder by its path in it, but for the foreign ones.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut contents = BTreeMap::new();
    for path in source::all_files(folder)? {
        let name =
            path.strip_prefix(folder).with_context(|| format!("{} left its folder", path.display()))?;
        if !name.starts_with(FOREIGN) {
            let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            contents.insert(name.to_path_buf(), bytes);
        }
    }
    Ok(contents)
}

fn differences(fresh: &BTreeMap<PathBuf, Vec<u8>>, kept: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, bytes) in fresh {
        match kept.get(name) {
            None => findings.push(format!("missing: {}", name.display())),
            Some(kept) if kept != bytes => findings.push(format!("differs: {}", name.display())),
            Some(_) => {}
        }
    }
    let extra = kept.keys().filter(|name| !fresh.contains_key(*name));
    findings.extend(extra.map(|name| format!("not generated: {}", name.display())));
    findings
}

const VECTORS: &str = "specs/vectors";

/// Vectors that others made, kept with their licence.
const FOREIGN: &str = "foreign";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::differences;

    fn folder(files: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
        files.iter().map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let fresh = folder(&[("note/a.txt", "1"), ("note/b.txt", "2"), ("note/c.txt", "3")]);
        let kept = folder(&[("note/a.txt", "1"), ("note/b.txt", "changed"), ("old.txt", "4")]);
        assert_eq!(
            differences(&fresh, &kept),
            ["differs: note/b.txt", "missing: note/c.txt", "not generated: old.txt"]
        );
        assert!(differences(&fresh, &fresh).is_empty());
    }
}
