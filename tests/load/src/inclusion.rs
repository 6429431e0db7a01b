//! What a careful reader does: proves from the published tiles that an acknowledged entry is in the log, and that all are.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, check_inclusion, inclusion_plan, leaf_hash};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize};

use crate::connection::Connection;
use crate::entries::Entries;
use crate::generator::Acknowledged;
use crate::watch::Newest;

/// Reads tiles over one connection and keeps the full ones, as an auditor may.
#[derive(Debug)]
pub struct Tiles {
    connection: Connection,
    full: HashMap<Tile, Vec<u8>>,
}

impl Tiles {
    /// The tiles of a log.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { connection: Connection::new(address, TIMEOUT), full: HashMap::new() }
    }

    /// Proves from tiles that `entry` is at `index` in the tree of a checkpoint.
    ///
    /// # Errors
    /// A tile is missing, or the proof is wrong.
    pub fn check(&mut self, entry: &[u8], index: u64, checkpoint: &Checkpoint) -> Result<()> {
        let (size, index) = (checkpoint.size, LeafIndex(index));
        let plan = inclusion_plan(index, size).with_context(|| format!("plan a proof of {}", index.0))?;
        let mut hashes = Vec::with_capacity(plan.nodes().len());
        for node in plan.nodes() {
            let tile = Tile::holding(*node, size)?;
            let bytes = self.tile(&tile)?;
            hashes.push(tile.node(&bytes, node).with_context(|| format!("read {}", tile.path()))?);
        }
        let proof = plan.fold(&hashes)?;
        let proved = check_inclusion(&leaf_hash(entry), index, size, &proof, &checkpoint.root);
        proved.with_context(|| format!("prove that an acknowledged entry is at {} of {}", index.0, size.0))
    }

    /// The bytes of a tile or bundle. A partial one that is gone is the beginning of its full one.
    fn tile(&mut self, tile: &Tile) -> Result<Vec<u8>> {
        let full = tile.to_full()?;
        if let Some(bytes) = self.full.get(&full) {
            return Ok(cut(tile, bytes));
        }
        for candidate in [*tile, full] {
            let path = format!("/{}", candidate.path());
            let answer = self.connection.get(&path).with_context(|| format!("read {path}"))?;
            match answer.status {
                200 => {
                    let bytes = cut(tile, &answer.body);
                    if candidate.is_full() && self.full.len() < MAX_KEPT {
                        self.full.insert(full, answer.body);
                    }
                    return Ok(bytes);
                }
                404 => {}
                status => return Err(anyhow!("{path} was answered with status {status}")),
            }
        }
        Err(anyhow!("the log has no {}", tile.path()))
    }
}

fn cut(tile: &Tile, bytes: &[u8]) -> Vec<u8> {
    let wanted = tile.expect_len().unwrap_or(bytes.len());
    bytes.get(..wanted).unwrap_or(bytes).to_vec()
}

/// A thread that proves the inclusion of acknowledged entries while others are added.
#[derive(Debug)]
pub struct Reader(JoinHandle<Result<u64>>);

impl Reader {
    /// Begins. It ends when `told` does.
    #[must_use]
    pub fn start(
        address: SocketAddr,
        entries: Entries,
        newest: Newest,
        told: Receiver<Acknowledged>,
    ) -> Self {
        Self(thread::spawn(move || read(address, entries, &newest, &told)))
    }

    /// How many entries were proved.
    ///
    /// # Errors
    /// One was not.
    pub fn finish(self) -> Result<u64> {
        self.0.join().map_err(|_panic| anyhow!("a reader has panicked"))?
    }
}

fn read(
    address: SocketAddr,
    entries: Entries,
    newest: &Newest,
    told: &Receiver<Acknowledged>,
) -> Result<u64> {
    let mut tiles = Tiles::new(address);
    let (mut waiting, mut proved, mut open) = (Vec::new(), 0, true);
    while open || !waiting.is_empty() {
        match told.recv_timeout(LOOK) {
            Ok(acknowledged) => waiting.extend(std::iter::once(acknowledged).chain(told.try_iter())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                // Whoever watches sees that what is left becomes public.
                if open {
                    open = false;
                } else {
                    thread::sleep(LOOK);
                }
            }
        }
        let Some(checkpoint) = newest.checkpoint() else { continue };
        if !open && newest.is_over() {
            waiting.retain(|entry: &Acknowledged| entry.index < checkpoint.size.0);
        }
        let mut left = Vec::new();
        for entry in waiting.drain(..) {
            if entry.index < checkpoint.size.0 {
                tiles.check(&entries.entry(entry.number), entry.index, &checkpoint)?;
                proved += 1;
            } else {
                left.push(entry);
            }
        }
        waiting = left;
    }
    Ok(proved)
}

/// Reads a whole log and checks that its entries make the root of its checkpoint, and that every acknowledged entry is
/// where the server said, and no two in one place.
///
/// # Errors
/// Any of that does not hold.
pub fn check_all(
    address: SocketAddr,
    checkpoint: &Checkpoint,
    entries: Entries,
    acknowledged: &[Acknowledged],
) -> Result<()> {
    let mut sorted: Vec<(u64, u64)> = acknowledged.iter().map(|entry| (entry.index, entry.number)).collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0);
    ensure!(twice.is_none(), "two acknowledged entries have one place: {twice:?}");
    let (mut tiles, mut frontier, mut sorted) =
        (Tiles::new(address), Frontier::new(), sorted.into_iter().peekable());
    let size = checkpoint.size.0;
    for index in 0..size.div_ceil(WIDTH) {
        let width = u16::try_from((size - index * WIDTH).min(WIDTH))?;
        let tile = Tile::new(TileKind::Entries, index, width)?;
        let bytes = tiles.tile(&tile)?;
        // A full bundle that stands for a partial one holds more entries.
        let bundle = parse_bundle(&bytes, width).or_else(|error| match tile.is_full() {
            true => Err(error),
            false => parse_bundle(&bytes, tile.to_full()?.width()),
        });
        for entry in bundle.with_context(|| format!("read {}", tile.path()))?.iter().take(width.into()) {
            let place = frontier.size().0;
            frontier.push(leaf_hash(entry))?;
            if let Some((_place, number)) = sorted.next_if(|(acknowledged, _number)| *acknowledged == place) {
                let expected = entries.entry(number);
                ensure!(*entry == expected, "another entry is at {place} than the one acknowledged there");
            }
        }
        tiles.full.clear();
    }
    ensure!(sorted.peek().is_none(), "acknowledged entries are not in the log: {:?}", sorted.next());
    let root: Hash = frontier.root();
    ensure!(
        frontier.size() == TreeSize(size) && root == checkpoint.root,
        "the entries do not make {checkpoint:?}"
    );
    Ok(())
}

/// Entries of a full bundle (C2SP tlog-tiles).
const WIDTH: u64 = 256;

/// Full tiles that are kept: 8 KB each.
const MAX_KEPT: usize = 4_096;

/// How long a reader waits for an acknowledgement before it looks at the checkpoint again.
const LOOK: Duration = Duration::from_millis(20);

/// Of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
