//! The exceptions that people decided on, each with its reason.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

/// What `exceptions.toml` lets pass.
pub(super) struct Exceptions {
    advisories: Vec<Exception>,
    licences: Vec<Exception>,
}

struct Exception {
    /// Id of the advisory, or the licence expression.
    what: String,
    package: String,
    reason: String,
}

impl Exceptions {
    /// Reads `[[advisory]]` (id, package, reason) and `[[licence]]` (licence, package, reason).
    ///
    /// # Errors
    /// Fails on any other table or member, and when a member is missing or empty.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let mut exceptions = Self { advisories: Vec::new(), licences: Vec::new() };
        for (name, list) in &table {
            let (key, into) = match name.as_str() {
                "advisory" => ("id", &mut exceptions.advisories),
                "licence" => ("licence", &mut exceptions.licences),
                other => bail!("unknown table `{other}`"),
            };
            for item in list.as_array().with_context(|| format!("`{name}` is no list of tables"))? {
                into.push(exception(item, key).with_context(|| format!("an exception in `[[{name}]]`"))?);
            }
        }
        Ok(exceptions)
    }

    /// The reason for letting this advisory about this package pass, if there is one.
    pub(super) fn advisory(&self, id: &str, package: &str) -> Option<&str> {
        reason(&self.advisories, id, package)
    }

    /// The reason for letting this licence expression of this package pass, if there is one.
    pub(super) fn licence(&self, licence: &str, package: &str) -> Option<&str> {
        reason(&self.licences, licence, package)
    }

    /// A finding for each advisory exception that is not among those that were needed.
    pub(super) fn advisories_besides(&self, needed: &BTreeSet<(&str, &str)>) -> Vec<String> {
        besides(&self.advisories, needed)
    }

    /// A finding for each licence exception that is not among those that were needed.
    pub(super) fn licences_besides(&self, needed: &BTreeSet<(&str, &str)>) -> Vec<String> {
        besides(&self.licences, needed)
    }
}

fn exception(item: &Value, key: &str) -> Result<Exception> {
    let item = item.as_table().context("is no table")?;
    let word = |name: &str| {
        let word = item.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        ensure!(!word.is_empty(), "`{name}` is missing or empty");
        Ok(String::from(word))
    };
    if let Some(unknown) = item.keys().find(|name| ![key, "package", "reason"].contains(&name.as_str())) {
        bail!("unknown member `{unknown}`");
    }
    Ok(Exception { what: word(key)?, package: word("package")?, reason: word("reason")? })
}

fn reason<'a>(exceptions: &'a [Exception], what: &str, package: &str) -> Option<&'a str> {
    let mut all = exceptions.iter();
    all.find(|one| one.what == what && one.package == package).map(|one| one.reason.as_str())
}

fn besides(exceptions: &[Exception], needed: &BTreeSet<(&str, &str)>) -> Vec<String> {
    let unneeded =
        exceptions.iter().filter(|one| !needed.contains(&(one.what.as_str(), one.package.as_str())));
    unneeded.map(|one| format!("exception {} for {} no longer applies", one.what, one.package)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Exceptions;

    #[test]
    fn an_exception_needs_its_reason() {
        let without = "[[advisory]]\nid = \"RUSTSEC-2025-0057\"\npackage = \"fxhash\"\nreason = \" \"\n";
        let message = format!("{:#}", Exceptions::parse(without).map(|_| ()).expect_err("no reason"));
        assert!(message.contains("`reason` is missing or empty"), "{message}");
        assert!(Exceptions::parse("[[advisories]]\n").is_err());
    }

    #[test]
    fn an_exception_that_no_longer_applies_is_a_finding() {
        let text = "[[advisory]]\nid = \"A\"\npackage = \"p\"\nreason = \"r\"\n[[licence]]\nlicence = \"L\"\npackage = \"p\"\nreason = \"r\"\n";
        let exceptions = Exceptions::parse(text).expect("exceptions");
        assert_eq!(exceptions.advisory("A", "p"), Some("r"));
        assert_eq!(exceptions.advisory("A", "q"), None);
        assert_eq!(exceptions.licence("L", "p"), Some("r"));
        assert!(exceptions.advisories_besides(&BTreeSet::from([("A", "p")])).is_empty());
        assert_eq!(exceptions.advisories_besides(&BTreeSet::new()), ["exception A for p no longer applies"]);
    }
}
