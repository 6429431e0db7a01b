//! What this machine can do at most: the parts of the work that nobody can leave out.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_log::merkle::leaf_hash;
use sillok_registry::sealed::{KeyKind, SecretKey};
use sillok_verifier::key::Algorithm;

use super::figure::Limit;

/// ES256 signatures of one core, with the library that signs credentials.
pub(super) fn signatures() -> anyhow::Result<Limit> {
    let secret = SecretKey::generate(KeyKind::P256)?;
    let signer = FileSigner::new(Algorithm::Es256, secret.danger_bytes())?;
    let message = [0x5a; 1_500];
    let rate = rate(|| signer.sign(black_box(&message)).map(drop).map_err(anyhow::Error::from))?;
    Ok(Limit { name: "ES256 signatures, one core", unit: "signatures/s", rate })
}

/// Leaf hashes of one core, of an entry of issuance.
pub(super) fn leaf_hashes() -> anyhow::Result<Limit> {
    let entry = [0x5a; ISSUE_BYTES];
    let rate = rate(|| {
        black_box(leaf_hash(black_box(&entry)));
        Ok(())
    })?;
    Ok(Limit { name: "SHA-256 of 106-byte leaves, one core", unit: "hashes/s", rate })
}

/// Synchronised writes of one block into a zero-filled file, as a log writes its segments.
pub(super) fn synchronisations(folder: &Path) -> anyhow::Result<Limit> {
    let path = folder.join("synchronised");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    file.write_all(&vec![0; BLOCK_BYTES * BLOCKS])?;
    file.sync_all()?;
    let (block, mut written) = (vec![0x5a; BLOCK_BYTES], 0);
    let rate = rate(|| {
        if written % BLOCKS == 0 {
            file.seek(SeekFrom::Start(0))?;
        }
        written += 1;
        file.write_all(&block)?;
        Ok(file.sync_data()?)
    })?;
    std::fs::remove_file(&path)?;
    Ok(Limit { name: "fdatasync of 4 KiB in the same folder", unit: "syncs/s", rate })
}

/// How often `work` can be done in a second.
fn rate(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut done = 0_u64;
    while began.elapsed() < TIME {
        for _round in 0..ROUND {
            work()?;
        }
        done += ROUND;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}

/// How long each limit is measured.
const TIME: Duration = Duration::from_secs(1);

/// Works between two looks at the clock.
const ROUND: u64 = 16;

/// An entry of issuance (specs/entry.md).
const ISSUE_BYTES: usize = 106;

const BLOCK_BYTES: usize = 4_096;
const BLOCKS: usize = 1_024;
