//! `sillok reissue`: issues the credentials of a type, or of a key, anew, spread over hours.
//!
//! The issuer names them by numbers, without a word about people. What was re-issued is not asked for twice: the issuer
//! answers a number again with what has taken its place, and a state file says how far a run has come.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sillok_verifier::encoding::decode_base64url_exact;

use crate::command::audit::bar;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::operator::{Error, Operator};
use crate::output;

mod pace;
mod run;
mod state;

use pace::{Pace, System};
use run::{Counts, Run};
use state::State;

/// Issue the valid credentials of a type, or those that a key has signed, anew: with the present key and a fresh status slot.
///
/// Each old one is revoked once the new one is in the log. Wallets find the new ones when they ask again; those that no wallet
/// asked for are written to --out. A run that was interrupted goes on when it is run again. What is revoked, suspended,
/// expired or erased is left as it is.
///
/// Exit codes: 0 everything that was due is re-issued, 1 some of it was refused, 2 could not finish.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("due").required(true).args(["type_name", "key"])))]
pub(crate) struct Args {
    /// The data folder whose operator asks.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The issuer's address.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// All of this type, by its name.
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// All that this key has signed, by its thumbprint. It must not be the one that signs now.
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    key: Option<String>,
    /// Why; it stays in the issuer's journal and is never public.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Credentials a second at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Spread evenly over this time, such as 90s, 30m, 8h or 2d; 0s: as fast as the rate allows.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    over: Duration,
    /// The folder that gets the new credentials and receipts; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The file that says how far it is; `reissue-state` in the folder, or here, by default.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Count what is due, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Say what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be re-issued, as the issuer's interface has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Key(String),
    Type(String),
}

impl Due {
    /// Name and value of its member.
    fn member(&self) -> (&'static str, &str) {
        match self {
            Self::Key(key) => ("key", key),
            Self::Type(name) => ("type", name),
        }
    }
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let due = match (args.key, args.type_name) {
        (Some(key), None) if decode_base64url_exact::<32>(key.as_bytes()).is_some() => Due::Key(key),
        (Some(key), None) => return usage(format!("--key {key:?} is no RFC 7638 thumbprint in base64url")),
        (None, Some(name)) => Due::Type(name),
        (None, None) | (Some(_), Some(_)) => return usage("either --type or --key is needed".into()),
    };
    let folder = Folder::open(&args.data, context, &[])?;
    let operator = Operator::new(&folder, &args.issuer, context)?;
    let path = args.state.unwrap_or_else(|| args.out.as_deref().unwrap_or_else(|| Path::new("")).join(STATE));
    let mut state = State::open(&path, &due, args.dry_run)?;
    let (total, before) = count(&operator, &due, &state)?;
    if args.dry_run {
        let seconds = pace::seconds(total, args.rate, args.over);
        return report(args.json, &json!({ "due": total, "seconds": seconds }), || {
            format!("{total} credentials are due; they would take {seconds} seconds")
        })
        .map(|()| Exit::Good);
    }
    let now = (context.clock)().0;
    state.begin(before, now.saturating_add(args.over.as_secs()), args.out.as_deref())?;
    let bar = bar("credentials");
    bar.set_length(total);
    // What is left of the time, if an earlier run has begun.
    let over = Duration::from_secs(state.ends().saturating_sub(now)).min(args.over);
    let pace = Pace::new(total, args.rate, over, System::start());
    let mut run = Run::new(&operator, &due, &args.reason, state, pace);
    let result = run.all(&mut |done| bar.set_position(done));
    bar.finish_and_clear();
    let counts = run.counts().clone();
    say(args.json, &counts, args.out.as_deref())?;
    if let Err(error) = result {
        anyhow::bail!("re-issue did not finish: {error}. Run it again to go on");
    }
    Ok(if counts.refused.is_empty() { Exit::Good } else { Exit::Bad })
}

fn say(as_json: bool, counts: &Counts, out: Option<&Path>) -> anyhow::Result<()> {
    report(as_json, &json!({ "reissued": counts.reissued, "refused": counts.refused }), || {
        let mut text = format!("credentials re-issued: {}", counts.reissued);
        for (code, count) in &counts.refused {
            text.push_str(&format!("\nrefused: {count} ({code})"));
        }
        if let Some(out) = out {
            text.push_str(&format!("\ncredentials and receipts: {}", out.join(state::CREDENTIALS).display()));
        }
        text
    })
}

fn report(as_json: bool, value: &Value, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if as_json { output::line(format_args!("{value}")) } else { output::line(format_args!("{}", text())) }
}

/// How many are due from where the state is, and below which number all of them are.
fn count(operator: &Operator, due: &Due, state: &State) -> Result<(u64, u64), Error> {
    let (mut total, mut from, mut before) = (0, state.next(), state.before());
    loop {
        let page = page(operator, due, from, before)?;
        total += page.numbers.len() as u64;
        before = Some(page.before);
        match page.next {
            Some(next) => from = next,
            None => return Ok((total, page.before)),
        }
    }
}

/// A page of what is due.
struct Page {
    numbers: Vec<u64>,
    next: Option<u64>,
    before: u64,
}

fn page(operator: &Operator, due: &Due, from: u64, before: Option<u64>) -> Result<Page, Error> {
    let (member, value) = due.member();
    let mut body = json!({ member: value, "from": from });
    if let Some(before) = before {
        body["before"] = before.into();
    }
    let answer = operator.post(DUE_PATH, body.to_string().as_bytes(), None)?;
    let wrong = || Error::Answer { url: DUE_PATH.into(), problem: "it is no page of numbers".into() };
    let numbers = answer["numbers"].as_array().ok_or_else(wrong)?;
    let numbers: Option<Vec<u64>> = numbers.iter().map(Value::as_u64).collect();
    let next = answer["next"].as_u64();
    // A page that does not go on would be asked for without end.
    if next.is_some_and(|next| next <= from) {
        return Err(wrong());
    }
    let before = answer["before"].as_u64().ok_or_else(wrong)?;
    Ok(Page { numbers: numbers.ok_or_else(wrong)?, next, before })
}

/// A number and a unit: s, m, h or d.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time such as 90s, 30m, 8h or 2d, of at most {MAX_DAYS} days");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => DAY_SECONDS,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let total = number.checked_mul(seconds).filter(|total| *total <= MAX_DAYS * DAY_SECONDS);
    total.map(Duration::from_secs).ok_or_else(wrong)
}

/// How far a run is, unless said otherwise.
const STATE: &str = "reissue-state";

const DUE_PATH: &str = "/credentials/reissue/due";

const DAY_SECONDS: u64 = 86_400;

/// Longest time to spread over.
const MAX_DAYS: u64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("30m", 1_800), ("8h", 28_800), ("90d", 7_776_000)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "8", "8 h", "-1s", "1.5h", "91d", "18446744073709551615d", "8H", "8é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
