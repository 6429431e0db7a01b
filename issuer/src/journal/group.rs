//! Group commit: of all who wait, one does the work for everybody, with one synchronisation.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;

/// Brings callers together. Whoever finds nobody at work takes everything that waits and works for all of them.
pub(crate) struct Group<T, R> {
    /// For [`StoreError::Stopped`].
    path: PathBuf,
    /// Held for moments only, never over an operation on a file.
    state: Mutex<State<T, R>>,
}

struct State<T, R> {
    waiting: Vec<(Arc<Seat<R>>, T)>,
    /// Somebody is at work, or has been called to be.
    at_work: bool,
    /// After the first failure: what is on disk is unknown, so nothing more is written.
    stopped: bool,
}

/// Where one caller waits: nobody is woken for what is another's.
struct Seat<R> {
    call: Mutex<Option<Call<R>>>,
    called: Condvar,
}

enum Call<R> {
    /// The work is done.
    Answer(R),
    /// Nobody is at work, and there is some.
    Lead,
    Stopped,
}

impl<R> Seat<R> {
    fn call(&self, call: Call<R>) {
        // Nothing that can panic happens while it is held.
        *self.call.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
        self.called.notify_one();
    }

    fn wait(&self) -> Call<R> {
        let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match call.take() {
                Some(call) => return call,
                None => call = self.called.wait(call).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl<T, R> Group<T, R> {
    pub(crate) fn new(path: &Path) -> Self {
        let state = State { waiting: Vec::new(), at_work: false, stopped: false };
        Self { path: path.to_path_buf(), state: Mutex::new(state) }
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
        let seat = Arc::new(Seat { call: Mutex::new(None), called: Condvar::new() });
        let mut state = self.hold();
        if state.stopped {
            return Err(self.stopped());
        }
        state.waiting.push((Arc::clone(&seat), item));
        let waits = std::mem::replace(&mut state.at_work, true);
        drop(state);
        if waits {
            match seat.wait() {
                Call::Answer(answer) => return Ok(answer),
                Call::Lead => {}
                Call::Stopped => return Err(self.stopped()),
            }
        }
        let (seats, items) = std::mem::take(&mut self.hold().waiting).into_iter().unzip();
        // Stops the group when `work` fails or panics, or leaves somebody without an answer.
        let mut turn = Turn { group: self, seats };
        let answers = work(items)?;
        turn.end(&seat, answers).ok_or_else(|| self.stopped())
    }

    fn stopped(&self) -> StoreError {
        StoreError::Stopped { path: self.path.clone() }
    }

    fn hold(&self) -> MutexGuard<'_, State<T, R>> {
        // Nothing that can panic happens while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work for everybody, and those who wait for it. It ends in any case, and the others hear of it.
struct Turn<'a, T, R> {
    group: &'a Group<T, R>,
    /// Nobody any more once they have their answers.
    seats: Vec<Arc<Seat<R>>>,
}

impl<T, R> Turn<'_, T, R> {
    /// Calls the next one to work, and gives everybody their answer: that of `own` is returned.
    fn end(&mut self, own: &Arc<Seat<R>>, answers: Vec<R>) -> Option<R> {
        if answers.len() != self.seats.len() {
            return None;
        }
        let mut state = self.group.hold();
        match state.waiting.first() {
            Some((next, _item)) => next.call(Call::Lead),
            None => state.at_work = false,
        }
        drop(state);
        let mut answer = None;
        for (seat, given) in self.seats.drain(..).zip(answers) {
            if Arc::ptr_eq(&seat, own) {
                answer = Some(given);
            } else {
                seat.call(Call::Answer(given));
            }
        }
        answer
    }
}

impl<T, R> Drop for Turn<'_, T, R> {
    fn drop(&mut self) {
        if self.seats.is_empty() {
            return;
        }
        let mut state = self.group.hold();
        state.stopped = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        let waiting = waiting.into_iter().map(|(seat, _item)| seat);
        self.seats.drain(..).chain(waiting).for_each(|seat| seat.call(Call::Stopped));
    }
}
