//! Pure. A compact JWS (RFC 7515) of one type, read within limits before any cryptography, and composed.
//!
//! # In scope
//! Three canonical base64url parts, a protected header of four known members, JSON of one meaning.
//!
//! # Out of scope
//! Which key: the caller finds it by issuer and `kid` in what it trusts, then calls [`Jws::verify`].
//!
//! # Invariants
//! The bytes that were signed are borrowed from the token, never re-serialised.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use sillok_log::entry::Thumbprint;

use crate::encoding::{decode_base64url, decode_base64url_exact, encode_base64url, split_once};
use crate::json::{self, Json, JsonError, Limits, Object};
use crate::key::{Algorithm, PublicKey, SignatureError};
use crate::signatures::{RustCrypto, Signatures};

/// What a token is, as its header must say (RFC 8725 section 3.11): a token of one type is never read as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenType {
    /// The value of `typ`, compared byte by byte.
    pub typ: &'static str,
    /// The value of `cty`, which may be absent; with `None` it must be absent.
    pub cty: Option<&'static str>,
    /// Most bytes of the whole token.
    pub max_bytes: usize,
}

impl TokenType {
    /// A W3C Verifiable Credential (W3C VC-JOSE-COSE section 3.1.1).
    pub const CREDENTIAL: Self = Self { typ: "vc+jwt", cty: Some("vc"), max_bytes: MAX_TOKEN_BYTES };

    /// A W3C Verifiable Credential parts of which its holder may keep to themselves (W3C VC-JOSE-COSE section 3.2.1):
    /// the issuer-signed part of an SD-JWT.
    pub const SD_CREDENTIAL: Self = Self { typ: "vc+sd-jwt", ..Self::CREDENTIAL };

    /// A W3C VC 1.1 as a JWT (RFC 7519 section 5.1): with this `typ` alone a token may be anything, so its payload is looked at
    /// all the more closely.
    pub const JWT_VC: Self = Self { typ: "JWT", cty: None, max_bytes: MAX_TOKEN_BYTES };

    /// An SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-13 section 3.2.1): the issuer-signed part.
    pub const SD_JWT_VC: Self = Self { typ: "dc+sd-jwt", cty: None, max_bytes: MAX_TOKEN_BYTES };

    /// A W3C status list credential: also a Verifiable Credential, but as large as its list.
    pub const STATUS_LIST: Self = Self { max_bytes: MAX_STATUS_LIST_BYTES, ..Self::CREDENTIAL };

    /// An IETF status list token (draft-ietf-oauth-status-list-21 section 5.1).
    pub const STATUS_TOKEN: Self =
        Self { typ: "statuslist+jwt", cty: None, max_bytes: MAX_STATUS_LIST_BYTES };
}

/// A compact JWS whose form is right and whose signature nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jws<'a> {
    signing_input: &'a [u8],
    header: Header,
    payload: Json,
    signature: Vec<u8>,
}

/// What the protected header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `typ`: which of the expected types the token is.
    pub typ: &'static str,
    /// `alg`. Only compared with the key's: [`Jws::verify`].
    pub algorithm: Algorithm,
    /// `kid`: the thumbprint of the signing key. A prefix `<issuer>#` was there only if it is the issuer that
    /// the payload names.
    pub key_id: Thumbprint,
}

impl<'a> Jws<'a> {
    /// Reads a compact JWS of the type `expected`.
    ///
    /// # Errors
    /// In this order: sizes, form, header members, type, algorithm, `kid`; see [`JwsError`].
    //= specs/credential.md#limits
    //= specs/credential.md#header
    pub fn parse(token: &'a [u8], expected: TokenType) -> Result<Self, JwsError> {
        Self::parse_one_of(token, &[expected])
    }

    /// Reads a compact JWS of one of the types `expected`, of which the first has the limit of all.
    ///
    /// # Errors
    /// As [`Jws::parse`].
    pub(crate) fn parse_one_of(token: &'a [u8], expected: &[TokenType]) -> Result<Self, JwsError> {
        let limit = expected.first().map_or(0, |first| first.max_bytes);
        let Parts { signing_input, header, payload, signature } = Parts::read(token, limit)?;
        let header = Header::parse(&header, expected, &payload)?;
        Ok(Self { signing_input, header, payload, signature })
    }

