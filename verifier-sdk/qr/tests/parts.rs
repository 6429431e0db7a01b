//! Several codes: in any order, with losses, and what a stranger's screen may show.

use fastrand::Rng;
use sillok_qr::parts::{Collector, MAX_PARTS, Progress, SplitError, split};
use sillok_verifier::packed::from_bytes;

fn packed(length: usize) -> String {
    let mut random = Rng::with_seed(length as u64);
    from_bytes(&(0..length).map(|_| random.u8(..)).collect::<Vec<_>>())
}

#[test]
fn all_parts_in_any_order_say_what_was_split() {
    for length in [301, 600, 2_200, 32_768] {
        let text = packed(length);
        let parts = split(&text).expect("several");
        let count = parts.len() / 2;
        assert_eq!(count, (length + if length > 255 { 3 } else { 2 }).div_ceil(300));
        assert!(
            parts.iter().all(|part| part.starts_with("UR:BYTES/") && part.len() < 700),
            "{}",
            parts[0].len()
        );
        let mut backwards: Vec<&String> = parts[..count].iter().rev().collect();
        let last = backwards.pop().expect("several");
        let mut collector = Collector::default();
        for (known, part) in (1..).zip(&backwards) {
            assert_eq!(collector.take(part), Progress::Partial { known, of: count });
            assert_eq!(collector.take(part), Progress::Partial { known, of: count }, "the same again");
        }
        assert_eq!(collector.take(&last.to_lowercase()), Progress::Complete(text));
    }
}

#[test]
fn a_third_of_the_codes_may_be_lost() {
    let text = packed(2_200);
    let parts = split(&text).expect("several");
    let mut frames = Vec::new();
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let begin = random.usize(..parts.len());
        let mut collector = Collector::default();
        let shown = parts.iter().cycle().skip(begin);
        let complete = shown.enumerate().find(|(_at, part)| {
            random.usize(..3) > 0 && collector.take(part) == Progress::Complete(text.clone())
        });
        frames.push(complete.expect("it comes around again").0 + 1);
    }
    frames.sort_unstable();
    let (mean, most) = (frames.iter().sum::<usize>() / frames.len(), frames[frames.len() * 95 / 100]);
    println!("{} parts, a third lost: {mean} codes on average, {most} at most in 95 of 100", parts.len() / 2);
    assert!(mean < 3 * parts.len() / 2, "{mean}");
}

#[test]
fn what_is_no_part_changes_nothing() {
    let text = packed(700);
    let parts = split(&text).expect("several");
    let mut collector = Collector::default();
    assert_eq!(collector.take(&parts[0]), Progress::Partial { known: 1, of: 3 });
    let body = parts[1].rsplit_once('/').expect("a body").1;
    let many = MAX_PARTS + 1;
    for wrong in [
        String::new(),
        "SLK1:00".into(),
        "UR:BYTES/".into(),
        format!("UR:BYTES/{body}"),
        format!("UR:OTHER/2-3/{body}"),
        format!("UR:BYTES/2-{many}/{body}"),
        format!("UR:BYTES/2-1/{body}"),
        format!("UR:BYTES/99999999-3/{body}"),
        format!("UR:BYTES/2-3/{}", "AE".repeat(3_000)),
    ] {
        assert_eq!(collector.take(&wrong), Progress::NoPart, "{wrong}");
    }
    assert_eq!(collector.take(&parts[1]), Progress::Partial { known: 2, of: 3 });
    // Another presentation before the camera begins anew.
    let other = packed(800);
    let others = split(&other).expect("several");
    assert_eq!(collector.take(&others[0]), Progress::Partial { known: 1, of: 3 });
    collector.take(&others[1]);
    assert_eq!(collector.take(&others[2]), Progress::Complete(other));
    assert_eq!(format!("{collector:?}"), "Collector { taken: 0, .. }");
}

/// Damage of every kind to the parts: it never panics, and gives nothing but what was split.
#[test]
fn damaged_parts_give_nothing_else() {
    let text = packed(900);
    let parts = split(&text).expect("several");
    let mut random = Rng::with_seed(7);
    let mut collector = Collector::default();
    for _case in 0..20_000 {
        let mut part = parts[random.usize(..parts.len())].clone().into_bytes();
        for _change in 0..random.usize(..3) {
            // Cut down to nothing, there is nothing more to damage.
            if part.is_empty() {
                break;
            }
            let at = random.usize(..part.len());
            match random.u8(..3) {
                0 => part[at] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/"[random.usize(..38)],
                1 => part.truncate(at),
                _swap => part.swap(at, 0),
            }
        }
        let part = String::from_utf8(part).expect("ASCII");
        if let Progress::Complete(found) = collector.take(&part) {
            assert_eq!(found, text);
        }
    }
}

#[test]
fn what_fits_into_one_code_is_not_split() {
    assert_eq!(split(&packed(200)), Err(SplitError::Count { parts: 1 }));
    assert_eq!(split("SLK2:00"), Err(SplitError::Packed));
    assert_eq!(split("UR:BYTES/1-2/AE"), Err(SplitError::Packed));
    assert_eq!(
        split(&packed(200)).expect_err("one").to_string(),
        "split text: 1 codes are not from 2 to 128"
    );
}
