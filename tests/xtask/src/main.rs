//! Checks and chores of the workspace: `cargo xtask ci` is what CI runs before the tests.

mod advisories;
mod arrows;
mod ci;
mod cite;
mod docs;
mod fuzz;
mod source;
mod threats;
mod vectors;
mod web;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match ci::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ci::exit_code(&error)
        }
    }
}
