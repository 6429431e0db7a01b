//! The signature alone, by the library that the issuer signs with, without the issuer's check of it.

use anyhow::{Context as _, Result};
use josekit::jwk::Jwk;
use josekit::jws::{ES256, JwsSigner};
use sillok_issuer::sign::{SignError, Signer};
use sillok_log::entry::Thumbprint;
use sillok_verifier::encoding::decode_base64url_exact;
use sillok_verifier::key::{PublicKey, lower_s};

/// A new key of ES256.
pub(super) struct Plain {
    signer: Box<dyn JwsSigner>,
    public_key: PublicKey,
    thumbprint: Thumbprint,
}

impl Plain {
    pub(super) fn generate() -> Result<Self> {
        let key = Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).context("generate a key")?;
        let coordinate = |name| {
            let text = key.parameter(name).and_then(|value| value.as_str());
            text.and_then(|text| decode_base64url_exact::<32>(text.as_bytes())).context("read the public key")
        };
        let public_key = PublicKey::p256(&coordinate("x")?, &coordinate("y")?)?;
        let signer = Box::new(ES256.signer_from_jwk(&key).context("take over the key")?);
        Ok(Self { signer, public_key, thumbprint: public_key.thumbprint() })
    }
}

impl Signer for Plain {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.signer.sign(signing_input).map_err(|source| SignError::Sign { source })?;
        lower_s(&signature).map(|lower| lower.to_vec()).ok_or(SignError::SelfCheck)
    }
}
