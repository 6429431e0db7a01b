use sillok_log::Hash;
use sillok_log::entry::{
    Issue, IssuerHash, Key, KeyEvent, List, ListId, Snapshot, Status, StatusValue, Thumbprint,
};
use sillok_log::merkle::leaf_hash;

use super::*;

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn state() -> State {
    State {
        kind: LogKind::Typed,
        origin: "log.example".into(),
        frontier: Frontier::new(),
        ledger: Ledger::new(),
        time: NOW,
        fold: None,
    }
}

fn typed(entry: Entry, role: Role) -> Item {
    let bytes = entry.encode();
    Item { leaf: leaf_hash(&bytes), bytes, parsed: Parsed::Typed(entry, role), known: None }
}

fn key() -> Item {
    let key = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Added,
        time: NOW,
        cuts: vec![],
    };
    typed(Entry::Key(key), Role::Administrator)
}

fn issue(commitment: u8, provenance: u8) -> Item {
    let issue = Issue {
        commitment: Hash([commitment; 32]),
        issuer_key: Thumbprint([2; 32]),
        provenance: Hash([provenance; 32]),
        time: UnixSeconds(NOW.0 / 3600 * 3600),
    };
    typed(Entry::Issue(issue), ISSUER)
}

fn run(
    state: &mut State,
    items: Vec<Item>,
    known: &[Option<Known>],
    now: UnixSeconds,
) -> Result<Plan, Fatal> {
    let mut items = items;
    let mut borrowed: Vec<&mut Item> = items.iter_mut().collect();
    plan(state, &mut borrowed, known, now)
}

#[test]
fn entries_are_judged_in_order_and_only_the_accepted_get_a_place() {
    let malformed = Item {
        bytes: vec![9],
        leaf: leaf_hash(&[9]),
        parsed: Parsed::Malformed(Entry::parse(&[9]).unwrap_err()),
        known: None,
    };
    let mut stranger = issue(3, 0);
    if let Parsed::Typed(_entry, role) = &mut stranger.parsed {
        *role = Role::Issuer(IssuerHash([7; 32]));
    }
    let items =
        vec![issue(1, 0), key(), issue(1, 0), malformed, issue(1, 0), issue(1, 9), stranger, issue(2, 0)];
    let known = [None; 8];
    let plan = run(&mut state(), items, &known, NOW).unwrap();
    let codes: Vec<_> = plan
        .decisions
        .iter()
        .map(|decision| match decision {
            Decision::Append(index) => format!("append {index}"),
            Decision::Duplicate(index) => format!("duplicate {index}"),
            Decision::Malformed(_) => "malformed".into(),
            Decision::Refuse(refusal) => refusal.code().into(),
        })
        .collect();
    let expected = [
        "submitter.not-authorised",
        "append 0",
        "append 1",
        "malformed",
        "duplicate 1",
        "issue.duplicate",
        "submitter.not-authorised",
        "append 2",
    ];
    assert_eq!(codes, expected);
    assert_eq!(plan.size(), TreeSize(3));
    assert_eq!(plan.seen.watermark, TreeSize(3));
    assert_eq!(plan.seen.keys.len(), 3);
    assert_eq!(plan.seen.controls, [(LeafIndex(0), key().bytes)]);
    let mut frontier = Frontier::new();
    for bytes in [key().bytes, issue(1, 0).bytes, issue(2, 0).bytes] {
        frontier.push(leaf_hash(&bytes)).unwrap();
    }
    assert_eq!(plan.checkpoint.root, frontier.root());
}

#[test]
fn what_the_index_knows_is_a_duplicate_or_a_second_commitment() {
    let mut state = state();
    let items = vec![key(), issue(1, 0), issue(2, 0)];
    let known = [None, Some(Known::Same(LeafIndex(77))), Some(Known::Other)];
    let plan = run(&mut state, items, &known, NOW).unwrap();
    assert_eq!(plan.decisions[1], Decision::Duplicate(LeafIndex(77)));
    assert!(matches!(&plan.decisions[2], Decision::Refuse(refusal) if refusal.code() == "issue.duplicate"));
    assert_eq!(plan.entries.len(), 1);
}

#[test]
fn the_time_of_the_log_never_goes_back_and_a_wrong_clock_ends_it() {
    for (now, expected) in [
        (NOW.0 + 5, Some(NOW.0 + 5)),
        (NOW.0, Some(NOW.0)),
        (NOW.0 - 10, Some(NOW.0)),
        (NOW.0 - 11, None),
        (0, None),
    ] {
        match (run(&mut state(), vec![key()], &[None], UnixSeconds(now)), expected) {
            (Ok(plan), Some(time)) => assert_eq!(plan.time, UnixSeconds(time), "now {now}"),
            (Err(Fatal::ClockBehind { .. }), None) => {}
            (other, _expected) => panic!("now {now}: {other:?}"),
        }
    }
}

const LIST: ListId = ListId([6; 16]);

fn list() -> Item {
    let list = List { list: LIST, issuer: IssuerHash([1; 32]), size: sillok_log::entry::MIN_LIST_SLOTS };
    typed(Entry::List(list), ISSUER)
}

