//! Key files: what is sealed opens again, under the right passphrase only, and nothing is overwritten.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sillok_registry::sealed::{self, Error, KeyKind, Passphrase, SecretKey};

const KINDS: [KeyKind; 3] = [KeyKind::Ed25519, KeyKind::P256, KeyKind::Raw32];

fn passphrase(folder: &Path, text: &str) -> Passphrase {
    let path = folder.join("passphrase");
    fs::write(&path, text).unwrap();
    Passphrase::load(&path).unwrap()
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
    for (number, kind) in KINDS.into_iter().enumerate() {
        let key = SecretKey::generate(kind).unwrap();
        let name = format!("issuer-{number}");
        assert!(!sealed::exists(&keys, &name).unwrap());
        sealed::create(&keys, &name, &key, &passphrase, "public text").unwrap();
        assert!(sealed::exists(&keys, &name).unwrap());
        let opened = sealed::open(&keys, &name, kind, &passphrase).unwrap();
        assert_eq!(opened.danger_bytes(), key.danger_bytes());
        assert_eq!(opened.kind(), kind);
        assert_eq!(sealed::public_text(&keys, &name).unwrap(), "public text");
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
    let key = SecretKey::generate(KeyKind::Ed25519).unwrap();
    sealed::create(folder.path(), "log", &key, &right, "").unwrap();
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
    let first = SecretKey::generate(KeyKind::Ed25519).unwrap();
    sealed::create(folder.path(), "log", &first, &passphrase, "first").unwrap();
    assert_eq!(mode(&folder.path().join("log.pem")), 0o600);
    let second = SecretKey::generate(KeyKind::Ed25519).unwrap();
    let error = sealed::create(folder.path(), "log", &second, &passphrase, "second").err().unwrap();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let opened = sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase).unwrap();
    assert_eq!(opened.danger_bytes(), first.danger_bytes());
    assert_eq!(sealed::public_text(folder.path(), "log").unwrap(), "first");
}

#[test]
fn every_flipped_bit_of_a_key_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    let key = SecretKey::generate(KeyKind::Ed25519).unwrap();
    sealed::create(folder.path(), "log", &key, &passphrase, "").unwrap();
    let path = folder.path().join("log.pem");
    let good = fs::read(&path).unwrap();
    // Each opening costs tens of milliseconds, so every 13th byte stands for all.
    for position in (0..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[position] ^= 1;
        fs::write(&path, &bad).unwrap();
        match sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase) {
            // CBC carries no tag: a bit of the initialisation vector or of the last but one block may change the
            // secret; it is compared with the public text when the key is used. It is never the old one by chance.
            Ok(opened) => assert_ne!(opened.danger_bytes(), key.danger_bytes(), "byte {position}"),
            Err(error) => assert!(error.to_string().contains("log.pem"), "{error}"),
        }
    }
}

#[test]
fn hostile_files_and_names_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase(folder.path(), "x");
    let open = || sealed::open(folder.path(), "log", KeyKind::Ed25519, &passphrase).err().unwrap();
    let path = folder.path().join("log.pem");
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
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap();
    }
    assert!(matches!(SecretKey::new(KeyKind::P256, &bytes), Err(Error::Scalar)));
    assert!(matches!(SecretKey::new(KeyKind::P256, &[0; 32]), Err(Error::Scalar)));
    bytes[31] -= 1;
    let last = SecretKey::new(KeyKind::P256, &bytes).unwrap();
    assert!(matches!(last.signer("n"), Err(Error::NotASigner { found: KeyKind::P256 })));
    let log = SecretKey::generate(KeyKind::Ed25519).unwrap();
    assert_eq!(log.signer("example.org/log").unwrap().name(), "example.org/log");
    assert!(matches!(log.signer("two words"), Err(Error::SignerName { .. })));
}
