use sillok_log::Hash;
use sillok_log::entry::{Issue, IssuerHash, Key, KeyEvent, Thumbprint};
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
    }
}

fn typed(entry: Entry, role: Role) -> Item {
    let bytes = entry.encode();
    Item { leaf: leaf_hash(&bytes), bytes, parsed: Parsed::Typed(entry, role) }
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
