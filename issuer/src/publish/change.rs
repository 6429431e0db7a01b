//! Changes of status: remembered, logged, remembered as logged, and then due for publication.

use std::time::Instant;

use sillok_log::UnixSeconds;
use sillok_log::entry::{Entry, StatusValue};
use sillok_log::submission::Level;

use super::events::composed;
use super::{Desk, Error, Extent, MAX_TASKS, Reply};
use crate::error::{Code, Problem};
use crate::ledger::{Author, Logged, Outcome, Refused};
use crate::register::{Change, ChangeRefused, ChangeRequest, Target};
use crate::status::{Changed, StatusOrder};

type Waiting = (StatusOrder, Reply<Changed>);

impl Desk {
    /// Changes the status of some credentials and answers each. Of several changes of one credential each waits for
    /// the one before.
    pub(super) fn change(&mut self, mut waiting: Vec<Waiting>) {
        let mut answers = Vec::new();
        while !waiting.is_empty() {
            let before = waiting.len();
            match self.change_once(waiting, &mut answers) {
                Ok(rest) => waiting = rest,
                Err((rest, problem)) => {
                    answers.extend(rest.into_iter().map(|(_order, reply)| (reply, Err(problem.clone()))));
                    break;
                }
            }
            // Each round logs at least one change of every credential that has several.
            if waiting.len() == before {
                let problem = Problem::later(Code::LedgerBusy, "an earlier change is not in the log yet", 1);
                answers.extend(waiting.drain(..).map(|(_order, reply)| (reply, Err(problem.clone()))));
            }
        }
        if answers.is_empty() {
            return;
        }
        if self.core.config.status_interval.is_zero() && !self.changed.is_empty() {
            self.try_publish(Extent::Changed);
        }
        for (reply, answer) in answers {
            drop(reply.send(answer));
        }
    }

    /// One round. What has to wait for another change of it comes back.
    fn change_once(
        &mut self,
        waiting: Vec<Waiting>,
        answers: &mut Vec<(Reply<Changed>, Result<Changed, Problem>)>,
    ) -> Result<Vec<Waiting>, (Vec<Waiting>, Problem)> {
        if let Err(error) = self.resolve_changes() {
            return Err((waiting, error.into()));
        }
        let requests: Vec<ChangeRequest<'_>> = waiting.iter().map(|(order, _reply)| request(order)).collect();
        let decided = match self.core.register.status_intent(&requests, self.now()) {
            Ok(decided) => decided,
            Err(error) => {
                let problem = Problem::internal("remembering changes of status", &error);
                return Err((waiting, problem));
            }
        };
        let mut begun = Vec::new();
        let mut rest = Vec::new();
        for ((order, reply), decision) in waiting.into_iter().zip(decided) {
            match decision {
                Ok(change) => begun.push((change, reply)),
                Err(ChangeRefused::Pending(_)) => rest.push((order, reply)),
                Err(refused) => {
                    let answer = self.refuse(&order, &refused);
                    answers.push((reply, answer));
                }
            }
        }
        let (changes, replies): (Vec<Change>, Vec<Reply<Changed>>) = begun.into_iter().unzip();
        match self.log_changes(&changes) {
            Ok(results) => {
                let published_by = self.published_by();
                for (reply, result) in replies.into_iter().zip(results) {
                    let answer = result.map(|logged| changed(&logged, published_by));
                    answers.push((reply, answer));
                }
                Ok(rest)
            }
            Err(error) => {
                let problem = Problem::from(error);
                answers.extend(replies.into_iter().map(|reply| (reply, Err(problem.clone()))));
                Ok(rest)
            }
        }
    }

    /// Logs changes that were remembered earlier and not logged: after a crash, or after a time without a log.
    pub(super) fn resolve_changes(&mut self) -> Result<(), Error> {
        let open = self.core.register.open_changes();
        if open.is_empty() {
            return Ok(());
        }
        for open in open.chunks(MAX_TASKS) {
            self.log_changes(open)?;
        }
        Ok(())
    }

