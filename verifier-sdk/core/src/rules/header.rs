//! Pure. Rule 2: the credential is a compact JWS of the right type, alone or in a presentation.

use crate::format::Format;
use crate::jws::{Jws, JwsError, TokenType};
use crate::sd_jwt::{Presentation, PresentationError};
use crate::verdict::Reason;

/// What is shown: the credential, and the presentation around it if there is one.
pub(super) struct Shown<'a> {
    pub(super) token: Jws<'a>,
    pub(super) format: Format,
    pub(super) presentation: Option<Presentation<'a>>,
}

pub(super) fn read(shown: &[u8]) -> Result<Shown<'_>, Reason> {
    if !Presentation::is_claimed_by(shown) {
        // Whatever may be kept back in an SD-JWT, the first `~` of it may not.
        let (token, format) = parse(shown, &[TokenType::CREDENTIAL, TokenType::JWT_VC])?;
        return Ok(Shown { token, format, presentation: None });
    }
    let presentation = Presentation::parse(shown).map_err(|error| match error {
        PresentationError::TooLarge { .. } => Reason::PresentationTooLarge,
        PresentationError::Disclosure(_) | PresentationError::Form => Reason::PresentationMalformed,
    })?;
    let (token, format) = parse(presentation.token, &Format::ALL.map(Format::token_type))?;
    Ok(Shown { token, format, presentation: Some(presentation) })
}

fn parse<'a>(token: &'a [u8], expected: &[TokenType]) -> Result<(Jws<'a>, Format), Reason> {
    let token = Jws::parse_one_of(token, expected).map_err(|error| match error {
        JwsError::Algorithm => Reason::HeaderAlgorithm,
        JwsError::Base64 { .. } | JwsError::Json { .. } | JwsError::Parts => Reason::CredentialMalformed,
        JwsError::ForbiddenMember { .. } => Reason::HeaderForbiddenMember,
        JwsError::KeyId => Reason::HeaderKeyId,
        JwsError::TooLarge { .. } => Reason::CredentialTooLarge,
        JwsError::WrongType { .. } => Reason::HeaderWrongType,
    })?;
    let format = Format::from_typ(token.header().typ).ok_or(Reason::HeaderWrongType)?;
    Ok((token, format))
}
