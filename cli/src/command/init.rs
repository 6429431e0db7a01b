//! `sillok init`: makes a data folder, its settings, its keys and its empty log.
//!
//! Every step looks first whether it was done, so that a run that was interrupted is finished by the next.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sillok_log::audit::{LogKind, RAW_SUFFIX};
use sillok_log::note::VerifierKey;
use sillok_registry::sealed::{self, Passphrase};
use sillok_registry::{Options, Registry, Stores, store};

use crate::config;
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::folder::{Folder, Place};
use crate::output;

mod keys;
mod settings_file;

/// Make a data folder: settings, keys and an empty log. Doing it again changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A log of arbitrary bytes, for load tools: no rule applies, and no trust bundle may name it.
    #[arg(long)]
    raw: bool,
    /// The log's identity, such as `log.example.org/2026`; random if it is not given. That of a raw log ends with
    /// `/raw`, which is added if it is missing.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Where the world will reach the services of this folder.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let (data, folder) = (args.data.clone(), init(args, context)?);
    let kind = match folder.kind() {
        LogKind::Raw => "raw log",
        LogKind::Typed => "log",
    };
    output::line(format_args!("{} is ready: {kind} {}", data.display(), folder.settings().origin))?;
    output::line(format_args!("log key: {}", folder.log_vkey()?))?;
    Ok(Exit::Good)
}

/// What `sillok init --data` does, without a word.
pub(crate) fn make(data: &Path, public_url: Option<&str>, context: &Context) -> anyhow::Result<Folder> {
    let public_url = public_url.map(String::from);
    init(Args { data: data.into(), raw: false, origin: None, public_url }, context)
}

fn init(args: Args, context: &Context) -> anyhow::Result<Folder> {
    let place = Place::new(&args.data)?;
    let origin = origin(&args, &place, context)?;
    let folder = match place.settings_text()? {
        Some(text) => Folder::with_text(place, &text, context, &[])?,
        None => begin_folder(place, &origin, args.public_url.as_deref(), context)?,
    };
    if let Some(url) = args.public_url.filter(|url| *url != folder.settings().public_url) {
        return usage(format!(
            "{} has the public_url {}, not {url}",
            folder.place.path().display(),
            folder.settings().public_url
        ));
    }
    keys::make_missing(&folder, &passphrase(&folder)?)?;
    begin_log(&folder, context)?;
    Ok(folder)
}

/// Makes the keys first and writes the file of settings last: it names their public halves.
fn begin_folder(place: Place, origin: &str, url: Option<&str>, context: &Context) -> anyhow::Result<Folder> {
    let url = url.map(|url| ("public_url", url));
    let values: Vec<_> = [("origin", origin)].into_iter().chain(url).collect();
    // Checked before the first file is made.
    let folder = Folder::with_text(place, &config::compose_file(&values, ""), context, &[])?;
    let public = folder.place.public();
    fs::create_dir_all(&public).with_context(|| format!("could not make {}", public.display()))?;
    keys::make_missing(&folder, &passphrase(&folder)?)?;
    let text = config::compose_file(&values, &settings_file::tables(&folder)?);
    let folder = Folder::with_text(folder.place, &text, context, &[])?;
    settings_file::write(&folder.place.settings_file(), &text)?;
    Ok(folder)
}

/// The origin: that of the folder, else that of a key made by an earlier, interrupted run, else the one asked for,
/// else a random one.
fn origin(args: &Args, place: &Place, context: &Context) -> anyhow::Result<String> {
    let asked = args.origin.as_ref().map(|origin| match args.raw && !origin.ends_with(RAW_SUFFIX) {
        true => format!("{origin}{RAW_SUFFIX}"),
        false => origin.clone(),
    });
    let present = match place.settings_text()? {
        Some(text) => Some(Folder::with_text(place.clone(), &text, context, &[])?.settings().origin.clone()),
        None if sealed::exists(&place.keys(), "log")? => {
            let text = sealed::public_text(&place.keys(), "log")?;
            let key = VerifierKey::parse(&text).with_context(|| format!("key {text:?} is refused"))?;
            Some(key.name().to_owned())
        }
        None => None,
    };
    let origin = match (present, asked) {
        (Some(present), Some(asked)) if present != asked => {
            return usage(format!("{} holds the log {present}, not {asked}", place.path().display()));
        }
        (Some(present), _) => present,
        (None, Some(asked)) => asked,
        (None, None) => random_origin(args.raw)?,
    };
    match (args.raw, LogKind::of_origin(&origin)) {
        (true, LogKind::Typed) => {
            usage(format!("{} holds {origin}, which is no raw log", place.path().display()))
        }
        // A second `init` of a raw log need not say so again.
        (false, LogKind::Raw) if args.origin.is_some() => usage(format!(
            "origin {origin:?} ends with {RAW_SUFFIX}, which only that of a raw log does (--raw)"
        )),
        (true, LogKind::Raw) | (false, LogKind::Raw | LogKind::Typed) => Ok(origin),
    }
}

fn random_origin(raw: bool) -> anyhow::Result<String> {
    let random = getrandom::u64().context("could not draw a random origin")?;
    Ok(format!("localhost/sillok/{random:016x}{}", if raw { RAW_SUFFIX } else { "" }))
}

/// The passphrase of the settings, or a random one that is written into the folder, with a warning.
fn passphrase(folder: &Folder) -> anyhow::Result<Passphrase> {
    let path = folder.passphrase_file();
    if !folder.settings().passphrase_file.is_empty() || path.exists() {
        return folder.passphrase();
    }
    let passphrase = Passphrase::create(&path)?;
    eprintln!(
        "sillok: wrote a random passphrase to {}, beside the keys that it opens; whoever copies the folder has both. \
         Set SILLOK_PASSPHRASE_FILE to keep it elsewhere.",
        path.display()
    );
    Ok(passphrase)
}

//= specs/log.md#checkpoint
/// The head and the checkpoint of size 0, unless they are there.
fn begin_log(folder: &Folder, context: &Context) -> anyhow::Result<()> {
    let segment_bytes = SEGMENT_BYTES;
    let options = Options {
        signer: folder.log_key()?,
        kind: folder.kind(),
        limits: sillok_registry::Limits::default(),
    };
    let registry = match Stores::create(&folder.paths(), segment_bytes) {
        Ok(stores) => Registry::create(options, stores, context.clock.clone())?,
        // Its writer is running, so it was made.
        Err(store::Error::Locked { .. }) => return Ok(()),
        Err(store::Error::Exists { .. }) if has_checkpoint(&folder.place.public()) => return Ok(()),
        // Interrupted between the two: opening publishes the checkpoint.
        Err(store::Error::Exists { .. }) => {
            let stores = Stores::open(&folder.paths(), segment_bytes)?;
            Registry::open(options, stores, context.clock.clone())?
        }
        Err(error) => bail!("could not begin the log: {error}"),
    };
    Ok(registry.stop()?)
}

fn has_checkpoint(public: &Path) -> bool {
    public.join("checkpoint").exists()
}

/// The first segment, in which nothing is ever written: the registry begins its own.
const SEGMENT_BYTES: u64 = 4_096;
