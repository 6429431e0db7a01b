//! Updates from a server that is told what to answer, over the bundles of `specs/vectors`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sillok_client::fetch::{FetchError, Fetched};
use sillok_log::UnixSeconds;
use sillok_verifier::trust::{Container, Delta};
use sillok_verifier::{Memory, Trust};

use super::cache::{Cache, State};
use super::update::{Server, Update, update};

mod follow;

/// 2026-01-03T00:00:00Z, when the vectors are judged.
const NOW: UnixSeconds = UnixSeconds(1_767_398_400);

const URL: &str = "https://health.example";

/// The parts of a vector, in order.
fn parts(path: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors").join(path);
    let text = fs::read_to_string(&path).unwrap();
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --\n")) {
            Some(name) => parts.push((name.to_owned(), String::new())),
            None => {
                if let Some((_name, content)) = parts.last_mut() {
                    content.push_str(line);
                }
            }
        }
    }
    parts
}

/// A bundle, the delta from it, and the next bundle.
fn step() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let parts = parts("delta/good.txt");
    let (base, delta) = (parts[0].1.clone().into_bytes(), &parts[1].1);
    let digits: String = delta.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let delta: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let next = Delta::parse(&delta).unwrap().apply(&Container::parse(&base).unwrap()).unwrap();
    (base, delta, next.to_json().unwrap().into_bytes())
}

/// Files by path, with what was asked for. What is not there is absent.
#[derive(Default)]
struct Files {
    files: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    busy: Option<Duration>,
}

impl Files {
    fn put(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(path.to_owned(), bytes.to_vec());
    }

    fn latest(&mut self, number: &str) {
        let latest = format!(r#"{{"type":"sillok-trust-bundle-latest/v1","number":"{number}","root":1}}"#);
        self.put("trust-bundles/latest", latest.as_bytes());
    }

    fn asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.asked)
    }
}

impl Server for Files {
    fn get(&mut self, path: &str, etag: Option<&str>, limit: usize) -> Result<Fetched, FetchError> {
        self.asked.push(path.to_owned());
        if let Some(wait) = self.busy {
            return Err(FetchError::Status { url: path.into(), status: 503, retry_after: Some(wait) });
        }
        let Some(bytes) = self.files.get(path).cloned() else { return Ok(Fetched::Absent) };
        assert!(bytes.len() <= limit, "{path}");
        let sum = bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
        let tag = format!("\"{sum:x}\"");
        if etag == Some(&tag) {
            return Ok(Fetched::Unchanged);
        }
        Ok(Fetched::New { bytes, etag: Some(tag) })
    }
}

/// A folder, and a server with the first bundle.
fn start() -> (tempfile::TempDir, Files, [Vec<u8>; 3]) {
    let (base, delta, next) = step();
    let mut server = Files::default();
    server.latest("1.1");
    server.put("trust-bundles/1.1", &base);
    (tempfile::tempdir().unwrap(), server, [base, delta, next])
}

fn ask(server: &mut Files, folder: &Path) -> Update {
    let mut cache = Cache::open(folder, URL).unwrap();
    update(server, &mut cache, None, NOW).unwrap()
}

/// What is kept opens with the memory that is kept: that is what a door will do with it.
fn kept(folder: &Path) -> (u64, Memory) {
    let memory = Memory::parse(&fs::read(folder.join("memory")).unwrap()).unwrap();
    let bundle = fs::read(folder.join("bundle")).unwrap();
    let (trust, _memory) = Trust::open(&bundle, None, &memory, NOW).unwrap();
    (trust.feed().sequence, memory)
}

#[test]
fn the_first_is_whole_the_next_is_a_delta_and_then_nothing_is_new() {
    let (folder, mut server, [_base, delta, next]) = start();
    let folder = folder.path();
    assert!(matches!(ask(&mut server, folder), Update::New { by_delta: false, .. }));
    assert_eq!(server.asked(), ["trust-bundles/latest", "trust-bundles/1.1"]);
    assert!(matches!(ask(&mut server, folder), Update::Unchanged));
    assert_eq!(server.asked(), ["trust-bundles/latest"]);

    server.latest("1.2");
    server.put("trust-bundles/1.1-1.2", &delta);
    server.put("trust-bundles/1.2", &next);
    let updated = ask(&mut server, folder);
    assert!(
        matches!(updated, Update::New { by_delta: true, bytes, .. } if bytes == delta.len()),
        "{updated:?}"
    );
    assert_eq!(server.asked(), ["trust-bundles/latest", "trust-bundles/1.1-1.2"]);
    assert_eq!(kept(folder).0, 2);
    // Another tag for the same number, and a number that went back.
    for number in ["1.2", "1.1"] {
        server.latest(number);
        let mut cache = Cache::open(folder, URL).unwrap();
        cache.keep_state(State { etag: None, ..cache.state.clone() }).unwrap();
        drop(cache);
        assert!(matches!(ask(&mut server, folder), Update::Unchanged));
        assert_eq!(server.asked(), ["trust-bundles/latest"]);
    }
}

#[test]
fn a_delta_that_leads_nowhere_costs_one_more_request() {
    let (folder, mut server, [_base, delta, next]) = start();
    let folder = folder.path();
    ask(&mut server, folder);
    server.asked();
    server.latest("1.2");
    server.put("trust-bundles/1.1-1.2", &delta[..delta.len() - 1]);
    server.put("trust-bundles/1.2", &next);
    assert!(matches!(ask(&mut server, folder), Update::New { by_delta: false, .. }));
    assert_eq!(server.asked(), ["trust-bundles/latest", "trust-bundles/1.1-1.2", "trust-bundles/1.2"]);
    assert_eq!(kept(folder).0, 2);
}

