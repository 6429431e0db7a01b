//! The structure of the page, and that nothing of a log becomes markup.

use std::collections::BTreeMap;

use sillok_log::UnixSeconds;

use super::plot::{Mark, Plot};
use super::{escape, page};
use crate::command::audit::Report;

/// The names of all tags in order.
fn tags(page: &str) -> Vec<&str> {
    page.split('<')
        .skip(1)
        .filter_map(|tag| tag.split([' ', '>', '/']).next())
        .filter(|t| !t.is_empty())
        .collect()
}

#[test]
fn a_page_asks_for_nothing_and_is_the_same_again() {
    let mut report = Report::default();
    report.set_quorum("met".into(), None);
    report.add_finding("log.forked", "<script>alert(1)</script> & \"more\"".into());
    report.could_not_check("a 'list'", "it is not there\u{202e}\u{7}");
    let text = page(&report);
    assert_eq!(text, page(&report));
    for outside in ["<script", "http://", "https://", "src=\"", "href", "@import", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"), "{text}");
    assert!(text.contains("a &#39;list&#39;") && text.contains("not there\u{fffd}\u{fffd}"), "{text}");
    let expected = "!DOCTYPE html meta meta meta title style main h1 p h2 table tr th td tr th td h2 table tr th th \
                    th tr td code td td h2 table tr th th tr td td";
    assert_eq!(tags(&text).join(" "), expected);
}

#[test]
fn a_plot_has_its_numbers_in_words_too() {
    let counts: BTreeMap<UnixSeconds, u64> =
        (0..30).map(|hour| (UnixSeconds(1_620_000_000 + hour * 3_600), hour + 1)).collect();
    let marks = [Mark { time: UnixSeconds(1_620_003_700), text: "key <x> added".into() }];
    let plot = Plot::over(counts.keys().copied()).unwrap();
    let mut out = String::new();
    plot.draw(&mut out, "Issued", ("issued", "issued"), &counts, &marks);
    assert_eq!(out.matches("<rect").count(), 30);
    assert_eq!(out.matches("<tr><td>").count(), 30);
    assert!(out.contains("role=\"img\"") && out.contains("aria-labelledby=\"issued-title issued-text\""));
    assert!(
        out.contains("465 in all from 2021-05-03T00:00:00Z to 2021-05-04T06:00:00Z, at most 30 in one hour"),
        "{out}"
    );
    assert!(out.contains("key &lt;x&gt; added, 2021-05-03T01:01:40Z"), "{out}");
}

#[test]
fn an_axis_holds_whatever_times_a_log_names() {
    for times in
        [vec![0], vec![0, 253_402_300_799], vec![7, 8], vec![u64::MAX, 0], vec![1_620_000_000, 1_700_000_000]]
    {
        let plot = Plot::over(times.iter().copied().map(UnixSeconds)).unwrap();
        let mut out = String::new();
        let counts = times.iter().map(|time| (UnixSeconds(*time), 1)).collect();
        plot.draw(&mut out, "Revoked", ("revoked", "revoked"), &counts, &[]);
        assert!(out.matches("<rect").count() >= 1 && out.len() < 10_000, "{times:?}");
        assert!(!out.contains("NaN") && !out.contains("inf"), "{times:?}");
    }
    assert!(Plot::over(std::iter::empty()).is_none());
    assert_eq!(escape("\u{1b}[31m"), "\u{fffd}[31m");
}
