//! Containers, roots and feeds that do not parse.

use super::super::Vector;
use super::super::rules::{rule_set, with};
use super::super::world::{Plan, World, feed_key, root_key, signed};
use super::{built, damaged, relogged, scripted, world};
use crate::reference::credential::IssuerKey;
use crate::reference::encoding::base64url;
use crate::reference::json::{object, string};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = containers();
    all.extend(roots());
    all.extend(jwks());
    all.extend(feeds());
    all.extend(landmarks());
    all
}

pub(super) fn malformed(name: &str, comment: &str, file: String) -> Vector {
    scripted(&format!("malformed-{name}"), "trust.malformed", comment, &[file])
}

fn containers() -> Vec<Vector> {
    let good = built(|_| ()).file();
    let note = damaged(|container| container.root = container.root.replace("\n\n", "\n"));
    let feed = damaged(|container| container.feed = String::new());
    vec![
        malformed("empty", "nothing at all", String::new()),
        malformed("not-json", "something else", "bundle\n".into()),
        malformed("array", "an object", "[]\n".into()),
        malformed("type", "another version", good.replacen("trust-bundle/v1", "trust-bundle/v2", 1)),
        malformed("unknown-member", "no unknown member", good.replacen('{', "{\"x\":0,", 1)),
        malformed(
            "duplicate-member",
            "no member twice",
            good.replacen('{', "{\"type\":\"sillok-trust-bundle/v1\",", 1),
        ),
        malformed(
            "missing-member",
            "every member is there",
            good.replacen("\"consistency\"", "\"snapshots2\"", 1),
        ),
        malformed("trailing", "nothing follows the object", format!("{good}{{}}\n")),
        malformed("root-no-note", "the root is a signed note", note.file()),
        malformed("feed-no-note", "the feed is a signed note", feed.file()),
    ]
}

/// The default container with another root text, signed and logged as it is.
fn with_root(change: impl FnOnce(&str) -> String) -> String {
    let world = world(|_| ());
    let text = change(&world.published.root.text());
    let mut container = world.published.container;
    container.root = signed(&text, &[root_key(1)]);
    container.file()
}

fn roots() -> Vec<Vector> {
    let replaced = |name: &str, comment: &str, from: &str, to: &str| {
        malformed(
            &format!("root-{name}"),
            comment,
            with_root(|text| {
                assert!(text.contains(from), "{name}");
                text.replacen(from, to, 1)
            }),
        )
    };
    let plan = |name: &str, comment: &str, change: &dyn Fn(&mut Plan)| {
        malformed(&format!("root-{name}"), comment, built(change).file())
    };
    let (one, feed) = (string(&root_key(1).vkey()), string(&feed_key().vkey()));
    vec![
        replaced("type", "another version", "sillok-root/v1", "sillok-root/v2"),
        replaced("unknown-member", "no unknown member", "{", "{\"x\":0,"),
        replaced("missing-member", "every member is there", ",\"rules\":[]", ""),
        replaced("rules", "a rule set is a string", "\"rules\":[]", "\"rules\":[{}]"),
        plan("rules-vector", "a rule set whose vector does not come out", &|plan| {
            plan.rules = vec![with(", 14, ", ", 15, ")];
        }),
        plan("rules-twice", "one rule set for a jurisdiction", &|plan| {
            plan.rules = vec![rule_set(), rule_set()]
        }),
        replaced("fraction", "integers", "\"epoch\":1", "\"epoch\":1.0"),
        replaced("negative", "no negative numbers", "\"epoch\":1", "\"epoch\":-1"),
        replaced("number-as-string", "a number", "\"epoch\":1", "\"epoch\":\"1\""),
        replaced("sequence-0", "sequences begin at 1", "\"sequence\":1", "\"sequence\":0"),
        replaced("epoch-0", "epochs begin at 1", "\"epoch\":1", "\"epoch\":0"),
        replaced("threshold-0", "somebody signs", "\"threshold\":1", "\"threshold\":0"),
        replaced("no-root-keys", "1 to 16 keys", &format!("[{one}]"), "[]"),
        replaced("no-feed-keys", "1 to 4 keys", &format!("[{feed}]"), "[]"),
        replaced(
            "feed-key-is-root-key",
            "a feed key is no root key",
            &format!("[{feed}]"),
            &format!("[{one}]"),
        ),
        replaced("key-state", "active, retired or compromised", "\"state\":\"active\"", "\"state\":\"lost\""),
        plan("active-with-cut", "an active key has no cuts", &|plan| {
            plan.key_state.1 = vec![("log.example/sillok".into(), 3)]
        }),
        malformed("root-two-lines", "one line and its newline", with_root(|text| format!("{text}\n"))),
        malformed(
            "root-duplicate-member",
            "no member twice",
            with_root(|text| text.replacen('{', "{\"epoch\":1,", 1)),
        ),
        malformed(
            "root-too-many-keys",
            "1 to 16 keys",
            built(|plan| plan.root_keys.0 = (1..=17).map(root_key).collect()).file(),
        ),
    ]
}

