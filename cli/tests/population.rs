//! `sillok population`: the whole once, deltas after, and what `sillok verify` says with it.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use program::{Ended, run, succeed};
use server::Server;

/// With the bundle that holds no states.
fn verify(folder: &Path, number: u32, population: &[&str]) -> Ended {
    let bundle = succeed(folder, &["trust-bundle", "--data", "data", "--without-states"]);
    fs::write(folder.join("bundle"), bundle).unwrap();
    let (credential, receipt) = (format!("out/{number}.jwt"), format!("out/{number}.tlog-proof"));
    let mut arguments = vec!["verify", "--trust", "bundle", "--receipt", &receipt, &credential];
    arguments.extend(population);
    run(folder, &[], &arguments)
}

#[test]
fn a_door_that_holds_the_population_follows_by_deltas() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let serve = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let server = Server::start(folder, "serve", &[], &serve);
    succeed(folder, &["sample", "--people", "3", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    let fetch = ["population", "--from", &server.url, "population"];
    let with = ["--population", "population"];

    let first = succeed(folder, &fetch);
    assert!(
        first.starts_with("took the whole, ") && first.contains(": 1 lists of 1048576 slots, 0 revoked"),
        "{first}"
    );
    let (without, valid) = (verify(folder, 1, &[]), verify(folder, 1, &with));
    assert!(without.code == Some(2) && without.out.contains("status.missing"), "{without:?}");
    assert_eq!(valid.code, Some(0), "{valid:?}");

    let old = fs::read(folder.join("population")).unwrap();
    succeed(folder, &[&["revoke"], &at[..], &["out/1.jwt"]].concat());
    succeed(folder, &[&["suspend"], &at[..], &["--publish", "out/2.jwt"]].concat());
    let missing = verify(folder, 3, &with);
    assert!(missing.code == Some(2) && missing.out.contains("status.missing"), "{missing:?}");
    let second = succeed(folder, &fetch);
    assert!(second.starts_with("took a delta of ") && second.contains("1 revoked, 1 suspended"), "{second}");
    for (number, code, reason) in [(1, 1, "status.revoked"), (2, 1, "status.suspended"), (3, 0, "valid")] {
        let verdict = verify(folder, number, &with);
        assert!(verdict.code == Some(code) && verdict.out.contains(reason), "{verdict:?}");
    }
    assert_ne!(fs::read(folder.join("population")).unwrap(), old);

    // Nothing has changed since. What is damaged is fetched anew, and never used.
    assert!(succeed(folder, &fetch).starts_with("took a delta of "));
    fs::write(folder.join("population"), &old[1..]).unwrap();
    let refused = verify(folder, 3, &with);
    assert!(refused.code == Some(2) && refused.err.contains("population is refused"), "{refused:?}");
    assert!(succeed(folder, &["population", "--from", "data", "population"]).starts_with("took the whole, "));
    assert_eq!(verify(folder, 3, &with).code, Some(0));
    let nowhere = run(folder, &[], &["population", "--from", "nowhere", "population"]);
    assert_eq!(nowhere.code, Some(64), "{nowhere:?}");
    assert_eq!(server.stop(), Some(0));
}
