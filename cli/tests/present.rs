//! `sillok present` for `sillok verify`: the holders of `specs/vectors/verify`, whose keys are known, show their credentials.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[expect(dead_code, reason = "each test program uses its part of it")]
#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::{Ended, run};
use serde_json::{Value, json};
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::sd_jwt::{Disclosure, DisclosureKind, Presentation};
use tempfile::TempDir;

/// A part of a vector (specs/README.md, "Vectors") that is there once.
fn part(vector: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors/verify").join(vector);
    let text = fs::read_to_string(path).unwrap();
    let rest = text.split_once(&format!("-- {name} --\n")).unwrap().1;
    let content: Vec<&str> = rest.split_inclusive('\n').take_while(|line| !line.starts_with("-- ")).collect();
    content.concat()
}

/// A door and a wallet: bundle, receipt and credential of a vector, and the holder's key.
fn scene(vector: &str, key: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("trust", &part(vector, "trust"));
    write("receipt", &part(vector, "receipt"));
    let shown = part(vector, "credential.line");
    // Without the token that the vector binds it with.
    let shown = shown.trim_end();
    let issued = shown.rsplit_once('~').map_or(shown, |(issued, _token)| issued);
    let selective = issued.contains('~') || is_selective(issued);
    let issued = if selective { format!("{issued}~") } else { issued.to_owned() };
    write("issued", &issued);
    write("key.jwk", &key.to_string());
    folder
}

/// Whether the header says `vc+sd-jwt`: then a `~` belongs behind it.
fn is_selective(token: &str) -> bool {
    let header = decode_base64url(token.split('.').next().unwrap().as_bytes()).unwrap();
    String::from_utf8(header).unwrap().contains("vc+sd-jwt")
}

fn p256_key(seed: u8) -> Value {
    let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(false);
    let (x, y) = (point.x().unwrap(), point.y().unwrap());
    let [x, y, d] = [&x[..], &y[..], &[seed; 32]].map(encode_base64url);
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "d": d, "alg": "ES256", "use": "sig", "kid": "mine" })
}

fn ed25519_key(seed: u8) -> Value {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let x = encode_base64url(secret.verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": encode_base64url(&[seed; 32]) })
}

/// 2026-01-03T00:00:00Z, when the vectors are judged, and so many seconds later.
fn at(seconds: i64) -> String {
    jiff::Timestamp::from_second(1_767_398_400 + seconds).unwrap().to_string()
}

fn try_present(folder: &Path, seconds: i64, more: &[&str]) -> Ended {
    let now = at(seconds);
    run(folder, &[], &[&["present", "--key", "key.jwk", "--now", &now], more, &["issued"]].concat())
}

/// Writes what is shown to the file `shown`.
fn present(folder: &Path, seconds: i64, more: &[&str]) -> String {
    let ended = try_present(folder, seconds, more);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    fs::write(folder.join("shown"), &ended.out).unwrap();
    ended.out.trim_end().to_owned()
}

/// What the door says of the file `shown`: exit code and reason.
fn judge(folder: &Path, seconds: i64, asked: &[&str]) -> (Option<i32>, Option<String>) {
    let now = at(seconds);
    let at_door = ["verify", "--json", "--trust", "trust", "--receipt", "receipt", "--now", &now];
    let ended = run(folder, &[], &[&at_door, asked, &["shown"]].concat());
    let answer: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, answer["code"].as_str().map(str::to_owned))
}

fn valid() -> (Option<i32>, Option<String>) {
    (Some(0), None)
}

fn not_valid(code: &str) -> (Option<i32>, Option<String>) {
    (Some(1), Some(code.to_owned()))
}

fn cannot_tell(code: &str) -> (Option<i32>, Option<String>) {
    (Some(2), Some(code.to_owned()))
}

/// The names of what is disclosed.
fn disclosed(shown: &str) -> Vec<String> {
    let parts = Presentation::parse(shown.as_bytes()).unwrap();
    assert!(parts.key_binding.is_some());
    let names = parts.disclosures.iter().map(|text| match Disclosure::parse(text).unwrap().kind() {
        DisclosureKind::Member(name) => name.clone(),
        DisclosureKind::Item => String::new(),
    });
    names.collect()
}

#[test]
fn a_live_code_is_valid_now_and_a_stored_one_is_not() {
    let folder = scene("presentation-all-disclosed.txt", &p256_key(31));
    let folder = folder.path();
    let shown = present(folder, 0, &["--live", "--disclose", "name"]);
    assert_eq!(disclosed(&shown), ["name"]);
    for seconds in [-60, 0, 30, 60] {
        assert_eq!(judge(folder, seconds, &["--live"]), valid(), "{seconds}");
    }
    assert_eq!(judge(folder, -61, &["--live"]), cannot_tell("holder.future"));
    for seconds in [61, 3_600] {
        assert_eq!(judge(folder, seconds, &["--live"]), not_valid("holder.stale"), "a picture of a code");
    }
    let challenge = ["--challenge", "Zm9yIHRoaXMgZG9vcg", "--audience", "https://door.example"];
    assert_eq!(judge(folder, 0, &challenge), not_valid("holder.audience"), "a code is no answer");
    // Each has a nonce of its own, and nothing is disclosed that is not named.
    let again = present(folder, 0, &["--live"]);
    assert!(disclosed(&again).is_empty());
    assert_eq!(judge(folder, 0, &["--live"]), valid());
    let all = present(folder, 0, &["--live", "--disclose-all"]);
    assert_eq!(disclosed(&all), ["birthDate", "name"]);
    assert_eq!(judge(folder, 0, &["--live"]), valid());
    assert_ne!(present(folder, 0, &["--live"]), again);
}

