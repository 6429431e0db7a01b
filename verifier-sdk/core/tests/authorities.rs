//! Several authorities at one door.

use sillok_log::UnixSeconds;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_verifier::authorities::{AuthoritiesError, MAX_AUTHORITIES};
use sillok_verifier::trust::{Container, Cuts, Standing};
use sillok_verifier::{Authorities, Evidence, Holder, Memory, Policy, Reason, Trust, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

const OTHER: &str = "https://other.example";

/// Another authority, with another log, keys and issuer.
fn other_world() -> World {
    let mut world = World::with_issuer(Signing::ed25519(31));
    world.log = log::Log::new("other.example/annals", 32);
    world.root_key =
        SignerKey::from_seed("other.example/root", SignatureKind::Ed25519, &[33; 32]).expect("a key");
    world.root.root_keys = vec![world.root_key.verifier()];
    world.root.policy = format!("log {}\nquorum none\n", world.log.key.verifier());
    world.root.issuers[0].id = OTHER.into();
    world.root.authority = "Another authority".into();
    world
}

fn opened(container: &Container, memory: &Memory, now: UnixSeconds) -> (Trust, Memory) {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), None, memory, now).expect("opens")
}

fn hold(authorities: &mut Authorities, container: &Container) -> Result<(), AuthoritiesError> {
    let (trust, memory) = open(container, &Memory::default());
    authorities.add(trust, memory)
}

fn judge(
    authorities: &mut Authorities,
    credential: &str,
    receipt: Option<&str>,
    now: UnixSeconds,
) -> (Verdict, Option<String>) {
    let evidence =
        Evidence { credential: credential.as_bytes(), receipt: receipt.map(str::as_bytes), statuses: &[] };
    let (verdict, by) = authorities.verify(&evidence, &Policy::new(Holder::NotAsked), now);
    (verdict, by.map(|authority| authority.trust().root().authority.clone()))
}

#[test]
fn the_issuer_of_a_credential_says_who_decides_and_memories_are_apart() {
    let (mut world, issued, container) = World::ready();
    let mut other = other_world();
    let mut claims = payload();
    (claims["issuer"], claims["iss"]) = (OTHER.into(), OTHER.into());
    let foreign = other.issuer.credential(&claims);

    let mut authorities = Authorities::new();
    assert_eq!(
        judge(&mut authorities, &issued.credential, None, NOW),
        (Verdict::of(Reason::IssuerUnknown), None)
    );
    hold(&mut authorities, &container).expect("held");
    assert_eq!(judge(&mut authorities, &foreign, None, NOW), (Verdict::of(Reason::IssuerUnknown), None));
    hold(&mut authorities, &other.container()).expect("held beside it");
    assert_eq!(authorities.iter().count(), 2);

    let before: Vec<String> = authorities.iter().map(|held| held.memory().encode()).collect();
    world.log.append(&world.root.entry("another leaf"));
    let receipt = world.receipt(&issued);
    let (verdict, by) = judge(&mut authorities, &issued.credential, Some(&receipt), NOW);
    assert!(verdict.admits());
    assert_eq!(by.as_deref(), Some("Health authority"));
    // The other one's key verified it, and it lacks a receipt.
    let (verdict, by) = judge(&mut authorities, &foreign, None, NOW);
    assert_eq!(verdict, Verdict::of(Reason::ReceiptMissing));
    assert_eq!(by.as_deref(), Some("Another authority"));
    // A larger checkpoint of one log is in the memory of its authority alone.
    let after: Vec<String> = authorities.iter().map(|held| held.memory().encode()).collect();
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
    assert!(!after[1].contains(ORIGIN) && !after[0].contains("other.example"));
    // One authority's key says nothing about the other's issuer.
    let forged = other.issuer.credential(&payload());
    assert_eq!(judge(&mut authorities, &forged, None, NOW).0, Verdict::of(Reason::IssuerKeyUnknown));
    // What cannot be read is nobody's.
    for (credential, reason) in [("e30.e30", Reason::CredentialMalformed), ("", Reason::CredentialMalformed)]
    {
        assert_eq!(judge(&mut authorities, credential, None, NOW), (Verdict::of(reason), None));
    }
}

#[test]
fn two_authorities_do_not_claim_one_issuer() {
    let (_world, _issued, container) = World::ready();
    let mut other = other_world();
    other.root.issuers[0].id = ISSUER.into();
    let mut authorities = Authorities::new();
    hold(&mut authorities, &container).expect("held");
    let refused = hold(&mut authorities, &other.container()).expect_err("refused");
    assert_eq!(refused, AuthoritiesError::IssuerTwice { issuer: ISSUER.into() });
    assert!(refused.to_string().ends_with(ISSUER));
    assert_eq!(authorities.iter().count(), 1);
    // Nor does a root of the same keys that was not opened as the step after the other.
    let (mut world, _issued, first) = World::ready();
    let mut authorities = Authorities::new();
    hold(&mut authorities, &first).expect("held");
    world.root.sequence = 2;
    let refused = hold(&mut authorities, &world.container()).expect_err("refused");
    assert_eq!(refused, AuthoritiesError::IssuerTwice { issuer: ISSUER.into() });
}