fn suspend(index: u32) -> Item {
    let status = Status { list: LIST, index, value: StatusValue::Suspended, change: 0, time: NOW };
    typed(Entry::Status(status), ISSUER)
}

fn snapshot(sequence: u64, fold_size: u64, digest: Hash) -> Item {
    let snapshot = Snapshot {
        list: LIST,
        sequence,
        digest,
        fold_size: TreeSize(fold_size),
        issued: NOW,
        not_after: UnixSeconds(NOW.0 + 60),
    };
    typed(Entry::Snapshot(snapshot), ISSUER)
}

/// A state that has committed these.
fn committed(items: Vec<Item>) -> State {
    let (mut state, known) = (state(), vec![None; items.len()]);
    commit(&mut state, items, &known);
    state
}

fn commit(state: &mut State, items: Vec<Item>, known: &[Option<Known>]) -> Vec<Decision> {
    let plan = run(state, items, known, NOW).unwrap();
    plan.leaves.iter().for_each(|leaf| state.frontier.push(*leaf).unwrap());
    plan.decisions
}

fn code(decision: &Decision) -> &'static str {
    match decision {
        Decision::Refuse(refusal) => refusal.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_folds_what_is_committed_and_not_what_comes_in_the_same_batch() {
    let mut state = committed(vec![list(), suspend(1)]);
    let fold = |state: &State, size| state.ledger.state_at(LIST, TreeSize(size)).unwrap().digest();
    let before = fold(&state, 2);
    let mut after = state.ledger.clone();
    let Parsed::Typed(status, _role) = suspend(2).parsed else { panic!("an entry") };
    after.apply(&status, LeafIndex(2));
    let beyond = after.state_at(LIST, TreeSize(3)).unwrap().digest();
    let items = vec![suspend(2), snapshot(1, 3, beyond), snapshot(1, 2, before), snapshot(2, 3, beyond)];
    let decisions = commit(&mut state, items, &[None; 4]);
    assert_eq!(code(&decisions[1]), "snapshot.fold-too-large");
    assert_eq!(decisions[2], Decision::Append(LeafIndex(3)));
    assert!(matches!(decisions[3], Decision::Refuse(_)), "a second one of the list in one batch");
    let decisions = commit(&mut state, vec![snapshot(2, 4, beyond)], &[None]);
    assert_eq!(decisions, [Decision::Append(LeafIndex(4))], "once it is committed");
}

#[test]
fn a_fold_is_made_once_for_all_who_contradict_it() {
    let mut state = committed(vec![list(), suspend(1)]);
    let right = state.ledger.state_at(LIST, TreeSize(2)).unwrap().digest();
    let wrong = || snapshot(1, 2, Hash([9; 32]));
    let decisions = commit(&mut state, vec![wrong(), snapshot(7, 2, Hash([9; 32]))], &[None; 2]);
    assert_eq!(code(&decisions[0]), "snapshot.digest");
    assert_eq!(code(&decisions[1]), "snapshot.sequence", "rules are judged in order all the same");
    let made = Fold { list: LIST, size: TreeSize(2), digest: Some(right) };
    assert_eq!(state.fold, Some(made));
    // Whatever is remembered is what is compared: nothing is folded again.
    state.fold = Some(Fold { digest: Some(Hash([9; 32])), ..made });
    assert_eq!(
        commit(&mut state, vec![snapshot(1, 2, right)], &[None]).iter().map(code).collect::<Vec<_>>(),
        ["snapshot.digest"]
    );
    state.fold = Some(made);
    assert_eq!(commit(&mut state, vec![snapshot(1, 2, right)], &[None]), [Decision::Append(LeafIndex(2))]);
    // Another size is another fold.
    commit(&mut state, vec![suspend(3)], &[None]);
    let decisions = commit(&mut state, vec![snapshot(2, 4, right)], &[None]);
    assert_eq!(code(&decisions[0]), "snapshot.digest");
}

#[test]
fn a_retry_is_a_duplicate_though_its_key_was_retired_or_its_submitter_now_stands_for_another() {
    let retired = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Retired,
        time: NOW,
        cuts: vec![],
    };
    let retired = typed(Entry::Key(retired), Role::Administrator);
    let mut state = committed(vec![key(), issue(1, 0), retired]);
    let known = [Some(Known::Same(LeafIndex(1)))];
    let place = Decision::Duplicate(LeafIndex(1));
    let by = |role| {
        let mut item = issue(1, 0);
        if let Parsed::Typed(_entry, submitter) = &mut item.parsed {
            *submitter = role;
        }
        item
    };
    assert_eq!(commit(&mut state, vec![issue(1, 0)], &known), std::slice::from_ref(&place));
    assert_eq!(commit(&mut state, vec![by(Role::Issuer(IssuerHash([7; 32])))], &known), [place]);
    let decisions = commit(&mut state, vec![by(Role::Administrator)], &known);
    assert_eq!(code(&decisions[0]), "submitter.not-authorised");
    let decisions = commit(&mut state, vec![issue(2, 0)], &[None]);
    assert_eq!(code(&decisions[0]), "issue.key-not-active", "a new one is not");
}
