//! `sillok verify`: the vectors of `specs/vectors/verify` through the program, its exit codes and its words.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use program::{run, succeed};

/// A vector with one part of each kind at most.
struct Vector {
    expect: String,
    parts: BTreeMap<String, Vec<String>>,
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors/verify")
}

/// Reads a vector (specs/README.md, "Vectors").
fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    let expect = text.lines().next().and_then(|line| line.strip_prefix("expect: ")).unwrap().to_owned();
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.split_inclusive('\n') {
        let name = line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --\n"));
        if let Some(name) = name {
            parts.entry(name.to_owned()).or_default().push(String::new());
            open = Some(name.to_owned());
        } else if let Some(content) = open.as_ref().and_then(|name| parts.get_mut(name)?.last_mut()) {
            content.push_str(line);
        }
    }
    Vector { expect, parts }
}

impl Vector {
    /// Writes the parts to files and returns the arguments that name them.
    fn arguments(&self, folder: &Path) -> Option<Vec<String>> {
        let one = |name: &str| match self.parts.get(name).map(Vec::as_slice) {
            Some([content]) => Some(content.as_str()),
            _none_or_several => None,
        };
        let known =
            ["now.line", "trust", "credential.line", "receipt", "receipt.hex", "status", "status.line"];
        if !self.parts.iter().all(|(name, all)| {
            known.contains(&name.as_str()) && (name.starts_with("status") || all.len() == 1)
        }) {
            return None;
        }
        let seconds: i64 = one("now.line")?.trim().parse().unwrap();
        let now = jiff::Timestamp::from_second(seconds).unwrap().to_string();
        let mut arguments =
            vec!["verify".into(), "--json".into(), "--trust".into(), "trust".into(), "--now".into(), now];
        fs::write(folder.join("trust"), one("trust")?).unwrap();
        fs::write(folder.join("credential"), one("credential.line")?).unwrap();
        if let Some(receipt) = one("receipt") {
            fs::write(folder.join("receipt"), receipt).unwrap();
            arguments.extend(["--receipt".into(), "receipt".into()]);
        }
        if let Some(receipt) = one("receipt.hex") {
            let digits: String = receipt.split_whitespace().collect();
            let bytes =
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
            fs::write(folder.join("receipt"), bytes.collect::<Vec<u8>>()).unwrap();
            arguments.extend(["--receipt".into(), "receipt".into()]);
        }
        for (number, (name, content)) in self
            .parts
            .iter()
            .filter(|(name, _all)| name.starts_with("status"))
            .flat_map(|(name, all)| all.iter().map(move |content| (name, content)))
            .enumerate()
        {
            let content = if name == "status.line" { content.trim_end() } else { content };
            fs::write(folder.join(format!("status{number}")), content).unwrap();
            arguments.extend(["--status".into(), format!("status{number}")]);
        }
        arguments.push("credential".into());
        Some(arguments)
    }
}

#[test]
fn the_vectors_have_their_exit_codes_and_reasons() {
    let mut judged = 0;
    for entry in fs::read_dir(vectors()).unwrap() {
        let path = entry.unwrap().path();
        let vector = read(&path);
        let folder = tempfile::tempdir().unwrap();
        let Some(arguments) = vector.arguments(folder.path()) else { continue };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = run(folder.path(), &[], &arguments);
        let answer: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        let verdict = answer["verdict"].as_str().unwrap();
        let found = match answer["code"].as_str() {
            Some(code) => format!("{verdict} {code}"),
            None => verdict.to_owned(),
        };
        assert_eq!(found, vector.expect, "{}: {ended:?}", path.display());
        let code = match verdict {
            "valid" => 0,
            "not valid" => 1,
            _cannot_tell => 2,
        };
        assert_eq!(ended.code, Some(code), "{}", path.display());
        judged += 1;
    }
    assert!(judged >= 90, "only {judged} vectors were judged");
}

