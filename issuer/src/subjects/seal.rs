//! Keys from one master key, and what is sealed under them.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{Aead as _, AeadInOut as _, KeyInit as _, Payload};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::random::random;
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

/// What is sealed under one key: XChaCha20-Poly1305, whose nonce is long enough to be drawn at random. The key is wiped
/// when it is dropped.
#[derive(Clone)]
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Nonce, ciphertext and tag. `context` is not in it, but must be the same when it is opened.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; SEAL_BYTES + plain.len()];
        bytes[NONCE_BYTES..NONCE_BYTES + plain.len()].copy_from_slice(plain);
        self.seal_in_place(context, &mut bytes)?;
        Ok(bytes)
    }

    /// The same where the plain text stands: behind the place of the nonce, which is [`NONCE_BYTES`] long, and before
    /// that of the tag. After an error nothing of it is left.
    pub(crate) fn seal_in_place(&self, context: &[u8], bytes: &mut [u8]) -> Result<(), StoreError> {
        let sealed = self.try_seal(context, bytes);
        if sealed.is_err() {
            bytes.zeroize();
        }
        sealed
    }

    fn try_seal(&self, context: &[u8], bytes: &mut [u8]) -> Result<(), StoreError> {
        let length = bytes.len();
        // The cipher refuses more than 2^38 bytes only.
        let refused = || StoreError::TooLong { bytes: length };
        let (place, rest) = bytes.split_first_chunk_mut::<NONCE_BYTES>().ok_or_else(refused)?;
        let (text, place_of_tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or_else(refused)?;
        *place = random()?;
        let (nonce, text) = (XNonce::from(*place), InOutBuf::from(text));
        let tag = self.0.encrypt_inout_detached(&nonce, context, text).map_err(|_refused| refused())?;
        *place_of_tag = tag.into();
        Ok(())
    }

    /// What was sealed; `None` if it was not under this key and in this context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: context };
        self.0.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    /// The same where the sealed bytes stand.
    pub(crate) fn open_in_place<'a>(&self, context: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_BYTES>()?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG_BYTES>()?;
        let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
        self.0.decrypt_inout_detached(&nonce, context, InOutBuf::from(&mut *text), &tag).ok()?;
        Some(text)
    }
}

/// Where the plain text begins that is to be sealed in place.
pub(crate) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// How much longer sealing makes.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Bytes of a keyed digest: RFC 2104 section 5 wants at least half of the hash.
pub(crate) const DIGEST_BYTES: usize = 16;
