//! Attacks on tokens and on what comes with them, row by row of the list in `specs/threat-model.md`: a file's name begins
//! with its row's. Everything but the attack is right: each token is signed by the issuer's key, logged and receipted.

use std::sync::OnceLock;

use super::Vector;
use super::world::{NOW, Plan, START, World, other_key};
use crate::reference::credential::{IssuerKey, compact};
use crate::reference::encoding::base64url;
use crate::reference::entry::{commitment, issue};
use crate::reference::json::object;

mod bundle;
mod claim;
mod form;
mod forms;
mod header;
mod note;
mod signature;
mod status;
mod text;
mod types;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = header::vectors();
    all.extend(signature::vectors());
    all.extend(form::vectors());
    all.extend(text::vectors());
    all.extend(claim::vectors());
    all.extend(bundle::vectors());
    all.extend(status::vectors());
    all.extend(note::vectors());
    all.extend(types::vectors());
    all.extend(forms::vectors());
    all
}

/// What a door is shown.
struct Attack {
    world: World,
    token: Vec<u8>,
    receipt: Vec<u8>,
    statuses: Vec<String>,
    now: u64,
    /// What the door asks of the holder, if anything.
    holder: Option<&'static str>,
}

impl Attack {
    /// A token of the default world, whatever it is: logged as signed by `key`, with a receipt that proves it.
    fn of(token: impl AsRef<[u8]>, key: &IssuerKey) -> Self {
        Self::within(default_world(), token, key)
    }

    fn within(world: &World, token: impl AsRef<[u8]>, key: &IssuerKey) -> Self {
        let token = token.as_ref().to_vec();
        let mut world = world.clone();
        let input = token.iter().rposition(|byte| *byte == b'.').map_or(&token[..], |dot| &token[..dot]);
        let entry = issue(&commitment(&[1; 32], input), &key.thumbprint(), &[2; 32], START);
        let index = world.log.push(entry);
        let receipt = world.log.receipt(index, world.log.size(), Some(&world.extra)).into_bytes();
        Self { world, token, receipt, statuses: Vec::new(), now: NOW, holder: None }
    }

    /// A credential of a world after a change of its plan; the receipt is the world's own.
    fn planned(change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = Plan::default();
        change(&mut plan);
        let world = plan.build();
        let (token, receipt) = (world.credential.clone().into_bytes(), world.receipt.clone().into_bytes());
        Self { world, token, receipt, statuses: Vec::new(), now: NOW, holder: None }
    }

    fn with_receipt(mut self, receipt: impl AsRef<[u8]>) -> Self {
        self.receipt = receipt.as_ref().to_vec();
        self
    }

    fn with_statuses(mut self, statuses: Vec<String>) -> Self {
        self.statuses = statuses;
        self
    }

    fn asking(mut self, holder: &'static str) -> Self {
        self.holder = Some(holder);
        self
    }

    /// `name` is that of the row, or begins with it and a hyphen.
    fn vector(self, name: &str, expect: &str, spec: &str, comment: &str) -> Vector {
        let vector = Vector::new("attack", name, expect, spec, comment);
        let vector = vector.line("now", NOW).text("trust", self.world.trust());
        let vector = if self.now == NOW { vector } else { vector.line("now", self.now) };
        let vector = match self.holder {
            Some(holder) => vector.line("holder", holder),
            None => vector,
        };
        let vector = match std::str::from_utf8(&self.token) {
            Ok(token) => vector.line("credential", token),
            Err(_not_utf8) => vector.hex("credential", &self.token),
        };
        let vector = vector.text("receipt", &self.receipt);
        self.statuses.iter().fold(vector, |vector, status| {
            if status.ends_with('\n') { vector.text("status", status) } else { vector.line("status", status) }
        })
    }
}

/// The world in which nothing is wrong.
fn default_world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| Plan::default().build())
}

/// The issuer's P-256 key.
fn es256() -> IssuerKey {
    IssuerKey::p256(11)
}

/// The issuer's Ed25519 key.
fn eddsa() -> IssuerKey {
    other_key()
}

/// The payload of the default world.
fn sound_payload() -> String {
    object(&Plan::default().payload)
}

/// A token with this header over the sound payload, signed by the issuer's P-256 key.
fn by_header(header: &str) -> Attack {
    Attack::of(compact(header, &sound_payload(), &es256()), &es256())
}

/// A token with the sound header over this payload, signed by the issuer's P-256 key.
fn by_payload(payload: &[u8]) -> Attack {
    let input = format!("{}.{}", base64url(Plan::default().header.as_bytes()), base64url(payload));
    Attack::of(format!("{input}.{}", base64url(&es256().sign(input.as_bytes()))), &es256())
}

/// The sound payload with one member more, in front of the others.
fn payload_with(member: &str) -> String {
    sound_payload().replacen('{', &format!("{{{member},"), 1)
}

/// The sound header with this text in place of another.
fn header_with(from: &str, to: &str) -> String {
    let header = Plan::default().header;
    assert!(header.contains(from), "{from} in {header}");
    header.replacen(from, to, 1)
}

const HEADER: &str = "credential.md#header";
const LIMITS: &str = "credential.md#limits";
const PAYLOAD: &str = "credential.md#payload";
const SIGNATURE: &str = "credential.md#signature";
const STATUS: &str = "credential.md#credentialstatus";
const RULES: &str = "verification.md#rules";
const MALFORMED: &str = "cannot tell credential.malformed";
const NONCONFORMING: &str = "not valid credential.nonconforming";