#[test]
fn a_challenge_is_answered_for_its_nonce_and_audience_alone() {
    let folder = scene("presentation-all-disclosed.txt", &p256_key(31));
    let folder = folder.path();
    let asked = ["--challenge", "-9yIHRoaXMgZG9vcg", "--audience", "https://door.example"];
    present(folder, 0, &[&asked[..], &["--disclose", "birthDate", "--disclose", "name"]].concat());
    assert_eq!(judge(folder, 0, &asked), valid());
    let other_nonce = ["--challenge", "YW5vdGhlciBub25jZQ", "--audience", "https://door.example"];
    assert_eq!(judge(folder, 0, &other_nonce), not_valid("holder.nonce"));
    let other_door = ["--challenge", "-9yIHRoaXMgZG9vcg", "--audience", "https://other.example"];
    assert_eq!(judge(folder, 0, &other_door), not_valid("holder.audience"));
    assert_eq!(judge(folder, 61, &asked), not_valid("holder.stale"));
    assert_eq!(judge(folder, 0, &["--live"]), not_valid("holder.audience"));
}

#[test]
fn a_credential_without_anything_hidden_and_keys_of_both_kinds() {
    let plain = scene("holder-live-plain.txt", &p256_key(31));
    let issued = fs::read_to_string(plain.path().join("issued")).unwrap();
    assert!(!issued.contains('~'));
    let shown = present(plain.path(), 0, &["--live"]);
    assert!(shown.starts_with(&format!("{issued}~ey")), "{shown}");
    assert_eq!(judge(plain.path(), 0, &["--live"]), valid());
    fs::write(plain.path().join("shown"), issued).unwrap();
    assert_eq!(judge(plain.path(), 0, &["--live"]), cannot_tell("holder.missing"));
    let refused = try_present(plain.path(), 0, &["--live", "--disclose", "name"]);
    assert!(refused.code == Some(64) && refused.err.contains("nothing that can be hidden"), "{refused:?}");

    let eddsa = scene("holder-live-eddsa.txt", &ed25519_key(32));
    present(eddsa.path(), 0, &["--live"]);
    assert_eq!(judge(eddsa.path(), 0, &["--live"]), valid());
}

#[test]
fn what_cannot_be_shown_is_refused_in_words() {
    let folder = scene("presentation-all-disclosed.txt", &p256_key(31));
    let folder = folder.path();
    let nonce = "Zm9yIHRoaXMgZG9vcg";
    let usage: &[(&[&str], &str)] = &[
        (&[], "--live"),
        (&["--live", "--challenge", nonce, "--audience", "door"], "cannot be used with"),
        (&["--challenge", nonce], "--audience"),
        (&["--challenge", "short", "--audience", "door"], "16 to 256"),
        (&["--live", "--disclose", "lot"], "none of what can be hidden: birthDate, name"),
        (&["--live", "--disclose", "name", "--disclose-all"], "cannot be used with"),
    ];
    for (more, words) in usage {
        let refused = try_present(folder, 0, more);
        assert!(refused.code == Some(64) && refused.err.contains(words), "{more:?}: {refused:?}");
        assert!(refused.out.is_empty());
    }
    let mut wrong = p256_key(31);
    wrong["y"] = p256_key(33)["y"].clone();
    let mut public = p256_key(31);
    public.as_object_mut().unwrap().remove("d");
    let mut zero = p256_key(31);
    zero["d"] = encode_base64url(&[0; 32]).into();
    let keys = [
        (p256_key(33), "not the one that the credential is bound to"),
        (wrong, "public key that is not the private one's"),
        (public, "no JWK of a private key"),
        (zero, "is refused"),
        (json!({ "kty": "RSA", "crv": "none", "x": "AA", "d": "AA" }), "none of P-256 or Ed25519"),
        (json!(["d"]), "no JWK of a private key"),
    ];
    for (key, words) in keys {
        fs::write(folder.join("key.jwk"), key.to_string()).unwrap();
        let refused = try_present(folder, 0, &["--live"]);
        assert!(refused.code == Some(2) && refused.err.contains(words), "{words}: {refused:?}");
        // What is refused never repeats the secret.
        assert!(!refused.err.contains(p256_key(31)["d"].as_str().unwrap()), "{refused:?}");
    }
    fs::write(folder.join("key.jwk"), p256_key(31).to_string()).unwrap();
    fs::write(folder.join("issued"), part("valid.txt", "credential.line")).unwrap();
    let unbound = try_present(folder, 0, &["--live"]);
    assert!(unbound.code == Some(2) && unbound.err.contains("bound to no key"), "{unbound:?}");
    fs::write(folder.join("issued"), part("holder-live.txt", "credential.line")).unwrap();
    let shown_before = try_present(folder, 0, &["--live"]);
    assert!(
        shown_before.code == Some(2) && shown_before.err.contains("as an issuer hands it out"),
        "{shown_before:?}"
    );
}
