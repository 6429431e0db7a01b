//! Status lists: the fold, the order of bits, and what a decoder refuses.

use super::Vector;
use crate::reference::encoding::base64url;
use crate::reference::entry::{list, status};
use crate::reference::status::{Slots, gzip, zlib};
use crate::reference::tree::sha256;

mod population;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = folds();
    all.extend(planes());
    all.extend(states());
    all.extend(encoded_lists());
    all.extend(token_lists());
    all.extend(population::vectors());
    all
}

const LIST: [u8; 16] = [4; 16];
const SLOTS: u64 = 131_072;
const PLANE_BYTES: usize = 16_384;

fn new(name: &str, expect: &str, anchor: &str, comment: &str) -> Vector {
    Vector::new("status", name, expect, &format!("status.md#{anchor}"), comment)
}

fn folds() -> Vec<Vector> {
    let change = |index, value, change| status(&LIST, index, value, change, 1_767_225_600);
    let other_list = status(&[5; 16], 7, 1, 0, 1_767_225_600);
    let long = vec![change(7, 1, 0), change(9, 2, 0), change(131_071, 1, 0), change(9, 0, 1), other_list];
    let cases = [
        ("empty", "no change: all valid", 0, vec![]),
        ("revoked", "slot 0 is the first bit of the first byte", 1, vec![change(0, 1, 0)]),
        ("suspended", "suspension has a plane of its own", 1, vec![change(0, 2, 0)]),
        ("last-slot", "the last bit of the last byte", 1, vec![change(131_071, 1, 0)]),
        (
            "reinstated",
            "suspended and valid again is as never touched",
            2,
            vec![change(9, 2, 0), change(9, 0, 1)],
        ),
        (
            "revoked-after-suspension",
            "revoking clears the suspension",
            2,
            vec![change(9, 2, 0), change(9, 1, 1)],
        ),
        ("other-list", "entries of other lists change nothing", 5, long.clone()),
        ("fold-size", "an entry at the fold size is not folded", 3, long),
        (
            "after-revocation",
            "revoked is terminal: an entry that says otherwise breaks a rule and changes nothing",
            2,
            vec![change(9, 1, 0), change(9, 0, 1)],
        ),
        (
            "replayed",
            "a change with the number of an earlier one breaks a rule and changes nothing",
            3,
            vec![change(9, 2, 0), change(9, 0, 1), change(9, 2, 0)],
        ),
        (
            "after-refused",
            "an entry that changed nothing has no number: the next change has it",
            3,
            vec![change(9, 2, 0), change(9, 2, 1), change(9, 0, 1)],
        ),
        (
            "beyond-length",
            "a slot that the list does not have",
            2,
            vec![change(131_072, 1, 0), change(0, 1, 0)],
        ),
    ];
    let declared = list(&LIST, &[6; 32], SLOTS);
    cases
        .map(|(name, comment, changes, entries)| {
            let (fold_size, entries) = (changes + 1, [vec![declared.clone()], entries].concat());
            let digest = Slots::fold(&entries, &LIST, SLOTS, fold_size).digest(&LIST);
            new(&format!("fold-{name}"), "ok", "fold", comment)
                .line("check", "fold")
                .hex("list", &LIST)
                .line("length", SLOTS)
                .line("fold-size", fold_size)
                .entries(&entries)
                .hex("digest", &digest)
        })
        .into()
}

fn planes() -> Vec<Vector> {
    [
        (0, 0x80_u8, 0_usize),
        (1, 0x40, 0),
        (7, 0x01, 0),
        (8, 0x80, 1),
        (1_000, 0x80, 125),
        (131_071, 0x01, 16_383),
    ]
    .map(|(slot, byte, at)| {
        let mut slots = Slots(vec![0; 131_072]);
        slots.0[slot] = 1;
        assert_eq!(slots.plane(1)[at], byte);
        new(&format!("bit-{slot}"), "ok", "planes", "bits are counted from the left")
            .line("check", "bit")
            .line("slot", slot)
            .line("byte", at)
            .hex("value", &[byte])
    })
    .into()
}

