//! Citations: every `//= specs/FILE.md#anchor` in the code names a heading that is there.

mod anchors;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::source;
use crate::workspace::{Workspace, expect_none, say};

/// Resolves every citation in every Rust file, and counts them by document.
///
/// # Errors
/// Fails with every citation whose document or heading is not there, or that is malformed.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut documents: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    let (mut counts, mut findings) = (BTreeMap::<String, usize>::new(), Vec::new());
    for path in source::files(&workspace.root, "rs")? {
        for (line, citation) in citations(&source::read(&path)?) {
            let place = format!("{}:{line}", workspace.relative(&path));
            let Some((document, anchor)) = target(&citation) else {
                findings.push(format!("{place}: `{citation}` is not of the form specs/FILE.md#anchor"));
                continue;
            };
            *counts.entry(document.into()).or_default() += 1;
            if !documents.contains_key(document) {
                let file = workspace.root.join(document);
                let found = if file.is_file() { Some(anchors::anchors(&source::read(&file)?)) } else { None };
                documents.insert(document.into(), found);
            }
            match documents.get(document) {
                Some(Some(anchors)) if anchors.contains(anchor) => {}
                Some(Some(_)) => findings.push(format!("{place}: {document} has no heading #{anchor}")),
                _ => findings.push(format!("{place}: {document} is not there")),
            }
        }
    }
    for (document, count) in &counts {
        say("cite", format_args!("{document}: {count}"));
    }
    expect_none("citations that lead nowhere", &findings)?;
    say("cite", format_args!("{} citations, all found", counts.values().sum::<usize>()));
    Ok(())
}

/// The citations of a Rust file with their lines; `//= type=test` qualifies the one above it.
fn citations(code: &str) -> Vec<(usize, String)> {
    let lines = code.lines().enumerate();
    let cited = lines.filter_map(|(index, line)| Some((index + 1, line.trim().strip_prefix("//=")?.trim())));
    cited.filter(|(_, text)| !text.starts_with("type=")).map(|(line, text)| (line, text.into())).collect()
}

/// Document and anchor of a citation.
fn target(citation: &str) -> Option<(&str, &str)> {
    let (document, anchor) = citation.split_once('#')?;
    let well_formed = document.starts_with("specs/")
        && document.ends_with(".md")
        && !document.contains("..")
        && !anchor.is_empty()
        && !anchor.contains(char::is_whitespace);
    well_formed.then_some((document, anchor))
}

#[cfg(test)]
mod tests {
    use super::{citations, target};

    #[test]
    fn citations_stand_alone_on_a_line() {
        let code = "fn a() {\n    //= specs/entry.md#issue\n    //= type=test\n    b(); //= no\n}\n";
        assert_eq!(citations(code), [(2, "specs/entry.md#issue".into())]);
    }

    #[test]
    fn malformed_targets_are_refused() {
        assert_eq!(target("specs/entry.md#issue"), Some(("specs/entry.md", "issue")));
        for wrong in
            ["specs/entry.md", "specs/entry.md#", "entry.md#issue", "specs/../x.md#y", "specs/a.md#b c"]
        {
            assert_eq!(target(wrong), None, "{wrong}");
        }
    }
}
