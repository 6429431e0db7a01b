//! What a crash or a lost answer leaves behind is finished, once, with the same bytes.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use sillok_issuer::Issuer;
use sillok_issuer::sign::Signer as _;

#[path = "support/remote.rs"]
mod remote;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use world::{Running, Server, World, entries, issued, payload, request, status_request};

fn serve(world: &World, remote: &Remote) -> Running {
    let issuer = world.open(world.config(), remote.backend(world)).unwrap();
    Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None }
}

/// Ends the process's part as a crash does: nothing more gets through to the log.
fn crash(running: Running, remote: &Remote) {
    remote.lose_after(0, Loss::Request);
    running.stop();
    remote.heal();
}

fn leaves(world: &World, remote: &Remote) -> Vec<Vec<u8>> {
    let handle = remote.registry.as_ref().unwrap().handle();
    let size = handle.committed().size().0;
    while handle.published().size().0 < size {
        thread::sleep(Duration::from_millis(5));
    }
    entries(&world.path("data/public"), size)
}

fn count(world: &World, remote: &Remote, kind: u8) -> usize {
    leaves(world, remote).iter().filter(|entry| entry[1] == kind).count()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_retry_after_a_restart_gives_the_same_bytes() {
    let world = World::new();
    let running = world.start();
    let first = running.issue(&world.token(&running, "clinic"), "k", &request("person-1"));
    assert_eq!(first.status, 201);
    running.stop();
    let running = world.start();
    let again = running.issue(&world.token(&running, "clinic"), "k", &request("person-1"));
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(world.issue_leaves(&running), 1);
    let (credential, receipt) = issued(&again.json());
    assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
    running.stop();
}

#[test]
fn a_crash_before_or_after_the_log_has_it_makes_one_leaf() {
    for (loss, logged) in [(Loss::Request, 0), (Loss::Answer, 1)] {
        let world = World::new();
        let remote = Remote::start(&world);
        let running = serve(&world, &remote);
        let token = world.token(&running, "clinic");
        remote.lose_after(0, loss);
        let lost = running.issue(&token, "k", &request("person-1"));
        assert_eq!((lost.status, lost.code().as_str()), (503, "ledger.unavailable"), "{loss:?}");
        assert!(lost.header("retry-after").is_some());
        assert_eq!(count(&world, &remote, 1), logged, "{loss:?}");
        crash(running, &remote);
        // The start finishes it, before anybody asks.
        let running = serve(&world, &remote);
        assert_eq!(count(&world, &remote, 1), 1, "{loss:?}");
        let token = world.token(&running, "clinic");
        let answer = running.issue(&token, "k", &request("person-1"));
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(running.issue(&token, "k", &request("person-1")).text, answer.text);
        assert_eq!(running.issue(&token, "k", &request("person-2")).code(), "idempotency-key.reused");
        let (credential, receipt) = issued(&answer.json());
        assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
        assert_eq!(count(&world, &remote, 1), 1, "{loss:?}");
        running.stop();
        remote.stop();
    }
}

#[test]
fn a_retry_in_the_same_process_submits_the_same_leaf() {
    let world = World::new();
    let remote = Remote::start(&world);
    let running = serve(&world, &remote);
    let token = world.token(&running, "clinic");
    for (key, loss) in [("a", Loss::Request), ("b", Loss::Answer)] {
        remote.lose_after(0, loss);
        assert_eq!(running.issue(&token, key, &request("person-1")).status, 503);
        remote.heal();
        // The desk may be at it in this moment.
        let mut answer = None;
        wait_until("a credential", || {
            let got = running.issue(&token, key, &request("person-1"));
            assert!([201, 409, 503].contains(&got.status), "{}", got.text);
            let done = got.status == 201;
            answer = Some(got);
            done
        });
        let (credential, receipt) = issued(&answer.unwrap().json());
        assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
    }
    assert_eq!(count(&world, &remote, 1), 2);
    running.stop();
    remote.stop();
}

#[test]
fn what_is_open_is_finished_without_a_retry() {
    let world = World::new();
    let remote = Remote::start(&world);
    let running = serve(&world, &remote);
    let token = world.token(&running, "clinic");
    remote.lose_after(0, Loss::Request);
    assert_eq!(running.issue(&token, "k", &request("person-1")).status, 503);
    assert_eq!(count(&world, &remote, 1), 0);
    remote.heal();
    wait_until("the leaf", || count(&world, &remote, 1) == 1);
    running.stop();
    remote.stop();
}

#[test]
fn a_log_that_never_answers_holds_nobody_up() {
    let world = World::new();
    let remote = Remote::start(&world);
    let mut config = world.config();
    config.limits.workers = 1;
    let issuer = world.open(config, remote.backend(&world)).unwrap();
    let mut running = Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None };
    let token = world.token(&running, "clinic");
    remote.lose_after(0, Loss::BlackHole);
    let began = Instant::now();
    assert_eq!(running.issue(&token, "k", &request("person-1")).code(), "ledger.unavailable");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // One of them is at the worker when it stops, and the others wait for it.
    let issuer = running.issuer.take().unwrap();
    let began = Instant::now();
    let codes: Vec<String> = thread::scope(|scope| {
        let ask = |number: usize| {
            let (running, token) = (&running, &token);
            scope.spawn(move || running.issue(token, &number.to_string(), &request("person-2")).code())
        };
        let first = ask(0);
        thread::sleep(Duration::from_millis(300));
        let waiting: Vec<_> = (1..8).map(ask).collect();
        thread::sleep(Duration::from_millis(300));
        issuer.stop();
        std::iter::once(first).chain(waiting).map(|asked| asked.join().unwrap()).collect()
    });
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // Unless the desk, which looks after the one before, was first.
    let taken = usize::from(codes[0] == "ledger.unavailable");
    assert!(taken == 1 || codes[0] == "issuer.stopping", "{codes:?}");
    assert!(codes[1..].iter().all(|code| code == "issuer.stopping"), "{codes:?}");
    running.server.stop();
    remote.heal();
    // What was taken is finished; what was refused was never begun.
    let running = serve(&world, &remote);
    assert_eq!(count(&world, &remote, 1), 1 + taken);
    running.stop();
    remote.stop();
}

