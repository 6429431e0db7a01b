//! A second implementation of every format, straight from `specs/`: naive, recursive, slow. It shares no code with
//! the product and panics where it pleases; it exists to be obviously right, and to disagree.

pub mod cosignature;
pub mod credential;
pub mod delta;
pub mod encoding;
pub mod entry;
pub mod evidence;
pub mod json;
pub mod landmark;
pub mod ledger;
pub mod note;
pub mod packed;
pub mod population;
pub mod presentation;
pub mod receipt;
pub mod status;
pub mod tree;
pub mod trust;
pub mod witness;
