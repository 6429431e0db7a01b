//! The registry over HTTP, really started: what it answers to honest clients and to all others.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sillok_client::{Error, Level, Outcome};
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::empty_root;
use sillok_log::note::SignerKey;
use sillok_log::submission::{Authorization, MAX_BODY_BYTES, MAX_RAW_ENTRY_BYTES};
use sillok_log::tile::{Tile, TileKind, encode_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};
use sillok_registry::Limits;
use sillok_registry::http::{Endpoint, HttpConfig};

#[path = "http/world.rs"]
mod world;

use world::{
    ORIGIN, START, World, administrator, exchange, issue, issuer, key_added, log_key, other_issuer, send,
    signer,
};

fn codes(outcomes: &[Outcome]) -> Vec<&str> {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Logged(logged) => if logged.duplicate { "duplicate" } else { "logged" }.to_owned(),
        Outcome::Refused(refused) => refused.code.clone(),
    };
    outcomes.iter().map(|outcome| code(outcome).leak() as &str).collect()
}

fn body(entries: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<String> = entries.iter().map(|entry| STANDARD.encode(entry)).collect();
    serde_json::to_vec(&json!({ "entries": entries })).unwrap()
}

//= specs/log.md#checkpoint
//= type=test
#[test]
fn a_checkpoint_of_size_0_is_served_from_the_start() {
    let world = World::start();
    let answer = world.get("/checkpoint");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let caching = "public, max-age=1, stale-while-revalidate=5, stale-if-error=600";
    assert_eq!(answer.header("cache-control"), Some(caching));
    let checkpoint = Checkpoint::open(answer.text(), &log_key()).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (TreeSize(0), empty_root()));
    assert_eq!(fs::read(world.public().join("checkpoint")).unwrap(), answer.body);
    assert_eq!(world.get("/healthz").status, 200);
}

//= specs/log.md#submission
//= type=test
#[test]
fn entries_are_logged_with_receipts_and_repeated_ones_are_recognised() {
    let world = World::start().ready();
    let added = world.client(administrator()).submit(&[key_added()], Level::Committed).unwrap();
    assert_eq!(codes(&added), ["logged"]);
    let client = world.client(issuer());
    let outcomes = client.submit(&[issue(1), issue(2), issue(1)], Level::Committed).unwrap();
    assert_eq!(codes(&outcomes), ["logged", "logged", "duplicate"]);
    let again = client.submit(&[issue(2), issue(3)], Level::Published).unwrap();
    assert_eq!(codes(&again), ["duplicate", "logged"]);
    let [Outcome::Logged(repeated), Outcome::Logged(new)] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!((repeated.index, new.index), (LeafIndex(2), LeafIndex(3)));
    // The client has checked the receipts; this is what they rest on.
    let published = Checkpoint::open(world.get("/checkpoint").text(), &log_key()).unwrap();
    assert_eq!(published.size, TreeSize(4));
    let later = world.client(administrator()).submit(&[key_added()], Level::Committed).unwrap();
    assert_eq!(codes(&later), ["duplicate"]);
}

//= specs/log.md#static-files
//= type=test
#[test]
fn published_files_are_readable_by_everybody_and_revalidate() {
    let world = World::start().ready();
    world.client(administrator()).submit(&[key_added()], Level::Published).unwrap();
    let tile = Tile::new(TileKind::Entries, 0, 1).unwrap();
    let path = format!("/{}", tile.path());
    let answer = world.get(&path);
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, encode_bundle([key_added()]).unwrap().as_slice())
    );
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let etag = format!("\"{}\"", Hash(Sha256::digest(&answer.body).into()).to_hex());
    assert_eq!(answer.header("etag"), Some(etag.as_str()));

    let length = answer.body.len().to_string();
    let head = world.request("HEAD", &path, &[], b"");
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, Some(length.as_str()))
    );
    assert_eq!(head.header("etag"), Some(etag.as_str()));
    for tags in [etag.clone(), format!("\"x\", W/{etag}"), "*".into()] {
        let fresh = world.request("GET", &path, &[("If-None-Match", &tags)], b"");
        assert_eq!((fresh.status, fresh.body.len()), (304, 0), "{tags}");
        assert_eq!(fresh.header("etag"), Some(etag.as_str()));
    }
    assert_eq!(world.request("GET", &path, &[("If-None-Match", "\"x\"")], b"").status, 200);
    assert_eq!(world.get("/tile/0/000.p/1").status, 200);
    let checkpoint = world.get("/checkpoint");
    let tag = checkpoint.header("etag").unwrap();
    assert_eq!(world.request("GET", "/checkpoint", &[("If-None-Match", tag)], b"").status, 304);
}

