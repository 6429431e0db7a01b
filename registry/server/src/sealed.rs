//! IO. Keys at rest: one sealed file a key, and beside it the text that everybody may know.
//!
//! `NAME.pem` is a PKCS#8 `EncryptedPrivateKeyInfo` (RFC 5958) that OpenSSL reads too; `NAME.pub` is a verifier key,
//! a JWK, or a check value for what has no public half. A key is there once its sealed file is: that file appears under
//! its name in one step, after its public text. The encryption (CBC) does not notice every change of
//! the file, so a key is given out only if it is the one that its public text names.
//!
//! # Out of scope
//! Two processes that make keys in one folder at once: who owns the folder makes sure that it is alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sillok_log::note::{SignatureKind, SignerKey};
use zeroize::Zeroizing;

mod error;
mod public;
mod wrapping;

pub use error::Error;

/// What a secret is for, as the algorithm of its PKCS#8 structure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The seed of an Ed25519 key (RFC 8032, RFC 8410).
    Ed25519,
    /// The scalar of a P-256 key (RFC 5915, RFC 5480).
    P256,
    /// Key material for HMAC-SHA-256 and derivations (RFC 8018 appendix B.1.2).
    Raw32,
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "an Ed25519 key",
            Self::P256 => "a P-256 key",
            Self::Raw32 => "32 bytes of key material",
        })
    }
}

/// The 32 secret bytes of a key. They leave memory when it is dropped, and nothing prints them.
pub struct SecretKey {
    kind: KeyKind,
    bytes: Zeroizing<[u8; 32]>,
}

impl SecretKey {
    /// Takes over 32 bytes. The caller wipes its own copy.
    ///
    /// # Errors
    /// [`Error::Scalar`] for a P-256 scalar of zero, or not below the order of the group.
    pub fn new(kind: KeyKind, bytes: &[u8; 32]) -> Result<Self, Error> {
        // Big-endian arrays compare like the numbers.
        if kind == KeyKind::P256 && (*bytes == [0; 32] || *bytes >= P256_ORDER) {
            return Err(Error::Scalar);
        }
        Ok(Self { kind, bytes: Zeroizing::new(*bytes) })
    }

    /// Draws a key from the operating system's randomness.
    ///
    /// # Errors
    /// [`Error::Random`] if there is none.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut_slice()).map_err(Error::Random)?;
            match Self::new(kind, &bytes) {
                // FIPS 186-5 appendix A.2.2: draw again. It happens once in 2^32.
                Err(Error::Scalar) => {}
                other => return other,
            }
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The secret bytes: seed, big-endian scalar or key material.
    #[must_use]
    pub fn danger_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The key as one that signs notes under `name`.
    ///
    /// # Errors
    /// [`Error::NotASigner`] if it is not an Ed25519 key; [`Error::SignerName`] if no note can carry the name.
    pub fn signer(&self, name: &str) -> Result<SignerKey, Error> {
        self.note_key(name, KeyKind::Ed25519, SignatureKind::Ed25519)
    }

    /// The key as one that cosigns under `name`: an Ed25519 key as such, key material as the seed of an ML-DSA-44 key, which
    /// PKCS#8 files of this crate have no form for.
    ///
    /// # Errors
    /// [`Error::NotASigner`] if it is of another kind; [`Error::SignerName`] if no note can carry the name.
    pub fn cosigner(&self, name: &str) -> Result<SignerKey, Error> {
        match self.kind {
            KeyKind::Raw32 => self.note_key(name, KeyKind::Raw32, SignatureKind::MlDsa44),
            KeyKind::Ed25519 | KeyKind::P256 => {
                self.note_key(name, KeyKind::Ed25519, SignatureKind::CosignatureV1)
            }
        }
    }

    fn note_key(&self, name: &str, kind: KeyKind, signs: SignatureKind) -> Result<SignerKey, Error> {
        if self.kind != kind {
            return Err(Error::NotASigner { found: self.kind });
        }
        SignerKey::from_seed(name, signs, &self.bytes)
            .map_err(|source| Error::SignerName { name: name.into(), source })
    }
}

