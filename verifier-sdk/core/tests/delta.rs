//! Deltas of trust bundles: what they lead to, how long they are, and what leads nowhere.

use sillok_log::entry::{Entry, List, ListId, MIN_LIST_SLOTS, Snapshot, StatusValue, issuer_hash};
use sillok_log::status::ListState;
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::Memory;
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::trust::{Consistency, Container, Delta, DeltaError, Feed, FeedSnapshot};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// A bundle, and the one of an hour later: a new feed and snapshot, three slots changed.
fn hour() -> (Container, Container) {
    let (mut world, _issued, first) = World::ready();
    world.state.set(7, StatusValue::Revoked).expect("a slot");
    world.state.set(90_000, StatusValue::Suspended).expect("a slot");
    world.state.set(131_071, StatusValue::Revoked).expect("a slot");
    world.publish();
    world.feed_sequence = 2;
    let second = world.container();
    (first, second)
}

fn encoded(base: &Container, result: &Container) -> Vec<u8> {
    Delta::between(base, result).and_then(|delta| delta.encode()).expect("a delta")
}

fn applied(delta: &[u8], base: &Container) -> Result<Container, DeltaError> {
    Delta::parse(delta)?.apply(base)
}

fn code(delta: &[u8], base: &Container) -> &'static str {
    let error = applied(delta, base).expect_err("refused");
    assert!(!error.to_string().is_empty());
    error.code()
}

#[test]
fn a_delta_leads_to_the_next_bundle_and_that_opens() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    let whole = second.to_json().expect("a container").len();
    println!("{} bytes lead to a bundle of {whole}", delta.len());
    let result = applied(&delta, &first).expect("the next bundle");
    assert_eq!(result, second);
    let (_trust, memory) = open(&first, &Memory::default());
    let (trust, _memory) = open(&result, &memory);
    assert_eq!(trust.feed().sequence, 2);
    // The way back is a delta like any other, and the bundle that it leads to is older: opening says so.
    let back = applied(&encoded(&second, &first), &second).expect("the former bundle");
    assert_eq!(back, first);
    let (_trust, memory) = open(&second, &Memory::default());
    let bytes = back.to_json().expect("a container");
    let refused = sillok_verifier::Trust::open(bytes.as_bytes(), None, &memory, NOW).expect_err("older");
    assert_eq!(refused.code(), "trust.feed-rollback");
}

#[test]
fn a_delta_of_nothing_says_nothing() {
    let (first, _second) = hour();
    let delta = encoded(&first, &first);
    assert!(delta.len() < 29 + 64 + 4 + 60, "{}", delta.len());
    assert_eq!(applied(&delta, &first), Ok(first));
}

#[test]
fn another_base_is_refused_with_its_own_code() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    assert_eq!(code(&delta, &second), "trust.delta-base");
    for change in [
        |base: &mut Container| base.root.push(' '),
        |base: &mut Container| base.feed_receipt.push(' '),
        |base: &mut Container| base.snapshots.clear(),
        |base: &mut Container| {
            base.consistency = vec![Consistency {
                origin: ORIGIN.into(),
                from: TreeSize(1),
                to: TreeSize(2),
                proof: vec![Hash([1; 32])],
            }];
        },
    ] {
        let mut base = first.clone();
        change(&mut base);
        assert_eq!(code(&delta, &base), "trust.delta-base");
    }
}