#[test]
fn what_an_issuer_publishes_is_served_beside_the_log() {
    let world = World::start();
    let list = "00112233445566778899aabbccddeeff";
    let folder = world.public().join("status").join(list);
    fs::create_dir_all(&folder).unwrap();
    let caching = Some("public, max-age=60, stale-if-error=86400");
    for (file, content_type) in [
        ("snapshot", "application/json"),
        ("revocation", "application/vc+jwt"),
        ("suspension", "application/vc+jwt"),
        ("token", "application/statuslist+jwt"),
    ] {
        let path = format!("/status/{list}/{file}");
        assert_eq!(world.get(&path).problem(), (404, "request.not-found".into()));
        fs::write(folder.join(file), file).unwrap();
        let answer = world.get(&path);
        assert_eq!((answer.status, answer.text()), (200, file));
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert_eq!(answer.header("cache-control"), caching);
    }
    let folder = world.public().join("status/population");
    fs::create_dir_all(&folder).unwrap();
    let delta = format!("from-{}", "0f".repeat(32));
    for (file, content_type) in [
        ("whole", "application/octet-stream"),
        (&delta, "application/octet-stream"),
        ("trust-bundle", "application/json"),
    ] {
        fs::write(folder.join(file), file).unwrap();
        let answer = world.get(&format!("/status/population/{file}"));
        assert_eq!((answer.status, answer.text()), (200, file));
        assert_eq!(
            (answer.header("content-type"), answer.header("cache-control")),
            (Some(content_type), caching)
        );
    }
    assert_eq!(world.get("/trust-bundle").status, 404);
    fs::write(world.public().join("trust-bundle"), "{}").unwrap();
    let bundle = world.get("/trust-bundle");
    assert_eq!((bundle.status, bundle.header("content-type")), (200, Some("application/json")));
    assert_eq!(bundle.header("access-control-allow-origin"), Some("*"));
    assert_eq!(world.get("/landmarks").status, 404);
    fs::write(world.public().join("landmarks"), "0 0\n0\n").unwrap();
    let landmarks = world.get("/landmarks");
    assert_eq!((landmarks.status, landmarks.text()), (200, "0 0\n0\n"));
    assert_eq!(landmarks.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(landmarks.header("cache-control"), Some("public, max-age=300, stale-if-error=86400"));
    assert_eq!(landmarks.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn only_canonical_paths_lead_to_files() {
    let world = World::start().ready();
    world.client(administrator()).submit(&[key_added()], Level::Published).unwrap();
    fs::write(world.folder.path().join("secret"), "secret").unwrap();
    fs::create_dir_all(world.public().join("status")).unwrap();
    fs::write(world.public().join("status").join("secret"), "secret").unwrap();
    let list = "00112233445566778899aabbccddeeff";
    for path in [
        "/tile/../secret".to_owned(),
        "/tile/../../secret".into(),
        "/tile/%2e%2e/secret".into(),
        "/tile/..%2fsecret".into(),
        "/tile/..%5csecret".into(),
        "/tile//0/000.p/1".into(),
        "/tile/0/000.p/1/".into(),
        "/tile/0/000.p/01".into(),
        "/tile/0/000.p/1%00".into(),
        "/tile/0/%30%30%30.p/1".into(),
        "/%74ile/0/000.p/1".into(),
        "/tile/0/x000/000.p/1".into(),
        "/tile/0/000.p/0".into(),
        "/tile/0/000.p".into(),
        "/tile/0".into(),
        "/tile/".into(),
        "/tile".into(),
        "/tile/64/000".into(),
        "/tile/0/001".into(),
        "/checkpoint/".into(),
        "//checkpoint".into(),
        "/status/secret".into(),
        "/status/../secret".into(),
        "/status/population/secret".into(),
        "/status/population/../secret".into(),
        "/status/population/snapshot".into(),
        format!("/status/population/from-{}", "0F".repeat(32)),
        format!("/status/population/from-{}", "0".repeat(63)),
        format!("/status/{list}/whole"),
        "/status/%2e%2e/secret".into(),
        format!("/status/{list}/../secret"),
        format!("/status/{list}/secret"),
        format!("/status/{}/snapshot", list.to_uppercase()),
        format!("/status/{}/snapshot", &list[1..]),
        "/secret".into(),
        "/".into(),
        format!("/tile/{}", "x".repeat(4_000)),
    ] {
        let answer = world.get(&path);
        assert_eq!(answer.problem(), (404, "request.not-found".into()), "{path}");
        assert!(!answer.text().contains("\"secret\""), "{path}");
    }
    assert_eq!(world.get("/tile/0/000.p/1").status, 200);
    assert_eq!(world.get("/tile/0/000.p/1?query=1").status, 200, "a query is no part of the path");
}

fn header(key: &SignerKey, origin: &str, body: &[u8], time: u64) -> String {
    Authorization::sign(origin, key, body, UnixSeconds(time)).unwrap().encode()
}

#[test]
fn who_does_not_prove_who_he_is_is_sent_away() {
    let world = World::start().ready();
    let good = body(&[key_added()]);
    let admin = administrator();
    let authorized = header(&admin, ORIGIN, &good, START);
    let refused = |header: &str, body: &[u8], why: &str| {
        let answer = world.request("POST", "/entries", &[("Authorization", header)], body);
        assert_eq!(answer.problem(), (401, "submitter.unauthenticated".into()), "{why}");
        assert_eq!(answer.header("www-authenticate"), Some("Sillok-Note"), "{why}");
        assert!(answer.detail().contains(why), "{why}: {}", answer.detail());
    };
    let absent = world.request("POST", "/entries", &[], &good);
    assert_eq!(absent.problem(), (401, "submitter.unauthenticated".into()));
    let twice = [("Authorization", authorized.as_str()), ("Authorization", authorized.as_str())];
    assert_eq!(world.request("POST", "/entries", &twice, &good).status, 401);
    refused("Bearer token", &good, "is not of the form");
    refused(&header(&signer("stranger", 9), ORIGIN, &good, START), &good, "names no key");
    // The name is known, the key is not.
    refused(&header(&signer(admin.name(), 9), ORIGIN, &good, START), &good, "names no key");
    refused(&header(&admin, "example.org/other", &good, START), &good, "signature is not");
    refused(&authorized, &body(&[key_added(), key_added()]), "signature is not");
    refused(&authorized.replace(&START.to_string(), &(START + 1).to_string()), &good, "signature is not");
    refused(&header(&admin, ORIGIN, &good, START - 301), &good, "300 seconds");
    refused(&header(&admin, ORIGIN, &good, START + 301), &good, "300 seconds");
    // A stranger's body is not waited for.
    refused(
        &header(&signer("stranger", 9), ORIGIN, &good, START),
        &vec![b'x'; MAX_BODY_BYTES],
        "names no key",
    );
    assert_eq!(world.state.handle().committed().size(), TreeSize(0), "nothing of this was logged");
}

#[test]
fn what_the_header_shows_is_refused_without_the_body() {
    let world = World::start().ready();
    for (authorization, why) in [
        ("Bearer token".to_owned(), "is not of the form"),
        (header(&signer("stranger", 9), ORIGIN, b"", START), "names no key"),
        (header(&administrator(), ORIGIN, b"", START - 301), "300 seconds"),
    ] {
        // The body never comes: to wait for it would end in 408.
        let request = format!(
            "POST /entries HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Length: 100\r\n\r\n"
        );
        let answer = exchange(world.address, request.as_bytes());
        assert_eq!(answer.problem(), (401, "submitter.unauthenticated".into()), "{why}");
        assert_eq!(answer.header("connection"), Some("close"), "{why}");
        assert!(answer.detail().contains(why), "{why}: {}", answer.detail());
    }
}

#[test]
fn a_replay_appends_nothing_and_expires() {
    let world = World::start().ready();
    let body = body(&[key_added()]);
    let authorization = header(&administrator(), ORIGIN, &body, START);
    let replay = || world.request("POST", "/entries", &[("Authorization", &authorization)], &body);
    let first = replay().json();
    assert_eq!(first["results"][0]["index"], 0);
    assert_eq!(first["results"][0].get("duplicate"), None);
    world.move_clock(300);
    let second = replay().json();
    assert_eq!(
        (&second["results"][0]["index"], &second["results"][0]["duplicate"]),
        (&json!(0), &json!(true))
    );
    world.move_clock(1);
    assert_eq!(replay().problem(), (401, "submitter.unauthenticated".into()));
    assert_eq!(world.state.handle().committed().size(), TreeSize(1));
}

//= specs/entry.md#who-may-append
//= type=test
#[test]
fn everybody_appends_only_what_is_his() {
    let world = World::start().ready();
    let not_authorised = "submitter.not-authorised";
    let by = |key: SignerKey, entries: &[Vec<u8>]| {
        let outcomes = world.client(key).submit(entries, Level::Committed).unwrap();
        codes(&outcomes).into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(by(issuer(), &[key_added(), issue(1)]), [not_authorised, not_authorised]);
    // One that is refused does not stop the others.
    assert_eq!(
        by(administrator(), &[issue(1), key_added(), b"?".to_vec()]),
        [not_authorised, "logged", "entry.malformed"]
    );
    assert_eq!(by(administrator(), &[issue(1)]), [not_authorised]);
    assert_eq!(by(other_issuer(), &[issue(1)]), [not_authorised]);
    assert_eq!(by(issuer(), &[issue(1)]), ["logged"]);
}

#[test]
fn malformed_bodies_are_refused_with_the_place() {
    let world = World::start().ready();
    let deep = [b"{\"entries\":".as_slice(), &[b'['; 10_000], b"}"].concat();
    let cases: [(&[u8], &str); 16] = [
        (b"", "EOF"),
        (b"{", "line 1 column 1"),
        (b"[]", "line 1 column"),
        (b"\xff", "line 1 column"),
        (b"{}", "entries"),
        (b"{\"entries\": \"AA==\"}", "line 1 column"),
        (b"{\"entries\": [1]}", "line 1 column 14"),
        (b"{\"entries\": []}", "entries is empty"),
        (b"{\"entries\": [\"\"]}", "entries[0] is empty"),
        (b"{\"entries\": [\"AAAA\", \"AA\"]}", "entries[1] is not base64"),
        (b"{\"entries\": [\"AB==\"]}", "entries[0] is not base64"),
        (b"{\"entries\": [\"AA==\"], \"level\": \"public\"}", "unknown variant `public`"),
        (b"{\"entries\": [\"AA==\"], \"extra\": 1}", "unknown field `extra`"),
        (b"{\"entries\": [\"AA==\"], \"entries\": []}", "duplicate field `entries`"),
        (b"{\"entries\": [\"AA==\"]} x", "trailing characters"),
        (&deep, "line 1 column"),
    ];
    for (body, place) in cases {
        let answer = world.post(&administrator(), body);
        assert_eq!(answer.problem(), (400, "request.malformed".into()), "{place}");
        assert!(answer.detail().contains(place), "{place}: {}", answer.detail());
    }
    let body = body(&[key_added()]);
    let authorization = header(&administrator(), ORIGIN, &body, START);
    let headers = [("Authorization", authorization.as_str()), ("Content-Encoding", "gzip")];
    assert_eq!(world.request("POST", "/entries", &headers, &body).problem().0, 400);
}

#[test]
fn more_than_the_limits_is_refused() {
    let world = World::start().ready();
    let too_large = (413, "request.too-large".to_owned());
    let many = body(&vec![vec![0]; 1_001]);
    assert!(world.post(&administrator(), &many).detail().contains("1001"));
    assert_eq!(world.post(&administrator(), &many).problem(), too_large);
    let most = body(&vec![vec![0]; 1_000]);
    assert_eq!(world.post(&administrator(), &most).status, 200);
    assert_eq!(world.post(&administrator(), &vec![b' '; MAX_BODY_BYTES + 1]).problem(), too_large);
    // As large as is allowed is read, and then judged.
    assert_eq!(world.post(&administrator(), &vec![b' '; MAX_BODY_BYTES]).problem().0, 400);
    // Of unknown length.
    let authorization = header(&administrator(), ORIGIN, b"", START);
    let headers = [("Authorization", authorization.as_str()), ("Transfer-Encoding", "chunked")];
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x1_0000], b"\r\n"].concat();
    let chunks = [chunk.repeat(17).as_slice(), b"0\r\n\r\n"].concat();
    assert_eq!(world.request("POST", "/entries", &headers, &chunks).problem(), too_large);
    let long_head = "x".repeat(300_000);
    let answer = world.request("GET", "/checkpoint", &[("X-Long", &long_head)], b"");
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let request = format!("POST /entries HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n{authorization}");
    let smuggled =
        request.replace("Sillok-Note", "Transfer-Encoding: chunked\r\nX: Sillok-Note") + "\r\n\r\n0\r\n\r\n";
    assert_eq!(exchange(world.address, smuggled.as_bytes()).status, 400);
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn a_full_queue_and_a_full_share_are_told_apart() {
    let limits = Limits { queue_entries: 1, ..Limits::default() };
    let world = World::with(LogKind::Typed, limits, HttpConfig::default()).ready();
    // What never fits is refused for good.
    let answer = world.post(&administrator(), &body(&[key_added(), key_added()]));
    assert_eq!(answer.problem(), (413, "request.too-large".into()));
    assert!(answer.detail().contains("1 to 1 entries") && answer.header("retry-after").is_none());
    world.state.handle().stats().queue_entries.fetch_add(1, Ordering::SeqCst);
    let answer = world.post(&administrator(), &body(&[key_added()]));
    assert_eq!(answer.problem(), (503, "queue.full".into()));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);

    let limits = Limits { publish_interval: Duration::from_secs(3), ..Limits::default() };
    let config = HttpConfig { submitter_entries: 1, ..HttpConfig::default() };
    let world = World::with(LogKind::Typed, limits, config).ready();
    // Published at once; what comes next waits for the next publication.
    world.client(administrator()).submit(&[key_added()], Level::Published).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.client(issuer()).submit(&[issue(1)], Level::Published));
        while world.state.handle().committed().size() < TreeSize(2) {
            std::thread::yield_now();
        }
        let answer = world.post(&issuer(), &body(&[issue(2)]));
        assert_eq!(answer.problem(), (429, "submitter.rate-limited".into()));
        assert!(answer.header("retry-after").is_some());
        // Somebody else's share is his own.
        assert_eq!(world.post(&other_issuer(), &body(&[issue(3)])).status, 200);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(world.post(&issuer(), &body(&[issue(2)])).status, 200, "the share is free again");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let config = HttpConfig { body_timeout: Duration::from_millis(300), ..HttpConfig::default() };
    let world = World::with(LogKind::Typed, Limits::default(), config).ready();
    let authorization = header(&administrator(), ORIGIN, b"", START);
    let begun = Instant::now();
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /entries HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    // Ends when the other side closes.
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request.timeout"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(5), "the connection was closed soon");
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn reads_go_on_when_the_writer_has_stopped() {
    let mut world = World::start().ready();
    assert_eq!(world.get("/readyz").status, 200);
    world.client(administrator()).submit(&[key_added()], Level::Committed).unwrap();
    world.stop_writer();
    let answer = world.post(&administrator(), &body(&[key_added()]));
    assert_eq!(answer.problem(), (503, "log.stopped".into()));
    assert_eq!(answer.header("retry-after"), None);
    let error = world.client(administrator()).submit(&[key_added()], Level::Committed).unwrap_err();
    assert!(matches!(error, Error::Refused { problem } if problem.code == "log.stopped"));
    assert_eq!(world.get("/readyz").problem(), (503, "log.stopped".into()));
    assert_eq!(world.get("/healthz").status, 200);
    // What was committed was published before the writer ended.
    let checkpoint = Checkpoint::open(world.get("/checkpoint").text(), &log_key()).unwrap();
    assert_eq!(checkpoint.size, TreeSize(1));
    assert_eq!(world.get("/tile/0/000.p/1").status, 200);
}

//= specs/log.md#raw-submission
//= type=test
#[test]
fn a_raw_log_takes_bytes_as_they_are_on_its_own_listener_only() {
    let world = World::with(LogKind::Raw, Limits::default(), HttpConfig::default()).ready();
    for (number, entry) in [b"one".as_slice(), b"one", &[0xff; MAX_RAW_ENTRY_BYTES]].into_iter().enumerate() {
        let answer = world.add(entry);
        assert_eq!((answer.status, answer.text()), (200, number.to_string().as_str()));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(world.add(b"").problem(), (400, "request.malformed".into()));
    assert_eq!(world.add(&[0; MAX_RAW_ENTRY_BYTES + 1]).problem(), (413, "request.too-large".into()));
    assert_eq!(send(world.add_address, "GET", "/add", &[], b"").problem().0, 405);
    assert_eq!(send(world.add_address, "GET", "/checkpoint", &[], b"").problem().0, 404);
    assert_eq!(world.request("POST", "/add", &[], b"x").problem().0, 404, "not on the public listener");
    assert_eq!(
        world.post(&administrator(), &body(&[key_added()])).problem().0,
        404,
        "no rules, no submission"
    );

    let limits = Limits { queue_bytes: 1, ..Limits::default() };
    let full = World::with(LogKind::Raw, limits, HttpConfig::default()).ready();
    assert_eq!(full.add(b"xx").problem(), (413, "request.too-large".into()));
    full.state.handle().stats().queue_bytes.fetch_add(1, Ordering::SeqCst);
    let answer = full.add(b"x");
    assert_eq!(answer.problem(), (503, "queue.full".into()));
    assert!(answer.header("retry-after").is_some());
    let typed = World::start().ready();
    assert_eq!(typed.add(b"x").problem().0, 404, "a log with rules takes nothing unauthenticated");
}

//= specs/log.md#health-and-metrics
//= type=test
#[test]
fn metrics_count_what_happened() {
    let world = World::start().ready();
    world.client(administrator()).submit(&[key_added()], Level::Published).unwrap();
    world.client(administrator()).submit(&[key_added(), b"?".to_vec()], Level::Committed).unwrap();
    world.get("/tile/0/000.p/1");
    world.get("/tile/0/001");
    let answer = world.get("/metrics");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    for line in [
        "sillok_registry_entries_appended_total 1",
        "sillok_registry_entries_duplicate_total 1",
        "sillok_registry_entries_refused_total{code=\"entry.malformed\"} 1",
        "sillok_registry_committed_size 1",
        "sillok_registry_published_size 1",
        "sillok_registry_http_requests_total{route=\"/entries\",status=\"200\"} 2",
        "sillok_registry_http_requests_total{route=\"/tile/{path}\",status=\"200\"} 1",
        "sillok_registry_http_requests_total{route=\"/tile/{path}\",status=\"404\"} 1",
    ] {
        assert!(answer.text().lines().any(|found| found == line), "{line} is not in\n{}", answer.text());
    }
}

#[test]
fn the_description_of_the_interface_lists_exactly_the_routes() {
    let world = World::start();
    let answer = world.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let document: Value = answer.json();
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.push((path.clone(), method.to_uppercase()));
        }
    }
    described.sort();
    let mut routes: Vec<(String, String)> = Vec::new();
    for endpoint in Endpoint::ALL {
        routes.extend(endpoint.methods().iter().map(|method| (endpoint.path().into(), (*method).into())));
    }
    routes.sort();
    assert_eq!(described, routes);
    // Each answers to its methods and to no other, and says so.
    for endpoint in Endpoint::ALL {
        let address = if endpoint == Endpoint::Add { world.add_address } else { world.address };
        let path = endpoint.path().replace("{path}", "0/000").replace("{list}", "x").replace("{file}", "y");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = send(address, method, &path, &[], b"");
            let refused = answer.status == 405;
            assert_eq!(refused, !endpoint.methods().contains(&method), "{method} {path}: {}", answer.status);
            if refused {
                assert_eq!(answer.header("allow"), Some(endpoint.methods().join(", ").as_str()));
                assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            }
        }
    }
}