/// What seals the key files of a data folder.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Reads a passphrase from a file: everything but one final newline.
    ///
    /// # Errors
    /// A file that cannot be read, is empty, or is longer than [`MAX_PASSPHRASE_BYTES`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let mut bytes = read_limited(path, MAX_PASSPHRASE_BYTES)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.is_empty() {
            return Err(Error::EmptyPassphrase { path: path.into() });
        }
        Ok(Self(bytes))
    }

    /// Writes 32 random bytes in hexadecimal to a new file that only its owner reads (mode 0600).
    ///
    /// # Errors
    /// [`Error::Exists`] if the file is there; no randomness; a failed operation.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut_slice()).map_err(Error::Random)?;
        let mut text = Zeroizing::new(Vec::with_capacity(65));
        for byte in random.iter() {
            write!(text, "{byte:02x}").map_err(Error::io("compose", path))?;
        }
        text.push(b'\n');
        put_new(path, PRIVATE_MODE, &text)?;
        text.pop();
        Ok(Self(text))
    }
}

/// Whether the key `name` is in the folder.
///
/// # Errors
/// A malformed name or a failed operation.
pub fn exists(dir: &Path, name: &str) -> Result<bool, Error> {
    let path = path_of(dir, name, "pem")?;
    path.try_exists().map_err(Error::io("look for", &path))
}

/// The names of all keys in the folder, sorted. A folder that is not there has none.
///
/// # Errors
/// A failed operation.
pub fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::io("list", dir))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry.map_err(Error::io("list", dir))?.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(".pem")).filter(|name| is_name(name));
        names.extend(name.map(String::from));
    }
    names.sort_unstable();
    Ok(names)
}

/// Seals a key into `dir/name.pem` (mode 0600), with its public text in `dir/name.pub`. When it returns, both outlast
/// a loss of power. It makes the folder, which only its owner enters, if need be.
///
/// The text is the verifier key or the JWK. For [`KeyKind::Raw32`] it is a remark, and goes behind a check value.
///
/// # Errors
/// [`Error::Exists`] if the key is there; [`Error::OtherPublic`] for the text of another key; a malformed name, a text longer than [`MAX_FILE_BYTES`], no randomness, a
/// failed operation.
pub fn create(
    dir: &Path,
    name: &str,
    key: &SecretKey,
    passphrase: &Passphrase,
    public_text: &str,
) -> Result<(), Error> {
    let (sealed, public) = (path_of(dir, name, "pem")?, path_of(dir, name, "pub")?);
    let text = public::text_of(key, public_text);
    if text.len() >= MAX_FILE_BYTES {
        return Err(Error::TooLong { path: public, limit: MAX_FILE_BYTES });
    }
    if !public::belongs(&text, key)? {
        return Err(Error::OtherPublic { path: sealed, public });
    }
    if exists(dir, name)? {
        return Err(Error::Exists { path: sealed });
    }
    let pem = wrapping::seal(key, &passphrase.0)?;
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(dir).map_err(Error::io("make", dir))?;
    // If we crash here: nothing, or a public text without a key, which the next attempt replaces.
    replace(&public, PUBLIC_MODE, format!("{text}\n").as_bytes())?;
    put_new(&sealed, PRIVATE_MODE, pem.as_bytes())?;
    // The folder itself may be new too.
    sync_parent(dir)
}