    /// The exact bytes that were signed (RFC 7515 section 5.1): what commitments are made over.
    #[must_use]
    pub const fn signing_input(&self) -> &'a [u8] {
        self.signing_input
    }

    /// What the protected header says.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The claims. Nobody vouches for them before [`Jws::verify`].
    #[must_use]
    pub const fn payload(&self) -> &Json {
        &self.payload
    }

    /// The issuer that the payload names, where a token of this type does: in `issuer`, as a string or as an object with `id`,
    /// or in `iss`. Under whom to look for the key; nobody vouches for it before [`Jws::verify`].
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<&str> {
        claimed_issuer(&self.payload, self.header.typ)
    }

    pub(crate) fn into_payload(self) -> Json {
        self.payload
    }

    /// The decoded signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// [`Jws::verify_with`] the provider in pure Rust.
    ///
    /// # Errors
    /// `alg` is not the key's, or the signature is not.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        self.verify_with(&RustCrypto, key)
    }

    /// Checks the signature over the exact signing input.
    ///
    /// # Errors
    /// `alg` is not the key's, or the signature is not.
    pub fn verify_with(&self, signatures: &dyn Signatures, key: &PublicKey) -> Result<(), SignatureError> {
        if self.header.algorithm != key.algorithm() {
            return Err(SignatureError::Algorithm { header: self.header.algorithm, key: key.algorithm() });
        }
        key.verify_with(signatures, self.signing_input, &self.signature)
    }
}

/// A compact JWS of which nothing is known but that its parts decode.
pub(crate) struct Parts<'a> {
    pub(crate) signing_input: &'a [u8],
    pub(crate) header: Object,
    pub(crate) payload: Json,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn read(token: &'a [u8], limit: usize) -> Result<Self, JwsError> {
        if token.len() > limit {
            return Err(JwsError::TooLarge { part: "token", limit });
        }
        let (header_text, rest) = split_once(token, b'.').unwrap_or((token, &[]));
        if header_text.len() > MAX_HEADER_CHARACTERS {
            return Err(JwsError::TooLarge { part: "header", limit: MAX_HEADER_BYTES });
        }
        let (payload_text, signature_text) = split_once(rest, b'.').ok_or(JwsError::Parts)?;
        if signature_text.contains(&b'.') {
            return Err(JwsError::Parts);
        }
        let header = parse_part("header", header_text, limit)?;
        let payload = parse_part("payload", payload_text, limit)?;
        let signature = decode_base64url(signature_text).ok_or(JwsError::Base64 { part: "signature" })?;
        let header = header.into_object().map_err(|error| JwsError::Json { part: "header", error })?;
        let signing_input = token.get(..signing_input_len(header_text, payload_text)).unwrap_or_default();
        Ok(Self { signing_input, header, payload, signature })
    }
}

impl Header {
    fn parse(header: &Object, expected: &[TokenType], payload: &Json) -> Result<Self, JwsError> {
        // `crit`, `b64`, `jwk`, `jku`, `x5c`, `x5u`, `zip` and whatever comes next: a member that some reader
        // acts upon and we do not is two meanings of one token.
        header
            .expect_only(&["alg", "cty", "kid", "typ"])
            .map_err(|error| JwsError::ForbiddenMember { member: error.member })?;
        let text = |name| header.get(name).map(|value| value.string().unwrap_or_default());
        let typ = text("typ");
        let Some(expected) = expected.iter().find(|expected| Some(expected.typ) == typ) else {
            let expected = expected.first().map(|first| first.typ);
            return Err(JwsError::WrongType { member: "typ", expected });
        };
        if text("cty").is_some_and(|cty| Some(cty) != expected.cty) {
            return Err(JwsError::WrongType { member: "cty", expected: expected.cty });
        }
        let algorithm = text("alg").and_then(Algorithm::from_name).ok_or(JwsError::Algorithm)?;
        let issuer = claimed_issuer(payload, expected.typ);
        let key_id = text("kid").and_then(|kid| parse_key_id(kid, issuer)).ok_or(JwsError::KeyId)?;
        Ok(Self { typ: expected.typ, algorithm, key_id })
    }
}

/// The thumbprint in a `kid`: alone, or behind the issuer and `#`.
fn parse_key_id(kid: &str, issuer: Option<&str>) -> Option<Thumbprint> {
    let thumbprint = match kid.rsplit_once('#') {
        Some((prefix, thumbprint)) => (Some(prefix) == issuer).then_some(thumbprint)?,
        None => kid,
    };
    decode_base64url_exact(thumbprint.as_bytes()).map(Thumbprint)
}

fn claimed_issuer<'p>(payload: &'p Json, typ: &str) -> Option<&'p str> {
    if [TokenType::JWT_VC.typ, TokenType::SD_JWT_VC.typ].contains(&typ) {
        return payload.get("iss")?.string().ok();
    }
    let issuer = payload.get("issuer")?;
    issuer.string().or_else(|_object| issuer.object()?.string("id")).ok()
}

fn parse_part(part: &'static str, text: &[u8], max_bytes: usize) -> Result<Json, JwsError> {
    let bytes = decode_base64url(text).ok_or(JwsError::Base64 { part })?;
    // A part is smaller than the token that holds it.
    Json::parse(&bytes, &Limits { bytes: max_bytes, ..JSON_LIMITS })
        .map_err(|error| JwsError::Json { part, error })
}

