//! The threat model names a test for each defence, the design one for each fault (`test: path::name`); each of them is in
//! the sources.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::source;
use crate::workspace::{Workspace, expect_none, say};

/// Looks for every test that the threat model and the design name.
///
/// # Errors
/// Fails with every name that no source file under its path defines.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut functions = Vec::new();
    for path in source::files(&workspace.root, "rs")? {
        functions.push((path.clone(), defined(&source::read(&path)?)));
    }
    for document in DOCUMENTS {
        let named = named(&source::read(&workspace.root.join(document))?);
        ensure!(!named.is_empty(), "{document} names no test");
        let missing = named.iter().filter(|test| !is_defined(test, &functions, &workspace.root));
        let missing: Vec<String> = missing.map(|test| format!("{}::{}", test.path, test.function)).collect();
        expect_none(&format!("tests that {document} names and nobody wrote"), &missing)?;
        say("tests-of-threats", format_args!("{document}: {} tests, all there", named.len()));
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// A file or folder, or a module path such as `sillok_log::note::tests`.
    path: String,
    function: String,
}

/// Every `path::name` of the comma-separated lists that follow `test:`, in code marks or not.
fn named(document: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for list in document.lines().flat_map(|line| line.split("test:").skip(1)) {
        let items = list.split(',').map(|item| item.split_whitespace().next().unwrap_or_default());
        let items = items.map(|item| item.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'));
        // The list ends at the first item that is not of the form.
        let tests = items.map_while(|item| item.rsplit_once("::"));
        found.extend(tests.map(|(path, function)| Named { path: path.into(), function: function.into() }));
    }
    found
}

/// The names of all functions that the code defines.
fn defined(code: &str) -> Vec<String> {
    let tokens = source::tokens(code);
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [keyword, name] if keyword.text == "fn" => Some(name.text.clone()),
        _ => None,
    });
    pairs.collect()
}

fn is_defined(test: &Named, functions: &[(PathBuf, Vec<String>)], root: &Path) -> bool {
    let is_place = test.path.contains('/') || test.path.ends_with(".rs");
    let in_place = |path: &Path| {
        let inside = path.strip_prefix(root).unwrap_or(path);
        // `registry/log/src/note` stands for `note.rs` and for what is below `note/`.
        inside.starts_with(&test.path) || inside.with_extension("") == Path::new(&test.path)
    };
    let named = |(path, names): &(PathBuf, Vec<String>)| {
        (!is_place || in_place(path)) && names.contains(&test.function)
    };
    functions.iter().any(named)
}

/// Attacks with their defences, and faults with what recovery does: each names what shows it.
const DOCUMENTS: [&str; 2] = ["specs/threat-model.md", "specs/design.md"];

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Named, defined, is_defined, named};

    fn test(path: &str, function: &str) -> Named {
        Named { path: path.into(), function: function.into() }
    }

    #[test]
    fn names_are_found_in_tables_and_lists() {
        let document = "| a | test: `tests/crash/main.rs::killed`, `log::note::tests::twice` |\ntest: a/b::c. The test: none\n";
        let expected =
            [test("tests/crash/main.rs", "killed"), test("log::note::tests", "twice"), test("a/b", "c")];
        assert_eq!(named(document), expected);
    }

    #[test]
    fn a_function_counts_under_its_path_only() {
        let code = "// fn prose() {}\n#[test]\nfn killed() {}\n";
        let functions = [(PathBuf::from("/w/tests/crash/main.rs"), defined(code))];
        let is_there = |path: &str, name: &str| is_defined(&test(path, name), &functions, Path::new("/w"));
        assert!(is_there("tests/crash/main.rs", "killed") && is_there("tests/crash", "killed"));
        assert!(is_there("tests/crash/main", "killed") && is_there("crash::tests", "killed"));
        assert!(!is_there("tests/e2e", "killed") && !is_there("tests/crash", "prose"));
    }
}
