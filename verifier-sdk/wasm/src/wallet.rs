//! A wallet: what of a credential is shown, bound to its key, in a code. The key itself stays where it is.

use sillok_verifier::holder::{self, Binding, LIVE_AUDIENCE};
use sillok_verifier::key::Algorithm;
use sillok_verifier::sd_jwt::{self, Disclosure, DisclosureKind, Presentation};
use sillok_verifier::{Evidence, Holder, packed};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::Object;
use crate::{refusal, seconds};

/// The text of a QR code for a credential or presentation and its landmark receipt.
///
/// # Errors
/// It has no packed form.
#[wasm_bindgen]
pub fn pack(shown: &[u8], receipt: Option<Vec<u8>>) -> Result<String, JsValue> {
    let evidence = Evidence { credential: shown, receipt: receipt.as_deref(), statuses: &[] };
    packed::pack(&evidence).map_err(|error| refusal("packed.impossible", &error))
}

/// What is in the text of a QR code, as JSON: `shown`, and `receipt` in hexadecimal if there is one.
///
/// # Errors
/// The code of the reason for which it is refused.
#[wasm_bindgen]
pub fn unpack(text: &[u8], audience: Option<String>) -> Result<String, JsValue> {
    let asked =
        audience.as_deref().map_or(Holder::NotAsked, |audience| Holder::Challenge { nonce: "", audience });
    let unpacked = packed::unpack(text, asked).map_err(|error| refusal(error.reason().code(), &error))?;
    let evidence = unpacked.evidence(&[]);
    let object = Object::new().string("shown", &String::from_utf8_lossy(evidence.credential));
    Ok(match evidence.receipt {
        Some(receipt) => {
            let hex: String = receipt.iter().map(|byte| format!("{byte:02x}")).collect();
            object.string("receipt", &hex)
        }
        None => object,
    }
    .finish())
}

/// The disclosures of a credential as it was issued, as JSON: in their order, each with `name` (of a member) and `value`.
///
/// # Errors
/// It is no SD-JWT.
#[wasm_bindgen]
pub fn disclosures(issued: &str) -> Result<String, JsValue> {
    let malformed = |error| refusal("presentation.malformed", &error);
    let shown = Presentation::parse(issued.as_bytes()).map_err(malformed)?;
    let mut items = Vec::with_capacity(shown.disclosures.len());
    for text in shown.disclosures {
        let disclosure = Disclosure::parse(text).map_err(|error| refusal(error.code(), &error))?;
        let mut value = String::new();
        disclosure.value().push_to(&mut value);
        let object = match disclosure.kind() {
            DisclosureKind::Item => Object::new(),
            DisclosureKind::Member(name) => Object::new().string("name", name),
        };
        items.push(object.json("value", &value).finish());
    }
    Ok(format!("[{}]", items.join(",")))
}

/// What is shown of a credential: the disclosures at these places of [`disclosures`], and no other.
///
/// # Errors
/// It is no SD-JWT as an issuer hands it out.
#[wasm_bindgen]
pub fn select(issued: &str, keep: &[usize]) -> Result<String, JsValue> {
    let mut place = 0..;
    let kept = sd_jwt::select(issued, |_disclosure| place.next().is_some_and(|place| keep.contains(&place)));
    kept.map_err(|error| refusal("presentation.malformed", &error))
}

/// What the holder's key signs, now: `audience` is the name in the door's challenge, or nothing for a live code.
///
/// # Errors
/// The algorithm is neither `ES256` nor `EdDSA`.
#[wasm_bindgen(js_name = bindingInput)]
pub fn binding_input(
    shown: &str,
    algorithm: &str,
    nonce: &str,
    audience: Option<String>,
    now: f64,
) -> Result<String, JsValue> {
    let bound = with_signature(shown, algorithm, nonce, audience.as_deref(), now, &[0; 64])?;
    let token = bound.get(shown.len()..).unwrap_or_default();
    Ok(token.rsplit_once('.').map_or("", |(input, _signature)| input).into())
}

/// The presentation with the key-binding token that the signature over [`binding_input`] makes.
///
/// # Errors
/// As [`binding_input`], and a signature that is not 64 bytes.
#[wasm_bindgen]
pub fn bind(
    shown: &str,
    algorithm: &str,
    nonce: &str,
    audience: Option<String>,
    now: f64,
    signature: &[u8],
) -> Result<String, JsValue> {
    with_signature(shown, algorithm, nonce, audience.as_deref(), now, signature)
}

fn with_signature(
    shown: &str,
    algorithm: &str,
    nonce: &str,
    audience: Option<&str>,
    now: f64,
    signature: &[u8],
) -> Result<String, JsValue> {
    let algorithm = Algorithm::from_name(algorithm).ok_or_else(|| {
        refusal("holder.header", &format!("algorithm {algorithm} is neither ES256 nor EdDSA"))
    })?;
    let signature: [u8; 64] = signature.try_into().map_err(|_other_length| {
        refusal("holder.signature", &format!("signature is {} bytes, not 64", signature.len()))
    })?;
    let binding = Binding { issued: seconds(now), audience: audience.unwrap_or(LIVE_AUDIENCE), nonce };
    let Ok(bound) =
        holder::bind::<std::convert::Infallible>(shown, &binding, algorithm, |_input| Ok(signature));
    Ok(bound)
}