//= specs/log.md#freezing
//= type=test
#[test]
fn a_frozen_log_is_read_and_answers_what_it_has_and_everything_else_is_gone() {
    let world = World::start().ready();
    world.client(administrator()).submit(&[key_added()], Level::Committed).unwrap();
    world.client(issuer()).submit(&[issue(1), issue(2)], Level::Published).unwrap();
    let checkpoint = world.get("/checkpoint").body;
    let world = world.frozen().ready();
    for path in ["/checkpoint", "/tile/entries/000.p/3", "/tile/0/000.p/3", "/healthz"] {
        assert_eq!(world.get(path).status, 200, "{path}");
    }
    assert_eq!(world.get("/checkpoint").body, checkpoint);
    assert_eq!(world.get("/readyz").problem(), (503, "log.frozen".into()));
    assert!(world.get("/metrics").text().contains("\nsillok_registry_frozen 1\n"));

    // A retry is answered with its place, under the last checkpoint.
    let again = world.client(issuer()).submit(&[issue(2)], Level::Published).unwrap();
    let [Outcome::Logged(logged)] = again.as_slice() else { panic!("{again:?}") };
    assert!(logged.duplicate && logged.index.0 == 2);

    // The refusal has no time to come again, and the client takes it for what it is.
    let body = json!({ "entries": [STANDARD.encode(issue(3))] }).to_string();
    let refused = world.post(&issuer(), body.as_bytes());
    assert_eq!((refused.problem(), refused.header("retry-after")), ((410, "log.frozen".into()), None));
    let error = world.client(issuer()).submit(&[issue(2), issue(3)], Level::Committed).unwrap_err();
    assert!(matches!(&error, Error::Refused { problem } if problem.code == "log.frozen"), "{error}");
    let signed = Checkpoint::open(world.get("/checkpoint").text(), &log_key()).unwrap();
    assert_eq!(signed.size, TreeSize(3));
}
