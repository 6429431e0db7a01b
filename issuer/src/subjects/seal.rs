//! Keys from one master key, and what is sealed under them.

use std::sync::LazyLock;

use chacha20::{R20, hchacha};
use hmac::{Hmac, KeyInit as _, Mac as _};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
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

/// What is sealed under one key: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), whose nonce is long enough to be drawn at
/// random: a key of its own for each nonce by HChaCha20, then the ChaCha20-Poly1305 of RFC 8439. The key is wiped when it
/// is dropped.
#[derive(Clone)]
pub(crate) struct Sealer(Zeroizing<[u8; 32]>);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*key))
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
        let (text, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or_else(refused)?;
        *place = random()?;
        self.encrypt(place, context, text, tag).map_err(|_refused| refused())
    }

    /// What was sealed; `None` if it was not under this key and in this context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = self.open_in_place(context, &mut sealed)?.len();
        sealed.copy_within(NONCE_BYTES..NONCE_BYTES + plain, 0);
        sealed.truncate(plain);
        Some(sealed)
    }

    /// The same where the sealed bytes stand.
    pub(crate) fn open_in_place<'a>(&self, context: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_BYTES>()?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG_BYTES>()?;
        if self.decrypt(nonce, context, text, tag).is_err() {
            // What was deciphered before the tag was found to be wrong is nobody's business.
            text.zeroize();
            return None;
        }
        Some(text)
    }

    fn encrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        context: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_BYTES],
    ) -> Result<(), ErrorStack> {
        let (key, nonce) = self.derive(nonce);
        let mut cipher = CipherCtx::new()?;
        cipher.encrypt_init(
            Some(CIPHER.as_ref().map_err(ErrorStack::clone)?),
            Some(key.as_slice()),
            Some(&nonce),
        )?;
        cipher.cipher_update(context, None)?;
        let length = text.len();
        cipher.cipher_update_inplace(text, length)?;
        cipher.cipher_final(&mut [])?;
        cipher.tag(tag)
    }

    fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        context: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), ErrorStack> {
        let (key, nonce) = self.derive(nonce);
        let mut cipher = CipherCtx::new()?;
        cipher.decrypt_init(
            Some(CIPHER.as_ref().map_err(ErrorStack::clone)?),
            Some(key.as_slice()),
            Some(&nonce),
        )?;
        cipher.set_tag(tag)?;
        cipher.cipher_update(context, None)?;
        let length = text.len();
        cipher.cipher_update_inplace(text, length)?;
        cipher.cipher_final(&mut [])?;
        Ok(())
    }

    /// The key and the nonce of RFC 8439 for a long nonce.
    fn derive(&self, nonce: &[u8; NONCE_BYTES]) -> (Zeroizing<[u8; 32]>, [u8; 12]) {
        let mut head = [0; 16];
        let mut tail = [0; 12];
        let (first, last) = nonce.split_at(head.len());
        head.copy_from_slice(first);
        tail[4..].copy_from_slice(last);
        let key = hchacha::<R20>(&(*self.0).into(), &head.into());
        (Zeroizing::new(key.into()), tail)
    }
}

/// Looked up once: that takes longer than to seal a record.
static CIPHER: LazyLock<Result<Cipher, ErrorStack>> =
    LazyLock::new(|| Cipher::fetch(None, "ChaCha20-Poly1305", None));

/// Where the plain text begins that is to be sealed in place.
pub(crate) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// How much longer sealing makes.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Bytes of a keyed digest: RFC 2104 section 5 wants at least half of the hash.
pub(crate) const DIGEST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex")).collect()
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_published_vector_is_met_in_both_directions() {
        let key: [u8; 32] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|at| 0x40 + at as u8);
        let context = bytes("50515253c0c1c2c3c4c5c6c7");
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let expected = bytes(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e"
        ));
        let sealer = Sealer::new(&key);
        let (mut text, mut tag) = (plain.to_vec(), [0; TAG_BYTES]);
        sealer.encrypt(&nonce, &context, &mut text, &mut tag).expect("it is enciphered");
        assert_eq!(text, expected);
        assert_eq!(tag.as_slice(), bytes("c0875924c1c7987947deafd8780acf49"));
        let sealed = [nonce.as_slice(), &text, &tag].concat();
        assert_eq!(sealer.open(&context, &sealed).expect("it opens").as_slice(), plain);
    }
}
