//! Pure. Rule 2: the credential is a compact JWS of the right type.

use crate::jws::{Jws, JwsError, TokenType};
use crate::verdict::Reason;

pub(super) fn read(credential: &[u8]) -> Result<Jws<'_>, Reason> {
    Jws::parse(credential, TokenType::CREDENTIAL).map_err(|error| match error {
        JwsError::Algorithm => Reason::HeaderAlgorithm,
        JwsError::Base64 { .. } | JwsError::Json { .. } | JwsError::Parts => Reason::CredentialMalformed,
        JwsError::ForbiddenMember { .. } => Reason::HeaderForbiddenMember,
        JwsError::KeyId => Reason::HeaderKeyId,
        JwsError::TooLarge { .. } => Reason::CredentialTooLarge,
        JwsError::WrongType { .. } => Reason::HeaderWrongType,
    })
}
