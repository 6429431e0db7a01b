//! `sillok verify`: decides about a credential, offline.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};

use sillok_log::UnixSeconds;
use sillok_log::note::VerifierKey;
use sillok_log::receipt::MAX_RECEIPT_BYTES;
use sillok_verifier::memory::MAX_MEMORY_BYTES;
use sillok_verifier::population::{MAX_POPULATION_BYTES, Population};
use sillok_verifier::sd_jwt::MAX_PRESENTATION_BYTES;
use sillok_verifier::snapshot::MAX_FILE_BYTES;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{
    Anchors, Evidence, Holder, MAX_STATUS_FILES, Memory, Trust, TrustError, Verdict, verify,
};

use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

mod answer;
mod place;
mod several;

/// Decide offline whether a credential is valid (exit 0), not valid (1), or cannot be told (2).
///
/// Nothing is fetched: everything comes from the files named here. Without --root the trust bundle is trusted
/// because you name it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The trust bundle, as `sillok trust-bundle` prints it. Repeated, one for each authority: the issuer of the credential
    /// chooses, and no two may name one issuer.
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,
    /// A root key that you trust (a verifier key); may be repeated.
    #[arg(long, value_name = "VKEY")]
    root: Vec<String>,
    /// How many of the root keys must have signed the bundle, and each of several.
    #[arg(long, value_name = "K", requires = "root", default_value_t = 1)]
    threshold: usize,
    /// A status file that is newer than the bundle: a snapshot, or W3C status lists in pairs; may be repeated.
    #[arg(long, value_name = "FILE")]
    status: Vec<PathBuf>,
    /// The population file, as `sillok population` fetches it: states that the bundle does not have.
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// The time to verify at, such as 2022-01-03T00:00:00Z; now if it is not given.
    #[arg(long, value_name = "RFC3339")]
    now: Option<String>,
    /// Ask for a live code: the credential is shown in a presentation that its holder's key made just now.
    #[arg(long, conflicts_with = "challenge")]
    live: bool,
    /// Ask for the answer to this challenge (a nonce of yours), made by the holder's key for --audience.
    #[arg(long, value_name = "NONCE", requires = "audience", allow_hyphen_values = true)]
    challenge: Option<String>,
    /// Who you said you are when you showed the challenge.
    #[arg(long, value_name = "NAME", requires = "challenge")]
    audience: Option<String>,
    /// Where it is shown: a class of venues, whose rules decide in the end; with its jurisdiction before a slash where the bundle
    /// has the rules of several.
    #[arg(long, value_name = "[JURISDICTION/]CLASS")]
    place: Option<String>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The credential's receipt (tlog-proof, or a landmark receipt).
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// What must not go back between two calls; written anew, and made if it is not there. Of several bundles each has
    /// its own, in the same order.
    #[arg(long, value_name = "FILE")]
    memory: Vec<PathBuf>,
    /// The credential (a compact JWS), alone or in a presentation (SD-JWT), or - for standard input.
    #[arg(value_name = "CREDENTIAL")]
    credential: PathBuf,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let now = match &args.now {
        Some(text) => time(text)?,
        None => (context.clock)(),
    };
    let anchors = anchors(&args.root, args.threshold)?;
    if !args.memory.is_empty() && args.memory.len() != args.trust.len() {
        let (memories, bundles) = (args.memory.len(), args.trust.len());
        return usage(format!("{memories} --memory are not one for each of {bundles} --trust"));
    }
    if args.status.len() > MAX_STATUS_FILES {
        return usage(format!("{} status files are more than {MAX_STATUS_FILES}", args.status.len()));
    }
    let credential = read(&args.credential, MAX_PRESENTATION_BYTES)?;
    let receipt = args.receipt.as_ref().map(|path| read(path, MAX_RECEIPT_BYTES)).transpose()?;
    let statuses: Vec<Vec<u8>> =
        args.status.iter().map(|path| read(path, MAX_FILE_BYTES)).collect::<anyhow::Result<_>>()?;
    let status_files: Vec<&[u8]> = statuses.iter().map(Vec::as_slice).collect();
    let evidence = Evidence {
        credential: credential.trim_ascii_end(),
        receipt: receipt.as_deref(),
        statuses: &status_files,
    };
    let population = args.population.as_deref().map(load_population).transpose()?;
    let [trust] = &args.trust[..] else {
        return several::run(&args, (anchors.as_ref(), population), &evidence, now);
    };
    let memory_file = args.memory.first().map(PathBuf::as_path);
    let container = read(trust, MAX_CONTAINER_BYTES)?;
    let memory = load_memory(memory_file)?;

    let (mut trust, opened) = match Trust::open(&container, anchors.as_ref(), &memory, now) {
        Ok(opened) => opened,
        Err(error) => return refuse(args.json, memory_file, &memory, &error),
    };
    if let Some(population) = population {
        trust.add_population(population);
    }
    let place = args.place.as_deref().map(|place| place::named(place, &trust)).transpose()?;
    let policy = place::policy(holder(&args), place);
    let (verdict, kept) = verify(&evidence, &trust, &opened, &policy, now);
    let asked = place.map(|place| (place, &trust));
    store_memory(memory_file, &memory, &kept)?;
    if args.json {
        let mut object = answer::json(&verdict, &trust, &kept, now);
        object["place"] = place::json(&verdict, asked, evidence.credential, now).unwrap_or_default();
        output::line(format_args!("{object}"))?;
    } else {
        let mut text = answer::text(&verdict, &trust, &kept, now);
        place::push_text(&mut text, &verdict, asked, evidence.credential, now);
        output::write(text.as_bytes())?;
    }
    Ok(exit(&verdict))
}

