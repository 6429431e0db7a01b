//! Time: the caller's clock beside what witnesses and the authority have stated.

use sillok_log::UnixSeconds;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_verifier::trust::Feed;
use sillok_verifier::{
    CLOCK_WARNING_SECONDS, Facts, MAX_CLOCK_BEHIND_SECONDS, Memory, Reason, Trust, Verdict,
};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

fn judge(world: &World, trust: &Trust, memory: &Memory, issued: &Issued, now: u64) -> (Verdict, Memory) {
    let receipt = world.receipt(issued);
    let credential = issued.credential.as_bytes();
    verify_kept(trust, memory, credential, Some(receipt.as_bytes()), &[], UnixSeconds(now))
}

/// What one witness cosigned at [`NOW`] less a minute, and a bundle opened then.
fn witnessed() -> (World, Issued, Trust, Memory) {
    let mut world = World::new();
    world.ask_witness(true);
    let issued = world.issue(&payload());
    world.publish();
    let (trust, memory) = open(&world.container(), &Memory::default());
    assert_eq!(memory.time_floor(), UnixSeconds(NOW.0 - 60));
    (world, issued, trust, memory)
}

fn facts(verdict: Verdict) -> Facts {
    match verdict {
        Verdict::Valid(facts) => facts,
        other => panic!("{other}"),
    }
}

#[test]
fn a_clock_is_warned_of_from_half_a_minute_and_refused_after_ten() {
    let (world, issued, trust, memory) = witnessed();
    let floor = memory.time_floor().0;
    for behind in [0, 1, CLOCK_WARNING_SECONDS - 1, CLOCK_WARNING_SECONDS, 31, MAX_CLOCK_BEHIND_SECONDS] {
        let (verdict, kept) = judge(&world, &trust, &memory, &issued, floor - behind);
        let warned = (behind >= CLOCK_WARNING_SECONDS).then_some(behind);
        assert_eq!(facts(verdict).clock_behind, warned, "{behind} seconds");
        assert_eq!(kept, memory);
    }
    for behind in [MAX_CLOCK_BEHIND_SECONDS + 1, 3_600, 400 * 86_400, floor] {
        let (verdict, kept) = judge(&world, &trust, &memory, &issued, floor - behind);
        assert_eq!(verdict, Verdict::of(Reason::ClockBehind), "{behind} seconds");
        assert!(matches!(verdict, Verdict::Unknown(_)));
        assert_eq!(kept, memory);
    }
}

/// A battery ran empty and the clock begins anew: without a bound the floor would be *now* for years.
#[test]
fn a_clock_that_is_far_behind_keeps_nothing_fresh() {
    let (world, issued, trust, memory) = witnessed();
    let feed_end = world.feed().not_after.0;
    // Whenever it is asked while the device counts from 1970 to when its clock has come near.
    for days in (0..).step_by(100).take_while(|days| days * 86_400 < memory.time_floor().0 - 600) {
        let (verdict, _kept) = judge(&world, &trust, &memory, &issued, days * 86_400);
        assert_eq!(verdict, Verdict::of(Reason::ClockBehind), "day {days}");
    }
    assert!(judge(&world, &trust, &memory, &issued, memory.time_floor().0 - 600).0.admits());
    assert_eq!(
        judge(&world, &trust, &memory, &issued, feed_end + 1).0,
        Verdict::of(Reason::TrustFeedExpired)
    );
}

