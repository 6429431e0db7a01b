//! The vectors as a whole: every code of the specifications is shown, every citation leads somewhere, every folder is
//! run, and what the generator writes is what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sillok_tests::vectors::{Vector, all, write_all};

use crate::files::{Outcome, failure, load, meets, specs};

const TOPICS: [&str; 25] = [
    "attack",
    "authorities",
    "checkpoint",
    "cosignature",
    "credential",
    "date",
    "delta",
    "entry",
    "evidence",
    "foreign",
    "landmark",
    "ledger",
    "note",
    "packed",
    "policy",
    "presentation",
    "receipt",
    "rules",
    "status",
    "subtree",
    "tile",
    "tree",
    "trust",
    "verify",
    "witness",
];

fn spec(file: &str) -> String {
    fs::read_to_string(specs().join(file)).unwrap_or_else(|error| panic!("read specs/{file}: {error}"))
}

/// The text of one section, up to the next heading of the same level.
fn section(file: &str, heading: &str) -> String {
    let text = spec(file);
    let start =
        text.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("{file} has no {heading:?}"));
    let rest = &text[start + 1..];
    rest[..rest.find("\n## ").unwrap_or(rest.len())].to_owned()
}

/// The cells of a table's rows.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let lines = section.lines().filter(|line| line.starts_with("| "));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`').filter(|code| code.contains('.'))
}

fn expectations(topic: &str) -> BTreeSet<String> {
    load(topic).into_iter().map(|vector| vector.expect).collect()
}

#[test]
fn every_verdict_of_the_table_is_shown() {
    let section = section("verification.md", "Rules");
    let shown = expectations("verify");
    let mut missing = Vec::new();
    let mut count = 0;
    for row in rows(&section) {
        let [_number, _rule, cell, verdict] = row[..] else { continue };
        let Some(code) = code(cell) else { continue };
        count += 1;
        let value = if verdict.starts_with("cannot tell") { "cannot tell" } else { "not valid" };
        if !shown.contains(&format!("{value} {code}")) {
            missing.push(format!("{value} {code}"));
        }
    }
    assert!(count > 30, "the table of specs/verification.md has its rows");
    assert!(missing.is_empty(), "no vector shows {missing:?}");
    assert!(shown.contains("valid"));
}

#[test]
fn every_refusal_of_the_ledger_is_shown() {
    let section = section("entry.md", "Ledger rules");
    let shown = expectations("ledger");
    let rows = rows(&section);
    let codes: Vec<&str> =
        rows.iter().filter_map(|row| code(row.last()?)).chain(["submitter.not-authorised"]).collect();
    let missing: Vec<_> = codes.iter().filter(|code| !shown.contains(&format!("error {code}"))).collect();
    assert!(codes.len() > 15, "the table of specs/entry.md has its rows");
    assert!(missing.is_empty(), "no vector shows {missing:?}");
}

#[test]
fn every_error_of_opening_is_shown() {
    let section = section("trust-bundle.md", "Opening");
    let shown = expectations("trust");
    let codes: BTreeSet<&str> = section.split('`').filter(|word| word.starts_with("trust.")).collect();
    let missing: Vec<_> = codes.iter().filter(|code| !shown.contains(&format!("error {code}"))).collect();
    assert!(codes.len() > 15, "specs/trust-bundle.md names its errors");
    assert!(missing.is_empty(), "no vector shows {missing:?}");
}

#[test]
fn every_error_of_a_delta_is_shown() {
    let section = section("trust-bundle.md", "Delta");
    let shown = expectations("delta");
    let codes: BTreeSet<&str> = section.split('`').filter(|word| word.starts_with("trust.")).collect();
    let missing: Vec<_> = codes.iter().filter(|code| !shown.contains(&format!("error {code}"))).collect();
    assert_eq!(codes.len(), 3, "specs/trust-bundle.md names the errors of a delta");
    assert!(missing.is_empty(), "no vector shows {missing:?}");
}

