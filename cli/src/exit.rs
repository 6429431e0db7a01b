//! Exit codes: what a script learns without reading.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, valid, clean.
    Good,
    /// Not valid, or findings.
    Bad,
    /// Cannot tell, or could not finish.
    Unknown,
    /// The command was not understood.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Bad => 1,
            Exit::Unknown => 2,
            // EX_USAGE of sysexits.h, so that a typing error is never taken for a verdict.
            Exit::Usage => 64,
        })
    }
}

/// A command line that cannot be carried out as it stands.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Fails as a usage error.
pub(crate) fn usage<T>(message: String) -> anyhow::Result<T> {
    Err(UsageError(message).into())
}

/// Says on standard error what went wrong.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        // Help and version go to standard output and are no error.
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Good };
        drop(error.print());
        return exit;
    }
    // The sentences of our errors hold those of their sources already.
    eprintln!("sillok: {error}");
    if error.is::<UsageError>() { Exit::Usage } else { Exit::Unknown }
}
