//! The lists at the end of a new `sillok.toml`: who may submit to the log, and who may call the issuer.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use sillok_registry::sealed;
use toml::{Table, Value};

use super::keys::{ADMINISTRATOR, OPERATOR, SUBMITTER};
use crate::folder::Folder;

/// The submitters and the client that a new folder knows: its own.
pub(super) fn tables(folder: &Folder) -> anyhow::Result<String> {
    let keys = folder.place.keys();
    let vkey = |name| Ok::<_, sealed::Error>(Value::from(sealed::public_text(&keys, name)?));
    let administrator = table([("vkey", vkey(ADMINISTRATOR)?), ("role", "administrator".into())]);
    let issuer = table([
        ("vkey", vkey(SUBMITTER)?),
        ("role", "issuer".into()),
        ("issuer", folder.settings().public_url.clone().into()),
    ]);
    let jwk: Table = serde_json::from_str(&sealed::public_text(&keys, OPERATOR)?)
        .context("public text of the operator's key is no JWK")?;
    let client = table([
        ("id", Value::from(OPERATOR)),
        ("operator", OPERATOR.into()),
        ("scopes", vec!["issue:vaccination", "status", "admin"].into()),
        ("jwk", jwk.into()),
    ]);
    let submitters = table([("submitters", vec![administrator, issuer].into())]);
    let clients = table([("clients", vec![client].into())]);
    Ok(format!(
        "# Who may submit entries to this registry (specs/entry.md, \"Who may append\").\n{submitters}\n\
         # Who may call the issuer, and for what.\n{clients}"
    ))
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Table {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes the file in one step.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let staged = path.with_extension("toml.new");
    let written = File::create(&staged)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&staged, path));
    written.with_context(|| format!("could not write {}", path.display()))
}