/// Two parts and the dot between them.
const fn signing_input_len(header: &[u8], payload: &[u8]) -> usize {
    header.len().saturating_add(payload.len()).saturating_add(1)
}

/// Composes the protected header: the exact JSON text, members as in `specs/credential.md#header`. `key_id` is the
/// thumbprint of the key in base64url, or that behind the issuer and `#`.
#[must_use]
pub fn protected_header(algorithm: Algorithm, key_id: &str, token: TokenType) -> String {
    let mut header = String::from(r#"{"alg":"#);
    json::push_string(&mut header, algorithm.name());
    header.push_str(r#","typ":"#);
    json::push_string(&mut header, token.typ);
    if let Some(cty) = token.cty {
        header.push_str(r#","cty":"#);
        json::push_string(&mut header, cty);
    }
    header.push_str(r#","kid":"#);
    json::push_string(&mut header, key_id);
    header.push('}');
    header
}

/// Composes the signing input of RFC 7515 section 5.1: the exact bytes to sign.
#[must_use]
pub fn signing_input(header_json: &str, payload_json: &str) -> String {
    let mut input = encode_base64url(header_json.as_bytes());
    input.push('.');
    input.push_str(&encode_base64url(payload_json.as_bytes()));
    input
}

/// Composes the compact JWS of a signing input and the raw signature over it.
#[must_use]
pub fn compact(signing_input: &str, signature: &[u8]) -> String {
    let mut token = signing_input.to_string();
    token.push('.');
    token.push_str(&encode_base64url(signature));
    token
}

/// Why a compact JWS is refused before any key is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsError {
    /// `alg` is absent or not on the list.
    Algorithm,
    /// A part is not canonical base64url.
    Base64 {
        /// The part.
        part: &'static str,
    },
    /// The header has a member beyond the four.
    ForbiddenMember {
        /// Its name, safe to print.
        member: String,
    },
    /// A part is not JSON within the limits.
    Json {
        /// The part.
        part: &'static str,
        /// What is wrong, and where.
        error: JsonError,
    },
    /// `kid` is absent or not of its form.
    KeyId,
    /// Not three parts.
    Parts,
    /// Larger than it may be.
    TooLarge {
        /// What is larger.
        part: &'static str,
        /// Most bytes of it.
        limit: usize,
    },
    /// `typ` or `cty` says that this is something else.
    WrongType {
        /// Which of the two.
        member: &'static str,
        /// What it must say; `None`: it must be absent.
        expected: Option<&'static str>,
    },
}

impl JwsError {
    /// The code of `specs/verification.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm => "header.algorithm",
            Self::Base64 { .. } | Self::Json { .. } | Self::Parts => "credential.malformed",
            Self::ForbiddenMember { .. } => "header.forbidden-member",
            Self::KeyId => "header.key-id",
            Self::TooLarge { .. } => "credential.too-large",
            Self::WrongType { .. } => "header.wrong-type",
        }
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm => f.write_str("header member alg is neither ES256 nor EdDSA"),
            Self::Base64 { part } => write!(f, "{part} of the token is not canonical base64url"),
            Self::ForbiddenMember { member } => write!(f, "header member {member} is not allowed"),
            Self::Json { part, error } => write!(f, "{part} of the token is refused: {error}"),
            Self::KeyId => f.write_str("header member kid is not a thumbprint, or not of the issuer's"),
            Self::Parts => f.write_str("token is not three parts separated by dots"),
            Self::TooLarge { part, limit } => write!(f, "{part} is larger than {limit} bytes"),
            Self::WrongType { member, expected: Some(expected) } => {
                write!(f, "header member {member} is not {expected}")
            }
            Self::WrongType { member, expected: None } => write!(f, "header member {member} must be absent"),
        }
    }
}

impl core::error::Error for JwsError {}

/// `specs/credential.md#limits`: several times what a credential with sixteen doses takes.
pub const MAX_TOKEN_BYTES: usize = 16_384;

/// `specs/credential.md#limits`, decoded.
pub const MAX_HEADER_BYTES: usize = 1_024;

/// [`MAX_HEADER_BYTES`] in base64url without padding.
const MAX_HEADER_CHARACTERS: usize = 1_366;

/// A plane of 2^24 slots that does not compress is 2 MiB, 2.7 MiB as `encodedList` and 3.6 MiB as payload.
pub const MAX_STATUS_LIST_BYTES: usize = 4_194_304;

/// `specs/credential.md#limits`: of JSON in credentials, and in what is shown with them.
pub(crate) const JSON_LIMITS: Limits = Limits { bytes: MAX_TOKEN_BYTES, depth: 16, values: 2_048 };
