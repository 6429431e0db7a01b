//! Witnesses: the server that we are for others, and what a log does with those that it asks. Over HTTP, on loopback.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "witness/world.rs"]
mod world;

use std::fs;
use std::sync::{Arc, Barrier};

use sillok_client::audit::parse_evidence;
use sillok_log::TreeSize;
use sillok_log::evidence::Claim;
use sillok_log::merkle::empty_root;
use sillok_log::note::{Note, SignatureKind};
use sillok_log::policy::Policy;
use sillok_log::submission::Level;
use sillok_log::witness::{Request, cosignatures};
use sillok_registry::witness::{Book, BookError, Suspicion};
use sillok_registry::{Fatal, Outcome, Phase, Registry, SubmitError};
use world::{Behaviour, Log, Sham, WitnessFolder, checkpoint_of, clock, cosigner, entries, fork_of, proof};

fn request(old: u64, size: u64) -> Vec<u8> {
    let note = checkpoint_of(size);
    Request { old: TreeSize(old), proof: proof(old, size), checkpoint: &note }.encode().into_bytes()
}

#[test]
fn a_witness_answers_over_http_as_the_table_has_it() {
    let folder = WitnessFolder::new("w1", true);
    let server = folder.serve();
    let post = |body: &[u8]| server.post("/add-checkpoint", body);
    let body = checkpoint_of(7).split_once("\n\n").unwrap().0.to_owned() + "\n";

    let answer = post(&request(0, 7));
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/plain; charset=utf-8"));
    for key in folder.keys() {
        assert_eq!(cosignatures(&answer.text(), &body, &key.verifier()).unwrap().len(), 1, "{key:?}");
    }
    let shown = server.get(&format!("/{}/checkpoint", world::origin_hash()));
    assert_eq!((shown.status, shown.text()), (200, checkpoint_of(7) + &answer.text()));

    let conflict = post(&request(3, 9));
    assert_eq!((conflict.status, conflict.content_type.as_str()), (409, "text/x.tlog.size"));
    assert_eq!(conflict.body, b"7\n");
    let fork = Request { old: TreeSize(7), proof: Vec::new(), checkpoint: &fork_of(7) }.encode();
    for (body, status) in [
        (request(7, 9), 200),
        (b"old\n".to_vec(), 400),
        (request(9, 9).strip_suffix(b"\n").unwrap().to_vec(), 400),
        (
            Request { old: TreeSize(9), proof: proof(7, 9), checkpoint: &checkpoint_of(9) }.encode().into(),
            422,
        ),
        (fork.into_bytes(), 409),
        (Request { old: TreeSize(9), proof: Vec::new(), checkpoint: &fork_of(9) }.encode().into(), 422),
        (
            Request { old: TreeSize(10), proof: Vec::new(), checkpoint: &checkpoint_of(9) }.encode().into(),
            400,
        ),
        (String::from_utf8(request(9, 9)).unwrap().replacen("\n9\n", "\n8\n", 1).into_bytes(), 400),
        (String::from_utf8(request(9, 12)).unwrap().replacen("\n12\n", "\n13\n", 1).into_bytes(), 403),
        (String::from_utf8(request(9, 9)).unwrap().replace("log.example", "lag.example").into_bytes(), 404),
        (vec![b'o'; 65_537], 413),
        (request(9, 9), 200),
    ] {
        let answer = post(&body);
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    }
    assert_eq!(server.get("/add-checkpoint").status, 405);
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.get(&format!("/{}/checkpoint", "0".repeat(64))).status, 404);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_witness_that_is_started_again_answers_from_what_it_recorded() {
    let folder = WitnessFolder::new("w1", true);
    let (first, shown) = {
        let book = folder.book();
        let first = book.add_checkpoint(&request(0, 7)).unwrap();
        (first, book.checkpoint(&world::origin_hash()).unwrap())
    };
    // A crash between recording and answering is a witness that has recorded what nobody was told.
    let book = folder.book();
    assert_eq!(book.checkpoint(&world::origin_hash()).unwrap(), shown, "the same lines, signed again");
    assert!(shown.unwrap().ends_with(&first));
    let conflict = book.add_checkpoint(&request(0, 7)).unwrap_err();
    assert!(matches!(&conflict, BookError::Refused(refusal) if refusal.status() == 409), "{conflict}");
    book.add_checkpoint(&request(7, 9)).unwrap();
    drop(book);

    // The second process finds the record held, and a record that is gone is no beginning.
    let book = folder.book();
    let rival = Book::open(&folder.logs(), folder.keys(), clock()).err().unwrap();
    assert!(rival.to_string().contains("another process"), "{rival}");
    drop(book);
    let record = fs::read_dir(folder.logs()).unwrap().map(|entry| entry.unwrap().path());
    let record = record.filter(|path| path.extension().is_some_and(|extension| extension == "latest")).last();
    fs::remove_file(record.unwrap()).unwrap();
    let forgotten = Book::open(&folder.logs(), folder.keys(), clock()).err().unwrap();
    assert!(forgotten.to_string().contains("never initialised"), "{forgotten}");
}