#[test]
fn what_does_not_open_is_not_kept_and_is_asked_for_again() {
    let (folder, mut server, [base, delta, next]) = start();
    let folder = folder.path();
    ask(&mut server, folder);
    let before = [fs::read(folder.join("bundle")).unwrap(), fs::read(folder.join("memory")).unwrap()];
    server.latest("1.2");
    let forged = String::from_utf8(next.clone()).unwrap().replacen("Example", "Exemple", 1);
    for wrong in [forged.as_bytes(), b"{}", b"", &base[..100]] {
        server.put("trust-bundles/1.2", wrong);
        let ended = ask(&mut server, folder);
        assert!(matches!(ended, Update::Refused(_) | Update::Unreadable(_)), "{ended:?}");
        let after = [fs::read(folder.join("bundle")).unwrap(), fs::read(folder.join("memory")).unwrap()];
        assert_eq!(before, after);
    }
    server.put("trust-bundles/1.1-1.2", &delta);
    assert!(matches!(ask(&mut server, folder), Update::New { .. }), "no tag was kept");
    // What names nothing is no reason to fetch anything.
    for latest in ["", "{}", "[]", r#"{"type":"sillok-trust-bundle-latest/v1","number":"../..","root":1}"#] {
        server.put("trust-bundles/latest", latest.as_bytes());
        if !latest.is_empty() {
            server.asked();
            assert!(matches!(ask(&mut server, folder), Update::Unreadable(_)), "{latest}");
            assert_eq!(server.asked(), ["trust-bundles/latest"]);
        }
    }
}

#[test]
fn a_server_that_is_busy_is_asked_once_and_says_when() {
    let (folder, mut server, _bundles) = start();
    server.busy = Some(Duration::from_secs(77));
    let Update::Failed(error) = ask(&mut server, folder.path()) else { panic!("it fails") };
    assert_eq!(error.retry_after(), Some(Duration::from_secs(77)));
    assert_eq!(server.asked().len(), 1);
    assert!(!folder.path().join("bundle").exists());
}

#[test]
fn a_server_without_numbers_has_one_bundle() {
    let (folder, mut server, [base, _delta, next]) = start();
    let folder = folder.path();
    server.files.clear();
    assert!(matches!(ask(&mut server, folder), Update::Unreadable(_)));
    server.put("trust-bundle", &base);
    assert!(matches!(ask(&mut server, folder), Update::New { .. }));
    assert!(matches!(ask(&mut server, folder), Update::Unchanged));
    server.put("trust-bundle", &next);
    assert!(matches!(ask(&mut server, folder), Update::New { .. }));
    assert_eq!(kept(folder).0, 2);
}

/// Each file is replaced in one step, the container first. Whatever the last crash left behind, the container opens with the
/// memory at hand, and the next update goes on from there.
#[test]
fn a_crash_between_container_and_memory_is_harmless() {
    let (folder, mut server, [base, delta, next]) = start();
    let folder = folder.path();
    ask(&mut server, folder);
    let old_memory = fs::read(folder.join("memory")).unwrap();
    server.latest("1.2");
    server.put("trust-bundles/1.1-1.2", &delta);
    ask(&mut server, folder);
    let new_memory = fs::read(folder.join("memory")).unwrap();
    assert_ne!(old_memory, new_memory);

    // The container was replaced, memory was not; and half of a staged file lies there.
    fs::write(folder.join("memory"), &old_memory).unwrap();
    fs::write(folder.join("memory.new"), &new_memory[..50]).unwrap();
    fs::remove_file(folder.join("fetch.json")).unwrap();
    assert_eq!(kept(folder).0, 2);
    assert!(matches!(ask(&mut server, folder), Update::Unchanged));
    // The other order would be one that no door gets out of without a network.
    fs::write(folder.join("bundle"), &base).unwrap();
    let memory = Memory::parse(&new_memory).unwrap();
    let refused = Trust::open(&base, None, &memory, NOW).unwrap_err();
    assert_eq!(refused.code(), "trust.feed-rollback");
    drop(next);
}

#[test]
fn a_torn_memory_is_no_empty_memory_and_a_folder_is_one_processs() {
    let (folder, mut server, _bundles) = start();
    let folder = folder.path();
    ask(&mut server, folder);
    let held = Cache::open(folder, URL).unwrap();
    let refused = Cache::open(folder, URL).err().unwrap();
    assert!(refused.to_string().starts_with("another process fetches into"), "{refused}");
    drop(held);
    // From elsewhere neither tag nor time is kept.
    let mut cache = Cache::open(folder, URL).unwrap();
    cache.keep_state(State { due: Some(7), failures: 3, ..cache.state.clone() }).unwrap();
    drop(cache);
    assert_eq!(Cache::open(folder, URL).unwrap().due(), Some(UnixSeconds(7)));
    assert_eq!(Cache::open(folder, "https://other.example").unwrap().due(), None);
    let memory = fs::read(folder.join("memory")).unwrap();
    fs::write(folder.join("memory"), &memory[..memory.len() / 2]).unwrap();
    assert!(Cache::open(folder, URL).is_err());
}
