//! Group commit: of all who wait, one does the work for everybody, with one synchronisation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;

/// Brings callers together. Whoever finds nobody at work takes everything that waits and works for all of them.
pub(crate) struct Group<T, R> {
    /// For [`StoreError::Stopped`].
    path: PathBuf,
    /// Held for moments only, never over an operation on a file.
    state: Mutex<State<T, R>>,
    changed: Condvar,
}

struct State<T, R> {
    waiting: Vec<(u64, T)>,
    answers: HashMap<u64, R>,
    next_ticket: u64,
    at_work: bool,
    /// After the first failure: what is on disk is unknown, so nothing more is written.
    stopped: bool,
}

impl<T, R> Group<T, R> {
    pub(crate) fn new(path: &Path) -> Self {
        let state = State {
            waiting: Vec::new(),
            answers: HashMap::new(),
            next_ticket: 0,
            at_work: false,
            stopped: false,
        };
        Self { path: path.to_path_buf(), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Hands in `item` and waits for its answer. `work` gets the items of everybody who waits, in the order of their
    /// coming, and gives one answer for each.
    ///
    /// # Errors
    /// Those of `work`, to whoever did it; [`StoreError::Stopped`] to all others, then and ever after.
    pub(crate) fn run(
        &self,
        item: T,
        work: impl FnOnce(Vec<T>) -> Result<Vec<R>, StoreError>,
    ) -> Result<R, StoreError> {
        let mut state = self.hold();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push((ticket, item));
        while state.at_work && !state.stopped && !state.answers.contains_key(&ticket) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(answer) = state.answers.remove(&ticket) {
            return Ok(answer);
        }
        if state.stopped {
            state.waiting.clear();
            return Err(StoreError::Stopped { path: self.path.clone() });
        }
        state.at_work = true;
        let (tickets, items): (Vec<u64>, Vec<T>) = std::mem::take(&mut state.waiting).into_iter().unzip();
        drop(state);
        // Stops the group when `work` fails or panics.
        let mut turn = Turn { group: self, done: false };
        let answers = work(items)?;
        let mut state = self.hold();
        state.answers.extend(tickets.into_iter().zip(answers));
        let answer = state.answers.remove(&ticket);
        drop(state);
        turn.done = answer.is_some();
        answer.ok_or_else(|| StoreError::Stopped { path: self.path.clone() })
    }

    fn hold(&self) -> MutexGuard<'_, State<T, R>> {
        // Nothing that can panic happens while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work for everybody. It ends in any case, and the others hear of it.
struct Turn<'a, T, R> {
    group: &'a Group<T, R>,
    done: bool,
}

impl<T, R> Drop for Turn<'_, T, R> {
    fn drop(&mut self) {
        let mut state = self.group.hold();
        state.at_work = false;
        state.stopped |= !self.done;
        drop(state);
        self.group.changed.notify_all();
    }
}
