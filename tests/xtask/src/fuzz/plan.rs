//! What the arguments ask for.

use anyhow::{Context, Result, bail, ensure};

/// Targets to run, and for how long each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) seconds: u32,
    /// In the order of the arguments; all of them if none is named.
    pub(super) targets: Vec<String>,
}

impl Plan {
    /// Reads `[--seconds N] [TARGET...]`.
    ///
    /// # Errors
    /// Fails on an unknown option or target, and on seconds outside 1 to a day.
    pub(super) fn parse(arguments: &[&str], names: &[String]) -> Result<Self> {
        let (mut seconds, mut targets) = (DEFAULT_SECONDS, Vec::new());
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            if argument == "--seconds" {
                let number = arguments.next().context("`--seconds` lacks its number")?;
                seconds = number.parse().with_context(|| format!("read the seconds `{number}`"))?;
            } else if names.iter().any(|name| name == argument) {
                targets.push(String::from(argument));
            } else {
                bail!("no target `{argument}`; there are {}", names.join(", "));
            }
        }
        ensure!((1..=MAX_SECONDS).contains(&seconds), "{seconds} seconds are not within 1 to {MAX_SECONDS}");
        let targets = if targets.is_empty() { names.to_vec() } else { targets };
        Ok(Self { seconds, targets })
    }
}

/// What specs and style ask of a run in CI.
const DEFAULT_SECONDS: u32 = 60;

/// A day; libFuzzer takes 0 as for ever.
const MAX_SECONDS: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::Plan;

    fn plan(arguments: &[&str]) -> Result<Plan, String> {
        Plan::parse(arguments, &["note".into(), "entry".into()]).map_err(|error| format!("{error:#}"))
    }

    fn expected(seconds: u32, targets: &[&str]) -> Result<Plan, String> {
        Ok(Plan { seconds, targets: targets.iter().map(|name| String::from(*name)).collect() })
    }

    #[test]
    fn without_names_all_targets_run() {
        assert_eq!(plan(&[]), expected(60, &["note", "entry"]));
        assert_eq!(plan(&["--seconds", "5"]), expected(5, &["note", "entry"]));
        assert_eq!(plan(&["entry", "--seconds", "86400"]), expected(86_400, &["entry"]));
    }

    #[test]
    fn what_is_unknown_or_without_bound_is_refused() {
        for wrong in [&["notes"][..], &["--second", "5"], &["--seconds"], &["--seconds", "x"], &["--help"]] {
            assert!(plan(wrong).is_err(), "{wrong:?}");
        }
        for seconds in ["0", "86401", "-1"] {
            assert!(plan(&["--seconds", seconds]).is_err(), "{seconds}");
        }
    }
}
