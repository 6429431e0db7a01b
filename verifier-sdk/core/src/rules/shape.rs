//! Pure. Rule 4: the payload is one of our credentials.

use crate::credential::{Credential, CredentialError};
use crate::format::Format;
use crate::jws::Jws;
use crate::verdict::Reason;

pub(super) fn check(token: &Jws<'_>, format: Format) -> Result<Credential, Reason> {
    Credential::parse_as(format, token.payload()).map_err(|error| match error {
        CredentialError::IssuerMismatch => Reason::CredentialIssuerMismatch,
        CredentialError::Nonconforming { .. } => Reason::CredentialNonconforming,
    })
}
