//! Appends issue entries to a log in files for some seconds and says how many a second were committed, with receipts.
//!
//! `cargo run --release -p sillok-registry --example append -- FOLDER [SECONDS] [SUBMITTERS] [ENTRIES A REQUEST]`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sillok_log::audit::LogKind;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::segment::SEGMENT_BYTES;
use sillok_registry::{Handle, Level, Limits, Options, Paths, Phase, Registry, Stores};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
    let (seconds, submitters, batch) = (number(5)?, number(8)?, number(500)?);
    let paths = Paths {
        public: folder.join("public"),
        segments: folder.join("segments"),
        seen: folder.join("seen"),
        head: folder.join("head/record"),
    };
    let signer = SignerKey::from_seed("log.example/append", SignatureKind::Ed25519, &[1; 32])?;
    let options = Options { signer, kind: LogKind::Typed, limits: Limits::default() };
    let clock = Arc::new(|| UnixSeconds(1_800_000_000));
    let registry = Registry::create(options, Stores::create(&paths, SEGMENT_BYTES)?, clock)?;
    let handle = registry.handle();
    while handle.phase() == Phase::Building {
        std::thread::sleep(Duration::from_millis(1));
    }
    let key = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Added,
        time: UnixSeconds(1),
        cuts: Vec::new(),
    };
    handle.submit_blocking(vec![Entry::Key(key).encode()], Role::Administrator, Level::Committed)?;
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..submitters {
            scope.spawn(|| submit(&handle, &next, batch, begun + Duration::from_secs(seconds)));
        }
    });
    let committed = begun.elapsed();
    let stats = handle.stats();
    let entries = stats.entries_appended.load(Ordering::Relaxed);
    println!("{:.0} entries/s committed", entries as f64 / committed.as_secs_f64());
    println!("{entries} entries in {} batches", stats.batches.load(Ordering::Relaxed));
    for (what, timing) in [
        ("commit", &stats.commit_seconds),
        ("staging", &stats.staging_seconds),
        ("head", &stats.head_seconds),
        ("publish", &stats.publish_seconds),
    ] {
        let mean = timing.total().as_secs_f64() * 1_000.0 / timing.count().max(1) as f64;
        println!("{what}: {} times, {mean:.2} ms on average", timing.count());
    }
    registry.stop()?;
    println!("published and closed after {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn submit(handle: &Handle, next: &AtomicU64, batch: u64, until: Instant) {
    while Instant::now() < until {
        let from = next.fetch_add(batch, Ordering::Relaxed);
        let entries = (from..from + batch).map(|number| {
            let commitment = leaf_hash(&number.to_be_bytes());
            let (issuer_key, provenance) = (Thumbprint([2; 32]), Hash([0; 32]));
            Entry::Issue(Issue { commitment, issuer_key, provenance, time: UnixSeconds(3_600) }).encode()
        });
        if handle
            .submit_blocking(entries.collect(), Role::Issuer(IssuerHash([1; 32])), Level::Committed)
            .is_err()
        {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
