//! Keys from one master key, and what is sealed under them.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::journal::StoreError;

/// The key material that everything the issuer keeps is sealed under, directly or not: the key file `subjects`.
pub struct Master(Zeroizing<[u8; 32]>);

impl Master {
    /// Takes over 32 random bytes. The caller wipes its own copy.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// A key of its own for each purpose: HKDF-Expand of RFC 5869 section 2.3, of which one block is enough; the
    /// master key is random and needs no extraction.
    pub(crate) fn derive(&self, purpose: &'static str) -> Zeroizing<[u8; 32]> {
        let block = keyed_hash(&self.0).chain_update(purpose).chain_update([1]).finalize();
        Zeroizing::new(block.into_bytes().into())
    }
}

/// Digests under a key (RFC 2104), cut to 128 bits: whoever lacks the key can neither guess nor compare.
pub(crate) struct Digester(Hmac<Sha256>);

impl Digester {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(keyed_hash(key))
    }

    /// The digest of some parts. Each is prefixed by its length, so that no two lists of parts are alike.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> [u8; DIGEST_BYTES] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        std::array::from_fn(|position| full[position])
    }
}

/// HMAC-SHA-256 under a key of 32 bytes, which RFC 2104 fills up with zeros to a block of the hash.
pub(crate) fn keyed_hash(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    for (byte, from) in block.iter_mut().zip(key) {
        *byte = *from;
    }
    Hmac::new(&(*block).into())
}

/// What is sealed under one key: XChaCha20-Poly1305, whose nonce is long enough to be drawn at random.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&(*key).into()))
    }

    /// Nonce, ciphertext and tag. `context` is not in it, but must be the same when it is opened.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce = random::<NONCE_BYTES>()?;
        let payload = Payload { msg: plain, aad: context };
        // The cipher refuses more than 2^38 bytes only.
        let too_long = |_refused| StoreError::TooLong { bytes: plain.len() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(too_long)?;
        Ok([&nonce, sealed.as_slice()].concat())
    }

    /// What was sealed; `None` if it was not under this key and in this context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: context };
        self.0.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| StoreError::Random { source })?;
    Ok(bytes)
}

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// How much longer sealing makes.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Bytes of a keyed digest: RFC 2104 section 5 wants at least half of the hash.
pub(crate) const DIGEST_BYTES: usize = 16;
