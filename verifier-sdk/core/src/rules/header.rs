//! Pure. Rule 2: the credential is a compact JWS of the right type, alone or in a presentation.

use crate::jws::{Jws, JwsError, TokenType};
use crate::sd_jwt::{Presentation, PresentationError};
use crate::verdict::Reason;

/// What is shown: the credential, and the presentation around it if there is one.
pub(super) struct Shown<'a> {
    pub(super) token: Jws<'a>,
    pub(super) presentation: Option<Presentation<'a>>,
}

pub(super) fn read(shown: &[u8]) -> Result<Shown<'_>, Reason> {
    if !Presentation::is_claimed_by(shown) {
        let token = parse(shown, &[TokenType::CREDENTIAL])?;
        return Ok(Shown { token, presentation: None });
    }
    let presentation = Presentation::parse(shown).map_err(|error| match error {
        PresentationError::TooLarge { .. } => Reason::PresentationTooLarge,
        PresentationError::Disclosure(_) | PresentationError::Form => Reason::PresentationMalformed,
    })?;
    let token = parse(presentation.token, &[TokenType::CREDENTIAL, TokenType::SD_CREDENTIAL])?;
    Ok(Shown { token, presentation: Some(presentation) })
}

fn parse<'a>(token: &'a [u8], expected: &[TokenType]) -> Result<Jws<'a>, Reason> {
    Jws::parse_one_of(token, expected).map_err(|error| match error {
        JwsError::Algorithm => Reason::HeaderAlgorithm,
        JwsError::Base64 { .. } | JwsError::Json { .. } | JwsError::Parts => Reason::CredentialMalformed,
        JwsError::ForbiddenMember { .. } => Reason::HeaderForbiddenMember,
        JwsError::KeyId => Reason::HeaderKeyId,
        JwsError::TooLarge { .. } => Reason::CredentialTooLarge,
        JwsError::WrongType { .. } => Reason::HeaderWrongType,
    })
}
