//! Codes as a camera sees them.

use fastrand::Rng;
use sillok_qr::{Code, MAX_PIXELS, read};

#[path = "support/frames.rs"]
mod frames;

use frames::{Frame, SETS, STEADY, photograph};

/// Frames of each set.
const FRAMES: u64 = 5;

/// A text as long as that of a live code with a proof of twelve hashes: version 23 at level L.
fn text(random: &mut Rng) -> String {
    let character = |_| char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"[random.usize(..45)]);
    format!("SLK1:{}", (0..1_458).map(character).collect::<String>())
}

fn is_read(frame: &Frame, text: &str) -> bool {
    read(&frame.luma, frame.width, frame.height).as_deref() == Some(text)
}

#[test]
fn live_codes_are_read_as_cameras_see_them() {
    let mut failures = Vec::new();
    for (name, camera) in SETS {
        let mut count = 0;
        for seed in 0..FRAMES {
            let mut random = Rng::with_seed(seed);
            let text = text(&mut random);
            let code = Code::write(&text).expect("one code");
            assert_eq!(code.version(), 23);
            let camera = camera(&mut random);
            let seen = photograph(&code, &camera, &mut random);
            if is_read(&seen, &text) {
                count += 1;
            } else {
                failures.push(format!("{name}, seed {seed}: {camera:?}"));
            }
        }
        println!("{name}: {count} of {FRAMES} frames are read");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_frame_is_what_it_says() {
    let code = Code::write("SLK1:X").expect("a code");
    let (frame, side) = code.frame(3);
    assert_eq!(read(&frame, side, side).as_deref(), Some("SLK1:X"));
    assert_eq!(read(&frame, side, side + 1), None);
    assert_eq!(read(&frame, 0, 0), None);
    assert_eq!(read(&frame, u32::MAX, u32::MAX), None);
    let wide = u32::try_from(MAX_PIXELS).expect("a number of pixels") + 1;
    assert_eq!(read(&vec![255; wide as usize], wide, 1), None);
    // Nothing, noise, and frames too small for a code.
    assert_eq!(read(&[128; 640 * 480], 640, 480), None);
    let mut random = Rng::with_seed(1);
    for (width, height) in [(1, 1), (1, 4_096), (4_096, 1), (7, 9), (64, 64), (640, 480)] {
        let noise: Vec<u8> = (0..width * height).map(|_| random.u8(..)).collect();
        assert_eq!(read(&noise, width, height), None);
    }
}

#[test]
fn a_code_is_the_smallest_for_its_text() {
    for (characters, version) in [(25, 1), (26, 2), (1_352, 21), (1_460, 22), (1_853, 25), (4_296, 40)] {
        assert_eq!(Code::write(&"A".repeat(characters)).expect("a code").version(), version);
    }
    assert_eq!(Code::write(&"A".repeat(4_297)), None);
    let code = Code::write("A").expect("a code");
    assert_eq!((code.side(), code.modules().len()), (21, 441));
    assert!(code.is_dark(0, 0) && !code.is_dark(21, 0) && !code.is_dark(usize::MAX, 0));
    let mut random = Rng::with_seed(3);
    let seen = photograph(&code, &STEADY, &mut random);
    assert!(is_read(&seen, "A"));
}