#[test]
fn two_requests_at_once_bring_no_second_root_for_a_size_and_no_size_that_goes_back() {
    let folder = WitnessFolder::new("w1", false);
    let book = Arc::new(folder.book());
    book.add_checkpoint(&request(0, 3)).unwrap();
    let mut old = 3;
    for round in 0..20 {
        // Two trees of one log, and one that is further, all from the same size.
        let honest = request(old, old + 1);
        let further = request(old, old + 2);
        let forked =
            Request { old: TreeSize(old), proof: proof(old, old + 1), checkpoint: &fork_of(old + 1) };
        let bodies = [honest, further, forked.encode().into_bytes()];
        let start = Arc::new(Barrier::new(bodies.len()));
        let answered: Vec<bool> = bodies
            .map(|body| {
                let (book, start) = (Arc::clone(&book), Arc::clone(&start));
                std::thread::spawn(move || {
                    start.wait();
                    book.add_checkpoint(&body).is_ok()
                })
            })
            .map(|thread| thread.join().unwrap())
            .to_vec();
        assert_eq!(answered.iter().filter(|good| **good).count(), 1, "round {round}: {answered:?}");
        assert!(!answered[2], "a fork was cosigned");
        let new = old + if answered[0] { 1 } else { 2 };
        let shown = book.checkpoint(&world::origin_hash()).unwrap().unwrap();
        assert!(shown.starts_with(&checkpoint_of(new)), "round {round}");
        old = new;
    }
}

/// A policy of two of three, of which the third is away.
fn two_of_three(log: &Log, one: (&WitnessFolder, &str), two: (&WitnessFolder, &str)) -> Policy {
    let away = cosigner("w3", SignatureKind::CosignatureV1, 33);
    log.policy(
        2,
        &[
            ("w1", one.0.keys()[0].verifier(), one.1),
            ("w2", two.0.keys()[1].verifier(), two.1),
            ("w3", away.verifier(), "http://127.0.0.1:1"),
        ],
    )
}

#[test]
fn a_log_publishes_what_two_of_three_have_cosigned() {
    let (one, two) = (WitnessFolder::new("w1", false), WitnessFolder::new("w2", true));
    let (first, second) = (one.serve(), two.serve());
    let log = Log::new();
    let policy = two_of_three(&log, (&one, &first.url), (&two, &second.url));
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    let answer = handle.add_raw_blocking(entries(0, 5), Level::Cosigned).unwrap();
    let cosigned = handle.published();
    assert_eq!(cosigned.size(), TreeSize(5));
    assert!(policy.witnessed(&cosigned.note).is_ok());
    assert_eq!(answer.checkpoint, cosigned.note);
    for (index, result) in answer.results.iter().enumerate() {
        let Outcome::Logged(logged) = result else { panic!("{result:?}") };
        assert_eq!((logged.index.0, &logged.receipt.checkpoint), (index as u64, &cosigned.note));
    }
    assert_eq!(fs::read_to_string(log.public().join("checkpoint")).unwrap(), cosigned.note);
    // A retry is a duplicate, with a receipt of the same kind.
    let again = handle.add_raw_blocking(entries(5, 1), Level::Published).unwrap();
    assert_eq!(Note::parse(&again.checkpoint).unwrap().signatures().len(), 1, "as it was committed");
    registry.stop().unwrap();
    assert!(!log.evidence().exists(), "nobody contradicted the log");
}

