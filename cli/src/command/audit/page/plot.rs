//! Bars by time, as SVG: with a title and a description for those who do not see them, and a table of the same numbers.

use std::collections::BTreeMap;

use sillok_log::UnixSeconds;

use super::super::rfc3339;
use super::{escape, put};

/// An event on the axis.
pub(super) struct Mark {
    pub(super) time: UnixSeconds,
    pub(super) text: String,
}

/// The axis of time that plots share: steps of so many seconds.
pub(super) struct Plot {
    first: u64,
    step: u64,
    steps: u64,
}

impl Plot {
    /// The axis that holds all of these times; `None` if there is none.
    pub(super) fn over(times: impl Iterator<Item = UnixSeconds>) -> Option<Self> {
        let (first, last) = times.fold(None, |bounds, time| {
            let (first, last) = bounds.unwrap_or((time.0, time.0));
            Some((time.0.min(first), time.0.max(last)))
        })?;
        let fits = |step: &u64| last / step - first / step < MAX_STEPS;
        let wide = (last - first).div_ceil(MAX_STEPS - 1).next_multiple_of(YEAR).max(YEAR);
        let step = STEPS.into_iter().find(fits).unwrap_or(wide);
        Some(Self { first: first / step, step, steps: last / step - first / step + 1 })
    }

    pub(super) fn draw(
        &self,
        out: &mut String,
        title: &str,
        (class, id): (&str, &str),
        counts: &BTreeMap<UnixSeconds, u64>,
        marks: &[Mark],
    ) {
        let mut bars: BTreeMap<u64, u64> = BTreeMap::new();
        for (time, count) in counts {
            *bars.entry(self.place(*time)).or_default() += count;
        }
        let (total, most) = (bars.values().sum::<u64>(), bars.values().copied().max().unwrap_or(0));
        let (from, to) = (self.time(0), self.time(self.steps));
        let step = step_name(self.step);
        put(
            out,
            format_args!(
                "<h3>{title} by {step}</h3>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n"
            ),
        );
        put(
            out,
            format_args!(
                "<title id=\"{id}-title\">{title} by {step}</title>\n<desc id=\"{id}-text\">{total} in all from {from} to {to}, at most {most} in one {step}; key events: {}.</desc>\n",
                marks.len()
            ),
        );
        let width = PLOT_WIDTH / self.steps as f64;
        for (place, count) in &bars {
            let height = PLOT_HEIGHT * *count as f64 / most.max(1) as f64;
            let (x, y) = (LEFT + *place as f64 * width, TOP + PLOT_HEIGHT - height);
            put(
                out,
                format_args!(
                    "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{height:.2}\"/>\n",
                    (width * 0.9).max(0.5)
                ),
            );
        }
        for mark in marks {
            let x = LEFT + (self.place(mark.time) as f64 + 0.5) * width;
            put(
                out,
                format_args!(
                    "<line class=\"key\" x1=\"{x:.2}\" y1=\"{TOP}\" x2=\"{x:.2}\" y2=\"{BASE}\"><title>{}, {}</title></line>\n",
                    escape(&mark.text),
                    rfc3339(mark.time)
                ),
            );
        }
        put(
            out,
            format_args!(
                "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{BASE}\" x2=\"{}\" y2=\"{BASE}\"/>\n",
                LEFT + PLOT_WIDTH
            ),
        );
        put(
            out,
            format_args!(
                "<text x=\"0\" y=\"{}\">{most}</text><text x=\"0\" y=\"{BASE}\">0</text>\n",
                TOP + 10.0
            ),
        );
        put(
            out,
            format_args!(
                "<text x=\"{LEFT}\" y=\"{}\">{from}</text><text x=\"{}\" y=\"{0}\" text-anchor=\"end\">{to}</text>\n</svg>\n",
                BASE + 18.0,
                LEFT + PLOT_WIDTH
            ),
        );
        self.draw_numbers(out, title, &bars);
    }

    fn draw_numbers(&self, out: &mut String, title: &str, bars: &BTreeMap<u64, u64>) {
        let step = step_name(self.step);
        put(out, format_args!("<details><summary>{title} by {step}, in numbers</summary>\n<table>\n"));
        put(out, format_args!("<tr><th scope=\"col\">From</th><th scope=\"col\">{title}</th></tr>\n"));
        for (place, count) in bars {
            put(out, format_args!("<tr><td>{}</td><td>{count}</td></tr>\n", self.time(*place)));
        }
        put(out, format_args!("</table>\n</details>\n"));
    }

    fn place(&self, time: UnixSeconds) -> u64 {
        (time.0 / self.step).saturating_sub(self.first)
    }

    fn time(&self, place: u64) -> String {
        rfc3339(UnixSeconds((self.first + place).saturating_mul(self.step)))
    }
}

fn step_name(step: u64) -> String {
    match step {
        HOUR => "hour".into(),
        DAY => "day".into(),
        WEEK => "week".into(),
        YEAR => "year of 364 days".into(),
        step => format!("period of {} hours", step / HOUR),
    }
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const YEAR: u64 = 52 * WEEK;

/// From the finest on.
const STEPS: [u64; 6] = [HOUR, 6 * HOUR, DAY, WEEK, 4 * WEEK, YEAR];

/// A bar is three units wide at least.
const MAX_STEPS: u64 = 240;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 10.0;
const PLOT_WIDTH: f64 = 730.0;
const PLOT_HEIGHT: f64 = 160.0;
const BASE: f64 = TOP + PLOT_HEIGHT;
