//! What a run is told.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Which stampede.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Mid,
    High,
    Both,
}

/// The arguments.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) case: Case,
    /// Connections of closed loops with one credential a request.
    pub(super) connections: usize,
    /// Where the data folder is made.
    pub(super) folder: Option<PathBuf>,
    /// The time of each closed loop and of the part before the kill and after it.
    pub(super) limit_time: Duration,
    pub(super) overload_time: Duration,
    /// The program to measure; built by cargo if it is not given.
    pub(super) program: Option<PathBuf>,
    pub(super) rounds: usize,
    pub(super) seed: u64,
    /// The stampede, all cases together.
    pub(super) time: Duration,
}

impl Options {
    pub(super) fn parse(arguments: &[String], seed: u64) -> Result<Self> {
        let mut options = Self {
            case: Case::Both,
            connections: 256,
            folder: None,
            limit_time: Duration::from_secs(5),
            overload_time: Duration::from_secs(60),
            program: None,
            rounds: 3,
            seed,
            time: Duration::from_secs(600),
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{name} has no value\n{USAGE}"))?;
            let number = |least: u64, most: u64| match value.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(number),
                _other => bail!("{name} is {value:?} and not a number from {least} to {most}\n{USAGE}"),
            };
            let seconds = |least| number(least, MAX_SECONDS).map(Duration::from_secs);
            match name.as_str() {
                "--case" => {
                    options.case = match value.as_str() {
                        "mid" => Case::Mid,
                        "high" => Case::High,
                        "both" => Case::Both,
                        other => bail!("--case is {other:?} and not mid, high or both"),
                    }
                }
                "--connections" => options.connections = usize::try_from(number(1, 4_096)?)?,
                "--folder" => options.folder = Some(value.into()),
                "--limit-seconds" => options.limit_time = seconds(1)?,
                "--overload-seconds" => options.overload_time = seconds(1)?,
                "--program" => options.program = Some(value.into()),
                "--rounds" => options.rounds = usize::try_from(number(1, 100)?)?,
                "--seconds" => options.time = seconds(2)?,
                "--seed" => options.seed = number(0, u64::MAX)?,
                other => bail!("unknown argument {other:?}\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "\
load rush [--seconds 600] [--case mid|high|both] [--overload-seconds 60] [--limit-seconds 5] [--rounds 3]
          [--connections 256] [--seed N] [--folder DIR] [--program SILLOK]";

/// A day.
const MAX_SECONDS: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_refused() {
        let read = |text: &str| {
            let arguments: Vec<String> = text.split_whitespace().map(String::from).collect();
            Options::parse(&arguments, 7)
        };
        let options = read("--case high --seconds 20 --program /bin/true").unwrap();
        assert_eq!((options.case, options.time, options.seed), (Case::High, Duration::from_secs(20), 7));
        for wrong in ["--case low", "--seconds", "--seconds 0", "--seconds x", "--what 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
