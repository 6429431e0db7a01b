//! `sillok config`: every setting, its value, and where that came from.

use std::path::PathBuf;

use serde_json::json;

use crate::config::{CameFrom, SETTINGS};
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

/// Print every setting: value, default, and where it came from.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.data, context, &[])?;
    let rows = SETTINGS.iter().filter_map(|setting| Some((setting, folder.loaded.value(setting)?)));
    if args.json {
        let object: serde_json::Map<String, serde_json::Value> = rows
            .map(|(setting, (value, from))| {
                let row = json!({
                    "value": value,
                    "default": setting.default_value(),
                    "from": from.to_string(),
                    "variable": setting.variable(),
                    "meaning": setting.meaning.replace('\n', " "),
                });
                (setting.name.to_owned(), row)
            })
            .collect();
        output::line(format_args!("{}", serde_json::Value::Object(object)))?;
    } else {
        for (setting, (value, from)) in rows {
            for line in setting.meaning.lines() {
                output::line(format_args!("# {line}"))?;
            }
            let from = match from {
                CameFrom::Default => "default".to_owned(),
                CameFrom::Environment => {
                    format!("from {}, default {}", setting.variable(), setting.default_value())
                }
                CameFrom::File | CameFrom::Flag => {
                    format!("from {from}, default {}", setting.default_value())
                }
            };
            output::line(format_args!("{} = {value}    # {from}\n", setting.name))?;
        }
        let (submitters, clients) = (folder.settings().submitters.len(), folder.settings().clients.len());
        output::line(format_args!(
            "# {submitters} submitters and {clients} clients are listed in the file."
        ))?;
    }
    let known = |name: &str| SETTINGS.iter().any(|setting| setting.variable() == name);
    for name in context.variables().filter(|name| !known(name)) {
        eprintln!("sillok: {name} is set and names no setting");
    }
    Ok(Exit::Good)
}
