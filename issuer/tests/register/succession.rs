//! What a register remembers when another log takes over.

use super::*;

//= specs/log.md#succession
//= type=test
#[test]
fn in_the_next_log_statuses_and_numbers_go_on_and_places_of_before_say_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    let number = intend(&register, "ann", None, NOW);
    complete(&register, number, 900);
    let suspended = change(&register, "ann", StatusValue::Suspended).unwrap();
    register.status_done(&[(suspended.number, LeafIndex(901))], NOW).unwrap();
    assert_eq!(register.fold().highest.len(), 1);
    // Said twice if it was interrupted in between.
    for _again in 0..2 {
        register.succeed(NOW).unwrap();
    }
    for _reopened in 0..2 {
        let fold = register.fold();
        assert!(fold.highest.is_empty(), "{fold:?}");
        assert_eq!(fold.values, [(slot(7), StatusValue::Suspended)]);
        drop(register);
        register = open(folder.path());
    }
    let revoked = change(&register, "ann", StatusValue::Revoked).unwrap();
    assert_eq!(revoked.entry.change, 1, "the history is in the next log too");
    register.status_done(&[(revoked.number, LeafIndex(40))], NOW).unwrap();
    assert_eq!(register.fold().highest.into_values().collect::<Vec<_>>(), [LeafIndex(40)]);
}
