//! Key files: what is sealed opens again, under the right passphrase only, and nothing is overwritten.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_registry::sealed::{self, Error, KeyKind, Passphrase, SecretKey};

fn passphrase(folder: &Path, text: &str) -> Passphrase {
    let path = folder.join("passphrase");
    fs::write(&path, text).unwrap();
    Passphrase::load(&path).unwrap()
}

/// A key of each kind, and what is kept as its public text.
fn keys() -> [(SecretKey, String, String); 3] {
    let ed25519 = SecretKey::generate(KeyKind::Ed25519).unwrap();
    let vkey = vkey(&ed25519);
    let p256 = SecretKey::new(KeyKind::P256, &hex(SCALAR)).unwrap();
    let mut counted = [0; 32];
    for (byte, number) in counted.iter_mut().zip(0..) {
        *byte = number;
    }
    let raw = SecretKey::new(KeyKind::Raw32, &counted).unwrap();
    [
        (ed25519, vkey.clone(), vkey),
        (p256, JWK.into(), JWK.into()),
        (raw, "a remark".into(), format!("{CHECK_VALUE} a remark")),
    ]
}

fn vkey(key: &SecretKey) -> String {
    key.signer("example.org/log").unwrap().verifier().to_string()
}

fn hex(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    }
    bytes
}

/// A key in the folder as `log`, with its public text.
fn new_log_key(folder: &Path, passphrase: &Passphrase) -> SecretKey {
    let key = SecretKey::generate(KeyKind::Ed25519).unwrap();
    sealed::create(folder, "log", &key, passphrase, &vkey(&key)).unwrap();
    key
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn every_kind_of_key_is_sealed_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let passphrase = passphrase(folder.path(), "correct horse\n");
    assert_eq!(sealed::names(&keys).unwrap(), Vec::<String>::new());
    for (number, (key, public, kept)) in self::keys().into_iter().enumerate() {
        let kind = key.kind();
        let name = format!("issuer-{number}");
        assert!(!sealed::exists(&keys, &name).unwrap());
        sealed::create(&keys, &name, &key, &passphrase, &public).unwrap();
        assert!(sealed::exists(&keys, &name).unwrap());
        let opened = sealed::open(&keys, &name, kind, &passphrase).unwrap();
        assert_eq!(opened.danger_bytes(), key.danger_bytes());
        assert_eq!(opened.kind(), kind);
        assert_eq!(sealed::public_text(&keys, &name).unwrap(), kept);
        let pem = fs::read_to_string(keys.join(format!("{name}.pem"))).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{pem}");
        assert_eq!(mode(&keys.join(format!("{name}.pem"))), 0o600);
    }
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(sealed::names(&keys).unwrap(), ["issuer-0", "issuer-1", "issuer-2"]);
    let files = fs::read_dir(&keys).unwrap().count();
    assert_eq!(files, 6, "nothing but sealed files and public texts stays");
}

#[test]
fn a_wrong_passphrase_and_a_wrong_kind_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let right = passphrase(folder.path(), "right");
    new_log_key(folder.path(), &right);
    let wrong = passphrase(folder.path(), "wrong");
    let error = sealed::open(folder.path(), "log", KeyKind::Ed25519, &wrong).err().unwrap();
    assert!(matches!(error, Error::WrongPassphrase { .. }), "{error}");
    assert!(error.to_string().contains("log.pem"), "{error}");
    let error = sealed::open(folder.path(), "log", KeyKind::P256, &right).err().unwrap();
    assert!(
        matches!(error, Error::OtherKind { expected: KeyKind::P256, found: KeyKind::Ed25519, .. }),
        "{error}"
    );
    let error = sealed::open(folder.path(), "root", KeyKind::P256, &right).err().unwrap();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