/// Opens the key `name`, which must be of this kind and the one that its public text names.
///
/// # Errors
/// A key or public text that is not there, a wrong passphrase (most damage to the file looks the same),
/// [`Error::OtherPublic`] if damage made another key of it or its public text is not its own, another kind of key, a
/// file sealed with other algorithms, or so that opening it would take too much work.
pub fn open(dir: &Path, name: &str, kind: KeyKind, passphrase: &Passphrase) -> Result<SecretKey, Error> {
    let path = path_of(dir, name, "pem")?;
    let pem = read_limited(&path, MAX_FILE_BYTES)?;
    let text = public_text(dir, name)?;
    let key = wrapping::open(&path, &pem, &passphrase.0)?;
    if key.kind != kind {
        return Err(Error::OtherKind { path, expected: kind, found: key.kind });
    }
    if public::belongs(&text, &key)? {
        Ok(key)
    } else {
        Err(Error::OtherPublic { path, public: path_of(dir, name, "pub")? })
    }
}

/// The public text of the key `name`, without its final newline.
///
/// # Errors
/// A text that is not there, is too long or not UTF-8.
pub fn public_text(dir: &Path, name: &str) -> Result<String, Error> {
    let path = path_of(dir, name, "pub")?;
    let bytes = read_limited(&path, MAX_FILE_BYTES)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.trim_end().into()),
        Err(_not_text) => Err(Error::Damaged { path, problem: "its text is not UTF-8".into() }),
    }
}

fn path_of(dir: &Path, name: &str, extension: &str) -> Result<PathBuf, Error> {
    if is_name(name) {
        Ok(dir.join(format!("{name}.{extension}")))
    } else {
        Err(Error::Name { name: name.chars().take(MAX_NAME_BYTES).collect() })
    }
}

/// Lowercase letters, digits and hyphens: nothing that leaves the folder or hides in it.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
}

fn read_limited(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing { path: path.into() });
        }
        other => other.map_err(Error::io("open", path))?,
    };
    // Room for all of it at once: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    let more_than_allowed = u64::try_from(limit).map_or(u64::MAX, |limit| limit + 1);
    file.take(more_than_allowed).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() > limit { Err(Error::TooLong { path: path.into(), limit }) } else { Ok(bytes) }
}

/// Creates a file in one step: whole and durable, or not at all. A file of that name stays.
fn put_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let staged = stage(path, mode, bytes)?;
    // Unlike a rename, a link never takes the place of a file that is there.
    let linked = fs::hard_link(&staged, path);
    fs::remove_file(&staged).map_err(Error::io("remove", &staged))?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::Exists { path: path.into() })
        }
        other => other.map_err(Error::io("create", path)).and_then(|()| sync_parent(path)),
    }
}

/// Replaces a file, or creates it, in one step.
fn replace(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let staged = stage(path, mode, bytes)?;
    fs::rename(&staged, path).map_err(Error::io("rename to", path))?;
    sync_parent(path)
}

/// Writes the bytes, durably, to a file beside `path`. What a crash left there is removed first, so that the mode is
/// the one asked for.
fn stage(path: &Path, mode: u32, bytes: &[u8]) -> Result<PathBuf, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let staged = PathBuf::from(name);
    match fs::remove_file(&staged) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other.map_err(Error::io("remove", &staged))?,
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&staged)
        .map_err(Error::io("create", &staged))?;
    file.write_all(bytes).map_err(Error::io("write", &staged))?;
    file.sync_all().map_err(Error::io("synchronise", &staged))?;
    Ok(staged)
}

fn sync_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => sync_folder(parent),
        Some(_) | None => sync_folder(Path::new(".")),
    }
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io("synchronise", path))
}

/// The order n of P-256, big-endian (SP 800-186 section 3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Only the owner reads and writes.
const PRIVATE_MODE: u32 = 0o600;

/// Everybody reads.
const PUBLIC_MODE: u32 = 0o644;

/// Only the owner lists and enters.
const FOLDER_MODE: u32 = 0o700;

/// Longest key file or public text in bytes. Ours take some 500.
pub const MAX_FILE_BYTES: usize = 8_192;

/// Longest passphrase file in bytes.
pub const MAX_PASSPHRASE_BYTES: usize = 1_024;

/// Longest name of a key in bytes.
const MAX_NAME_BYTES: usize = 64;
