//! Several authorities: the issuer of the credential chooses whose bundle decides.

use std::path::{Path, PathBuf};

use sillok_log::UnixSeconds;
use sillok_verifier::population::Population;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{Anchors, Authorities, Evidence, Memory, Trust};

use super::{Args, answer, exit, holder, load_memory, place, read, refuse, store_memory};
use crate::exit::{Exit, usage};
use crate::output;

//= specs/verification.md#several-authorities
pub(super) fn run(
    args: &Args,
    (anchors, population): (Option<&Anchors>, Option<Population>),
    evidence: &Evidence<'_>,
    now: UnixSeconds,
) -> anyhow::Result<Exit> {
    let mut authorities = Authorities::new();
    // What each had, in the order of the command line.
    let mut before: Vec<(Option<&Path>, Memory)> = Vec::with_capacity(args.trust.len());
    for (position, path) in args.trust.iter().enumerate() {
        let memory_file = args.memory.get(position).map(PathBuf::as_path);
        let memory = load_memory(memory_file)?;
        let container = read(path, MAX_CONTAINER_BYTES)?;
        let (mut trust, opened) = match Trust::open(&container, anchors, &memory, now) {
            Ok(opened) => opened,
            // A door that named an authority is told that it is not heard, whoever issued what is shown.
            Err(error) => return refuse(args.json, memory_file, &memory, &error),
        };
        if let Some(population) = population.clone() {
            trust.add_population(population);
        }
        before.push((memory_file, memory));
        let held = authorities.iter().count();
        if let Err(error) = authorities.add(trust, opened) {
            return usage(format!("--trust {} is refused: {error}", path.display()));
        }
        if authorities.iter().count() == held {
            return usage(format!("--trust {} has the root of one that was named before", path.display()));
        }
    }
    let place = args.place.as_deref().map(place::of_several).transpose()?;
    let (verdict, by) = authorities.verify(evidence, &place::policy(holder(args), place), now);
    let (mut text, mut json) = match by {
        Some(by) => (
            answer::text(&verdict, by.trust(), by.memory(), now),
            answer::json(&verdict, by.trust(), by.memory(), now),
        ),
        None => (answer::text_alone(&verdict), answer::json_alone(&verdict)),
    };
    if let (Some(place), Some(by)) = (place, by) {
        let asked = Some((place, by.trust()));
        place::push_text(&mut text, &verdict, asked, evidence.credential, now);
        json["place"] = place::json(&verdict, asked, evidence.credential, now).unwrap_or_default();
    }
    for ((memory_file, memory), held) in before.iter().zip(authorities.iter()) {
        store_memory(*memory_file, memory, held.memory())?;
    }
    if args.json {
        output::line(format_args!("{json}"))?;
    } else {
        output::write(text.as_bytes())?;
    }
    Ok(exit(&verdict))
}
