//! `sillok offer`: an offer that a wallet by others takes: a link, and a QR code in the terminal.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::command::verify::read;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::operator::{Error, Operator};
use crate::output;

mod square;

/// Offer a credential to a wallet (OpenID4VCI 1.0, pre-authorised code): print the link that opens it.
///
/// FILE is JSON, `{"credential": .., "options": ..}` as POST /credentials/issue takes it, without a holder's key: what it says
/// becomes the person's record, and the wallet obtains the credential of that. `{"record": {"subject": .., "type": ..}}`
/// names a record that is there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder whose operator asks.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The issuer's address.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The formats to offer, in the order of preference; all that the issuer issues if none is given.
    #[arg(long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Ask for a transaction code, of so many digits: tell it to the person on another way than the link.
    #[arg(long, value_name = "DIGITS", num_args = 0..=1, default_missing_value = "6")]
    tx_code: Option<u8>,
    /// What the wallet tells the person about where to find the transaction code.
    #[arg(long, value_name = "TEXT", requires = "tx_code")]
    tx_code_description: Option<String>,
    /// How long the offer is open.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// Put the whole offer into the link; without it the link names where the wallet fetches it.
    #[arg(long)]
    by_value: bool,
    /// Draw the link as a QR code, dark on light.
    #[arg(long)]
    qr: bool,
    /// Print the issuer's whole answer as JSON.
    #[arg(long, conflicts_with = "qr")]
    json: bool,
    /// What is offered, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Exit codes: 0 done, 1 the offer was refused, 2 could not finish.
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let body = body(&args)?;
    let operator = Operator::new(&folder, &args.issuer, context)?;
    let answer = match operator.post("/offers", body.to_string().as_bytes(), None) {
        Ok(answer) => answer,
        Err(Error::Refused(problem)) => {
            eprintln!("sillok: {problem}");
            return Ok(Exit::Bad);
        }
        Err(error) => return Err(error.into()),
    };
    if args.json {
        output::line(format_args!("{answer}"))?;
        return Ok(Exit::Good);
    }
    let name = if args.by_value { "by_value" } else { "by_reference" };
    let Some(link) = answer[name].as_str() else { anyhow::bail!("the issuer's answer has no {name}") };
    if args.qr {
        output::line(format_args!("{}", square::draw(link)?))?;
    }
    output::line(format_args!("{link}"))?;
    if let Some(code) = answer["tx_code"].as_str() {
        output::line(format_args!("transaction code: {code}"))?;
    }
    Ok(Exit::Good)
}

/// The file, and what the offer is to be like.
fn body(args: &Args) -> anyhow::Result<Value> {
    let shown = args.file.display();
    let text = read(Path::new(&args.file), MAX_FILE_BYTES)?;
    let mut body: Map<String, Value> = match serde_json::from_slice(&text) {
        Ok(body) => body,
        Err(error) => return usage(format!("{shown} is no JSON object: {error}")),
    };
    let mut offer = Map::new();
    if !args.format.is_empty() {
        offer.insert("formats".into(), json!(args.format));
    }
    if let Some(length) = args.tx_code {
        let mut tx_code = json!({ "length": length });
        if let Some(description) = &args.tx_code_description {
            tx_code["description"] = description.as_str().into();
        }
        offer.insert("txCode".into(), tx_code);
    }
    if let Some(seconds) = args.expires_in {
        offer.insert("expiresIn".into(), seconds.into());
    }
    if !offer.is_empty() && body.insert("offer".into(), offer.into()).is_some() {
        return usage(format!("{shown} says what the offer is like, and so does the command line"));
    }
    Ok(body.into())
}

/// As the issuer takes it.
const MAX_FILE_BYTES: usize = 17 << 10;