    /// Submits at most [`MAX_TASKS`] changes and remembers what became of them.
    pub(super) fn log_changes(&mut self, changes: &[Change]) -> Result<Vec<Result<Logged, Problem>>, Error> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let entries: Vec<Entry> = changes.iter().map(|change| Entry::Status(change.entry)).collect();
        let outcomes = self.core.ledger.submit(&entries, Author::Issuer, Level::Committed)?;
        let mut done = Vec::new();
        let mut refused = Vec::new();
        let mut results = Vec::with_capacity(outcomes.len());
        for (change, outcome) in changes.iter().zip(outcomes) {
            match outcome {
                Outcome::Logged(logged) => {
                    done.push((change.number, logged.index));
                    results.push(Ok(logged));
                }
                Outcome::Refused(Refused { code, detail }) => {
                    refused.push(change.number);
                    results.push(Err(Problem::from(Refused { code, detail })));
                }
            }
        }
        let now = self.now();
        if !done.is_empty() {
            self.core.register.status_done(&done, now)?;
        }
        if !refused.is_empty() {
            self.core.register.status_abandon(&refused, now)?;
        }
        for (change, _result) in changes.iter().zip(&results).filter(|(_change, result)| result.is_ok()) {
            let entry = change.entry;
            let state = self.states.get_mut(&entry.list);
            let state = state.ok_or_else(|| composed("list", &"a change is of no list"))?;
            state.set(entry.index, entry.value).map_err(|error| composed("list", &error))?;
            self.changed.insert(entry.list);
            self.core.metrics.status_changes.inc();
        }
        if !self.changed.is_empty() && self.due.is_none() {
            self.due = Some(Instant::now() + self.core.config.status_interval);
        }
        Ok(results)
    }

    /// What a change that is not begun is answered.
    fn refuse(&self, order: &StatusOrder, refused: &ChangeRefused) -> Result<Changed, Problem> {
        match refused {
            ChangeRefused::NoChange => self.as_it_is(order),
            // Said of a credential that is revoked: asking for that again changes nothing.
            ChangeRefused::Revoked if order.value == StatusValue::Revoked => self.as_it_is(order),
            ChangeRefused::Revoked => Err(Problem::new(Code::CredentialRevoked, refused.to_string())),
            ChangeRefused::Unknown => Err(Problem::new(Code::CredentialUnknown, refused.to_string())),
            ChangeRefused::NotLogged | ChangeRefused::Pending(_) => {
                Err(Problem::later(Code::LedgerBusy, refused.to_string(), 1))
            }
        }
    }

    /// The answer when there is nothing to do: the last change, with a fresh proof.
    fn as_it_is(&self, order: &StatusOrder) -> Result<Changed, Problem> {
        let published_by = self.published_by();
        let Some(last) = self.core.register.last_change(&order.credential) else {
            return Ok(Changed { index: None, receipt: None, published_by });
        };
        let entry = Entry::Status(last.change.entry);
        let logged = self.core.ledger.submit_one(&entry, Author::Issuer, Level::Committed)?;
        Ok(changed(&logged, published_by))
    }

    /// When what changed is published at the latest, if nothing fails.
    fn published_by(&self) -> UnixSeconds {
        let wait =
            self.due.map_or(std::time::Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
        UnixSeconds(self.now().0.saturating_add(wait.as_secs()).saturating_add(1))
    }
}

fn changed(logged: &Logged, published_by: UnixSeconds) -> Changed {
    Changed { index: Some(logged.index.0), receipt: Some(logged.receipt.encode()), published_by }
}

fn request(order: &StatusOrder) -> ChangeRequest<'_> {
    ChangeRequest {
        ticket: None,
        target: Target::Id(&order.credential),
        value: order.value,
        reason: &order.reason,
        operator: &order.operator,
    }
}
