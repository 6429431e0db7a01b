//! Over HTTP, with a disk that stands still: readers are answered, writers are told when to come again, and nobody gets a
//! receipt before the disk has said that it has everything.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use sillok_log::audit::LogKind;
use sillok_log::{LeafIndex, TreeSize};
use sillok_registry::http::HttpConfig;
use sillok_registry::segment::{Place, Staging};
use sillok_registry::store::Error;
use sillok_registry::{Limits, Stores};

#[path = "http/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use world::World;

/// Segments whose synchronisations wait until they are let go.
struct Standing {
    staging: Arc<dyn Staging>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    waiting: bool,
}

impl Staging for Standing {
    fn append(&self, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Place, Error> {
        let place = self.staging.append(start, entries)?;
        let mut state = self.gate.state.lock().unwrap();
        state.waiting = state.closed;
        self.gate.changed.notify_all();
        drop(self.gate.changed.wait_while(state, |state| state.closed).unwrap());
        Ok(place)
    }

    fn read_back(&self, place: &Place) -> Result<Vec<u8>, Error> {
        self.staging.read_back(place)
    }

    fn replay(&self, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, Error> {
        self.staging.replay(from, to)
    }

    fn retire(&self, published: TreeSize) -> Result<(), Error> {
        self.staging.retire(published)
    }
}

impl Gate {
    fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    fn open(&self) {
        self.state.lock().unwrap().closed = false;
        self.changed.notify_all();
    }

    fn wait_for_somebody(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !state.waiting).unwrap());
    }
}

#[test]
fn while_the_disk_stands_still_readers_are_answered_and_writers_are_told_when_to_come_again() {
    let gate = Arc::new(Gate::default());
    let limits = Limits { queue_entries: 2, ..Limits::default() };
    let wrap = |stores: Stores| {
        let staging = Arc::new(Standing { staging: Arc::clone(&stores.staging), gate: Arc::clone(&gate) });
        Stores { staging, ..stores }
    };
    let world = World::around(LogKind::Raw, limits, HttpConfig::default(), wrap).ready();
    assert_eq!((world.add(b"before").status, world.add(b"it").status), (200, 200));
    while world.state.handle().published().size() < TreeSize(2) {
        thread::yield_now();
    }
    let checkpoint = world.get("/checkpoint").body;
    gate.close();
    thread::scope(|scope| {
        // One is with the disk, two are in the queue.
        let first = scope.spawn(|| world.add(b"first"));
        gate.wait_for_somebody();
        let queued = [0, 1].map(|_one| scope.spawn(|| world.add(b"queued")));
        while world.state.handle().stats().queue_entries.load(std::sync::atomic::Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        let refused = world.add(b"one too many");
        assert_eq!(refused.problem(), (503, "queue.full".into()));
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        for path in ["/checkpoint", "/tile/entries/000.p/2", "/tile/0/000.p/2", "/healthz"] {
            assert_eq!(world.get(path).status, 200, "{path}");
        }
        assert_eq!(world.get("/checkpoint").body, checkpoint);
        assert_eq!(world.state.handle().committed().size(), TreeSize(2));
        assert!(!first.is_finished() && queued.iter().all(|thread| !thread.is_finished()));
        gate.open();
        // It was only slow: whoever waited is answered, with places of their own.
        let mut places: Vec<String> = std::iter::once(first)
            .chain(queued)
            .map(|thread| thread.join().unwrap().text().to_owned())
            .collect();
        places.sort();
        assert_eq!(places, ["2", "3", "4"]);
    });
    assert_eq!(world.add(b"after").text(), "5");
}
