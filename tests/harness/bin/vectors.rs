//! Writes the test vectors: `cargo run -q -p sillok-tests --bin vectors -- specs/vectors`.

use std::path::Path;
use std::process::ExitCode;

use sillok_tests::vectors::write_all;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: vectors FOLDER");
        return ExitCode::from(64);
    };
    match write_all(Path::new(&folder)) {
        Ok(count) => {
            println!("wrote {count} vectors");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("write the vectors to {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
