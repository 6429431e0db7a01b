//! What libFuzzer says about a run.

use std::fmt;

/// The end of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    runs: u64,
    /// Edges that some input reached.
    covered: u64,
    /// Edges of the binary, those of other targets included.
    edges: u64,
    /// Inputs that are kept because each reached something new.
    corpus: u64,
    /// Files with inputs that break the target.
    pub(super) findings: Vec<String>,
}

impl Report {
    /// Reads the log of a run; what it does not say is 0.
    pub(super) fn read(log: &str) -> Self {
        let mut report = Self::default();
        for line in log.lines() {
            if let Some(edges) = line.strip_prefix("INFO: Loaded 1 modules") {
                report.edges = number_after(edges, "(").unwrap_or_default();
            } else if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
                report.runs = number_after(runs, "").unwrap_or_default();
            } else if let Some((_, file)) = line.split_once("Test unit written to ") {
                report.findings.push(file.trim().into());
            } else if line.starts_with('#') {
                report.covered = number_after(line, " cov: ").unwrap_or(report.covered);
                report.corpus = number_after(line, " corp: ").unwrap_or(report.corpus);
            }
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, covered, edges, corpus, findings } = self;
        write!(
            f,
            "{runs} runs, {covered} of {edges} edges, {corpus} inputs kept, {} findings",
            findings.len()
        )
    }
}

/// The number that stands behind a mark and spaces.
fn number_after(line: &str, mark: &str) -> Option<u64> {
    let (_, rest) = line.split_once(mark)?;
    let digits = rest.trim_start();
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_run_without_findings() {
        let log = "\
INFO: Seed: 1
INFO: Loaded 1 modules   (40212 inline 8-bit counters): 40212 [0x1, 0x2),
#42\tINITED cov: 700 ft: 900 corp: 17/9021b exec/s: 0 rss: 60Mb
#9000\tREDUCE cov: 812 ft: 1401 corp: 101/40Kb lim: 4096 exec/s: 4500 rss: 80Mb L: 90/1024 MS: 1 EraseBytes-
#9100\tDONE   cov: 812 ft: 1401 corp: 101/40Kb lim: 4096 exec/s: 4500 rss: 80Mb
stat::number_of_executed_units: 9100
";
        let expected = "9100 runs, 812 of 40212 edges, 101 inputs kept, 0 findings";
        assert_eq!(Report::read(log).to_string(), expected);
    }

    #[test]
    fn a_crash_names_its_file() {
        let log = "\
#4\tNEW    cov: 3 ft: 3 corp: 2/2b lim: 4 exec/s: 0 rss: 30Mb L: 1/1 MS: 1 CopyPart-
thread '<unnamed>' panicked at a.rs:1:1:
==7== ERROR: libFuzzer: deadly signal
artifact_prefix='x/crashes/note/'; Test unit written to x/crashes/note/crash-da39
stat::number_of_executed_units: 5
";
        let report = Report::read(log);
        assert_eq!(report.findings, ["x/crashes/note/crash-da39"]);
        assert_eq!(report.to_string(), "5 runs, 3 of 0 edges, 2 inputs kept, 1 findings");
    }
}
