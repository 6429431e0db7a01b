//! Pure. Rule 4: what is disclosed is what was signed.

use crate::credential::check_disclosed;
use crate::json::Json;
use crate::jws::{Jws, TokenType};
use crate::sd_jwt::{DisclosureError, Hidden, Presentation, hides_more, reveal};
use crate::verdict::Reason;

/// The claims that are shown; `None` where nothing can be hidden: the payload itself.
pub(super) fn check(
    token: &Jws<'_>,
    presentation: Option<&Presentation<'_>>,
) -> Result<Option<Json>, Reason> {
    let disclosures = presentation.map_or(&[][..], |shown| &shown.disclosures);
    if token.header().typ != TokenType::SD_CREDENTIAL.typ {
        // Here the names that hide mean nothing, so that no digest leads anywhere.
        return if disclosures.is_empty() { Ok(None) } else { Err(Reason::DisclosureUnreferenced) };
    }
    let claims = reveal(token.payload(), disclosures, Hidden::Inside("credentialSubject")).map_err(reason)?;
    check_disclosed(&claims).map_err(|_broken| Reason::CredentialNonconforming)?;
    Ok(Some(claims))
}

/// Whether claims were kept back: a digest of the credential or of a disclosure has none that leads to it.
pub(super) fn hides(token: &Jws<'_>, shown: &Presentation<'_>) -> bool {
    token.header().typ == TokenType::SD_CREDENTIAL.typ && hides_more(token.payload(), &shown.disclosures)
}

const fn reason(error: DisclosureError) -> Reason {
    match error {
        DisclosureError::ForbiddenName => Reason::DisclosureForbiddenName,
        DisclosureError::Malformed => Reason::DisclosureMalformed,
        DisclosureError::Nonconforming => Reason::CredentialNonconforming,
        DisclosureError::Overwrites => Reason::DisclosureOverwrites,
        DisclosureError::Repeated => Reason::DisclosureRepeated,
        DisclosureError::Unreferenced => Reason::DisclosureUnreferenced,
    }
}
