//! Pure. The packed form: a presentation and its receipt, as short as a QR code wants it.
//!
//! [`unpack`] gives the very bytes that [`pack`] was handed, as [`Evidence`] for [`crate::verify`]: what a code says is decided by the
//! same rules as everything else that is shown.
//!
//! # In scope
//! The text of the code, from and to evidence.
//!
//! # Out of scope
//! Drawing and reading codes, one or several; receipts in binary by subtrees, which are no matter of codes.
//!
//! # Invariants
//! What comes out is of a bounded size, whatever goes in. But for the compressed text, which others may compress in another way,
//! a value has one spelling.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sillok_log::UnixSeconds;
use sillok_log::entry::MAX_TIME;
use sillok_log::receipt::{IssueExtra, LandmarkReceipt, LogTag, Receipt as TextReceipt};
use sillok_log::{Hash, LeafIndex};

use crate::encoding::encode_base64url;
use crate::evidence::Evidence;
use crate::holder::{Binding, LIVE_AUDIENCE, bind};
use crate::jws::{compact, signing_input};
use crate::policy::Holder;
use crate::sd_jwt::{MAX_DISCLOSURES, issue};
use crate::verdict::Reason;

mod base45;
mod fields;
mod form;
mod parts;
mod text;

use fields::{Fields, push_number};
use form::{Bound, Form, Kind};
use parts::Parts;

/// What a code holds: owned, since none of its bytes stand in the code like that.
#[derive(Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The credential alone, or the presentation.
    presentation: String,
    receipt: Option<Vec<u8>>,
}

impl Unpacked {
    /// What is put before [`crate::verify`], with status files of the door's own.
    #[must_use]
    pub fn evidence<'a>(&'a self, statuses: &'a [&'a [u8]]) -> Evidence<'a> {
        let receipt = self.receipt.as_deref();
        Evidence { credential: self.presentation.as_bytes(), receipt, statuses }
    }
}

/// Nothing of them: claims are personal, and debug output ends up in logs.
impl fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unpacked(..)")
    }
}

/// Whether a text that was scanned claims to be one: nothing else that is shown begins like this.
#[must_use]
pub fn is_claimed_by(text: &[u8]) -> bool {
    text.starts_with(PREFIX.as_bytes())
}

/// Reads the text of a code. `asked` is what the door asks: the answer to a challenge does not repeat for whom it is.
///
/// An answer to a challenge, where none is asked, is given back without its key-binding token: nobody can tell what it is of.
///
/// # Errors
/// Anything but what [`pack`] writes, up to how the text in it is compressed.
//= specs/presentation.md#packed-form
pub fn unpack(text: &[u8], asked: Holder<'_>) -> Result<Unpacked, UnpackError> {
    let bytes = to_bytes(text)?;
    let mut fields = Fields(&bytes);
    let form = fields.byte().and_then(Form::from_byte).ok_or(UnpackError::Form)?;
    let signature = fields.array::<64>().ok_or(UnpackError::Fields)?;
    let bound = form.bound.map(|bound| Some((bound, read_token(&mut fields)?)));
    let bound = bound.map(|token| token.ok_or(UnpackError::Fields)).transpose()?;
    let receipt = match form.receipt {
        Some(Kind::Landmark) => Some(read_receipt(&mut fields).ok_or(UnpackError::Fields)?),
        Some(Kind::Text) | None => None,
    };
    let inflated = text::inflate(fields.0).and_then(|text| String::from_utf8(text).ok());
    let inflated = inflated.ok_or(UnpackError::Text)?;
    let (lines, proof) = match form.receipt {
        // No line of a presentation is empty, so the first empty line ends it.
        Some(Kind::Text) => inflated.split_once("\n\n").map(|(lines, proof)| (lines, Some(proof.as_bytes()))),
        Some(Kind::Landmark) | None => Some((inflated.as_str(), None)),
    }
    .ok_or(UnpackError::Text)?;
    if proof.is_some_and(|proof| TextReceipt::parse(proof).is_err()) {
        return Err(UnpackError::Text);
    }
    let receipt = receipt.or_else(|| proof.map(<[u8]>::to_vec));
    let mut presentation = compose(lines, signature, form).ok_or(UnpackError::Text)?;
    if let Some((bound, token)) = bound {
        presentation = token.append(presentation, bound, asked);
    }
    Ok(Unpacked { presentation, receipt })
}

/// The bytes of a text, for codes in several parts. Nothing in them is looked at.
///
/// # Errors
/// It is too long, has another prefix, or is not base45.
pub fn to_bytes(text: &[u8]) -> Result<Vec<u8>, UnpackError> {
    if text.len() > MAX_PACKED_CHARACTERS {
        return Err(UnpackError::TooLong);
    }
    let packed = text.strip_prefix(PREFIX.as_bytes()).ok_or(UnpackError::Prefix)?;
    base45::decode(packed).ok_or(UnpackError::Base45)
}

