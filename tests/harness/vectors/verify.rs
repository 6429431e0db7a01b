//! Whole scenarios: a credential with what comes with it, and the verdict.

use super::Vector;
use super::world::{DAY, ISSUER, NOW, ORIGIN, Plan, START, World, list_uri, witness};
use crate::reference::credential::{IssuerKey, compact, header, status_entries};
use crate::reference::json::{object, string};

mod codes;
mod forms;
mod holders;
mod landmarks;
mod logs;
mod places;
mod population;
mod receipts;
mod statuses;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bundles());
    all.extend(tokens());
    all.extend(issuers());
    all.extend(documents());
    all.extend(clocks());
    all.extend(floors());
    all.extend(forms::vectors());
    all.extend(holders::vectors());
    all.extend(codes::vectors());
    all.extend(places::vectors());
    all.extend(receipts::vectors());
    all.extend(landmarks::vectors());
    all.extend(logs::vectors());
    all.extend(statuses::vectors());
    all.extend(population::vectors());
    all
}

/// What a door holds and is shown.
#[derive(Clone)]
struct Scene {
    /// Bundles, opened in a row.
    trust: Vec<String>,
    credential: String,
    receipt: Option<Vec<u8>>,
    /// The text of a code, in place of both.
    packed: Option<String>,
    statuses: Vec<String>,
    population: Option<Vec<u8>>,
    now: u64,
    /// What the door asks of the holder, and what it was shown before.
    policy: Vec<(&'static str, String)>,
}

impl Scene {
    /// Everything of a world.
    fn of(world: &World) -> Self {
        Self {
            trust: vec![world.trust()],
            credential: world.credential.clone(),
            receipt: Some(world.receipt.clone().into_bytes()),
            packed: None,
            statuses: Vec::new(),
            population: None,
            now: NOW,
            policy: Vec::new(),
        }
    }

    /// The default world after a change of the plan.
    fn planned(change: impl FnOnce(&mut Plan)) -> Self {
        Self::of(&world(change))
    }

    fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn vector(self, name: &str, expect: &str, comment: &str) -> Vector {
        let anchor = if expect.starts_with("valid") { "valid" } else { "rules" };
        let vector = Vector::new("verify", name, expect, &format!("verification.md#{anchor}"), comment)
            .line("now", NOW);
        let vector = self.trust.iter().fold(vector, |vector, trust| vector.text("trust", trust));
        let vector = self.population.iter().fold(vector, |vector, file| vector.hex("population", file));
        let vector = if self.now == NOW { vector } else { vector.line("now", self.now) };
        let vector = self.policy.iter().fold(vector, |vector, (name, value)| vector.line(name, value));
        let vector = match self.packed {
            Some(code) => vector.line("packed", code),
            None => {
                let vector = vector.line("credential", self.credential);
                self.receipt.iter().fold(vector, |vector, receipt| vector.text("receipt", receipt))
            }
        };
        self.statuses.iter().fold(vector, |vector, status| {
            if status.ends_with('\n') { vector.text("status", status) } else { vector.line("status", status) }
        })
    }
}

fn world(change: impl FnOnce(&mut Plan)) -> World {
    let mut plan = Plan::default();
    change(&mut plan);
    plan.build()
}

fn good() -> Vec<Vector> {
    let retired = |plan: &mut Plan| plan.key_state = ("retired", vec![(ORIGIN.into(), 3)]);
    let compromised = |plan: &mut Plan| plan.key_state = ("compromised", vec![(ORIGIN.into(), 3)]);
    vec![
        Scene::planned(|_| ()).vector("valid", "valid", "every rule passes"),
        Scene::planned(|plan| {
            plan.key = IssuerKey::ed25519(16);
            plan.header = header(&plan.key);
        })
        .vector("valid-eddsa", "valid", "by an Ed25519 key"),
        Scene::planned(|plan| {
            plan.witnesses = vec![(witness(1), NOW - 7_200), (witness(2), NOW - 3_600)];
            plan.quorum = "group g all w1 w2\nquorum g\n".into();
        })
        .vector("valid-witnessed", "valid", "under a quorum of two witnesses"),
        Scene::planned(retired).vector(
            "valid-before-retirement",
            "valid",
            "index 2 is below the cut 3 of a retired key",
        ),
        Scene::planned(compromised).vector(
            "valid-before-compromise",
            "valid",
            "index 2 is below the cut 3 of a compromised key",
        ),
    ]
}

fn bundles() -> Vec<Vector> {
    let short = |plan: &mut Plan| plan.root_times.1 = NOW;
    vec![
        Scene::planned(short).vector("root-last-second", "valid", "now is the root's not-after"),
        Scene::planned(short).at(NOW + 1).vector(
            "root-expired",
            "cannot tell trust.root-expired",
            "a second past the root's not-after",
        ),
        Scene::planned(|_| ()).at(START - 2 * DAY).vector(
            "root-from-the-future",
            "cannot tell trust.not-yet-valid",
            "the clock went back two days before the root was issued",
        ),
    ]
}

/// A token that is not the world's own.
fn token(name: &str, expect: &str, comment: &str, make: impl FnOnce(&Plan) -> String) -> Vector {
    Scene::planned(|_| ())
        .with(|scene| scene.credential = make(&Plan::default()))
        .vector(name, expect, comment)
}

fn tokens() -> Vec<Vector> {
    let by_header = |from: &'static str, to: &'static str| {
        move |plan: &Plan| compact(&plan.header.replace(from, to), &object(&plan.payload), &plan.key)
    };
    vec![
        token("too-large", "cannot tell credential.too-large", "more than 16,384 bytes", |plan| {
            let mut plan = plan.clone();
            plan.set("x", string(&"A".repeat(12_000)));
            plan.credential()
        }),
        token("malformed", "cannot tell credential.malformed", "two parts", |plan| {
            plan.credential().rsplit_once('.').map(|(input, _)| input.to_owned()).unwrap_or_default()
        }),
        token(
            "forbidden-member",
            "not valid header.forbidden-member",
            "a compressed payload",
            by_header("{", "{\"zip\":\"DEF\","),
        ),
        token(
            "wrong-type",
            "not valid header.wrong-type",
            "a token of another kind",
            by_header("vc+jwt", "JWT"),
        ),
        token("algorithm", "not valid header.algorithm", "no signature", by_header("ES256", "none")),
        token("key-id", "not valid header.key-id", "a key id that is no thumbprint", |plan| {
            compact(&plan.header.replace(&plan.key.kid(), "1"), &object(&plan.payload), &plan.key)
        }),
    ]
}

fn issuers() -> Vec<Vector> {
    let stranger = IssuerKey::p256(17);
    let (own, neighbour) = (IssuerKey::p256(11), IssuerKey::p256(13));
    vec![
        token(
            "issuer-unknown",
            "cannot tell issuer.unknown",
            "an issuer that the bundle does not name",
            |plan| {
                let mut plan = plan.clone();
                plan.set("issuer", string("https://stranger.example"));
                plan.set("iss", string("https://stranger.example"));
                plan.credential()
            },
        ),
        token(
            "key-unknown",
            "cannot tell issuer.key-unknown",
            "a key that the bundle does not name",
            |plan| compact(&header(&stranger), &object(&plan.payload), &stranger),
        ),
        token(
            "key-of-other-issuer",
            "cannot tell issuer.key-unknown",
            "a key that the bundle names for another issuer",
            |plan| compact(&header(&neighbour), &object(&plan.payload), &neighbour),
        ),
        token("key-confusion", "not valid signature.algorithm", "EdDSA by a key that signs ES256", |plan| {
            compact(&plan.header.replace("ES256", "EdDSA"), &object(&plan.payload), &own)
        }),
        token(
            "signature",
            "not valid signature.invalid",
            "the payload changed under its signature",
            |plan| {
                let signature = plan
                    .credential()
                    .rsplit_once('.')
                    .map(|(_, signature)| signature.to_owned())
                    .unwrap_or_default();
                let payload = object(&plan.payload).replace("1990", "1991");
                format!("{}.{signature}", crate::reference::credential::signing_input(&plan.header, &payload))
            },
        ),
        token(
            "signature-before-payload",
            "not valid signature.invalid",
            "a forgery that breaks the form too",
            |plan| {
                let mut plan = plan.clone();
                plan.set("vc", "{}".into());
                compact(&plan.header, &object(&plan.payload), &stranger)
            },
        ),
    ]
}

fn documents() -> Vec<Vector> {
    let with = |name: &str, expect: &str, comment: &str, member: &'static str, value: &str| {
        Scene::planned(|plan| plan.set(member, value.into())).vector(name, expect, comment)
    };
    vec![
        with(
            "nonconforming",
            "not valid credential.nonconforming",
            "signed and logged, but with the claim of VC 1.1",
            "vc",
            "{}",
        ),
        with(
            "issuer-mismatch",
            "not valid credential.issuer-mismatch",
            "iss is another issuer",
            "iss",
            "\"https://other.example\"",
        ),
        with(
            "not-yet",
            "not valid validity.not-yet",
            "valid from tomorrow",
            "validFrom",
            "\"2026-01-04T00:00:00Z\"",
        ),
        with(
            "expired",
            "not valid validity.expired",
            "valid until yesterday",
            "validUntil",
            "\"2026-01-02T00:00:00Z\"",
        ),
    ]
}

