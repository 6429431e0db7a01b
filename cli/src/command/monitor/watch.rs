//! One look at the log: what is new is told, counted and drawn.

use std::path::Path;

use serde_json::json;
use sillok_client::audit::Audit;
use sillok_client::source::Source;
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;
use sillok_registry::Clock;

use super::super::audit::{Report, examine, write_page};
use super::{Metrics, ToldBefore, Webhook};
use crate::exit::Exit;
use crate::output;

pub(super) struct Watch<'a> {
    pub(super) audit: Audit<'a>,
    pub(super) lists: &'a Source,
    pub(super) key: &'a VerifierKey,
    pub(super) policy: Option<&'a Policy>,
    /// Seconds.
    pub(super) max_age: u64,
    pub(super) told: ToldBefore,
    pub(super) metrics: Metrics,
    pub(super) webhook: Option<Webhook>,
    pub(super) page: Option<&'a Path>,
    pub(super) clock: Clock,
}

impl Watch<'_> {
    /// Looks at the newest checkpoint and everything before it that was not looked at.
    pub(super) fn look(&mut self) -> anyhow::Result<Exit> {
        let mut report = match examine(&mut self.audit, self.lists, self.key, self.policy) {
            Ok(report) => report,
            Err(error) => {
                self.metrics.failed();
                return Err(error.into());
            }
        };
        self.judge_age(&mut report)?;
        let rows: Vec<_> = report.rows().collect();
        let now = (self.clock)();
        for finding in self.told.new_among(&rows, now)? {
            output::line(format_args!("finding {}: {}", finding.code, printable(&finding.detail)))?;
            if let Some(webhook) = &self.webhook {
                let checkpoint = report.checkpoint();
                webhook.post(&json!({
                    "type": "sillok-finding/v1",
                    "origin": self.key.name(),
                    "code": finding.code,
                    "at": finding.at,
                    "detail": finding.detail,
                    "size": checkpoint.map(|checkpoint| checkpoint.size.0),
                    "root": checkpoint.map(|checkpoint| checkpoint.root.to_base64()),
                    "time": now.0,
                }));
            }
        }
        self.metrics.looked(&report, self.key.name(), self.webhook.as_ref(), now);
        if let Some(path) = self.page {
            write_page(path, &report)?;
        }
        Ok(report.exit())
    }

    /// Waits, within bounds, until what was found is posted.
    pub(super) fn end(self) {
        if let Some(webhook) = self.webhook {
            webhook.end();
        }
    }

    /// By the quorum's time where there is one, else by how long nothing newer was seen here.
    fn judge_age(&self, report: &mut Report) -> anyhow::Result<()> {
        let now = (self.clock)();
        let Some(checkpoint) = report.checkpoint() else { return Ok(()) };
        let seen = self.told.newest_since(checkpoint, now)?;
        let size = checkpoint.size;
        let since = report.time_floor().unwrap_or(seen);
        if now.0.saturating_sub(since.0) > self.max_age {
            let detail =
                format!("checkpoint of {size} entries is the newest for more than {} s", self.max_age);
            report.add_finding(STALE, detail);
        }
        Ok(())
    }
}

/// What a log wrote is not to move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The checkpoint is older than is allowed (specs/log.md, "Audit findings").
const STALE: &str = "checkpoint.stale";
