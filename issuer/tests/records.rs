//! Records of people, and the credentials that wallets obtain of them.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::time::Duration;

use serde_json::{Value, json};
use sillok_issuer::error::{Code, Problem};
use sillok_issuer::format::Format;
use sillok_issuer::records::{HolderKey, MAX_KEYS, Obtained, RecordNumber};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_issuer::{Core, Issuer};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use world::{Answer, Running, Server, World, payload, request, status_request};

/// A key of some wallet.
fn key(seed: u8) -> HolderKey {
    let signer = FileSigner::new(Algorithm::Es256, &[seed; 32]).unwrap();
    HolderKey { key: *signer.public_key(), did: None }
}

/// What a clinic knows of somebody with so many doses.
fn doses(subject: &str, count: usize) -> Value {
    let mut body = request(subject);
    let dose = |number| json!({ "number": number, "date": "2026-03-01", "vaccine": "BNT162b2" });
    body["credential"]["credentialSubject"]["doses"] = (1..=count).map(dose).collect();
    body
}

fn put(world: &World, running: &Running, body: &Value) -> Answer {
    let token = format!("Bearer {}", world.token(running, "clinic"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    running.server.send("PUT", "/records", &headers, &body.to_string())
}

fn core(running: &Running) -> std::sync::Arc<Core> {
    running.issuer.as_ref().unwrap().core()
}

fn obtain_as(
    running: &Running,
    record: RecordNumber,
    keys: &[HolderKey],
    format: Format,
) -> Result<Obtained, Problem> {
    let (core, keys) = (core(running), keys.to_vec());
    actix_web::rt::System::new().block_on(async move { core.obtain(record, keys, format).await })
}

/// What a wallet gets for some keys.
fn obtain(running: &Running, subject: &str, keys: &[HolderKey]) -> Result<Obtained, Problem> {
    let record = core(running).find_record(subject, "vaccination").unwrap();
    obtain_as(running, record, keys, Format::VcJwt)
}

/// Until the log has what was open.
fn obtain_in_time(running: &Running, subject: &str, keys: &[HolderKey]) -> Obtained {
    for _wait in 0..400 {
        match obtain(running, subject, keys) {
            Ok(obtained) => return obtained,
            Err(problem) if problem.retry_after_seconds.is_some() => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(problem) => panic!("{problem}"),
        }
    }
    panic!("there is no credential");
}

fn refused(answer: Result<Obtained, Problem>) -> Code {
    match answer {
        Ok(_obtained) => panic!("credentials were handed over"),
        Err(problem) => problem.code,
    }
}

fn credential(obtained: &Obtained, position: usize) -> &str {
    &obtained.credentials[position].credential
}

fn verdict(world: &World, running: &Running, obtained: &Obtained, position: usize) -> String {
    let issued = &obtained.credentials[position];
    let bundle = running.get("/trust-bundle").text;
    let verdict = world.judge(&bundle, &issued.credential, &issued.receipt);
    format!("{verdict:?}")
}

fn is_good(world: &World, running: &Running, obtained: &Obtained, position: usize) -> bool {
    let issued = &obtained.credentials[position];
    world.judge(&running.get("/trust-bundle").text, &issued.credential, &issued.receipt).admits()
}

fn publish(world: &World, running: &Running) {
    let token = world.token(running, "operator");
    assert_eq!(running.post("/admin/publish", &token, &json!({})).status, 200);
}

fn slot(credential: &str) -> (Value, Value) {
    let status = payload(credential)["credentialStatus"][0].clone();
    (status["statusListCredential"].clone(), status["statusListIndex"].clone())
}

//= specs/reissue.md#obtaining
//= type=test
#[test]
fn a_second_dose_makes_another_credential_and_what_has_not_changed_gives_the_same_bytes() {
    let world = World::new();
    let running = world.start();
    let first = put(&world, &running, &doses("person-1", 1));
    assert_eq!((first.status, &first.json()["change"]), (201, &json!("created")), "{}", first.text);
    let again = put(&world, &running, &doses("person-1", 1));
    assert_eq!((again.status, &again.json()["change"]), (200, &json!("unchanged")));
    assert_eq!(again.json()["version"], first.json()["version"]);
    assert_eq!(again.header("etag"), first.header("etag"));

    let one = obtain(&running, "person-1", &[key(1)]).unwrap();
    assert!(is_good(&world, &running, &one, 0), "{}", verdict(&world, &running, &one, 0));
    let claims = payload(credential(&one, 0));
    assert_eq!(claims["credentialSubject"]["doses"].as_array().unwrap().len(), 1);
    assert_eq!(claims["cnf"]["jwk"]["kty"], "EC");
    world.wait(3_600);
    let same = obtain(&running, "person-1", &[key(1)]).unwrap();
    assert!(same == one, "bytes, receipt, tag");
    assert_eq!(world.issue_leaves(&running), 1);

    let second = put(&world, &running, &doses("person-1", 2));
    assert_eq!((second.status, &second.json()["change"]), (200, &json!("replaced")));
    assert_ne!(second.header("etag"), first.header("etag"));
    // Nothing happens to what the wallet has, until it asks.
    publish(&world, &running);
    assert!(is_good(&world, &running, &one, 0));
    let two = obtain(&running, "person-1", &[key(1)]).unwrap();
    assert_eq!(payload(credential(&two, 0))["credentialSubject"]["doses"].as_array().unwrap().len(), 2);
    assert_ne!(two.etag, one.etag);
    assert_ne!(slot(credential(&two, 0)), slot(credential(&one, 0)));
    publish(&world, &running);
    assert!(is_good(&world, &running, &two, 0), "{}", verdict(&world, &running, &two, 0));
    assert!(verdict(&world, &running, &one, 0).contains("Revoked"), "{}", verdict(&world, &running, &one, 0));
    assert!(obtain(&running, "person-1", &[key(1)]).unwrap() == two);

    // A restart remembers all of it.
    running.stop();
    let running = world.start();
    assert!(obtain(&running, "person-1", &[key(1)]).unwrap() == two);
    assert_eq!(put(&world, &running, &doses("person-1", 2)).json()["change"], "unchanged");
    assert_eq!(world.issue_leaves(&running), 2);
    running.stop();
}

#[test]
fn a_credential_is_renewed_when_a_tenth_of_its_validity_is_left() {
    let world = World::new();
    let running = world.start();
    put(&world, &running, &doses("person-1", 1));
    let record = core(&running).find_record("person-1", "vaccination").unwrap();
    let days = u64::from(core(&running).record_type(record).unwrap().validity_days());
    let one = obtain(&running, "person-1", &[key(1)]).unwrap();
    world.wait(days * 86_400 * 9 / 10 - 1);
    // The start publishes what the time before has left to expire.
    running.stop();
    let running = world.start();
    assert!(obtain(&running, "person-1", &[key(1)]).unwrap() == one);
    world.wait(1);
    let two = obtain(&running, "person-1", &[key(1)]).unwrap();
    assert!(two != one && two.version == one.version);
    assert!(is_good(&world, &running, &two, 0), "{}", verdict(&world, &running, &two, 0));
    running.stop();
}

//= specs/reissue.md#obtaining
//= type=test
#[test]
fn a_key_is_of_one_record_and_each_key_has_a_credential_of_its_own() {
    let world = World::new();
    let running = world.start();
    put(&world, &running, &doses("person-1", 1));
    put(&world, &running, &doses("person-2", 1));
    let all = obtain(&running, "person-1", &[key(1), key(2), key(3)]).unwrap();
    let slots: std::collections::HashSet<String> =
        (0..3).map(|position| format!("{:?}", slot(credential(&all, position)))).collect();
    assert_eq!(slots.len(), 3);
    let reversed = obtain(&running, "person-1", &[key(3), key(2), key(1)]).unwrap();
    assert_eq!(credential(&reversed, 0), credential(&all, 2));
    assert_ne!(reversed.etag, all.etag);
    // Part of it is new, part of it is there.
    let more = obtain(&running, "person-1", &[key(4), key(1)]).unwrap();
    assert_eq!(credential(&more, 1), credential(&all, 0));
    assert_eq!(world.issue_leaves(&running), 4);

    // In another form it is another credential, of the same record and key.
    let record = core(&running).find_record("person-1", "vaccination").unwrap();
    let other = obtain_as(&running, record, &[key(1)], Format::DcSdJwt).unwrap();
    assert!(credential(&other, 0).contains('~') && is_good(&world, &running, &other, 0));
    assert!(obtain_as(&running, record, &[key(1)], Format::DcSdJwt).unwrap() == other);
    assert!(obtain(&running, "person-1", &[key(1), key(2), key(3)]).unwrap() == all);
    assert_eq!(world.issue_leaves(&running), 5);

    assert_eq!(refused(obtain(&running, "person-2", &[key(5), key(2)])), Code::HolderKeyBound);
    assert_eq!(refused(obtain(&running, "person-2", &[key(5), key(5)])), Code::RequestMalformed);
    assert_eq!(refused(obtain(&running, "person-2", &[])), Code::RequestMalformed);
    let many: Vec<HolderKey> = (0..=MAX_KEYS as u8).map(|seed| key(100 + seed)).collect();
    assert_eq!(refused(obtain(&running, "person-2", &many)), Code::RequestMalformed);
    assert_eq!(refused(obtain_as(&running, RecordNumber(99), &[key(5)], Format::VcJwt)), Code::RecordUnknown);
    assert_eq!(world.issue_leaves(&running), 5);
    running.stop();
    let running = world.start();
    assert_eq!(refused(obtain(&running, "person-2", &[key(2)])), Code::HolderKeyBound);
    assert!(obtain(&running, "person-2", &[key(5)]).is_ok());
    running.stop();
}

#[test]
fn what_the_authority_has_done_to_a_credential_is_not_undone_by_asking() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    put(&world, &running, &doses("person-1", 1));
    let both = obtain(&running, "person-1", &[key(1), key(2)]).unwrap();
    let id = |position: usize| payload(credential(&both, position))["id"].as_str().unwrap().to_owned();
    let suspend = |set: bool| {
        let answer = running.post("/credentials/status", &token, &status_request(&id(0), "suspension", set));
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    suspend(true);
    assert!(credential(&obtain(&running, "person-1", &[key(1)]).unwrap(), 0) == credential(&both, 0));
    put(&world, &running, &doses("person-1", 2));
    assert_eq!(refused(obtain(&running, "person-1", &[key(1)])), Code::CredentialSuspended);
    suspend(false);
    assert!(credential(&obtain(&running, "person-1", &[key(1)]).unwrap(), 0) != credential(&both, 0));

    let revoked = running.post("/credentials/status", &token, &status_request(&id(1), "revocation", true));
    assert_eq!(revoked.status, 200);
    assert_eq!(refused(obtain(&running, "person-1", &[key(2)])), Code::HolderKeyEnded);
    put(&world, &running, &doses("person-1", 3));
    assert_eq!(refused(obtain(&running, "person-1", &[key(2)])), Code::HolderKeyEnded);
    assert!(obtain(&running, "person-1", &[key(3)]).is_ok());
    running.stop();
}

//= specs/reissue.md#one-key-a-person
//= type=test
#[test]
fn with_one_key_a_person_the_key_before_ends_in_the_next_snapshot() {
    let world = World::new();
    let start = || {
        let mut config = world.config();
        config.one_key_per_person = true;
        world.start_with(config)
    };
    let running = start();
    put(&world, &running, &doses("person-1", 1));
    put(&world, &running, &doses("person-2", 1));
    assert_eq!(refused(obtain(&running, "person-1", &[key(1), key(2)])), Code::HolderKeySeveral);
    let old = obtain(&running, "person-1", &[key(1)]).unwrap();
    let other = obtain(&running, "person-2", &[key(9)]).unwrap();
    let new = obtain(&running, "person-1", &[key(2)]).unwrap();
    assert_eq!(refused(obtain(&running, "person-1", &[key(1)])), Code::HolderKeyEnded);
    publish(&world, &running);
    assert!(verdict(&world, &running, &old, 0).contains("Revoked"));
    assert!(is_good(&world, &running, &new, 0) && is_good(&world, &running, &other, 0));
    running.stop();
    let running = start();
    assert_eq!(refused(obtain(&running, "person-1", &[key(1)])), Code::HolderKeyEnded);
    assert!(obtain(&running, "person-1", &[key(2)]).unwrap() == new);
    running.stop();
}

//= specs/reissue.md#records
//= type=test
#[test]
fn erasing_a_person_destroys_the_record() {
    let world = World::new();
    let start = || {
        let mut config = world.config();
        config.retention = Some(Duration::from_secs(86_400));
        world.start_with(config)
    };
    let running = start();
    put(&world, &running, &doses("person-1", 1));
    let record = core(&running).find_record("person-1", "vaccination").unwrap();
    obtain(&running, "person-1", &[key(1)]).unwrap();
    world.wait(86_400 - 60);
    // What is put counts as use, by itself.
    put(&world, &running, &doses("person-2", 1));
    running.stop();
    world.wait(120);
    let running = start();
    for _wait in 0..400 {
        if core(&running).find_record("person-1", "vaccination").is_none() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(core(&running).find_record("person-1", "vaccination"), None);
    assert_eq!(refused(obtain_as(&running, record, &[key(1)], Format::VcJwt)), Code::RecordErased);
    assert!(obtain(&running, "person-2", &[key(2)]).is_ok());
    // Somebody of the same name is another record, and the old key is not his.
    assert_eq!(put(&world, &running, &doses("person-1", 1)).json()["change"], "created");
    assert_eq!(refused(obtain(&running, "person-1", &[key(1)])), Code::HolderKeyBound);
    assert!(obtain(&running, "person-1", &[key(3)]).is_ok());
    running.stop();
}

#[test]
fn a_record_that_is_none_is_refused() {
    let world = World::new();
    let running = world.start();
    let code = |change: &dyn Fn(&mut Value)| {
        let mut body = doses("person-1", 1);
        change(&mut body);
        put(&world, &running, &body).code()
    };
    let jwk: Value = serde_json::from_str(&key(1).key.to_jwk_json()).unwrap();
    assert_eq!(code(&|body| body["options"]["holderKey"] = jwk.clone()), "request.malformed");
    assert_eq!(code(&|body| body["options"]["format"] = "vc+jwt".into()), "request.malformed");
    assert_eq!(code(&|body| body["options"]["subject"] = "".into()), "request.malformed");
    assert_eq!(code(&|body| body["credential"]["credentialSubject"]["doses"] = 7.into()), "claims.invalid");
    assert_eq!(code(&|body| body["credential"]["type"][1] = "Another".into()), "type.unknown");
    let reader = format!("Bearer {}", world.token(&running, "reader"));
    let headers = [("authorization", reader.as_str()), ("content-type", "application/json")];
    let answer = running.server.send("PUT", "/records", &headers, &doses("person-1", 1).to_string());
    assert_eq!(answer.code(), "scope.insufficient");
    assert_eq!(core(&running).find_record("person-1", "vaccination"), None);
    running.stop();
}

#[test]
fn nothing_personal_stands_in_the_journal_of_records() {
    let world = World::new();
    let running = world.start();
    let mut body = doses("KanariSubject", 1);
    body["credential"]["credentialSubject"]["familyName"] = "KanariName".into();
    body["options"]["facility"] = "KanariFacility".into();
    body["options"]["sourceEvent"] = "KanariEvent".into();
    assert_eq!(put(&world, &running, &body).status, 201);
    obtain(&running, "KanariSubject", &[key(1)]).unwrap();
    running.stop();
    let thumbprint = key(1).key.thumbprint().0;
    let secrets: [&[u8]; 5] = [b"Kanari", b"1985-02-28", b"operator of clinic", &thumbprint, b"familyName"];
    let mut files = 0;
    for entry in std::fs::read_dir(world.path("data/issuer/records")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{:?} stands in a file", String::from_utf8_lossy(secret));
        }
        let text = encode_base64url(&thumbprint);
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
    }
    assert!(files > 0);
}

fn serve(world: &World, remote: &Remote) -> Running {
    let issuer: Issuer = world.open(world.config(), remote.backend(world)).unwrap();
    Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None }
}

/// Ends the process's part as a crash does: nothing more gets through to the log.
fn crash(running: Running, remote: &Remote) {
    remote.lose_after(0, Loss::Request);
    running.stop();
    remote.heal();
}

//= specs/reissue.md#superseding
//= type=test
#[test]
fn a_crash_at_any_submission_leaves_one_credential_in_force_and_the_one_before_revoked() {
    for (submissions, loss) in [
        // The new credential is not in the log, or is and nobody was told.
        (0, Loss::Request),
        (0, Loss::Answer),
        // It is, and the revocation is not, or is and nobody was told.
        (1, Loss::Request),
        (1, Loss::Answer),
    ] {
        let world = World::new();
        let remote = Remote::start(&world);
        let running = serve(&world, &remote);
        put(&world, &running, &doses("person-1", 1));
        let one = obtain(&running, "person-1", &[key(1)]).unwrap();
        put(&world, &running, &doses("person-1", 2));
        remote.lose_after(submissions, loss);
        let handed_over = obtain(&running, "person-1", &[key(1)]);
        assert_eq!(handed_over.is_ok(), submissions == 1, "{submissions} {loss:?}");
        crash(running, &remote);

        let running = serve(&world, &remote);
        let two = obtain_in_time(&running, "person-1", &[key(1)]);
        if let Ok(handed_over) = handed_over {
            assert!(handed_over == two, "{submissions} {loss:?}");
        }
        publish(&world, &running);
        assert!(is_good(&world, &running, &two, 0), "{submissions} {loss:?}");
        assert!(verdict(&world, &running, &one, 0).contains("Revoked"), "{submissions} {loss:?}");
        assert_eq!(payload(credential(&two, 0))["credentialSubject"]["doses"].as_array().unwrap().len(), 2);
        assert_ne!(slot(credential(&two, 0)), slot(credential(&one, 0)));
        // Nothing was done twice: two credentials, one change.
        crash(running, &remote);
        let running = serve(&world, &remote);
        assert!(obtain_in_time(&running, "person-1", &[key(1)]) == two, "{submissions} {loss:?}");
        let handle = remote.registry.as_ref().unwrap().handle();
        let size = handle.committed().size().0;
        while handle.published().size().0 < size {
            std::thread::sleep(Duration::from_millis(5));
        }
        let leaves = world::entries(&world.path("data/public"), size);
        let count = |kind: u8| leaves.iter().filter(|entry| entry[1] == kind).count();
        assert_eq!((count(1), count(2)), (2, 1), "{submissions} {loss:?}");
        running.stop();
        remote.stop();
    }
}
