//! `specs/rules.md`: rule sets with their own vectors.

use sillok_tests::vectors::Vector;
use sillok_verifier::acceptance::RuleSet;

use crate::files::{Outcome, ok_or_error, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let set = RuleSet::open(text(vector, "rules"));
    if let Ok(set) = &set
        && set.text() != text(vector, "rules")
    {
        return Err("its text is not what was read".into());
    }
    ok_or_error(&set)
}
