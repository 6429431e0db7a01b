//! `sillok registry`, `audit` and `fsck` on real folders: clean ones, and ones in which something is wrong.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use program::{Ended, run, succeed};
use sillok_log::TreeSize;
use sillok_log::audit::LogKind;
use sillok_registry::Level;
use sillok_registry::store::{FileSeen, Seen as _, SeenBatch};
use tempfile::TempDir;

/// A registry that runs.
struct Running {
    child: Child,
    url: String,
    add_url: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = program::command(folder, &[], arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let urls: Vec<&str> =
            line.split([' ', ',', '\n']).filter(|word| word.starts_with("http://")).collect();
        let url = urls.first().copied().unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { url: url.into(), add_url: urls.get(1).copied().unwrap_or_default().into(), child }
    }

    /// Ends it as an operator does, and returns its exit code.
    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

/// A raw log of 600 entries that nobody serves, and its key.
fn raw_log() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d", "--raw"]);
    let registry = world::open(&folder.path().join("d"), LogKind::Raw);
    let entries = (0..600).map(|number| format!("entry {number}").into_bytes()).collect();
    registry.handle().add_raw_blocking(entries, Level::Published).unwrap();
    registry.stop().unwrap();
    let key = key_of(folder.path());
    (folder, key)
}

fn key_of(folder: &Path) -> String {
    succeed(folder, &["keys", "show", "--data", "d", "--log-vkey"]).trim().to_owned()
}

fn audit(folder: &Path, key: &str) -> (Option<i32>, serde_json::Value) {
    let ended = run(folder, &[], &["audit", "d", "--vkey", key, "--json"]);
    let report = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, report)
}

fn codes(report: &serde_json::Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect()
}

fn fsck(folder: &Path) -> Ended {
    run(folder, &[], &["fsck", "--data", "d"])
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_raw_log_takes_bytes_and_its_audit_counts_them_as_foreign() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d", "--raw"]);
    let key = key_of(folder.path());
    let arguments = ["registry", "--data", "d", "--listen", "127.0.0.1:0", "--add-listen", "127.0.0.1:0"];
    let running = Running::start(folder.path(), &arguments);
    for number in 0..20 {
        let mut answer = ureq::post(&running.add_url).send(format!("entry {number}").as_bytes()).unwrap();
        assert_eq!(answer.body_mut().read_to_string().unwrap().trim(), number.to_string());
    }
    let over_http = run(folder.path(), &[], &["audit", &running.url, "--vkey", &key]);
    assert_eq!(over_http.code, Some(0), "{over_http:?}");
    let locked = fsck(folder.path());
    assert_eq!(locked.code, Some(2), "{locked:?}");
    assert!(locked.err.contains("stop the registry"), "{locked:?}");
    // A log that is running is there: nothing to do, and no error.
    succeed(folder.path(), &["init", "--data", "d"]);
    assert_eq!(running.terminate(), Some(0));

    let (code, report) = audit(folder.path(), &key);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["foreign"], &report["size"]), (&20.into(), &20.into()), "{report}");
    assert_eq!(report["result"], "clean");
    assert_eq!(fsck(folder.path()).code, Some(0));
}

#[test]
fn a_flipped_byte_of_a_tile_is_found_and_named() {
    let (folder, key) = raw_log();
    let paths = ["d/public/tile/0/001", "d/public/tile/0/002.p/88", "d/public/tile/1/000.p/2"];
    for path in paths {
        let path = folder.path().join(path);
        flip(&path, 33);
        let (code, report) = audit(folder.path(), &key);
        assert_eq!((code, codes(&report)), (Some(1), vec!["tile.mismatch"]), "{report}");
        let detail = report["findings"][0]["detail"].as_str().unwrap();
        let name = path.strip_prefix(folder.path().join("d/public")).unwrap().display().to_string();
        assert!(detail.contains(&name), "{report}");
        let found = fsck(folder.path());
        assert_eq!(found.code, Some(1), "{found:?}");
        assert!(found.out.contains(&name), "{found:?}");
        flip(&path, 33);
    }
    assert_eq!(audit(folder.path(), &key).0, Some(0));
}

