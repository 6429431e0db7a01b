//! Has checkpoints cosigned, and publishes the newest that meets the policy: one thread decides, one for each witness asks.
//!
//! A *round* is about one checkpoint until its quorum is met: witnesses that each cosigned another size add up to nothing.
//! Meanwhile entries are committed and tiles published; the next round is about the newest of them. While there is nothing
//! newer, the rest of the witnesses are added to what is public, and after a while all of them are asked again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;
use sillok_log::{TreeSize, UnixSeconds};

use super::answer::Answers;
use super::head::Signed;
use super::{Fatal, Shared};
use crate::handle::{Clock, SubmitError, spawn};
use crate::store::Heads;
use crate::witness::Witnessing;
use crate::witness::ask::{Asked, Asker, contacts, report};
use crate::witness::evidence::Evidence;
use crate::witness::standing::Standing;

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
    //= specs/log.md#witnesses
    /// Starts the threads that ask witnesses, and asks all of them what they have cosigned. Who takes longer is heard later.
    ///
    /// # Errors
    /// [`Fatal::Witnessed`]; the evidence is kept.
    pub(crate) fn open(
        witnessing: &Witnessing,
        shared: &Arc<Shared>,
        log: &VerifierKey,
        heads: &Arc<dyn Heads>,
        clock: &Clock,
    ) -> Result<Self, Fatal> {
        let Witnessing { policy, evidence, request_timeout, wait, renewal, .. } = witnessing;
        let contacts = contacts(policy).map_err(|url| Fatal::WitnessUrl { url })?;
        let evidence = Arc::new(Evidence::new(evidence.clone(), log.clone()));
        let (newest, public) = (shared.tiled(), shared.published());
        // What was public before the log had this policy may not meet it.
        let met = policy.witnessed(&public.note).is_ok().then(|| public.size());
        let mut cosigner = Cosigner {
            policy: policy.clone(),
            shared: Arc::clone(shared),
            clock: Arc::clone(clock),
            wait: *wait,
            renewal: *renewal,
            witnesses: Vec::new(),
            newest,
            met,
            round: None,
            waiting: Vec::new(),
            _head: Arc::clone(heads),
        };
        let (sender, inbox) = mpsc::channel();
        for contact in contacts {
            let asker = Asker::new(contact, log.clone(), *request_timeout);
            cosigner.add(asker, Arc::clone(&evidence), sender.clone())?;
        }
        cosigner.report();
        cosigner.hear(&inbox)?;
        Ok(Self { cosigner, sender, inbox })
    }
}

/// What it takes to have checkpoints cosigned. Owned by its own thread.
pub(crate) struct Cosigner {
    policy: Policy,
    shared: Arc<Shared>,
    clock: Clock,
    /// How long those wait whose answer is to be public.
    wait: Duration,
    /// After this, a checkpoint that stays the newest is cosigned anew.
    renewal: Duration,
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
    standing: Standing,
    /// In the policy.
    position: usize,
    /// Whether it has said that it cosigned no more than was signed here.
    heard: bool,
    jobs: Sender<Arc<Signed>>,
    /// Whether it is being asked.
    busy: bool,
    failures: u32,
    /// When it may be asked again.
    rested: Instant,
}

/// A checkpoint that is being cosigned, and stays until there is a newer one.
struct Round {
    signed: Arc<Signed>,
    begun: Instant,
    /// When its quorum was met.
    met: Option<Instant>,
    /// Whether lines came since it was judged last.
    fresh: bool,
    /// By witness.
    lines: Vec<Lines>,
}

/// What a witness has cosigned of a round.
#[derive(Clone, Default)]
struct Lines {
    /// Its newest lines.
    lines: Vec<String>,
    /// Whether they came since all were asked last.
    new: bool,
}

impl Cosigner {
    /// Starts the thread that asks a witness; it ends with the cosigner.
    fn add(&mut self, mut asker: Asker, evidence: Arc<Evidence>, told: Sender<Message>) -> Result<(), Fatal> {
        let (jobs, inbox) = mpsc::channel::<Arc<Signed>>();
        let (shared, witness) = (Arc::clone(&self.shared), self.witnesses.len());
        let (standing, position) = (Standing::new(asker.contact.name.clone()), asker.contact.position);
        let ask = move || {
            for target in inbox {
                let signed = || shared.committed().size();
                let asked = asker.ask(&target, shared.blobs.as_ref(), &signed);
                // Nobody waits for this thread. Once a successor may have signed, more than we know contradicts nobody.
                let Some(lock) = shared.lock() else { return };
                let asked = report(&asker, asked, &target, &shared, &evidence);
                drop(lock);
                if told.send(Message::Told { witness, size: target.size(), asked }).is_err() {
                    return;
                }
            }
        };
        drop(spawn("sillok-witness", &self.shared, ask)?);
        let (busy, heard, failures, rested) = (false, false, 0, Instant::now());
        self.witnesses.push(Witness { standing, position, heard, jobs, busy, failures, rested });
        Ok(())
    }

