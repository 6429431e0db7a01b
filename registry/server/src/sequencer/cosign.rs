//! Has checkpoints cosigned, and publishes the newest that meets the policy: one thread decides, one for each witness asks.
//!
//! A *round* is about one checkpoint until its quorum is met: witnesses that each cosigned another size add up to nothing.
//! Meanwhile entries are committed and tiles published; the next round is about the newest of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use sillok_log::TreeSize;
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;

use super::answer::Answers;
use super::head::Signed;
use super::{Fatal, Shared};
use crate::handle::{SubmitError, spawn};
use crate::store::Heads;
use crate::witness::Witnessing;
use crate::witness::ask::{Asked, Asker, ask_before_opening, contacts, report};
use crate::witness::evidence::Evidence;

/// What the cosigner is told.
pub(crate) enum Message {
    /// All tiles of this checkpoint are there.
    Whole(Arc<Signed>),
    /// Answer these when what they wait for is public.
    Wait(Answers),
    /// What a witness made of a checkpoint.
    Told { witness: usize, size: TreeSize, asked: Asked },
    /// End, once the newest checkpoint is cosigned, or soon.
    Stop,
}

/// A cosigner before it runs, and how it is told.
pub(crate) struct Cosigning {
    pub(crate) cosigner: Cosigner,
    pub(crate) sender: Sender<Message>,
    pub(crate) inbox: Receiver<Message>,
}

impl Cosigning {
    /// Asks all witnesses what they have cosigned, and starts the threads that go on asking.
    pub(crate) fn open(
        witnessing: &Witnessing,
        shared: &Arc<Shared>,
        log: &VerifierKey,
        heads: &Arc<dyn Heads>,
    ) -> Result<Self, Fatal> {
        let Witnessing { policy, evidence, request_timeout, wait, .. } = witnessing;
        let contacts = contacts(policy).map_err(|url| Fatal::WitnessUrl { url })?;
        let asker = |contact| Asker::new(contact, log.clone(), *request_timeout);
        let mut askers: Vec<Asker> = contacts.into_iter().map(asker).collect();
        let evidence = Arc::new(Evidence::new(evidence.clone(), log.clone()));
        let (newest, public) = (shared.tiled(), shared.published());
        ask_before_opening(&mut askers, &newest, shared.blobs.as_ref(), &evidence)?;
        // What was public before the log had this policy may not meet it.
        let met = policy.witnessed(&public.note).is_ok().then(|| public.size());
        let mut cosigner = Cosigner {
            policy: policy.clone(),
            shared: Arc::clone(shared),
            wait: *wait,
            witnesses: Vec::new(),
            newest,
            met,
            round: None,
            waiting: Vec::new(),
            _head: Arc::clone(heads),
        };
        let (sender, inbox) = mpsc::channel();
        for asker in askers {
            cosigner.add(asker, Arc::clone(&evidence), sender.clone())?;
        }
        Ok(Self { cosigner, sender, inbox })
    }
}

/// What it takes to have checkpoints cosigned. Owned by its own thread.
pub(crate) struct Cosigner {
    policy: Policy,
    shared: Arc<Shared>,
    /// How long those wait whose answer is to be public.
    wait: Duration,
    witnesses: Vec<Witness>,
    /// The newest checkpoint that could be public.
    newest: Arc<Signed>,
    /// The largest size that met the policy.
    met: Option<TreeSize>,
    round: Option<Round>,
    waiting: Vec<(Instant, Answers)>,
    /// Keeps the lock while checkpoints are made public.
    _head: Arc<dyn Heads>,
}

/// A witness, as far as the cosigner knows.
struct Witness {
    name: String,
    jobs: Sender<Arc<Signed>>,
    /// Whether it is being asked.
    busy: bool,
    failures: u32,
    /// When it may be asked again.
    rested: Instant,
}

/// A checkpoint that is being cosigned.
struct Round {
    signed: Arc<Signed>,
    begun: Instant,
    /// By witness.
    lines: Vec<Option<Vec<String>>>,
}