#[test]
fn fsck_blames_the_bundle_and_not_the_tile_above_it() {
    let (folder, key) = raw_log();
    for bundle in ["tile/entries/001", "tile/entries/002.p/88"] {
        let path = folder.path().join("d/public").join(bundle);
        flip(&path, 10);
        let (code, report) = audit(folder.path(), &key);
        assert_eq!(code, Some(1), "{report}");
        assert!(codes(&report).contains(&"root.mismatch"), "{report}");
        let found = fsck(folder.path());
        let damaged: Vec<&str> = found.out.lines().filter(|line| line.starts_with("damaged: ")).collect();
        assert_eq!((found.code, damaged.len()), (Some(1), 1), "{found:?}");
        assert!(damaged[0].contains(bundle), "{found:?}");
        flip(&path, 10);
    }
    assert_eq!(fsck(folder.path()).code, Some(0));
}

#[test]
fn what_is_missing_or_torn_is_found_and_what_follows_is_not_called_clean() {
    let (folder, key) = raw_log();
    let public = folder.path().join("d/public");
    for (name, code) in [("tile/0/000", "tile.missing"), ("tile/entries/001", "tile.missing")] {
        let bytes = fs::read(public.join(name)).unwrap();
        fs::remove_file(public.join(name)).unwrap();
        let (exit, report) = audit(folder.path(), &key);
        assert_eq!((exit, codes(&report)), (Some(1), vec![code]), "{name}: {report}");
        assert!(fsck(folder.path()).out.contains(name));
        fs::write(public.join(name), &bytes[..bytes.len() - 1]).unwrap();
        let (exit, report) = audit(folder.path(), &key);
        assert_eq!(exit, Some(1), "{name}: {report}");
        assert!(fsck(folder.path()).out.contains(name));
        fs::write(public.join(name), &bytes).unwrap();
    }
    fs::remove_file(public.join("checkpoint")).unwrap();
    assert_eq!(run(folder.path(), &[], &["audit", "d", "--vkey", &key]).code, Some(2));
    assert_eq!(fsck(folder.path()).code, Some(1));
}

#[test]
fn an_audit_that_cannot_begin_is_not_clean() {
    let (folder, key) = raw_log();
    let other = tempfile::tempdir().unwrap();
    succeed(other.path(), &["init", "--data", "d"]);
    let wrong_key = run(folder.path(), &[], &["audit", "d", "--vkey", &key_of(other.path())]);
    assert_eq!(wrong_key.code, Some(2), "{wrong_key:?}");
    let nobody = run(folder.path(), &[], &["audit", "http://127.0.0.1:1/", "--vkey", &key]);
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    for arguments in [["audit", "d", "--vkey", "nonsense"], ["audit", "nowhere", "--vkey", &key]] {
        let refused = run(folder.path(), &[], &arguments);
        assert_eq!(refused.code, Some(64), "{refused:?}");
    }
}

