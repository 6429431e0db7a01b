//! Challenges for key proofs (`c_nonce`): sealed times under a key that lives as long as the process. None is kept before it
//! is used; a used one is remembered until it would have expired, and none outlasts a restart.

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};

use super::used::{Use, Used};
use crate::journal::StoreError;
use crate::subjects::{Sealer, random};

/// Makes and takes nonces.
pub(super) struct Nonces {
    sealer: Sealer,
    used: Used,
}

/// Why a nonce is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It was not made here lately, has expired, or was used.
    Invalid,
    /// Too many are in use.
    Busy,
}

impl Nonces {
    /// # Errors
    /// The operating system gives no randomness.
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self { sealer: Sealer::new(&random()?), used: Used::new(LIFE_SECONDS, MAX_USED) })
    }

    /// A new nonce.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    //= specs/openid.md#nonces
    pub(super) fn make(&self, now: UnixSeconds) -> Result<String, StoreError> {
        self.sealer.seal(CONTEXT, &now.0.to_be_bytes()).map(|sealed| encode_base64url(&sealed))
    }

    /// Whether a nonce is one of ours and still good. It is not used up.
    pub(super) fn check(&self, nonce: &str, now: UnixSeconds) -> Result<(), Refused> {
        self.open(nonce, now).map(drop)
    }

    /// Uses a nonce, once.
    pub(super) fn take(&self, nonce: &str, now: UnixSeconds) -> Result<(), Refused> {
        match self.used.take(self.open(nonce, now)?, now) {
            Use::First => Ok(()),
            Use::Full => Err(Refused::Busy),
            Use::Repeated => Err(Refused::Invalid),
        }
    }

    /// The random part of a nonce that is still good.
    fn open(&self, nonce: &str, now: UnixSeconds) -> Result<[u8; 16], Refused> {
        if nonce.len() > MAX_NONCE_BYTES {
            return Err(Refused::Invalid);
        }
        let sealed = decode_base64url(nonce.as_bytes()).ok_or(Refused::Invalid)?;
        let made = self.sealer.open(CONTEXT, &sealed).ok_or(Refused::Invalid)?;
        let made = made.as_slice().try_into().map(u64::from_be_bytes).map_err(|_length| Refused::Invalid)?;
        if now.0 >= made.saturating_add(LIFE_SECONDS) {
            return Err(Refused::Invalid);
        }
        sealed.first_chunk().copied().ok_or(Refused::Invalid)
    }
}

/// How long a nonce is good for, in seconds: a person confirms in the wallet between asking for one and using it.
pub(super) const LIFE_SECONDS: u64 = 300;

/// So that what is sealed for something else is never a nonce.
const CONTEXT: &[u8] = b"sillok/openid/nonce/v1";

/// 48 bytes in base64url take 64.
const MAX_NONCE_BYTES: usize = 64;

/// Used nonces that are remembered in one life of a nonce: 1,700 requests for credentials a second, 30 MiB.
const MAX_USED: usize = 1 << 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_within_its_life_and_at_its_maker() {
        let nonces = Nonces::new().unwrap();
        let at = UnixSeconds;
        let nonce = nonces.make(at(1_000)).unwrap();
        assert_ne!(nonce, nonces.make(at(1_000)).unwrap());
        assert_eq!(nonces.check(&nonce, at(1_000)), Ok(()));
        assert_eq!(nonces.take(&nonce, at(1_000 + LIFE_SECONDS - 1)), Ok(()));
        assert_eq!(nonces.take(&nonce, at(1_000 + LIFE_SECONDS - 1)), Err(Refused::Invalid));
        let late = nonces.make(at(1_000)).unwrap();
        assert_eq!(nonces.take(&late, at(1_000 + LIFE_SECONDS)), Err(Refused::Invalid));
        let other = Nonces::new().unwrap();
        assert_eq!(other.take(&nonces.make(at(1_000)).unwrap(), at(1_000)), Err(Refused::Invalid));
    }

    #[test]
    fn a_damaged_nonce_is_none() {
        let nonces = Nonces::new().unwrap();
        let nonce = nonces.make(UnixSeconds(5)).unwrap();
        for position in 0..nonce.len() {
            let mut damaged = nonce.clone().into_bytes();
            damaged[position] = if damaged[position] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(nonces.check(&damaged, UnixSeconds(5)), Err(Refused::Invalid), "{position}");
            assert_eq!(nonces.check(&nonce[..position], UnixSeconds(5)), Err(Refused::Invalid));
        }
        assert_eq!(nonces.check(&format!("{nonce}AAAA"), UnixSeconds(5)), Err(Refused::Invalid));
    }
}
