//! `sillok keys`: the public halves of the keys of a data folder, and what happens to those that sign credentials.

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};
use sillok_registry::sealed;

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::operator::{Error, Operator};
use crate::output;

/// Show the keys of a data folder, their public halves only; rotate or end those that sign credentials.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every key: its name, a tab, its verifier key or public JWK.
    List {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Print the public half of one key, one line.
    #[command(group(ArgGroup::new("which").required(true).args(["log_vkey", "name"])))]
    Show {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The log's C2SP verifier key.
        #[arg(long)]
        log_vkey: bool,
        /// The key of this name, as `keys list` shows it.
        name: Option<String>,
    },
    /// Make a new credential-signing key; the present one is retired. The log has both events before the new key signs.
    Rotate {
        #[command(flatten)]
        at: At,
        /// What the new key signs with; as the issuer is configured if it is not given.
        #[arg(long, value_name = "ES256|EdDSA")]
        algorithm: Option<String>,
    },
    /// Retire a credential-signing key: what it has signed so far stays good.
    Retire {
        #[command(flatten)]
        at: At,
        /// The key's thumbprint in base64url, the `kid` of its credentials.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Say that somebody else may have a credential-signing key; a new one takes over if it is the present one.
    Compromise {
        #[command(flatten)]
        at: At,
        /// The first entry of the log that is not good any more; without it, everything logged so far stays good. Once for the
        /// present log, and, with its origin, once for each log before it.
        #[arg(long, value_name = "INDEX | ORIGIN=INDEX", value_parser = parse_cut)]
        cut: Vec<Cut>,
        /// The key's thumbprint in base64url, the `kid` of its credentials.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// The issuer that is asked, and by whom.
#[derive(Debug, clap::Args)]
struct At {
    /// The data folder whose operator asks.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The issuer's address.
    #[arg(long, value_name = "URL")]
    issuer: String,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match args.action {
        Action::List { data } => {
            let keys = Folder::open(&data, context, &[])?.place.keys();
            for name in sealed::names(&keys)? {
                output::line(format_args!("{name}\t{}", sealed::public_text(&keys, &name)?))?;
            }
        }
        Action::Show { data, log_vkey: _, name: Some(name) } => {
            let keys = Folder::open(&data, context, &[])?.place.keys();
            output::line(format_args!("{}", sealed::public_text(&keys, &name)?))?;
        }
        Action::Show { data, log_vkey: _, name: None } => {
            output::line(format_args!("{}", Folder::open(&data, context, &[])?.log_vkey()?))?;
        }
        Action::Rotate { at, algorithm } => {
            let body = algorithm.map_or_else(|| json!({}), |algorithm| json!({ "algorithm": algorithm }));
            return ask(&at, "rotate", &body, context);
        }
        Action::Retire { at, kid } => return ask(&at, "retire", &json!({ "kid": kid }), context),
        Action::Compromise { at, cut, kid } => {
            return ask(&at, "compromise", &compromise(&kid, cut)?, context);
        }
    }
    Ok(Exit::Good)
}

/// A cut in the present log, or in one before it.
#[derive(Clone, Debug)]
struct Cut {
    origin: Option<String>,
    index: u64,
}

fn parse_cut(text: &str) -> Result<Cut, String> {
    let (origin, index) = match text.rsplit_once('=') {
        Some((origin, index)) => (Some(origin.to_owned()), index),
        None => (None, text),
    };
    match index.parse() {
        Ok(index) => Ok(Cut { origin, index }),
        Err(_no_number) => Err(format!("{index:?} is no index")),
    }
}

fn compromise(kid: &str, cuts: Vec<Cut>) -> anyhow::Result<Value> {
    let (mut body, mut before) = (json!({ "kid": kid }), Vec::new());
    for Cut { origin, index } in cuts {
        match origin {
            Some(origin) => before.push(json!({ "origin": origin, "size": index })),
            None if body.get("cut").is_some() => {
                return usage("--cut is given twice for the present log".into());
            }
            None => body["cut"] = index.into(),
        }
    }
    if !before.is_empty() {
        body["cuts_before"] = before.into();
    }
    Ok(body)
}

/// Asks the issuer for a key event, and says what came of it.
fn ask(at: &At, event: &str, body: &Value, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&at.data, context, &[])?;
    let operator = Operator::new(&folder, &at.issuer, context)?;
    match operator.post_once(&format!("/admin/keys/{event}"), body.to_string().as_bytes()) {
        Ok(answer) => {
            let text = |name: &str| answer[name].as_str().map(String::from);
            if let (Some(ended), Some(cut)) = (text("kid"), answer["cut"].as_u64()) {
                output::line(format_args!(
                    "key {ended} has ended: what it signed before entry {cut} stays good"
                ))?;
                for cut in answer["cuts_before"].as_array().into_iter().flatten() {
                    let (origin, size) = (cut["origin"].as_str().unwrap_or_default(), &cut["size"]);
                    output::line(format_args!("and before entry {size} of {origin}"))?;
                }
            }
            if let Some(next) = text("replaced_by") {
                output::line(format_args!("key {next} signs from now on"))?;
            }
            Ok(Exit::Good)
        }
        Err(Error::Refused(problem)) => {
            eprintln!("sillok: {problem}");
            Ok(Exit::Bad)
        }
        Err(error) => Err(error.into()),
    }
}
