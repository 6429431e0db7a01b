//! What a submitter makes of the answers of a registry that is busy, broken or lying.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};
use sillok_client::{Error, Level, Outcome, Settings, Submitter};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{leaf_hash, node_hash};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::receipt::Receipt;
use sillok_log::submission::{Authorization, MAX_BODY_BYTES, MAX_ENTRIES};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

const ORIGIN: &str = "example.org/log";
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// A request as it arrived.
struct Request {
    authorization: String,
    body: Vec<u8>,
    connection: usize,
}

/// Answers the requests in order with these statuses, headers and bodies; after the last it hangs up.
fn registry(answers: Vec<(u16, &'static str, Vec<u8>)>) -> (String, mpsc::Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        let mut answers = answers.into_iter();
        for (connection, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(request) = read_request(&mut reader, connection) {
                sender.send(request).unwrap();
                let Some((status, headers, body)) = answers.next() else { return };
                let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
                (&stream).write_all(&[head.as_bytes(), &body].concat()).unwrap();
            }
        }
    });
    (url, requests)
}

fn read_request(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Request> {
    let (mut authorization, mut length, mut line) = (String::new(), 0, String::new());
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        let header = line.trim_end().to_owned();
        line.clear();
        if header.is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            return Some(Request { authorization, body, connection });
        }
        let (name, value) = header.split_once(": ").unwrap_or((&header, ""));
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = value.into(),
            "content-length" => length = value.parse().unwrap(),
            _other => {}
        }
    }
    None
}

fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[1; 32]).unwrap()
}

fn submitter_key() -> SignerKey {
    SignerKey::from_seed("example.org/issuer", SignatureKind::Ed25519, &[2; 32]).unwrap()
}

fn submitter(url: &str) -> (Submitter, Arc<Mutex<Vec<Duration>>>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&waits);
    let jitter = move |most: Duration| {
        noted.lock().unwrap().push(most);
        Duration::ZERO
    };
    let settings = Settings {
        request_timeout: Duration::from_secs(5),
        attempts: 3,
        longest_wait: Duration::from_secs(2),
        ..Settings::default()
    };
    let submitter = Submitter::new(
        url,
        submitter_key(),
        log_key().verifier(),
        settings,
        Arc::new(|| NOW),
        Arc::new(jitter),
    );
    (submitter.unwrap(), waits)
}

fn checkpoint(size: u64, root: Hash, key: &SignerKey) -> String {
    Checkpoint { origin: key.name().into(), size: TreeSize(size), root }.sign(key).unwrap()
}

fn receipt(index: u64, proof: Vec<Hash>, checkpoint: &str) -> String {
    Receipt { extra: None, index: LeafIndex(index), proof, checkpoint: checkpoint.into() }.encode()
}

/// The honest answer of a log that held one entry and now holds two.
fn honest() -> (Vec<Vec<u8>>, Value) {
    let entries = vec![b"first".to_vec(), b"second".to_vec()];
    let (first, second) = (leaf_hash(&entries[0]), leaf_hash(&entries[1]));
    let note = checkpoint(2, node_hash(&first, &second), &log_key());
    let answer = json!({"checkpoint": note, "results": [
        {"index": 0, "receipt": receipt(0, vec![second], &note), "duplicate": true},
        {"index": 1, "receipt": receipt(1, vec![first], &note)}]});
    (entries, answer)
}

fn outcome_of(answer: &Value) -> Result<Vec<Outcome>, Error> {
    let (url, _requests) = registry(vec![(200, "", serde_json::to_vec(answer).unwrap())]);
    submitter(&url).0.submit(&honest().0, Level::Committed)
}

#[test]
fn an_honest_answer_is_handed_on_and_the_request_was_signed() {
    let (entries, answer) = honest();
    let (url, requests) = registry(vec![(200, "", serde_json::to_vec(&answer).unwrap())]);
    let (submitter, _waits) = submitter(&url);
    let outcomes = submitter.submit(&entries, Level::Published).unwrap();
    let [Outcome::Logged(first), Outcome::Logged(second)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!((first.index, first.duplicate), (LeafIndex(0), true));
    assert_eq!((second.index, second.duplicate), (LeafIndex(1), false));
    assert_eq!(submitter.largest().as_deref(), answer["checkpoint"].as_str());

    let request = requests.recv().unwrap();
    let header = Authorization::parse(&request.authorization).unwrap();
    header.check(ORIGIN, &submitter_key().verifier(), &request.body, NOW).unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"entries": ["Zmlyc3Q=", "c2Vjb25k"], "level": "published"}));
}

