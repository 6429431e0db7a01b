//! How witnesses are doing, as readiness and metrics tell it; and cosignatures that come late or age.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[expect(dead_code, reason = "the other tests of witnesses use the rest")]
#[path = "witness/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sillok_log::note::Note;
use sillok_log::policy::{Policy, Witnessed};
use sillok_log::submission::Level;
use sillok_log::{TreeSize, UnixSeconds};
use sillok_registry::http::{HttpConfig, State, readiness};
use sillok_registry::submission::Submitters;
use sillok_registry::witness::Standing;
use sillok_registry::{Handle, Phase, metrics};
use world::{Log, WitnessFolder, clock, entries, until};

/// What everybody who runs a log is told about it.
fn state(log: &Log, handle: Handle) -> State {
    let submitters = Submitters::new(&world::log_key().verifier(), Vec::new()).unwrap();
    State::new(handle, submitters, &log.public(), clock(), HttpConfig::default())
}

fn standing(name: &str, cosigned_size: Option<u64>, failing_since: Option<u64>) -> Standing {
    Standing { name: name.into(), cosigned_size, failing_since }
}

fn policy_of(log: &Log, k: usize, witnesses: [(&WitnessFolder, &str, &str); 2]) -> Policy {
    log.policy(k, &witnesses.map(|(folder, name, url)| (name, folder.keys()[0].verifier(), url)))
}

fn signatures(handle: &Handle) -> usize {
    Note::parse(&handle.published().note).unwrap().signatures().len()
}

/// The time that the quorum of the public checkpoint vouches for.
fn floor(policy: &Policy, handle: &Handle) -> u64 {
    let Witnessed::Quorum { time_floor } = policy.witnessed(&handle.published().note).unwrap() else {
        panic!("the policy has a quorum")
    };
    time_floor.0
}

#[test]
fn readiness_and_metrics_name_each_witness_and_say_when_no_quorum_answers() {
    let (one, two) = (WitnessFolder::new("w1", false), WitnessFolder::new("w2", false));
    let (first, second) = (one.serve(), two.serve());
    let log = Log::new();
    let policy = policy_of(&log, 2, [(&one, "w1", &first.url), (&two, "w2", &second.url)]);
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    handle.add_raw_blocking(entries(0, 5), Level::Cosigned).unwrap();
    let state = state(&log, handle.clone());
    let ready = readiness(&state).unwrap();
    assert_eq!((ready.status, &ready.problems[..], &ready.warnings[..]), ("ready", &[][..], &[][..]));
    assert_eq!(ready.witnesses, [standing("w1", Some(5), None), standing("w2", Some(5), None)]);

    // It goes on taking entries, so it is not taken out of service; and it says what does not work.
    let url = second.url.clone();
    drop(second);
    handle.add_raw_blocking(entries(5, 1), Level::Committed).unwrap();
    until("nobody notices", || readiness(&state).unwrap().status == "degraded");
    let degraded = readiness(&state).unwrap();
    assert!(degraded.warnings[0].contains("no quorum of witnesses answers"), "{degraded:?}");
    let since = clock()().0;
    until("the other one does not cosign", || {
        readiness(&state).unwrap().witnesses
            == [standing("w1", Some(6), None), standing("w2", Some(5), Some(since))]
    });
    let page = metrics::render(handle.stats(), &BTreeMap::new()).unwrap();
    for line in [
        "sillok_registry_witness_cosigned_size{witness=\"w1\"} 6".to_owned(),
        "sillok_registry_witness_failing_since_seconds{witness=\"w1\"} 0".to_owned(),
        format!("sillok_registry_witness_failing_since_seconds{{witness=\"w2\"}} {since}"),
        "sillok_registry_quorum_answers 0".to_owned(),
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    let back = two.serve_at(&url);
    until("nobody notices", || readiness(&state).unwrap().status == "ready");
    until("it is not public", || handle.published().size() == TreeSize(6));
    drop(back);
    registry.stop().unwrap();
}

#[test]
fn a_log_whose_witnesses_are_away_at_the_start_is_read_at_once_and_written_once_they_are_back() {
    let (one, two) = (WitnessFolder::new("w1", false), WitnessFolder::new("w2", false));
    let (first, second) = (one.serve(), two.serve());
    let log = Log::new();
    let policy = policy_of(&log, 2, [(&one, "w1", &first.url), (&two, "w2", &second.url)]);
    let registry = log.open(&policy).unwrap();
    registry.handle().add_raw_blocking(entries(0, 5), Level::Cosigned).unwrap();
    registry.stop().unwrap();
    let url = second.url.clone();
    drop(second);
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    assert_eq!((handle.phase(), handle.published().size()), (Phase::Asking, TreeSize(5)));
    let refused = readiness(&state(&log, handle.clone())).unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.code()), (503, "log.unwitnessed"));
    assert!(refused.detail().ends_with("not heard so far: w2"), "{refused:?}");
    let back = two.serve_at(&url);
    until("it is not opened", || handle.phase() == Phase::Open);
    handle.add_raw_blocking(entries(5, 1), Level::Cosigned).unwrap();
    registry.stop().unwrap();
    drop(back);

    // One that is told to end before goes without anything having been signed.
    let registry = log.open(&policy).unwrap();
    assert_eq!(registry.handle().phase(), Phase::Asking);
    registry.stop().unwrap();
}

#[test]
fn cosignatures_that_come_after_the_quorum_are_added_and_an_idle_log_is_cosigned_anew() {
    let (one, two) = (WitnessFolder::new("w1", false), WitnessFolder::new("w2", false));
    // The clock of the first goes ahead by a second each time that it cosigns.
    let (start, ticks) = (clock()().0, AtomicU64::new(0));
    let ticking = Arc::new(move || UnixSeconds(start + ticks.fetch_add(1, Ordering::SeqCst)));
    let (first, second) = (one.serve_under(ticking), two.serve());
    let log = Log::new();
    let (url, away) = (second.url.clone(), second);
    drop(away);
    let policy = policy_of(&log, 1, [(&one, "w1", &first.url), (&two, "w2", &url)]);
    let registry = log.open(&policy).unwrap();
    let handle = registry.handle();
    handle.add_raw_blocking(entries(0, 5), Level::Cosigned).unwrap();
    assert_eq!(signatures(&handle), 2, "the log's and one witness's");
    let back = two.serve_at(&url);
    until("the second is not added", || signatures(&handle) == 3);
    assert_eq!(handle.published().size(), TreeSize(5));
    assert_eq!(std::fs::read_to_string(log.public().join("checkpoint")).unwrap(), handle.published().note);
    registry.stop().unwrap();
    drop(back);

    // The second one is away again and its time stands still; what it said counts on.
    let registry = log.open_renewing(&policy, Duration::from_millis(50)).unwrap();
    let handle = registry.handle();
    let before = floor(&policy, &handle);
    for step in 1..=3 {
        until("it is not cosigned anew", || floor(&policy, &handle) >= before + step);
    }
    assert_eq!((handle.published().size(), handle.committed().size()), (TreeSize(5), TreeSize(5)));
    registry.stop().unwrap();
}
