//! `load growth`: does the registry take more memory, more time for an entry, or longer to open while its log grows?
//!
//! The registry runs in a process of its own, with what submits to it, and grows a log until it is killed at a mark. Then
//! it is opened, stopped and opened again by new processes, and the next one goes on from there.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sillok_load::machine::{Machine, target};
use sillok_load::process::Usage;

use disk::{Account, Accounts};
use writer::{STRETCH, Work};

mod disk;
mod writer;

/// Runs what `load growth` is told to.
///
/// # Errors
/// Arguments that it does not know, or a log that does not grow.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["writer", place, kind, work] = words.as_slice() {
        let work = if *work == "grow" { Work::Grow } else { Work::Nothing };
        return writer::run(Path::new(place), Kind::parse(kind)?, work);
    }
    let (mut entries, mut kinds, mut keep) = (MARKS[3], vec![Kind::Raw, Kind::Credential], false);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match (word, words.next()) {
            ("--entries", Some(number)) => entries = number.parse().context("reading --entries")?,
            ("--kind", Some("both")) => {}
            ("--kind", Some(kind)) => kinds = vec![Kind::parse(kind)?],
            ("--keep", Some("yes")) => keep = true,
            _other => bail!(
                "usage: cargo xtask load growth [--entries {}] [--kind raw|credential|both] [--keep yes]",
                MARKS[3]
            ),
        }
    }
    println!("{}", Machine::find());
    let place = target().join("growth");
    for kind in kinds {
        let folder = Place { path: place.join(kind.name()), keep };
        folder.clear()?;
        measure(&folder.path, kind, entries)?;
    }
    Ok(())
}

/// Where a log grows. It is removed at the end, also after an error, unless somebody wants to look at it.
struct Place {
    path: PathBuf,
    keep: bool,
}

impl Place {
    fn clear(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("clearing {}", self.path.display()))
            }
            _gone => Ok(()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.clear()
        {
            println!("{error:#}");
        }
    }
}

/// Whose entries the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Issue entries with random commitments: each is looked for among all before.
    Credential,
    /// Bytes, without rules.
    Raw,
}

impl Kind {
    fn parse(text: &str) -> Result<Self> {
        [Self::Credential, Self::Raw]
            .into_iter()
            .find(|kind| kind.name() == text)
            .with_context(|| format!("`{text}` is no kind of log"))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Raw => "raw",
        }
    }
}

fn measure(place: &Path, kind: Kind, entries: u64) -> Result<()> {
    println!("\n{} log, in requests of 1,000 entries, 4 at once", kind.name());
    println!(
        "{:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "entries",
        "us/entry",
        "p50 ms",
        "p99 ms",
        "max ms",
        "CPU s/M",
        "RSS MB",
        "anon MB",
        "peak MB",
        "write B/e"
    );
    let mut marks: Vec<u64> = MARKS.into_iter().filter(|mark| *mark < entries).collect();
    marks.push(entries);
    let step = if entries > MARKS[1] { MARKS[0] } else { STRETCH };
    let mut reports = Vec::new();
    for mark in marks {
        grow(place, kind, mark, step)?;
        reports.push((mark, reopen(place, kind)?));
    }
    println!(
        "{:>10} opening after kill -9; stopping; opening after that; ms to public, to entries",
        "entries"
    );
    for (mark, report) in &reports {
        println!("{mark:>10} {}", report.openings);
    }
    println!("{:>10} bytes an entry on the disk: in the files (taken by the file system)", "entries");
    for (mark, report) in &reports {
        let Accounts { tiles, bundles, index, segments, most_names } = report.disk;
        let each = |name: &str, Account { files, bytes, allocated_bytes }: Account| {
            let per = |bytes: u64| bytes as f64 / report.size as f64;
            format!("{name} {:.1} ({:.1}) in {files}", per(bytes), per(allocated_bytes))
        };
        println!(
            "{mark:>10} {}; {}; {}; {}; most names in a folder {most_names}",
            each("tiles", tiles),
            each("bundles", bundles),
            each("index", index),
            each("segments", segments)
        );
    }
    Ok(())
}

