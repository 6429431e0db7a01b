//! Pure. Rule 3: a key of an issuer that is believed has signed it.

use sillok_log::entry::Thumbprint;

use crate::credential::issuer_url;
use crate::jws::Jws;
use crate::key::{PublicKey, SignatureError};
use crate::signatures::Signatures;
use crate::trust::{Issuers, Standing};
use crate::verdict::Reason;

/// A credential whose signature verified.
pub(super) struct Signed<'a> {
    /// What was signed.
    pub(super) signing_input: &'a [u8],
    /// The key that verified, which may differ from all that the evidence names.
    pub(super) thumbprint: Thumbprint,
    /// How far that key is good.
    pub(super) standing: &'a Standing,
}

pub(super) fn check<'a>(
    token: &Jws<'a>,
    issuers: &'a Issuers,
    signatures: &dyn Signatures,
) -> Result<Signed<'a>, Reason> {
    // The issuer is looked up by what the unverified payload claims. That is safe: a false claim finds the keys of
    // somebody who did not sign this.
    let keys =
        token.claimed_issuer().and_then(|id| issuers.get(&*issuer_url(id))).ok_or(Reason::IssuerUnknown)?;
    let (thumbprint, key) = keys.get_key_value(&token.header().key_id).ok_or(Reason::IssuerKeyUnknown)?;
    verify(token, &key.key, signatures)?;
    Ok(Signed { signing_input: token.signing_input(), thumbprint: *thumbprint, standing: &key.standing })
}

pub(super) fn verify(token: &Jws<'_>, key: &PublicKey, signatures: &dyn Signatures) -> Result<(), Reason> {
    token.verify_with(signatures, key).map_err(|error| match error {
        SignatureError::Algorithm { .. } => Reason::SignatureAlgorithm,
        SignatureError::Invalid => Reason::SignatureInvalid,
    })
}
