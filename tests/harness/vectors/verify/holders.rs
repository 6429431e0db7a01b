//! Presentations at a door: what is disclosed, and whose key it is.

use super::super::Vector;
use super::super::world::{ISSUER, Plan, World};
use super::{NOW, Scene, world};
use crate::reference::credential::{IssuerKey, compact, header, twin};
use crate::reference::encoding::base64url;
use crate::reference::json::{object, string};
use crate::reference::presentation::{KeyBinding, digests, member, shown};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = forms();
    all.extend(disclosures());
    all.extend(good());
    all.extend(missing());
    all.extend(tokens());
    all.extend(signatures());
    all.extend(claims());
    all.extend(times());
    all.extend(replays());
    all
}

/// The holder's key.
pub(super) fn holder() -> IssuerKey {
    IssuerKey::p256(31)
}

const NONCE: &str = "Zm9yIHRoaXMgZG9vcg";
pub(super) const AUDIENCE: &str = "https://door.example";
pub(super) const IN_PERSON: &str = "urn:sillok:in-person";

fn name() -> String {
    member(1, "name", &string("\u{d64d}\u{ae38}\u{b3d9}"))
}

pub(super) fn birth_date() -> String {
    member(2, "birthDate", &string("1990-03-01"))
}

/// A pass of which name and birth date are hidden, bound to the holder.
pub(super) fn pass(change: impl FnOnce(&mut Plan)) -> World {
    world(|plan| {
        plan.header = header(&plan.key).replace("vc+jwt", "vc+sd-jwt");
        plan.set("type", "[\"VerifiableCredential\",\"PassCredential\"]".into());
        plan.set(
            "credentialSubject",
            object(&[("scheme", string("kr.facility")), digests(&[&name(), &birth_date()])]),
        );
        plan.set("cnf", object(&[("jwk", holder().jwk())]));
        change(plan);
    })
}

/// What is shown of a pass, without a key-binding token.
fn bare(disclosures: &[&str]) -> Scene {
    shown_pass(&pass(|_| ()), disclosures)
}

/// What is shown of the pass of a world.
pub(super) fn shown_pass(world: &World, disclosures: &[&str]) -> Scene {
    let mut scene = Scene::of(world);
    scene.credential = shown(&world.credential, disclosures);
    scene
}

impl Scene {
    pub(super) fn asked(mut self, name: &'static str, value: &str) -> Self {
        self.policy.push((name, value.into()));
        self
    }

    pub(super) fn live(self) -> Self {
        self.asked("holder", "live")
    }

    fn challenged(self) -> Self {
        self.asked("nonce", NONCE).asked("audience", AUDIENCE)
    }

    fn bound(mut self, token: &str) -> Self {
        self.credential.push_str(token);
        self
    }
}

/// A live code, changed before it is signed.
fn live(change: impl FnOnce(KeyBinding) -> KeyBinding) -> Scene {
    let scene = bare(&[&name()]).live();
    let token = KeyBinding::new("ES256", &scene.credential, NOW, IN_PERSON, "d2FsbGV0J3Mgb3duIG9uZQ");
    let token = change(token).sign(&holder());
    scene.bound(&token)
}

/// The answer to the challenge, changed before it is signed.
fn answer(change: impl FnOnce(KeyBinding) -> KeyBinding) -> Scene {
    let scene = bare(&[&name()]).challenged();
    let token = KeyBinding::new("ES256", &scene.credential, NOW, AUDIENCE, NONCE);
    let token = change(token).sign(&holder());
    scene.bound(&token)
}

fn forms() -> Vec<Vector> {
    let plain = || Scene::planned(|_| ());
    let with = |change: fn(&mut String)| plain().with(|scene| change(&mut scene.credential));
    let malformed = "cannot tell presentation.malformed";
    vec![
        with(|text| text.push('~')).vector(
            "presentation-plain",
            "valid",
            "a credential without anything hidden",
        ),
        bare(&[]).vector("presentation-nothing-disclosed", "valid", "a pass, and nothing about the person"),
        bare(&[&birth_date(), &name()]).vector("presentation-all-disclosed", "valid", "in any order"),
        with(|text| text.push_str("~~")).vector(
            "presentation-empty-disclosure",
            malformed,
            "an empty disclosure",
        ),
        with(|text| text.push_str("~WyJh")).vector(
            "presentation-no-end",
            malformed,
            "no ~ behind a disclosure",
        ),
        with(|text| text.push_str("~a.b")).vector(
            "presentation-two-parts",
            malformed,
            "a token of two parts at the end",
        ),
        with(|text| text.push_str(&format!("~{}", "a~".repeat(257)))).vector(
            "presentation-disclosures",
            "cannot tell presentation.too-large",
            "257 disclosures",
        ),
        with(|text| text.push_str(&format!("~{}~", "a".repeat(32_768)))).vector(
            "presentation-too-large",
            "cannot tell presentation.too-large",
            "more than 32,768 bytes",
        ),
        Scene::of(&pass(|_| ())).vector(
            "presentation-without-form",
            "not valid header.wrong-type",
            "a vc+sd-jwt without ~",
        ),
    ]
}

