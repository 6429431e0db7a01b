//! Pure. The flags of a measurement: `--name value`, each a number with a default.

use anyhow::{Context as _, Result, bail};

/// What was given, checked against what is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags {
    all: Vec<(&'static str, f64)>,
}

impl Flags {
    /// Reads flags; `known` has each with its default.
    ///
    /// # Errors
    /// A flag is unknown, lacks its value, or that is no positive number (or 0).
    pub fn parse(arguments: &[String], known: &[(&'static str, f64)]) -> Result<Self> {
        let mut all = known.to_vec();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let name = argument.strip_prefix("--").unwrap_or_default();
            let Some((_name, value)) = all.iter_mut().find(|(known, _default)| *known == name) else {
                let known: Vec<String> =
                    known.iter().map(|(name, default)| format!("--{name} {default}")).collect();
                bail!("unknown flag {argument:?}; there are {}", known.join(", "));
            };
            let text = rest.next().with_context(|| format!("flag {argument} lacks its value"))?;
            *value = match text.parse::<f64>() {
                Ok(number) if number.is_finite() && number >= 0.0 => number,
                _other => bail!("flag {argument}: {text:?} is not a number from 0 on"),
            };
        }
        Ok(Self { all })
    }

    /// The value of a known flag.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.all.iter().find(|(known, _value)| *known == name).map_or(0.0, |(_known, value)| *value)
    }

    /// The same as a count.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let count = self.number(name) as usize;
        count
    }

    /// The same as seconds.
    #[must_use]
    pub fn seconds(&self, name: &str) -> std::time::Duration {
        std::time::Duration::try_from_secs_f64(self.number(name)).unwrap_or(std::time::Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_before_their_numbers() {
        let parse = |text: &str| {
            let arguments: Vec<String> = text.split_whitespace().map(String::from).collect();
            Flags::parse(&arguments, &[("seconds", 20.0), ("rate", 5_000.0)])
        };
        let flags = parse("--seconds 2.5").unwrap();
        assert_eq!((flags.number("seconds"), flags.count("rate")), (2.5, 5_000));
        assert_eq!(flags.seconds("seconds"), std::time::Duration::from_millis(2_500));
        for bad in ["--second 1", "seconds 1", "--seconds", "--seconds x", "--seconds -1", "--seconds inf"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
