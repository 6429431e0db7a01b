//! `sillok mirror` of a log that is being written, from its running service, and the mirror of that mirror.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/files.rs"]
mod files;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use program::{run, succeed};
use server::Server;

//= specs/audit.md#mirror
//= type=test
#[test]
fn a_log_that_is_being_written_is_mirrored_and_its_mirror_is_mirrored_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "d"]);
    let key = succeed(folder, &["keys", "show", "--data", "d", "--log-vkey"]).trim().to_owned();
    let server = Server::start(folder, "serve", &[], &["serve", "--data", "d", "--listen", "127.0.0.1:0"]);
    for part in ["1", "2", "3"] {
        let input = format!("{part}.ndjson");
        succeed(folder, &["sample", "--people", "250", "--seed", part, "--out", &input]);
    }
    let mirror =
        |from: &str, to: &str| run(folder, &[], &["mirror", from, "--vkey", &key, "--out", to, "--once"]);

    let (mut sizes, mut writing) = (BTreeSet::new(), 0);
    thread::scope(|scope| {
        let import = scope.spawn(|| {
            for part in ["1", "2", "3"] {
                let (at, input) =
                    (["import", "--data", "d", "--issuer", &server.url], format!("{part}.ndjson"));
                succeed(folder, &[&at[..], &["--out", part, "--split", &input]].concat());
            }
        });
        loop {
            let ended = import.is_finished();
            let looked = mirror(&server.url, "m");
            // A list may be replaced between two of its files: that is said, and comes with the next look. A log that is
            // honest is never accused.
            assert!(matches!(looked.code, Some(0 | 2)) && !looked.out.contains("finding"), "{looked:?}");
            assert!(!looked.err.contains("panicked"), "{looked:?}");
            let note = fs::read_to_string(folder.join("m/checkpoint")).unwrap();
            sizes.insert(note.lines().nth(1).unwrap().parse::<u64>().unwrap());
            let audited = run(folder, &[], &["audit", "m", "--vkey", &key]);
            assert!(matches!(audited.code, Some(0 | 2)) && !audited.out.contains("finding"), "{audited:?}");
            if ended {
                break;
            }
            writing += 1;
        }
        import.join().unwrap();
    });
    println!("{writing} looks while it was written, of {} sizes", sizes.len());
    assert!(writing >= 1 && sizes.len() >= 2, "{sizes:?}");

    // Quiet again: everything is published, and the copy is exact.
    let at = ["suspend", "--data", "d", "--issuer", &server.url, "--publish", "1/1.jwt"];
    succeed(folder, &at);
    let last = mirror(&server.url, "m");
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!(server.stop(), Some(0));
    let (log, copy) = (folder::files(&folder.join("d/public")), folder::files(&folder.join("m")));
    for (name, bytes) in &copy {
        assert!(log.get(name) == Some(bytes), "{name}");
    }
    assert!(copy.contains_key("tile/entries/001") && copy.contains_key("trust-bundle"), "{:?}", copy.keys());
    let audited = run(folder, &[], &["audit", "m", "--vkey", &key, "--json"]);
    assert!(audited.code == Some(0) && audited.out.contains("\"issue\":750"), "{audited:?}");

    let (url, _sent) = files::serve(&folder.join("m"));
    let again = mirror(&url, "m2");
    assert_eq!(again.code, Some(0), "{again:?}");
    // Which the first one has besides: what was not full at the sizes that it saw on its way.
    let second = folder::files(&folder.join("m2"));
    for (name, bytes) in &copy {
        assert!(second.get(name).is_none_or(|other| other == bytes), "{name}");
        assert!(second.contains_key(name) || name.contains(".p/"), "{name}");
    }
    assert!(second.keys().all(|name| copy.contains_key(name)));
    assert_eq!(run(folder, &[], &["audit", &url, "--vkey", &key]).code, Some(0));
}
