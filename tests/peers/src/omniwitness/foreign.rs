//! Our witness follows Tessera's conformance log, fed over the log's static files.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use sillok_load::process::Process;
use sillok_log::merkle::{Frontier, consistency_plan, leaf_hash};
use sillok_log::note::VerifierKey;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::witness::{Request, cosignatures};
use sillok_log::{Hash, TreeSize};

use super::{LOOK, PATIENCE, add, free_address, get, public};
use crate::hammer::rival;

pub(super) fn cosigned_by_us(posix: &Path, program: &Path, scratch: &Path) -> Result<()> {
    let (key_file, storage) = (scratch.join("rival.key"), scratch.join("rival"));
    let log = rival::write_key(&key_file)?;
    fs::create_dir_all(&storage).with_context(|| format!("create {}", storage.display()))?;
    let address = free_address()?;
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(posix);
    command.arg(format!("--storage_dir={}", storage.display()));
    command.arg(format!("--private_key={}", key_file.display())).arg(format!("--listen={address}"));
    let _theirs = Process::start(command, "export READ_URL", PATIENCE)?;

    let ours = Ours::start(program, scratch, "w", &log)?;
    let (mut old, mut added) = (TreeSize(0), 0);
    for size in SIZES {
        add_together(address, size - added)?;
        added = size;
        old = feed(address, ours.address, &log, &ours.keys, old, TreeSize(size as u64))?;
    }
    println!("omniwitness: our witness has cosigned Tessera's log up to {old}, with both keys");
    Ok(())
}

/// Our witness, which follows one log.
pub(super) struct Ours {
    pub(super) address: SocketAddr,
    /// Ed25519, then ML-DSA-44.
    pub(super) keys: Vec<VerifierKey>,
    _process: Process,
}

impl Ours {
    pub(super) fn start(program: &Path, scratch: &Path, data: &str, log: &VerifierKey) -> Result<Self> {
        let sillok = |arguments: &[&str]| -> Result<String> {
            let output = Command::new(program).args(arguments).current_dir(scratch).output()?;
            ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            Ok(String::from_utf8(output.stdout)?)
        };
        let keys = sillok(&["witness", "init", "--data", data, "--name", "ours.example/w", "--ml-dsa"])?;
        sillok(&["witness", "add-log", &log.to_string(), "--data", data])?;
        let keys = keys.lines().map(|key| VerifierKey::parse(key).context("parse our key"));
        let mut command = Command::new(program);
        command.args(["witness", "--data", data, "--listen", "127.0.0.1:0"]).current_dir(scratch);
        let process = Process::start(command, "listening on", PATIENCE)?;
        Ok(Self {
            address: process.address(0).context("our witness told no address")?,
            keys: keys.collect::<Result<_>>()?,
            _process: process,
        })
    }
}

/// Adds entries, many at once: each waits for the log's next batch.
fn add_together(address: SocketAddr, count: usize) -> Result<()> {
    let threads = count.min(AT_ONCE);
    std::thread::scope(|scope| {
        let share = |thread: usize| count / threads + usize::from(thread < count % threads);
        let shares: Vec<usize> = (0..threads).map(share).collect();
        let adding: Vec<_> =
            shares.into_iter().map(|share| scope.spawn(move || add(address, share))).collect();
        adding.into_iter().try_for_each(|thread| match thread.join() {
            Ok(added) => added,
            Err(_panic) => bail!("a thread that adds panicked"),
        })
    })
}

/// Waits until the log is as large, and has its checkpoint cosigned by us. Returns its size.
fn feed(
    log_address: SocketAddr,
    witness: SocketAddr,
    log: &VerifierKey,
    keys: &[VerifierKey],
    old: TreeSize,
    at_least: TreeSize,
) -> Result<TreeSize> {
    let begun = Instant::now();
    let (checkpoint, note) = loop {
        let (checkpoint, note) = public(log_address, log)?;
        if checkpoint.size >= at_least {
            break (checkpoint, note);
        }
        ensure!(begun.elapsed() < PATIENCE, "the log stays at {}", checkpoint.size);
        std::thread::sleep(LOOK);
    };
    let leaves = leaves(log_address, checkpoint.size)?;
    let plan = consistency_plan(old, checkpoint.size)?;
    let root = |leaves: &[Hash]| -> Result<Hash> {
        let mut frontier = Frontier::new();
        leaves.iter().try_for_each(|leaf| frontier.push(*leaf))?;
        Ok(frontier.root())
    };
    ensure!(root(&leaves)? == checkpoint.root, "the foreign log's bundles do not lead to its root");
    let nodes = plan.nodes().iter().map(|node| {
        let (start, end) = (node.index << node.level, (node.index + 1) << node.level);
        root(leaves.get(usize::try_from(start)?..usize::try_from(end)?).context("a node of the tree")?)
    });
    let proof = plan.fold(&nodes.collect::<Result<Vec<_>>>()?)?;
    let body = Request { old, proof, checkpoint: &note }.encode();
    let mut response = ureq::post(format!("http://{witness}/add-checkpoint"))
        .config()
        .http_status_as_error(false)
        .build()
        .send(body)
        .context("ask our witness")?;
    let answer = response.body_mut().read_to_string().context("read its answer")?;
    ensure!(response.status() == 200, "our witness answers {} {answer}", response.status());
    for key in keys {
        let lines = cosignatures(&answer, &checkpoint.body(), key).context("check its answer")?;
        ensure!(lines.len() == 1, "{} lines of {key}", lines.len());
    }
    Ok(checkpoint.size)
}

/// The leaf hashes of a log, out of its bundles.
fn leaves(address: SocketAddr, size: TreeSize) -> Result<Vec<Hash>> {
    let mut leaves = Vec::new();
    for index in 0..size.0.div_ceil(256) {
        let width = u16::try_from((size.0 - index * 256).min(256))?;
        let tile = Tile::new(TileKind::Entries, index, width)?;
        let bundle = get(&format!("http://{address}/{}", tile.path()))?;
        leaves.extend(parse_bundle(&bundle, width)?.into_iter().map(leaf_hash));
    }
    Ok(leaves)
}

/// Threads that add.
const AT_ONCE: usize = 128;

/// Around full tiles.
const SIZES: [usize; 4] = [1, 3, 256, 700];
