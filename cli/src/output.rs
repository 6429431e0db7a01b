//! Standard output. A reader that has seen enough (`| head`) is no error: the exit code still says the rest.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

/// Writes bytes to standard output, at once.
pub(crate) fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("could not write to standard output"),
    }
}

/// Writes one line.
pub(crate) fn line(text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    write(format!("{text}\n").as_bytes())
}