/// A valid case in a folder, without `--json`.
fn valid_case(folder: &Path) -> Vec<String> {
    let mut arguments = read(&vectors().join("valid.txt")).arguments(folder).unwrap();
    arguments.retain(|argument| argument != "--json");
    arguments
}

fn run_with(folder: &Path, arguments: &[String], more: &[&str]) -> program::Ended {
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    all.splice(1..1, more.iter().copied());
    run(folder, &[], &all)
}

#[test]
fn people_are_told_each_fact_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = valid_case(folder.path());
    let valid = succeed(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    for words in [
        "valid\n",
        "https://issuer.example",
        "log.example/sillok",
        "no witness was asked",
        "trusted because you named it",
    ] {
        assert!(valid.contains(words), "{words}: {valid}");
    }
    let trust = fs::read_to_string(folder.path().join("trust")).unwrap();
    let start = trust.find("authority.example/root1+").unwrap();
    let root = trust[start..].split('\\').next().unwrap().to_owned();
    let anchored = run_with(folder.path(), &arguments, &["--root", &root]);
    assert_eq!(anchored.code, Some(0), "{anchored:?}");
    assert!(!anchored.out.contains("because you named it"), "{}", anchored.out);

    let revoked = read(&vectors().join("revoked.txt")).arguments(folder.path()).unwrap();
    let revoked =
        run_with(folder.path(), &revoked.into_iter().filter(|one| one != "--json").collect::<Vec<_>>(), &[]);
    assert_eq!(revoked.code, Some(1), "{revoked:?}");
    assert!(
        revoked.out.contains("not valid: the credential was revoked (status.revoked)"),
        "{}",
        revoked.out
    );
}

#[test]
fn the_credential_may_come_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = valid_case(folder.path());
    arguments.pop();
    arguments.push("-".into());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let credential = fs::File::open(folder.path().join("credential")).unwrap();
    let output = program::command(folder.path(), &[], &arguments).stdin(credential).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn memory_is_kept_between_two_calls() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = valid_case(folder.path());
    let memory = folder.path().join("memory");
    assert_eq!(run_with(folder.path(), &arguments, &["--memory", "memory"]).code, Some(0));
    let kept = fs::read(&memory).unwrap();
    assert_eq!(run_with(folder.path(), &arguments, &["--memory", "memory"]).code, Some(0));
    assert_eq!(fs::read(&memory).unwrap(), kept);
    // A torn file is not an empty memory.
    fs::write(&memory, &kept[..kept.len() / 2]).unwrap();
    let torn = run_with(folder.path(), &arguments, &["--memory", "memory"]);
    assert_eq!(torn.code, Some(2), "{torn:?}");
    assert_eq!(fs::read(&memory).unwrap(), &kept[..kept.len() / 2]);
}

#[test]
fn a_command_line_that_is_wrong_is_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = valid_case(folder.path());
    let cases: &[&[&str]] = &[
        &["--status", "absent"],
        &["--memory", "."],
        &["--root", "nonsense"],
        &["--threshold", "1"],
        &["--root", "nonsense", "--threshold", "0"],
        &["--no-such-flag"],
    ];
    for more in cases {
        let refused = run_with(folder.path(), &arguments, more);
        assert_eq!(refused.code, Some(64), "{more:?}: {refused:?}");
        assert!(refused.out.is_empty() && !refused.err.is_empty(), "{refused:?}");
    }
    for now in ["yesterday", "2026-01-03", "1969-12-31T23:59:59Z"] {
        let refused = run(folder.path(), &[], &["verify", "--trust", "trust", "--now", now, "credential"]);
        assert_eq!(refused.code, Some(64), "{now}: {refused:?}");
    }
    fs::write(folder.path().join("trust"), "{}").unwrap();
    let unreadable = run_with(folder.path(), &arguments, &[]);
    assert_eq!(unreadable.code, Some(2), "{unreadable:?}");
    assert!(unreadable.out.contains("trust.malformed"), "{unreadable:?}");
}
