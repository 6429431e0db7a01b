//! `specs/entry.md#ledger-rules` and `#who-may-append`.

use std::collections::BTreeSet;

use sillok_log::LeafIndex;
use sillok_log::entry::{Entry, IssuerHash};
use sillok_log::ledger::{Ledger, Refusal, Role, authorise};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, error, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let entries: Vec<&[u8]> = vector.all_of("entry").collect();
    let (last, earlier) = entries.split_last().ok_or("no entry")?;
    let (mut ledger, mut commitments) = (Ledger::new(), BTreeSet::new());
    for (index, bytes) in (0..).map(LeafIndex).zip(earlier) {
        let entry = judge(&ledger, &mut commitments, bytes, index);
        let entry = entry.map_err(|code| format!("entry {index:?} is refused: {code}"))?;
        ledger.apply(&entry, index);
    }
    let index = LeafIndex(u64::try_from(earlier.len()).expect("a short log"));
    if vector.get("role").is_some() {
        let entry = Entry::parse(last).map_err(|error| error.to_string())?;
        return match authorise(&role(text(vector, "role")), &entry, &ledger) {
            Ok(()) => Ok("ok".into()),
            Err(refusal) => error(refusal.code()),
        };
    }
    match judge(&ledger, &mut commitments, last, index) {
        Ok(_entry) => Ok("ok".into()),
        Err(code) => error(code),
    }
}

/// The rules as a registry applies them: parse, the ledger's own rules, then the commitments that it keeps apart.
fn judge(
    ledger: &Ledger,
    commitments: &mut BTreeSet<[u8; 32]>,
    bytes: &[u8],
    index: LeafIndex,
) -> Result<Entry, &'static str> {
    let Ok(entry) = Entry::parse(bytes) else { return Err("entry.malformed") };
    ledger.check(&entry, index).map_err(|refusal| refusal.code())?;
    if let Entry::Issue(issue) = &entry
        && !commitments.insert(issue.commitment.0)
    {
        return Err(Refusal::IssueDuplicate { commitment: issue.commitment }.code());
    }
    Ok(entry)
}

fn role(text: &str) -> Role {
    match text.strip_prefix("issuer ") {
        Some(issuer) => Role::Issuer(IssuerHash::from_hex(issuer).expect("an issuer hash")),
        None => {
            assert_eq!(text, "administrator");
            Role::Administrator
        }
    }
}
