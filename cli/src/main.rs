//! `sillok`: the one binary people type. It reads arguments, files and the clock; the rooms do the work.

use std::process::ExitCode;

mod arguments;
mod clock;
mod command;
mod config;
mod context;
mod exit;
#[cfg_attr(not(test), expect(dead_code, reason = "its command is not built yet"))]
mod fhir;
mod folder;
mod logging;
mod output;
#[cfg_attr(not(test), expect(dead_code, reason = "its command is not built yet"))]
mod population;

fn main() -> ExitCode {
    let context = context::Context::new();
    match arguments::parse().and_then(|command| command.run(&context)) {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}
