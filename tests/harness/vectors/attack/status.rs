//! Status lists that cost more than they say, hold more than they say, or are read from the wrong end.

use super::super::Vector;
use super::super::world::{ISSUER, LIST, Plan, SLOTS, World, list_uri};
use super::{Attack, es256};
use crate::reference::credential::{compact, header, status_entries};
use crate::reference::encoding::base64url;
use crate::reference::json::{array, object, string};
use crate::reference::status::{Slots, gzip, zlib};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = bombs();
    all.extend(members());
    all.extend(bits());
    all.extend(duplicates());
    all
}

const MISMATCH: &str = "cannot tell status.digest-mismatch";
const RENDERING: &str = "status.md#w3c-rendering";
const FILE: &str = "status.md#snapshot-file";
const PLANES: &str = "status.md#planes";

/// `credentialStatus` at this slot of the world's list.
pub(super) fn at(slot: &str) -> String {
    status_entries(&list_uri(), slot)
}

/// A world whose feed names the list and whose bundle does not hold its state.
fn bare(change: impl FnOnce(&mut Plan)) -> Attack {
    Attack::planned(|plan| {
        plan.embedded = false;
        change(plan);
    })
}

fn slots(world: &World) -> Slots {
    Slots::fold(&world.log.entries, &LIST, SLOTS, world.published.snapshot.fold_size)
}

/// The snapshot file with another `state`.
fn file_with(world: &World, state: &[u8]) -> String {
    let good = slots(world).state();
    let file = format!("{}\n", world.published.file);
    assert!(file.contains(&good));
    file.replacen(&good, &base64url(state), 1)
}

/// A W3C status list credential with this `encodedList`, signed by the issuer.
fn list(purpose: &str, encoded_list: &str) -> String {
    let url = format!("{}/{purpose}", list_uri());
    let subject = object(&[
        ("id", string(&format!("{url}#list"))),
        ("type", string("BitstringStatusList")),
        ("statusPurpose", string(purpose)),
        ("encodedList", string(encoded_list)),
    ]);
    let types = array(&[string("VerifiableCredential"), string("BitstringStatusListCredential")]);
    let payload = object(&[
        ("@context", array(&[string("https://www.w3.org/ns/credentials/v2")])),
        ("id", string(&url)),
        ("type", types),
        ("issuer", string(ISSUER)),
        ("iss", string(ISSUER)),
        ("validFrom", string("2026-01-02T00:00:00Z")),
        ("validUntil", string("2026-01-09T00:00:00Z")),
        ("credentialSubject", subject),
    ]);
    compact(&header(&es256()), &payload, &es256())
}

/// Both lists, the first with another `encodedList`.
fn pair_with(world: &World, gzipped: &[u8]) -> Vec<String> {
    let slots = slots(world);
    vec![list("revocation", &format!("u{}", base64url(gzipped))), list("suspension", &slots.encoded_list(2))]
}

fn with_file(name: &str, expect: &str, comment: &str, state: &dyn Fn(&World) -> Vec<u8>) -> Vector {
    let attack = bare(|_plan| ());
    let file = file_with(&attack.world, &state(&attack.world));
    attack.with_statuses(vec![file]).vector(name, expect, FILE, comment)
}

fn with_list(name: &str, expect: &str, comment: &str, gzipped: &dyn Fn(&World) -> Vec<u8>) -> Vector {
    let attack = bare(|_plan| ());
    let pair = pair_with(&attack.world, &gzipped(&attack.world));
    attack.with_statuses(pair).vector(name, expect, RENDERING, comment)
}

/// 8 MiB that weigh 8 KiB: more than the list has is never unpacked.
fn bombs() -> Vec<Vector> {
    let zeros = vec![0_u8; 8 << 20];
    let more = |world: &World, bytes: usize| [slots(world).planes(), vec![0; bytes]].concat();
    vec![
        with_file("bomb", MISMATCH, "8 MiB of zeros for 32 KiB", &|_world| zlib(&zeros)),
        with_file("bomb-byte", MISMATCH, "one byte more than the planes have", &|world| {
            zlib(&more(world, 1))
        }),
        with_file("bomb-twice", MISMATCH, "a bomb in a bomb", &|_world| zlib(&zlib(&zeros))),
        with_list("bomb-list", MISMATCH, "8 MiB of zeros for 16 KiB", &|_world| gzip(&zeros)),
        with_list("bomb-list-twice", MISMATCH, "a bomb in a bomb", &|_world| gzip(&gzip(&zeros))),
        with_list("bomb-list-byte", MISMATCH, "one byte more than the plane has", &|world| {
            gzip(&[slots(world).plane(1), vec![0]].concat())
        }),
    ]
}

