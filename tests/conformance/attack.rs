//! The attack list of `specs/threat-model.md`: every row is shown, by files whose names begin with the row's or by a test
//! that it names, and every file belongs to a row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sillok_tests::vectors::Vector;

use crate::files::{Outcome, load, specs};
use crate::verify;

/// A bundle alone, or everything that a door is shown.
pub(crate) fn run(vector: &Vector) -> Outcome {
    if vector.get("credential").is_some() { verify::run(vector) } else { verify::run_trust(vector) }
}

/// A row: its name, how many files it says, and whether it names a test.
struct Row {
    name: String,
    files: usize,
    has_test: bool,
}

fn rows() -> Vec<Row> {
    let path = specs().join("threat-model.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let (_before, section) = text.split_once("\n## Attack list\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, _attack, _known, files, test] = cells[..] else { panic!("five cells in {line}") };
            Row {
                name: name.trim_matches('`').to_owned(),
                files: files.parse().unwrap_or_else(|error| panic!("files of {name}: {error}")),
                has_test: test.starts_with("test: "),
            }
        })
        .collect()
}

/// The row whose name the file's begins with; the longest, where there are several.
fn row_of<'r>(name: &str, rows: &'r [Row]) -> Option<&'r str> {
    let names = rows.iter().map(|row| row.name.as_str());
    let own = names
        .filter(|row| name.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
    own.max_by_key(|row| row.len())
}

#[test]
fn every_attack_is_shown() {
    let rows = rows();
    assert!(rows.len() >= 26, "{} rows", rows.len());
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "a row is there twice");
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in load("attack") {
        let row = row_of(&vector.name, &rows).unwrap_or_else(|| panic!("no row for attack/{}", vector.name));
        *counted.entry(row).or_default() += 1;
    }
    for row in &rows {
        let files = counted.get(row.name.as_str()).copied().unwrap_or_default();
        assert_eq!(files, row.files, "files of row {}", row.name);
        assert!(files > 0 || row.has_test, "row {} is shown by nothing", row.name);
    }
}

/// An attack is there to fail. The few that are valid show that what looks like one is none.
#[test]
fn few_attacks_end_well() {
    let all = load("attack");
    let good: Vec<&str> = all
        .iter()
        .filter(|vector| vector.expect == "valid" || vector.expect == "ok")
        .map(|vector| vector.name.as_str())
        .collect();
    assert!(good.len() * 8 < all.len(), "{} of {} end well: {good:?}", good.len(), all.len());
}

/// Three places where a token is read, and four kinds of tokens: each is refused where another belongs. The fourth place is the
/// issuer's door, where a client proves itself.
#[test]
fn no_kind_of_token_is_read_as_another() {
    let all = load("attack");
    let mut refused = 0;
    for place in ["credential", "key-binding", "status-list"] {
        for kind in ["credential", "key-binding", "status-list", "key-proof"] {
            if kind == place {
                continue;
            }
            let name = format!("typ-{kind}-as-{place}");
            let vector =
                all.iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no attack/{name}"));
            assert_ne!(vector.expect, "valid", "{name}");
            refused += 1;
        }
    }
    assert_eq!(refused, 9);
}
