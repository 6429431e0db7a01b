//! The replay of a log on disk.

use std::time::Instant;

use anyhow::bail;
use sillok_client::{Audit, Source};
use sillok_log::audit::LogKind;

use super::figure::Figure;
use super::ledger::{Log, paths};
use super::{Bench, limit};

pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let limits = vec![limit::leaf_hashes()?];
    let log = Log::create(bench)?;
    log.fill(bench.entries)?;
    let key = log.key.clone();
    log.registry.stop()?;
    let source = Source::open(&paths(bench.place).public.display().to_string())?;
    let (began, mut replayed) = (Instant::now(), 0);
    // At least once, and as often as the time allows.
    while replayed == 0 || began.elapsed() < bench.time {
        let mut audit = Audit::new(&source, &key, LogKind::Typed);
        audit.advance(&mut |_progress| {})?;
        let Some(report) = audit.finish() else { bail!("audit has read nothing") };
        if report.findings.total() > 0 || !report.unchecked.is_empty() {
            bail!("audit of a good log finds {:?}", report.findings.kept());
        }
        replayed += report.replayed.0;
    }
    let rate = replayed as f64 / began.elapsed().as_secs_f64();
    Ok(vec![Figure {
        name: "audit: issue entries replayed from a folder",
        unit: "entries/s",
        rate,
        latency: None,
        limits,
    }])
}
