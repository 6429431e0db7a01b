//! Pure. To be written.
