//! What has taken the place of another: the one before is revoked, once the new one is in the log.

use sillok_log::entry::StatusValue;

use super::{Desk, Error, MAX_TASKS};
use crate::records::{EnrolmentNumber, Pending, RecordError};
use crate::register::{
    Begin, Change, ChangeRefused, ChangeRequest, IssueNumber, RegisterError, Target, Ticket,
};

/// A status that is to be changed for an enrolment.
struct Wanted {
    target: IssueNumber,
    value: StatusValue,
    reason: String,
    operator: String,
    /// Of what is revoked: so that it is known again as our own doing.
    ticket: Option<Ticket>,
}

impl Desk {
    /// Notes what became of enrolments that nobody works on, and revokes what others have taken the place of. Each step may
    /// be done again.
    //= specs/reissue.md#superseding
    pub(super) fn supersede(&mut self) -> Result<(), Error> {
        let core = std::sync::Arc::clone(&self.core);
        if !core.records.has_work() {
            return Ok(());
        }
        core.records.reconcile(&core.register, self.now())?;
        // A round finds again what the one before could not do, and does no more than there was at first.
        let mut rounds = core.records.pending(usize::MAX).len().div_ceil(BATCH);
        while rounds > 0 {
            rounds -= 1;
            let pending = core.records.pending(BATCH);
            if !self.supersede_some(&pending)? {
                break;
            }
        }
        Ok(())
    }

    /// The same, when it is due: a failure is tried again soon.
    pub(super) fn try_supersede(&mut self) {
        if let Err(error) = self.supersede() {
            tracing::warn!(error = %error, "superseded credentials are not revoked yet");
        }
    }

    /// Whether all of them are settled.
    fn supersede_some(&mut self, pending: &[(EnrolmentNumber, Pending)]) -> Result<bool, Error> {
        if pending.is_empty() {
            return Ok(true);
        }
        self.resolve_changes()?;
        let mut wanted = Vec::new();
        for (enrolment, pending) in pending {
            self.want(*enrolment, pending, &mut wanted)?;
        }
        let requests: Vec<ChangeRequest<'_>> = wanted
            .iter()
            .map(|wanted| ChangeRequest {
                ticket: wanted.ticket.as_ref(),
                target: Target::Number(wanted.target),
                value: wanted.value,
                reason: &wanted.reason,
                operator: &wanted.operator,
            })
            .collect();
        let decided = self.core.register.status_intent(&requests, self.now())?;
        let mut changes: Vec<Change> = Vec::with_capacity(decided.len());
        let mut all = true;
        for decision in decided {
            match decision {
                Ok(change) => changes.push(change),
                // It is so already, or was never a credential.
                Err(ChangeRefused::NoChange | ChangeRefused::Revoked | ChangeRefused::Unknown) => {}
                // Of two changes of one credential in a batch the second waits for the first.
                Err(ChangeRefused::NotLogged | ChangeRefused::Pending(_)) => all = false,
            }
        }
        // If we crash here: the changes are open, and the same entries are submitted.
        for changes in changes.chunks(MAX_TASKS) {
            if let Some(problem) = self.log_changes(changes)?.into_iter().find_map(Result::err) {
                tracing::warn!(problem = %problem, "log refuses to have a superseded credential revoked");
                all = false;
            }
        }
        if all {
            // If we crash here: found revoked by our own doing, and settled then.
            let settled: Vec<EnrolmentNumber> =
                pending.iter().map(|(enrolment, _pending)| *enrolment).collect();
            self.core.records.settle(&settled, self.now())?;
        }
        Ok(all)
    }

    /// The changes that an enrolment still needs.
    fn want(
        &self,
        enrolment: EnrolmentNumber,
        pending: &Pending,
        wanted: &mut Vec<Wanted>,
    ) -> Result<(), Error> {
        let (reason, operator) = self.core.records.reason(&self.core.register, pending)?;
        let said = |what: &str| match &reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what.into(),
        };
        let others = pending.others.iter().map(|other| (*other, "replaced by another key"));
        for (target, what) in pending.before.iter().map(|before| (*before, SUPERSEDED)).chain(others) {
            let Some(found) = self.core.register.find_number(target) else { continue };
            let key = format!("{} {}", enrolment.0, target.0);
            let ticket = match self.core.register.begin(CLIENT, &key, &[0; 32])? {
                // It was our own doing: in the log by now, as open changes were just submitted.
                Begin::Changed(_) => continue,
                Begin::New(ticket) => ticket,
                other => {
                    tracing::error!(?other, "superseding is known as something else");
                    continue;
                }
            };
            // What befell it while the new one was on its way was meant for its holder, and befalls the new one.
            if what == SUPERSEDED && found.value != StatusValue::Valid {
                let (reason, operator) = ("as the credential before it".into(), operator.clone());
                wanted.push(Wanted {
                    target: pending.heir,
                    value: found.value,
                    reason,
                    operator,
                    ticket: None,
                });
            }
            if found.value != StatusValue::Revoked {
                let (value, operator) = (StatusValue::Revoked, operator.clone());
                wanted.push(Wanted { target, value, reason: said(what), operator, ticket: Some(ticket) });
            }
        }
        Ok(())
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Register(error) => Self::Register(error),
            RecordError::Store(error) => Self::Register(RegisterError::Store(error)),
            other => Self::Records(other),
        }
    }
}

/// Why, in the journal.
const SUPERSEDED: &str = "superseded";

/// Who asks, as the register has it. No client has a space in its id.
const CLIENT: &str = "superseding of credentials";

/// Enrolments that are settled together: with one credential before each, a submission to the log.
const BATCH: usize = 400;