fn jwks() -> Vec<Vector> {
    let own = Plan::default().key.jwk();
    let with = |name: &str, comment: &str, jwk: &str| {
        malformed(&format!("jwk-{name}"), comment, with_root(|text| text.replacen(&own, jwk, 1)))
    };
    let member = |jwk: &str, name: &str, value: &str| {
        jwk.replacen('{', &format!("{{{}:{},", string(name), string(value)), 1)
    };
    let p256 = |x: &[u8], y: &[u8]| {
        let [x, y] = [x, y].map(|bytes| string(&base64url(bytes)));
        object(&[("crv", string("P-256")), ("kty", string("EC")), ("x", x), ("y", y)])
    };
    let ed25519 = |x: &[u8]| {
        object(&[("crv", string("Ed25519")), ("kty", string("OKP")), ("x", string(&base64url(x)))])
    };
    let identity = [&[1][..], &[0; 31]].concat();
    vec![
        with("kid", "exactly the members that the thumbprint hashes", &member(&own, "kid", "1")),
        with("alg", "exactly the members that the thumbprint hashes", &member(&own, "alg", "ES256")),
        with("private", "a private key has no place here", &member(&own, "d", &base64url(&[11; 32]))),
        with("off-curve", "(1, 1) is not on the curve", &p256(&one(), &one())),
        with("infinity", "(0, 0) is no point", &p256(&[0; 32], &[0; 32])),
        with("short-x", "31 bytes", &p256(&[1; 31], &[1; 32])),
        with("small-order", "a point of small order signs anything", &ed25519(&identity)),
        with("ed25519-short", "31 bytes", &ed25519(&[1; 31])),
        with("secp256k1", "another curve", &IssuerKey::p256(11).jwk().replace("P-256", "secp256k1")),
        with("rsa", "another kind of key", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
        with("symmetric", "a secret", "{\"kty\":\"oct\",\"k\":\"AQAB\"}"),
    ]
}

/// The number 1 as a coordinate.
fn one() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = 1;
    bytes
}

fn feeds() -> Vec<Vector> {
    let replaced = |name: &str, comment: &str, from: &str, to: &str| {
        let World { published, .. } = world(|_| ());
        let text = published.feed.text();
        assert!(text.contains(from), "{name}");
        let mut container = published.container;
        container.feed = signed(&text.replacen(from, to, 1), &[feed_key()]);
        malformed(&format!("feed-{name}"), comment, container.file())
    };
    let mut broken = world(|_| ());
    broken.published.feed.snapshots = vec!["{}".into()];
    vec![
        replaced("type", "another version", "sillok-feed/v1", "sillok-feed/v2"),
        replaced("unknown-member", "no unknown member", "{", "{\"x\":0,"),
        replaced(
            "landmarks-empty-item",
            "landmarks have their members",
            "\"landmarks\":[]",
            "\"landmarks\":[{}]",
        ),
        replaced(
            "sequence-0",
            "sequences begin at 1",
            "{\"type\":\"sillok-feed/v1\",\"sequence\":1",
            "{\"type\":\"sillok-feed/v1\",\"sequence\":0",
        ),
        malformed("feed-empty-snapshot", "a snapshot has its members", relogged(&broken).file()),
    ]
}

fn landmarks() -> Vec<Vector> {
    let replaced = |name: &str, comment: &str, from: &str, to: &str| {
        let World { published, .. } = world(|plan| plan.landmarks = (2, vec![0, 4, 6]));
        let text = published.feed.text();
        assert!(text.contains(from), "{name}");
        let mut container = published.container;
        container.feed = signed(&text.replacen(from, to, 1), &[feed_key()]);
        malformed(&format!("landmarks-{name}"), comment, container.file())
    };
    let hashes = "\"hashes\":\"";
    vec![
        replaced("two-items", "the landmarks of one log", "\"landmarks\":[", "\"landmarks\":[{},"),
        replaced("unknown-member", "no unknown member", "{\"newest\"", "{\"x\":0,\"newest\""),
        replaced("number-0", "landmark zero covers nothing", "\"newest\":2", "\"newest\":0"),
        replaced("one-size", "a landmark and the one before it", "[0,4,6]", "[6]"),
        replaced("falling", "sizes strictly increase", "[0,4,6]", "[0,6,4]"),
        replaced("zero-has-leaves", "landmark zero has size zero", "[0,4,6]", "[1,4,6]"),
        replaced("negative", "no negative size", "[0,4,6]", "[-1,4,6]"),
        replaced("hashes-cut", "32 bytes each", hashes, &format!("{hashes}AAAA")),
        replaced("hashes-no-base64", "base64 with its padding", hashes, &format!("{hashes}-_")),
    ]
}
