//! Posts findings to a URL from a thread of its own: whoever follows the log never waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub(super) struct Webhook {
    queue: SyncSender<String>,
    /// Hung up when the thread ends.
    ended: Receiver<()>,
    counts: Arc<Counts>,
}

/// What became of the findings.
#[derive(Default)]
struct Counts {
    posted: AtomicU64,
    given_up: AtomicU64,
}

impl Webhook {
    pub(super) fn start(url: &str) -> Self {
        let (queue, findings) = mpsc::sync_channel::<String>(QUEUE);
        let (alive, ended) = mpsc::channel();
        let (url, counts) = (url.to_owned(), Arc::new(Counts::default()));
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            let agent = ureq::Agent::config_builder()
                .timeout_global(Some(TIMEOUT))
                .max_redirects(0)
                .user_agent(concat!("sillok-monitor/", env!("CARGO_PKG_VERSION")))
                .build()
                .new_agent();
            for finding in findings {
                let count = if deliver(&agent, &url, &finding) { &counted.posted } else { &counted.given_up };
                count.fetch_add(1, Ordering::Relaxed);
            }
            drop::<mpsc::Sender<()>>(alive);
        });
        Self { queue, ended, counts }
    }

    /// Queues a finding; one that finds the queue full is in the file of findings and in the metrics all the same.
    pub(super) fn post(&self, finding: &Value) {
        if self.queue.try_send(finding.to_string()).is_err() {
            self.counts.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Findings that were posted, and those that were given up.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.counts.posted.load(Ordering::Relaxed), self.counts.given_up.load(Ordering::Relaxed))
    }

    /// Waits until everything is posted or given up, for [`LAST_WAIT`] at most.
    pub(super) fn end(self) {
        drop(self.queue);
        if self.ended.recv_timeout(LAST_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("findings are left that the webhook did not take");
        }
    }
}

/// The URL may be a secret: it is in no message.
fn deliver(agent: &ureq::Agent, url: &str, finding: &str) -> bool {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let sent = agent.post(url).header("content-type", "application/json").send(finding);
        match sent {
            Ok(answer) if answer.status().is_success() => return true,
            Ok(answer) => {
                tracing::warn!(
                    attempt,
                    status = answer.status().as_u16(),
                    "a finding was not taken by the webhook"
                );
            }
            Err(error) => tracing::warn!(attempt, %error, "a finding was not taken by the webhook"),
        }
        if attempt < ATTEMPTS {
            thread::sleep(pause);
            pause *= 4;
        }
    }
    false
}

/// Findings that wait.
const QUEUE: usize = 1_000;

const TIMEOUT: Duration = Duration::from_secs(10);

/// With the pauses below, four seconds and the time of the requests.
const ATTEMPTS: u32 = 4;

const FIRST_PAUSE: Duration = Duration::from_millis(200);

const LAST_WAIT: Duration = Duration::from_secs(30);
