//! Disclosures and the document that they lead to; nothing here is signed.

use super::Vector;
use crate::reference::encoding::base64url;
use crate::reference::json::{array, object, string};
use crate::reference::presentation::{digest, digests, hidden_item, item, member, salt};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(malformed());
    all.extend(misplaced());
    all.extend(unreferenced());
    all.extend(nonconforming());
    all.extend(sd_jwt_vc());
    all
}

/// A payload whose subject is this.
fn payload(subject: &str) -> String {
    object(&[("issuer", string("https://issuer.example")), ("credentialSubject", subject.into())])
}

fn vector(name: &str, expect: &str, comment: &str, payload: &str, disclosures: &[&str]) -> Vector {
    let vector = Vector::new("presentation", name, expect, "presentation.md#disclosures", comment);
    disclosures
        .iter()
        .fold(vector.line("payload", payload), |vector, disclosure| vector.line("disclosure", disclosure))
}

fn good() -> Vec<Vector> {
    let (name, born) = (
        member(1, "name", &string("\u{d64d}\u{ae38}\u{b3d9}")),
        member(2, "birthDate", &string("1990-03-01")),
    );
    let (one, two) = (item(3, "1"), item(4, &object(&[("date", string("2021-06-01")), digests(&[&born])])));
    let doses = member(5, "doses", &array(&[hidden_item(&one), "0".into(), hidden_item(&two)]));
    let subject = object(&[("scheme", string("x")), digests(&[&name, &doses])]);
    let open = payload(&subject).replacen('{', "{\"_sd_alg\":\"sha-256\",", 1);
    let shown = |comment_name: &str, comment: &str, disclosures: &[&str], subject: &str| {
        vector(comment_name, "ok", comment, &open, disclosures).line("claims", payload(subject))
    };
    vec![
        shown("nothing-disclosed", "what is hidden leaves no trace", &[], "{\"scheme\":\"x\"}"),
        shown(
            "a-member",
            "a disclosure becomes a member",
            &[&name],
            "{\"scheme\":\"x\",\"name\":\"\u{d64d}\u{ae38}\u{b3d9}\"}",
        ),
        shown(
            "an-item-of-a-member",
            "hidden items are dropped, others stay",
            &[&doses, &one],
            "{\"scheme\":\"x\",\"doses\":[1,0]}",
        ),
        shown(
            "everything",
            "a member in an item in a member, in any order",
            &[&born, &two, &name, &one, &doses],
            "{\"scheme\":\"x\",\"name\":\"\u{d64d}\u{ae38}\u{b3d9}\",\"doses\":[1,0,{\"date\":\"2021-06-01\",\"birthDate\":\"1990-03-01\"}]}",
        ),
        vector("nothing-hidden", "ok", "a document without digests", &payload("{\"a\":1}"), &[])
            .line("claims", payload("{\"a\":1}")),
        vector(
            "decoys",
            "ok",
            "digests that no disclosure has",
            &payload(&object(&[("_sd", array(&[string("x"), string("")]))])),
            &[],
        )
        .line("claims", payload("{}")),
        vector(
            "salt-shortest",
            "ok",
            "a salt of 16 characters",
            &payload(&object(&[digests(&[&salted(16)])])),
            &[&salted(16)],
        )
        .line("claims", payload("{\"a\":1}")),
        vector(
            "nested-deepest",
            "ok",
            "the document is 16 levels deep",
            &payload(&object(&[digests(&[&nested(14)])])),
            &[&nested(14)],
        )
        .line("claims", payload(&format!("{{\"a\":{}{}}}", "[".repeat(14), "]".repeat(14)))),
    ]
}

/// A disclosure of `a` with a salt of so many characters.
fn salted(characters: usize) -> String {
    base64url(array(&[string(&"s".repeat(characters)), string("a"), "1".into()]).as_bytes())
}

/// A disclosure of `a` with an array in arrays.
fn nested(levels: usize) -> String {
    member(1, "a", &format!("{}{}", "[".repeat(levels), "]".repeat(levels)))
}

