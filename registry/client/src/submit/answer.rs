//! Pure. What an answer proves, as opposed to what it says.

use serde::Deserialize;
use sillok_log::LeafIndex;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::VerifierKey;
use sillok_log::receipt::Receipt;

use super::{Logged, Outcome, Refused};
use crate::{Error, Problem};

/// A checkpoint that was opened under the log's key.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) checkpoint: Checkpoint,
    pub(super) text: String,
}

impl Seen {
    /// Whether a checkpoint of the same size has the same root.
    pub(super) fn agrees(&self, other: &Self) -> Result<(), Error> {
        if self.checkpoint.root == other.checkpoint.root { Ok(()) } else { Err(self.contradicted_by(other)) }
    }

    fn contradicted_by(&self, other: &Self) -> Error {
        Error::Fork { before: self.text.clone(), after: other.text.clone() }
    }
}

#[derive(Deserialize)]
struct Answer {
    checkpoint: String,
    results: Vec<Item>,
}

/// One result: a place with a receipt, or an error.
#[derive(Deserialize)]
struct Item {
    index: Option<u64>,
    receipt: Option<String>,
    #[serde(default)]
    duplicate: bool,
    error: Option<Words>,
}

#[derive(Deserialize, Default)]
struct Words {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

/// Checks an answer against the entries that were sent, and returns the outcomes with every checkpoint that they
/// rest on. `before` is what had been seen when the request was sent: the log has not become smaller since.
pub(super) fn judge(
    entries: &[Vec<u8>],
    answer: &[u8],
    log: &VerifierKey,
    before: Option<&Seen>,
) -> Result<(Vec<Outcome>, Vec<Seen>), Error> {
    let malformed = |problem: String| Error::Answer { problem };
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| malformed(error.to_string()))?;
    if answer.results.len() != entries.len() {
        let (found, expected) = (answer.results.len(), entries.len());
        return Err(malformed(format!("it has {found} results for {expected} entries")));
    }
    let mut opened = Opened { log, all: Vec::new() };
    let newest = opened.open(answer.checkpoint)?;
    if let Some(before) = before.filter(|before| before.checkpoint.size > newest.checkpoint.size) {
        return Err(before.contradicted_by(newest));
    }
    let mut outcomes = Vec::with_capacity(entries.len());
    for (position, (entry, item)) in entries.iter().zip(answer.results).enumerate() {
        outcomes.push(match item {
            Item { index: Some(index), receipt: Some(receipt), duplicate, error: None } => {
                check(position, entry, LeafIndex(index), &receipt, &mut opened)?;
                Outcome::Logged(Logged { index: LeafIndex(index), receipt, duplicate })
            }
            Item { index: None, receipt: None, duplicate: false, error: Some(Words { code, detail }) } => {
                Outcome::Refused(Refused { code, detail })
            }
            _neither => {
                let problem = format!("result {position} is neither a place with a receipt nor an error");
                return Err(malformed(problem));
            }
        });
    }
    Ok((outcomes, opened.all))
}

/// What a registry says when it refuses. Whatever stands between it and us may say something else entirely.
pub(super) fn problem(status: u16, body: &[u8]) -> Problem {
    let Words { code, detail } = serde_json::from_slice(body).unwrap_or_default();
    Problem { status, code, detail }
}

fn check(
    position: usize,
    entry: &[u8],
    index: LeafIndex,
    text: &str,
    opened: &mut Opened<'_>,
) -> Result<(), Error> {
    let receipt = Receipt::parse(text.as_bytes()).map_err(|source| Error::Receipt { position, source })?;
    if receipt.index != index {
        return Err(Error::Index { position, result: index, receipt: receipt.index });
    }
    let seen = opened.open(receipt.checkpoint.clone())?;
    receipt.check(&leaf_hash(entry), &seen.checkpoint).map_err(|source| Error::NotProved { position, source })
}

/// The checkpoints of one answer. Most receipts share one, whose signature is checked once.
struct Opened<'a> {
    log: &'a VerifierKey,
    all: Vec<Seen>,
}

impl Opened<'_> {
    fn open(&mut self, text: String) -> Result<&Seen, Error> {
        let position = match self.all.iter().position(|seen| seen.text == text) {
            Some(position) => position,
            None => {
                let opened = Checkpoint::open(&text, self.log);
                let checkpoint = opened.map_err(|source| Error::Checkpoint { source })?;
                self.all.push(Seen { checkpoint, text });
                self.all.len() - 1
            }
        };
        Ok(&self.all[position])
    }
}
