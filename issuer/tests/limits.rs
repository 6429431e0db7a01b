//! What an issuer does not take at once, and says when to come again for: everything that waits is bounded.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::thread;

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use world::{Running, Server, World, issued, payload, request, status_request};

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
