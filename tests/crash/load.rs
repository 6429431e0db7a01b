//! Load on a writer until it is killed: several threads submit, this one counts their answers and pulls the trigger.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sillok_client::{Clock, Error, Jitter, Level, Logged, Outcome, Settings, Submitter};
use sillok_log::UnixSeconds;
use sillok_log::entry::{Entry, Key, KeyEvent, List, issuer_hash};
use sillok_log::note::SignerKey;

use super::acknowledged::Acknowledged;
use super::batch;
use super::inspection::Inspection;
use super::lane::{Expected, HOUR, ISSUER_KEY, Item, LIST, Lane};
use super::writer::{Folder, ISSUER, Service, Writer};

/// When to kill, counted in what is seen from outside: after so many answers, and then so many submissions more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    answers: u32,
    then_started: u32,
}

impl Trigger {
    pub(crate) fn draw(random: &mut fastrand::Rng) -> Self {
        Self { answers: random.u32(0..=MAX_ANSWERS), then_started: random.u32(0..=MAX_STARTED) }
    }

    /// Counts an answer.
    pub(crate) const fn answered(&mut self) {
        self.answers = self.answers.saturating_sub(1);
    }

    /// Counts a submission on its way, and says whether this is the moment.
    pub(crate) const fn started(&mut self) -> bool {
        if self.answers > 0 {
            return false;
        }
        let now = self.then_started == 0;
        self.then_started = self.then_started.saturating_sub(1);
        now
    }
}

enum Event {
    /// A submission is on its way.
    Started,
    /// One was answered.
    Answered { logged: Vec<(Vec<u8>, Logged)> },
}

/// Logs what the load needs, the key and the list, with a writer that is killed afterwards.
pub(crate) fn begin(folder: &Folder, acknowledged: &mut Acknowledged) {
    begin_at(folder, &folder.start(Service::Registry, 1), acknowledged);
}

/// Logs what the load needs, the key and the list.
pub(crate) fn begin_at(folder: &Folder, writer: &Writer, acknowledged: &mut Acknowledged) {
    let issuer = issuer_hash(ISSUER).expect("a short URL");
    let event = KeyEvent::Added;
    let key = Entry::Key(Key { issuer, key: ISSUER_KEY, event, time: HOUR, cuts: Vec::new() });
    let list = Entry::List(List { list: LIST, issuer, size: LIST_SIZE });
    for (signer, entry) in [(folder.administrator(), key), (folder.submitter(), list)] {
        let entry = entry.encode();
        let submitter = submitter(folder, writer, signer, None);
        let answered = batch::ask(&submitter, std::slice::from_ref(&entry), Level::Published);
        match answered.as_deref() {
            Ok([Outcome::Logged(logged)]) => acknowledged.take(entry, logged, folder.log_key(), None),
            other => panic!("the log does not begin: {other:?}; {}", folder.complaints()),
        }
    }
}

/// Submits in every lane until the trigger, kills the writer, and takes every answer that got out before.
pub(crate) fn run_until_killed(
    folder: &Folder,
    writer: &mut Writer,
    lanes: &mut [Lane],
    mut trigger: Trigger,
    found: &Inspection,
    acknowledged: &mut Acknowledged,
) {
    // One for all, as an issuer has it: it knows the largest checkpoint that any of them was answered with.
    let submitter = submitter(folder, writer, folder.submitter(), acknowledged.largest());
    // What nobody answered is retried by its own lane and by the next one, at the same time.
    let pending: Vec<Vec<Vec<Item>>> = lanes.iter().map(Lane::pending).collect();
    let neighbours = pending.iter().cycle().skip(1);
    thread::scope(|scope| {
        let (sender, events): (Sender<Event>, Receiver<Event>) = channel();
        for (lane, others) in lanes.iter_mut().zip(neighbours) {
            let (sender, submitter) = (sender.clone(), &submitter);
            scope.spawn(move || drive(lane, others, submitter, &sender));
        }
        drop(sender);
        let mut killed = false;
        // Ends when the last lane has noticed.
        for event in events {
            match event {
                Event::Started if !killed && trigger.started() => {
                    writer.kill();
                    killed = true;
                }
                Event::Started => {}
                Event::Answered { logged } => {
                    trigger.answered();
                    for (entry, logged) in logged {
                        acknowledged.take(entry, &logged, folder.log_key(), Some(found));
                    }
                }
            }
        }
        assert!(killed, "every lane gave up on a writer that was not killed: {}", folder.complaints());
    });
}