/// No quorum states a time, but the authority has dated its feed.
#[test]
fn without_witnesses_the_feed_says_that_it_is_later() {
    let (world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    assert_eq!(memory.time_floor(), UnixSeconds(0));
    let made = world.feed().issued.0;
    for (behind, warned) in [(0, None), (29, None), (30, Some(30)), (600, Some(600))] {
        let verdict = judge(&world, &trust, &memory, &issued, made - behind).0;
        assert_eq!(facts(verdict).clock_behind, warned);
    }
    assert_eq!(judge(&world, &trust, &memory, &issued, made - 601).0, Verdict::of(Reason::ClockBehind));
}

/// The receipt at hand is younger than anything in memory, and says that the clock is wrong.
#[test]
fn what_the_evidence_states_of_the_time_counts_at_once() {
    let (mut world, issued, trust, memory) = witnessed();
    world.log.append(&world.root.entry("another leaf"));
    for (stated, valid) in [(30, true), (600, true), (601, false), (6 * HOUR, false)] {
        world.log.cosigned_at = UnixSeconds(NOW.0 + stated);
        let (verdict, kept) = judge(&world, &trust, &memory, &issued, NOW.0);
        if valid {
            assert_eq!(facts(verdict).clock_behind, Some(stated));
            assert_eq!(kept.time_floor(), UnixSeconds(NOW.0 + stated));
        } else {
            assert_eq!(verdict, Verdict::of(Reason::ClockBehind));
            // Not valid is not kept: somebody else's next receipt is judged as if this one had not been shown.
            assert_eq!(kept, memory);
        }
    }
}

/// An ahead clock is like a day on which no news came: it ends what is fresh and makes nothing valid for longer.
#[test]
fn a_clock_that_is_ahead_lets_nothing_in_for_longer() {
    let (world, issued, trust, memory) = witnessed();
    let (feed_end, root_end) = (world.feed().not_after.0, world.root.not_after.0);
    // The snapshot is good for six hours, the feed for twelve.
    let valid = |now| judge(&world, &trust, &memory, &issued, now).0.admits();
    assert!(valid(NOW.0) && valid(NOW.0 + 6 * HOUR));
    for (now, reason) in [
        (NOW.0 + 6 * HOUR + 1, Reason::StatusStale),
        (feed_end + 1, Reason::TrustFeedExpired),
        (root_end, Reason::TrustFeedExpired),
        (root_end + 1, Reason::TrustRootExpired),
        (NOW.0 + 20 * 365 * 86_400, Reason::TrustRootExpired),
        (u64::MAX, Reason::TrustRootExpired),
    ] {
        let verdict = judge(&world, &trust, &memory, &issued, now).0;
        assert_eq!(verdict, Verdict::of(reason), "{now}");
        assert!(matches!(verdict, Verdict::Unknown(_)));
    }
}

/// Opening asks nothing of the clock: who is behind can still be given a newer bundle, and is told by `verify`.
#[test]
fn a_bundle_opens_whatever_is_wrong_with_the_clock() {
    let (mut world, issued, _trust, memory) = witnessed();
    world.feed_sequence = 2;
    let container = world.container().to_json().expect("a container");
    for now in [0, 1, NOW.0 - 86_400, NOW.0, NOW.0 + 20 * 365 * 86_400] {
        let opened = Trust::open(container.as_bytes(), None, &memory, UnixSeconds(now));
        let (trust, kept) = opened.expect("opens");
        assert_eq!(kept.time_floor(), memory.time_floor());
        let verdict = judge(&world, &trust, &kept, &issued, now).0;
        assert_eq!(verdict.admits(), now == NOW.0, "{now}");
    }
}

/// A witness whose clock is centuries ahead puts the time as far ahead as the feed reaches, and no further.
#[test]
fn a_witness_with_a_wrong_clock_does_not_put_the_time_out_of_reach() {
    let (mut world, issued, trust, memory) = witnessed();
    let feed_end = world.feed().not_after;
    for stated in [feed_end.0 + 1, 253_402_300_799, (1 << 63) - 1] {
        world.log.append(&world.root.entry(&format!("leaf of {stated}")));
        world.log.cosigned_at = UnixSeconds(stated);
        assert_eq!(judge(&world, &trust, &memory, &issued, NOW.0).0, Verdict::of(Reason::ClockBehind));
        world.feed_sequence += 1;
        let (trust, stuck) = open(&world.container(), &memory);
        assert_eq!(stuck.time_floor(), feed_end);
        // Somebody's clock is wrong, and until it is known whose nothing is decided.
        assert_eq!(judge(&world, &trust, &stuck, &issued, NOW.0).0, Verdict::of(Reason::ClockBehind));
    }
    // When that time has come, the feed of then works again.
    let (_trust, stuck) = open(&world.container(), &memory);
    let then = UnixSeconds(feed_end.0 - 600);
    world.log.cosigned_at = then;
    world.feed_sequence += 1;
    let newer = world.publish_until(UnixSeconds(feed_end.0 + HOUR));
    let feed = Feed { not_after: UnixSeconds(feed_end.0 + HOUR), ..world.feed() };
    let files = vec![world.file(&newer)];
    let (trust, memory) = open(&world.container_of(&feed, files), &stuck);
    assert!(judge(&world, &trust, &memory, &issued, then.0).0.admits());
}

fn witness(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::CosignatureV1, &[seed; 32]).expect("a key")
}

/// A witness with a wrong clock is replaced by root 2, of this epoch: memory before and after, and what is said then.
fn after_the_witness_is_replaced(epoch: u64) -> (Memory, Memory, Verdict) {
    let (mut world, issued, _trust, memory) = witnessed();
    world.log.append(&world.root.entry("a leaf"));
    world.log.cosigned_at = UnixSeconds(1 << 40);
    world.feed_sequence = 2;
    let (_trust, stuck) = open(&world.container(), &memory);

    let right = witness("right.example", 8);
    let log = world.log.key.verifier();
    world.root.policy = format!("log {log}\nwitness w {}\nquorum w\n", right.verifier());
    (world.root.sequence, world.root.epoch, world.feed_sequence) = (2, epoch, 3);
    // The old witness still cosigns what the new root is seen under, and goes on stating its time.
    let root_receipt = world.container().root_receipt;
    world.log.witnesses = vec![right];
    world.log.cosigned_at = NOW;
    let mut container = world.container();
    container.root_receipt = root_receipt;
    let (trust, kept) = open(&container, &stuck);
    let verdict = judge(&world, &trust, &kept, &issued, NOW.0).0;
    (stuck, kept, verdict)
}

/// Whoever replaces the witness with the wrong clock need not wait: with a root of a newer epoch the time begins anew.
#[test]
fn a_new_epoch_begins_the_time_anew() {
    let (stuck, kept, verdict) = after_the_witness_is_replaced(1);
    assert_eq!(stuck.time_floor(), UnixSeconds(NOW.0 + 12 * HOUR));
    assert_eq!(kept.time_floor(), stuck.time_floor());
    assert_eq!(verdict, Verdict::of(Reason::ClockBehind));
    let (_stuck, kept, verdict) = after_the_witness_is_replaced(2);
    assert_eq!(kept.time_floor(), NOW);
    assert!(verdict.admits());
}
