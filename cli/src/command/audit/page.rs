//! A report as one page of HTML that asks for nothing: no script, no other file, the same bytes for the same report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sillok_client::audit as client;
use sillok_log::audit::KeyEventAt;
use sillok_log::entry::{EntryKind, KeyEvent, Thumbprint};
use sillok_verifier::encoding::encode_base64url;

use super::report::{Report, kind_name};
use super::rfc3339;
use crate::exit::Exit;

mod plot;

use plot::{Mark, Plot};

//= specs/audit.md#report
/// The page of a report.
pub(crate) fn page(report: &Report) -> String {
    let mut out = String::new();
    let result = match report.exit() {
        Exit::Good => "clean",
        Exit::Bad => "findings",
        Exit::Unknown | Exit::Usage => "could not finish",
    };
    let origin = report.checkpoint().map_or("no log", |checkpoint| &checkpoint.origin);
    put(&mut out, format_args!("{HEAD}<title>Audit of {}: {result}</title>\n{STYLE}", escape(origin)));
    put(
        &mut out,
        format_args!("<h1>Audit of {}</h1>\n<p class=\"{}\">{result}", escape(origin), result_class(result)),
    );
    put(
        &mut out,
        format_args!(": {} findings, {} things not checked</p>\n", report.total(), report.unchecked().len()),
    );
    checkpoint(&mut out, report);
    findings(&mut out, report);
    if let Some(found) = report.of_log() {
        entries(&mut out, report, found);
        hours(&mut out, found);
        keys(&mut out, found);
        put(&mut out, format_args!("<h2>Signed note</h2>\n<pre>{}</pre>\n", escape(&found.note)));
    }
    put(&mut out, format_args!("</main>\n</html>\n"));
    out
}

fn checkpoint(out: &mut String, report: &Report) {
    put(out, format_args!("<h2>Checkpoint</h2>\n<table>\n"));
    if let (Some(checkpoint), Some(found)) = (report.checkpoint(), report.of_log()) {
        row(out, "Size", &checkpoint.size.to_string());
        row(out, "Root", &checkpoint.root.to_base64());
        row(out, "Entries replayed", &found.replayed.to_string());
    }
    row(out, "Quorum", report.quorum().unwrap_or("no policy was given"));
    row(out, "Renderings of status lists compared", &report.compared().to_string());
    put(out, format_args!("</table>\n"));
}

fn findings(out: &mut String, report: &Report) {
    put(out, format_args!("<h2>Findings</h2>\n"));
    let rows: Vec<_> = report.rows().collect();
    if rows.is_empty() {
        put(out, format_args!("<p>None.</p>\n"));
    } else {
        put(
            out,
            format_args!(
                "<table>\n<tr><th scope=\"col\">Code</th><th scope=\"col\">Entry</th><th scope=\"col\">What</th></tr>\n"
            ),
        );
        for finding in &rows {
            let at = finding.at.map(|at| at.to_string()).unwrap_or_default();
            put(
                out,
                format_args!(
                    "<tr><td><code>{}</code></td><td>{at}</td><td>{}</td></tr>\n",
                    escape(&finding.code),
                    escape(&finding.detail)
                ),
            );
        }
        put(out, format_args!("</table>\n"));
        let more = report.total().saturating_sub(rows.len() as u64);
        if more > 0 {
            put(out, format_args!("<p>And {more} more.</p>\n"));
        }
    }
    if !report.unchecked().is_empty() {
        put(
            out,
            format_args!(
                "<h2>Not checked</h2>\n<table>\n<tr><th scope=\"col\">What</th><th scope=\"col\">Why</th></tr>\n"
            ),
        );
        for (what, why) in report.unchecked() {
            put(out, format_args!("<tr><td>{}</td><td>{}</td></tr>\n", escape(what), escape(why)));
        }
        put(out, format_args!("</table>\n"));
    }
}

fn entries(out: &mut String, report: &Report, found: &client::Report) {
    let counts = &found.counts;
    put(out, format_args!("<h2>Entries</h2>\n<table>\n"));
    for kind in EntryKind::ALL {
        row(out, kind_name(kind), &counts.of_kind(kind).to_string());
    }
    row(out, "of a raw log", &counts.foreign().to_string());
    row(out, "malformed", &counts.malformed().to_string());
    row(out, "against a rule", &counts.refused().to_string());
    put(out, format_args!("</table>\n"));
    if !report.keys().is_empty() {
        put(
            out,
            format_args!(
                "<h2>Issuer keys</h2>\n<table>\n<tr><th scope=\"col\">Key</th><th scope=\"col\">Issuer (hash)</th><th scope=\"col\">State</th><th scope=\"col\">Issued</th></tr>\n"
            ),
        );
        for key in report.keys() {
            put(
                out,
                format_args!(
                    "<tr><td><code>{}</code></td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
                    key.kid(),
                    key.issuer,
                    key.state,
                    key.issued
                ),
            );
        }
        put(out, format_args!("</table>\n"));
    }
}

