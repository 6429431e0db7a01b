//! Trust policies: the whole syntax, the rules of counting, and time floors against brute force.
#![expect(clippy::unwrap_used, reason = "test fixtures are known to be good")]

use proptest::prelude::*;
use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::cosignature::{self, cosign};
use sillok_log::note::{self, KeyError, SignatureKind, SignerKey, compose};
use sillok_log::policy::{
    Error, MAX_GROUPS, MAX_LOGS, MAX_POLICY_BYTES, MAX_WITNESSES, Opened, ParseError, Policy, Problem,
    Witnessed,
};
use sillok_log::{Hash, TreeSize, UnixSeconds};

const ORIGIN: &str = "example.com/log";

fn log(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

fn witness(seed: u8) -> SignerKey {
    SignerKey::from_seed(&format!("w{seed}.example"), SignatureKind::CosignatureV1, &[seed; 32]).unwrap()
}

/// One log and the witnesses a to e, keys 1 to 5; the rest of the policy is the caller's.
fn policy_text(rest: &str) -> String {
    let mut text = format!("log {}\n", log(ORIGIN, 100).verifier());
    for (name, seed) in "abcde".chars().zip(1..) {
        text += &format!("witness {name} {}\n", witness(seed).verifier());
    }
    text + rest
}

fn policy(rest: &str) -> Policy {
    Policy::parse(policy_text(rest).as_bytes()).unwrap()
}

fn problem(text: &str) -> Option<Problem> {
    Policy::parse(text.as_bytes()).err().map(|error| error.problem)
}

fn body() -> String {
    Checkpoint { origin: ORIGIN.into(), size: TreeSize(7), root: Hash([3; 32]) }.body()
}

/// The log's own line and a cosignature of each (witness, time).
fn note_of(cosigned: &[(u8, u64)]) -> String {
    let mut lines = vec![log(ORIGIN, 100).sign(&body()).unwrap()];
    lines.extend(cosigned.iter().map(|&(seed, time)| cosignature_line(seed, time)));
    compose(&body(), &lines).unwrap()
}

fn cosignature_line(seed: u8, time: u64) -> String {
    cosign(&body(), UnixSeconds(time), &witness(seed)).unwrap()
}

fn quorum(time_floor: u64) -> Result<Witnessed, Error> {
    Ok(Witnessed::Quorum { time_floor: UnixSeconds(time_floor) })
}

fn witnessed(policy: &Policy, note: &str) -> Result<Witnessed, Error> {
    policy.open(note).map(|opened| opened.witnessed)
}

/// The example of C2SP tlog-policy with real keys.
#[test]
fn the_published_example_works_as_its_text_says() {
    let mut text = format!("log {}\n\n", log(ORIGIN, 100).verifier());
    for (name, seed) in ["X1", "X2", "X3", "Y1", "Y2", "Y3"].into_iter().zip(1..) {
        text += &format!("witness {name} {}\n", witness(seed).verifier());
    }
    text += "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\
             group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";
    let policy = Policy::parse(text.as_bytes()).unwrap();
    for mask in 0..64_u8 {
        let cosigned: Vec<(u8, u64)> =
            (1..=6).filter(|at| mask >> (at - 1) & 1 == 1).map(|at| (at, 9)).collect();
        let met = (mask & 7).count_ones() >= 2 && mask >> 3 != 0;
        let expected = if met { quorum(9) } else { Err(Error::QuorumNotMet { cosigned: cosigned.len() }) };
        assert_eq!(witnessed(&policy, &note_of(&cosigned)), expected, "{mask:06b}");
    }
}

#[test]
fn an_opened_note_says_who_and_when() {
    let policy = policy("group g 2 a b c\nquorum g\n");
    let opened = policy.open(&note_of(&[(3, 30), (5, 50), (1, 10)])).unwrap();
    let expected = Opened {
        checkpoint: Checkpoint::parse_body(&body()).unwrap(),
        log: log(ORIGIN, 100).verifier(),
        cosigned: vec![(0, UnixSeconds(10)), (2, UnixSeconds(30)), (4, UnixSeconds(50))],
        witnessed: Witnessed::Quorum { time_floor: UnixSeconds(10) },
    };
    assert_eq!(opened, expected);
    assert_eq!(policy.witnesses()[2].key(), &witness(3).verifier());
    assert_eq!(policy.witnesses()[2].name(), b"c");
}

#[test]
fn quorum_none_asks_nobody_but_still_checks_who_signed() {
    let policy = policy("quorum none\n");
    assert_eq!(witnessed(&policy, &note_of(&[])), Ok(Witnessed::NotAsked));
    let opened = policy.open(&note_of(&[(1, 10)])).unwrap();
    assert_eq!(opened.cosigned, [(0, UnixSeconds(10))]);
    assert_eq!(opened.witnessed, Witnessed::NotAsked);
    let bad = cosign(&body().replace('7', "8"), UnixSeconds(1), &witness(1)).unwrap();
    assert_eq!(
        witnessed(&policy, &(note_of(&[]) + &bad)),
        Err(Error::Cosignature { witness: 0, error: bad_signature(1) })
    );
    let empty = Policy::parse(b"quorum none\n").unwrap();
    assert!(empty.logs().is_empty() && empty.witnesses().is_empty());
    assert_eq!(witnessed(&empty, &note_of(&[])), Err(Error::UnknownLog));
}

fn bad_signature(seed: u8) -> cosignature::Error {
    cosignature::Error::BadSignature { key: witness(seed).verifier().key_id() }
}

/// A policy with two logs must accept a checkpoint of either; one Rust implementation asked for both.
#[test]
fn one_of_two_logs_is_enough() {
    let (one, two) = (log("one.example", 101), log("two.example", 102));
    let text = format!("log {}\nlog {}\nquorum none\n", one.verifier(), two.verifier());
    let policy = Policy::parse(text.as_bytes()).unwrap();
    for key in [&one, &two] {
        let checkpoint = Checkpoint { origin: key.name().into(), size: TreeSize(1), root: Hash([1; 32]) };
        let note = checkpoint.sign(key).unwrap();
        let opened = policy.open(&note).unwrap();
        assert_eq!((opened.checkpoint, opened.log), (checkpoint, key.verifier()));
    }
    // The other log's signature, however good, does not stand for the log of the origin.
    let body = Checkpoint { origin: "one.example".into(), size: TreeSize(1), root: Hash([1; 32]) }.body();
    let foreign = compose(&body, &[two.sign(&body).unwrap()]).unwrap();
    assert_eq!(witnessed(&policy, &foreign), Err(Error::NotSignedByLog));
    let both = compose(&body, &[two.sign(&body).unwrap(), one.sign(&body).unwrap()]).unwrap();
    assert_eq!(policy.open(&both).unwrap().log, one.verifier());
    // Nor does a bad line under its name spoil a checkpoint of the origin: anybody can append one.
    let bad = two.sign("another text\n").unwrap();
    let framed = compose(&body, &[one.sign(&body).unwrap(), bad]).unwrap();
    assert_eq!(policy.open(&framed).unwrap().log, one.verifier());
}

/// During a rotation two keys go by one origin: either signs, and a bad line of either fails the note.
#[test]
fn an_origin_may_have_two_keys() {
    let (old, new) = (log(ORIGIN, 100), log(ORIGIN, 101));
    let text = format!("log {}\nlog {}\nquorum none\n", old.verifier(), new.verifier());
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let (by_old, by_new) = (old.sign(&body()).unwrap(), new.sign(&body()).unwrap());
    let open = |lines: &[&String]| policy.open(&compose(&body(), lines).unwrap()).map(|opened| opened.log);
    assert_eq!(open(&[&by_old]), Ok(old.verifier()));
    assert_eq!(open(&[&by_new]), Ok(new.verifier()));
    assert_eq!(open(&[&by_new, &by_old]), Ok(new.verifier()));
    let bad = new.sign("another text\n").unwrap();
    assert_eq!(open(&[&by_old, &bad]), Err(Error::LogSignature { log: 1 }));
    assert_eq!(open(&[&by_old, &by_old]), Err(Error::Note(note::Error::Repeated { index: 1 })));
}

#[test]
fn refusals_tell_their_cause() {
    let policy = policy("quorum a\n");
    let good = note_of(&[(1, 10)]);
    assert_eq!(witnessed(&policy, &good), quorum(10));
    assert_eq!(witnessed(&policy, ""), Err(Error::Note(note::Error::Separator)));
    assert_eq!(
        witnessed(&policy, &good.replace('\n', "\r\n")),
        Err(Error::Note(note::Error::Control { offset: 15 }))
    );
    assert_eq!(
        witnessed(&policy, &good.replace("\n7\n", "\n+7\n")),
        Err(Error::Checkpoint(checkpoint::Error::Size))
    );
    assert_eq!(
        witnessed(&policy, &good.replace("\n7\n", "\n07\n")),
        Err(Error::Checkpoint(checkpoint::Error::Size))
    );
    assert_eq!(witnessed(&policy, &good.replace("\n7\n", "\n8\n")), Err(Error::LogSignature { log: 0 }));
    let extended = good.replacen("\n\n", "\nextension\n\n", 1);
    assert_eq!(witnessed(&policy, &extended), Err(Error::Checkpoint(checkpoint::Error::ExtensionLine)));
    let elsewhere = good.replacen(ORIGIN, "example.com/elsewhere", 1);
    assert_eq!(witnessed(&policy, &elsewhere), Err(Error::UnknownLog));
    let unsigned = compose(&body(), &[cosignature_line(1, 10)]).unwrap();
    assert_eq!(witnessed(&policy, &unsigned), Err(Error::NotSignedByLog));
    assert_eq!(witnessed(&policy, &note_of(&[])), Err(Error::QuorumNotMet { cosigned: 0 }));
    assert_eq!(witnessed(&policy, &note_of(&[(2, 10)])), Err(Error::QuorumNotMet { cosigned: 1 }));
    // Witness 9 is nobody the policy knows.
    assert_eq!(witnessed(&policy, &note_of(&[(9, 10), (1, 10)])), quorum(10));
    // The log's signature is no cosignature, even by the same secret and name.
    let twin = SignerKey::from_seed(ORIGIN, SignatureKind::CosignatureV1, &[100; 32]).unwrap();
    let cosigned = cosign(&body(), UnixSeconds(10), &twin).unwrap();
    assert_eq!(witnessed(&policy, &compose(&body(), &[cosigned]).unwrap()), Err(Error::NotSignedByLog));
}

#[test]
fn a_witness_counts_once_however_often_it_signs() {
    let policy = policy("group g 2 a b c\nquorum g\n");
    let thrice = note_of(&[(1, 10), (1, 11), (1, 12)]);
    assert_eq!(witnessed(&policy, &thrice), Err(Error::QuorumNotMet { cosigned: 1 }));
    assert_eq!(witnessed(&policy, &note_of(&[(1, 10), (1, 10)])), Err(Error::QuorumNotMet { cosigned: 1 }));
    // Its latest word is what counts, in whatever order they stand.
    for order in [[(1, 10), (1, 40), (2, 30)], [(1, 40), (2, 30), (1, 10)]] {
        let opened = policy.open(&note_of(&order)).unwrap();
        assert_eq!(opened.cosigned, [(0, UnixSeconds(40)), (1, UnixSeconds(30))]);
        assert_eq!(opened.witnessed, Witnessed::Quorum { time_floor: UnixSeconds(30) });
    }
    // One good and one bad line of a witness: the note fails, as signed-note asks.
    let other = cosign(&body().replace('7', "8"), UnixSeconds(50), &witness(1)).unwrap();
    let mixed = note_of(&[(1, 10), (2, 10)]) + &other;
    assert_eq!(witnessed(&policy, &mixed), Err(Error::Cosignature { witness: 0, error: bad_signature(1) }));
}

#[test]
fn a_flood_of_cosignatures_is_refused() {
    let policy = policy("quorum a\n");
    let full: Vec<(u8, u64)> = (0..63).map(|at| (1 + at % 9, u64::from(at))).collect();
    assert!(policy.open(&note_of(&full)).is_ok());
    let flooded = note_of(&full) + &cosignature_line(1, 99);
    assert_eq!(witnessed(&policy, &flooded), Err(Error::Note(note::Error::TooManySignatures { count: 65 })));
}

#[test]
fn time_floors_equal_brute_force_over_subsets() {
    type Rule = fn(&dyn Fn(usize) -> bool) -> bool;
    let cases: [(&str, Rule); 6] = [
        ("quorum c\n", |has| has(2)),
        ("group g any a b e\nquorum g\n", |has| has(0) || has(1) || has(4)),
        ("group g all a b e\nquorum g\n", |has| has(0) && has(1) && has(4)),
        ("group g 3 a b c d e\nquorum g\n", |has| (0..5).filter(|&at| has(at)).count() >= 3),
        ("group x 2 a b c\ngroup y any d e\ngroup z all x y\nquorum z\n", |has| {
            (0..3).filter(|&at| has(at)).count() >= 2 && (has(3) || has(4))
        }),
        ("group x all a b\ngroup y all c d\ngroup z any x y e\nquorum z\n", |has| {
            (has(0) && has(1)) || (has(2) && has(3)) || has(4)
        }),
    ];
    // Each witness is silent or cosigns at one of three times: 1,024 notes a policy.
    let lines: Vec<Vec<String>> =
        (1..=5).map(|seed| (1..=3).map(|time| cosignature_line(seed, time)).collect()).collect();
    let signed = note_of(&[]);
    for (rest, rule) in cases {
        let policy = policy(rest);
        for code in 0..1024_usize {
            let times: Vec<usize> = (0..5).map(|at| code >> (2 * at) & 3).collect();
            let cosigned: Vec<usize> = (0..5).filter(|&at| times[at] > 0).collect();
            let extra: String = cosigned.iter().map(|&at| lines[at][times[at] - 1].as_str()).collect();
            // The best over all subsets that satisfy the rule of the oldest time in the subset.
            let best = (1..32_usize)
                .filter(|subset| (0..5).all(|at| subset >> at & 1 == 0 || times[at] > 0))
                .filter(|subset| rule(&|at| subset >> at & 1 == 1))
                .filter_map(|subset| (0..5).filter(|at| subset >> at & 1 == 1).map(|at| times[at]).min())
                .max();
            let expected = match best {
                Some(floor) => quorum(u64::try_from(floor).unwrap()),
                None => Err(Error::QuorumNotMet { cosigned: cosigned.len() }),
            };
            assert_eq!(witnessed(&policy, &(signed.clone() + &extra)), expected, "{rest:?} {times:?}");
        }
    }
}

#[test]
fn the_syntax_allows_what_the_specification_allows() {
    let (l, w) = (log(ORIGIN, 100).verifier(), witness(1).verifier());
    let plain =
        format!("log {l} https://log.example/\nwitness \u{e9} {w} https://w.example/\nquorum \u{e9}\n");
    let spaced = format!(
        "\n \t\n# a comment, \u{c9}\n\t#another\nwitness\t \u{e9}\t{w} https://w.example/ \nquorum \t\u{e9}\n  \
         log {l}   https://log.example/\t\n"
    );
    let policy = Policy::parse(plain.as_bytes()).unwrap();
    assert_eq!(Policy::parse(spaced.as_bytes()).as_ref(), Ok(&policy));
    assert_eq!(policy.encode(), plain.as_bytes());
    assert_eq!(policy.logs()[0].url(), Some(&b"https://log.example/"[..]));
    assert_eq!(policy.witnesses()[0].url(), Some(&b"https://w.example/"[..]));
    // Octets above 0x7F are opaque: no UTF-8 needed, and no two spellings are the same name.
    let octets = [format!("witness K {w}\nquorum ").as_bytes(), b"\xe2\x84\xaa\n"].concat();
    assert_eq!(Policy::parse(&octets), Err(ParseError { line: 2, problem: Problem::UndefinedName }));
    let octets = [b"# \xff\xfe\nwitness \xff ", format!("{w} ").as_bytes(), b"\x80\nquorum \xff\n"].concat();
    let policy = Policy::parse(&octets).unwrap();
    assert_eq!(policy.witnesses()[0].name(), b"\xff");
    assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
    for octet in (0..=8).chain(11..32).chain([127]) {
        let text = [b"# ", &[octet][..], b"\nquorum none\n"].concat();
        let error = ParseError { line: 1, problem: Problem::Octet { octet } };
        assert_eq!(Policy::parse(&text), Err(error));
    }
}

#[test]
fn every_broken_line_is_refused_by_name() {
    let (l, w) = (log(ORIGIN, 100).verifier(), witness(9).verifier());
    let w1_elsewhere = SignerKey::from_seed("elsewhere", SignatureKind::CosignatureV1, &[1; 32]).unwrap();
    let l_elsewhere = log("elsewhere", 100).verifier();
    let cases = [
        ("".into(), Problem::NoQuorum),
        ("quorum none".into(), Problem::Unterminated),
        ("quorum a\nquorum a\n".into(), Problem::SecondQuorum),
        ("quorum none\nquorum none\n".into(), Problem::SecondQuorum),
        ("quorum f\n".into(), Problem::UndefinedName),
        ("quorum g\ngroup g any a\n".into(), Problem::UndefinedName),
        ("quorum\n".into(), Problem::Items { count: 1 }),
        ("quorum a b\n".into(), Problem::Items { count: 3 }),
        ("Quorum none\n".into(), Problem::Keyword),
        ("quorum none # comment\n".into(), Problem::Items { count: 4 }),
        ("log\n".into(), Problem::Items { count: 1 }),
        (format!("log {l} url more\n"), Problem::Items { count: 4 }),
        (format!("log {l}\n"), Problem::DuplicateLog),
        (format!("log {l_elsewhere}\n"), Problem::DuplicateLog),
        (format!("log {w}\n"), Problem::KeyKind { found: SignatureKind::CosignatureV1 }),
        ("log example.com\n".into(), Problem::Key(KeyError::Parts)),
        (format!("witness {w}\n"), Problem::Items { count: 2 }),
        (format!("witness f {}\n", l), Problem::KeyKind { found: SignatureKind::Ed25519 }),
        (format!("witness a {w}\n"), Problem::DefinedName),
        (format!("witness none {w}\n"), Problem::DefinedName),
        (format!("witness f {}\n", witness(1).verifier()), Problem::DuplicateWitness),
        (format!("witness f {}\n", w1_elsewhere.verifier()), Problem::DuplicateWitness),
        ("group g\n".into(), Problem::Items { count: 2 }),
        ("group g all\n".into(), Problem::NoMembers),
        ("group g most a b\n".into(), Problem::Threshold { members: 2 }),
        ("group g 0 a b\n".into(), Problem::Threshold { members: 2 }),
        ("group g 3 a b\n".into(), Problem::Threshold { members: 2 }),
        ("group g +1 a b\n".into(), Problem::Threshold { members: 2 }),
        ("group g 01 a b\n".into(), Problem::Threshold { members: 2 }),
        ("group g 18446744073709551617 a b\n".into(), Problem::Threshold { members: 2 }),
        ("group a any b\n".into(), Problem::DefinedName),
        ("group none any b\n".into(), Problem::DefinedName),
        ("group g any none\n".into(), Problem::UndefinedName),
        ("group g any g\n".into(), Problem::UndefinedName),
        ("group g any h\ngroup h any a\n".into(), Problem::UndefinedName),
        ("group g 2 a a\n".into(), Problem::SecondMembership),
        ("group g any a\ngroup h any a b\n".into(), Problem::SecondMembership),
        ("group g any a\ngroup h all g b\ngroup i any g\n".into(), Problem::SecondMembership),
    ];
    for (rest, expected) in cases {
        assert_eq!(problem(&policy_text(&rest)), Some(expected), "{rest:?}");
    }
    let error = Policy::parse(b"# first\n\nquorum x\n").unwrap_err();
    assert_eq!(error.to_string(), "policy line 3: name is not defined on a line before");
    assert_eq!(Policy::parse(b"log \xff+1+1\n").unwrap_err().problem, Problem::KeyUtf8);
}

#[test]
fn thirty_two_of_each_and_no_more() {
    let lines = |logs: u8, witnesses: u8, groups: usize| {
        let mut text = String::new();
        for seed in 0..logs {
            text += &format!("log {}\n", log(&format!("log{seed}"), 100 + seed).verifier());
        }
        for seed in 0..witnesses {
            text += &format!("witness w{seed} {}\n", witness(seed).verifier());
        }
        // A chain, as deep as it goes: each group holds the one before and one more witness.
        for at in 0..groups {
            let before = at.checked_sub(1).map_or(String::new(), |before| format!(" g{before}"));
            let member = if at < usize::from(witnesses) { format!(" w{at}") } else { String::new() };
            text += &format!("group g{at} all{before}{member}\n");
        }
        text + "quorum g0\n"
    };
    let (logs, witnesses) = (u8::try_from(MAX_LOGS).unwrap(), u8::try_from(MAX_WITNESSES).unwrap());
    let policy = Policy::parse(lines(logs, witnesses, MAX_GROUPS).as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (32, 32));
    assert_eq!(problem(&lines(logs + 1, 1, 1)), Some(Problem::TooManyLogs));
    assert_eq!(problem(&lines(1, witnesses + 1, 1)), Some(Problem::TooManyWitnesses));
    assert_eq!(problem(&lines(1, 1, MAX_GROUPS + 1)), Some(Problem::TooManyGroups));
    let long = format!("#{}\nquorum none\n", "x".repeat(MAX_POLICY_BYTES));
    assert_eq!(problem(&long), Some(Problem::TooLong { bytes: long.len() }));
    // The deepest chain asks for all: one missing witness breaks it.
    let deep = lines(0, witnesses, MAX_GROUPS).replace("quorum g0", "quorum g31");
    let text = format!("log {}\n{deep}", log(ORIGIN, 100).verifier());
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let all: Vec<(u8, u64)> = (0..32).map(|seed| (seed, u64::from(seed) + 5)).collect();
    assert_eq!(witnessed(&policy, &note_of(&all)), quorum(5));
    let missing = Err(Error::QuorumNotMet { cosigned: 31 });
    assert_eq!(witnessed(&policy, &note_of(&all[1..])), missing);
}

/// Two keys made to share name and ID: 78,000 tries find a pair, so a policy must not rest on IDs alone.
#[test]
fn keys_that_collide_do_not_stand_in_one_policy() {
    let colliding = |count: u32| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&count.to_be_bytes());
        SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &seed).unwrap().verifier()
    };
    let (one, two) = (colliding(37_947), colliding(77_777));
    assert_eq!(one.key_id(), two.key_id());
    assert_ne!(one.public_bytes(), two.public_bytes());
    let text = format!("witness a {one}\nwitness b {two}\nquorum a\n");
    let error = ParseError { line: 2, problem: Problem::CollidingKey };
    assert_eq!(Policy::parse(text.as_bytes()), Err(error));
}

