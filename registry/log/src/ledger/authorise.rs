//! Pure. Who may append which entry.

use crate::entry::{Entry, IssuerHash};
use crate::ledger::{Ledger, Refusal};

/// Whom a submitter's key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Who keeps the log's keys and documents.
    Administrator,
    /// One issuer.
    Issuer(IssuerHash),
}

//= specs/entry.md#who-may-append
/// Whether `role` may append `entry`. An issue entry for an unknown key, or a status or snapshot entry for an unknown
/// list, belongs to nobody and is refused to everybody.
///
/// # Errors
/// [`Refusal::NotAuthorised`].
pub fn authorise(role: &Role, entry: &Entry, ledger: &Ledger) -> Result<(), Refusal> {
    let owner = match entry {
        Entry::Bundle(_) | Entry::Key(_) => None,
        Entry::Issue(issue) => Some(ledger.key(issue.issuer_key).map(|key| key.issuer)),
        Entry::List(list) => Some(Some(list.issuer)),
        Entry::Snapshot(snapshot) => Some(ledger.list(snapshot.list).map(|list| list.issuer())),
        Entry::Status(status) => Some(ledger.list(status.list).map(|list| list.issuer())),
    };
    let authorised = match (role, owner) {
        (Role::Administrator, None) => true,
        (Role::Issuer(issuer), Some(owner)) => owner == Some(*issuer),
        (Role::Administrator, Some(_)) | (Role::Issuer(_), None) => false,
    };
    if authorised { Ok(()) } else { Err(Refusal::NotAuthorised { kind: entry.kind() }) }
}