/// The anchor of a heading, as the renderers of Markdown make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_spec_line_names_a_heading() {
    let mut anchors: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for vector in TOPICS.iter().flat_map(|topic| load(topic)) {
        let Vector { topic, name, spec: cited, .. } = &vector;
        let (file, fragment) =
            cited.split_once('#').unwrap_or_else(|| panic!("{topic}/{name}: spec {cited:?}"));
        let known = anchors.entry(file.to_owned()).or_insert_with(|| {
            let text = spec(file);
            let headings = text.lines().filter(|line| line.starts_with('#'));
            headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
        });
        assert!(known.contains(fragment), "{topic}/{name}: {file} has no heading #{fragment}");
    }
}

#[test]
fn every_folder_is_run() {
    let listing = fs::read_dir(specs().join("vectors")).expect("specs/vectors is there");
    let folders: BTreeSet<String> = listing
        .map(|item| item.expect("a readable folder").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, TOPICS.map(str::to_owned).into());
}

#[test]
fn generating_again_makes_no_difference() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let count = write_all(fresh.path()).expect("vectors are written");
    let kept: usize = TOPICS.iter().filter(|topic| **topic != "foreign").map(|topic| load(topic).len()).sum();
    assert_eq!(count, kept, "files that the generator writes, and files that are kept");
    for vector in all() {
        let place = Path::new(&vector.topic).join(format!("{}.txt", vector.name));
        let read = |folder: &Path| fs::read_to_string(folder.join(&place)).unwrap_or_default();
        assert!(read(fresh.path()) == read(&specs().join("vectors")), "{} differs", place.display());
        assert_eq!(Vector::parse(&vector.topic, &vector.name, &read(fresh.path())).as_ref(), Ok(&vector));
    }
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeSet::new();
    for Vector { topic, name, .. } in all() {
        assert!(seen.insert((topic.clone(), name.clone())), "{topic}/{name} is written twice");
    }
}

#[test]
fn a_success_is_no_error_and_a_code_no_other() {
    assert!(meets("ok", "ok"));
    assert!(meets("error", "error"));
    assert!(meets("error", "error log.unknown"));
    assert!(meets("not valid status.revoked", "not valid status.revoked"));
    let wrong = [
        ("error", "ok"),
        ("ok", "error"),
        ("error log.unknown", "error"),
        ("error log.unknown", "error log.fork"),
        ("not valid status.revoked", "cannot tell status.revoked"),
        ("cannot tell log.fork", "valid"),
        ("valid", "ok"),
        ("okay", "ok"),
    ];
    for (expect, found) in wrong {
        let vector = Vector::new("topic", "name", expect, "log.md#tree", "a comment");
        assert!(failure(&vector, &Ok(found.into())).is_some(), "{expect:?} is not met by {found:?}");
    }
    let vector = Vector::new("topic", "name", "ok", "log.md#tree", "a comment");
    let difference: Outcome = Err("digest differs".into());
    assert!(failure(&vector, &difference).is_some());
}

#[test]
fn a_header_is_its_three_keys() {
    let parse = |file: &str| Vector::parse("topic", "name", file);
    let good = "expect: ok\nspec: log.md#tree\ncomment: a comment\n\n-- a.hex --\n00ff\n-- b --\ntext\n-- c.line --\nline\n";
    let vector = parse(good).expect("a good file");
    assert_eq!(vector.get("a"), Some(&[0, 0xff][..]));
    assert_eq!(vector.get("b"), Some(&b"text\n"[..]));
    assert_eq!(vector.get("c"), Some(&b"line"[..]));
    assert_eq!(vector.render(), good);
    let bad = [
        good.replace("comment", "remark"),
        good.replace("comment: a comment\n", ""),
        good.replace("comment: a comment", "comment: a comment\nmode: easy"),
        good.replace("spec: log.md#tree\n", "").replace("expect: ok", "expect: ok\nexpect: ok"),
        good.replace("expect: ok\nspec: log.md#tree", "spec: log.md#tree\nexpect: ok"),
        good.replace("00ff", "00f"),
        good.replace("00ff", "00fg"),
        good.replace("\n\n", "\n"),
        good.replace("line\n", "line\nline\n"),
    ];
    for file in bad {
        assert!(parse(&file).is_err(), "{file}");
    }
}