const fn exit(verdict: &Verdict) -> Exit {
    match verdict {
        Verdict::Valid(_) => Exit::Good,
        Verdict::Invalid(_) => Exit::Bad,
        Verdict::Unknown(_) => Exit::Unknown,
    }
}

/// What is asked of whoever shows the credential.
fn holder(args: &Args) -> Holder<'_> {
    match (&args.challenge, &args.audience) {
        (Some(nonce), Some(audience)) => Holder::Challenge { nonce, audience },
        _no_challenge if args.live => Holder::Live,
        _nothing => Holder::NotAsked,
    }
}

/// A bundle that does not open decides nothing about a credential.
fn refuse(
    as_json: bool,
    memory_file: Option<&Path>,
    memory: &Memory,
    error: &TrustError,
) -> anyhow::Result<Exit> {
    if let Some(kept) = error.memory() {
        store_memory(memory_file, memory, kept)?;
    }
    if as_json {
        output::line(format_args!("{}", answer::json_refused(error)))?;
    } else {
        output::write(answer::text_refused(error).as_bytes())?;
    }
    Ok(Exit::Unknown)
}

/// The time that `--now` says.
pub(crate) fn time(text: &str) -> anyhow::Result<UnixSeconds> {
    let seconds = text.parse::<jiff::Timestamp>().ok().and_then(|time| u64::try_from(time.as_second()).ok());
    match seconds {
        Some(seconds) => Ok(UnixSeconds(seconds)),
        None => {
            usage(format!("--now {text:?} is no RFC 3339 time from 1970 on, such as 2022-01-03T00:00:00Z"))
        }
    }
}

/// The root keys that the caller trusts, if some are named.
pub(crate) fn anchors(root: &[String], threshold: usize) -> anyhow::Result<Option<Anchors>> {
    if root.is_empty() {
        return Ok(None);
    }
    let mut keys = Vec::with_capacity(root.len());
    for text in root {
        match VerifierKey::parse(text) {
            Ok(key) => keys.push(key),
            Err(error) => return usage(format!("--root {text:?} is refused: {error}")),
        }
    }
    let count = keys.len();
    match Anchors::new(keys, threshold) {
        Some(anchors) => Ok(Some(anchors)),
        None => usage(format!(
            "--threshold {threshold} of {count} --root keys is refused: it is from 1 to their number, and each key signs \
             notes and is named once"
        )),
    }
}

/// Reads a file whole, or the first byte beyond `limit` too: the verifier says what is too long. A file that cannot
/// be read is an error of the command line, and no verdict.
pub(crate) fn read(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let more_than_allowed = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        std::io::stdin().lock().take(more_than_allowed).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(more_than_allowed).read_to_end(&mut bytes))
    };
    match result {
        Ok(_length) => Ok(bytes),
        Err(error) => usage(format!("could not read {}: {error}", path.display())),
    }
}

fn load_population(path: &Path) -> anyhow::Result<Population> {
    match Population::parse(&read(path, MAX_POPULATION_BYTES)?) {
        Ok(population) => Ok(population),
        Err(error) => anyhow::bail!("{} is refused: {error}", path.display()),
    }
}

fn load_memory(path: Option<&Path>) -> anyhow::Result<Memory> {
    let Some(path) = path else { return Ok(Memory::default()) };
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Memory::default()),
        Err(error) => usage(format!("could not read {}: {error}", path.display())),
        // A torn file is an error and never an empty memory.
        Ok(_file) => match Memory::parse(&read(path, MAX_MEMORY_BYTES)?) {
            Ok(memory) => Ok(memory),
            Err(error) => anyhow::bail!("{} is refused: {error}", path.display()),
        },
    }
}

/// Replaces the file in one step, if memory has changed.
fn store_memory(path: Option<&Path>, old: &Memory, new: &Memory) -> anyhow::Result<()> {
    let Some(path) = path.filter(|path| old != new || !path.exists()) else { return Ok(()) };
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let written = File::create(&staged)
        .and_then(|mut file| {
            file.write_all(new.encode().as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&staged, path));
    written.map_err(|error| anyhow::anyhow!("could not write {}: {error}", path.display()))
}
