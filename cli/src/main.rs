//! `sillok`: the one binary people type. It reads arguments, files and the clock; the rooms do the work.

use std::process::ExitCode;

mod arguments;
mod clock;
mod command;
mod config;
mod context;
mod credential_id;
mod exit;
mod fhir;
mod folder;
mod logging;
mod operator;
mod output;
mod population;
mod service;
mod succession;

/// Memory goes from the threads that read requests to those that issue and back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let context = context::Context::new();
    match arguments::parse().and_then(|command| command.run(&context)) {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}