#[test]
fn a_newer_feed_takes_the_place_of_the_older() {
    let (mut world, issued, first) = World::ready();
    let mut authorities = Authorities::new();
    let (trust, memory) = open(&first, &Memory::default());
    authorities.add(trust, memory.clone()).expect("held");
    world.feed_sequence = 2;
    let (trust, memory) = open(&world.container(), &memory);
    authorities.add(trust, memory).expect("in its place");
    let [held] = &authorities.iter().collect::<Vec<_>>()[..] else { panic!("one") };
    assert_eq!(held.trust().feed().sequence, 2);
    assert!(judge(&mut authorities, &issued.credential, Some(&world.receipt(&issued)), NOW).0.admits());
}

/// The next root withdraws the key from tomorrow's first second on; until then the present one decides.
#[test]
fn the_next_root_is_held_beside_the_present_one_until_it_is_in_force() {
    let (mut world, issued, first) = World::ready();
    let start = UnixSeconds(NOW.0 + 5 * HOUR);
    let (present, memory) = open(&first, &Memory::default());
    world.root.sequence = 2;
    world.root.issued = start;
    world.root.issuers[0].keys[0].standing = Standing::Compromised(Cuts::default());
    world.feed_sequence = 2;
    let next = world.container();
    let receipt = world.receipt(&issued);
    for present_first in [true, false] {
        let (trust, after) = open(&next, &memory);
        let mut both = vec![(present.clone(), memory.clone()), (trust, after)];
        if !present_first {
            both.reverse();
        }
        let mut authorities = Authorities::new();
        for (trust, memory) in both {
            authorities.add(trust, memory).expect("held");
        }
        let mut at = |now| judge(&mut authorities, &issued.credential, Some(&receipt), now).0;
        assert!(at(NOW).admits());
        assert!(at(UnixSeconds(start.0 - 1)).admits());
        assert_eq!(at(start), Verdict::of(Reason::KeyCompromised));
    }
}

/// More feeds come under the next root while the present one is held; and a device that is switched on again opens both from
/// what it has kept.
#[test]
fn who_follows_whom_is_remembered() {
    let (mut world, issued, first) = World::ready();
    let (present, memory) = open(&first, &Memory::default());
    let start = UnixSeconds(NOW.0 + 5 * HOUR);
    (world.root.sequence, world.root.issued, world.feed_sequence) = (2, start, 2);
    let (next, after) = open(&world.container(), &memory);
    let mut authorities = Authorities::new();
    authorities.add(present, memory.clone()).expect("held");
    authorities.add(next, after.clone()).expect("held beside it");
    world.feed_sequence = 3;
    let newer = world.container();
    let (trust, after) = open(&newer, &after);
    authorities.add(trust, after.clone()).expect("in the place of the next");
    assert_eq!(authorities.iter().map(|held| held.trust().feed().sequence).collect::<Vec<_>>(), [1, 3]);

    let kept = [&memory, &after].map(|memory| Memory::parse(memory.encode().as_bytes()).expect("a memory"));
    let mut again = Authorities::new();
    for (container, memory) in [(&newer, &kept[1]), (&first, &kept[0])] {
        let (trust, memory) = open(container, memory);
        again.add(trust, memory).expect("held");
    }
    let receipt = world.receipt(&issued);
    assert!(judge(&mut again, &issued.credential, Some(&receipt), NOW).0.admits());
}

/// A root in force decides about issuers that it has dropped, too.
#[test]
fn what_the_next_root_drops_is_gone_when_it_is_in_force() {
    let (mut world, issued, first) = World::ready();
    let (present, memory) = open(&first, &Memory::default());
    (world.root.sequence, world.feed_sequence) = (2, 2);
    world.root.issuers[0].id = OTHER.into();
    let (next, after) = open(&world.container(), &memory);
    let mut authorities = Authorities::new();
    authorities.add(present, memory).expect("held");
    authorities.add(next, after.clone()).expect("held");
    let receipt = world.receipt(&issued);
    let verdict = judge(&mut authorities, &issued.credential, Some(&receipt), NOW).0;
    assert_eq!(verdict, Verdict::of(Reason::IssuerUnknown));
    // The third root puts the first out, and may name its issuer again.
    (world.root.sequence, world.feed_sequence) = (3, 3);
    world.root.issuers[0].id = ISSUER.into();
    let (third, last) = opened(&world.container(), &after, NOW);
    authorities.add(third, last).expect("held");
    assert_eq!(authorities.iter().map(|held| held.trust().root().sequence).collect::<Vec<_>>(), [2, 3]);
    assert!(judge(&mut authorities, &issued.credential, Some(&receipt), NOW).0.admits());
}

#[test]
fn there_is_an_end_to_how_many_are_held() {
    let mut authorities = Authorities::new();
    for number in 0..=MAX_AUTHORITIES {
        let mut world = World::new();
        world.root.authority = format!("authority {number}");
        world.root.issuers.clear();
        let held = hold(&mut authorities, &world.container());
        assert_eq!(held, if number < MAX_AUTHORITIES { Ok(()) } else { Err(AuthoritiesError::TooMany) });
    }
}
