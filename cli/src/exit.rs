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
    eprintln!("sillok: {}", sentence(error));
    if error.is::<UsageError>() { Exit::Usage } else { Exit::Unknown }
}

/// What went wrong, and why, joined by colons. Many errors hold the sentence of their cause: it is not said twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        let cause = cause.trim_end();
        if !said.contains(cause) {
            said.push_str(": ");
            said.push_str(cause);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("disk is full");
        let sentence = |error: anyhow::Error| sentence(&error);
        assert_eq!(sentence(cause().into()), "disk is full");
        let told = Err::<(), _>(cause()).context("could not write x").context("could not start");
        assert_eq!(sentence(told.unwrap_err()), "could not start: could not write x: disk is full");
        let source =
            sillok_registry::sealed::Error::Io { operation: "write", path: "x".into(), source: cause() };
        assert_eq!(sentence(source.into()), "could not write x: disk is full");
        assert_eq!(sentence(UsageError("no such thing".into()).into()), "no such thing");
    }
}