fn malformed() -> Vec<Vector> {
    let raw = |json: &str| base64url(json.as_bytes());
    let salt = string(&salt(1));
    let case = |name: &str, comment: &str, text: &str| {
        let payload = payload(&object(&[digests(&[text])]));
        vector(name, "error disclosure.malformed", comment, &payload, &[text])
    };
    let sound = member(1, "a", "1");
    vec![
        case("padded", "base64url is unpadded", &format!("{}=", raw("[\"ssssssssssssssss\",\"a\",12]"))),
        case("other-alphabet", "base64url has - and _", "WyJzc3Nzc3Nzc3Nzc3Nzc3NzIiwiYSIsIj8/PyJd+"),
        case(
            "stray-bits",
            "the last character has no stray bits",
            &format!("{}B", raw("[\"ssssssssssssssss\",\"a\",1 ]")),
        ),
        case("not-json", "not JSON", &raw("[")),
        case("object", "not an array", &raw("{}")),
        case("one-part", "a salt alone", &raw(&array(std::slice::from_ref(&salt)))),
        case(
            "four-parts",
            "a part too many",
            &raw(&array(&[salt.clone(), string("a"), "1".into(), "2".into()])),
        ),
        case(
            "name-no-string",
            "a name that is no string",
            &raw(&array(&[salt.clone(), "1".into(), "2".into()])),
        ),
        case("salt-no-string", "a salt that is no string", &raw("[1,\"a\",2]")),
        case("salt-short", "a salt of 15 characters", &salted(15)),
        case("salt-long", "a salt of 129 characters", &salted(129)),
        case("duplicate-member", "a name twice in the value", &member(1, "a", "{\"b\":1,\"b\":2}")),
        case("fraction", "numbers are integers", &member(1, "a", "1.5")),
        case("nested-too-deep", "the document is 17 levels deep", &nested(15)),
        vector(
            "item-for-member",
            "error disclosure.malformed",
            "salt and value behind a digest in an object",
            &payload(&object(&[digests(&[&item(1, "1")])])),
            &[&item(1, "1")],
        ),
        vector(
            "member-for-item",
            "error disclosure.malformed",
            "salt, name and value behind a digest in an array",
            &payload(&object(&[("a", array(&[hidden_item(&sound)]))])),
            &[&sound],
        ),
    ]
}

fn misplaced() -> Vec<Vector> {
    let (a, b) = (member(1, "a", "1"), member(2, "a", "2"));
    let inner = member(3, "b", &object(&[digests(&[&a])]));
    let case = |name: &str, code: &str, comment: &str, subject: &str, disclosures: &[&str]| {
        vector(name, &format!("error disclosure.{code}"), comment, &payload(subject), disclosures)
    };
    let both = object(&[digests(&[&a, &b])]);
    vec![
        case(
            "disclosed-twice",
            "repeated",
            "the same disclosure twice",
            &object(&[digests(&[&a])]),
            &[&a, &a],
        ),
        case(
            "digest-twice",
            "repeated",
            "the same digest twice in one place",
            &object(&[digests(&[&a, &a])]),
            &[&a],
        ),
        case(
            "digest-twice-undisclosed",
            "repeated",
            "the same digest twice, of nothing",
            &object(&[("x", object(&[digests(&[&a])])), ("y", object(&[digests(&[&a])]))]),
            &[],
        ),
        case(
            "digest-twice-nested",
            "repeated",
            "once in the document and once in a disclosure",
            &object(&[("x", object(&[digests(&[&a])])), digests(&[&inner])]),
            &[&inner],
        ),
        case(
            "name-sd",
            "forbidden-name",
            "a member called _sd",
            &object(&[digests(&[&member(1, "_sd", "[]")])]),
            &[&member(1, "_sd", "[]")],
        ),
        case(
            "name-dots",
            "forbidden-name",
            "a member called ...",
            &object(&[digests(&[&member(1, "...", "1")])]),
            &[&member(1, "...", "1")],
        ),
        case(
            "overwrites-open",
            "overwrites",
            "a member that is there in the clear",
            &object(&[("a", "0".into()), digests(&[&a])]),
            &[&a],
        ),
        case("overwrites-disclosed", "overwrites", "two disclosures of one name", &both, &[&a, &b]),
    ]
}

