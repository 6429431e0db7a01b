//! The packages of a Cargo.lock.

use anyhow::{Context, Result};
use semver::Version;
use toml::{Table, Value};

/// A package that came from a registry.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: Version,
}

/// Reads the packages that have a source; those without one are our own.
///
/// # Errors
/// Fails when the file is not a lock file.
pub(crate) fn packages(lock: &str) -> Result<Vec<Package>> {
    let table: Table = lock.parse().context("parse Cargo.lock")?;
    let list = table.get("package").and_then(Value::as_array).context("Cargo.lock lists no package")?;
    let foreign = list.iter().filter(|package| package.get("source").is_some());
    let package = |value: &Value| {
        let word = |name: &str| value.get(name).and_then(Value::as_str);
        let name = word("name").context("Cargo.lock: a package without a name")?;
        let version = word("version").with_context(|| format!("Cargo.lock: {name} has no version"))?;
        let version = Version::parse(version).with_context(|| format!("Cargo.lock: {name} {version}"))?;
        Ok(Package { name: name.into(), version })
    };
    foreign.map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn our_own_packages_are_left_out() {
        let lock = "version = 4\n[[package]]\nname = \"sillok\"\nversion = \"0.1.0\"\n[[package]]\nname = \"sled\"\nversion = \"0.34.7\"\nsource = \"registry+x\"\n";
        let found: Vec<String> =
            packages(lock).expect("a lock file").into_iter().map(|one| one.name).collect();
        assert_eq!(found, ["sled"]);
        assert!(packages("version = 4\n").is_err());
    }
}
