//! Whatever the clock of a device says, nothing is *valid* that should not be: what has ended before the authority's newest word,
//! what begins after everything that is fresh has ended, what is revoked, what a withdrawn key signed, what was not logged.

use std::collections::BTreeSet;

use serde_json::json;
use sillok_log::UnixSeconds;
use sillok_log::entry::StatusValue;
use sillok_verifier::trust::{Container, Cuts, Standing};
use sillok_verifier::{MAX_CLOCK_BEHIND_SECONDS, Memory, Trust, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// The ends of all times, those of what the world signed, a second on both sides of each, 400 days back and 20 years ahead.
fn clocks(world: &World) -> BTreeSet<u64> {
    let feed = world.feed();
    let day = 24 * HOUR;
    let mut marks =
        vec![0, u64::MAX, u64::MAX >> 1, 253_402_300_799, NOW.0, NOW.0 - 400 * day, NOW.0 + 7_305 * day];
    marks.extend([feed.issued.0, feed.issued.0 - MAX_CLOCK_BEHIND_SECONDS, feed.not_after.0]);
    marks.extend([world.root.issued.0, world.root.issued.0 - day, world.root.not_after.0]);
    marks.extend([
        NOW.0 - 60 - MAX_CLOCK_BEHIND_SECONDS,
        NOW.0 + 6 * HOUR,
        NOW.0 - 2 * HOUR,
        NOW.0 + 13 * HOUR,
    ]);
    marks.extend((0..64).map(|bit| 1_u64 << bit));
    marks.iter().flat_map(|mark| [mark.saturating_sub(1), *mark, mark.saturating_add(1)]).collect()
}

struct Shown {
    world: World,
    container: Container,
    credential: String,
    receipt: Option<String>,
}

impl Shown {
    /// A world after a change, under a witness or none.
    fn new(
        witnessed: bool,
        issue: impl Fn(&mut World) -> Issued,
        change: impl Fn(&mut World, &Issued),
    ) -> Self {
        let mut world = World::new();
        if witnessed {
            world.ask_witness(true);
        }
        let issued = issue(&mut world);
        change(&mut world, &issued);
        world.publish();
        let container = world.container();
        let receipt = Some(world.receipt(&issued));
        Self { world, container, credential: issued.credential, receipt }
    }

    /// The clocks at which it is valid, when the bundle was opened at the right time, and when it was opened by that clock.
    fn valid_at(&self) -> BTreeSet<u64> {
        let (trust, memory) = open(&self.container, &Memory::default());
        let bytes = self.container.to_json().expect("a container");
        let mut valid = BTreeSet::new();
        for clock in clocks(&self.world) {
            let now = UnixSeconds(clock);
            let credential = self.credential.as_bytes();
            let receipt = self.receipt.as_deref().map(str::as_bytes);
            let here = verify_kept(&trust, &memory, credential, receipt, &[], now).0;
            let anew = Trust::open(bytes.as_bytes(), None, &Memory::default(), now)
                .map(|(trust, memory)| verify_kept(&trust, &memory, credential, receipt, &[], now).0);
            // A device that was right when it was given the bundle knows no less than one that never was.
            let admitted = anew.as_ref().is_ok_and(Verdict::admits);
            assert!(!admitted || here.admits(), "at {clock}: {here} and anew {anew:?}");
            if here.admits() {
                valid.insert(clock);
            }
        }
        valid
    }
}

fn sound(world: &mut World) -> Issued {
    world.issue(&payload())
}

fn with(member: &'static str, value: &'static str) -> impl Fn(&mut World) -> Issued {
    move |world| {
        let mut claims = payload();
        claims[member] = json!(value);
        world.issue(&claims)
    }
}

/// From ten minutes before the newest word of the time to the end of the snapshot, and at no other time.
#[test]
fn a_sound_credential_is_valid_while_its_evidence_is_fresh() {
    for witnessed in [false, true] {
        let shown = Shown::new(witnessed, sound, |_world, _issued| ());
        let stated = if witnessed { NOW.0 - 60 } else { shown.world.feed().issued.0 };
        let fresh = stated - MAX_CLOCK_BEHIND_SECONDS..=NOW.0 + 6 * HOUR;
        let expected: BTreeSet<u64> =
            clocks(&shown.world).into_iter().filter(|clock| fresh.contains(clock)).collect();
        assert!(expected.len() >= 5);
        assert_eq!(shown.valid_at(), expected, "witnessed: {witnessed}");
    }
}

#[test]
fn no_clock_makes_valid_what_is_not() {
    let none = |_world: &mut World, _issued: &Issued| ();
    let revoked = |world: &mut World, _issued: &Issued| world.set(StatusValue::Revoked);
    let suspended = |world: &mut World, _issued: &Issued| world.set(StatusValue::Suspended);
    let compromised = |world: &mut World, _issued: &Issued| {
        world.root.issuers[0].keys[0].standing = Standing::Compromised(Cuts::default());
    };
    let retired = |world: &mut World, _issued: &Issued| {
        world.root.issuers[0].keys[0].standing = Standing::Retired(Cuts::default());
    };
    for witnessed in [false, true] {
        let mut unlogged = Shown::new(witnessed, sound, none);
        unlogged.receipt = None;
        let cases = [
            // The feed is of an hour ago, and ten minutes are allowed for.
            ("ended two hours ago", Shown::new(witnessed, with("validUntil", "2027-01-15T06:00:00Z"), none)),
            (
                "ended 400 days ago",
                Shown::new(witnessed, with_period("2025-01-01T00:00:00Z", "2025-12-11T08:00:00Z"), none),
            ),
            // The snapshot is good for six hours, the feed for twelve.
            ("begins in seven hours", Shown::new(witnessed, with("validFrom", "2027-01-15T15:00:00Z"), none)),
            (
                "begins in twenty years",
                Shown::new(witnessed, with_period("2047-01-15T08:00:00Z", "2048-01-01T00:00:00Z"), none),
            ),
            ("revoked", Shown::new(witnessed, sound, revoked)),
            ("suspended", Shown::new(witnessed, sound, suspended)),
            ("by a compromised key", Shown::new(witnessed, sound, compromised)),
            ("by a retired key", Shown::new(witnessed, sound, retired)),
            ("not logged", unlogged),
        ];
        for (what, shown) in cases {
            let valid = shown.valid_at();
            assert!(valid.is_empty(), "what {what} is valid at {valid:?}, witnessed: {witnessed}");
        }
    }
}

fn with_period(from: &'static str, until: &'static str) -> impl Fn(&mut World) -> Issued {
    move |world| {
        let mut claims = payload();
        claims["validFrom"] = json!(from);
        claims["validUntil"] = json!(until);
        world.issue(&claims)
    }
}