/// Slots 7 and 1,000 revoked, 9 suspended.
fn slots() -> Slots {
    let mut slots = Slots(vec![0; 131_072]);
    (slots.0[7], slots.0[1_000], slots.0[9]) = (1, 1, 2);
    slots
}

fn states() -> Vec<Vector> {
    let case = |name: &str, expect, comment, state: String| {
        let vector = new(&format!("state-{name}"), expect, "snapshot-file", comment)
            .line("check", "state")
            .hex("list", &LIST)
            .line("length", SLOTS)
            .line("state", state);
        if expect == "ok" { vector.hex("digest", &slots().digest(&LIST)) } else { vector }
    };
    let bytes = slots().planes();
    let good = zlib(&bytes);
    let (mut longer, mut checksum, mut conflict) = (bytes.clone(), good.clone(), bytes.clone());
    longer.push(0);
    *checksum.last_mut().expect("a checksum") ^= 1;
    conflict[PLANE_BYTES] |= 1;
    let both = Slots(vec![0; 131_072]);
    assert_eq!(both.planes().len(), bytes.len());
    let standard = base64url(&good).replace('-', "+").replace('_', "/");
    vec![
        case("good", "ok", "revocation plane, then suspension plane", base64url(&good)),
        case("stored", "ok", "the same bytes in blocks without compression", base64url(&stored_zlib(&bytes))),
        case(
            "one-byte-more",
            "error",
            "the stream holds more than length / 4 bytes",
            base64url(&zlib(&longer)),
        ),
        case(
            "one-byte-less",
            "error",
            "the stream holds fewer than length / 4 bytes",
            base64url(&zlib(&bytes[1..])),
        ),
        case("one-plane", "error", "half of it", base64url(&zlib(&bytes[..PLANE_BYTES]))),
        case("bomb", "error", "16 MiB of zeros in 16 KiB", base64url(&zlib(&vec![0; 1 << 24]))),
        case("trailing-byte", "error", "a byte behind the stream", base64url(&[&good[..], &[0]].concat())),
        case(
            "two-streams",
            "error",
            "a second stream behind the first",
            base64url(&[&good[..], &good].concat()),
        ),
        case("truncated", "error", "the stream breaks off", base64url(&good[..good.len() - 5])),
        case("bad-checksum", "error", "the Adler-32 is wrong", base64url(&checksum)),
        case("gzip", "error", "another container", base64url(&gzip(&bytes))),
        case("empty", "error", "no bytes at all", String::new()),
        case("padded", "error", "base64url has no padding here", format!("{}=", base64url(&good))),
        case("standard-alphabet", "error", "the alphabet is that of URLs", format!("+/{standard}")),
        case(
            "revoked-and-suspended",
            "error",
            "(1,1) does not occur",
            base64url(&zlib(&conflict_at_7(&conflict))),
        ),
    ]
}

/// The planes with slot 7 in both.
fn conflict_at_7(planes: &[u8]) -> Vec<u8> {
    assert_eq!((planes[0] & 1, planes[PLANE_BYTES] & 1), (1, 1));
    planes.to_vec()
}

/// A zlib stream of stored blocks (RFC 1951 section 3.2.4), by hand.
fn stored_zlib(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("one block");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&[0x78, 0x01, 0x01][..], &lengths, bytes, &(b << 16 | a).to_be_bytes()].concat()
}