/// Submits until the writer is gone.
fn drive(lane: &mut Lane, others: &[Vec<Item>], submitter: &Submitter, events: &Sender<Event>) {
    let mut others = others.iter();
    let mut own_pending = lane.pending().len();
    loop {
        let (submission, own) = match (own_pending, others.next()) {
            // Its own first: the neighbour is at them too.
            (0, Some(other)) => (other.clone(), false),
            (0, None) => (lane.next(), true),
            (_some, _other) => {
                own_pending -= 1;
                (lane.next(), true)
            }
        };
        let level = if lane.waits_for_publication() { Level::Published } else { Level::Committed };
        let entries: Vec<Vec<u8>> = submission.iter().map(|item| item.entry.clone()).collect();
        events.send(Event::Started).expect("the trigger outlives the lanes");
        match submitter.submit(&entries, level) {
            Ok(outcomes) => {
                let logged = judge(&submission, outcomes);
                if own {
                    logged.iter().for_each(|(entry, _logged)| lane.remember(entry));
                }
                events.send(Event::Answered { logged }).expect("the trigger outlives the lanes");
            }
            Err(Error::Busy { .. }) if own => lane.cut_off(submission),
            Err(Error::Busy { .. }) => {}
            Err(Error::Transport { .. }) => {
                if own {
                    lane.cut_off(submission);
                }
                return;
            }
            Err(error) => panic!("the writer answered what it may not: {error}"),
        }
    }
}

/// Every entry became what it must.
fn judge(submission: &[Item], outcomes: Vec<Outcome>) -> Vec<(Vec<u8>, Logged)> {
    let mut all = Vec::new();
    for (item, outcome) in submission.iter().zip(outcomes) {
        match (item.expected, outcome) {
            (Expected::Logged, Outcome::Logged(logged)) => all.push((item.entry.clone(), logged)),
            (Expected::RefusedAsDuplicate, Outcome::Refused(refused)) => {
                assert_eq!(refused.code, "issue.duplicate", "{}", refused.detail);
            }
            (Expected::Logged, Outcome::Refused(refused)) => {
                panic!("entry {:02x?} is refused: {} ({})", item.entry, refused.code, refused.detail);
            }
            (Expected::RefusedAsDuplicate, Outcome::Logged(logged)) => {
                panic!("a second entry of one commitment is at {}: {:02x?}", logged.index, item.entry);
            }
        }
    }
    all
}

/// A client that asks once and knows the largest checkpoint that was answered.
pub(crate) fn submitter(
    folder: &Folder,
    writer: &Writer,
    key: SignerKey,
    largest: Option<&str>,
) -> Submitter {
    let settings = Settings { attempts: 1, request_timeout: Duration::from_secs(20), ..Settings::default() };
    let jitter: Jitter = Arc::new(|wait| wait);
    let submitter = Submitter::new(writer.url(), key, folder.log_key().clone(), settings, clock(), jitter)
        .expect("the address that the writer printed");
    if let Some(largest) = largest {
        submitter.remember(largest).expect("a checkpoint of this log");
    }
    submitter
}

/// The writer refuses requests whose time is not its own.
pub(crate) fn clock() -> Clock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the other process reads the same clock")]
        let now = SystemTime::now();
        UnixSeconds(now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    })
}

/// Answers before a kill at most.
const MAX_ANSWERS: u32 = 60;

/// Submissions that begin between the last of those answers and the kill, at most.
const MAX_STARTED: u32 = 6;

/// The smallest list.
const LIST_SIZE: u64 = 131_072;
