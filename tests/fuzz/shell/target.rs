//! One target under libFuzzer: the name of the binary says which.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: sillok_fuzz::start(env!("CARGO_BIN_NAME")),
    |input: &[u8]| {
        sillok_fuzz::run(input);
    }
);
