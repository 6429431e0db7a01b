//! No claim, person, idempotency key or reason stands in plain text in any file, log line or metric.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use world::{World, issued, payload, request, status_request};

/// What must not be found, as it is planted.
const CANARIES: [&str; 9] = [
    "Zyxwandersmith",
    "Quintessabelle",
    "1907-04-23",
    "person-id-QXJ8842",
    "idempotent-VBK7719",
    "facility-WMN3350",
    "event-RTY9921",
    "reason-PLK6643",
    "lot-GHJ1178",
];

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The ways in which a text may stand somewhere: as it is, and within base64 at any of the three offsets.
fn spellings(text: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![text.as_bytes().to_vec(), text.to_uppercase().into_bytes()];
    for offset in 0..3 {
        let padded = [vec![b'x'; offset], text.as_bytes().to_vec()].concat();
        for engine in [&STANDARD.encode(&padded), &URL_SAFE_NO_PAD.encode(&padded)] {
            // Without the characters that depend on what stands around it.
            let inner = engine.trim_end_matches('=').as_bytes();
            spellings.push(inner[[0, 2, 3][offset]..inner.len() - 2].to_vec());
        }
    }
    spellings
}

fn assert_absent(place: &str, bytes: &[u8], words: &[String]) {
    for word in words {
        for spelling in spellings(word) {
            let found = bytes.windows(spelling.len()).any(|window| window == spelling);
            assert!(!found, "{word} stands in {place}");
        }
    }
}

fn search(folder: &Path, words: &[String], files: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        assert_absent(&name, name.as_bytes(), words);
        if path.is_dir() {
            search(&path, words, files);
        } else {
            *files += 1;
            assert_absent(&name, &fs::read(&path).unwrap(), words);
        }
    }
}

#[test]
fn nothing_personal_is_left_anywhere() {
    let sink = Sink::default();
    let writer = sink.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let world = World::new();
    let mut config = world.config();
    config.retention = Some(std::time::Duration::from_secs(3_600));
    let running = world.start_with(config);
    let token = world.token(&running, "operator");
    let mut body = request(CANARIES[3]);
    body["credential"]["credentialSubject"] = json!({
        "familyName": CANARIES[0], "givenName": CANARIES[1], "birthDate": CANARIES[2],
        "doses": [{ "number": 1, "date": "2026-03-01", "vaccine": "BNT162b2", "lot": CANARIES[8] }],
    });
    body["options"]["facility"] = CANARIES[5].into();
    body["options"]["sourceEvent"] = CANARIES[6].into();
    let answer = running.issue(&token, CANARIES[4], &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let (credential, receipt) = issued(&answer.json());
    let claims = payload(&credential);
    let id = claims["id"].as_str().unwrap().to_owned();
    let mut change = status_request(&id, "revocation", true);
    change["reason"] = CANARIES[7].into();
    assert_eq!(running.post("/credentials/status", &token, &change).status, 200);
    // Refusals and errors with the same words.
    let mut wrong = body.clone();
    wrong["credential"]["credentialSubject"]["familyName"] = 7.into();
    assert_eq!(running.issue(&token, CANARIES[4], &wrong).status, 422);
    wrong["credential"]["credentialSubject"] = json!({ "familyName": CANARIES[0], "doses": CANARIES[8] });
    let refused = running.issue(&token, "another", &wrong);
    assert_eq!(refused.status, 422);
    assert_absent("the problem", refused.text.as_bytes(), &[CANARIES[0].into(), CANARIES[8].into()]);
    let mut words: Vec<String> = CANARIES.iter().map(|canary| (*canary).to_owned()).collect();
    words.push(id.trim_start_matches("urn:uuid:").to_owned());
    words.push(token.clone());
    // The issuer's own signature over the claims, and what links the person to a leaf.
    words.push(credential.rsplit('.').next().unwrap().to_owned());
    let extra = receipt.lines().find(|line| line.starts_with("extra ")).unwrap();
    words.push(extra.trim_start_matches("extra ").to_owned());
    assert_absent("the metrics", running.get("/metrics").text.as_bytes(), &words);
    running.stop();
    let mut files = 0;
    search(world.folder.path(), &words, &mut files);
    assert!(files > 15, "{files} files were searched");
    let log = sink.0.lock().unwrap();
    assert!(log.len() > 500, "the log was captured");
    assert_absent("the log", &log, &words);
}

#[test]
fn the_search_finds_what_is_there() {
    for text in ["Zyxwandersmith", "idempotent-VBK7719"] {
        for before in ["", "a", "ab", "abc"] {
            let whole = format!("{before}{text}, and more");
            let texts = [whole.clone(), STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)];
            for place in texts {
                let found = spellings(text).iter().any(|spelling| {
                    place.as_bytes().windows(spelling.len()).any(|window| window == spelling)
                });
                assert!(found, "{text} in {place}");
            }
        }
    }
}