#[test]
fn while_witnesses_are_away_entries_are_committed_and_nothing_uncosigned_is_public() {
    let (one, two) = (WitnessFolder::new("w1", false), WitnessFolder::new("w2", true));
    let (first, second) = (one.serve(), two.serve());
    let log = Log::new();
    let policy = two_of_three(&log, (&one, &first.url), (&two, &second.url));
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    handle.add_raw_blocking(entries(0, 5), Level::Cosigned).unwrap();
    drop(first);
    let committed = handle.add_raw_blocking(entries(5, 300), Level::Committed).unwrap();
    assert_eq!(Note::parse(&committed.checkpoint).unwrap().signatures().len(), 1);
    for (entry, level) in [(305, Level::Cosigned), (306, Level::Published)] {
        let waited = handle.add_raw_blocking(entries(entry, 1), level).unwrap_err();
        assert!(matches!(waited, SubmitError::Uncosigned { retry_after_seconds: 2.. }), "{waited}");
    }
    assert_eq!((handle.published().size(), handle.committed().size()), (TreeSize(5), TreeSize(307)));
    registry.stop().unwrap();

    // Opened again meanwhile, it is read, and signs nothing before enough of them are back.
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    assert_eq!((handle.published().size(), handle.committed().size()), (TreeSize(5), TreeSize(307)));
    let refused = handle.add_raw_blocking(entries(307, 1), Level::Committed).unwrap_err();
    assert!(matches!(refused, SubmitError::Unwitnessed { retry_after_seconds: 1.. }), "{refused}");
    assert_eq!((handle.phase(), handle.committed().size()), (Phase::Asking, TreeSize(307)));
    registry.stop().unwrap();

    // The witness is back, on another port, which the log learns from its policy.
    let back = one.serve();
    let policy = two_of_three(&log, (&one, &back.url), (&two, &second.url));
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    handle.add_raw_blocking(entries(307, 1), Level::Cosigned).unwrap();
    assert_eq!(handle.published().size(), TreeSize(308));
    assert!(policy.witnessed(&handle.published().note).is_ok());
    registry.stop().unwrap();

    // Without a policy it is all public, as it always was.
    let registry = log.open(&log.policy(0, &[])).unwrap();
    assert_eq!(registry.handle().published().note, registry.handle().committed().note);
}

#[test]
fn a_witness_that_answers_nonsense_or_nothing_is_no_quorum_and_no_harm() {
    for behaviour in [Behaviour::Garbage, Behaviour::Silent, Behaviour::Status(500), Behaviour::Status(404)] {
        let sham = Sham::start(behaviour);
        let good = WitnessFolder::new("w1", false);
        let server = good.serve();
        let log = Log::new();
        let liar = cosigner("liar", SignatureKind::CosignatureV1, 44).verifier();
        let witnesses = [("w1", good.keys()[0].verifier(), server.url.as_str()), ("liar", liar, &sham.url)];
        let one_of_two = log.policy(1, &witnesses);
        let registry = log.open(&one_of_two).unwrap();
        registry.handle().add_raw_blocking(entries(0, 3), Level::Cosigned).unwrap();
        registry.stop().unwrap();
        let both = log.policy(2, &witnesses);
        let registry = log.open(&both).unwrap();
        let waited = registry.handle().add_raw_blocking(entries(3, 1), Level::Cosigned).unwrap_err();
        assert!(matches!(waited, SubmitError::Unwitnessed { .. }), "{behaviour:?}: {waited}");
        assert_eq!(registry.handle().published().size(), TreeSize(3), "{behaviour:?}");
        registry.stop().unwrap();
        assert!(!log.evidence().exists(), "{behaviour:?}");
    }
}

