//! Metrics in the Prometheus text format, made from plain counters when they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::Collector;
use prometheus::{Counter, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::stats::{Stats, Timing};

/// All metrics of a registry, of its witnesses, and of its answers over HTTP by route and status. No label holds anything
/// of a request but its route.
///
/// # Errors
/// Two metrics have one name.
pub fn render(
    stats: &Stats,
    answers: &BTreeMap<(&'static str, u16), u64>,
) -> Result<String, prometheus::Error> {
    let page = Page(Registry::new());
    page.counters(stats)?;
    page.gauges(stats)?;
    page.timings(stats)?;
    page.witnesses(stats)?;
    let refused = IntCounterVec::new(
        Opts::new("sillok_registry_entries_refused_total", "Entries refused, by code."),
        &["code"],
    )?;
    for (code, count) in stats.refused() {
        refused.get_metric_with_label_values(&[code])?.inc_by(count);
    }
    page.add(refused)?;
    let requests = IntCounterVec::new(
        Opts::new("sillok_registry_http_requests_total", "Requests answered, by route and status."),
        &["route", "status"],
    )?;
    for ((route, status), count) in answers {
        requests.get_metric_with_label_values(&[*route, status.to_string().as_str()])?.inc_by(*count);
    }
    page.add(requests)?;
    TextEncoder::new().encode_to_string(&page.0.gather())
}

struct Page(Registry);

impl Page {
    fn counters(&self, stats: &Stats) -> Result<(), prometheus::Error> {
        for (name, help, value) in [
            ("entries_appended_total", "Entries that got a place.", &stats.entries_appended),
            ("entries_duplicate_total", "Entries that had a place already.", &stats.entries_duplicate),
            ("batches_total", "Batches committed.", &stats.batches),
            (
                "requests_pushed_back_total",
                "Requests that found the queue, or their share of it, full, or the index not built.",
                &stats.requests_pushed_back,
            ),
            (
                "witness_evidence_total",
                "Answers of witnesses that contradict this log.",
                &stats.witness_evidence,
            ),
        ] {
            let counter = IntCounter::new(format!("sillok_registry_{name}"), help)?;
            counter.inc_by(value.load(Ordering::Relaxed));
            self.add(counter)?;
        }
        Ok(())
    }

    fn gauges(&self, stats: &Stats) -> Result<(), prometheus::Error> {
        let gauges: [(&str, &str, &AtomicU64); 10] = [
            ("committed_size", "Leaves of the committed tree.", &stats.committed_size),
            ("frozen", "1 if the log is frozen and signs nothing any more, else 0.", &stats.frozen),
            ("published_size", "Leaves of the published tree.", &stats.published_size),
            ("tiled_size", "Leaves of the tree whose tiles are all public.", &stats.tiled_size),
            ("witnesses_answering", "Witnesses that cosigned when asked last.", &stats.witnesses_answering),
            (
                "quorum_answers",
                "1 if the witnesses that answered when asked last would meet the quorum, else 0.",
                &stats.quorum_answers,
            ),
            ("queue_entries", "Entries that wait for a batch.", &stats.queue_entries),
            ("queue_bytes", "Bytes that wait for a batch.", &stats.queue_bytes),
            ("last_batch_entries", "Entries of the last batch.", &stats.last_batch_entries),
            ("index_built_entries", "Entries that the index was caught up with.", &stats.index_built),
        ];
        for (name, help, value) in gauges {
            let gauge = IntGauge::new(format!("sillok_registry_{name}"), help)?;
            gauge.set(i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
            self.add(gauge)?;
        }
        Ok(())
    }

    fn witnesses(&self, stats: &Stats) -> Result<(), prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            IntGaugeVec::new(Opts::new(format!("sillok_registry_witness_{name}"), help), &["witness"])
        };
        let sizes =
            gauge("cosigned_size", "Largest size that a witness cosigned, since the log was opened.")?;
        let failing = gauge(
            "failing_since_seconds",
            "Since when a witness does not answer, in Unix time; 0 if it does.",
        )?;
        let number = |value: Option<u64>| i64::try_from(value.unwrap_or(0)).unwrap_or(i64::MAX);
        for witness in stats.witnesses() {
            let label = [witness.name.as_str()];
            sizes.get_metric_with_label_values(&label)?.set(number(witness.cosigned_size));
            failing.get_metric_with_label_values(&label)?.set(number(witness.failing_since));
        }
        self.add(sizes)?;
        self.add(failing)
    }

    /// The two series of a summary without quantiles: their rates give an average over any window.
    fn timings(&self, stats: &Stats) -> Result<(), prometheus::Error> {
        let timings: [(&str, &str, &Timing); 5] = [
            ("commit", "committing batches", &stats.commit_seconds),
            ("cosign", "having checkpoints cosigned", &stats.cosign_seconds),
            ("head", "swapping the head", &stats.head_seconds),
            ("publish", "publishing", &stats.publish_seconds),
            ("staging", "writing segments", &stats.staging_seconds),
        ];
        for (name, what, timing) in timings {
            let sum = format!("sillok_registry_{name}_seconds_total");
            let sum = Counter::new(sum, format!("Seconds spent {what}."))?;
            sum.inc_by(timing.total().as_secs_f64());
            self.add(sum)?;
            let count = format!("sillok_registry_{name}_operations_total");
            let count = IntCounter::new(count, format!("Operations of {what}."))?;
            count.inc_by(timing.count());
            self.add(count)?;
        }
        Ok(())
    }

    fn add(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.0.register(Box::new(collector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_labels_are_on_the_page() {
        let stats = Stats::default();
        stats.entries_appended.store(7, Ordering::Relaxed);
        stats.published_size.store(5, Ordering::Relaxed);
        let answers = BTreeMap::from([(("/entries", 200), 3), (("/entries", 503), 1)]);
        let page = render(&stats, &answers).unwrap();
        for line in [
            "sillok_registry_entries_appended_total 7",
            "sillok_registry_published_size 5",
            "sillok_registry_http_requests_total{route=\"/entries\",status=\"200\"} 3",
            "sillok_registry_http_requests_total{route=\"/entries\",status=\"503\"} 1",
            "sillok_registry_commit_seconds_total 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