/// A base whose state was compressed by somebody else's program says the same.
#[test]
fn how_a_state_is_compressed_does_not_matter() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    let state = vec![0_u8; MIN_LIST_SLOTS as usize / 4];
    // Stored, not deflated: the longest stream that holds the same.
    let stored = miniz_stored(&state);
    let text = first.to_json().expect("a container");
    let (before, after) = text.split_once(r#""state":""#).expect("a state");
    let (_state, rest) = after.split_once('"').expect("its end");
    let other =
        format!(r#"{before}"state":"{}"{rest}"#, sillok_verifier::encoding::encode_base64url(&stored));
    let other = Container::parse(other.as_bytes()).expect("a container");
    assert_ne!(other, first);
    assert_eq!(other.digest(), first.digest());
    assert_eq!(applied(&delta, &other).and_then(|result| result.digest()), second.digest());
}

/// A zlib stream of stored blocks (RFC 1951 section 3.2.4).
fn miniz_stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut chunks = data.chunks(65_535).peekable();
    while let Some(chunk) = chunks.next() {
        let length = chunk.len() as u16;
        out.push(u8::from(chunks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    out.extend_from_slice(&((high << 16) | low).to_be_bytes());
    out
}

/// Nothing signs a delta: what was changed leads nowhere, or to the very bundle.
#[test]
fn a_changed_delta_leads_nowhere() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    for position in 0..delta.len() {
        let mut changed = delta.clone();
        changed[position] ^= 1 << (position % 8);
        match applied(&changed, &first) {
            Ok(result) => assert_eq!(result.digest(), second.digest(), "byte {position}"),
            Err(error) => {
                let expected = match position {
                    0..29 => "trust.delta-malformed",
                    29..61 => "trust.delta-base",
                    61..93 => "trust.delta-result",
                    _ => error.code(),
                };
                assert_eq!(error.code(), expected, "byte {position}");
            }
        }
    }
    for end in 0..delta.len() {
        assert_eq!(code(&delta[..end], &first), "trust.delta-malformed", "{end} bytes");
    }
    let longer = [&delta[..], b"\0"].concat();
    assert_eq!(code(&longer, &first), "trust.delta-malformed");
}

/// The text of a delta, written anew in the frame of another.
fn reframed(delta: &[u8], edit: impl Fn(&str) -> String) -> Vec<u8> {
    let (head, stream) = delta.split_at(29 + 64 + 4);
    let length = u32::from_be_bytes(head[93..].try_into().expect("four bytes")) as usize;
    let mut text = String::new();
    let mut reader = flate2::read::ZlibDecoder::new(stream);
    std::io::Read::read_to_string(&mut reader, &mut text).expect("a text");
    assert_eq!(text.len(), length);
    let text = edit(&text);
    let mut file = head[..93].to_vec();
    file.extend_from_slice(&(text.len() as u32).to_be_bytes());
    let mut writer = flate2::write::ZlibEncoder::new(file, flate2::Compression::default());
    std::io::Write::write_all(&mut writer, text.as_bytes()).expect("memory");
    writer.finish().expect("memory")
}

#[test]
fn a_delta_has_no_other_form() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    assert_eq!(applied(&reframed(&delta, str::to_string), &first), Ok(second));
    let refused = |from: &str, to: &str, code_wanted: &str| {
        let changed = reframed(&delta, |text| {
            assert!(text.contains(from), "{from} in {text}");
            text.replacen(from, to, 1)
        });
        assert_eq!(code(&changed, &first), code_wanted, "{from} -> {to}");
    };
    let malformed = "trust.delta-malformed";
    for (from, to) in [
        (r#""from":0"#, r#""from":1"#),
        (r#""from":0"#, r#""from":-1"#),
        (r#""from":0"#, r#""from":0,"more":0"#),
        (r#""from":0"#, r#""from":0,"from":0"#),
        (r#""changes":[7,"#, r#""changes":[-7,"#),
        (r#""changes":[7,"#, r#""changes":[7.5,"#),
        (r#""changes":[7,"#, r#""changes":["7","#),
        (r#""changes":[7,"#, r#""changes":[9007199254740991,9007199254740991,"#),
        (r#""changes":[7,"#, r#""changes":[262144,"#),
        (r#""sequence":2"#, r#""sequence":0"#),
        (r#""consistency":[]"#, r#""consistency":[0]"#),
        (r#","consistency":[]"#, ""),
        (r#""snapshots":["#, r#""snapshots":[9,"#),
        (r#""snapshots":["#, r#""snapshots":[{},"#),
        ("{", "{\"rules\":[],"),
    ] {
        refused(from, to, malformed);
    }
    let wrong_result = "trust.delta-result";
    for (from, to) in [
        (r#""changes":[7,"#, r#""changes":[8,"#),
        (r#""changes":[7,"#, r#""changes":[0,6,"#),
        (r#""sequence":2"#, r#""sequence":3"#),
        (r#""snapshots":["#, r#""snapshots":[0,"#),
        ("{", "{\"root\":\"\","),
    ] {
        refused(from, to, wrong_result);
    }
    // Revoked and suspended: slot 7 of both planes.
    let (gaps, more) = ((131_072 + 90_000) - 131_071 - 1, 131_072 + 7 - 131_071 - 1);
    refused(&format!("{gaps}]"), &format!("{more},{}]", 90_000 - 8), malformed);
}

/// A stream that grows a thousandfold: what it says of its length is believed only as far as a stream can grow.
#[test]
fn a_delta_that_says_it_is_long_makes_no_room() {
    let (first, second) = hour();
    let delta = encoded(&first, &second);
    for length in [64_u32 << 20, (64 << 20) + 1, u32::MAX] {
        let mut bomb = delta.clone();
        bomb[93..97].copy_from_slice(&length.to_be_bytes());
        assert_eq!(code(&bomb, &first), "trust.delta-malformed");
    }
    let zeros = reframed(&delta, |text| format!("{text}{}", " ".repeat(32 << 20)));
    assert!(zeros.len() < 64 << 10);
    // White space is no error of JSON; it leads to what it led to.
    assert_eq!(applied(&zeros, &first), Ok(second));
    let zeros = reframed(&delta, |_text| "0".repeat(64 << 20));
    assert_eq!(code(&zeros, &first), "trust.delta-malformed");
    assert!(matches!(
        Delta::parse(&vec![0; sillok_verifier::trust::MAX_DELTA_BYTES + 1]),
        Err(DeltaError::TooLarge { .. })
    ));
}

/// Many lists of the largest size from one small base: refused before any is made.
#[test]
fn a_delta_cannot_make_more_state_than_a_container_holds() {
    let (first, second) = hour();
    let delta = reframed(&encoded(&first, &second), |text| {
        let many = "0,".repeat(511);
        text.replacen(r#""snapshots":["#, &format!(r#""snapshots":[{many}"#), 1)
    });
    // 512 times 32 KiB is allowed, and leads to another bundle than it says.
    assert_eq!(code(&delta, &first), "trust.delta-result");
    let mut large = first.clone();
    let file = large.snapshots[0].to_json();
    let file = file.replace(r#""length":131072"#, r#""length":16777216"#);
    large.snapshots = vec![SnapshotFile::parse(file.as_bytes()).expect("a file"); 65];
    assert!(matches!(large.digest(), Err(DeltaError::TooMuchState { .. })));
}

/// As many lists as a feed has room for, logged together as an issuer logs them every hour, in a log of some size.
fn population(lists: usize, changes: u32) -> (Container, Container) {
    let mut world = World::new();
    let owner = issuer_hash(ISSUER).expect("short");
    let mut states = Vec::new();
    for number in 0..lists as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
        let list = ListId(id);
        world.log.append(&Entry::List(List { list, issuer: owner, size: MIN_LIST_SLOTS }));
        let mut state = ListState::new(list, MIN_LIST_SLOTS).expect("a list");
        // Every hundredth slot is revoked, at random (xorshift).
        let mut random = number + 1;
        for _revoked in 0..1_310 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            state.set((random % 131_072) as u32, StatusValue::Revoked).expect("a slot");
        }
        states.push(state);
    }
    let bundle = |world: &mut World, states: &[ListState], sequence: u64| {
        let snapshots: Vec<Snapshot> = states
            .iter()
            .map(|state| Snapshot {
                list: state.list(),
                sequence,
                digest: state.digest(),
                fold_size: TreeSize(world.log.size() as u64),
                issued: UnixSeconds(NOW.0 - HOUR),
                not_after: UnixSeconds(NOW.0 + 12 * HOUR),
            })
            .collect();
        let places: Vec<_> =
            snapshots.iter().map(|snapshot| world.log.append(&Entry::Snapshot(*snapshot))).collect();
        let uri = |list: ListId| format!("{ISSUER}/status/{list}");
        let size = world.log.size();
        let (proofs, note) = (world.log.proofs(&places, size), world.log.note());
        let records =
            snapshots.iter().zip(&places).zip(&proofs).map(|((snapshot, index), proof)| FeedSnapshot {
                uri: uri(snapshot.list),
                issuer: ISSUER.into(),
                length: MIN_LIST_SLOTS,
                snapshot: *snapshot,
                index: *index,
                proof: proof.clone(),
            });
        let feed = Feed { sequence, snapshots: records.collect(), ..world.feed() };
        let files = snapshots.iter().zip(states).zip(places.iter().zip(proofs)).map(
            |((snapshot, state), (index, proof))| {
                let receipt = sillok_log::receipt::Receipt {
                    extra: None,
                    index: *index,
                    proof,
                    checkpoint: note.clone(),
                };
                SnapshotFile::new(&uri(snapshot.list), ISSUER, snapshot, state, &receipt.encode())
                    .expect("a file")
            },
        );
        let files = files.collect();
        world.container_of(&feed, files)
    };
    let first = bundle(&mut world, &states, 1);
    for (number, state) in (0_u32..).zip(&mut states) {
        for change in 0..changes {
            let slot = change.wrapping_mul(40_503).wrapping_add(number * 7 + 3) % 131_072;
            state.set(slot, StatusValue::Suspended).ok();
        }
    }
    let second = bundle(&mut world, &states, 2);
    (first, second)
}

#[test]
fn an_hour_of_many_lists_is_a_small_part_of_the_bundle() {
    for (lists, changes) in [(48, 0), (48, 4), (500, 1)] {
        let (first, second) = population(lists, changes);
        let whole = second.to_json().expect("a container").len();
        let delta = encoded(&first, &second);
        let of_each = delta.len() / lists;
        println!(
            "{lists} lists, {changes} changes of each: {} bytes for {whole} ({of_each} a list)",
            delta.len()
        );
        assert!(delta.len() * 15 < whole, "{} of {whole}", delta.len());
        assert!(of_each < 320, "{of_each} bytes a list");
        assert_eq!(applied(&delta, &first), Ok(second));
    }
}