/// What follows the first member, some readers read and some do not.
fn members() -> Vec<Vector> {
    let half = |world: &World| slots(world).plane(1)[..8_192].to_vec();
    vec![
        with_list("gzip", "valid", "one member that holds the whole plane", &|world| {
            gzip(&slots(world).plane(1))
        }),
        with_list("gzip-two-members", MISMATCH, "the plane and an empty member", &|world| {
            [gzip(&slots(world).plane(1)), gzip(b"")].concat()
        }),
        with_list("gzip-halves", MISMATCH, "two members that hold half of the plane each", &|world| {
            [gzip(&half(world)), gzip(&slots(world).plane(1)[8_192..])].concat()
        }),
        with_list("gzip-half", MISMATCH, "half of the plane", &|world| gzip(&half(world))),
        with_list("gzip-trailing", MISMATCH, "a byte behind the member", &|world| {
            [gzip(&slots(world).plane(1)), vec![0]].concat()
        }),
        with_list("gzip-checksum", MISMATCH, "another checksum", &|world| {
            let mut bytes = gzip(&slots(world).plane(1));
            let at = bytes.len() - 8;
            bytes[at] ^= 1;
            bytes
        }),
        with_list("gzip-zlib", MISMATCH, "zlib where gzip belongs", &|world| zlib(&slots(world).plane(1))),
        with_list("gzip-raw", MISMATCH, "not compressed", &|world| slots(world).plane(1)),
        with_file("gzip-file-two-streams", MISMATCH, "two streams with a plane each", &|world| {
            [zlib(&slots(world).plane(1)), zlib(&slots(world).plane(2))].concat()
        }),
        with_file("gzip-file-trailing", MISMATCH, "a byte behind the stream", &|world| {
            [zlib(&slots(world).planes()), vec![0]].concat()
        }),
    ]
}

/// Slot 0 is the first bit from the left, in both renderings. Who reads from the right takes it for slot 7.
fn bits() -> Vec<Vector> {
    let shown = |name: &str, expect: &str, comment: &str, revoked: u32, slot: &str, as_lists: bool| {
        let attack = bare(|plan| {
            plan.changes = vec![(revoked, 1)];
            plan.set("credentialStatus", at(slot));
        });
        let slots = slots(&attack.world);
        let statuses = if as_lists {
            vec![list("revocation", &slots.encoded_list(1)), list("suspension", &slots.encoded_list(2))]
        } else {
            vec![format!("{}\n", attack.world.published.file)]
        };
        attack.with_statuses(statuses).vector(&format!("bits-{name}"), expect, PLANES, comment)
    };
    let revoked = "not valid status.revoked";
    vec![
        shown("first", revoked, "slot 0 is revoked", 0, "0", false),
        shown("first-for-last", "valid", "slot 0 is revoked, slot 7 is not", 0, "7", false),
        shown("last-for-first", "valid", "slot 7 is revoked, slot 0 is not", 7, "0", false),
        shown("list-first", revoked, "slot 0 is revoked", 0, "0", true),
        shown("list-first-for-last", "valid", "slot 0 is revoked, slot 7 is not", 0, "7", true),
        shown("list-last-for-first", "valid", "slot 7 is revoked, slot 0 is not", 7, "0", true),
        shown("list-byte", "valid", "slot 8 is revoked: another byte", 8, "0", true),
    ]
}

/// A snapshot file is JSON, and has one meaning like all other.
fn duplicates() -> Vec<Vector> {
    let attack = bare(|_plan| ());
    let file = format!("{}\n", attack.world.published.file).replacen('{', "{\"length\":8,", 1);
    vec![attack.with_statuses(vec![file]).vector(
        "duplicate-status-file",
        MISMATCH,
        FILE,
        "a snapshot file with two lengths",
    )]
}

/// A revocation list of the default world, signed by the issuer.
pub(super) fn sound_list() -> String {
    list("revocation", &slots(&bare(|_plan| ()).world).encoded_list(1))
}

/// A pair of which the first is of another type, and one of which it is not even a list.
pub(super) fn types() -> Vec<Vector> {
    let own = bare(|_plan| ());
    let slots = slots(&own.world);
    let (good, other) =
        (list("revocation", &slots.encoded_list(1)), list("suspension", &slots.encoded_list(2)));
    let shown = |name: &str, comment: &str, first: String| {
        bare(|_plan| ()).with_statuses(vec![first, other.clone()]).vector(
            &format!("typ-{name}-as-status-list"),
            MISMATCH,
            RENDERING,
            comment,
        )
    };
    let payload = |token: &str| {
        let part = token.split('.').nth(1).expect("three parts");
        part.to_owned()
    };
    let retyped = |typ: &str| {
        let header = header(&es256()).replace("vc+jwt", typ);
        let input = format!("{}.{}", base64url(header.as_bytes()), payload(&good));
        format!("{input}.{}", base64url(&es256().sign(input.as_bytes())))
    };
    let credential = String::from_utf8(own.token).expect("ASCII");
    let mut all = vec![shown("credential", "the credential itself for a list", credential)];
    for (kind, typ) in super::types::KINDS.iter().filter(|(kind, _typ)| *kind != "credential") {
        // A list of W3C is a credential by its typ; that of the IETF has one of its own, which is none of ours.
        let name = if *kind == "status-list" { "ietf-status-list" } else { kind };
        all.push(shown(name, "a sound list but for its typ", retyped(typ)));
    }
    all
}
