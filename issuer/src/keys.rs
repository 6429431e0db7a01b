//! The issuer's keys: made once, sealed in files, and what happens to them later.

use std::path::Path;

use sillok_log::TreeSize;
use sillok_log::entry::Thumbprint;
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_registry::sealed::{self, KeyKind, Passphrase, SecretKey};
use sillok_verifier::key::Algorithm;

use crate::config::Predecessor;
use crate::sign::{FileSigner, SignError, Signer as _};
use crate::subjects::Master;

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// A new key takes over; the present one is retired.
    Rotate {
        /// What the new key signs with; as configured if absent.
        algorithm: Option<Algorithm>,
    },
    /// A key signs no more. Another one must be there.
    Retire {
        /// Which.
        key: Thumbprint,
    },
    /// Somebody else may have a key. If it is the present one, a new one takes over.
    Compromise {
        /// Which.
        key: Thumbprint,
        /// The first leaf index that is not good any more; the present size if absent.
        cut: Option<u64>,
        /// The same in logs before this one, by origin; where a log is not named, all of it up to an earlier end of the key.
        cuts_before: Vec<(String, u64)>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that ended.
    pub key: Thumbprint,
    /// The key that took over, if one did.
    pub replaced_by: Option<Thumbprint>,
    /// The first leaf index that is not good for the ended key.
    pub cut: TreeSize,
    /// The same in the logs before this one, by origin.
    pub cuts_before: Vec<(String, TreeSize)>,
    /// Sequence of the root that says so.
    pub root_sequence: u64,
}

/// The keys that do not sign credentials.
pub(crate) struct ServiceKeys {
    /// Signs roots.
    pub(crate) root: SignerKey,
    /// Signs feeds.
    pub(crate) feed: SignerKey,
    /// What everything that is kept is sealed under.
    pub(crate) master: Master,
}

impl ServiceKeys {
    /// Opens the keys, makes those that are not there. The name of a key is of the log under which it was made: `origin`,
    /// or one of those before it.
    pub(crate) fn open(
        folder: &Path,
        (origin, before): (&str, &[Predecessor]),
        passphrase: &Passphrase,
    ) -> Result<Self, sealed::Error> {
        let note_key = |name: &str| {
            let full_name = format!("{origin}/{name}");
            if !sealed::exists(folder, name)? {
                let secret = SecretKey::generate(KeyKind::Ed25519)?;
                let vkey = secret.signer(&full_name)?.verifier().to_string();
                sealed::create(folder, name, &secret, passphrase, &vkey)?;
            }
            let text = sealed::public_text(folder, name)?;
            let earlier = before.iter().map(|before| format!("{}/{name}", before.log.name()));
            let is_its = |full_name: &String| {
                VerifierKey::parse(&text).is_ok_and(|public| public.name() == full_name.as_str())
            };
            let full_name = earlier.into_iter().find(is_its).unwrap_or(full_name);
            let signer = sealed::open(folder, name, KeyKind::Ed25519, passphrase)?.signer(&full_name)?;
            // The name too: the key of another log's issuer signs nothing here.
            check_public(folder, name, &signer.verifier().to_string())?;
            Ok(signer)
        };
        let (root, feed) = (note_key("root")?, note_key("feed")?);
        if !sealed::exists(folder, SUBJECTS)? {
            let secret = SecretKey::generate(KeyKind::Raw32)?;
            sealed::create(folder, SUBJECTS, &secret, passphrase, "key material, without a public part")?;
        }
        let secret = sealed::open(folder, SUBJECTS, KeyKind::Raw32, passphrase)?;
        Ok(Self { root, feed, master: Master::new(secret.danger_bytes()) })
    }
}

/// Name of the `number`th credential-signing key.
pub(crate) fn name(number: usize) -> String {
    format!("issuer-{number}")
}

/// Opens the credential-signing key `name`, makes it if it is not there.
pub(crate) fn credential_key(
    folder: &Path,
    name: &str,
    algorithm: Algorithm,
    passphrase: &Passphrase,
) -> Result<FileSigner, CredentialKeyError> {
    if !sealed::exists(folder, name).map_err(CredentialKeyError::Sealed)? {
        let kind = kind_of(algorithm);
        let secret = SecretKey::generate(kind).map_err(CredentialKeyError::Sealed)?;
        let signer = FileSigner::new(algorithm, secret.danger_bytes()).map_err(CredentialKeyError::Sign)?;
        let jwk = signer.public_key().to_jwk_json();
        sealed::create(folder, name, &secret, passphrase, &jwk).map_err(CredentialKeyError::Sealed)?;
    }
    // The public text says which kind the file holds: a key outlives the setting that it was made under.
    let text = sealed::public_text(folder, name).map_err(CredentialKeyError::Sealed)?;
    let algorithm = if text.contains(r#""kty":"EC""#) { Algorithm::Es256 } else { Algorithm::EdDsa };
    let kind = kind_of(algorithm);
    let secret = sealed::open(folder, name, kind, passphrase).map_err(CredentialKeyError::Sealed)?;
    let signer = FileSigner::new(algorithm, secret.danger_bytes()).map_err(CredentialKeyError::Sign)?;
    check_public(folder, name, &signer.public_key().to_jwk_json()).map_err(CredentialKeyError::Sealed)?;
    Ok(signer)
}

/// Whether the public text beside a key is its own: what others are told to trust is what signs.
fn check_public(folder: &Path, name: &str, expected: &str) -> Result<(), sealed::Error> {
    if sealed::public_text(folder, name)? == expected {
        return Ok(());
    }
    let path = folder.join(format!("{name}.pub"));
    Err(sealed::Error::Damaged { path, problem: format!("it is not {expected:?}, which is the key's own") })
}

const fn kind_of(algorithm: Algorithm) -> KeyKind {
    match algorithm {
        Algorithm::EdDsa => KeyKind::Ed25519,
        _ => KeyKind::P256,
    }
}

/// Why there is no key to sign credentials with.
#[derive(Debug)]
pub enum CredentialKeyError {
    /// The file cannot be made or opened.
    Sealed(sealed::Error),
    /// The key does not sign.
    Sign(SignError),
}

impl std::fmt::Display for CredentialKeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sealed(error) => write!(f, "key file is refused: {error}"),
            Self::Sign(error) => write!(f, "credential-signing key is refused: {error}"),
        }
    }
}

impl std::error::Error for CredentialKeyError {}

/// Name of the key material.
const SUBJECTS: &str = "subjects";
