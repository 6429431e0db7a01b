//! `sillok registry` when its log has run under a clock that was ahead.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::path::Path;
use std::sync::Arc;

use program::{run, succeed};
use server::Server;
use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_registry::sealed::{self, KeyKind, Passphrase};
use sillok_registry::{Level, Limits, Options, Paths, Phase, Registry, Stores};

/// In the year 2100.
const AHEAD: UnixSeconds = UnixSeconds(4_102_444_800);

/// Adds an entry to the raw log of a folder under a clock that is ahead.
fn add_ahead(data: &Path) {
    let passphrase = Passphrase::load(&data.join("passphrase")).unwrap();
    let key = sealed::open(&data.join("keys"), "log", KeyKind::Ed25519, &passphrase).unwrap();
    let mut head = data.as_os_str().to_owned();
    head.push(".head");
    let paths = Paths {
        public: data.join("public"),
        segments: data.join("wal"),
        seen: data.join("index"),
        head: head.into(),
    };
    let stores = Stores::open(&paths, 1 << 20).unwrap();
    let signer = key.signer("log.example/raw").unwrap();
    let options = Options { signer, kind: LogKind::Raw, limits: Limits::default() };
    let registry = Registry::open(options, stores, Arc::new(|| AHEAD)).unwrap();
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    registry.handle().add_raw_blocking(vec![vec![1]], Level::Published).unwrap();
    registry.stop().unwrap();
}

#[test]
fn a_log_that_signed_ahead_of_time_is_served_once_its_operator_accepts_the_earlier_clock() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d", "--origin", "log.example/raw", "--raw"]);
    add_ahead(&folder.path().join("d"));
    let serve = ["registry", "--data", "d", "--listen", "127.0.0.1:0"];
    let refused = run(folder.path(), &[], &serve);
    assert!(refused.code != Some(0) && refused.err.contains("4102444800"), "{refused:?}");
    let accepting = [&serve[..], &["--accept-earlier-clock"]].concat();
    let server = Server::start(folder.path(), "accepting", &[], &accepting);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    assert_eq!(server.stop(), Some(0));
    let said = std::fs::read_to_string(folder.path().join("accepting.log")).unwrap();
    assert!(said.contains("4102444800"), "{said}");
    // It was said once, and holds.
    assert_eq!(Server::start(folder.path(), "again", &[], &serve).stop(), Some(0));
}