#[test]
fn a_refusal_that_is_not_final_leaves_the_credential_open() {
    let world = World::new();
    let remote = Remote::start(&world);
    let running = serve(&world, &remote);
    let token = world.token(&running, "clinic");
    remote.lose_after(0, Loss::Refusal("submitter.not-authorised"));
    let refused = running.issue(&token, "k", &request("person-1"));
    assert_eq!(refused.code(), "ledger.refused");
    crash(running, &remote);
    assert_eq!(count(&world, &remote, 1), 0);
    // It is the same credential that is logged, at the start and whoever asks.
    let running = serve(&world, &remote);
    assert_eq!(count(&world, &remote, 1), 1);
    let token = world.token(&running, "clinic");
    let answer = running.issue(&token, "k", &request("person-1"));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(count(&world, &remote, 1), 1);
    // Without a restart the desk comes back to it.
    remote.lose_after(0, Loss::Refusal("submitter.not-authorised"));
    assert_eq!(running.issue(&token, "k2", &request("person-2")).code(), "ledger.refused");
    remote.heal();
    wait_until("the leaf", || count(&world, &remote, 1) == 2);
    running.stop();
    remote.stop();
}

#[test]
fn the_final_words_of_the_log_give_the_credential_up() {
    for code in ["issue.duplicate", "issue.key-not-active"] {
        let world = World::new();
        let remote = Remote::start(&world);
        let running = serve(&world, &remote);
        let token = world.token(&running, "clinic");
        remote.lose_after(0, Loss::Refusal(code));
        assert_eq!(running.issue(&token, "k", &request("person-1")).code(), "ledger.refused");
        crash(running, &remote);
        let running = serve(&world, &remote);
        assert_eq!(count(&world, &remote, 1), 0, "{code}");
        // The key may be used for anything.
        let token = world.token(&running, "clinic");
        assert_eq!(running.issue(&token, "k", &request("person-2")).status, 201);
        assert_eq!(count(&world, &remote, 1), 1, "{code}");
        running.stop();
        remote.stop();
    }
}

#[test]
fn a_lost_change_of_status_is_made_once() {
    for loss in [Loss::Request, Loss::Answer] {
        let world = World::new();
        let remote = Remote::start(&world);
        let running = serve(&world, &remote);
        let token = world.token(&running, "operator");
        let (credential, receipt) = issued(&running.issue(&token, "k", &request("person-1")).json());
        let id = payload(&credential)["id"].as_str().unwrap().to_owned();
        let suspend = status_request(&id, "suspension", true);
        remote.lose_after(0, loss);
        let lost = running.post("/credentials/status", &token, &suspend);
        assert_eq!((lost.status, lost.code().as_str()), (503, "ledger.unavailable"));
        crash(running, &remote);
        let running = serve(&world, &remote);
        assert_eq!(count(&world, &remote, 2), 1, "{loss:?}");
        let verdict = world.judge(&running.get("/trust-bundle").text, &credential, &receipt);
        assert_eq!(verdict.reason().unwrap().code(), "status.suspended");
        let token = world.token(&running, "operator");
        let again = running.post("/credentials/status", &token, &suspend);
        assert_eq!(again.status, 200);
        assert!(again.json()["index"].is_u64());
        assert_eq!(
            running.post("/credentials/status", &token, &status_request(&id, "suspension", false)).status,
            200
        );
        assert_eq!(count(&world, &remote, 2), 2, "{loss:?}");
        assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
        running.stop();
        remote.stop();
    }
}

