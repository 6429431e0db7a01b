//! What became of all cases.

use std::collections::BTreeMap;

use super::{Case, End, Fault, Outcome};

/// Counts by scene, thread, call and fault.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<(&'static str, String, String, Fault), Row>,
    wrong: Vec<String>,
    reached: usize,
}

#[derive(Default)]
struct Row {
    cases: usize,
    stopped: usize,
    refused: usize,
    continued: usize,
    killed: usize,
    not_reached: usize,
    acknowledged: usize,
    lost: usize,
    forks: usize,
}

impl Table {
    pub(super) fn add(&mut self, scene: &'static str, case: &Case, outcome: Result<Outcome, String>) {
        let site = &case.site;
        let key = (scene, site.thread.clone(), site.call.clone(), case.fault);
        let row = self.rows.entry(key).or_default();
        row.cases += 1;
        let at = format!("{scene}, {} of {} number {}, {}", site.call, site.thread, site.number, case.fault);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(problem) => {
                println!("wrong: {at}: {problem}");
                self.wrong.push(format!("{at}: {problem}"));
                return;
            }
        };
        match outcome.end {
            End::Continued => row.continued += 1,
            End::Killed => row.killed += 1,
            End::NotReached => row.not_reached += 1,
            End::Refused => row.refused += 1,
            End::Stopped => row.stopped += 1,
        }
        self.reached += usize::from(outcome.end != End::NotReached);
        row.acknowledged += outcome.acknowledged;
        row.lost += outcome.lost;
        row.forks += outcome.forks;
        for problem in outcome.wrong {
            println!("wrong: {at}: {problem}");
            self.wrong.push(format!("{at}: {problem}"));
        }
        if outcome.lost + outcome.forks > 0 {
            self.wrong.push(format!("{at}: {} lost, {} forks", outcome.lost, outcome.forks));
        }
    }

    pub(super) fn print(&self) {
        println!(
            "{:<9} {:<16} {:<10} {:<7} {:>5} {:>7} {:>7} {:>9} {:>6} {:>11} {:>12} {:>4} {:>5}",
            "scene",
            "thread",
            "call",
            "fault",
            "cases",
            "stopped",
            "refused",
            "continued",
            "killed",
            "not reached",
            "acknowledged",
            "lost",
            "forks"
        );
        let mut sum = Row::default();
        for ((scene, thread, call, fault), row) in &self.rows {
            print_row(scene, thread, call, &fault.to_string(), row);
            sum.cases += row.cases;
            sum.stopped += row.stopped;
            sum.refused += row.refused;
            sum.continued += row.continued;
            sum.killed += row.killed;
            sum.not_reached += row.not_reached;
            sum.acknowledged += row.acknowledged;
            sum.lost += row.lost;
            sum.forks += row.forks;
        }
        print_row("all", "", "", "", &sum);
    }

    /// Cases that end as they must not.
    pub(super) fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// Cases whose fault happened.
    pub(super) const fn reached(&self) -> usize {
        self.reached
    }
}

fn print_row(scene: &str, thread: &str, call: &str, fault: &str, row: &Row) {
    println!(
        "{scene:<9} {thread:<16} {call:<10} {fault:<7} {:>5} {:>7} {:>7} {:>9} {:>6} {:>11} {:>12} {:>4} {:>5}",
        row.cases,
        row.stopped,
        row.refused,
        row.continued,
        row.killed,
        row.not_reached,
        row.acknowledged,
        row.lost,
        row.forks
    );
}
