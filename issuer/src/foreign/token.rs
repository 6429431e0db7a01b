//! Tokens by others: a compact JWS whose payload is a document of VC 2.0 (W3C VC-JOSE-COSE), or whose claim `vc` or `vp` holds
//! one (the JWT encoding of VC 1.1, which wallets still use).

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits, Object};

use super::Finding;
use super::keys::ForeignKey;
use crate::document::id_of;

/// A compact JWS whose parts decode. Nobody has checked its signature.
pub struct Token<'a> {
    signing_input: &'a [u8],
    header: Object,
    payload: Object,
    signature: Vec<u8>,
}

/// What a token secures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A credential.
    Credential,
    /// A presentation.
    Presentation,
}

/// How a token secures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The payload is the document: `vc+jwt`, `vp+jwt`, and their forms with disclosures.
    Document {
        /// Whether parts of it are disclosed beside it.
        disclosures: bool,
    },
    /// A claim of the payload holds the document: `jwt`, as VC 1.1 has it.
    Claim,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// Not three parts of canonical base64url, or JSON of one meaning within the limits.
    pub fn parse(text: &'a str) -> Result<Self, Finding> {
        let malformed = |what: &str| Finding::malformed("credential.malformed", what);
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Finding::malformed(
                "credential.too-large",
                format!("token is longer than {MAX_TOKEN_BYTES} bytes"),
            ));
        }
        let (input, signature) =
            text.rsplit_once('.').ok_or_else(|| malformed("token is not three parts"))?;
        let (header, payload) = input.split_once('.').ok_or_else(|| malformed("token is not three parts"))?;
        let part = |name: &str, text: &str| {
            let bytes = decode_base64url(text.as_bytes())
                .ok_or_else(|| malformed(&format!("{name} of the token is not canonical base64url")))?;
            let json = Json::parse(&bytes, &TOKEN_LIMITS)
                .map_err(|error| malformed(&format!("{name} of the token is refused: {error}")))?;
            json.object().cloned().map_err(|_error| malformed(&format!("{name} of the token is no object")))
        };
        let (header, payload) = (part("header", header)?, part("payload", payload)?);
        let signature = decode_base64url(signature.as_bytes());
        let signature =
            signature.ok_or_else(|| malformed("signature of the token is not canonical base64url"))?;
        Ok(Self { signing_input: input.as_bytes(), header, payload, signature })
    }

    /// The payload as it was signed.
    #[must_use]
    pub fn payload(&self) -> &Object {
        &self.payload
    }

    /// The same with another reading of what was signed.
    pub(super) fn with_payload(self, payload: Object) -> Self {
        Self { payload, ..self }
    }

    /// The `kid` of the header.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid")?.string().ok()
    }

    /// Checks what the header says against what the token is to be.
    ///
    /// # Errors
    /// Extensions that must be understood, or another type.
    //= specs/vcalm.md#tokens
    pub fn check_header(&self, content: Content, encoding: Encoding) -> Result<(), Finding> {
        for member in ["b64", "crit"] {
            if self.header.get(member).is_some() {
                return Err(Finding::invalid(
                    "header.forbidden-member",
                    format!("header member {member} is not allowed"),
                ));
            }
        }
        let (typ, cty) = match (content, encoding) {
            (Content::Credential, Encoding::Document { disclosures: false }) => ("vc+jwt", "vc"),
            (Content::Credential, Encoding::Document { disclosures: true }) => ("vc+sd-jwt", "vc"),
            (Content::Presentation, Encoding::Document { disclosures: false }) => ("vp+jwt", "vp"),
            (Content::Presentation, Encoding::Document { disclosures: true }) => ("vp+sd-jwt", "vp"),
            (_, Encoding::Claim) => ("JWT", ""),
        };
        let text = |name| self.header.get(name).map(|value| value.string().unwrap_or_default());
        let named = text("typ");
        let good = match encoding {
            Encoding::Document { .. } => named == Some(typ) && text("cty").is_none_or(|text| text == cty),
            Encoding::Claim => named.is_none_or(|named| named.eq_ignore_ascii_case(typ)),
        };
        if good {
            Ok(())
        } else {
            Err(Finding::invalid("header.wrong-type", format!("token is not of the type {typ}")))
        }
    }

    /// Checks the signature, by the algorithm of the key and no other.
    ///
    /// # Errors
    /// `alg` is not that of the key, or the signature is not the key's.
    //= specs/vcalm.md#tokens
    pub fn verify(&self, key: &ForeignKey) -> Result<(), Finding> {
        let named = self.header.get("alg").and_then(|named| named.string().ok());
        if named != Some(key.algorithm()) {
            let detail = format!("header does not name {}, the algorithm of the key", key.algorithm());
            return Err(Finding::invalid("signature.algorithm", detail));
        }
        key.verify(self.signing_input, &self.signature)
    }

    /// Checks that the signature is good at this time: `nbf` and `exp`, where they are there.
    ///
    /// # Errors
    /// It is not, or they are no times.
    pub fn check_times(&self, now: UnixSeconds) -> Result<(), Finding> {
        let time = |name: &str| match self.payload.get(name) {
            None => Ok(None),
            Some(value) => value.unsigned().map(Some).map_err(|_error| {
                Finding::malformed(
                    "credential.nonconforming",
                    format!("claim {name} is not a time in whole seconds"),
                )
            }),
        };
        match (time("nbf")?, time("exp")?) {
            (Some(from), _) if now.0 < from => {
                Err(Finding::invalid("validity.signature-not-yet-valid", "token is not valid yet"))
            }
            (_, Some(end)) if now.0 >= end => {
                Err(Finding::invalid("validity.signature-expired", "token has expired"))
            }
            _in_time => Ok(()),
        }
    }

    /// The document that the token secures, and whom the token says it is by.
    ///
    /// # Errors
    /// Claims of the other encoding, no document, or one that contradicts the claims about it.
    //= specs/vcalm.md#tokens
    pub fn document(
        &self,
        content: Content,
        encoding: Encoding,
    ) -> Result<(Object, Option<String>), Finding> {
        let (claim, author) = match content {
            Content::Credential => ("vc", "issuer"),
            Content::Presentation => ("vp", "holder"),
        };
        let nonconforming = |detail: String| Finding::malformed("credential.nonconforming", detail);
        let mut document = match encoding {
            Encoding::Document { .. } => {
                if let Some(name) = ["vc", "vp"].iter().find(|name| self.payload.get(name).is_some()) {
                    return Err(nonconforming(format!("claim {name} must not be there")));
                }
                self.payload.clone()
            }
            Encoding::Claim => {
                let document = self.payload.get(claim).and_then(|document| document.object().ok());
                document.cloned().ok_or_else(|| nonconforming(format!("claim {claim} is not there")))?
            }
        };
        let by = self.payload.get("iss");
        let by = match by.map(|by| by.string().map(str::to_owned)) {
            None => None,
            Some(Ok(by)) => Some(by),
            Some(Err(_)) => return Err(nonconforming("claim iss is not a string".into())),
        };
        match (id_of(&document, author).map(str::to_owned), by) {
            (Some(named), Some(by)) if named != by => Err(Finding::invalid(
                "credential.issuer-mismatch",
                format!("claim iss is not the {author} of the document"),
            )),
            (Some(named), _) => Ok((document, Some(named))),
            (None, Some(by)) => {
                // VC 1.1 section 6.3.1: the issuer may be in the claim alone.
                if encoding == Encoding::Claim && document.get(author).is_none() {
                    let mut members: Vec<(String, Json)> =
                        document.members().map(|(name, value)| (name.to_owned(), value.clone())).collect();
                    members.push((author.into(), Json::String(by.clone())));
                    document = Object::from_members(members).unwrap_or(document);
                }
                Ok((document, Some(by)))
            }
            (None, None) => Ok((document, None)),
        }
    }
}

/// What others may hand in: four times what a credential of ours may be, for presentations with some of them inside.
pub const MAX_TOKEN_BYTES: usize = 65_536;

/// Of header and payload.
const TOKEN_LIMITS: Limits = Limits { bytes: MAX_TOKEN_BYTES, depth: 16, values: 4_096 };
