//! What the issuer has done, as Prometheus metrics. Labels are codes, stages and nothing that a caller chose.

use std::time::Duration;

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::error::Code;

/// Counters and present values of one issuer.
pub struct Metrics {
    registry: Registry,
    /// Credentials issued.
    pub issued: IntCounter,
    /// Credentials that were asked for again and answered from the journal.
    pub repeated: IntCounter,
    /// Credentials that are asked for and not answered.
    pub in_flight: IntGauge,
    /// Changes of status that are in the log.
    pub status_changes: IntCounter,
    /// Subjects whose kept data was erased.
    pub erased: IntCounter,
    /// When the current feed was made, in Unix seconds.
    pub feed_issued: IntGauge,
    /// Sequence of the current feed.
    pub feed_sequence: IntGauge,
    /// Publications that failed and will be tried again.
    pub publish_failures: IntCounter,
    /// Tokens granted.
    pub tokens: IntCounter,
    /// Offers made to wallets.
    pub offers: IntCounter,
    /// Requests of wallets that are answered later.
    pub deferred: IntCounter,
    refused: IntCounterVec,
    wallet_refused: IntCounterVec,
    notifications: IntCounterVec,
    stages: HistogramVec,
}

/// A stage of issuing, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a worker.
    Queue,
    /// Composing, signing and checking with our verifier.
    Sign,
    /// Making intents durable.
    Intent,
    /// From submitting to checked receipts.
    Ledger,
    /// Making results durable.
    Done,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Sign => "sign",
            Self::Intent => "intent",
            Self::Ledger => "ledger",
            Self::Done => "done",
        }
    }
}

impl Metrics {
    /// Metrics that are all zero.
    ///
    /// # Errors
    /// Two metrics of one name, which the tests would show.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name, help| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name, help| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let refused = IntCounterVec::new(
            Opts::new("sillok_issuer_refused_total", "Requests and items refused"),
            &["code"],
        )?;
        registry.register(Box::new(refused.clone()))?;
        let wallet_refused = IntCounterVec::new(
            Opts::new(
                "sillok_issuer_wallet_refused_total",
                "Requests of wallets refused, by error of OpenID4VCI",
            ),
            &["error"],
        )?;
        registry.register(Box::new(wallet_refused.clone()))?;
        let notifications = IntCounterVec::new(
            Opts::new("sillok_issuer_notifications_total", "What wallets said they did with credentials"),
            &["event"],
        )?;
        registry.register(Box::new(notifications.clone()))?;
        let options = HistogramOpts::new("sillok_issuer_stage_seconds", "Time of each stage, by batch")
            .buckets(prometheus::exponential_buckets(0.000_5, 2.0, 14)?);
        let stages = HistogramVec::new(options, &["stage"])?;
        registry.register(Box::new(stages.clone()))?;
        Ok(Self {
            issued: counter("sillok_issuer_issued_total", "Credentials issued")?,
            repeated: counter("sillok_issuer_repeated_total", "Credentials answered again from the journal")?,
            in_flight: gauge("sillok_issuer_in_flight", "Credentials asked for and not answered")?,
            status_changes: counter("sillok_issuer_status_changes_total", "Changes of status logged")?,
            erased: counter("sillok_issuer_erased_total", "Subjects whose kept data was erased")?,
            feed_issued: gauge(
                "sillok_issuer_feed_issued_seconds",
                "When the current feed was made, Unix time",
            )?,
            feed_sequence: gauge("sillok_issuer_feed_sequence", "Sequence of the current feed")?,
            publish_failures: counter("sillok_issuer_publish_failures_total", "Publications that failed")?,
            tokens: counter("sillok_issuer_tokens_total", "Access tokens granted")?,
            offers: counter("sillok_issuer_offers_total", "Offers made to wallets")?,
            deferred: counter("sillok_issuer_deferred_total", "Requests of wallets answered later")?,
            refused,
            wallet_refused,
            notifications,
            stages,
            registry,
        })
    }

    /// Counts a refusal.
    pub fn refuse(&self, code: Code) {
        self.refused.with_label_values(&[code.name()]).inc();
    }

    /// Counts a refusal of a wallet, by an error of the specification.
    pub fn refuse_wallet(&self, error: &'static str) {
        self.wallet_refused.with_label_values(&[error]).inc();
    }

    /// Counts what a wallet did, by an event of the specification.
    pub fn count_notification(&self, event: &str) {
        self.notifications.with_label_values(&[event]).inc();
    }

    /// Counts a stage of one batch.
    pub fn observe(&self, stage: Stage, took: Duration) {
        self.stages.with_label_values(&[stage.name()]).observe(took.as_secs_f64());
    }

    /// The Prometheus text format.
    ///
    /// # Errors
    /// A metric without a value, which none of ours is.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_text() {
        let metrics = Metrics::new().unwrap();
        metrics.issued.inc();
        metrics.refuse(Code::ClaimsInvalid);
        metrics.observe(Stage::Sign, Duration::from_millis(2));
        let text = metrics.encode().unwrap();
        assert!(text.contains("sillok_issuer_issued_total 1\n"));
        assert!(text.contains("sillok_issuer_refused_total{code=\"claims.invalid\"} 1\n"));
        assert!(text.contains("sillok_issuer_stage_seconds_count{stage=\"sign\"} 1\n"));
    }
}
