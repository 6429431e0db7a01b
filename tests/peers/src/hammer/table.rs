//! Pure. Medians of the rounds, and how ours compares.

use std::fmt;
use std::time::Duration;

use sillok_load::latency::{Latencies, milliseconds};
use sillok_load::trial::Figures;

use super::beat::Beat;

/// What one server did in one round.
pub(super) struct Sample {
    pub(super) hammered: Beat,
    /// As fast as it answers.
    pub(super) closed: Figures,
    /// At a rate that all can do.
    pub(super) open: Figures,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hammered, closed, open } = self;
        writeln!(
            f,
            "hammer {:.0} entries/s, {:.2} CPU-seconds, {:.0} entries per CPU-second",
            hammered.per_second,
            hammered.usage.cpu().as_secs_f64(),
            hammered.per_cpu_second()
        )?;
        for (name, figures) in [("closed loop", closed), ("open loop", open)] {
            let outcome = &figures.outcome;
            writeln!(
                f,
                "  {name}: {:.0}/s ({}), {:.0} entries per CPU-second, {:.0} MB",
                outcome.goodput(),
                outcome.mix(),
                figures.entries_per_cpu_second(),
                figures.usage.peak_resident_bytes as f64 / 1e6
            )?;
            writeln!(f, "    answer of /add {}", outcome.latency)?;
            write!(f, "    published      {}", figures.published)?;
            if name == "closed loop" {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// The rounds of all servers, the first of which is ours.
pub(super) struct Table {
    names: Vec<String>,
    samples: Vec<Vec<Sample>>,
    ceilings: Vec<f64>,
}

impl Table {
    pub(super) fn new(names: Vec<String>) -> Self {
        let samples = names.iter().map(|_name| Vec::new()).collect();
        Self { names, samples, ceilings: Vec::new() }
    }

    pub(super) fn add(&mut self, server: usize, sample: Sample) {
        if let Some(samples) = self.samples.get_mut(server) {
            samples.push(sample);
        }
    }

    pub(super) fn add_ceiling(&mut self, per_second: f64) {
        self.ceilings.push(per_second);
    }

    /// The median of a figure of a server.
    fn median(&self, server: usize, figure: fn(&Sample) -> f64) -> f64 {
        median(self.samples[server].iter().map(figure).collect())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "medians of {} rounds; in brackets how many times better ours is", self.ceilings.len())?;
        for (what, better, figure) in ROWS {
            let ours = self.median(0, figure);
            write!(f, "{what:<46}")?;
            for (server, name) in self.names.iter().enumerate() {
                let value = self.median(server, figure);
                write!(f, "  {name}: {value:.1}")?;
                if server > 0 {
                    let ratio = match better {
                        Better::Larger => ours / value,
                        Better::Smaller => value / ours,
                    };
                    write!(f, " ({ratio:.2}x)")?;
                }
            }
            writeln!(f)?;
        }
        let ceiling = median(self.ceilings.clone());
        let ours = self.median(0, |sample| sample.hammered.per_second);
        write!(
            f,
            "the hammer's own ceiling: {ceiling:.0} entries/s against a server that only counts; ours reaches {:.0} % of it",
            ours / ceiling * 100.0
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (0, Some(low), Some(high)) => (low + high) / 2.0,
        (_odd, _low, Some(high)) => *high,
        (_odd, _low, None) => f64::NAN,
    }
}

fn at(latencies: &Latencies, quantile: fn(&Latencies) -> Duration) -> f64 {
    milliseconds(quantile(latencies))
}

enum Better {
    Larger,
    Smaller,
}

type Row = (&'static str, Better, fn(&Sample) -> f64);

const ROWS: [Row; 13] = [
    ("hammer: entries/s", Better::Larger, |s| s.hammered.per_second),
    ("hammer: entries per server CPU-second", Better::Larger, |s| s.hammered.per_cpu_second()),
    ("closed loop: entries/s", Better::Larger, |s| s.closed.outcome.goodput()),
    ("closed loop: entries per server CPU-second", Better::Larger, |s| s.closed.entries_per_cpu_second()),
    ("closed loop: published p50, ms", Better::Smaller, |s| at(&s.closed.published, Latencies::p50)),
    ("closed loop: published p99, ms", Better::Smaller, |s| at(&s.closed.published, Latencies::p99)),
    ("closed loop: published p99.9, ms", Better::Smaller, |s| at(&s.closed.published, Latencies::p999)),
    ("open loop: entries per server CPU-second", Better::Larger, |s| s.open.entries_per_cpu_second()),
    ("open loop: answer p50, ms", Better::Smaller, |s| at(&s.open.outcome.latency, Latencies::p50)),
    ("open loop: answer p99, ms", Better::Smaller, |s| at(&s.open.outcome.latency, Latencies::p99)),
    ("open loop: published p50, ms", Better::Smaller, |s| at(&s.open.published, Latencies::p50)),
    ("open loop: published p99, ms", Better::Smaller, |s| at(&s.open.published, Latencies::p99)),
    ("open loop: published p99.9, ms", Better::Smaller, |s| at(&s.open.published, Latencies::p999)),
];

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![7.0]), 7.0);
        assert!(median(Vec::new()).is_nan());
    }
}
