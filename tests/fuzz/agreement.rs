//! The table, the tests and the binaries of the shell name the same targets.

use std::fmt::Write as _;

use crate::table::TABLE;

#[test]
fn table_tests_and_shell_agree() {
    let names: Vec<&str> = TABLE.iter().map(|target| target.name).collect();
    let marked = TESTS.lines().zip(TESTS.lines().skip(1)).filter(|(mark, _)| *mark == "#[test]");
    let tests: Vec<&str> =
        marked.filter_map(|(_, line)| line.strip_prefix("fn ")?.strip_suffix("() {")).collect();
    assert_eq!(tests, names, "the tests of main.rs");

    let binaries = names.iter().fold(String::new(), |mut text, name| {
        write!(text, "\n[[bin]]\nname = \"{name}\"\n{SETTINGS}").expect("a string takes everything");
        text
    });
    let from = SHELL.find("\n[[bin]]").expect("shell/Cargo.toml has binaries");
    assert_eq!(&SHELL[from..], binaries, "the binaries of shell/Cargo.toml");
}

#[test]
fn seeds_fit_into_what_the_shell_takes() {
    for target in &TABLE {
        let longest = (target.corpus)().iter().map(Vec::len).max().expect("a corpus");
        assert!(longest <= target.max_bytes, "{}: a seed of {longest} bytes", target.name);
    }
}

const TESTS: &str = include_str!("main.rs");

const SHELL: &str = include_str!("shell/Cargo.toml");

/// All binaries have one source, and none of them is run by `cargo test`.
const SETTINGS: &str = "path = \"target.rs\"\ntest = false\ndoc = false\nbench = false\n";