/// The text of these bytes, which are those of another text or of nothing.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> String {
    let mut text = String::from(PREFIX);
    base45::encode(bytes, &mut text);
    text
}

/// Everything before the key-binding token.
fn compose(text: &str, signature: &[u8; 64], form: Form) -> Option<String> {
    // JSON escapes line feeds in strings, so that none stands within a text of one line.
    let mut lines = text.split('\n');
    let (header, payload) = (lines.next()?, lines.next()?);
    let disclosures: Vec<String> =
        lines.by_ref().take(MAX_DISCLOSURES).map(|line| encode_base64url(line.as_bytes())).collect();
    let is_bounded = lines.next().is_none()
        && !payload.is_empty()
        && disclosures.iter().all(|disclosure| !disclosure.is_empty());
    let has_form = form.presentation || disclosures.is_empty();
    let token = compact(&signing_input(header, payload), signature);
    (is_bounded && has_form).then(|| if form.presentation { issue(&token, &disclosures) } else { token })
}

/// What of a key-binding token is not known to whoever reads it.
struct Token<'a> {
    issued: UnixSeconds,
    nonce: &'a [u8; 16],
    signature: &'a [u8; 64],
}

impl Token<'_> {
    /// Appends the exact token that the holder signed.
    fn append(&self, shown: String, bound: Bound, asked: Holder<'_>) -> String {
        let audience = match (bound.is_challenge, asked) {
            (false, _any) => LIVE_AUDIENCE,
            (true, Holder::Challenge { audience, .. }) => audience,
            (true, Holder::Live | Holder::NotAsked) => return shown,
        };
        let nonce = encode_base64url(self.nonce);
        let binding = Binding { issued: self.issued, audience, nonce: &nonce };
        let signature = *self.signature;
        let Ok(presentation) =
            bind::<core::convert::Infallible>(&shown, &binding, bound.algorithm, |_input| Ok(signature));
        presentation
    }
}

fn read_token<'a>(fields: &mut Fields<'a>) -> Option<Token<'a>> {
    let issued = UnixSeconds(fields.number()?);
    let (nonce, signature) = (fields.array()?, fields.array()?);
    (issued <= MAX_TIME).then_some(Token { issued, nonce, signature })
}

fn read_receipt(fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    let log = LogTag(*fields.array()?);
    let (landmark, index) = (fields.number()?, LeafIndex(fields.number()?));
    let time = UnixSeconds(fields.number()?.checked_mul(HOUR_SECONDS)?);
    let (nonce, provenance) = (*fields.array()?, Hash(*fields.array()?));
    let extra = IssueExtra { nonce, provenance, time }.encode();
    // A time that no entry has.
    IssueExtra::parse(&extra).ok()?;
    let hashes = usize::from(fields.byte()?);
    let proof: Option<Vec<Hash>> = (0..hashes).map(|_at| fields.array().copied().map(Hash)).collect();
    let receipt = LandmarkReceipt { log, landmark, index, extra: extra.to_vec(), proof: proof? }.encode();
    LandmarkReceipt::parse(&receipt).is_ok().then_some(receipt)
}

/// Writes the text of a code for what a holder shows: the credential alone or in a presentation, and its receipt. Status files
/// stay out. Up to [`MAX_CODE_CHARACTERS`] fit into one code; cameras want less.
///
/// # Errors
/// What is shown has another form, its receipt is no tlog-proof and not relative to a landmark, its key-binding token says more than a
/// code has room for, or it is too long.
//= specs/presentation.md#packed-form
pub fn pack(evidence: &Evidence<'_>) -> Result<String, PackError> {
    let mut parts = Parts::read(evidence.credential)?;
    let receipt = evidence.receipt.map(Receipt::read).transpose()?;
    if let Some(Receipt::Text(proof)) = receipt {
        parts.text.push_str("\n\n");
        parts.text.push_str(proof);
    }
    let form = Form {
        receipt: receipt.as_ref().map(Receipt::kind),
        presentation: parts.is_presentation,
        bound: parts.token.as_ref().map(|token| token.bound),
    };
    let mut bytes = alloc::vec![form.to_byte()];
    bytes.extend_from_slice(&parts.signature);
    if let Some(token) = &parts.token {
        push_number(token.issued.0, &mut bytes);
        bytes.extend_from_slice(&token.nonce);
        bytes.extend_from_slice(&token.signature);
    }
    if let Some(Receipt::Landmark { receipt, extra, hashes }) = receipt {
        push_receipt(&receipt, &extra, hashes, &mut bytes);
    }
    bytes.extend_from_slice(&text::deflate(parts.text.as_bytes()).ok_or(PackError::TooLong)?);
    let text = from_bytes(&bytes);
    if text.len() > MAX_PACKED_CHARACTERS || parts.text.len() > text::MAX_TEXT_BYTES {
        return Err(PackError::TooLong);
    }
    // Whatever a token says beyond the code's fields is noticed here, and not at a door.
    let again = unpack(text.as_bytes(), parts.asked()).map_err(|_other| PackError::Credential)?;
    let expected = (evidence.credential, evidence.receipt);
    if (again.presentation.as_bytes(), again.receipt.as_deref()) != expected {
        return Err(PackError::KeyBinding);
    }
    Ok(text)
}