#[test]
fn a_published_list_is_compared_with_the_log_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    let key = key_of(folder.path());
    world::fill(&folder.path().join("d"));
    let (code, report) = audit(folder.path(), &key);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["entries"]["issue"], world::ISSUED, "{report}");
    assert_eq!(report["entries"]["status"], 1);
    assert_eq!(report["keys"][0]["issued"], world::ISSUED);
    assert_eq!(report["renderings_compared"], 3);
    assert_eq!(fsck(folder.path()).code, Some(0));

    let public = folder.path().join("d/public");
    let list = public.join("status/04040404040404040404040404040404");
    let [revocation, suspension, snapshot] =
        ["revocation", "suspension", "snapshot"].map(|name| fs::read(list.join(name)).unwrap());
    // The other plane under this plane's name.
    fs::write(list.join("revocation"), &suspension).unwrap();
    assert_eq!(codes(&audit(folder.path(), &key).1), ["list.malformed"]);
    // A signature that is not the issuer's.
    let mut forged = revocation.clone();
    let middle = forged.len() - 40;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    fs::write(list.join("revocation"), &forged).unwrap();
    let (code, report) = audit(folder.path(), &key);
    assert_eq!((code, codes(&report)), (Some(1), vec!["list.signature"]), "{report}");
    fs::write(list.join("revocation"), &revocation).unwrap();
    // The IETF token under a signature that is not the issuer's, and another thing under its name.
    let token = fs::read(list.join("token")).unwrap();
    let mut forged = token.clone();
    let middle = forged.len() - 40;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    for (bytes, code) in [(&forged, "list.signature"), (&revocation, "list.malformed")] {
        fs::write(list.join("token"), bytes).unwrap();
        assert_eq!(codes(&audit(folder.path(), &key).1), [code]);
    }
    fs::write(list.join("token"), &token).unwrap();
    // A snapshot whose state is not what was logged does not prove itself.
    let text = String::from_utf8(snapshot.clone()).unwrap();
    fs::write(list.join("snapshot"), text.replace("\"sequence\":1", "\"sequence\":2")).unwrap();
    let (code, report) = audit(folder.path(), &key);
    assert_eq!((code, codes(&report)), (Some(1), vec!["list.malformed"]), "{report}");
    // What is not there could not be checked.
    fs::write(list.join("snapshot"), &snapshot).unwrap();
    fs::remove_file(list.join("suspension")).unwrap();
    let (code, report) = audit(folder.path(), &key);
    assert_eq!((code, report["result"].as_str()), (Some(2), Some("could not finish")), "{report}");
    fs::write(list.join("suspension"), &suspension).unwrap();
    fs::remove_file(public.join("trust-bundle")).unwrap();
    let (code, report) = audit(folder.path(), &key);
    assert_eq!((code, report["could_not_check"].as_array().map(Vec::len)), (Some(2), Some(3)), "{report}");
}

#[test]
fn an_audit_goes_on_from_its_state_and_makes_the_same_page_again() {
    let (folder, key) = raw_log();
    let arguments = ["audit", "d", "--vkey", &key, "--state", "s", "--json", "--report", "page.html"];
    let audited = || {
        let ended = run(folder.path(), &[], &arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
        assert!(page.contains("clean") && !page.contains("://"), "{page}");
        (ended.out, page)
    };
    let first = audited();
    assert_eq!(audited(), first);
    // Of what it has replayed it needs no more than the tiles: the bundles may be gone.
    let registry = world::open(&folder.path().join("d"), LogKind::Raw);
    registry.handle().add_raw_blocking(vec![b"more".to_vec()], Level::Published).unwrap();
    registry.stop().unwrap();
    fs::remove_file(folder.path().join("d/public/tile/entries/000")).unwrap();
    assert!(audited().0.contains("\"size\":601"));
    assert_eq!(audit(folder.path(), &key).0, Some(1));

    let other = tempfile::tempdir().unwrap();
    succeed(other.path(), &["init", "--data", "d", "--raw"]);
    fs::copy(folder.path().join("s"), other.path().join("s")).unwrap();
    let vkey = key_of(other.path());
    let refused = run(other.path(), &[], &["audit", "d", "--vkey", &vkey, "--state", "s"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("another log"), "{refused:?}");
}

#[test]
fn the_index_is_built_anew_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    world::fill(&folder.path().join("d"));
    // An index that knows more than the log, such as one that outlived a restored log.
    let ahead = SeenBatch { watermark: TreeSize(10_000), ..SeenBatch::default() };
    FileSeen::open(&folder.path().join("d/index")).unwrap().note(&ahead).unwrap();
    let found = fsck(folder.path());
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("--rebuild-index"), "{found:?}");
    let rebuilt = succeed(folder.path(), &["fsck", "--data", "d", "--rebuild-index"]);
    assert!(rebuilt.contains("index built anew"), "{rebuilt}");
    assert_eq!(fsck(folder.path()).code, Some(0));
}