fn encoded_lists() -> Vec<Vector> {
    let plane = slots().plane(1);
    let case = |name: &str, expect, comment, list: String| {
        let vector = new(&format!("list-{name}"), expect, "w3c-rendering", comment)
            .line("check", "encoded-list")
            .line("length", SLOTS)
            .line("encoded-list", list);
        if expect == "ok" { vector.hex("plane-sha256", &sha256(&[&plane])) } else { vector }
    };
    let good = gzip(&plane);
    let u = |bytes: &[u8]| format!("u{}", base64url(bytes));
    let (mut checksum, mut size, mut method) = (good.clone(), good.clone(), good.clone());
    let end = good.len();
    checksum[end - 8] ^= 1;
    size[end - 4] ^= 1;
    method[2] = 7;
    let mut named = good[..3].to_vec();
    named.extend([&[8][..], &good[4..10], b"list\0", &good[10..]].concat());
    vec![
        case("good", "ok", "one gzip member of one plane", u(&good)),
        case("named", "ok", "a gzip header may hold a file name", u(&named)),
        case(
            "one-byte-more",
            "error",
            "the member holds more than length / 8 bytes",
            u(&gzip(&[&plane[..], &[0]].concat())),
        ),
        case("one-byte-less", "error", "the member holds fewer than length / 8 bytes", u(&gzip(&plane[1..]))),
        case("bomb", "error", "16 MiB of zeros in 16 KiB", u(&gzip(&vec![0; 1 << 24]))),
        case(
            "two-members",
            "error",
            "each half of the plane in a member",
            u(&[gzip(&plane[..8_192]), gzip(&plane[8_192..])].concat()),
        ),
        case("trailing-byte", "error", "a byte behind the member", u(&[&good[..], &[0]].concat())),
        case("truncated", "error", "the trailer breaks off", u(&good[..end - 1])),
        case("bad-checksum", "error", "the CRC-32 is wrong", u(&checksum)),
        case("bad-size", "error", "the size in the trailer is wrong", u(&size)),
        case("other-method", "error", "a compression method that does not exist", u(&method)),
        case("zlib", "error", "another container", u(&zlib(&plane))),
        case("no-prefix", "error", "multibase says u", base64url(&good)),
        case("base58-prefix", "error", "z is another multibase", format!("z{}", base64url(&good))),
        case("padded", "error", "base64url has no padding here", format!("{}=", u(&good))),
        case("empty", "error", "no bytes at all", "u".into()),
    ]
}

fn token_lists() -> Vec<Vector> {
    let case = |name: &str, expect, comment, bits: usize, list: String| {
        let vector = new(&format!("token-{name}"), expect, "ietf-rendering", comment)
            .line("check", "token-list")
            .line("bits", bits)
            .line("length", SLOTS)
            .line("lst", list);
        if expect == "ok" { vector.hex("digest", &slots().digest(&LIST)) } else { vector }
    };
    let bytes = slots().packed(2);
    let good = zlib(&bytes);
    let (mut checksum, mut beyond, mut revoked) = (good.clone(), bytes.clone(), slots());
    *checksum.last_mut().expect("a checksum") ^= 1;
    beyond[25] |= 3;
    revoked.0[9] = 0;
    let one_bit = case("one-bit", "ok", "nothing is suspended", 1, revoked.token_list(1));
    let one_bit = Vector { parts: one_bit.parts[..4].to_vec(), ..one_bit };
    vec![
        case(
            "two-bits",
            "ok",
            "revoked is 1, suspended is 2; least significant bits first",
            2,
            base64url(&good),
        ),
        one_bit.hex("digest", &revoked.digest(&LIST)),
        case("four-bits", "error", "other widths are not ours", 4, slots().token_list(4)),
        case("no-bits", "error", "a slot has a bit", 0, base64url(&good)),
        case(
            "value-3",
            "error",
            "a value that is neither valid nor revoked nor suspended",
            2,
            base64url(&zlib(&beyond)),
        ),
        case(
            "one-byte-more",
            "error",
            "more than the list",
            2,
            base64url(&zlib(&[&bytes[..], &[0]].concat())),
        ),
        case("one-byte-less", "error", "less than the list", 2, base64url(&zlib(&bytes[1..]))),
        case("as-one-bit", "error", "two bits a slot are twice as long", 1, base64url(&good)),
        case("bomb", "error", "16 MiB of zeros in 16 KiB", 2, base64url(&zlib(&vec![0; 1 << 24]))),
        case("trailing-byte", "error", "a byte behind the stream", 2, base64url(&[&good[..], &[0]].concat())),
        case("truncated", "error", "the stream breaks off", 2, base64url(&good[..good.len() - 5])),
        case("bad-checksum", "error", "the Adler-32 is wrong", 2, base64url(&checksum)),
        case("gzip", "error", "another container", 2, base64url(&gzip(&bytes))),
        case("padded", "error", "base64url has no padding here", 2, format!("{}=", base64url(&good))),
        case("empty", "error", "no bytes at all", 2, String::new()),
    ]
}
