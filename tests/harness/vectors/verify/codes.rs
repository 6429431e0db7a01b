//! What a door reads from a QR code.

use super::super::Vector;
use super::super::world::{Plan, World};
use super::holders::{AUDIENCE, IN_PERSON, birth_date, holder, pass, shown_pass};
use super::{NOW, Scene};
use crate::reference::credential::{IssuerKey, twin};
use crate::reference::encoding::base64url;
use crate::reference::packed::{Packed, key_binding};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad());
    all
}

const NONCE: [u8; 16] = *b"for this door...";
const LIVE: u8 = 4;
const CHALLENGE: u8 = 8;

/// A pass is leaf 2 of the log, and the feed holds a landmark that covers it.
fn landmarked(change: impl FnOnce(&mut Plan)) -> World {
    pass(|plan| {
        plan.landmarks = held();
        change(plan);
    })
}

fn held() -> (u64, Vec<u64>) {
    (1, vec![0, 4])
}

/// A code with a key-binding token, made at a time and changed before it is written.
fn code(world: &World, bits: u8, issued: u64, key: &IssuerKey, change: impl FnOnce(&mut Packed)) -> Scene {
    let scene = shown_pass(world, &[&birth_date()]);
    let audience = if bits == LIVE { IN_PERSON } else { AUDIENCE };
    let token = key_binding(key.algorithm(), &scene.credential, issued, audience, &NONCE).sign(key);
    let signature = key.sign(token.rsplit_once('.').map(|(input, _)| input.as_bytes()).unwrap_or_default());
    let receipt = world.landmark_receipt(&held());
    let mut packed = Packed::of(&scene.credential).bound(bits, issued, &NONCE, &signature).logged(&receipt);
    change(&mut packed);
    let scene = scene.with(|scene| scene.packed = Some(packed.text()));
    if bits == LIVE { scene.live() } else { scene.challenge(&base64url(&NONCE)) }
}

fn live(change: impl FnOnce(&mut Packed)) -> Scene {
    code(&landmarked(|_| ()), LIVE, NOW, &holder(), change)
}

/// With the full receipt, where there is no landmark.
fn full() -> Scene {
    let world = pass(|_| ());
    let scene = shown_pass(&world, &[]);
    let packed = Packed::of(&scene.credential).proved(&world.receipt);
    scene.with(|scene| scene.packed = Some(packed.text()))
}

impl Scene {
    fn challenge(self, nonce: &str) -> Self {
        self.asked("nonce", nonce).asked("audience", AUDIENCE)
    }
}

fn good() -> Vec<Vector> {
    let world = landmarked(|_| ());
    let unasked = || code(&world, CHALLENGE, NOW, &holder(), |_| ()).with(|scene| scene.policy.clear());
    vec![
        live(|_| ()).vector("packed-live", "valid", "a live code, its receipt relative to a landmark"),
        code(&world, CHALLENGE, NOW, &holder(), |_| ()).vector(
            "packed-answer",
            "valid",
            "the answer to a challenge",
        ),
        unasked().vector("packed-answer-not-asked", "valid", "nobody asked, so it is no token"),
        full().vector("packed-full-receipt", "valid", "a receipt as text, before a landmark covers the leaf"),
        live(|packed| packed.token[2] = twin(&packed.token[2])).vector(
            "packed-high-s",
            "valid",
            "(r, n - s) of the holder's signature",
        ),
    ]
}

fn bad() -> Vec<Vector> {
    let (world, holder) = (landmarked(|_| ()), holder());
    let none = pass(|_| ());
    let answer = || code(&world, CHALLENGE, NOW, &holder, |_| ());
    vec![
        code(&world, LIVE, NOW - 61, &holder, |_| ()).vector(
            "packed-stale",
            "not valid holder.stale",
            "a picture of a code, 61 seconds later",
        ),
        code(&world, LIVE, NOW, &IssuerKey::p256(32), |_| ()).vector(
            "packed-other-key",
            "not valid holder.signature",
            "a key-binding token by another key",
        ),
        live(|packed| packed.token[0][0] ^= 1).vector(
            "packed-other-second",
            "not valid holder.signature",
            "iat a second off",
        ),
        live(|packed| packed.signature[63] ^= 1).vector(
            "packed-other-signature",
            "not valid signature.invalid",
            "a bit of the issuer's signature",
        ),
        live(|packed| packed.receipt[7][0] ^= 1).vector(
            "packed-other-hash",
            "not valid inclusion.mismatch",
            "a bit of the proof",
        ),
        code(&none, LIVE, NOW, &holder, |_| ()).vector(
            "packed-landmark-unknown",
            "cannot tell landmark.unknown",
            "the door holds no landmark",
        ),
        answer().with(|scene| scene.policy.clear()).live().vector(
            "packed-answer-for-live",
            "cannot tell holder.missing",
            "the answer to a challenge where a live code is asked",
        ),
        answer().with(|scene| scene.policy.clear()).challenge("b25lIGZvciB0aGlzIGRvb3I").vector(
            "packed-other-nonce",
            "not valid holder.nonce",
            "the answer to another challenge",
        ),
        live(|_| ()).with(|scene| scene.policy.clear()).challenge(&base64url(&NONCE)).vector(
            "packed-live-for-answer",
            "not valid holder.audience",
            "a live code where a challenge is asked",
        ),
        live(|packed| packed.form |= 64).vector(
            "packed-malformed",
            "cannot tell presentation.malformed",
            "a form of another version",
        ),
    ]
}
