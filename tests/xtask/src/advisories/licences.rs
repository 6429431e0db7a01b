//! The licences of everything that is built into what people get.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::exceptions::Exceptions;
use super::spdx;
use crate::workspace::{Workspace, expect_none, say};

/// Checks the licence of every package that the workspace reaches by normal and build dependencies, on any platform.
///
/// # Errors
/// Fails with every package whose licence is not allowed, and every exception that no longer applies.
pub(super) fn check(workspace: &Workspace, exceptions: &Exceptions) -> Result<()> {
    let reached = reached(&workspace.metadata)?;
    let (mut findings, mut excepted) = (Vec::new(), BTreeSet::new());
    let mut count = 0;
    for package in members(&workspace.metadata, "packages")? {
        if !reached.contains(text(package, "id")?) {
            continue;
        }
        count += 1;
        let (name, version) = (text(package, "name")?, text(package, "version")?);
        let licence = package.get("license").and_then(Value::as_str).unwrap_or("none");
        let allowed = spdx::allowed(licence, &ALLOWED);
        if matches!(allowed, Ok(true)) {
            continue;
        }
        if let Some(reason) = exceptions.licence(licence, name) {
            say("licences", format_args!("excepted: {name} {version} under {licence}; {reason}"));
            excepted.insert((licence, name));
            continue;
        }
        let why = allowed.map_or_else(|error| format!(" ({error:#})"), |_| String::new());
        findings.push(format!("{name} {version}: {licence}{why}"));
    }
    findings.extend(exceptions.licences_besides(&excepted));
    expect_none("licences that are not allowed, or exceptions that no longer apply", &findings)?;
    say("licences", format_args!("{count} packages, all under licences that specs/decisions.md allows"));
    Ok(())
}

/// Ids of the packages that are reached from any member without a dev-dependency.
fn reached(metadata: &Value) -> Result<BTreeSet<&str>> {
    let resolve = metadata.get("resolve").context("metadata has no `resolve`")?;
    let mut edges = BTreeMap::new();
    for node in members(resolve, "nodes")? {
        let built = members(node, "deps")?.iter().filter(|dependency| {
            let kinds = dependency.get("dep_kinds").and_then(Value::as_array).into_iter().flatten();
            kinds.into_iter().any(|kind| kind.get("kind").and_then(Value::as_str) != Some("dev"))
        });
        let built: Result<Vec<&str>> = built.map(|dependency| text(dependency, "pkg")).collect();
        edges.insert(text(node, "id")?, built?);
    }
    let ours = members(metadata, "workspace_members")?;
    let mut open: Vec<&str> = ours.iter().filter_map(Value::as_str).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    Ok(reached)
}

fn members<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value.get(name).and_then(Value::as_array).with_context(|| format!("metadata: no list `{name}`"))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("metadata: no text `{name}`"))
}

/// Permissive licences: they ask for a notice at most. File-based copyleft (MPL-2.0) needs an exception.
const ALLOWED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reached;

    #[test]
    fn build_dependencies_are_reached_and_dev_dependencies_are_not() {
        let dep = |id: &str, kind: Option<&str>| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "workspace_members": ["ours"],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [dep("normal", None), dep("build", Some("build")), dep("dev", Some("dev"))] },
                { "id": "normal", "deps": [dep("deep", None)] },
                { "id": "build", "deps": [] },
                { "id": "dev", "deps": [] },
                { "id": "deep", "deps": [dep("normal", None)] },
            ] },
        });
        let found: Vec<&str> = reached(&metadata).expect("metadata").into_iter().collect();
        assert_eq!(found, ["build", "deep", "normal", "ours"]);
    }
}
