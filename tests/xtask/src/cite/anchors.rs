//! The anchors of a Markdown document, by the rules of GitHub.

use std::collections::BTreeSet;

/// Slugs of all headings outside code blocks, and explicit anchors: `<a id="...">`, `<a name="...">`, `{#...}`.
pub(super) fn anchors(document: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut fence: Option<&str> = None;
    for line in document.lines() {
        let trimmed = line.trim_start();
        if let Some(mark) = fence {
            if trimmed.starts_with(mark) {
                fence = None;
            }
            continue;
        }
        fence = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        anchors.extend(explicit(line));
        if let Some(heading) = heading(line) {
            let slug = slug(heading);
            // A slug that is taken gets the first number that is free.
            let numbered = (1..).map(|number: usize| format!("{slug}-{number}"));
            let free = std::iter::once(slug.clone()).chain(numbered).find(|one| !anchors.contains(one));
            anchors.extend(free);
        }
    }
    anchors
}

/// The text of an ATX heading, without its marks and without an explicit `{#id}`.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len().checked_sub(text.len())?;
    if !(1..=6).contains(&level) || !text.starts_with([' ', '\t']) {
        return None;
    }
    let text = text.trim();
    let text = text.split_once("{#").map_or(text, |(before, _)| before.trim_end());
    Some(text.trim_end_matches('#').trim_end())
}

/// Lower case; letters, digits, hyphens and underscores are kept, a space becomes a hyphen, all else goes.
fn slug(heading: &str) -> String {
    let kept = rendered(heading).to_lowercase();
    let kept = kept.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The heading as it is shown: a link is its text, an HTML tag is nothing.
fn rendered(heading: &str) -> String {
    let mut shown = String::new();
    let mut rest = heading;
    while let Some(at) = rest.find(['[', '<']) {
        let (before, tail) = rest.split_at(at);
        shown.push_str(before);
        if let Some((text, after)) = link(tail) {
            shown.push_str(text);
            rest = after;
        } else if let Some((_, after)) = tail.strip_prefix("<").and_then(|tag| tag.split_once('>')) {
            rest = after;
        } else {
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    shown.push_str(rest);
    shown
}

/// Text and remainder of `[text](address)...`.
fn link(tail: &str) -> Option<(&str, &str)> {
    let (text, after) = tail.strip_prefix('[')?.split_once("](")?;
    let (_, after) = after.split_once(')')?;
    Some((text, after))
}

fn explicit(line: &str) -> Vec<String> {
    let marks = [("<a id=\"", '"'), ("<a name=\"", '"'), ("{#", '}')];
    let found = marks.into_iter().flat_map(|(start, end)| {
        line.split(start).skip(1).filter_map(move |rest| rest.split_once(end)).map(|(id, _)| String::from(id))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::{anchors, slug};

    #[test]
    fn slugs_follow_github() {
        assert_eq!(slug("Rule 4: inclusion, in a log"), "rule-4-inclusion-in-a-log");
        assert_eq!(slug("`verify(evidence)` -> Verdict"), "verifyevidence---verdict");
        assert_eq!(slug("3.1 The leaf_hash (RFC 6962)"), "31-the-leaf_hash-rfc-6962");
        assert_eq!(slug("See [the log](log.md#x) first"), "see-the-log-first");
        assert_eq!(slug("실록 Annals"), "실록-annals");
        assert_eq!(slug("a < b"), "a--b");
    }

    #[test]
    fn equal_headings_are_numbered() {
        let found = anchors("# Limits\n\n## Limits\n\n### Limits\n");
        assert!(["limits", "limits-1", "limits-2"].iter().all(|one| found.contains(*one)), "{found:?}");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn code_blocks_hold_no_headings() {
        let found = anchors("# A\n```sh\n# not a heading\n```\n~~~\n# nor this\n~~~\n#tag\n## B ##\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn explicit_anchors_count() {
        let found = anchors("<a id=\"issue\"></a>\n## Status change {#status}\nText <a name=\"x\">y</a>.\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["issue", "status", "status-change", "x"]);
    }
}
