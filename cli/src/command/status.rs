//! `sillok revoke`, `sillok suspend`, `sillok reinstate`: change what a credential is worth from now on.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::context::Context;
use crate::credential_id::credential_id;
use crate::exit::{Exit, usage};
use crate::folder::Folder;
use crate::operator::{Error, Operator};
use crate::output;

/// Arguments of all three.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder whose operator asks.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The issuer's address.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Why; it stays in the issuer's journal and is never public.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Publish the changed lists at once, not within the issuer's status interval.
    #[arg(long)]
    publish: bool,
    /// The credentials: ids (urn:uuid:..), files with a compact JWS, or the JWS themselves.
    #[arg(value_name = "CREDENTIAL_OR_ID", required = true)]
    credentials: Vec<String>,
}

/// What becomes of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Reinstate,
    Revoke,
    Suspend,
}

impl Change {
    const fn done(self) -> &'static str {
        match self {
            Self::Reinstate => "reinstated",
            Self::Revoke => "revoked",
            Self::Suspend => "suspended",
        }
    }
}

/// Exit codes: 0 done, 1 some changes were refused, 2 could not finish.
#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(change: Change, args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let ids = args.credentials.iter().map(|text| id_of(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let operator = Operator::new(&folder, &args.issuer, context)?;
    let mut exit = Exit::Good;
    for id in &ids {
        match change_status(&operator, change, id, args.reason.as_deref()) {
            Ok(answer) => {
                let when = answer["published_by"].as_u64().map_or_else(String::new, |seconds| {
                    let time =
                        i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
                    time.map_or_else(String::new, |time| format!(", public by {time}"))
                });
                output::line(format_args!("{} {id}{when}", change.done()))?;
            }
            Err(Error::Refused(problem)) => {
                eprintln!("sillok: {id} is not {}: {problem}", change.done());
                exit = Exit::Bad;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if args.publish {
        publish(&operator)?;
        output::line(format_args!("published"))?;
    }
    Ok(exit)
}

/// Asks for one change.
pub(crate) fn change_status(
    operator: &Operator,
    change: Change,
    id: &str,
    reason: Option<&str>,
) -> Result<Value, Error> {
    let (purpose, set) = match change {
        Change::Reinstate => ("suspension", false),
        Change::Revoke => ("revocation", true),
        Change::Suspend => ("suspension", true),
    };
    let mut body = json!({
        "credentialId": id,
        "credentialStatus": { "type": "BitstringStatusListEntry", "statusPurpose": purpose },
        "status": set,
    });
    if let Some(reason) = reason {
        body["reason"] = reason.into();
    }
    operator.post("/credentials/status", body.to_string().as_bytes(), None)
}

/// Asks for a publication now.
pub(crate) fn publish(operator: &Operator) -> Result<(), Error> {
    operator.post("/admin/publish", b"{}", None).map(drop)
}

/// The id in what somebody names a credential by.
fn id_of(text: &str) -> anyhow::Result<String> {
    if text.starts_with("urn:") {
        return Ok(text.into());
    }
    let path = Path::new(text);
    let credential = if path.is_file() {
        match fs::read_to_string(path) {
            Ok(credential) => credential,
            Err(error) => return usage(format!("could not read {text}: {error}")),
        }
    } else {
        text.to_owned()
    };
    credential_id(&credential).or_else(|error| {
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        usage(format!("{shown:?} is neither an id (urn:..), nor a file, nor a credential: {error}"))
    })
}

/// So much of a credential that is none is shown, in characters.
const MAX_SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_named_by_id_file_or_itself() {
        let payload = sillok_verifier::encoding::encode_base64url(br#"{"id":"urn:uuid:1"}"#);
        let jws = format!("e30.{payload}.AA");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), format!("{jws}\n")).unwrap();
        for text in ["urn:uuid:1", &jws, &file.path().display().to_string()] {
            assert_eq!(id_of(text).unwrap(), "urn:uuid:1", "{text}");
        }
        for text in ["", "nothing", "a.b.c", "e30.e30.AA", "a.b.c.d"] {
            assert!(id_of(text).is_err(), "{text}");
        }
    }
}