#[test]
fn a_key_is_never_overwritten_and_a_torn_attempt_does_not_stand_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    // What a crash may leave behind: a staged file, and a public text without its key.
    fs::write(folder.path().join("log.pem.new"), "torn").unwrap();
    fs::write(folder.path().join("log.pub"), "stale").unwrap();
    let first = new_log_key(folder.path(), &passphrase);
    assert_eq!(mode(&folder.path().join("log.pem")), 0o600);
    let second = SecretKey::generate(KeyKind::Ed25519).unwrap();
    let error = sealed::create(folder.path(), "log", &second, &passphrase, &vkey(&second)).err().unwrap();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let opened = sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase).unwrap();
    assert_eq!(opened.danger_bytes(), first.danger_bytes());
    assert_eq!(sealed::public_text(folder.path(), "log").unwrap(), vkey(&first));
}

#[test]
fn every_flipped_bit_of_a_key_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    for (key, public, _kept) in keys() {
        let (name, kind) = ("key", key.kind());
        let path = folder.path().join("key.pem");
        sealed::create(folder.path(), name, &key, &passphrase, &public).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = good.lines().collect();
        let der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        // Initialisation vector and ciphertext stand at the end. Each opening costs tens of milliseconds, so every 13th
        // of their bits stands for all.
        let mut other_keys = 0;
        for bit in (8 * (der.len() - 98)..8 * der.len()).step_by(13) {
            let mut bad = der.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let body: Vec<u8> = STANDARD.encode(bad).into_bytes();
            let body: Vec<&str> = body.chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            fs::write(&path, [lines[0], &body.join("\n"), lines[lines.len() - 1], ""].join("\n")).unwrap();
            let error = sealed::open(folder.path(), name, kind, &passphrase).err();
            let error = error.unwrap_or_else(|| panic!("{kind}, bit {bit}: opened"));
            assert!(error.to_string().contains("key.pem"), "{kind}, bit {bit}: {error}");
            other_keys += usize::from(matches!(error, Error::OtherPublic { .. }));
        }
        assert!(other_keys > 0, "{kind}: none was let through by the encryption, so nothing was shown");
        // What stands around them, as text.
        for position in (0..good.len()).step_by(41) {
            let mut bad = good.clone().into_bytes();
            bad[position] ^= 1;
            fs::write(&path, &bad).unwrap();
            let error = sealed::open(folder.path(), name, kind, &passphrase).err();
            let error = error.unwrap_or_else(|| panic!("{kind}, byte {position}: opened"));
            assert!(error.to_string().contains("key.pem"), "{kind}, byte {position}: {error}");
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn no_flipped_bit_of_a_public_text_makes_another_key_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    for (number, (key, public, kept)) in keys().into_iter().enumerate() {
        let name = format!("key-{number}");
        sealed::create(folder.path(), &name, &key, &passphrase, &public).unwrap();
        let path = folder.path().join(format!("{name}.pub"));
        let open = || sealed::open(folder.path(), &name, key.kind(), &passphrase);
        let good = fs::read(&path).unwrap();
        // The remark of key material and the final newline name no key.
        let names_key = if kept == public { kept.len() } else { CHECK_VALUE.len() };
        for bit in (0..8 * names_key).step_by(8 * names_key / 23) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bad).unwrap();
            let error = open().err().unwrap_or_else(|| panic!("{name}, bit {bit}: opened"));
            assert!(error.to_string().contains(&format!("{name}.pub")), "{name}, bit {bit}: {error}");
        }
        fs::remove_file(&path).unwrap();
        let error = open().err().unwrap();
        assert!(matches!(&error, Error::Missing { path: missing } if *missing == path), "{error}");
    }
}