    //= specs/log.md#witnesses
    /// Asks all witnesses, and waits a little for what they say.
    ///
    /// # Errors
    /// A witness has cosigned more than was signed here, or another tree.
    fn hear(&mut self, inbox: &Receiver<Message>) -> Result<(), Fatal> {
        self.ask();
        let deadline = Instant::now() + OPENING_WAIT;
        while self.witnesses.iter().any(|witness| witness.busy) {
            let left = deadline.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(left) {
                Ok(Message::Told { witness, size, asked }) => self.told(witness, size, asked)?,
                // Nobody else tells it anything yet.
                Ok(Message::Whole(_) | Message::Wait(_) | Message::Stop) | Err(_) => break,
            }
        }
        // Not before all of them were listened to.
        self.let_sign();
        self.publish()
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
            let mut worked = Ok(());
            match inbox.recv_timeout(pause) {
                Ok(Message::Whole(signed)) => self.newest = signed,
                Ok(Message::Wait(answers)) => self.waiting.push((Instant::now() + self.wait, answers)),
                Ok(Message::Told { witness, size, asked }) => {
                    worked = self.told(witness, size, asked);
                    if worked.is_ok() {
                        self.let_sign();
                    }
                }
                Ok(Message::Stop) => ends = Some(Instant::now() + LAST_ROUND),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Err(fatal) = worked.and_then(|()| self.publish()) {
                let reason = self.shared.stop(&fatal);
                self.waiting.drain(..).for_each(|(_deadline, answers)| answers.refuse(&reason));
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
        if self.shared.stopped().is_some() {
            return;
        }
        let now = Instant::now();
        let nobody_is_asked = self.witnesses.iter().all(|witness| !witness.busy);
        match &mut self.round {
            Some(round) if round.signed.size() < self.newest.size() => {
                if round.met.is_some() || now >= round.begun + MAX_ROUND || nobody_is_asked {
                    self.round = None;
                }
            }
            Some(round) if round.met.is_some() && now >= round.begun + self.renewal => round.renew(now),
            Some(_) | None => {}
        }
        let (newest, count) = (&self.newest, self.witnesses.len());
        let round = self.round.get_or_insert_with(|| Round::new(Arc::clone(newest), now, count));
        for (witness, lines) in self.witnesses.iter_mut().zip(&round.lines) {
            if !lines.new && !witness.busy && witness.rested <= now {
                // A thread that has ended was killed by a panic, which has stopped the log.
                witness.busy = witness.jobs.send(Arc::clone(&round.signed)).is_ok();
            }
        }
    }

    /// Takes in what came of asking a witness.
    ///
    /// # Errors
    /// [`Fatal::Witnessed`], as long as nothing was signed by this process.
    fn told(&mut self, witness: usize, size: TreeSize, asked: Asked) -> Result<(), Fatal> {
        let now = Instant::now();
        let heard = self.shared.is_heard();
        let Some(state) = self.witnesses.get_mut(witness) else { return Ok(()) };
        state.busy = false;
        match asked {
            Asked::Cosigned(lines) => {
                if state.failures > 0 {
                    tracing::info!(witness = state.standing.name, "a witness cosigns again");
                }
                (state.heard, state.failures, state.rested) = (true, 0, now);
                state.standing.cosigned(size);
                if let Some(round) = self.round.as_mut().filter(|round| round.signed.size() == size)
                    && let Some(place) = round.lines.get_mut(witness)
                {
                    *place = Lines { lines, new: true };
                    round.fresh = true;
                }
            }
            // Not its fault: the next round is about more.
            Asked::Further => (state.heard, state.rested) = (true, now + FIRST_PAUSE),
            Asked::Failed(problem) => state.failed(now, (self.clock)(), &problem),
            Asked::Contradiction(suspicion) if !heard => {
                let (witness, head) = (state.standing.name.clone(), self.shared.committed().size());
                return Err(Fatal::Witnessed { witness, suspicion, head });
            }
            Asked::Contradiction(found) => state.failed(now, (self.clock)(), &found.to_string()),
        }
        self.report();
        Ok(())
    }

    /// Says how the witnesses are doing.
    fn report(&self) {
        // Who was not asked yet has not failed, and has not answered.
        let answering = self.positions(|witness| witness.heard && witness.failures == 0);
        let stats = &self.shared.stats;
        stats.witnesses_answering.store(answering.len() as u64, Ordering::Relaxed);
        stats.quorum_answers.store(u64::from(self.policy.is_met_by(&answering)), Ordering::Relaxed);
        stats.set_witnesses(self.witnesses.iter().map(|witness| witness.standing.clone()).collect());
    }

    /// Lets the log sign if a quorum was heard.
    fn let_sign(&self) {
        if self.policy.is_met_by(&self.positions(|witness| witness.heard)) {
            self.shared.set_heard();
        }
    }

    fn positions(&self, good: impl Fn(&Witness) -> bool) -> Vec<usize> {
        self.witnesses.iter().filter(|witness| good(witness)).map(|witness| witness.position).collect()
    }

    /// Publishes the checkpoint of the round if it has its quorum, and adds what came after that.
    fn publish(&mut self) -> Result<(), Fatal> {
        let now = Instant::now();
        let Some(round) = &mut self.round else { return Ok(()) };
        let early = round.met.is_some_and(|met| now < met + ADDITION_PAUSE);
        if !round.fresh || early || self.shared.stopped().is_some() {
            return Ok(());
        }
        // Each set of lines is judged once.
        round.fresh = false;
        let note = round.note();
        if self.policy.witnessed(&note).is_err() {
            return Ok(());
        }
        self.shared.blobs.put_checkpoint(&note).map_err(Fatal::store("publishing the checkpoint"))?;
        //
        // If we crash here: it is public, and its tiles were before. The next opening begins from it.
        let checkpoint = round.signed.checkpoint.clone();
        self.met = Some(checkpoint.size);
        if round.met.is_none() {
            round.met = Some(now);
            self.shared.stats.cosign_seconds.record(round.begun.elapsed());
        }
        self.shared.set_published(Arc::new(Signed { checkpoint, note }));
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
        let rested = rested.filter(|rested| *rested > now);
        let deadlines = self.waiting.iter().map(|(deadline, _answers)| *deadline);
        let next = rested.chain(deadlines).chain(ends).min();
        next.map_or(MAX_PAUSE, |next| next.saturating_duration_since(now).min(MAX_PAUSE))
    }
}

impl Witness {
    fn failed(&mut self, now: Instant, time: UnixSeconds, problem: &str) {
        if self.failures == 0 {
            tracing::warn!(witness = self.standing.name, problem, "a witness does not cosign");
        }
        self.standing.failed(time);
        self.failures = self.failures.saturating_add(1);
        self.rested = now + (FIRST_PAUSE * 2_u32.saturating_pow(self.failures.min(16))).min(MAX_REST);
    }
}

impl Round {
    fn new(signed: Arc<Signed>, begun: Instant, witnesses: usize) -> Self {
        Self { signed, begun, met: None, fresh: false, lines: vec![Lines::default(); witnesses] }
    }

    /// Begins to ask all witnesses again. What they said counts until they say it anew, so that no time goes back.
    fn renew(&mut self, now: Instant) {
        self.begun = now;
        self.lines.iter_mut().for_each(|lines| lines.new = false);
    }

    /// The checkpoint with the lines that are there.
    fn note(&self) -> String {
        let lines = self.lines.iter().flat_map(|witness| &witness.lines).map(String::as_str);
        std::iter::once(self.signed.note.as_str()).chain(lines).collect()
    }
}

/// Before a witness that failed is asked again, half of it; doubled at each failure up to [`MAX_REST`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A witness that comes back is asked within this.
const MAX_REST: Duration = Duration::from_secs(5);

/// A round whose witnesses do not answer makes room for a later checkpoint after this.
const MAX_ROUND: Duration = Duration::from_secs(2);

/// How long an opening waits for what witnesses have cosigned: for a few answers over a network. Who takes longer is heard
/// while the log is read and not written.
const OPENING_WAIT: Duration = Duration::from_secs(2);

/// What comes after the quorum is added together, once nothing newer has come for so long: as long as a checkpoint is
/// cached (specs/log.md, "Static files").
const ADDITION_PAUSE: Duration = Duration::from_secs(1);

/// How long the last round may take when the log is closed.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// Longest sleep without a reason to wake.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Witnesses that are away are away for longer than a queue is full.
const MIN_RETRY_SECONDS: u64 = 2;
