//! QR codes of presentations: from the light of a camera's frame to the text that `sillok-verifier` unpacks, and back.
//!
//! # In scope
//! Finding and reading a code in a frame ([`read`]); the modules of a code ([`Code`]); what is too long for one, in several
//! ([`parts`]).
//!
//! # Out of scope
//! What a code says (`sillok_verifier::packed`), cameras and image files, drawing.
//!
//! # Invariants
//! No clock, file, socket or thread. A frame is of bounded size, and a code that is made to break the reader is no code.
//!
//! # Example
//! ```
//! use sillok_qr::{Code, read};
//!
//! let code = Code::write("SLK1:…").expect("it is short");
//! let (frame, side) = code.frame(4);
//! assert_eq!(read(&frame, side, side).as_deref(), Some("SLK1:…"));
//! ```

pub mod parts;

mod read;
mod write;

pub use read::{MAX_PIXELS, read};
pub use write::Code;