#[test]
fn a_refused_entry_is_an_outcome_beside_the_others() {
    let (_entries, mut answer) = honest();
    answer["results"][0] = json!({"error": {"code": "issue.key-not-active", "detail": "key 00 is retired"}});
    let outcomes = outcome_of(&answer).unwrap();
    let [Outcome::Refused(refused), Outcome::Logged(_)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(refused.code, "issue.key-not-active");
    assert_eq!(refused.detail, "key 00 is retired");
}

#[test]
fn a_receipt_that_does_not_prove_the_entry_is_refused() {
    let (entries, honest) = honest();
    let (first, second) = (leaf_hash(&entries[0]), leaf_hash(&entries[1]));
    let note = honest["checkpoint"].as_str().unwrap().to_owned();
    let swapped = |index: u64, proof: Vec<Hash>, text: &str| {
        let mut answer = honest.clone();
        answer["results"][1] = json!({"index": index, "receipt": receipt(index, proof, text)});
        outcome_of(&answer).unwrap_err()
    };
    assert!(matches!(swapped(0, vec![first], &note), Error::NotProved { position: 1, .. }));
    assert!(matches!(swapped(1, vec![second], &note), Error::NotProved { position: 1, .. }));
    assert!(matches!(swapped(1, vec![], &note), Error::NotProved { position: 1, .. }));
    assert!(matches!(swapped(2, vec![first], &note), Error::NotProved { position: 1, .. }));
    // A stranger's log of the same name, and the log's own key over another root.
    let stranger = SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[9; 32]).unwrap();
    let root = node_hash(&first, &second);
    assert!(matches!(swapped(1, vec![first], &checkpoint(2, root, &stranger)), Error::Checkpoint { .. }));

    let mut answer = honest.clone();
    answer["results"][1]["index"] = json!(5);
    assert!(matches!(outcome_of(&answer), Err(Error::Index { position: 1, .. })));
    answer["results"][1] = json!({"index": 1, "receipt": "c2sp.org/tlog-proof@v1\n"});
    assert!(matches!(outcome_of(&answer), Err(Error::Receipt { position: 1, .. })));
}

#[test]
fn an_answer_of_another_shape_is_malformed() {
    let (_entries, honest) = honest();
    for (pointer, value) in [
        ("/results", json!([])),
        ("/results", json!("x")),
        ("/results/0", json!({})),
        ("/results/0", json!({"index": 0})),
        ("/results/0/error", json!({"code": "x", "detail": "y"})),
        ("/results/0/index", json!(-1)),
        ("/checkpoint", json!(7)),
    ] {
        let mut answer = honest.clone();
        match answer.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => answer["results"][0]["error"] = value,
        }
        assert!(matches!(outcome_of(&answer), Err(Error::Answer { .. })), "{pointer}");
    }
}

#[test]
fn a_log_that_shrinks_or_forks_is_found_out_with_both_notes() {
    let (entries, answer) = honest();
    let note = answer["checkpoint"].as_str().unwrap();
    let bytes = serde_json::to_vec(&answer).unwrap();
    for earlier in [checkpoint(3, Hash([7; 32]), &log_key()), checkpoint(2, Hash([7; 32]), &log_key())] {
        let (url, _requests) = registry(vec![(200, "", bytes.clone())]);
        let (submitter, _waits) = submitter(&url);
        submitter.remember(&earlier).unwrap();
        let error = submitter.submit(&entries, Level::Committed).unwrap_err();
        let Error::Fork { before, after } = &error else { panic!("{error}") };
        assert_eq!((before, after.as_str()), (&earlier, note));
        assert_eq!(submitter.largest(), Some(earlier));
    }
    // One answer with two roots for a size.
    let mut forked = answer.clone();
    forked["checkpoint"] = json!(checkpoint(2, Hash([7; 32]), &log_key()));
    assert!(matches!(outcome_of(&forked), Err(Error::Fork { .. })));
    // The receipt of a duplicate may hold a smaller checkpoint, though not one that contradicts what was seen.
    let first = leaf_hash(&entries[0]);
    let mut earlier = answer.clone();
    earlier["results"][0]["receipt"] = json!(receipt(0, vec![], &checkpoint(1, first, &log_key())));
    for (root, forked) in [(first, false), (Hash([7; 32]), true)] {
        let (url, _requests) = registry(vec![(200, "", serde_json::to_vec(&earlier).unwrap())]);
        let (submitter, _waits) = submitter(&url);
        submitter.remember(&checkpoint(1, root, &log_key())).unwrap();
        let result = submitter.submit(&entries, Level::Committed);
        assert_eq!(matches!(result, Err(Error::Fork { .. })), forked, "{result:?}");
    }
    // A smaller checkpoint before, then the same again: fine.
    let (url, _requests) = registry(vec![(200, "", bytes.clone()), (200, "", bytes)]);
    let (submitter, _waits) = submitter(&url);
    submitter.remember(&checkpoint(1, Hash([7; 32]), &log_key())).unwrap();
    submitter.submit(&entries, Level::Committed).unwrap();
    submitter.submit(&entries, Level::Committed).unwrap();
}

