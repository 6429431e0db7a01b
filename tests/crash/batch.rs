//! Batches that are known beforehand, submitted one after the other by one client.

use std::time::Duration;

use sillok_client::{Error, Level, Outcome, Submitter};
use sillok_log::Hash;
use sillok_log::entry::{Entry, Issue};
use sillok_log::merkle::leaf_hash;

use super::acknowledged::Acknowledged;
use super::inspection::Inspection;
use super::lane::{HOUR, ISSUER_KEY};
use super::load;
use super::writer::{Folder, Writer};

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// There was no answer: the process is gone, or its machine is at its end.
    Gone(String),
    /// It is in the log.
    Logged,
    /// The writer said no, in these words.
    Refused(String),
}

/// Issue entries that are the same each time, from a number on.
pub(crate) fn issues(from: u32, count: u32) -> Vec<Vec<u8>> {
    let issue = |number: u32| Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: ISSUER_KEY,
        provenance: Hash([0; 32]),
        time: HOUR,
    };
    (from..from + count).map(|number| Entry::Issue(issue(number)).encode()).collect()
}

/// Submits a batch until a writer that is not busy (just started, it reads its index) has answered, and takes what it
/// says. `found` is what the log held when this writer had started.
pub(crate) fn submit(
    folder: &Folder,
    writer: &Writer,
    entries: &[Vec<u8>],
    level: Level,
    found: Option<&Inspection>,
    acknowledged: &mut Acknowledged,
) -> Answered {
    let submitter = load::submitter(folder, writer, folder.submitter(), acknowledged.largest());
    match ask(&submitter, entries, level) {
        Ok(outcomes) => {
            for (entry, outcome) in entries.iter().zip(outcomes) {
                match outcome {
                    Outcome::Logged(logged) => {
                        acknowledged.take(entry.clone(), &logged, folder.log_key(), found);
                    }
                    Outcome::Refused(refused) => panic!("an entry is refused: {}", refused.detail),
                }
            }
            Answered::Logged
        }
        Err(Error::Transport { source, .. }) => Answered::Gone(source.to_string()),
        Err(Error::Refused { problem } | Error::Busy { problem, .. }) => {
            Answered::Refused(problem.to_string())
        }
        Err(error) => panic!("the writer answered what it may not: {error}"),
    }
}

/// Submits until a writer that is not busy has answered.
pub(crate) fn ask(submitter: &Submitter, entries: &[Vec<u8>], level: Level) -> Result<Vec<Outcome>, Error> {
    let mut attempts = 0..MAX_ATTEMPTS;
    loop {
        match submitter.submit(entries, level) {
            Err(Error::Busy { .. }) if attempts.next().is_some() => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
}

/// With the pause between them, far longer than a small index takes.
const MAX_ATTEMPTS: u32 = 500;

const PAUSE: Duration = Duration::from_millis(10);
