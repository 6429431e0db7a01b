//! The data folder of the next log.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use sillok_log::audit::LogKind;
use sillok_log::note::VerifierKey;
use sillok_registry::sealed;

use crate::command::init;
use crate::config::SETTINGS;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::{Folder, Place};
use crate::output;
use crate::succession::{self, Before};

//= specs/log.md#succession
/// Every step looks first whether it was done, so that a run that was interrupted is finished by the next.
pub(super) fn run(data: &Path, next: &Path, origin: &str, context: &Context) -> anyhow::Result<Exit> {
    let folder = Folder::open(data, context, &[])?;
    let present = folder.log_vkey()?;
    check_origin(&folder, &present, origin)?;
    let place = Place::new(next)?;
    if place.path().starts_with(folder.place.path()) || folder.place.path().starts_with(place.path()) {
        return usage(format!("{} and {} are one in the other", next.display(), data.display()));
    }
    match place.settings_text()? {
        Some(text) => {
            let found = Folder::with_text(place.clone(), &text, context, &[])?;
            if found.settings().origin != origin {
                let found = &found.settings().origin;
                return usage(format!("{} holds the log {found}, not {origin}", next.display()));
            }
            // A folder that was made for something else is not taken.
            if succession::before(&place)?.last().map(|before| &before.log) != Some(&present) {
                return usage(format!(
                    "{} is not the folder of a log after {}",
                    next.display(),
                    present.name()
                ));
            }
        }
        None => begin_folder(&folder, &place, &present, origin)?,
    }
    let made = init::make(next, None, context)?;
    let key = made.log_vkey()?;
    succession::write_successor(&folder.place, &key)?;
    output::line(format_args!("{key}"))?;
    eprintln!(
        "sillok: {origin} is to succeed {}. Start the issuer of {} again: it tells verifiers, in a root that the present \
         log holds. Once they have it, end the issuer and `sillok log switch`.",
        present.name(),
        data.display()
    );
    Ok(Exit::Good)
}

/// An origin is of one log for ever.
fn check_origin(folder: &Folder, present: &VerifierKey, origin: &str) -> anyhow::Result<()> {
    if folder.kind() == LogKind::Raw || LogKind::of_origin(origin) == LogKind::Raw {
        return usage("a raw log has no successor and is none: no trust bundle names it".into());
    }
    let before = succession::before(&folder.place)?;
    let used = before.iter().map(|before| before.log.name()).chain([present.name()]);
    if used.into_iter().any(|used| used == origin) {
        return usage(format!("origin {origin} was used; an origin is of one log for ever"));
    }
    match succession::successor(&folder.place)? {
        Some(announced) if announced.name() != origin => {
            usage(format!("{} was announced already, not {origin}", announced.name()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Everything of the present folder that the next one needs, but its log; the settings last, by which it is known to be
/// whole.
fn begin_folder(folder: &Folder, place: &Place, present: &VerifierKey, origin: &str) -> anyhow::Result<()> {
    let text = next_settings(folder, origin)?;
    fs::create_dir_all(place.public())
        .with_context(|| format!("could not make {}", place.path().display()))?;
    copy_keys(folder, place)?;
    for name in ["policy", "passphrase_file"] {
        copy_named(folder, place, name)?;
    }
    let passphrase = folder.place.default_passphrase();
    if passphrase.exists() {
        copy(&passphrase, &place.default_passphrase())?;
    }
    let mut before = succession::before(&folder.place)?;
    before.push(Before { log: present.clone(), size: None });
    succession::write_before(place, &before)?;
    succession::replace(&place.settings_file(), &text)
}

/// The settings of the present folder, with the next origin.
fn next_settings(folder: &Folder, origin: &str) -> anyhow::Result<String> {
    let settings = folder.settings();
    for (name, value) in [("head", &settings.head), ("types_folder", &settings.types_folder)] {
        let shared = name == "types_folder" && Path::new(value).is_absolute();
        if !value.is_empty() && !shared {
            return usage(format!(
                "setting {name} is {value:?}, which would be another place in the next folder: take it out of sillok.toml, \
                 announce, and set it in both folders"
            ));
        }
    }
    let Some(text) = folder.place.settings_text()? else {
        return usage(format!("{} has no sillok.toml", folder.place.path().display()));
    };
    let is_origin = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == "origin");
    let Some(line) = text.lines().find(|line| is_origin(line)) else {
        return usage("sillok.toml does not set origin".into());
    };
    Ok(text.replacen(line, &format!("origin = {}", toml::Value::from(origin)), 1))
}

/// Copies keys that the next folder lacks, all but the log's: what signs documents and credentials stays.
pub(super) fn copy_keys(folder: &Folder, place: &Place) -> anyhow::Result<()> {
    let (from, to) = (folder.place.keys(), place.keys());
    fs::create_dir_all(&to).with_context(|| format!("could not make {}", to.display()))?;
    fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
    for name in sealed::names(&from)? {
        if name == "log" || sealed::exists(&to, &name)? {
            continue;
        }
        // The sealed file last: a key is there once that is.
        for suffix in ["pub", "pem"] {
            let file = format!("{name}.{suffix}");
            copy(&from.join(&file), &to.join(&file))?;
        }
    }
    Ok(())
}

/// Copies the file that a setting names relative to the folder.
fn copy_named(folder: &Folder, place: &Place, name: &str) -> anyhow::Result<()> {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    let value =
        setting.and_then(|setting| folder.loaded.value(setting)).and_then(|(value, _from)| value.as_str());
    let Some(value) = value.filter(|value| !value.is_empty() && Path::new(value).is_relative()) else {
        return Ok(());
    };
    let (from, to) = (folder.place.path().join(value), place.path().join(value));
    if from.exists() && !to.exists() { copy(&from, &to) } else { Ok(()) }
}

/// Copies a file in one step, with its permissions.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut staged = to.as_os_str().to_owned();
    staged.push(".new");
    let copied = fs::copy(from, &staged)
        .and_then(|_bytes| fs::File::open(&staged)?.sync_all())
        .and_then(|()| fs::rename(&staged, to));
    copied.with_context(|| format!("could not copy {} to {}", from.display(), to.display()))?;
    to.parent().map_or(Ok(()), succession::sync_folder)
}
