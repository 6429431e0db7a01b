//! Pure.
#![no_std]
extern crate alloc;

pub mod encoding;
pub mod json;
pub mod key;