/// Witnesses, or the authority, have stated that it is later than the clock says; and what a clock that is ahead does.
fn clocks() -> Vec<Vector> {
    let fed = START + DAY;
    let behind = "cannot tell clock.behind";
    vec![
        Scene::planned(witnessed(NOW)).at(NOW - 600).vector(
            "clock-behind-ten-minutes",
            "valid",
            "ten minutes behind a quorum of witnesses: a clock that runs slow",
        ),
        Scene::planned(witnessed(NOW)).at(NOW - 601).vector(
            "clock-behind",
            behind,
            "a second more than ten minutes behind a quorum of witnesses",
        ),
        Scene::planned(witnessed(NOW)).at(0).vector(
            "clock-reset",
            behind,
            "the clock begins at zero: it does not stand still at what witnesses stated last",
        ),
        Scene::planned(|_| ()).at(fed - 600).vector(
            "clock-ten-minutes-before-feed",
            "valid",
            "no witness was asked; ten minutes before the feed was made",
        ),
        Scene::planned(|_| ()).at(fed - 601).vector(
            "clock-before-feed",
            behind,
            "no witness was asked, but the feed was made later than the clock says",
        ),
        Scene::planned(|plan| {
            witnessed(NOW)(plan);
            plan.key_state = ("compromised", Vec::new());
        })
        .at(NOW - 601)
        .vector(
            "clock-behind-decides-first",
            behind,
            "nothing is said of the evidence before the clock is set",
        ),
    ]
}

/// What the time floor does to a credential's period, and what raises it.
fn floors() -> Vec<Vector> {
    let behind = "cannot tell clock.behind";
    vec![
        later_receipt(NOW + 600, "clock-receipt-ten-minutes-later", "valid"),
        later_receipt(NOW + 601, "clock-receipt-later", behind),
        Scene::planned(|plan| {
            witnessed(NOW)(plan);
            plan.set("validUntil", string("2026-01-02T23:55:00Z"));
        })
        .at(NOW - 600)
        .vector(
            "expired-by-time-floor",
            "not valid validity.expired",
            "not by the clock, but a quorum of witnesses knows that it is later",
        ),
        Scene::planned(|plan| {
            witnessed(NOW)(plan);
            plan.set("validFrom", string("2026-01-02T23:55:00Z"));
        })
        .at(NOW - 600)
        .vector(
            "begun-by-time-floor",
            "valid",
            "not by the clock, but a quorum of witnesses knows that it is later",
        ),
        Scene::planned(witnessed(1 << 62)).at(START + 8 * DAY - 600).vector(
            "witness-clock-ahead",
            "valid",
            "a quorum's time raises the floor at most to the feed's not-after",
        ),
        Scene::planned(witnessed(1 << 62)).vector(
            "witness-clock-far-ahead",
            behind,
            "until then nothing is decided: somebody's clock is wrong",
        ),
        Scene::planned(|_| ()).at(START + 8 * DAY + 1).vector(
            "clock-ahead",
            "cannot tell trust.feed-expired",
            "a clock that is ahead is like a day without news",
        ),
    ]
}

/// A quorum of one witness, which cosigns at this time.
fn witnessed(time: u64) -> impl Fn(&mut Plan) {
    move |plan: &mut Plan| {
        plan.witnesses = vec![(witness(1), time)];
        plan.quorum = "quorum w1\n".into();
    }
}

/// The bundle was cosigned at `NOW`, and the receipt that is shown with it at `stated`.
fn later_receipt(stated: u64, name: &str, expect: &str) -> Vector {
    let mut world = world(|plan| witnessed(NOW)(plan));
    let scene = Scene::of(&world);
    world.log.witnesses[0].1 = stated;
    let receipt = world.log.receipt(world.index, world.log.size(), Some(&world.extra));
    scene.with(|scene| scene.receipt = Some(receipt.into_bytes())).vector(
        name,
        expect,
        "what the receipt's quorum states of the time is compared too",
    )
}

/// `credentialStatus` at this slot of the world's list.
fn at_slot(slot: &str) -> String {
    status_entries(&list_uri(), slot)
}

/// The issuer's URL with another path, for lists of others.
fn elsewhere() -> String {
    format!("{ISSUER}/status/{}", "0b".repeat(16))
}
