//! A figure: what was measured, in which unit, and what bounds it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Machine;

/// A measured rate, size or time.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) rate: f64,
    /// Of one request in milliseconds, half and 99 of 100 being faster, if it was measured.
    pub(super) latency: Option<Latency>,
    /// What bounds it, measured in the same run.
    pub(super) limits: Vec<Limit>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Latency {
    /// Of durations in milliseconds.
    pub(super) fn of(mut milliseconds: Vec<f64>) -> Option<Self> {
        milliseconds.sort_unstable_by(f64::total_cmp);
        let at =
            |percent: usize| milliseconds.get(milliseconds.len().saturating_sub(1) * percent / 100).copied();
        Some(Self { p50_ms: at(50)?, p99_ms: at(99)? })
    }
}

/// What the machine can do at most of one thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) rate: f64,
}

impl Figure {
    pub(super) fn json(&self, machine: &Machine) -> Value {
        let limits: Vec<Value> = self
            .limits
            .iter()
            .map(|limit| json!({ "figure": limit.name, "value": rounded(limit.rate), "unit": limit.unit }))
            .collect();
        let mut line = json!({
            "figure": self.name,
            "value": rounded(self.rate),
            "unit": self.unit,
            "limits": limits,
            "machine": { "cores": machine.cores, "cpu": machine.cpu },
            "commit": machine.commit,
            "profile": machine.profile,
        });
        if let Some(Latency { p50_ms, p99_ms }) = self.latency {
            line["p50_ms"] = rounded(p50_ms);
            line["p99_ms"] = rounded(p99_ms);
        }
        line
    }
}

/// Two decimals below a hundred, none above.
fn rounded(number: f64) -> Value {
    let scale = if number < 100.0 { 100.0 } else { 1.0 };
    json!((number * scale).round() / scale)
}

/// All figures for people.
pub(super) fn table(figures: &[Figure], machine: &Machine) -> String {
    let mut out = String::new();
    push(
        &mut out,
        format_args!(
            "{} cores, {}, commit {}, {} build",
            machine.cores, machine.cpu, machine.commit, machine.profile
        ),
    );
    for figure in figures {
        let latency = figure.latency.map_or_else(String::new, |latency| {
            format!("   p50 {:.2} ms, p99 {:.2} ms", latency.p50_ms, latency.p99_ms)
        });
        let shown = |rate: f64| if rate < 100.0 { format!("{rate:.2}") } else { format!("{rate:.0}") };
        push(
            &mut out,
            format_args!("{:<58}{:>12} {}{latency}", figure.name, shown(figure.rate), figure.unit),
        );
        for limit in &figure.limits {
            let (name, rate, unit) = (limit.name, shown(limit.rate), limit.unit);
            push(&mut out, format_args!("    limit: {name:<47}{rate:>12} {unit}"));
        }
    }
    out
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    writeln!(out, "{line}").unwrap_or_default();
}
