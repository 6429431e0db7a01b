//! What the tests of the whole house share: a reference implementation of every format and the vectors made with it.
//!
//! # In scope
//! The [`mod@reference`] and the [`mod@vectors`] that `specs/vectors` holds.
//!
//! # Out of scope
//! The product's own code: nothing here uses it, so that a mistake in it cannot hide in a vector.

pub mod reference;
pub mod vectors;
