//! `sillok receipt`: a landmark receipt from a served log and from its folder, and what `sillok verify` says of it.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use program::{Ended, run, succeed};
use server::Server;

const SERVE: [&str; 5] = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];

fn receipt(folder: &Path, log: &str, number: u32) -> Ended {
    let (credential, full) = (format!("out/{number}.jwt"), format!("out/{number}.tlog-proof"));
    let arguments =
        ["receipt", "--log", log, "--trust", "bundle", "--receipt", &full, "--out", "small", &credential];
    run(folder, &[], &arguments)
}

fn verify(folder: &Path, number: u32) -> Ended {
    let credential = format!("out/{number}.jwt");
    run(folder, &[], &["verify", "--json", "--trust", "bundle", "--receipt", "small", &credential])
}

fn fetch_bundle(folder: &Path) {
    fs::write(folder.join("bundle"), succeed(folder, &["trust-bundle", "--data", "data"])).unwrap();
}

/// The numbers of the credentials in the order of their leaves, with the places of these.
fn by_place(folder: &Path) -> Vec<(u64, u32)> {
    let place = |number: &u32| -> u64 {
        let text = fs::read_to_string(folder.join(format!("out/{number}.tlog-proof"))).unwrap();
        text.lines().find_map(|line| line.strip_prefix("index ")).unwrap().parse().unwrap()
    };
    let mut all: Vec<(u64, u32)> = (1..=300).map(|number| (place(&number), number)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_wallet_makes_its_receipt_and_a_door_takes_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = Server::start(folder, "serve", &[], &SERVE);
    succeed(folder, &["sample", "--people", "300", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    fetch_bundle(folder);
    let places = by_place(folder);
    let [first, second, third] = [places[0].1, places[1].1, places[200].1];
    let (last_place, last) = places[299];
    assert!(places[200].0 < 256 && (256..512).contains(&last_place), "{places:?}");
    let early = receipt(folder, &server.url, first);
    assert_eq!(early.code, Some(2), "{early:?}");
    assert!(early.err.contains("has no landmark yet") && !folder.join("small").exists(), "{early:?}");
    // Nobody cosigns here, so nobody can be asked for that either.
    let full = format!("out/{first}.tlog-proof");
    let credential = format!("out/{first}.jwt");
    let cosigned =
        ["receipt", "--cosigned", "--trust", "bundle", "--receipt", &full, "--out", "small", &credential];
    let cosigned = run(folder, &[], &cosigned);
    assert!(cosigned.code == Some(2) && cosigned.err.contains("no quorum of witnesses"), "{cosigned:?}");
    assert_eq!(server.stop(), Some(0));

    // An hour later, as far as the log's files say: what it has shown, it keeps.
    assert_eq!(fs::read_to_string(folder.join("data/public/landmarks")).unwrap(), "0 0\n0\n");
    fs::write(folder.join("data/public/landmarks"), "2 2\n288\n256\n0\n").unwrap();
    let server = Server::start(folder, "serve", &[], &SERVE);
    let at = ["--data", "data", "--issuer", &server.url];
    // A door whose bundle is older than the landmark cannot tell.
    let made = receipt(folder, &server.url, first);
    assert_eq!(made.code, Some(0), "{made:?}");
    let old = verify(folder, first);
    assert!(old.code == Some(2) && old.out.contains("landmark.unknown"), "{old:?}");
    succeed(folder, &[&["suspend"], &at[..], &["--publish", &format!("out/{third}.jwt")]].concat());
    fetch_bundle(folder);
    let valid = verify(folder, first);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    assert!(fs::read(folder.join("small")).unwrap().len() <= 29 + 73 + 8 * 32);
    let other = verify(folder, second);
    assert!(other.code == Some(1) && other.out.contains("inclusion.mismatch"), "{other:?}");
    // The same from the folder, and for one whose status is looked at as ever.
    assert_eq!(receipt(folder, "data", third).code, Some(0));
    let suspended = verify(folder, third);
    assert!(suspended.code == Some(1) && suspended.out.contains("status.suspended"), "{suspended:?}");
    // The last are in a tile that is not full.
    assert_eq!(receipt(folder, &server.url, last).code, Some(2));
    assert_eq!(server.stop(), Some(0));
    let kept = fs::read_to_string(folder.join("data/landmarks")).unwrap();
    assert!(kept.ends_with("\n2 2\n288\n256\n0\n"), "{kept}");
}
