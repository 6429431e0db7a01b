//! The verifier for JavaScript. Every function hands its arguments to `sillok-verifier` and writes what comes back as JSON,
//! which `js/index.js` turns into the objects that `js/index.d.ts` describes.
//!
//! # In scope
//! The boundary: numbers, texts and bytes of JavaScript as values of the core, and back.
//!
//! # Out of scope
//! Every decision (`sillok-verifier`), loading the module and naming arguments (`js`), reading QR codes.
//!
//! # Invariants
//! No clock, no request, no storage: time is an argument, memory is handed back to be kept.

mod answer;
mod verifier;
mod wallet;

use sillok_verifier::UnixSeconds;
use wasm_bindgen::JsValue;

pub use verifier::Verifier;
pub use wallet::{bind, binding_input, disclosures, pack, select, unpack};

/// Seconds of JavaScript. What is no time is the beginning of time, at which nothing is decided (`clock.behind`).
fn seconds(now: f64) -> UnixSeconds {
    // Saturates, and makes zero of what is no number.
    UnixSeconds(now as u64)
}

/// What JavaScript throws: `code` of the specification, and a sentence.
fn refusal(code: &str, message: &impl ToString) -> JsValue {
    let object = answer::Object::new().string("code", code).string("message", &message.to_string());
    JsValue::from_str(&object.finish())
}

/// The version of this package.
#[wasm_bindgen::prelude::wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