proptest! {
    #[test]
    fn encoding_is_canonical(
        groups in prop::collection::vec((1_usize..4, 0_usize..4), 0..4), quorum in 0_usize..10, urls in any::<bool>(),
    ) {
        // Free names are grouped from the front, so that each is a member once.
        let mut free: Vec<String> = "abcde".chars().map(String::from).collect();
        let mut names = free.clone();
        let mut rest = String::new();
        for (at, (size, threshold)) in groups.into_iter().enumerate() {
            let members: Vec<String> = free.drain(..size.min(free.len())).collect();
            let threshold = match threshold {
                0 => "any".into(),
                k if k <= members.len() => k.to_string(),
                _ => "all".into(),
            };
            if !members.is_empty() {
                rest += &format!("group g{at}  {threshold}\t{}\n", members.join(" "));
                names.push(format!("g{at}"));
                free.push(format!("g{at}"));
            }
        }
        rest += &format!("quorum {}\n", names.get(quorum).map_or("none", String::as_str));
        let mut text = policy_text(&rest);
        if urls {
            text = text.replacen('\n', " https://log.example/ \n", 1);
        }
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let encoded = policy.encode();
        let again = Policy::parse(&encoded).unwrap();
        prop_assert_eq!(again.encode(), encoded);
        prop_assert_eq!(again, policy);
    }

    #[test]
    fn damaged_policies_and_notes_do_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = policy_text("group g 2 a b c\nquorum g\n").into_bytes();
        let at_text = at.index(text.len());
        text[at_text] = byte;
        if let Ok(policy) = Policy::parse(&text) {
            prop_assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
        }
        let good = note_of(&[(1, 10), (2, 20)]);
        let mut damaged = good.clone().into_bytes();
        let at_note = at.index(damaged.len());
        damaged[at_note] = byte;
        if let Ok(damaged) = String::from_utf8(damaged) {
            let opened = witnessed(&policy("group g 2 a b c\nquorum g\n"), &damaged);
            prop_assert!(opened.is_err() || damaged == good);
        }
    }
}