#[test]
fn a_key_and_a_public_text_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    let key = new_log_key(folder.path(), &passphrase);
    let other = SecretKey::generate(KeyKind::Ed25519).unwrap();
    for text in ["", "text", JWK, &vkey(&other)] {
        let error = sealed::create(folder.path(), "other", &key, &passphrase, text).err().unwrap();
        assert!(matches!(error, Error::OtherPublic { .. }), "{text:?}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing was made");
    sealed::create(folder.path(), "other", &other, &passphrase, &vkey(&other)).unwrap();
    fs::rename(folder.path().join("other.pem"), folder.path().join("log.pem")).unwrap();
    let error = sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase).err().unwrap();
    assert!(matches!(error, Error::OtherPublic { .. }), "{error}");
    for file in ["log.pem", "log.pub"] {
        assert!(error.to_string().contains(file), "{error}");
    }
    // An Ed25519 key that signs credentials is published as a JWK: RFC 8037 appendix A.1 and A.2.
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let key = SecretKey::new(KeyKind::Ed25519, &seed).unwrap();
    let jwk = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    sealed::create(folder.path(), "issuer-1", &key, &passphrase, jwk).unwrap();
    sealed::open(folder.path(), "issuer-1", KeyKind::Ed25519, &passphrase).unwrap();
}

#[test]
fn hostile_files_and_names_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    let open = || sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase).err().unwrap();
    let path = folder.path().join("log.pem");
    fs::write(folder.path().join("log.pub"), "text").unwrap();
    for text in
        ["", "text", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"]
    {
        fs::write(&path, text).unwrap();
        assert!(matches!(open(), Error::Damaged { .. }), "{text:?}");
    }
    fs::write(&path, "x".repeat(sealed::MAX_FILE_BYTES + 1)).unwrap();
    assert!(matches!(open(), Error::TooLong { .. }));
    let key = SecretKey::generate(KeyKind::Ed25519).unwrap();
    for name in ["", "../log", "a/b", ".log", "Log", "log.pem", &"x".repeat(65)] {
        let error = sealed::create(folder.path(), name, &key, &passphrase, "").err().unwrap();
        assert!(matches!(error, Error::Name { .. }), "{name:?}");
    }
}

#[test]
fn passphrases_lose_one_newline_and_are_never_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passphrase");
    let created = Passphrase::create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap().len(), 65);
    assert!(matches!(Passphrase::create(&path).err().unwrap(), Error::Exists { .. }));
    let key = SecretKey::generate(KeyKind::Raw32).unwrap();
    sealed::create(folder.path(), "subjects", &key, &created, "").unwrap();
    let loaded = Passphrase::load(&path).unwrap();
    sealed::open(folder.path(), "subjects", KeyKind::Raw32, &loaded).unwrap();

    for text in ["", "\n"] {
        fs::write(&path, text).unwrap();
        assert!(matches!(Passphrase::load(&path).err().unwrap(), Error::EmptyPassphrase { .. }));
    }
    fs::write(&path, "x".repeat(sealed::MAX_PASSPHRASE_BYTES + 1)).unwrap();
    assert!(matches!(Passphrase::load(&path).err().unwrap(), Error::TooLong { .. }));
}

#[test]
fn scalars_are_in_the_group_and_only_ed25519_signs_notes() {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut bytes = hex(order);
    assert!(matches!(SecretKey::new(KeyKind::P256, &bytes), Err(Error::Scalar)));
    assert!(matches!(SecretKey::new(KeyKind::P256, &[0; 32]), Err(Error::Scalar)));
    bytes[31] -= 1;
    let last = SecretKey::new(KeyKind::P256, &bytes).unwrap();
    assert!(matches!(last.signer("n"), Err(Error::NotASigner { found: KeyKind::P256 })));
    let log = SecretKey::generate(KeyKind::Ed25519).unwrap();
    assert_eq!(log.signer("example.org/log").unwrap().name(), "example.org/log");
    assert!(matches!(log.signer("two words"), Err(Error::SignerName { .. })));
}

/// A P-256 scalar, and its point as a JWK (RFC 6979 appendix A.2.5).
const SCALAR: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const JWK: &str = r#"{"crv":"P-256","kty":"EC","x":"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y","y":"eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk"}"#;

/// SHA-256 of `sillok/raw32/v1` and the bytes 0 to 31, computed with Python's hashlib.
const CHECK_VALUE: &str = "345716e35b937b019710850221a2641ddd2402d570d1dd150edde8af176e5bfd";
