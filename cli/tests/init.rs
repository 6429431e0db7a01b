//! `sillok init`, `keys`, `config` and the help of every command.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use program::{run, succeed};

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_second_init_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &[], &["init", "--data", "d", "--origin", "log.example/a"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.err.contains("passphrase"), "{first:?}");
    let before = files(folder.path());
    for arguments in [&["init", "--data", "d"][..], &["init", "--data", "d/", "--origin", "log.example/a"]] {
        let again = run(folder.path(), &[], arguments);
        assert_eq!((again.code, again.err.as_str()), (Some(0), ""), "{again:?}");
        assert_eq!(again.out.replace("d/ is ready", "d is ready"), first.out);
        assert_eq!(files(folder.path()), before);
    }
    for (name, mode) in [("passphrase", 0o600), ("keys/log.pem", 0o600), ("keys", 0o700)] {
        let permissions = fs::metadata(folder.path().join("d").join(name)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{name}");
    }
    let key = succeed(folder.path(), &["keys", "show", "--data", "d", "--log-vkey"]);
    assert!(key.starts_with("log.example/a+") && key.lines().count() == 1, "{key}");
    let checkpoint = fs::read_to_string(folder.path().join("d/public/checkpoint")).unwrap();
    assert!(checkpoint.starts_with("log.example/a\n0\n"), "{checkpoint}");
    let list = succeed(folder.path(), &["keys", "list", "--data", "d"]);
    let names: Vec<&str> = list.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["administrator", "log", "operator", "submitter"]);
}

#[test]
fn an_interrupted_init_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d");
    succeed(folder.path(), &["init", "--data", "d", "--origin", "log.example/a"]);
    let key = succeed(folder.path(), &["keys", "show", "--data", "d", "--log-vkey"]);
    // As it would be before the settings, before a key, and before the checkpoint was written.
    for missing in ["sillok.toml", "keys/operator.pem", "public/checkpoint"] {
        fs::remove_file(data.join(missing)).unwrap();
        succeed(folder.path(), &["init", "--data", "d"]);
        assert!(data.join(missing).exists(), "{missing}");
        assert_eq!(succeed(folder.path(), &["keys", "show", "--data", "d", "--log-vkey"]), key);
    }
    succeed(folder.path(), &["fsck", "--data", "d"]);
}

#[test]
fn a_lost_head_is_never_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    fs::remove_file(folder.path().join("d.head")).unwrap();
    let refused = run(folder.path(), &[], &["init", "--data", "d"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let found = run(folder.path(), &[], &["fsck", "--data", "d"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("d.head"), "{found:?}");
}

#[test]
fn a_raw_log_is_told_by_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "r", "--raw", "--origin", "log.example/b"]);
    let key = succeed(folder.path(), &["keys", "show", "--data", "r", "--log-vkey"]);
    assert!(key.starts_with("log.example/b/raw+"), "{key}");
    succeed(folder.path(), &["init", "--data", "r", "--raw"]);
    succeed(folder.path(), &["init", "--data", "t"]);
    let cases: &[&[&str]] = &[
        &["init", "--data", "t", "--raw"],
        &["init", "--data", "t", "--origin", "log.example/c"],
        &["init", "--data", "t", "--public-url", "https://other.example"],
        &["init", "--data", "n", "--origin", "log.example/c/raw"],
        &["init", "--data", "n", "--origin", "has space"],
        &["init", "--data", "n", "--public-url", "ftp://x.example"],
        &["registry", "--data", "t", "--add-listen", "127.0.0.1:0"],
        &["registry", "--data", "t", "--listen", "0.0.0.0:0"],
        &["registry", "--data", "n"],
    ];
    for arguments in cases {
        let refused = run(folder.path(), &[], arguments);
        assert_eq!(refused.code, Some(64), "{arguments:?}: {refused:?}");
        assert!(!refused.err.is_empty());
    }
    assert!(!folder.path().join("n").exists(), "a refused init leaves nothing behind");
}

#[test]
fn a_passphrase_of_the_environment_stays_outside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "correct horse\n").unwrap();
    let variables = [("SILLOK_PASSPHRASE_FILE", "secret")];
    let made = run(folder.path(), &variables, &["init", "--data", "d"]);
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""), "{made:?}");
    assert!(!folder.path().join("d/passphrase").exists());
    // Nothing asks: without the variable there is no passphrase, and that is an error.
    let asked = run(folder.path(), &[], &["fsck", "--data", "d", "--rebuild-index"]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.err.contains("passphrase"), "{asked:?}");
    let rebuilt = run(folder.path(), &variables, &["fsck", "--data", "d", "--rebuild-index"]);
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
}

#[test]
fn config_says_where_each_value_came_from() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    let settings = folder.path().join("d/sillok.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("#linger_milliseconds = 2", "linger_milliseconds = 7")).unwrap();
    let variables = [("SILLOK_LOG_LEVEL", "debug"), ("SILLOK_LOG_LEVL", "debug")];
    let shown = run(folder.path(), &variables, &["config", "--data", "d", "--json"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.err.contains("SILLOK_LOG_LEVL"), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    let from = |name: &str| shown[name]["from"].as_str().unwrap().to_owned();
    assert_eq!(from("linger_milliseconds"), "file");
    assert_eq!(shown["linger_milliseconds"]["value"], 7);
    assert_eq!(shown["linger_milliseconds"]["default"], 2);
    assert_eq!(from("log_level"), "environment");
    assert_eq!(from("head"), "default");
    let plain = succeed(folder.path(), &["config", "--data", "d"]);
    assert!(plain.contains("linger_milliseconds = 7    # from file, default 2"), "{plain}");
    let wrong = run(folder.path(), &[("SILLOK_LINGER_MILLISECONDS", "9999")], &["config", "--data", "d"]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    assert!(wrong.err.contains("linger_milliseconds"), "{wrong:?}");
    let unsafe_folder = run(folder.path(), &[("SILLOK_PRODUCTION", "true")], &["config", "--data", "d"]);
    assert_eq!(unsafe_folder.code, Some(64), "{unsafe_folder:?}");
}

#[test]
fn every_command_has_help_and_refuses_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let help = succeed(folder.path(), &["--help"]);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for needed in ["init", "registry", "keys", "audit", "fsck", "config", "trust-bundle", "verify"] {
        assert!(commands.contains(&needed), "{help}");
    }
    for command in commands {
        if command != "help" {
            assert!(succeed(folder.path(), &[command, "--help"]).contains("Usage:"), "{command}");
        }
        let refused = run(folder.path(), &[], &[command, "--no-such-flag"]);
        assert_eq!(refused.code, Some(64), "{command}: {refused:?}");
    }
    assert_eq!(run(folder.path(), &[], &[]).code, Some(64));
    assert_eq!(run(folder.path(), &[], &["issue"]).code, Some(64));
    assert!(succeed(folder.path(), &["--version"]).starts_with("sillok "));
}