fn disclosures() -> Vec<Vector> {
    let twice = |plan: &mut Plan| {
        plan.set("credentialSubject", object(&[digests(&[&name(), &name()])]));
    };
    let of = |world: &World, disclosures: &[&str]| {
        Scene::of(world).with(|scene| scene.credential = shown(&world.credential, disclosures))
    };
    let subject = |disclosure: &str| {
        let value = object(&[("scheme", string("x")), digests(&[disclosure])]);
        pass(move |plan| plan.set("credentialSubject", value))
    };
    let reserved = member(3, "_sd", "[]");
    let scheme = member(3, "scheme", "1");
    let id = member(3, "id", &string("no url"));
    vec![
        bare(&["e30"]).vector("disclosure-malformed", "cannot tell disclosure.malformed", "an object"),
        of(&pass(twice), &[]).vector(
            "disclosure-digest-twice",
            "not valid disclosure.repeated",
            "a digest twice",
        ),
        bare(&[&name(), &name()]).vector(
            "disclosure-twice",
            "not valid disclosure.repeated",
            "a disclosure twice",
        ),
        of(&subject(&reserved), &[&reserved]).vector(
            "disclosure-forbidden-name",
            "not valid disclosure.forbidden-name",
            "a member called _sd",
        ),
        of(&subject(&scheme), &[&scheme]).vector(
            "disclosure-overwrites",
            "not valid disclosure.overwrites",
            "a member that is there in the clear",
        ),
        bare(&[&member(9, "name", &string("x"))]).vector(
            "disclosure-unreferenced",
            "not valid disclosure.unreferenced",
            "a name that the issuer did not sign",
        ),
        Scene::planned(|_| ()).with(|scene| scene.credential.push_str(&format!("~{}~", name()))).vector(
            "disclosure-of-plain",
            "not valid disclosure.unreferenced",
            "a credential of which nothing is hidden",
        ),
        of(&subject(&id), &[&id]).vector(
            "disclosure-subject-id",
            "not valid credential.nonconforming",
            "an id of the subject that is no URL",
        ),
        of(&pass(|plan| plan.set("_sd", "[]".into())), &[]).vector(
            "disclosure-beside-subject",
            "not valid credential.nonconforming",
            "only what is in the subject may be hidden",
        ),
    ]
}

fn good() -> Vec<Vector> {
    let eddsa = IssuerKey::ed25519(32);
    let scene = {
        let world = pass(|plan| plan.set("cnf", object(&[("jwk", eddsa.jwk())])));
        let mut scene = Scene::of(&world).live();
        scene.credential = shown(&world.credential, &[]);
        scene
    };
    let token = KeyBinding::new("EdDSA", &scene.credential, NOW, IN_PERSON, NONCE).sign(&eddsa);
    let plain = {
        let world = world(|plan| plan.set("cnf", object(&[("jwk", holder().jwk())])));
        let mut scene = Scene::of(&world).live();
        scene.credential = shown(&world.credential, &[]);
        scene
    };
    let plain_token = KeyBinding::new("ES256", &plain.credential, NOW, IN_PERSON, NONCE).sign(&holder());
    vec![
        live(|token| token).vector("holder-live", "valid", "a live code"),
        answer(|token| token).vector("holder-challenge", "valid", "the answer to the challenge"),
        scene.bound(&token).vector("holder-live-eddsa", "valid", "by an Ed25519 key"),
        plain.bound(&plain_token).vector(
            "holder-live-plain",
            "valid",
            "of a credential without anything hidden",
        ),
        live(|token| token.claim("x", "1".into())).vector(
            "holder-other-claim",
            "valid",
            "other claims are ignored",
        ),
        bare(&[]).bound("e30.e30.e30").vector(
            "holder-not-asked",
            "valid",
            "a token that nobody asks for is not looked at",
        ),
    ]
}