fn unreferenced() -> Vec<Vector> {
    let (a, b) = (member(1, "a", "1"), member(2, "a", "2"));
    let inner = member(3, "b", &object(&[digests(&[&a])]));
    let case = |name: &str, comment: &str, subject: &str, disclosures: &[&str]| {
        vector(name, "error disclosure.unreferenced", comment, &payload(subject), disclosures)
    };
    vec![
        case("unreferenced", "no digest leads to it", &object(&[digests(&[&a])]), &[&a, &b]),
        case("unreferenced-parent", "what it is in is not disclosed", &object(&[digests(&[&inner])]), &[&a]),
        case(
            "unreferenced-string",
            "a digest that is not in _sd",
            &object(&[("_ds", array(&[digest(&a)]))]),
            &[&a],
        ),
    ]
}

fn nonconforming() -> Vec<Vector> {
    let a = member(1, "cnf", "{}");
    let case = |name: &str, comment: &str, payload: &str| {
        vector(name, "error credential.nonconforming", comment, payload, &[])
    };
    let top =
        |name: &str, value: &str| payload("{\"a\":1}").replacen('{', &format!("{{\"{name}\":{value},"), 1);
    let within = |subject: &str| payload(subject);
    vec![
        vector(
            "cnf-hidden",
            "error credential.nonconforming",
            "a disclosure that would supply cnf",
            &top("_sd", &array(&[digest(&a)])),
            &[&a],
        ),
        case("top-digests", "digests beside the subject", &top("_sd", "[]")),
        case(
            "status-hidden",
            "an entry of credentialStatus is hidden",
            &top("credentialStatus", "[{\"...\":\"x\"}]"),
        ),
        case("issuer-hidden", "members of the issuer are hidden", &top("issuer_", "{\"_sd\":[]}")),
        case("hash-other", "another hash", &top("_sd_alg", "\"sha-512\"")),
        case("hash-number", "a hash that is no string", &top("_sd_alg", "1")),
        case("digests-object", "_sd is an array", &within("{\"_sd\":{}}")),
        case("digests-numbers", "_sd is an array of strings", &within("{\"_sd\":[1]}")),
        case("dots-beside", "... beside another member", &within("{\"a\":[{\"...\":\"x\",\"b\":1}]}")),
        case("dots-number", "... is a string", &within("{\"a\":[{\"...\":1}]}")),
        case("dots-outside", "... outside an array", &within("{\"a\":{\"...\":\"x\"}}")),
    ]
}

/// The document of an SD-JWT VC: what is hidden stands beside what must be in the clear.
fn sd_jwt_vc() -> Vec<Vector> {
    let case = |name: &str, expect: &str, comment: &str, payload: &str, disclosures: &[&str]| {
        vector(&format!("sd-jwt-vc-{name}"), expect, comment, payload, disclosures).line("form", "dc+sd-jwt")
    };
    let (name, iss) = (member(1, "name", "\"A\""), member(2, "iss", "\"https://other.example\""));
    let inner = member(3, "place", &object(&[digests(&[&member(4, "street", "\"B\"")])]));
    let street = member(4, "street", "\"B\"");
    let open = |members: &[(&str, String)]| {
        object(&[&[("iss", string("https://issuer.example"))], members].concat())
    };
    vec![
        case("top", "ok", "a member beside iss", &open(&[digests(&[&name])]), &[&name])
            .line("claims", open(&[("name", string("A"))])),
        case("nested", "ok", "a member in a member", &open(&[digests(&[&inner])]), &[&street, &inner])
            .line("claims", open(&[("place", "{\"street\":\"B\"}".into())])),
        case(
            "nothing-disclosed",
            "ok",
            "what is hidden leaves no trace",
            &open(&[digests(&[&name, &inner])]),
            &[],
        )
        .line("claims", open(&[])),
        case(
            "iss-hidden",
            "error disclosure.forbidden-name",
            "the issuer is kept back",
            &object(&[digests(&[&iss])]),
            &[&iss],
        ),
        case(
            "iss-overwritten",
            "error disclosure.forbidden-name",
            "an issuer beside the one in the clear",
            &open(&[digests(&[&iss])]),
            &[&iss],
        ),
        case(
            "status-hidden-inside",
            "error credential.nonconforming",
            "a part of status is hidden",
            &open(&[("status", "{\"_sd\":[]}".into())]),
            &[],
        ),
        case(
            "dots-at-top",
            "error credential.nonconforming",
            "... outside an array",
            &open(&[("...", string("x"))]),
            &[],
        ),
    ]
}