/// A receipt that has a packed form.
enum Receipt<'a> {
    /// Of an issuance, relative to a landmark.
    Landmark { receipt: LandmarkReceipt, extra: IssueExtra, hashes: u8 },
    /// A tlog-proof.
    Text(&'a str),
}

impl<'a> Receipt<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, PackError> {
        if !LandmarkReceipt::is_claimed_by(bytes) {
            TextReceipt::parse(bytes).map_err(|_other| PackError::Receipt)?;
            return core::str::from_utf8(bytes).map(Self::Text).map_err(|_other| PackError::Receipt);
        }
        let receipt = LandmarkReceipt::parse(bytes).map_err(|_other| PackError::Receipt)?;
        let extra = IssueExtra::parse(&receipt.extra).map_err(|_other| PackError::Receipt)?;
        let hashes = u8::try_from(receipt.proof.len()).map_err(|_more| PackError::Receipt)?;
        // Larger numbers are no log's.
        let is_small = receipt.landmark.max(receipt.index.0) < 1 << 63;
        is_small.then_some(Self::Landmark { receipt, extra, hashes }).ok_or(PackError::Receipt)
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Landmark { .. } => Kind::Landmark,
            Self::Text(_) => Kind::Text,
        }
    }
}

fn push_receipt(receipt: &LandmarkReceipt, extra: &IssueExtra, hashes: u8, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&receipt.log.0);
    push_number(receipt.landmark, bytes);
    push_number(receipt.index.0, bytes);
    push_number(extra.time.0 / HOUR_SECONDS, bytes);
    bytes.extend_from_slice(&extra.nonce);
    bytes.extend_from_slice(&extra.provenance.0);
    bytes.push(hashes);
    bytes.extend(receipt.proof.iter().flat_map(|hash| hash.0));
}

/// Why what a holder shows cannot be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackError {
    /// The credential is no compact JWS, or the presentation around it has not its form.
    Credential,
    /// The key-binding token is not exactly what a wallet makes for a live code or a challenge of 128 bits.
    KeyBinding,
    /// The receipt is neither a tlog-proof nor, of an issuance, relative to a landmark.
    Receipt,
    /// Longer than a text may be.
    TooLong,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "pack presentation: it is no credential, alone or with disclosures, of JSON on one line each",
            Self::KeyBinding => "pack presentation: its key-binding token is not that of a live code or of a challenge of 128 bits",
            Self::Receipt => "pack presentation: its receipt is no tlog-proof and not relative to a landmark",
            Self::TooLong => "pack presentation: it is longer than a packed form may be",
        })
    }
}

impl core::error::Error for PackError {}

/// Why a text is not the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is not base45.
    Base45,
    /// A field is cut short, or has a value that it cannot have.
    Fields,
    /// Its first byte says something that this version does not know.
    Form,
    /// It does not begin with the name of this version.
    Prefix,
    /// What is compressed in it is no text of the lines that belong there, or too long.
    Text,
    /// It is longer than it may be.
    TooLong,
}

impl UnpackError {
    /// The reason of the verdict: nothing is said against whoever shows it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::TooLong => Reason::PresentationTooLarge,
            Self::Base45 | Self::Fields | Self::Form | Self::Prefix | Self::Text => {
                Reason::PresentationMalformed
            }
        }
    }
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base45 => f.write_str("unpack code: it is not base45"),
            Self::Fields => f.write_str("unpack code: a field is cut short or out of its range"),
            Self::Form => f.write_str("unpack code: its form is not known"),
            Self::Prefix => write!(f, "unpack code: it does not begin with {PREFIX}"),
            Self::Text => {
                f.write_str("unpack code: what is compressed in it is not header, payload and disclosures")
            }
            Self::TooLong => write!(f, "unpack code: it is longer than {MAX_PACKED_CHARACTERS} characters"),
        }
    }
}

impl core::error::Error for UnpackError {}

/// Name and version, in characters of a QR code's alphanumeric mode; the version names the dictionary too.
const PREFIX: &str = "SLK1:";

/// `specs/presentation.md#packed-form`: five of the prefix, and 32,768 bytes in base45.
pub const MAX_PACKED_CHARACTERS: usize = 49_157;

/// The alphanumeric characters of QR version 40 at level L (ISO/IEC 18004 table 7): what one code holds at most.
pub const MAX_CODE_CHARACTERS: usize = 4_296;

const HOUR_SECONDS: u64 = 3_600;
