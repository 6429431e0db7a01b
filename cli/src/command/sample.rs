//! `sillok sample`: a made-up population as a FHIR bulk export.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::population;

/// Write a made-up population as a FHIR R4 bulk export: one `Patient` or `Immunization` a line.
///
/// The same seed gives the same people, and a larger population begins with a smaller one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many people.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    people: u64,
    /// Which population.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The file to write, or - for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    if args.people > MAX_PEOPLE {
        return usage(format!("--people {} is more than {MAX_PEOPLE}", args.people));
    }
    if args.out == Path::new("-") {
        return match write(&mut std::io::stdout().lock(), args.people, args.seed) {
            // A reader that has seen enough is no error.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Good),
            Err(error) => Err(anyhow::anyhow!("could not write to standard output: {error}")),
            Ok(_lines) => Ok(Exit::Good),
        };
    }
    let written = File::create(&args.out).and_then(|mut file| write(&mut file, args.people, args.seed));
    match written {
        Ok(lines) => {
            eprintln!("sillok: wrote {} people, {lines} lines, to {}", args.people, args.out.display());
            Ok(Exit::Good)
        }
        Err(error) => Err(anyhow::anyhow!("could not write {}: {error}", args.out.display())),
    }
}

/// Writes the population and returns how many lines it has.
pub(crate) fn write(out: &mut dyn Write, people: u64, seed: u64) -> std::io::Result<u64> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let mut lines = 0;
    for person in population::people(seed).zip(0..people).map(|(person, _number)| person) {
        for resource in person.resources() {
            serde_json::to_writer(&mut out, &resource)?;
            out.write_all(b"\n")?;
            lines += 1;
        }
    }
    out.flush()?;
    Ok(lines)
}

/// More people than live, and their ids still have seven digits each.
const MAX_PEOPLE: u64 = 9_999_999;

const BUFFER_BYTES: usize = 1 << 20;