/// Lets a writer grow the log to `mark`, and kills it while it goes on.
fn grow(place: &Path, kind: Kind, mark: u64, step: u64) -> Result<()> {
    let mut writer = Writer::start(place, kind, "grow")?;
    let [mut size_before, _opened, _ready] = writer.ready()?;
    let mut before = writer.usage()?;
    loop {
        let line = writer.line("at ")?;
        let [size, nanoseconds, p50, p99, max] = numbers(&line)?;
        let due = size / step > size_before / step || size >= mark;
        if due {
            let usage = writer.usage()?;
            let (used, entries) = (usage.since(&before), size - size_before);
            println!(
                "{size:>10} {:>9.2} {:>8.1} {:>8.1} {:>8.1} {:>9.1} {:>8} {:>8} {:>8} {:>9.0}",
                nanoseconds as f64 / 1e3,
                p50 as f64 / 1e3,
                p99 as f64 / 1e3,
                max as f64 / 1e3,
                used.cpu().as_secs_f64() * 1e6 / entries as f64,
                usage.resident_bytes >> 20,
                writer.anonymous_bytes()? >> 20,
                usage.peak_resident_bytes >> 20,
                used.written_bytes as f64 / entries as f64,
            );
            (before, size_before) = (usage, size);
        }
        if size >= mark {
            // Dropping it kills it, with batches on their way.
            return Ok(());
        }
    }
}

/// What a log looked like that had grown to a mark.
struct Report {
    size: u64,
    openings: String,
    disk: Accounts,
}

fn reopen(place: &Path, kind: Kind) -> Result<Report> {
    let mut openings = String::new();
    let mut size = 0;
    for _opening in ["after the kill", "after the stop"] {
        let mut writer = Writer::start(place, kind, "nothing")?;
        let [found, opened, ready] = writer.ready()?;
        let usage = writer.usage()?;
        size = found;
        let milliseconds = |microseconds: u64| microseconds as f64 / 1e3;
        openings += &format!(
            "{:.0}, {:.0} (CPU {:.0} ms, RSS {} MB, peak {} MB); ",
            milliseconds(opened),
            milliseconds(ready),
            usage.cpu().as_secs_f64() * 1e3,
            usage.resident_bytes >> 20,
            usage.peak_resident_bytes >> 20,
        );
        let [stopped] = writer.stop()?;
        openings += &format!("stop {:.0}; ", milliseconds(stopped));
    }
    let disk = Accounts::of(&writer::paths(place)).context("adding up the files")?;
    Ok(Report { size, openings, disk })
}

/// The process of a writer. It is killed when this is dropped.
struct Writer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(place: &Path, kind: Kind, work: &str) -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(["growth", "writer"])
            .arg(place)
            .args([kind.name(), work])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a writer")?;
        let output = child.stdout.take().context("a writer without output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    /// The rest of the next line, which has to begin in this way.
    fn line(&mut self, beginning: &str) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("listening to the writer")?;
        match line.strip_prefix(beginning) {
            Some(rest) => Ok(rest.to_owned()),
            None => bail!("the writer ended or said something else: {line:?}"),
        }
    }

    /// The size it found; how long it took until everything was public, and until it took entries: in microseconds.
    fn ready(&mut self) -> Result<[u64; 3]> {
        numbers(&self.line("ready ")?)
    }

    /// Stops it; how long that took.
    fn stop(&mut self) -> Result<[u64; 1]> {
        drop(self.child.stdin.take());
        let took = numbers(&self.line("stopped ")?)?;
        let status = self.child.wait().context("waiting for the writer")?;
        if status.success() { Ok(took) } else { bail!("the writer ended with {status}") }
    }

    fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id()).context("asking what the writer has used")
    }

    /// Memory that no file stands behind.
    fn anonymous_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.context("the kernel does not tell anonymous memory")? * 1_024)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn numbers<const N: usize>(line: &str) -> Result<[u64; N]> {
    let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
    numbers
        .ok()
        .and_then(|numbers| numbers.try_into().ok())
        .with_context(|| format!("the writer said {line:?}"))
}

/// Sizes at which everything is looked at.
const MARKS: [u64; 4] = [1_000_000, 5_000_000, 10_000_000, 20_000_000];