fn missing() -> Vec<Vector> {
    let unbound = |scene: Scene| {
        let world = pass(|plan| plan.payload.retain(|(name, _)| *name != "cnf"));
        scene.with(|scene| {
            scene.credential = shown(&world.credential, &[]);
            scene.trust = vec![world.trust()];
            scene.receipt = Some(world.receipt.into_bytes());
        })
    };
    vec![
        bare(&[]).live().vector("holder-missing", "cannot tell holder.missing", "a live code is asked for"),
        bare(&[]).challenged().vector(
            "holder-missing-answer",
            "cannot tell holder.missing",
            "an answer is asked for",
        ),
        Scene::of(&world(|plan| plan.set("cnf", object(&[("jwk", holder().jwk())])))).live().vector(
            "holder-missing-alone",
            "cannot tell holder.missing",
            "the credential alone",
        ),
        unbound(live(|token| token)).vector("holder-unbound", "cannot tell holder.unbound", "no cnf"),
        bare(&[]).live().bound("e30.e30.AA").vector(
            "holder-malformed",
            "cannot tell holder.malformed",
            "no claims",
        ),
        bare(&[]).live().bound(&format!("e30.e30.{}", "A".repeat(2_048))).vector(
            "holder-too-large",
            "cannot tell holder.malformed",
            "more than 2,048 bytes",
        ),
    ]
}

fn tokens() -> Vec<Vector> {
    let header_of = |name: &str, comment: &str, header: Vec<(&'static str, String)>| {
        live(|token| KeyBinding { header, ..token }).vector(name, "not valid holder.header", comment)
    };
    let alg = || ("alg", string("ES256"));
    let typ = || ("typ", string("kb+jwt"));
    vec![
        header_of("holder-typ", "typ of a credential", vec![alg(), ("typ", string("vc+jwt"))]),
        header_of("holder-typ-missing", "no typ", vec![alg()]),
        header_of(
            "holder-typ-presentation",
            "typ of a W3C presentation",
            vec![alg(), ("typ", string("vp+jwt"))],
        ),
        header_of(
            "holder-typ-key-proof",
            "typ of a key proof",
            vec![alg(), ("typ", string("openid4vci-proof+jwt"))],
        ),
        header_of(
            "holder-kid",
            "the key is the one in cnf",
            vec![alg(), typ(), ("kid", string(&holder().kid()))],
        ),
        header_of(
            "holder-jwk",
            "a key in the evidence",
            vec![alg(), typ(), ("jwk", IssuerKey::p256(33).jwk())],
        ),
        header_of(
            "holder-crit",
            "an extension that must be understood",
            vec![alg(), typ(), ("crit", "[\"x\"]".into())],
        ),
        header_of("holder-alg-none", "no signature", vec![("alg", string("none")), typ()]),
        header_of("holder-alg-hs256", "a symmetric algorithm", vec![("alg", string("HS256")), typ()]),
        live(|token| KeyBinding { header: vec![("alg", string("EdDSA")), typ()], ..token }).vector(
            "holder-key-confusion",
            "not valid holder.signature",
            "EdDSA by a key that signs ES256",
        ),
    ]
}

fn signatures() -> Vec<Vector> {
    let resigned = |make: fn(&KeyBinding) -> String, name: &str, expect: &str, comment: &str| {
        let scene = bare(&[]).live();
        let token = KeyBinding::new("ES256", &scene.credential, NOW, IN_PERSON, NONCE);
        let token = make(&token);
        scene.bound(&token).vector(name, expect, comment)
    };
    vec![
        resigned(
            |token| token.sign(&IssuerKey::p256(33)),
            "holder-other-key",
            "not valid holder.signature",
            "the code of somebody else",
        ),
        resigned(
            |token| token.sign(&IssuerKey::p256(11)),
            "holder-issuer-key",
            "not valid holder.signature",
            "a code by the issuer",
        ),
        resigned(
            |token| {
                let signed = token.sign(&holder());
                let input = signed.rsplit_once('.').map(|(input, _)| input.to_owned()).expect("three parts");
                format!("{input}.{}", base64url(&twin(&holder().sign(input.as_bytes()))))
            },
            "holder-high-s",
            "valid",
            "(r, n - s) is the same code",
        ),
        resigned(
            |_token| {
                let plan = Plan::default();
                compact(&plan.header, &object(&plan.payload), &holder())
            },
            "holder-credential",
            "cannot tell holder.malformed",
            "a credential in the place of the code",
        ),
    ]
}

