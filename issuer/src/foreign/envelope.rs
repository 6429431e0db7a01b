//! Envelopes (W3C VC 2.0 section 4.13), and the documents of others in them.

use sillok_log::UnixSeconds;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Object};
use sillok_verifier::sd_jwt::{self, Hidden};

use super::Finding;
use super::keys::{ForeignIssuer, ForeignKey};
use super::proofs::Asked;
use super::token::{Content, Encoding, Token};
use crate::document::{check_credential, check_presentation, items};

/// What an envelope holds; nothing of it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// How the token secures its document.
    pub encoding: Encoding,
    /// The token, with its disclosures if it has some.
    pub text: &'a str,
}

impl<'a> Envelope<'a> {
    /// The `type` of an envelope around this.
    #[must_use]
    pub const fn type_name(content: Content) -> &'static str {
        match content {
            Content::Credential => "EnvelopedVerifiableCredential",
            Content::Presentation => "EnvelopedVerifiablePresentation",
        }
    }

    /// Reads an envelope around this.
    ///
    /// # Errors
    /// Another context or type, no `data:` URL, or a media type that is not known here.
    //= specs/vcalm.md#tokens
    pub fn parse(envelope: &'a Object, content: Content) -> Result<Self, Finding> {
        let malformed = |detail: &str| Finding::malformed("envelope.malformed", detail);
        if items(envelope, "@context").first().and_then(|first| first.string().ok()) != Some(BASE_CONTEXT) {
            return Err(malformed("@context of the envelope does not begin with that of VC 2.0"));
        }
        let [kind] = items(envelope, "type") else { return Err(malformed("envelope has not one type")) };
        if kind.string().ok() != Some(Self::type_name(content)) {
            return Err(malformed("envelope is of another type"));
        }
        let url = envelope.get("id").and_then(|id| id.string().ok()).and_then(|id| id.strip_prefix("data:"));
        let url = url.and_then(|url| url.split_once(','));
        let (media, text) = url.ok_or_else(|| malformed("id of the envelope is not a data: URL"))?;
        let encoding = match (media, content) {
            ("application/vc+jwt", Content::Credential) | ("application/vp+jwt", Content::Presentation) => {
                Encoding::Document { disclosures: false }
            }
            ("application/vc+sd-jwt", Content::Credential)
            | ("application/vp+sd-jwt", Content::Presentation) => Encoding::Document { disclosures: true },
            ("application/jwt", _) => Encoding::Claim,
            _another => {
                let detail = "envelope holds a media type that is not known here";
                return Err(Finding::unknown("envelope.media-type", detail));
            }
        };
        Ok(Self { encoding, text })
    }

    /// The credential of somebody else, verified.
    ///
    /// # Errors
    /// What is wrong or missing.
    pub fn credential(&self, known: &[ForeignIssuer], now: UnixSeconds) -> Result<Object, Finding> {
        let (_token, document) = self.open(Content::Credential, known, now)?;
        check(&document, Content::Credential)?;
        check_validity(&document, now)?;
        if document.get("credentialStatus").is_some() {
            // Lists of others would have to be fetched; and what nobody has looked up is not known to be good.
            return Err(Finding::unknown(
                "status.not-checked",
                "status of another's credential is not looked up here",
            ));
        }
        Ok(document)
    }

    /// The presentation of somebody, verified; not what is in it.
    ///
    /// # Errors
    /// What is wrong or missing.
    pub fn presentation(
        &self,
        known: &[ForeignIssuer],
        asked: Asked<'_>,
        now: UnixSeconds,
    ) -> Result<Object, Finding> {
        let (token, document) = self.open(Content::Presentation, known, now)?;
        check(&document, Content::Presentation)?;
        check_asked(token.payload(), asked)?;
        Ok(document)
    }

    /// A token whose signature is good, and the document that it secures.
    fn open(
        &self,
        content: Content,
        known: &[ForeignIssuer],
        now: UnixSeconds,
    ) -> Result<(Token<'a>, Object), Finding> {
        let parts = if let Encoding::Document { disclosures: true } = self.encoding {
            let parts = sd_jwt::Presentation::parse(self.text.as_bytes());
            Some(parts.map_err(|error| Finding::malformed("disclosure.malformed", error))?)
        } else {
            None
        };
        let shown = self.text.split('~').next().filter(|_token| parts.is_some());
        let token = Token::parse(shown.unwrap_or(self.text))?;
        token.check_header(content, self.encoding)?;
        let Some(parts) = parts else {
            let (document, author) = token.document(content, self.encoding)?;
            token.verify(&key(&token, author.as_deref(), known)?)?;
            token.check_times(now)?;
            return Ok((token, document));
        };
        // What is disclosed may be whom it is by: it counts once the signature, which is over all digests, is checked.
        let payload = Json::Object(token.payload().clone());
        let revealed = sd_jwt::reveal(&payload, &parts.disclosures, Hidden::Anywhere);
        let revealed = revealed.map_err(|error| Finding::invalid(error.code(), error))?;
        let revealed =
            revealed.object().map_err(|error| Finding::malformed("credential.malformed", error))?;
        let token = token.with_payload(revealed.clone());
        let (document, author) = token.document(content, self.encoding)?;
        token.verify(&key(&token, author.as_deref(), known)?)?;
        token.check_times(now)?;
        Ok((token, document))
    }
}

