//! `sillok trust-bundle fetch` from a server of the program, and `sillok verify` with bundles of several authorities.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use program::{Ended, run, succeed};
use server::Server;

/// A server of its own data folder, with credentials of three people in a folder beside it.
fn authority(folder: &Path, data: &str, out: &str) -> Server {
    let url = format!("https://{data}.example");
    succeed(folder, &["init", "--data", data, "--public-url", &url]);
    let server = Server::start(folder, data, &[], &["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    succeed(folder, &["sample", "--people", "3", "--out", "people.ndjson"]);
    let at = ["--data", data, "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", out, "--split", "people.ndjson"]].concat());
    server
}

fn fetch(folder: &Path, server: &Server, cache: &str) -> String {
    succeed(folder, &["trust-bundle", "fetch", &server.url, "--cache", cache])
}

fn verify(folder: &Path, caches: &[&str], credential: &str) -> Ended {
    let receipt = format!("{credential}.tlog-proof");
    let mut arguments = vec!["verify".to_owned(), "--json".into(), "--receipt".into(), receipt];
    for cache in caches {
        arguments.extend(["--trust".into(), format!("{cache}/bundle")]);
        arguments.extend(["--memory".into(), format!("{cache}/memory")]);
    }
    arguments.push(format!("{credential}.jwt"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(folder, &[], &arguments)
}

#[test]
fn a_fetched_bundle_is_kept_up_to_date_by_deltas_and_over_roots() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = authority(folder, "data", "out");
    let first = fetch(folder, &server, "cache");
    assert!(first.starts_with("bundle 1.") && first.contains(", whole"), "{first}");
    assert_eq!(fetch(folder, &server, "cache"), "nothing newer\n");
    assert_eq!(verify(folder, &["cache"], "out/1").code, Some(0));

    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["revoke"], &at[..], &["--publish", "out/1.jwt"]].concat());
    let second = fetch(folder, &server, "cache");
    assert!(second.contains(" bytes, by a delta"), "{second}");
    let revoked = verify(folder, &["cache"], "out/1");
    assert!(revoked.code == Some(1) && revoked.out.contains("status.revoked"), "{revoked:?}");
    assert_eq!(verify(folder, &["cache"], "out/2").code, Some(0));

    // Two roots later: the one between is opened first.
    for _rotation in 0..2 {
        succeed(folder, &[&["keys", "rotate"], &at[..]].concat());
    }
    let third = fetch(folder, &server, "cache");
    assert!(third.contains("over 1 roots between"), "{third}");
    assert_eq!(verify(folder, &["cache"], "out/2").code, Some(0));
    assert_eq!(fetch(folder, &server, "cache"), "nothing newer\n");

    // What a wrong anchor vouches for is not kept, and a server that is away leaves what is kept as it was.
    let stranger = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]);
    let anchored = ["trust-bundle", "fetch", &server.url, "--cache", "other", "--root", stranger.trim()];
    let refused = run(folder, &[], &anchored);
    assert!(refused.code == Some(1) && refused.out.contains("trust.root-not-anchored"), "{refused:?}");
    assert!(!folder.join("other/bundle").exists());
    let url = server.url.clone();
    assert_eq!(server.stop(), Some(0));
    let away = run(folder, &[], &["trust-bundle", "fetch", &url, "--cache", "cache"]);
    assert_eq!(away.code, Some(2), "{away:?}");
    assert_eq!(verify(folder, &["cache"], "out/2").code, Some(0));
    let usage = run(folder, &[], &["trust-bundle", "fetch", "nowhere", "--cache", "cache"]);
    assert_eq!(usage.code, Some(64), "{usage:?}");
    assert_eq!(run(folder, &[], &["trust-bundle"]).code, Some(64));
}

#[test]
fn a_door_trusts_several_authorities_each_with_its_memory() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let (one, two) = (authority(folder, "one", "out1"), authority(folder, "two", "out2"));
    fetch(folder, &one, "cache1");
    fetch(folder, &two, "cache2");
    let memories = || ["cache1/memory", "cache2/memory"].map(|path| fs::read(folder.join(path)).unwrap());
    let before = memories();
    for (caches, credential) in
        [(["cache1", "cache2"], "out1/1"), (["cache2", "cache1"], "out1/2"), (["cache1", "cache2"], "out2/1")]
    {
        let valid = verify(folder, &caches, credential);
        assert_eq!(valid.code, Some(0), "{credential} {valid:?}");
    }
    assert!(memories().iter().zip(&before).all(|(after, before)| after.len() == before.len()));
    let unknown = verify(folder, &["cache1"], "out2/1");
    assert!(unknown.code == Some(2) && unknown.out.contains("issuer.unknown"), "{unknown:?}");
    let twice = verify(folder, &["cache1", "cache1"], "out1/1");
    assert!(twice.code == Some(64) && twice.err.contains("--trust cache1/bundle"), "{twice:?}");
    let uneven = ["verify", "--trust", "cache1/bundle", "--memory", "a", "--memory", "b", "out1/1.jwt"];
    assert_eq!(run(folder, &[], &uneven).code, Some(64));
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)));
}
