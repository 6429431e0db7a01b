//! `sillok import`: issues a credential for everybody in a file, and loses nobody.
//!
//! What is written is only what was issued, in whole batches. An import that was killed goes on where it was: the
//! issuer is asked again with the same idempotency keys and answers with the same bytes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use crate::command::audit::bar;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::operator::{Error, Operator};
use crate::output;

mod input;
mod output_folder;
mod report;
mod send;

use input::Input;
use output_folder::OutputFolder;
use report::Report;
use send::{Outcome, Sender};

/// Issue a credential for everybody in FILE, and write credentials and receipts to a folder.
///
/// FILE holds FHIR R4 bulk exports (`Patient` and `Immunization`, in any order, over any number of files), or lines
/// such as {"type":"vaccination","subject":"id","facility":"..","sourceEvent":"..","claims":{..}}. The folder gets
/// `credentials.ndjson`, a line {"subject","credentialId","credential","receipt"} for each credential. An import
/// that was interrupted goes on when it is run again: nobody is lost and nobody gets two.
///
/// Exit codes: 0 everything is issued, 1 some lines were refused (see the report), 2 could not finish.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder whose operator asks.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The issuer's address.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The folder that gets the credentials; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "credentials")]
    out: PathBuf,
    /// The file that gets the lines that were refused, with reasons; `refused.ndjson` in the folder by default.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write each credential to files of its own too: `<n>.jwt` and `<n>.tlog-proof`, n its line.
    #[arg(long)]
    split: bool,
    /// Credentials that are asked for at once.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Batches under way at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,
    /// The files, or - for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let operator = Operator::new(&folder, &args.issuer, context)?;
    let order = Order {
        files: args.files,
        out: args.out,
        report: args.report,
        split: args.split,
        batch: usize::from(args.batch),
        parallel: usize::from(args.parallel),
    };
    let (counts, interrupted) = import(&operator, &order)?;
    output::line(format_args!("{counts}"))?;
    output::line(format_args!("credentials and receipts: {}", order.credentials().display()))?;
    if counts.refused.lines > 0 {
        output::line(format_args!("what was refused, and why: {}", order.report().display()))?;
    }
    if let Some(error) = interrupted {
        anyhow::bail!("import did not finish: {error}. Run it again to go on");
    }
    Ok(if counts.refused.lines == 0 { Exit::Good } else { Exit::Bad })
}

/// What to import, and where to.
pub(crate) struct Order {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) out: PathBuf,
    pub(crate) report: Option<PathBuf>,
    pub(crate) split: bool,
    pub(crate) batch: usize,
    pub(crate) parallel: usize,
}

impl Order {
    /// The file with what was issued.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.out.join(output_folder::CREDENTIALS)
    }

    fn report(&self) -> PathBuf {
        self.report.clone().unwrap_or_else(|| self.out.join("refused.ndjson"))
    }
}

/// Credentials, and the lines of input that they were made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) credentials: u64,
    pub(crate) lines: u64,
}

impl Count {
    fn add(&mut self, lines: usize) {
        self.credentials += 1;
        self.lines += lines as u64;
    }
}

/// What became of the lines of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines that are not blank.
    pub(crate) read: u64,
    pub(crate) issued: Count,
    /// Issued by an earlier run into the same folder.
    pub(crate) unchanged: Count,
    pub(crate) refused: Count,
    /// Not yet asked for, when the import did not finish.
    pub(crate) left: Count,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { read, issued, unchanged, refused, left } = self;
        writeln!(
            f,
            "credentials: {} issued, {} unchanged, {} refused",
            issued.credentials, unchanged.credentials, refused.credentials
        )?;
        write!(
            f,
            "lines: {read} read = {} issued + {} unchanged + {} refused",
            issued.lines, unchanged.lines, refused.lines
        )?;
        if left.credentials > 0 { write!(f, " + {} left for the next run", left.lines) } else { Ok(()) }
    }
}

/// Imports, and says what became of every line. An error beside the counts is why it did not finish.
pub(crate) fn import(operator: &Operator, order: &Order) -> anyhow::Result<(Counts, Option<Error>)> {
    if order.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        return usage("standard input (-) is named twice".into());
    }
    let Input { items, refused, lines } = input::read(&order.files)?;
    let mut folder = OutputFolder::open(&order.out, order.split)?;
    let mut report = Report::create(&order.report())?;
    let mut counts = Counts { read: lines, ..Counts::default() };
    for refused in &refused {
        counts.refused.lines += 1;
        report.push(&refused.file, refused.line, &refused.reason)?;
    }
    let (done, open): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| folder.has(&item.digest));
    done.iter().for_each(|item| counts.unchanged.add(item.places.len()));
    open.iter().for_each(|item| counts.left.add(item.places.len()));

    let bar = bar("credentials");
    bar.set_length(counts.left.credentials);
    let stop = AtomicBool::new(false);
    let sender = Sender::new(operator, open, order.batch, &stop);
    let mut interrupted = None;
    let written = std::thread::scope(|scope| -> anyhow::Result<()> {
        // Whatever ends this function ends the senders too.
        let _stop = StopOnDrop(&stop);
        // A batch waits here for each sender at most: memory is bounded, whatever the disk does.
        let (results, inbox) = mpsc::sync_channel(order.parallel);
        for _sender in 0..order.parallel {
            let (results, sender) = (results.clone(), &sender);
            scope.spawn(move || sender.run(&results));
        }
        drop(results);
        for result in inbox {
            let outcomes = match result {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    interrupted.get_or_insert(error);
                    continue;
                }
            };
            folder.append(&outcomes)?;
            for outcome in &outcomes {
                let places = &outcome.item().places;
                counts.left.credentials -= 1;
                counts.left.lines -= places.len() as u64;
                match outcome {
                    Outcome::Issued { .. } => counts.issued.add(places.len()),
                    Outcome::Refused { problem, .. } => {
                        counts.refused.add(places.len());
                        for (file, line) in places {
                            report.push(file, *line, &problem.to_string())?;
                        }
                    }
                }
            }
            bar.inc(outcomes.len() as u64);
        }
        Ok(())
    });
    bar.finish_and_clear();
    written?;
    report.finish()?;
    Ok((counts, interrupted))
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
