//! `sillok evidence`: what a log did in its own signatures, checked again by somebody who saw none of it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;
use sillok_client::audit::{Claim, EvidenceError, parse_evidence};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::VerifierKey;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

/// Check evidence that an auditor, a monitor, a mirror or a writer has kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check that a log has signed what it must not have signed. Nothing but the file and the log's key is needed.
    ///
    /// Exit codes: 0 the file shows it, 1 it does not, 2 the file cannot be read.
    Check {
        /// The log's verifier key, as you know it. Without it, the key that the file names is used, and said.
        #[arg(long, value_name = "VKEY")]
        vkey: Option<String>,
        /// One JSON object instead of text.
        #[arg(long)]
        json: bool,
        /// The evidence.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(args: Args, _context: &Context) -> anyhow::Result<Exit> {
    let Action::Check { vkey, json, file } = args.action;
    let known = vkey.as_deref().map(|vkey| match VerifierKey::parse(vkey.trim()) {
        Ok(key) => Ok(key),
        Err(error) => usage(format!("--vkey {vkey:?} is refused: {error}")),
    });
    let known = known.transpose()?;
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let judged = judge(&text, known.as_ref());
    if json {
        output::line(format_args!("{}", as_json(&judged)))?;
    } else {
        output::write(as_text(&judged, known.is_some()).as_bytes())?;
    }
    Ok(if judged.is_ok() { Exit::Good } else { Exit::Bad })
}

/// What evidence shows, and of which log.
struct Shown {
    key: VerifierKey,
    claim: Claim,
    /// As the claim orders them.
    checkpoints: [Checkpoint; 2],
}

/// Why it shows nothing.
enum Refusal {
    Evidence(EvidenceError),
    /// It is of another log than the one asked about.
    OtherLog(Box<VerifierKey>),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Evidence(error) => error.fmt(f),
            Self::OtherLog(key) => write!(f, "evidence is about another log, with the key {key}"),
        }
    }
}

fn judge(text: &str, known: Option<&VerifierKey>) -> Result<Shown, Refusal> {
    let (evidence, key) = parse_evidence(text).map_err(Refusal::Evidence)?;
    if known.is_some_and(|known| *known != key) {
        return Err(Refusal::OtherLog(Box::new(key)));
    }
    let checkpoints = evidence.check(&key).map_err(|shown| Refusal::Evidence(shown.into()))?;
    Ok(Shown { key, claim: evidence.claim(), checkpoints })
}

fn as_text(judged: &Result<Shown, Refusal>, known: bool) -> String {
    let Shown { key, claim, checkpoints: [older, newer] } = match judged {
        Ok(shown) => shown,
        Err(refusal) => return format!("shows nothing: {refusal}\n"),
    };
    let told = match claim {
        Claim::Fork => "the log has signed two histories: whoever holds its key made both".to_owned(),
        Claim::Rollback => {
            "the log has signed both sizes; that the smaller one was served later is the word of whoever saw it"
                .to_owned()
        }
    };
    let whose = if known { "your key" } else { "the key in the file: compare it with the one that you know" };
    format!(
        "shown: {told}\nlog: {} ({whose})\nkey: {key}\nolder: size {}, root {}\nnewer: size {}, root {}\n",
        key.name(),
        older.size,
        older.root.to_base64(),
        newer.size,
        newer.root.to_base64()
    )
}

fn as_json(judged: &Result<Shown, Refusal>) -> serde_json::Value {
    let checkpoint =
        |checkpoint: &Checkpoint| json!({ "size": checkpoint.size.0, "root": checkpoint.root.to_base64() });
    match judged {
        Ok(Shown { key, claim, checkpoints: [older, newer] }) => json!({
            "shown": true,
            "claim": claim.word(),
            "log": key.to_string(),
            "older": checkpoint(older),
            "newer": checkpoint(newer),
        }),
        Err(refusal) => json!({ "shown": false, "problem": refusal.to_string() }),
    }
}
