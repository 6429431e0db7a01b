//! Pure. The rules of a verification in their order; the first that fails decides.
//!
//! Each rule takes what the rules before it have established, so that no rule can run before its ground is laid: the
//! compiler keeps the order of specs/verification.md.

use alloc::string::String;

use sillok_log::UnixSeconds;
use sillok_log::entry::Thumbprint;

use crate::acceptance::{Decision, Outlook};
use crate::clock::Clock;
use crate::credential::{document, issuer_url};
use crate::evidence::Evidence;
use crate::holder;
use crate::key::{Algorithm, PublicKey};
use crate::memory::Memory;
use crate::policy::{Place, Policy};
use crate::signatures::RustCrypto;
use crate::trust::Trust;
use crate::verdict::{Claims, Facts, Reason};

mod cut;
mod disclosures;
mod header;
mod inclusion;
mod place;
mod shape;
mod signature;
mod status;
mod trust;
mod validity;

/// Rules 1 to 10. `kept` becomes the memory of a valid verdict; of any other only its alarms count.
//= specs/verification.md#rules
pub(crate) fn decide(
    evidence: &Evidence<'_>,
    trust: &Trust,
    kept: &mut Memory,
    policy: &Policy<'_>,
    clock: Clock,
) -> Result<Facts, Reason> {
    let now = clock.now;
    trust::check(trust, now)?;
    clock.behind(trust, kept)?;
    let header::Shown { token, format, presentation } = header::read(evidence.credential)?;
    let presentation = presentation.as_ref();
    let signed = signature::check(&token, trust.issuers(), policy.signatures())?;
    let credential = shape::check(&token, format)?;
    let shown = disclosures::check(&token, format, presentation)?;
    validity::check(&credential, now)?;
    let logged = inclusion::check(evidence.receipt, &signed, trust, kept)?;
    cut::check(&signed, &logged)?;
    let status = status::check(evidence, &credential, &logged, trust, kept, now)?;
    // Once more: memory has seen the receipt and the status files in between, and what they state of the time.
    let clock_behind = clock.behind(trust, kept)?;
    let key = credential.holder.as_ref();
    let holder = holder::check(policy.holder(), key, presentation, policy.signatures(), now)?;
    let hides = presentation.is_some_and(|shown| disclosures::hides(&token, format, shown));
    let claims = Claims::new(shown.unwrap_or_else(|| document(format, token.into_payload())));
    let place =
        policy.place().map(|place| place::check(place, trust, claims.json(), hides, now)).transpose()?;
    Ok(Facts {
        format,
        issuer: credential.issuer,
        key: signed.thumbprint,
        origin: logged.origin,
        index: logged.index,
        checkpoint_size: logged.size,
        witnesses: trust.witnesses(),
        status,
        anchoring: trust.anchoring(),
        holder,
        claims,
        place,
        valid_from: credential.valid_from,
        valid_until: credential.valid_until,
        clock_behind,
    })
}

/// What a place decides about claims that nobody has checked.
pub(crate) fn unverified_decision(
    credential: &[u8],
    trust: &Trust,
    place: Place<'_>,
    now: UnixSeconds,
) -> Result<(Decision, Outlook), Reason> {
    let header::Shown { token, format, presentation } = header::read(credential)?;
    let shown = disclosures::check(&token, format, presentation.as_ref())?;
    let claims = shown.unwrap_or_else(|| document(format, token.into_payload()));
    let set = trust.rule_set(place.jurisdiction()).ok_or(Reason::RulesUnknownPlace)?;
    Ok((set.decide(place.class(), &claims, now), set.outlook(place.class(), &claims, now)))
}

/// Rule 2, and the issuer that the credential claims before anything else of it is checked.
pub(crate) fn claimed_issuer(evidence: &Evidence<'_>) -> Result<String, Reason> {
    let shown = header::read(evidence.credential)?;
    shown.token.claimed_issuer().map(|id| issuer_url(id).into_owned()).ok_or(Reason::IssuerUnknown)
}

/// Rules 2 to 5 for a credential that is not logged yet, as if this were the issuer's one key. Without `public` the
/// signature itself was checked by whoever made it.
pub(crate) fn decide_issued(
    credential: &[u8],
    issuer: &str,
    (thumbprint, algorithm): (Thumbprint, Algorithm),
    public: Option<&PublicKey>,
    now: UnixSeconds,
) -> Result<(), Reason> {
    let header::Shown { token, format, presentation } = header::read(credential)?;
    // An issuer hands out no key-binding token: it has not the key.
    if presentation.as_ref().is_some_and(|shown| shown.key_binding.is_some()) {
        return Err(Reason::PresentationMalformed);
    }
    if token.claimed_issuer().is_none_or(|id| issuer_url(id) != issuer) {
        return Err(Reason::IssuerUnknown);
    }
    if token.header().key_id != thumbprint {
        return Err(Reason::IssuerKeyUnknown);
    }
    match public {
        Some(key) => signature::verify(&token, key, &RustCrypto)?,
        None if token.header().algorithm != algorithm => return Err(Reason::SignatureAlgorithm),
        None => {}
    }
    let credential = shape::check(&token, format)?;
    disclosures::check(&token, format, presentation.as_ref())?;
    validity::check(&credential, now)
}