#[test]
fn a_busy_registry_is_asked_again_when_it_said_on_the_same_connection() {
    let (entries, answer) = honest();
    let busy = br#"{"type":"about:blank","status":503,"code":"queue.full","detail":"9 waiting"}"#.to_vec();
    let good = serde_json::to_vec(&answer).unwrap();
    let (url, requests) = registry(vec![
        (503, "Retry-After: 0\r\n", busy.clone()),
        (429, "Retry-After: 1\r\n", busy.clone()),
        (200, "", good),
    ]);
    let (patient, waits) = submitter(&url);
    assert_eq!(patient.submit(&entries, Level::Committed).unwrap().len(), 2);
    assert_eq!(*waits.lock().unwrap(), [Duration::ZERO, Duration::from_secs(1)]);
    assert_eq!(requests.try_iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 0, 0]);

    // Three attempts, and no more.
    let (url, requests) = registry(vec![(503, "Retry-After: 0\r\n", busy.clone()); 9]);
    let error = submitter(&url).0.submit(&entries, Level::Committed).unwrap_err();
    let Error::Busy { problem, .. } = &error else { panic!("{error}") };
    assert_eq!((problem.status, problem.code.as_str()), (503, "queue.full"));
    assert_eq!(requests.try_iter().count(), 3);

    // Longer than the settings allow: at once, with the time.
    let (url, requests) = registry(vec![(503, "Retry-After: 60\r\n", busy); 9]);
    let error = submitter(&url).0.submit(&entries, Level::Committed).unwrap_err();
    assert!(matches!(error, Error::Busy { retry_after, .. } if retry_after == Duration::from_secs(60)));
    assert_eq!(requests.try_iter().count(), 1);
}

#[test]
fn what_is_refused_for_good_is_not_asked_again() {
    let (entries, _answer) = honest();
    let stopped = br#"{"status":503,"code":"log.stopped","detail":"an fsync failed"}"#.to_vec();
    for (status, headers, body, code) in [
        (503, "", stopped, "log.stopped"),
        (
            401,
            "Retry-After: 1\r\n",
            br#"{"code":"submitter.unauthenticated"}"#.to_vec(),
            "submitter.unauthenticated",
        ),
        (502, "", b"<html>bad gateway</html>".to_vec(), ""),
        (301, "Location: http://127.0.0.1:1/\r\n", Vec::new(), ""),
    ] {
        let (url, requests) = registry(vec![(status, headers, body)]);
        let error = submitter(&url).0.submit(&entries, Level::Committed).unwrap_err();
        let Error::Refused { problem } = &error else { panic!("{error}") };
        assert_eq!((problem.status, problem.code.as_str()), (status, code));
        assert_eq!(requests.try_iter().count(), 1);
    }
}

#[test]
fn a_registry_that_hangs_up_or_is_not_there_is_asked_a_few_times() {
    let (entries, _answer) = honest();
    let (url, _requests) = registry(Vec::new());
    let (submitter, waits) = submitter(&url);
    let error = submitter.submit(&entries, Level::Committed).unwrap_err();
    assert!(matches!(&error, Error::Transport { url, .. } if url.ends_with("/entries")), "{error}");
    assert_eq!(waits.lock().unwrap().len(), 3);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (entries, _answer) = honest();
    let (url, _requests) = registry(vec![(200, "", vec![b' '; (16 << 20) + 1])]);
    let error = submitter(&url).0.submit(&entries, Level::Committed).unwrap_err();
    assert!(matches!(error, Error::AnswerTooLong { .. }), "{error}");
}

#[test]
fn too_much_at_once_and_impossible_addresses_are_refused_unsent() {
    let (submitter, _waits) = submitter("http://127.0.0.1:1");
    assert_eq!(submitter.submit(&[], Level::Committed).unwrap(), []);
    let many = vec![vec![0]; MAX_ENTRIES + 1];
    assert!(matches!(submitter.submit(&many, Level::Committed), Err(Error::TooLarge { entries: 1_001, .. })));
    let long = vec![vec![0; MAX_BODY_BYTES]];
    assert!(matches!(submitter.submit(&long, Level::Committed), Err(Error::TooLarge { entries: 1, .. })));
    assert!(submitter.remember("no note").is_err());

    let make = |url: &str| {
        let clock = Arc::new(|| NOW);
        Submitter::new(
            url,
            submitter_key(),
            log_key().verifier(),
            Settings::default(),
            clock,
            Arc::new(|wait| wait),
        )
    };
    for url in ["", "localhost:8080", "ftp://example.org", "http://", "http:// x"] {
        assert!(matches!(make(url), Err(Error::Url { .. })), "{url:?}");
    }
}
