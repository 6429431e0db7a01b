//! A root after a root: who signed it, where it is seen, and a log that shows another history in one note alone.

use super::super::Vector;
use super::super::world::{NOW, Plan, World, bundle, log_key, root_key, signed};
use super::documents::malformed;
use super::{built, empty, numbered, opened};
use crate::reference::credential::IssuerKey;
use crate::reference::entry;
use crate::reference::note::{ED25519, NoteKey};
use crate::reference::trust::{Container, IssuerItem, KeyItem, Root};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = old_anchors();
    all.extend(unseen());
    all.extend(limits());
    all.push(one_forked_receipt());
    all
}

/// Root 1 by key 1, root 2 by keys 1 and 2, and a root 3 by key 1 and a thief's: the anchor signed all of them.
fn old_anchors() -> Vec<Vector> {
    let by = |sequence: u64, keys: u8, signers: Vec<NoteKey>| Plan {
        root_keys: (vec![root_key(keys)], 1),
        root_signers: signers,
        ..numbered(sequence)
    };
    let first = numbered(1).build();
    let second = first.renewed(&by(2, 2, vec![root_key(1), root_key(2)]));
    let case = |name: &str, code: &str, comment: &str, last: &Plan| {
        let third = second.renewed(last);
        [&first, &second, &third].iter().fold(
            empty(name, code, comment)
                .line("now", NOW)
                .text("anchors", format!("{}\n", root_key(1).vkey()))
                .line("threshold", 1),
            |vector, world| vector.text("trust", world.trust()),
        )
    };
    let refused = "trust.root-not-signed-by-previous";
    vec![
        case(
            "root-by-old-anchor",
            refused,
            "an anchor signed it, but not the keys that memory holds",
            &by(3, 9, vec![root_key(1), root_key(9)]),
        ),
        case(
            "root-gap-by-old-anchor",
            refused,
            "an anchor excuses missed steps and nothing else",
            &by(7, 9, vec![root_key(1), root_key(9)]),
        ),
        case(
            "root-gap-by-both",
            "ok",
            "an anchor excuses missed steps, and the remembered key signed too",
            &by(7, 9, vec![root_key(1), root_key(2), root_key(9)]),
        ),
    ]
}

/// Root 2 names another log. It and everything beside it is in that log; its receipt may be of the old one.
fn unseen() -> Vec<Vector> {
    let other = NoteKey::new("other.example/log", ED25519, 8);
    let plan = Plan { policy: Some(format!("log {}\nquorum none\n", other.vkey())), ..numbered(2) };
    let first = numbered(1).build();
    let mut elsewhere = first.clone();
    elsewhere.log.key = other;
    elsewhere.log.entries.clear();
    let unseen = elsewhere.renewed(&plan).published.container;
    let mut seen = unseen.clone();
    seen.root_receipt = first.renewed(&plan).published.container.root_receipt;
    let first = first.published.container;
    vec![
        opened(
            "root-unseen",
            "trust.root-not-logged",
            "root 2 is in no log that root 1 names",
            &[&first, &unseen],
        ),
        opened("root-unseen-first", "ok", "without a memory its own policy decides", &[&unseen]),
        opened("root-new-log", "ok", "root 2 changes the log, and is in the old one", &[&first, &seen]),
    ]
}

fn with_root(change: impl FnOnce(&mut Root)) -> Container {
    let mut root = Plan::default().build().published.root;
    change(&mut root);
    let mut container = built(|_| ());
    container.root = signed(&root.text(), &[root_key(1)]);
    container
}

fn limits() -> Vec<Vector> {
    let issuers = with_root(|root| {
        root.issuers =
            (0..65).map(|n| IssuerItem { id: format!("https://i{n}.example"), keys: Vec::new() }).collect();
    });
    let keys = with_root(|root| {
        let own = root.issuers[0].keys[0].clone();
        root.issuers[0].keys = (0..17)
            .map(|n| {
                let jwk = IssuerKey::ed25519(100 + n).jwk();
                KeyItem { jwk, ..own.clone() }
            })
            .collect();
    });
    vec![
        malformed("root-too-many-issuers", "64 issuers", issuers.file()),
        malformed("root-too-many-keys-of-issuer", "16 keys of an issuer", keys.file()),
    ]
}

/// Root 1 stays. The receipt of the root alone is from another history of the size that memory holds.
fn one_forked_receipt() -> Vector {
    let first = numbered(1).build();
    let second = first.renewed(&Plan { feed_number: (2, 1), ..numbered(1) });
    let World { mut log, published, .. } = first.clone();
    assert_eq!(log.key.vkey(), log_key().vkey());
    let last = log.entries.len() - 1;
    let root = &published.root;
    log.entries[last] = bundle(entry::ROOT, root.sequence, &root.text(), root.issued);
    let mut container = second.published.container;
    container.root_receipt = log.receipt(last as u64, log.size(), None);
    opened(
        "fork-in-root-receipt",
        "trust.fork",
        "one receipt of the bundle is of another history",
        &[&first.published.container, &container],
    )
    .line("alarms", 1)
}
