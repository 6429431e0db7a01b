//! A secret as encrypted PKCS#8: the structure, the algorithms, the bounds.
//!
//! PBES2 (RFC 8018 section 6.2) with scrypt (RFC 7914) and AES-256-CBC, in PEM (RFC 7468 section 11).

use std::path::Path;

use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{Decode as _, Tag};
use pkcs8::pkcs5::{EncryptionScheme, pbes2, scrypt};
use pkcs8::spki::AlgorithmIdentifier;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use super::{Error, KeyKind, SecretKey};

/// Seals a key under a passphrase.
pub(super) fn seal(key: &SecretKey, passphrase: &[u8]) -> Result<Zeroizing<String>, Error> {
    let (mut salt, mut iv) = ([0; SALT_BYTES], [0; 16]);
    getrandom::fill(&mut salt).map_err(Error::Random)?;
    getrandom::fill(&mut iv).map_err(Error::Random)?;
    let cost = scrypt::Params::new(LOG_COST, BLOCK_SIZE, PARALLELISM).map_err(|_refused| Error::Cost)?;
    let scheme = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
        .map_err(|error| Error::Seal { problem: error.to_string() })?;
    let wrapped = wrap(key);
    OctetStringRef::new(&wrapped)
        .map_err(pkcs8::Error::from)
        .and_then(|inner| {
            PrivateKeyInfoRef::new(algorithm(key.kind), inner).encrypt_with_params(scheme, passphrase)
        })
        .and_then(|sealed| Ok(sealed.to_pem(PEM_LABEL, LineEnding::LF)?))
        .map_err(|error| Error::Seal { problem: error.to_string() })
}

/// Opens what [`seal`] made, also with other parameters within the bounds below. `path` is for errors only.
pub(super) fn open(path: &Path, pem: &[u8], passphrase: &[u8]) -> Result<SecretKey, Error> {
    let damaged = |problem: String| Error::Damaged { path: path.into(), problem };
    let pem = std::str::from_utf8(pem).map_err(|error| damaged(error.to_string()))?;
    let (label, sealed) = SecretDocument::from_pem(pem).map_err(|error| damaged(error.to_string()))?;
    if label != PEM_LABEL {
        return Err(damaged(format!("it is labelled {label:?} instead of {PEM_LABEL:?}")));
    }
    let sealed = EncryptedPrivateKeyInfoRef::from_der(sealed.as_bytes());
    let sealed = sealed.map_err(|error| damaged(error.to_string()))?;
    // Before any work is done: the parameters stand in the file.
    check_scheme(&sealed.encryption_algorithm).map_err(|problem| damaged(problem.into()))?;
    let wrong = || Error::WrongPassphrase { path: path.into() };
    // A wrong passphrase makes noise, whose padding looks right once in 256 times; then it is no PKCS#8.
    let document = sealed.decrypt(passphrase).map_err(|_noise| wrong())?;
    let info = PrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|_noise| wrong())?;
    unwrap(&info).ok_or_else(|| damaged("it holds a key of no kind that is known here".into()))
}

/// What stands in the `privateKey` of PKCS#8.
fn wrap(key: &SecretKey) -> Zeroizing<Vec<u8>> {
    let prefix = prefix(key.kind);
    // Room for all of it: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(prefix.len() + 32));
    bytes.extend_from_slice(prefix);
    bytes.extend_from_slice(key.danger_bytes());
    bytes
}

fn unwrap(info: &PrivateKeyInfoRef<'_>) -> Option<SecretKey> {
    let kind = [KeyKind::Ed25519, KeyKind::P256, KeyKind::Raw32]
        .into_iter()
        .find(|&kind| info.algorithm == algorithm(kind))?;
    let bytes = info.private_key.as_bytes().strip_prefix(prefix(kind))?.try_into().ok()?;
    SecretKey::new(kind, bytes).ok()
}

fn algorithm(kind: KeyKind) -> AlgorithmIdentifier<AnyRef<'static>> {
    let (oid, parameters) = match kind {
        // RFC 8410 section 3: the parameters are absent.
        KeyKind::Ed25519 => (ED25519, None),
        // RFC 5480 section 2.1.1: the parameters name the curve.
        KeyKind::P256 => (EC_PUBLIC_KEY, AnyRef::new(Tag::ObjectIdentifier, SECP256R1.as_bytes()).ok()),
        // RFC 8018 appendix B.1.2: the parameters are NULL.
        KeyKind::Raw32 => (HMAC_SHA256, Some(AnyRef::NULL)),
    };
    AlgorithmIdentifier { oid, parameters }
}

/// The bytes before the 32 secret ones: DER of everything whose lengths are fixed.
const fn prefix(kind: KeyKind) -> &'static [u8] {
    match kind {
        // RFC 8410 section 7: CurvePrivateKey ::= OCTET STRING.
        KeyKind::Ed25519 => &[0x04, 0x20],
        // RFC 5915 section 3: ECPrivateKey ::= SEQUENCE { 1, OCTET STRING }, both options absent.
        KeyKind::P256 => &[0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20],
        KeyKind::Raw32 => &[],
    }
}

fn check_scheme(scheme: &EncryptionScheme) -> Result<(), &'static str> {
    let scheme = scheme.pbes2().ok_or("it is not encrypted with PBES2")?;
    let scrypt = scheme.kdf.scrypt().ok_or("its key is not derived with scrypt")?;
    let pbes2::EncryptionScheme::Aes256Cbc { .. } = scheme.encryption else {
        return Err("it is not encrypted with AES-256-CBC");
    };
    if scrypt.cost_parameter > MAX_COST || scrypt.block_size > MAX_BLOCK_SIZE || scrypt.parallelization > 1 {
        return Err("its scrypt parameters ask for too much work");
    }
    Ok(())
}

/// RFC 7468 section 11.
const PEM_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// id-Ed25519 (RFC 8410 section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// id-ecPublicKey (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// secp256r1 (RFC 5480 section 2.1.1.1).
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// id-hmacWithSHA256 (RFC 8018 appendix B.1.2).
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");

/// log2 of scrypt's N. 2^14 with r = 8 takes 16 MiB: OpenSSL 3 refuses to open a file that takes 32.
const LOG_COST: u8 = 14;

/// scrypt's r (RFC 7914 section 2).
const BLOCK_SIZE: u32 = 8;

/// scrypt's p (RFC 7914 section 2).
const PARALLELISM: u32 = 1;

/// RFC 8018 section 4.1 asks for 8 at least.
const SALT_BYTES: usize = 16;

/// Largest N of a file that is opened: with r = 8 it takes 128 MiB and half a second.
const MAX_COST: u64 = 1 << 17;

/// Largest r of a file that is opened.
const MAX_BLOCK_SIZE: u16 = 8;
