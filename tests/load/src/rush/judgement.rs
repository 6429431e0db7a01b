//! The log, judged at the end by the one oracle and by what people hold.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use sillok_client::Source;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Entry;
use sillok_log::merkle::leaf_hash;
use sillok_log::tile::{Tile, TileKind, parse_bundle};

use super::held::{Record, Short, short};
use super::target::Target;
use super::world::World;

/// Stops the service, so that everything is published, audits the log and compares it with what people hold.
pub(super) fn judge(world: &mut World, target: &Target) -> Result<()> {
    println!("judging the log");
    world.stop()?;
    let audited = world.audit();
    match &audited {
        Ok(told) => println!("  sillok audit: {}", told.lines().next().unwrap_or_default()),
        Err(error) => target.violate("sillok audit has findings", &format!("{error:#}")),
    }
    let leaves = read(world, target)?;
    compare(&leaves, target);
    Ok(())
}

/// What a leaf is: of a credential, or of something else.
struct Leaf {
    hash: Short,
    is_issue: bool,
}

/// Every leaf of the log. No commitment may stand twice.
fn read(world: &World, target: &Target) -> Result<Vec<Leaf>> {
    let source = Source::open(&world.public().display().to_string())?;
    let checkpoint = Checkpoint::open(&source.checkpoint()?, &world.log_key()?)
        .map_err(|error| anyhow::anyhow!("the published checkpoint is refused: {error}"))?;
    let (mut leaves, mut commitments) = (Vec::new(), HashSet::new());
    for tile in Tile::all_for_size(checkpoint.size).context("list the tiles")? {
        if tile.kind() != TileKind::Entries {
            continue;
        }
        let bytes = source.tile(&tile)?.with_context(|| format!("{} is missing", tile.path()))?;
        let bundle = parse_bundle(&bytes, tile.width())
            .map_err(|error| anyhow::anyhow!("{} is refused: {error}", tile.path()))?;
        for entry in bundle {
            let parsed = Entry::parse(entry);
            if let Ok(Entry::Issue(issue)) = &parsed
                && !commitments.insert(issue.commitment)
            {
                target.violate("a commitment stands twice", &format!("at leaf {}", leaves.len()));
            }
            let is_issue = matches!(parsed, Ok(Entry::Issue(_)));
            leaves.push(Leaf { hash: short(&leaf_hash(entry).0), is_issue });
        }
    }
    Ok(leaves)
}

/// Everybody's leaf is where the receipt said, nobody shares one, and no issue entry is nobody's.
fn compare(leaves: &[Leaf], target: &Target) {
    let (mut taken, mut holders) = (HashSet::new(), 0_u64);
    for (number, record) in target.held.borrow().records() {
        let Record::Held { leaf, index, .. } = *record else { continue };
        holders += 1;
        let here = usize::try_from(index).ok().and_then(|index| leaves.get(index));
        if here.is_none_or(|here| here.hash != leaf || !here.is_issue) {
            let lost = format!("person {number} holds a receipt for leaf {index} of {}", leaves.len());
            target.violate("an acknowledged credential is not at its leaf", &lost);
        }
        if !taken.insert(index) {
            target.violate("a leaf belongs to two people", &format!("leaf {index}, person {number}"));
        }
    }
    let issues = leaves.iter().filter(|leaf| leaf.is_issue).count() as u64;
    println!(
        "  {} leaves, {issues} of them credentials; {holders} people hold one, each at its leaf",
        leaves.len()
    );
    if issues != holders {
        target.violate("issue entries and people differ", &format!("{issues} entries, {holders} people"));
    }
}
