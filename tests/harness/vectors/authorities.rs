//! Several authorities at one door: who decides about a credential, and which bundles may be held together.

use super::Vector;
use super::world::{DAY, ISSUER, Log, NOW, Plan, START, World, root_key};
use crate::reference::credential::{IssuerKey, compact, header};
use crate::reference::json::{object, string};
use crate::reference::note::{ED25519, NoteKey};

const OTHER: &str = "https://other.example";
const ORIGIN: &str = "other.example/annals";

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = chosen();
    all.extend(held());
    all.extend(steps());
    all
}

/// What a door holds, in the order of its coming: bundles of authorities, and steps after the one that came before.
struct Door {
    bundles: Vec<(&'static str, String)>,
    now: u64,
}

impl Door {
    /// Bundles of different authorities.
    fn of(worlds: &[&World]) -> Self {
        Self { bundles: worlds.iter().map(|world| ("trust", world.trust())).collect(), now: NOW }
    }

    /// The step after the bundle before, opened with its memory.
    fn then(mut self, world: &World) -> Self {
        self.bundles.push(("next", world.trust()));
        self
    }

    fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    fn vector(self, name: &str, expect: &str, comment: &str) -> Vector {
        let vector = Vector::new("authorities", name, expect, "verification.md#several-authorities", comment)
            .line("now", NOW);
        let vector = self.bundles.iter().fold(vector, |vector, (name, text)| vector.text(name, text));
        if self.now == NOW { vector } else { vector.line("now", self.now) }
    }

    /// `by` is the number of the bundle that decides, from 1; 0 is none.
    fn shown(
        self,
        (credential, receipt): (&str, &str),
        by: u8,
        name: &str,
        expect: &str,
        comment: &str,
    ) -> Vector {
        self.vector(name, expect, comment)
            .line("credential", credential)
            .text("receipt", receipt)
            .line("by", by)
    }
}

/// The authority of the other vectors.
fn first() -> World {
    Plan::default().build()
}

fn other_plan() -> Plan {
    let mut plan = Plan { key: IssuerKey::p256(17), ..Plan::default() };
    plan.header = header(&plan.key);
    plan.issuers = [OTHER.into(), "https://neighbour.other.example".into()];
    plan.list_issuer = OTHER.into();
    plan.set("issuer", string(OTHER));
    plan.set("iss", string(OTHER));
    plan.policy = Some(format!("log {}\nquorum none\n", other_log().vkey()));
    plan.root_keys = (vec![root_key(3)], 1);
    plan.root_signers = vec![root_key(3)];
    plan
}

fn other_log() -> NoteKey {
    NoteKey::new(ORIGIN, ED25519, 9)
}

/// Another authority with a log, an issuer and keys of its own.
fn other() -> World {
    other_plan().build_on(Log { key: other_log(), witnesses: Vec::new(), entries: Vec::new() })
}

fn show(world: &World) -> (&str, &str) {
    (&world.credential, &world.receipt)
}

fn chosen() -> Vec<Vector> {
    let (one, two) = (first(), other());
    let key = IssuerKey::p256(11);
    let mut claims = Plan::default();
    claims.set("issuer", string(OTHER));
    claims.set("iss", string(OTHER));
    let claimed = compact(&header(&key), &object(&claims.payload), &key);
    let both = || Door::of(&[&one, &two]);
    vec![
        both().shown(show(&one), 1, "first", "valid", "of the first authority's issuer"),
        both().shown(show(&two), 2, "second", "valid", "of the second authority's issuer"),
        Door::of(&[&two, &one]).shown(
            show(&one),
            2,
            "order",
            "valid",
            "the order of the bundles says nothing",
        ),
        Door::of(&[&two]).shown(
            show(&one),
            0,
            "unknown",
            "cannot tell issuer.unknown",
            "no bundle names the issuer",
        ),
        both().shown(
            ("e30.e30", &one.receipt),
            0,
            "malformed",
            "cannot tell credential.malformed",
            "nobody is claimed",
        ),
        both().shown(
            (&claimed, &one.receipt),
            2,
            "claims-other",
            "cannot tell issuer.key-unknown",
            "signed by a key of the first authority, and claims the second's issuer",
        ),
        both().shown(
            (&one.credential, &two.receipt),
            1,
            "log-of-other",
            "cannot tell log.unknown",
            "a log that only the other authority believes",
        ),
    ]
}

/// What may be held together.
fn held() -> Vec<Vector> {
    let (one, two) = (first(), other());
    let mut twice = other_plan();
    twice.issuers[1] = ISSUER.into();
    let twice = twice.build_on(Log { key: other_log(), witnesses: Vec::new(), entries: Vec::new() });
    vec![
        Door::of(&[&one, &two]).vector("different-issuers", "ok", "no issuer is named by both"),
        Door::of(&[&one, &twice]).vector("issuer-twice", "error", "both name https://issuer.example"),
        Door::of(&[&one, &one]).vector("same-root", "ok", "the bundle takes its own place"),
    ]
}

/// The step after the first authority's root, in force from `issued` on.
fn step(from: &World, sequence: u64, issued: u64, change: impl FnOnce(&mut Plan)) -> World {
    let mut plan = Plan {
        root_number: (sequence, 1),
        root_times: (issued, issued + 365 * DAY),
        feed_number: (sequence, 1),
        ..Plan::default()
    };
    change(&mut plan);
    from.renewed(&plan)
}

fn steps() -> Vec<Vector> {
    let one = first();
    let tomorrow = NOW + DAY / 2;
    let dropped = |plan: &mut Plan| {
        plan.issuers[0] = "https://successor.example".into();
    };
    let next = step(&one, 2, tomorrow, dropped);
    let same = step(&one, 2, START + DAY, |_| ());
    let third = step(&same, 3, START + DAY, |_| ());
    vec![
        Door::of(&[&one]).then(&next).shown(
            show(&one),
            1,
            "next-is-early",
            "valid",
            "the former root decides before",
        ),
        Door::of(&[&one]).then(&next).at(tomorrow).shown(
            show(&one),
            0,
            "next-has-dropped",
            "cannot tell issuer.unknown",
            "from the next root on, also about an issuer that it has dropped",
        ),
        Door::of(&[&one]).then(&same).shown(
            show(&same),
            2,
            "next-decides",
            "valid",
            "the next root is in force",
        ),
        Door::of(&[&one]).then(&same).then(&third).shown(
            show(&third),
            2,
            "third",
            "valid",
            "the third puts the first out, and is the second that is held",
        ),
        Door::of(&[&one, &same]).vector(
            "next-without-memory",
            "error",
            "a step that was not opened with the memory of the one before is no step",
        ),
    ]
}
