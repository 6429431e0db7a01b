//! One advisory of the RustSec database, and whether it speaks of a version.

use anyhow::{Context, Result};
use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};
use toml::{Table, Value};

/// What the front matter of an advisory says, as far as a lock file can be judged by it.
pub(super) struct Advisory {
    pub(super) id: String,
    package: String,
    /// The first heading, or the kind where there is none.
    pub(super) title: String,
    withdrawn: bool,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    /// Reads an advisory file: TOML between fences, then Markdown.
    ///
    /// # Errors
    /// Fails when a member that decides is missing or malformed: an advisory that is skipped protects nobody.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (_, rest) = text.split_once("```toml\n").context("no TOML front matter")?;
        let (front, body) = rest.split_once("\n```").context("the front matter does not end")?;
        let table: Table = front.parse().context("parse the front matter")?;
        let advisory = table.get("advisory").and_then(Value::as_table).context("no table `advisory`")?;
        let word = |name: &str| {
            let word = advisory.get(name).and_then(Value::as_str).map(String::from);
            word.with_context(|| format!("`advisory.{name}` is missing"))
        };
        let versions = table.get("versions").and_then(Value::as_table).context("no table `versions`")?;
        let heading = body.lines().find_map(|line| line.strip_prefix("# "));
        let kind = advisory.get("informational").and_then(Value::as_str).unwrap_or("vulnerability");
        Ok(Self {
            id: word("id")?,
            package: word("package")?,
            title: format!("{} ({kind})", heading.unwrap_or("no title").trim()),
            withdrawn: advisory.contains_key("withdrawn"),
            patched: requirements(versions, "patched")?,
            unaffected: requirements(versions, "unaffected")?,
        })
    }

    /// Whether this version of this package is affected: not withdrawn, not patched, not named as unaffected.
    pub(super) fn affects(&self, package: &str, version: &Version) -> bool {
        let spared = self.patched.iter().chain(&self.unaffected).any(|one| matches(one, version));
        package == self.package && !self.withdrawn && !spared
    }
}

fn requirements(versions: &Table, name: &str) -> Result<Vec<VersionReq>> {
    let Some(list) = versions.get(name) else {
        return Ok(Vec::new());
    };
    let list = list.as_array().with_context(|| format!("`versions.{name}` is no list"))?;
    let one = |value: &Value| {
        let text =
            value.as_str().with_context(|| format!("`versions.{name}` holds something else than text"))?;
        VersionReq::parse(text).with_context(|| format!("`versions.{name}`: `{text}` is no requirement"))
    };
    list.iter().map(one).collect()
}

/// Whether the version lies in the range, by the order of Semantic Versioning 2.0.0 section 11.
///
/// `VersionReq::matches` is made for choosing a version and never offers a pre-release unasked; here a version is
/// given, and `2.0.0-rc.1` lies in `>= 1.4.2` as `2.0.0` does.
fn matches(requirement: &VersionReq, version: &Version) -> bool {
    // Precedence has no build metadata, `Version`'s own order does.
    let plain = Version { build: BuildMetadata::EMPTY, ..version.clone() };
    requirement.comparators.iter().all(|comparator| {
        let low = low(comparator);
        match comparator.op {
            Op::Exact | Op::Wildcard => plain >= low && (plain == low || plain < high(comparator)),
            Op::Greater if comparator.patch.is_some() => plain > low,
            // `> 1.2` means at or above 1.3.0.
            Op::Greater => plain >= release(high(comparator)),
            Op::GreaterEq => plain >= low,
            Op::Less => plain < low,
            Op::LessEq => plain <= low || (comparator.patch.is_none() && plain < high(comparator)),
            Op::Tilde | Op::Caret => plain >= low && plain < high(comparator),
            // The enum may grow: an operator that is not known spares nobody.
            _ => false,
        }
    })
}

/// The smallest version that the comparator names.
fn low(comparator: &Comparator) -> Version {
    Version {
        major: comparator.major,
        minor: comparator.minor.unwrap_or(0),
        patch: comparator.patch.unwrap_or(0),
        pre: comparator.pre.clone(),
        build: BuildMetadata::EMPTY,
    }
}

/// The first version past what the comparator allows, its pre-releases included.
fn high(comparator: &Comparator) -> Version {
    let (major, minor, patch) = (comparator.major, comparator.minor, comparator.patch);
    let next_major = (major.saturating_add(1), 0, 0);
    let next_minor = |minor: u64| (major, minor.saturating_add(1), 0);
    let next_patch = |minor: u64, patch: u64| (major, minor, patch.saturating_add(1));
    let (major, minor, patch) = match (comparator.op, minor, patch) {
        (_, None, _) => next_major,
        (Op::Caret, Some(minor), patch) if major == 0 => match patch {
            Some(patch) if minor == 0 => next_patch(minor, patch),
            _ => next_minor(minor),
        },
        (Op::Caret, ..) => next_major,
        (Op::Tilde, Some(minor), _) | (_, Some(minor), None) => next_minor(minor),
        // Reached for `= 1.2.3` only, where nothing but the version itself is meant.
        (_, Some(_), Some(_)) => return low(comparator),
    };
    Version { pre: lowest(), ..Version::new(major, minor, patch) }
}

fn release(version: Version) -> Version {
    Version { pre: Prerelease::EMPTY, ..version }
}

/// `-0` comes before every other pre-release (Semantic Versioning 2.0.0 section 11.4).
fn lowest() -> Prerelease {
    Prerelease::new("0").unwrap_or(Prerelease::EMPTY)
}

#[cfg(test)]
mod tests;
