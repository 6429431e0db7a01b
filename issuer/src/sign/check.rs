//! The check of a signature by whoever holds the secret: the equation of FIPS 186-5 section 6.4.2 in its short form.
//!
//! Verifying computes R' = (e/s)·G + (r/s)·Q. With Q = d·G that is ((e + r·d)/s)·G: one multiplication of the generator,
//! for which OpenSSL has a table, instead of two points. It costs a fourth of a verification and finds the same faults:
//! no signature passes one and fails the other.

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::ops::Reduce as _;
use p256::{FieldBytes, NonZeroScalar, Scalar};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A P-256 secret that checks what was signed with it.
pub(super) struct SelfCheck {
    group: EcGroup,
    secret: Zeroizing<NonZeroScalar>,
}

impl SelfCheck {
    /// Takes over a scalar; nothing if it is not one of P-256.
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()?;
        let secret = NonZeroScalar::from_repr((*secret).into()).into_option()?;
        Some(Self { group, secret: Zeroizing::new(secret) })
    }

    /// Whether `signature`, r ‖ s, is one of `message` under this secret. A failure of the library is a no.
    pub(super) fn accepts(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.verify(message, signature).unwrap_or(false)
    }

    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<bool, ErrorStack> {
        let (r, s) = signature.split_at(32);
        let scalar = |bytes: &[u8]| {
            let bytes = FieldBytes::try_from(bytes).ok()?;
            NonZeroScalar::from_repr(bytes).into_option()
        };
        let (Some(r), Some(s)) = (scalar(r), scalar(s)) else { return Ok(false) };
        let digest = Scalar::reduce(&FieldBytes::from(<[u8; 32]>::from(Sha256::digest(message))));
        // It is the nonce of the signature or its negative: as secret as the key.
        // The signature is no secret: its numbers may be inverted in varying time.
        let Some(inverse) = Scalar::invert_vartime(&s).into_option() else { return Ok(false) };
        let nonce = Zeroizing::new((digest + *r * **self.secret) * inverse);
        let bytes = Zeroizing::new(<[u8; 32]>::from(nonce.to_repr()));
        let mut factor = BigNum::from_slice(bytes.as_slice())?;
        factor.set_const_time();
        let mut context = BigNumContext::new()?;
        let mut point = EcPoint::new(&self.group)?;
        point.mul_generator2(&self.group, &factor, &mut context)?;
        if point.is_infinity(&self.group) {
            return Ok(false);
        }
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        point.affine_coordinates(&self.group, &mut x, &mut y, &mut context)?;
        factor.clear();
        let x = x.to_vec_padded(32)?;
        let Ok(x) = FieldBytes::try_from(x.as_slice()) else { return Ok(false) };
        Ok(Scalar::reduce(&x) == *r)
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::{Signer as _, Verifier as _};
    use p256::ecdsa::{Signature, SigningKey};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_and_the_order_are_no_secrets() {
        assert!(SelfCheck::new(&[0; 32]).is_none());
        assert!(SelfCheck::new(&[0xff; 32]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against the pure-Rust verifier: with the signature as it is, with the other s, with one bit flipped, with
        /// another message.
        #[test]
        fn it_says_what_a_verification_says(
            secret in any::<[u8; 32]>(),
            message in proptest::collection::vec(any::<u8>(), 0..200),
            bit in 0_usize..512,
            negate in any::<bool>(),
        ) {
            let (Some(check), Ok(key)) = (SelfCheck::new(&secret), SigningKey::from_slice(&secret)) else {
                return Ok(());
            };
            let agrees = |message: &[u8], signature: &Signature| {
                let verified = key.verifying_key().verify(message, signature).is_ok();
                (check.accepts(message, &signature.to_bytes().into()), verified)
            };
            let signature: Signature = key.sign(&message);
            let (r, s) = signature.split_scalars();
            let s = if negate { -*s } else { *s };
            let signature = Signature::from_scalars(*r, s).expect("its negative is not zero either");
            prop_assert_eq!(agrees(&message, &signature), (true, true));
            let mut flipped: [u8; 64] = signature.to_bytes().into();
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!check.accepts(&message, &flipped));
            let other = [message.as_slice(), b"x"].concat();
            prop_assert_eq!(agrees(&other, &signature), (false, false));
        }
    }

    #[test]
    fn a_signature_with_zero_or_an_overlong_number_is_none() {
        let check = SelfCheck::new(&[7; 32]).expect("a scalar");
        let key = SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let signature: Signature = key.sign(b"message");
        let good: [u8; 64] = signature.to_bytes().into();
        assert!(check.accepts(b"message", &good));
        for (half, byte) in [(0..32, 0), (32..64, 0), (0..32, 0xff), (32..64, 0xff)] {
            let mut bad = good;
            bad[half].fill(byte);
            assert!(!check.accepts(b"message", &bad));
        }
    }
}