#[test]
fn a_stopped_log_is_said_and_nothing_is_half_done() {
    let world = World::new();
    let mut running = world.start();
    let token = world.token(&running, "clinic");
    running.registry.take().unwrap().stop().unwrap();
    let answer = running.issue(&token, "k", &request("person-1"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "ledger.unavailable"));
    assert_eq!(running.get("/trust-bundle").status, 200, "reads go on");
    let ready = running.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["problems"][0]),
        (503, &json!("log takes no entries at the moment"))
    );
    running.stop();
    let running = world.start();
    assert_eq!(world.issue_leaves(&running), 1);
    let answer = running.issue(&world.token(&running, "clinic"), "k", &request("person-1"));
    assert_eq!(answer.status, 201);
    assert_eq!(world.issue_leaves(&running), 1);
    running.stop();
}

#[test]
fn what_is_kept_for_retries_is_erased_after_its_time() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let (credential, receipt) = issued(&running.issue(&token, "k", &request("person-1")).json());
    running.stop();
    world.wait(7_200);
    let mut config = world.config();
    config.retention = Some(Duration::from_secs(3_600));
    let running = world.start_with(config);
    let token = world.token(&running, "operator");
    let clinic = world.token(&running, "clinic");
    wait_until("the erasure", || running.issue(&clinic, "k", &request("person-1")).status == 410);
    assert_eq!(running.issue(&clinic, "k", &request("person-1")).code(), "credential.erased");
    // The credential is as good as ever, and can still be revoked.
    assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
    let id = payload(&credential)["id"].as_str().unwrap().to_owned();
    assert_eq!(
        running.post("/credentials/status", &token, &status_request(&id, "revocation", true)).status,
        200
    );
    let verdict = world.judge(&running.get("/trust-bundle").text, &credential, &receipt);
    assert_eq!(verdict.reason().unwrap().code(), "status.revoked");
    // The same person may get another one.
    assert_eq!(running.issue(&clinic, "k2", &request("person-1")).status, 201);
    assert_eq!(world.issue_leaves(&running), 2);
    running.stop();
}

#[test]
fn a_rotation_that_is_interrupted_anywhere_leaves_good_keys() {
    for loss in [Loss::Request, Loss::Answer] {
        let world = World::new();
        let remote = Remote::start(&world);
        let mut credentials = Vec::new();
        let mut failures = 0;
        for budget in 0..20 {
            let running = serve(&world, &remote);
            let token = world.token(&running, "operator");
            credentials
                .push(issued(&running.issue(&token, &budget.to_string(), &request("person-1")).json()));
            remote.lose_after(budget, loss);
            let answer = running.post("/admin/keys/rotate", &token, &json!({}));
            crash(running, &remote);
            if answer.status == 200 {
                break;
            }
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "ledger.unavailable"),
                "{loss:?} {budget}"
            );
            failures += 1;
        }
        assert!(failures >= 3, "{failures} rotations were interrupted");
        let running = serve(&world, &remote);
        let token = world.token(&running, "operator");
        credentials.push(issued(&running.issue(&token, "last", &request("person-1")).json()));
        let bundle = running.get("/trust-bundle").text;
        for (credential, receipt) in &credentials {
            let verdict = world.judge(&bundle, credential, receipt);
            assert!(verdict.admits(), "{loss:?}: {verdict}");
        }
        running.stop();
        remote.stop();
    }
}

#[test]
fn a_public_text_of_another_key_refuses_the_start() {
    let world = World::new();
    world.start().stop();
    let path = |name: &str| world.path(&format!("data/keys/{name}.pub"));
    let text = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    let other = world::client("clinic", 99).signer.public_key().to_jwk_json();
    // Each is a good public text, and not the key's own.
    let name = std::fs::read_dir(world.path("data/keys")).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.starts_with("issuer-").then(|| name.split('.').next().unwrap().to_owned())
    });
    for (name, flipped) in [("root", text("feed")), ("feed", text("root")), (&name.unwrap(), other)] {
        let good = text(name);
        std::fs::write(path(name), flipped).unwrap();
        let registry = world.registry();
        let backend = sillok_issuer::Backend::Embedded(registry.handle());
        let error = world.open(world.config(), backend).err().unwrap().to_string();
        assert!(error.contains(&format!("{name}.pub")), "{error}");
        registry.stop().unwrap();
        std::fs::write(path(name), good).unwrap();
    }
    world.start().stop();
}

#[test]
fn an_issuer_can_be_dropped_without_a_word() {
    let world = World::new();
    let remote = Remote::start(&world);
    let issuer: Issuer = world.open(world.config(), remote.backend(&world)).unwrap();
    drop(issuer);
    let running = serve(&world, &remote);
    assert_eq!(running.issue(&world.token(&running, "clinic"), "k", &request("person-1")).status, 201);
    running.stop();
    remote.stop();
}
