//! Pure. Rule 4: what is disclosed is what was signed.

use crate::credential::{IN_THE_CLEAR, check_disclosed, document};
use crate::format::Format;
use crate::json::Json;
use crate::jws::Jws;
use crate::sd_jwt::{DisclosureError, Hidden, Presentation, hides_more, reveal};
use crate::verdict::Reason;

/// The document that is shown; `None` where nothing can be hidden: that of the payload itself.
pub(super) fn check(
    token: &Jws<'_>,
    format: Format,
    presentation: Option<&Presentation<'_>>,
) -> Result<Option<Json>, Reason> {
    let disclosures = presentation.map_or(&[][..], |shown| &shown.disclosures);
    let hidden = match format {
        Format::DcSdJwt => Hidden::Outside(IN_THE_CLEAR),
        // Here the names that hide mean nothing, so that no digest leads anywhere.
        Format::JwtVcJson | Format::VcJwt if disclosures.is_empty() => return Ok(None),
        Format::JwtVcJson | Format::VcJwt => return Err(Reason::DisclosureUnreferenced),
        Format::VcSdJwt => Hidden::Inside("credentialSubject"),
    };
    let claims = reveal(token.payload(), disclosures, hidden).map_err(reason)?;
    let shown = document(format, claims);
    check_disclosed(&shown).map_err(|_broken| Reason::CredentialNonconforming)?;
    Ok(Some(shown))
}

/// Whether claims were kept back: a digest of the credential or of a disclosure has none that leads to it.
pub(super) fn hides(token: &Jws<'_>, format: Format, shown: &Presentation<'_>) -> bool {
    format.is_selective() && hides_more(token.payload(), &shown.disclosures)
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
