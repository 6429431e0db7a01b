//! The cross table of tokens (RFC 8725 section 3.11): three places where one is read, and in each a token that is right there
//! but for the type of another place. Named `typ-KIND-as-PLACE`.

use super::super::Vector;
use super::super::world::{NOW, Plan};
use super::{Attack, HEADER, NONCONFORMING, PAYLOAD, by_header, es256, header_with, status};
use crate::reference::credential::IssuerKey;
use crate::reference::json::{object, string};
use crate::reference::presentation::KeyBinding;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = credentials();
    all.extend(key_bindings());
    all.extend(status::types());
    all
}

/// The kinds of tokens by the `typ` that their headers say.
pub(super) const KINDS: [(&str, &str); 4] = [
    ("credential", "vc+jwt"),
    ("key-binding", "kb+jwt"),
    ("status-list", "statuslist+jwt"),
    ("key-proof", "openid4vci-proof+jwt"),
];

fn credentials() -> Vec<Vector> {
    let others = KINDS.iter().filter(|(kind, _typ)| *kind != "credential");
    let mut all: Vec<Vector> = others
        .map(|(kind, typ)| {
            by_header(&header_with("vc+jwt", typ)).vector(
                &format!("typ-{kind}-as-credential"),
                "not valid header.wrong-type",
                HEADER,
                "a sound credential but for its typ",
            )
        })
        .collect();
    let list = status::sound_list();
    all.push(Attack::of(list, &es256()).vector(
        "typ-w3c-status-list-as-credential",
        NONCONFORMING,
        PAYLOAD,
        "a status list of W3C has the typ of credentials: it says nothing of a slot",
    ));
    all
}

/// A live code by the holder's key that is right in all but its typ.
fn key_bindings() -> Vec<Vector> {
    let holder = IssuerKey::p256(31);
    KINDS
        .iter()
        .map(|(kind, typ)| {
            let mut attack =
                Attack::planned(|plan: &mut Plan| plan.set("cnf", object(&[("jwk", holder.jwk())])));
            let shown = format!("{}~", String::from_utf8(attack.token).expect("ASCII"));
            let mut token =
                KeyBinding::new("ES256", &shown, NOW, "urn:sillok:in-person", "d2FsbGV0J3Mgb3duIG9uZQ");
            token.header = vec![("alg", string("ES256")), ("typ", string(typ))];
            attack.token = format!("{shown}{}", token.sign(&holder)).into_bytes();
            let (expect, comment) = if *kind == "key-binding" {
                ("valid", "a live code")
            } else {
                ("not valid holder.header", "a live code but for its typ")
            };
            attack.asking("live").vector(
                &format!("typ-{kind}-as-key-binding"),
                expect,
                "presentation.md#key-binding",
                comment,
            )
        })
        .chain([credential_for_a_code()])
        .collect()
}

/// The holder has nothing but what the issuer signed.
fn credential_for_a_code() -> Vector {
    let mut attack = Attack::planned(|plan: &mut Plan| {
        // The issuer's own key, so that even the signature is right.
        plan.set("cnf", object(&[("jwk", es256().jwk())]));
    });
    let credential = String::from_utf8(attack.token).expect("ASCII");
    attack.token = format!("{credential}~{credential}").into_bytes();
    attack.asking("live").vector(
        "typ-issued-credential-as-key-binding",
        "cannot tell holder.malformed",
        "presentation.md#key-binding",
        "the credential a second time, where a code belongs: longer than any code",
    )
}
