//! The start: whatever is missing is made, whatever was interrupted is finished, and everything is published anew.

use std::thread;
use std::time::{Duration, Instant};

use super::events::composed;
use super::{Desk, Error, Extent};
use crate::issue;
use crate::ledger::Author;

impl Desk {
    /// Brings the issuer to where it can issue. While the log is busy or away, it is tried again for a while.
    ///
    /// # Errors
    /// The first step that fails for good. What was done before it is kept, and the next start goes on from there.
    pub(crate) fn bootstrap(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + self.core.config.limits.start_patience;
        loop {
            match self.start() {
                Err(error) if error.is_temporary() && Instant::now() < deadline => {
                    tracing::info!(error = %error, "start waits for the log");
                    thread::sleep(START_PAUSE);
                }
                other => return other,
            }
        }
    }

    /// Every step may be done again: each is remembered before it is submitted, and what is in the log already is
    /// answered with its place.
    fn start(&mut self) -> Result<(), Error> {
        self.follow_log()?;
        if self.file.state.keys.is_empty() {
            self.make_key(1, self.core.config.algorithm)?;
        }
        self.settle()?;
        self.take_up_key()?;
        self.add_lists()?;
        self.settle()?;
        self.ask_size()?;
        self.restore_states()?;
        issue::resume(&self.core).map_err(Error::Resume)?;
        self.publish(Extent::Everything)?;
        self.open_lists()
    }

    //= specs/log.md#succession
    /// Goes over to a log that has succeeded the one that the state is of. It begins with the same entries about keys,
    /// lists, changes and documents, so that each has a place there once it is asked for; snapshots are numbered anew.
    fn follow_log(&mut self) -> Result<(), Error> {
        let present = self.core.ledger.origin().to_owned();
        let before = self.core.config.predecessors.iter().map(|before| before.log.name().to_owned());
        let before: Vec<String> = before.collect();
        let state = &self.file.state;
        // A state of before this was noted is of the oldest log.
        let known = state.log.clone().or_else(|| before.first().cloned()).unwrap_or_else(|| present.clone());
        if known != present {
            if before.last() != Some(&known) {
                let problem = format!("it is of the log {known}, which {present} has not succeeded");
                return Err(composed("state", &problem));
            }
            // If we crash here, or before the state is changed: done again, before anything is logged.
            self.core.register.succeed(self.now())?;
        } else if state.log.is_some() {
            return Ok(());
        }
        self.file.change(|state| {
            if known != present {
                state.enter_log(&known);
            }
            state.log = Some(present);
        })?;
        Ok(())
    }

    /// Learns how large the log is: an entry that is in it is answered with a fresh checkpoint.
    fn ask_size(&self) -> Result<(), Error> {
        for key in self.file.state.keys.iter().take(1) {
            let (Some(public), Some(added)) = (key.public(), key.events.first()) else { continue };
            let entry = added.entry(&public, self.issuer, self.origin);
            self.core.ledger.submit_one(&entry, Author::Administrator, self.core.ledger.public_level())?;
        }
        Ok(())
    }
}

/// How soon it is tried again.
const START_PAUSE: Duration = Duration::from_millis(250);
