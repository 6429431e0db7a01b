//! What an issuer does not take at once, and says when to come again for: everything that waits is bounded.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use world::{Running, Server, World, issued, payload, request, status_request};

fn batch(keys: &[&str]) -> Value {
    let item = |key: &&str| {
        let mut item = request(&format!("person of {key}"));
        item["idempotencyKey"] = json!(key);
        item
    };
    json!({ "requests": keys.iter().map(item).collect::<Vec<_>>() })
}

/// The beginning of a batch of 2 MiB.
fn begin_batch(running: &Running, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.server.address).unwrap();
    let head = format!(
        "POST /credentials/issue/batch HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{{",
        2 << 20
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Ten thousand of them would have had 20 GiB.
#[test]
fn long_bodies_have_64_mib_together_and_short_ones_are_read_beside_them() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let streams: Vec<TcpStream> = (0..40).map(|_request| begin_batch(&running, &token)).collect();
    let (sender, answers) = mpsc::channel();
    for stream in &streams {
        let (mut stream, sender) = (stream.try_clone().unwrap(), sender.clone());
        thread::spawn(move || {
            let mut answer = Vec::new();
            let mut piece = [0; 4_096];
            while !answer.ends_with(b"}") {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => answer.extend_from_slice(&piece[..read]),
                }
            }
            drop(sender.send(String::from_utf8(answer).unwrap()));
        });
    }
    // 32 of them wait for the rest of their bodies.
    for _refused in 0..8 {
        let answer = answers.recv().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("retry-after: ") && answer.contains("queue.full"), "{answer}");
    }
    assert!(answers.try_recv().is_err());
    assert_eq!(running.issue(&token, "k", &request("person-1")).status, 201);
    let small = running.post("/credentials/issue/batch", &token, &batch(&["a", "b"]));
    assert_eq!((small.status, &small.json()["results"][1]["status"]), (200, &json!(201)));
    // Who hangs up has given its room back.
    streams.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    (0..32).for_each(|_waiting| drop(answers.recv().unwrap()));
    let mut held = begin_batch(&running, &token);
    held.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(held.read(&mut [0; 1]).is_err(), "it is read");
    running.stop();
}

#[test]
fn no_credential_is_begun_while_too_many_wait_for_the_log_and_all_of_them_are_logged_when_it_is_back() {
    let world = World::new();
    let remote = Remote::start(&world);
    let start = || {
        let mut config = world.config();
        config.limits.open_intents = 3;
        let issuer = world.open(config, remote.backend(&world)).unwrap();
        Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None }
    };
    let running = start();
    let token = world.token(&running, "clinic");
    let done = running.issue(&token, "done", &request("person-1"));
    assert_eq!(done.status, 201);
    remote.lose_after(0, Loss::Request);
    for key in ["a", "b", "c", "d", "e"] {
        let refused = running.issue(&token, key, &request("person-2"));
        assert_eq!(refused.code(), "ledger.unavailable");
        assert!(refused.header("retry-after").is_some());
    }
    // What was issued is still answered.
    assert_eq!(running.issue(&token, "done", &request("person-1")).text, done.text);
    running.stop();
    remote.heal();
    // Three were begun. The others may be asked for again.
    let running = start();
    let count = || {
        let handle = remote.registry.as_ref().unwrap().handle();
        let size = handle.committed().size();
        while handle.published().size() < size {
            thread::yield_now();
        }
        world::entries(&world.path("data/public"), size.0).iter().filter(|entry| entry[1] == 1).count()
    };
    assert_eq!(count(), 4);
    let token = world.token(&running, "clinic");
    for key in ["a", "d", "e"] {
        assert_eq!(running.issue(&token, key, &request("person-2")).status, 201);
    }
    assert_eq!(count(), 6);
    running.stop();
    remote.stop();
}

#[test]
fn changes_of_status_that_nobody_gets_round_to_are_refused_and_not_queued() {
    let world = World::new();
    let remote = Remote::start(&world);
    let mut config = world.config();
    config.limits.desk_tasks = 1;
    let issuer = world.open(config, remote.backend(&world)).unwrap();
    let running = Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None };
    let token = world.token(&running, "operator");
    let (credential, _receipt) = issued(&running.issue(&token, "k", &request("person-1")).json());
    let id = payload(&credential)["id"].as_str().unwrap().to_owned();
    remote.lose_after(0, Loss::BlackHole);
    let suspend = status_request(&id, "suspension", true);
    let codes: Vec<(String, bool)> = thread::scope(|scope| {
        let ask = |_number| {
            scope.spawn(|| {
                let answer = running.post("/credentials/status", &token, &suspend);
                (answer.code(), answer.header("retry-after").is_some())
            })
        };
        let asked: Vec<_> = (0..8).map(ask).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    // One or two are with the desk, and one waits.
    let full = codes.iter().filter(|(code, retry)| code == "queue.full" && *retry).count();
    assert!(full >= 4, "{codes:?}");
    remote.heal();
    running.stop();
    remote.stop();
}
