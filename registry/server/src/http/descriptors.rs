//! How many connections this process can have open beside the files of the log.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the listeners of this process may have open together.
static PROCESS: Budget = Budget { granted: Mutex::new(0) };

/// Connections that are spoken for.
#[derive(Debug)]
struct Budget {
    granted: Mutex<usize>,
}

/// The connections of one listener, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget,
    pub(super) connections: usize,
}

/// At most `wanted` connections for a listener, and no more than leaves the log its files, and the listeners before it their
/// connections: a log that cannot open a file stops. The system's limit is raised first, as far as this process may.
pub(super) fn connections(wanted: usize) -> Share<'static> {
    let share = PROCESS.grant(wanted, raise);
    if share.connections < wanted {
        let most = share.connections;
        tracing::warn!(wanted, most, "the limit of open files (ulimit -n) allows fewer connections");
    }
    share
}

impl Budget {
    /// `descriptors` is asked for so many, and says how many there are.
    fn grant(&self, wanted: usize, descriptors: impl Fn(u64) -> Option<u64>) -> Share<'_> {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = within(wanted, *granted, descriptors);
        *granted += connections;
        Share { budget: self, connections }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.granted.lock().unwrap_or_else(PoisonError::into_inner) -= self.connections;
    }
}

/// Raises the limit to so many descriptors, as far as it goes. Returns the limit, if there is one.
fn raise(needed: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: Some(limit.maximum.map_or(needed, |most| most.min(needed))), ..limit };
    match limit.current {
        Some(current) if current < needed && setrlimit(Resource::Nofile, raised).is_ok() => raised.current,
        current => current,
    }
}

fn within(wanted: usize, before: usize, descriptors: impl Fn(u64) -> Option<u64>) -> usize {
    let taken = RESERVED.saturating_add(before as u64);
    let Some(descriptors) = descriptors(taken.saturating_add(wanted as u64)) else { return wanted };
    let left = usize::try_from(descriptors.saturating_sub(taken)).unwrap_or(usize::MAX);
    wanted.min(left.max(LEAST))
}

/// Descriptors for everything but connections: the writer opens up to 256 files at once and their folders
/// (`FileBlobs`), recovery reads segments, handlers read up to 512 files at once (threads of the runtime).
const RESERVED: u64 = 896;

/// For each listener, whatever there is: few enough for what is reserved.
const LEAST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_its_files() {
        for (limit, granted) in
            [(None, 10_000), (Some(1 << 20), 10_000), (Some(1_024), 128), (Some(RESERVED), 16), (Some(3), 16)]
        {
            let budget = Budget { granted: Mutex::new(0) };
            assert_eq!(budget.grant(10_000, |_needed| limit).connections, granted, "{limit:?}");
        }
    }

    /// Each of two listeners had all of it.
    #[test]
    fn the_listeners_of_a_process_share_its_descriptors() {
        let budget = Budget { granted: Mutex::new(0) };
        let hard = RESERVED + 150;
        let first = budget.grant(100, |needed| Some(needed.min(hard)));
        let second = budget.grant(100, |needed| Some(needed.min(hard)));
        assert_eq!((first.connections, second.connections), (100, 50));
        drop(first);
        assert_eq!(budget.grant(100, |needed| Some(needed.min(hard))).connections, 100);
    }
}