fn claims() -> Vec<Vector> {
    let malformed = |name: &str, comment: &str, claim: &'static str, value: &str| {
        live(|token| token.claim(claim, value.into())).vector(name, "cannot tell holder.malformed", comment)
    };
    // The same code over other disclosures.
    let moved = live(|token| token);
    let moved = moved.with(|scene| {
        let token = scene.credential.rsplit('~').next().map(str::to_owned).unwrap_or_default();
        scene.credential = bare(&[&birth_date()]).bound(&token).credential;
    });
    vec![
        malformed("holder-iat-text", "iat is a number", "iat", "\"1767398400\""),
        malformed("holder-iat-fraction", "iat is a whole number", "iat", "1767398400.5"),
        malformed("holder-iat-large", "after the year 9999", "iat", "253402300800"),
        malformed("holder-aud-array", "aud is one string", "aud", &format!("[\"{IN_PERSON}\"]")),
        malformed("holder-nonce-short", "15 characters", "nonce", "\"aaaaaaaaaaaaaaa\""),
        malformed("holder-nonce-long", "257 characters", "nonce", &format!("\"{}\"", "a".repeat(257))),
        malformed("holder-nonce-space", "a space", "nonce", "\"aaaaaaaa aaaaaaaa\""),
        malformed("holder-hash-short", "sd_hash is 32 bytes", "sd_hash", "\"AA\""),
        malformed("holder-exp-text", "exp is a number", "exp", "\"never\""),
        moved.vector(
            "holder-other-presentation",
            "not valid holder.other-presentation",
            "the code is of other disclosures",
        ),
        live(|token| token.claim("aud", string(AUDIENCE))).vector(
            "holder-audience-live",
            "not valid holder.audience",
            "the answer to a door's challenge where a live code is asked for",
        ),
        answer(|token| token.claim("aud", string(IN_PERSON))).vector(
            "holder-audience",
            "not valid holder.audience",
            "a live code where an answer is asked for",
        ),
        answer(|token| token.claim("aud", string(ISSUER))).vector(
            "holder-audience-other",
            "not valid holder.audience",
            "the answer to another door",
        ),
        answer(|token| token.claim("nonce", string("b3RoZXIgY2hhbGxlbmdl"))).vector(
            "holder-nonce",
            "not valid holder.nonce",
            "the answer to another challenge",
        ),
    ]
}

fn times() -> Vec<Vector> {
    let made = |at: u64| live(move |token| token.claim("iat", at.to_string()));
    let claim = |name: &'static str, at: u64| live(move |token| token.claim(name, at.to_string()));
    vec![
        made(NOW - 60).vector("holder-oldest", "valid", "a minute old"),
        made(NOW - 61).vector("holder-stale", "not valid holder.stale", "a picture of a code"),
        made(NOW - 86_400).vector("holder-stale-stored", "not valid holder.stale", "stored a day ago"),
        made(NOW + 60).vector("holder-newest", "valid", "a clock that is a minute ahead"),
        made(NOW + 61).vector("holder-future", "cannot tell holder.future", "a clock that is further ahead"),
        answer(|token| token.claim("iat", (NOW - 61).to_string())).vector(
            "holder-stale-answer",
            "not valid holder.stale",
            "an answer that took too long",
        ),
        claim("exp", NOW).vector("holder-exp", "not valid holder.stale", "exp is now"),
        claim("exp", NOW + 1).vector("holder-exp-next", "valid", "exp is in a second"),
        claim("nbf", NOW + 61).vector("holder-nbf", "cannot tell holder.future", "nbf is further ahead"),
    ]
}

fn replays() -> Vec<Vector> {
    let again = |scene: Scene, at: u64| scene.asked("shown", &at.to_string());
    vec![
        again(live(|token| token), NOW - 20).vector(
            "holder-replayed",
            "not valid holder.replayed",
            "the same code, twenty seconds later",
        ),
        again(answer(|token| token), NOW - 20).vector(
            "holder-replayed-answer",
            "not valid holder.replayed",
            "the same answer, twenty seconds later",
        ),
        again(bare(&[]), NOW - 20).vector(
            "holder-again-not-asked",
            "valid",
            "without a code nothing is kept",
        ),
        live(|token| token).asked("shown-limit", "0").vector(
            "holder-crowded",
            "cannot tell holder.crowded",
            "no room to remember it",
        ),
    ]
}
