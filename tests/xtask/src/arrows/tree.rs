//! What an app takes on that embeds the verifier: every crate below it, counted, and none of a kind that it must not have.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{Workspace, expect_none, say};

/// Counts the crates below the verifier's core, normal dependencies on every platform, and looks at their names.
///
/// # Errors
/// Fails when there are more than the limit, or with every crate for network, OpenSSL or an async runtime.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let names = below(&workspace.metadata, CORE)?;
    let mut findings = forbidden(&names);
    if names.len() > MAX_CRATES {
        findings.push(format!("{} crates below {CORE}, more than {MAX_CRATES}", names.len()));
    }
    expect_none("crates below the verifier that may not be there", &findings)?;
    say(
        "arrows",
        format_args!("{} crates below {CORE}, at most {MAX_CRATES}; none for a network", names.len()),
    );
    Ok(())
}

/// The names of all packages that `root` reaches without dev-dependencies and build scripts, itself left out.
fn below(metadata: &Value, root: &str) -> Result<BTreeSet<String>> {
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("metadata has no `packages`")?;
    let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(String::from);
    let names: BTreeMap<String, String> = packages
        .iter()
        .filter_map(|package| Some((field(package, "id")?, field(package, "name")?)))
        .collect();
    let nodes =
        metadata.pointer("/resolve/nodes").and_then(Value::as_array).context("metadata is not resolved")?;
    let node = |id: &str| nodes.iter().find(|node| field(node, "id").as_deref() == Some(id));
    let (root, _name) =
        names.iter().find(|(_id, name)| *name == root).context("the verifier is no member")?;
    let (mut open, mut seen) = (vec![root.clone()], BTreeSet::from([root.clone()]));
    while let Some(id) = open.pop() {
        let deps = node(&id).and_then(|node| node.get("deps")).and_then(Value::as_array);
        for dep in deps.into_iter().flatten() {
            let kinds = dep.get("dep_kinds").and_then(Value::as_array);
            // `null` is the kind of a normal dependency.
            let is_normal =
                kinds.is_some_and(|kinds| kinds.iter().any(|one| one.get("kind") == Some(&Value::Null)));
            if let Some(id) = field(dep, "pkg").filter(|_id| is_normal)
                && seen.insert(id.clone())
            {
                open.push(id);
            }
        }
    }
    seen.remove(root);
    Ok(seen.iter().filter_map(|id| names.get(id)).cloned().collect())
}

fn forbidden(names: &BTreeSet<String>) -> Vec<String> {
    let is_forbidden =
        |name: &&String| FORBIDDEN.iter().any(|part| name.split(['-', '_']).any(|word| word == *part));
    names.iter().filter(is_forbidden).map(|name| format!("{name} below {CORE}")).collect()
}

/// The crate that others embed.
const CORE: &str = "sillok-verifier";

/// The verifier is read before it is trusted: each crate below it is somebody's reading.
const MAX_CRATES: usize = 60;

/// Words in the names of crates for a network, a C library for cryptography, or an async runtime.
const FORBIDDEN: [&str; 19] = [
    "actix", "async", "aws", "curl", "futures", "h2", "http", "hyper", "mio", "native", "openssl", "reqwest",
    "ring", "rustls", "smol", "socket2", "tls", "tokio", "ureq",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_names_are_compared() {
        let names =
            ["tokio-util", "aws-lc-sys", "openssl_sys", "string-cache", "miniz_oxide"].map(String::from);
        let found = forbidden(&names.into());
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn only_normal_dependencies_count() {
        let dep =
            |name: &str, kind: Value| serde_json::json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let package = |name: &str| serde_json::json!({ "id": name, "name": name });
        let packages = ["sillok-verifier", "a", "b", "c"].map(package);
        let metadata = serde_json::json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "sillok-verifier", "deps": [dep("a", Value::Null), dep("b", "dev".into())] },
                { "id": "a", "deps": [dep("c", Value::Null)] },
            ] },
        });
        assert_eq!(below(&metadata, CORE).unwrap(), BTreeSet::from(["a".into(), "c".into()]));
    }
}