/// The files of a folder of evidence that anybody can check, with what they show.
fn proved(log: &Log) -> Vec<(Claim, [u64; 2])> {
    let files = fs::read_dir(log.evidence()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|path| {
            let (evidence, key) = parse_evidence(&fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(key, world::log_key().verifier());
            assert_eq!(path.file_name().unwrap().to_str().unwrap(), evidence.file_name(&key));
            let [older, newer] = evidence.check(&key).unwrap();
            (evidence.claim(), [older.size.0, newer.size.0])
        })
        .collect()
}

#[test]
fn what_a_witness_shows_is_evidence_that_anybody_can_check() {
    for (behaviour, size, expected) in [
        // Of a log of 4 entries: another root at its own size and at a smaller one, and more than it signed.
        (Behaviour::Fork(4), 4, (Claim::Fork, [4, 4])),
        (Behaviour::Fork(3), 3, (Claim::Fork, [3, 4])),
        (Behaviour::Shows(9), 9, (Claim::Rollback, [9, 4])),
    ] {
        let sham = Sham::start(Behaviour::Silent);
        let log = Log::new();
        let liar = cosigner("liar", SignatureKind::CosignatureV1, 44).verifier();
        let policy = log.policy(1, &[("liar", liar, &sham.url)]);
        let registry = log.open(&log.policy(0, &[])).unwrap();
        let handle = registry.handle();
        handle.add_raw_blocking(entries(0, 4), Level::Committed).unwrap();
        registry.stop().unwrap();
        sham.behave(behaviour);
        for _again in 0..2 {
            let refused = log.open(&policy).err().unwrap();
            assert!(
                matches!(&refused, Fatal::Witnessed { suspicion: Suspicion::Ahead { size: found } | Suspicion::Fork { size: found }, .. } if found.0 == size),
                "{refused}"
            );
            assert_eq!(proved(&log), [expected], "{behaviour:?}");
        }
    }
}

#[test]
fn a_fork_and_a_size_that_was_never_signed_are_kept_while_the_log_goes_on() {
    for behaviour in [Behaviour::Fork(3), Behaviour::Ahead(1_000)] {
        let sham = Sham::start(Behaviour::Silent);
        let log = Log::new();
        let liar = cosigner("liar", SignatureKind::CosignatureV1, 44).verifier();
        let good = WitnessFolder::new("w1", false);
        let server = good.serve();
        let witnesses = [("w1", good.keys()[0].verifier(), server.url.as_str()), ("liar", liar, &sham.url)];
        let policy = log.policy(1, &witnesses);
        let registry = log.open(&policy).unwrap();
        let handle = registry.handle();
        handle.add_raw_blocking(entries(0, 3), Level::Committed).unwrap();
        sham.behave(behaviour);
        handle.add_raw_blocking(entries(3, 1), Level::Cosigned).unwrap();
        let found = || handle.stats().witness_evidence.load(std::sync::atomic::Ordering::Relaxed);
        world::until("nothing was found", || found() > 0);
        let said = log.evidence().join("ahead-1000-liar.txt");
        match behaviour {
            Behaviour::Ahead(_) => {
                let kept = fs::read_to_string(said).unwrap();
                assert!(kept.contains("witness liar") && kept.contains("has cosigned size 1000"), "{kept}");
                assert_eq!(proved(&log), [], "it is the witness's word alone");
            }
            _signed => {
                let [(Claim::Fork, [3, 3 | 4])] = proved(&log)[..] else { panic!("{:?}", proved(&log)) };
                assert!(!said.exists());
            }
        }
        // The log goes on committing.
        handle.add_raw_blocking(entries(4, 1), Level::Committed).unwrap();
        registry.stop().unwrap();

        // And is not opened while a witness says so.
        let refused = log.open(&policy).err().unwrap();
        assert!(matches!(refused, Fatal::Witnessed { .. }), "{refused}");
    }
}

#[test]
fn a_log_whose_head_a_witness_has_outrun_is_not_opened() {
    let witness = WitnessFolder::new("w1", false);
    let server = witness.serve();
    let log = Log::new();
    let policy = log.policy(1, &[("w1", witness.keys()[0].verifier(), server.url.as_str())]);
    let registry = log.open(&policy).unwrap();
    registry.handle().add_raw_blocking(entries(0, 3), Level::Cosigned).unwrap();
    registry.stop().unwrap();
    let backup = log.copy();
    let registry = log.open(&policy).unwrap();
    registry.handle().add_raw_blocking(entries(3, 4), Level::Cosigned).unwrap();
    registry.stop().unwrap();

    // Folder and head restored together contradict nothing here; the witness remembers.
    let refused = backup.open(&policy).err().unwrap();
    let expected = Suspicion::Ahead { size: TreeSize(7) };
    assert!(
        matches!(&refused, Fatal::Witnessed { suspicion, head: TreeSize(3), .. } if *suspicion == expected),
        "{refused}"
    );
    assert_eq!(proved(&backup), [(Claim::Rollback, [7, 3])], "the log signed 7, and is at 3 now");
    // Away, it keeps nobody from reading. What it says once it is back stops the writer, which has signed nothing.
    let url = server.url.clone();
    drop(server);
    let registry: Registry = backup.open(&policy).unwrap();
    let handle = registry.handle();
    assert_eq!((handle.phase(), handle.published().size()), (Phase::Asking, TreeSize(3)));
    let head = fs::read(backup.head()).unwrap();
    let server = witness.serve_at(&url);
    world::until("the witness is not heard", || matches!(handle.phase(), Phase::Stopped { .. }));
    let Phase::Stopped { reason } = handle.phase() else { panic!("{:?}", handle.phase()) };
    assert!(reason.contains("log.witnessed") && reason.contains("size 7"), "{reason}");
    assert_eq!((handle.published().size(), handle.committed().size()), (TreeSize(3), TreeSize(3)));
    assert_eq!(fs::read(backup.head()).unwrap(), head);
    drop((registry, server));
    assert_eq!(proved(&backup), [(Claim::Rollback, [7, 3])], "kept once");
}

#[test]
fn an_empty_log_is_cosigned_as_it_is() {
    let folder = WitnessFolder::new("w1", false);
    let lines = folder.book().add_checkpoint(&request(0, 0)).unwrap();
    assert_eq!(lines.lines().count(), 1);
    assert!(checkpoint_of(0).contains(&empty_root().to_base64()));
}