fn hours(out: &mut String, found: &client::Report) {
    let counts = &found.counts;
    let marks: Vec<Mark> = counts.key_events().iter().map(mark).collect();
    let issued = counts.issued_by_hour();
    let series = [("Issued", "issued", &issued), ("Revoked", "revoked", counts.revoked_by_hour())];
    let Some(plot) = Plot::over(
        series
            .iter()
            .flat_map(|(_title, _class, hours)| hours.counts().keys().copied())
            .chain(marks.iter().map(|mark| mark.time)),
    ) else {
        return;
    };
    put(out, format_args!("<h2>Issued and revoked</h2>\n"));
    for (title, class, hours) in series {
        plot.draw(out, title, (class, class), hours.counts(), &marks);
        if hours.elsewhere() > 0 {
            put(out, format_args!("<p>And {} in hours that are not kept.</p>\n", hours.elsewhere()));
        }
    }
    let keys = busiest(counts.issued_by_key(), MAX_KEYS);
    for (number, key) in keys.iter().enumerate() {
        let by_hour = counts.issued_by_key_and_hour().of_key(*key).collect();
        let title = format!("Issued under key {}", encode_base64url(&key.0));
        let of_key: Vec<Mark> =
            counts.key_events().iter().filter(|event| event.key == *key).map(mark).collect();
        plot.draw(out, &title, ("issued", &format!("issued-{number}")), &by_hour, &of_key);
    }
    let more = counts.issued_by_key().len().saturating_sub(keys.len());
    if more > 0 {
        put(out, format_args!("<p>And {more} keys with fewer entries.</p>\n"));
    }
}

fn mark(event: &KeyEventAt) -> Mark {
    let text = format!("key {} {}", encode_base64url(&event.key.0), event_name(event.event));
    Mark { time: event.time, text }
}

/// The keys with most entries, at most so many, most first.
pub(crate) fn busiest(counts: &BTreeMap<Thumbprint, u64>, most: usize) -> Vec<Thumbprint> {
    let mut keys: Vec<(u64, Thumbprint)> = counts.iter().map(|(key, count)| (*count, *key)).collect();
    keys.sort_by_key(|(count, key)| (std::cmp::Reverse(*count), *key));
    keys.into_iter().take(most).map(|(_count, key)| key).collect()
}

fn keys(out: &mut String, found: &client::Report) {
    if found.counts.key_events().is_empty() {
        return;
    }
    put(
        out,
        format_args!(
            "<h2>Key events</h2>\n<table>\n<tr><th scope=\"col\">Entry</th><th scope=\"col\">Time</th><th scope=\"col\">Key</th><th scope=\"col\">Event</th></tr>\n"
        ),
    );
    for event in found.counts.key_events() {
        let (kid, name) = (encode_base64url(&event.key.0), event_name(event.event));
        put(
            out,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td><code>{kid}</code></td><td>{name}</td></tr>\n",
                event.at,
                rfc3339(event.time)
            ),
        );
    }
    put(out, format_args!("</table>\n"));
}

const fn event_name(event: KeyEvent) -> &'static str {
    match event {
        KeyEvent::Added => "added",
        KeyEvent::Compromised => "compromised",
        KeyEvent::Retired => "retired",
    }
}

fn result_class(result: &str) -> &'static str {
    if result == "clean" { "good" } else { "bad" }
}

fn row(out: &mut String, name: &str, value: &str) {
    put(out, format_args!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(value)));
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

/// Text of the log as text of the page. What it wrote is not to be markup, nor to hide what follows.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            // Directions that turn what follows around (Unicode Standard Annex 9).
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                out.push('\u{fffd}')
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Keys that are shown one by one; an issuer has sixteen (specs/trust-bundle.md, "Issuers").
pub(crate) const MAX_KEYS: usize = 16;

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
'unsafe-inline'\">\n";

const STYLE: &str = "<style>\nbody{font:16px/1.5 sans-serif;color:#1a1a1a;background:#fff;margin:2rem auto;\
max-width:60rem;padding:0 1rem}\ntable{border-collapse:collapse}\nth,td{text-align:left;vertical-align:top;\
padding:.2rem .8rem .2rem 0;border-bottom:1px solid #ccc;overflow-wrap:anywhere}\npre{overflow:auto;background:#f4f4f4;\
padding:.5rem}\n.good{color:#0a5c2b;font-weight:bold}\n.bad{color:#9c1c1c;font-weight:bold}\nsvg{width:100%;height:auto}\n\
.issued{fill:#1f5fa8}\n.revoked{fill:#9c1c1c}\n.key{stroke:#6b4a00;stroke-width:2;stroke-dasharray:4 3}\n\
.axis{stroke:#1a1a1a}\nsvg text{font:12px sans-serif;fill:#1a1a1a}\n</style>\n<main>\n";

#[cfg(test)]
mod tests;