/// The rules of the data model.
///
/// # Errors
/// The first that is broken.
pub fn check(document: &Object, content: Content) -> Result<(), Finding> {
    let checked = match content {
        Content::Credential => check_credential(document),
        Content::Presentation => check_presentation(document),
    };
    checked.map_err(|error| Finding::malformed("credential.nonconforming", error))
}

/// Whether a credential, whose form is good, is in its time.
///
/// # Errors
/// It is not.
pub fn check_validity(document: &Object, now: UnixSeconds) -> Result<(), Finding> {
    let time = |name| document.get(name)?.string().ok().and_then(parse_date_time_stamp);
    if time("validFrom").is_some_and(|from| now < from) {
        return Err(Finding::invalid("validity.not-yet-valid", "credential is not valid yet"));
    }
    if time("validUntil").is_some_and(|until| now >= until) {
        return Err(Finding::invalid("validity.expired", "credential has expired"));
    }
    Ok(())
}

/// `nonce` and `aud` of the token of a presentation.
fn check_asked(payload: &Object, asked: Asked<'_>) -> Result<(), Finding> {
    let says = |name, wanted: Option<&str>| {
        wanted
            .is_none_or(|wanted| items(payload, name).iter().any(|value| value.string().ok() == Some(wanted)))
    };
    if !says("nonce", asked.challenge) {
        return Err(Finding::invalid("proof.challenge", "presentation does not answer the challenge"));
    }
    if !says("aud", asked.domain) {
        return Err(Finding::invalid("proof.domain", "presentation is not meant for the domain"));
    }
    Ok(())
}

/// The key that a token is to be verified with: never one that it brings along.
//= specs/vcalm.md#keys
fn key(token: &Token<'_>, author: Option<&str>, known: &[ForeignIssuer]) -> Result<ForeignKey, Finding> {
    let mismatch =
        || Finding::invalid("header.key-id", "kid of the token is not a key of whom the document is by");
    let key_id = token.key_id();
    let named = key_id.and_then(|id| id.split_once('#'));
    let author = match (author, named) {
        (Some(author), Some((prefix, _key))) if !prefix.is_empty() && prefix != author => {
            return Err(mismatch());
        }
        (Some(author), _) => author,
        // A presentation may leave its holder to the header.
        (None, Some((prefix, _key))) if !prefix.is_empty() => prefix,
        (None, _) => return Err(Finding::unknown("issuer.unknown", "token does not say whom it is by")),
    };
    if let Some(known) = known.iter().find(|issuer| issuer.id == author) {
        let key = match key_id {
            None => known.keys.first().filter(|_key| known.keys.len() == 1),
            Some(id) => known.keys.iter().find(|(name, _key)| {
                name.as_deref()
                    .is_some_and(|name| name == id || named.is_some_and(|(_prefix, key)| key == name))
            }),
        };
        return key.map(|(_name, key)| key.clone()).ok_or_else(mismatch);
    }
    if let Some((_prefix, key)) = named
        && author.strip_prefix("did:key:").is_some_and(|own| own != key)
    {
        return Err(mismatch());
    }
    ForeignKey::of_did(author).map_err(|error| Finding::unknown("issuer.unknown", error))
}

const BASE_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