impl Cosigner {
    /// Starts the thread that asks a witness; it ends with the cosigner.
    fn add(&mut self, mut asker: Asker, evidence: Arc<Evidence>, told: Sender<Message>) -> Result<(), Fatal> {
        let (jobs, inbox) = mpsc::channel::<Arc<Signed>>();
        let (shared, witness) = (Arc::clone(&self.shared), self.witnesses.len());
        let name = asker.contact.name.clone();
        let ask = move || {
            for target in inbox {
                let signed = || shared.committed().size();
                let asked = asker.ask(&target, shared.blobs.as_ref(), &signed);
                // Nobody waits for this thread. Once a successor may have signed, more than we know contradicts nobody.
                let Some(lock) = shared.lock() else { return };
                report(&asker, &asked, &target, &shared, &evidence);
                drop(lock);
                if told.send(Message::Told { witness, size: target.size(), asked }).is_err() {
                    return;
                }
            }
        };
        drop(spawn("sillok-witness", &self.shared, ask)?);
        self.witnesses.push(Witness { name, jobs, busy: false, failures: 0, rested: Instant::now() });
        Ok(())
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        let mut ends: Option<Instant> = None;
        loop {
            self.ask();
            let now = Instant::now();
            let nobody_is_asked = self.witnesses.iter().all(|witness| !witness.busy);
            if ends.is_some_and(|ends| now >= ends || nobody_is_asked || self.is_done()) {
                break;
            }
            let pause = self.pause(now, ends);
            match inbox.recv_timeout(pause) {
                Ok(Message::Whole(signed)) => self.newest = signed,
                Ok(Message::Wait(answers)) => self.waiting.push((Instant::now() + self.wait, answers)),
                Ok(Message::Told { witness, size, asked }) => self.told(witness, size, asked),
                Ok(Message::Stop) => ends = Some(Instant::now() + LAST_ROUND),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.answer();
        }
        let stopped = SubmitError::Stopped { reason: "it is shutting down".into() };
        self.waiting.drain(..).for_each(|(_deadline, answers)| answers.refuse(&stopped));
    }

    /// Whether the newest checkpoint is public as the policy has it.
    fn is_done(&self) -> bool {
        self.met.is_some_and(|met| met >= self.newest.size()) || self.shared.stopped().is_some()
    }

    /// Begins a round if one is due, and asks every rested witness that the present one lacks.
    fn ask(&mut self) {
        if self.is_done() {
            return;
        }
        let now = Instant::now();
        let stale = |round: &Round| {
            round.signed.size() < self.newest.size()
                && (now >= round.begun + MAX_ROUND || self.witnesses.iter().all(|witness| !witness.busy))
        };
        if self.round.as_ref().is_none_or(stale) {
            let (signed, lines) = (Arc::clone(&self.newest), vec![None; self.witnesses.len()]);
            self.round = Some(Round { signed, begun: now, lines });
        }
        let Some(round) = &self.round else { return };
        for (witness, lines) in self.witnesses.iter_mut().zip(&round.lines) {
            if lines.is_none() && !witness.busy && witness.rested <= now {
                // A thread that has ended was killed by a panic, which has stopped the log.
                witness.busy = witness.jobs.send(Arc::clone(&round.signed)).is_ok();
            }
        }
    }

    fn told(&mut self, witness: usize, size: TreeSize, asked: Asked) {
        let now = Instant::now();
        let Some(state) = self.witnesses.get_mut(witness) else { return };
        state.busy = false;
        let was_away = state.failures > 0;
        match asked {
            Asked::Cosigned(lines) => {
                (state.failures, state.rested) = (0, now);
                if was_away {
                    tracing::info!(witness = state.name, "a witness cosigns again");
                }
                if let Some(round) = self.round.as_mut().filter(|round| round.signed.size() == size)
                    && let Some(place) = round.lines.get_mut(witness)
                {
                    *place = Some(lines);
                }
            }
            // Not its fault: the next round is about more.
            Asked::Further => state.rested = now + FIRST_PAUSE,
            Asked::Failed(problem) => state.failed(now, &problem),
            Asked::Contradiction(found) => state.failed(now, &found.to_string()),
        }
        let answering = self.witnesses.iter().filter(|witness| witness.failures == 0).count();
        self.shared.stats.witnesses_answering.store(answering as u64, Ordering::Relaxed);
        if let Err(fatal) = self.publish() {
            let reason = self.shared.stop(&fatal);
            self.waiting.drain(..).for_each(|(_deadline, answers)| answers.refuse(&reason));
        }
    }

    /// Publishes the checkpoint of the round if it has its quorum.
    fn publish(&mut self) -> Result<(), Fatal> {
        let Some(round) = &self.round else { return Ok(()) };
        let note = round.note();
        if self.policy.witnessed(&note).is_err() {
            return Ok(());
        }
        self.shared.blobs.put_checkpoint(&note).map_err(Fatal::store("publishing the checkpoint"))?;
        //
        // If we crash here: it is public, and its tiles were before. The next opening begins from it.
        let checkpoint = round.signed.checkpoint.clone();
        self.met = Some(checkpoint.size);
        self.shared.stats.cosign_seconds.record(round.begun.elapsed());
        self.shared.set_published(Arc::new(Signed { checkpoint, note }));
        self.round = None;
        Ok(())
    }

    /// Answers those whose entries are public, and those who have waited long enough.
    fn answer(&mut self) {
        let (published, met, now) = (self.shared.published().size(), self.met, Instant::now());
        let seconds = self.shared.stats.retry_after_seconds();
        let late = SubmitError::Uncosigned { retry_after_seconds: seconds.max(MIN_RETRY_SECONDS) };
        let waiting = std::mem::take(&mut self.waiting);
        if let Some(stopped) = self.shared.stopped() {
            return waiting.into_iter().for_each(|(_deadline, answers)| answers.refuse(&stopped));
        }
        for (deadline, answers) in waiting {
            let (ready, rest) = answers.covered(published, met);
            ready.send();
            if rest.is_empty() {
                continue;
            }
            if now >= deadline {
                rest.refuse(&late);
            } else {
                self.waiting.push((deadline, rest));
            }
        }
    }

    /// How long nothing happens by itself.
    fn pause(&self, now: Instant, ends: Option<Instant>) -> Duration {
        let rested = self.witnesses.iter().filter(|witness| !witness.busy).map(|witness| witness.rested);
        let rested = rested.filter(|rested| *rested > now && !self.is_done());
        let deadlines = self.waiting.iter().map(|(deadline, _answers)| *deadline);
        let next = rested.chain(deadlines).chain(ends).min();
        next.map_or(MAX_PAUSE, |next| next.saturating_duration_since(now).min(MAX_PAUSE))
    }
}

impl Witness {
    fn failed(&mut self, now: Instant, problem: &str) {
        if self.failures == 0 {
            tracing::warn!(witness = self.name, problem, "a witness does not cosign");
        }
        self.failures = self.failures.saturating_add(1);
        self.rested = now + (FIRST_PAUSE * 2_u32.saturating_pow(self.failures.min(16))).min(MAX_REST);
    }
}

impl Round {
    /// The checkpoint with the lines that are there.
    fn note(&self) -> String {
        let lines = self.lines.iter().flatten().flatten().map(String::as_str);
        std::iter::once(self.signed.note.as_str()).chain(lines).collect()
    }
}

/// Before a witness that failed is asked again, half of it; doubled at each failure up to [`MAX_REST`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A witness that comes back is asked within this.
const MAX_REST: Duration = Duration::from_secs(5);

/// A round whose witnesses do not answer makes room for a later checkpoint after this.
const MAX_ROUND: Duration = Duration::from_secs(2);

/// How long the last round may take when the log is closed.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// Longest sleep without a reason to wake.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Witnesses that are away are away for longer than a queue is full.
const MIN_RETRY_SECONDS: u64 = 2;
