//! `sillok rules`: checks the rule set of a place, and publishes it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;
use sillok_client::Source;
use sillok_issuer::publish::put_rule_set;
use sillok_log::note::Note;
use sillok_verifier::acceptance::{Finding, MAX_RULE_SET_BYTES, RuleSet, check_publication};
use sillok_verifier::trust::{Container, MAX_CONTAINER_BYTES, Root};

use super::verify::read;
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output;

/// Check the rules of a place, and publish them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a rule set: its form, its own vectors, and that it may follow the one that is published.
    ///
    /// Exit codes: 0 it may be published, 1 it may not, 2 it cannot be read.
    Check {
        /// The data folder whose published set it is to follow; without it, it is taken for the first of its jurisdiction.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// One JSON object instead of text.
        #[arg(long)]
        json: bool,
        /// The rule set (JSON).
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Publish a rule set, if it may be: the issuer of the folder puts it into its next root.
    ///
    /// A new rule begins at least 48 hours after now and lasts at least 72 hours; one that is withdrawn may end at once.
    /// Exit codes: 0 it will be in the next root, 1 it may not be published, 2 it cannot be read.
    Publish {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The rule set (JSON).
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match args.action {
        Action::Check { data, json, file } => {
            let checked = check(data.as_deref(), &file, context)?;
            if json {
                output::line(format_args!("{}", checked.as_json()))?;
            } else {
                output::write(checked.as_text().as_bytes())?;
            }
            Ok(if checked.may_be_published() { Exit::Good } else { Exit::Bad })
        }
        Action::Publish { data, file } => {
            let checked = check(Some(&data), &file, context)?;
            let Checked::Opens { set, findings } = &checked else {
                output::write(checked.as_text().as_bytes())?;
                return Ok(Exit::Bad);
            };
            output::write(checked.as_text().as_bytes())?;
            if !findings.is_empty() {
                return Ok(Exit::Bad);
            }
            let folder = Folder::open(&data, context, &[])?;
            put_rule_set(&folder.place.path().join("issuer"), set)?;
            output::line(format_args!("it will be in the root of the issuer's next publication"))?;
            Ok(Exit::Good)
        }
    }
}

/// What is known of a file.
enum Checked {
    Opens { set: Box<RuleSet>, findings: Vec<Finding> },
    Refused(String),
}

fn check(data: Option<&Path>, file: &Path, context: &Context) -> anyhow::Result<Checked> {
    let text = String::from_utf8(read(file, MAX_RULE_SET_BYTES)?)
        .with_context(|| format!("could not read {}", file.display()))?;
    let set = match RuleSet::open(&text) {
        Ok(set) => set,
        Err(error) => return Ok(Checked::Refused(error.to_string())),
    };
    let published = data.map(|data| published(data, context)).transpose()?.unwrap_or_default();
    let before = published.iter().find(|before| before.jurisdiction() == set.jurisdiction());
    // What is published already has nothing to wait for.
    let findings = match before {
        Some(before) if *before == set => Vec::new(),
        before => check_publication(&set, before, (context.clock)()),
    };
    Ok(Checked::Opens { set: Box::new(set), findings })
}

/// The rule sets in the root that the issuer of a folder has published; none before its first.
fn published(data: &Path, context: &Context) -> anyhow::Result<Vec<RuleSet>> {
    let public = Folder::open(data, context, &[])?.place.public();
    let source = Source::open(&public.display().to_string())?;
    let Some(bundle) = source.published("trust-bundle", MAX_CONTAINER_BYTES)? else { return Ok(Vec::new()) };
    let container = Container::parse(&bundle).context("read the published trust bundle")?;
    let note = Note::parse(&container.root).context("read the published root")?;
    Ok(Root::parse(note.text()).context("read the published root")?.rules)
}

impl Checked {
    fn may_be_published(&self) -> bool {
        matches!(self, Self::Opens { findings, .. } if findings.is_empty())
    }

    fn as_text(&self) -> String {
        let (set, findings) = match self {
            Self::Opens { set, findings } => (set, findings),
            Self::Refused(problem) => return format!("refused: {problem}\n"),
        };
        let mut text = format!(
            "{} ({}), sequence {}: {} versions of rules, all {} vectors come out\n",
            set.name().get("en"),
            set.jurisdiction(),
            set.sequence(),
            set.rules().count(),
            set.vectors()
        );
        for (class, name) in set.classes() {
            text.push_str(&format!("  {}/{class}: {}\n", set.jurisdiction(), name.get("en")));
        }
        for finding in findings {
            text.push_str(&format!("finding: {finding} ({})\n", finding.code()));
        }
        text
    }

    fn as_json(&self) -> serde_json::Value {
        let (set, findings) = match self {
            Self::Opens { set, findings } => (set, findings),
            Self::Refused(problem) => return json!({ "opens": false, "problem": problem }),
        };
        let finding = |finding: &Finding| json!({ "code": finding.code(), "text": finding.to_string() });
        json!({
            "opens": true,
            "jurisdiction": set.jurisdiction(),
            "sequence": set.sequence(),
            "rules": set.rules().map(|(id, version)| json!({ "id": id, "version": version })).collect::<Vec<_>>(),
            "classes": set.classes().map(|(class, _name)| class).collect::<Vec<_>>(),
            "vectors": set.vectors(),
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}
