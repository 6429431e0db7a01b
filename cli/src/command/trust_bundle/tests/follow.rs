//! `--follow` from a server of this process, with a clock that is moved by what the client waits, and chance that is always in the
//! middle. Nothing here sleeps.

use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sillok_client::Fetcher;
use sillok_log::UnixSeconds;
use sillok_registry::sealed::Passphrase;
use sillok_verifier::{Memory, Trust};

use crate::command::init;
use crate::command::status::publish;
use crate::command::trust_bundle::cache::Cache;
use crate::command::trust_bundle::fetch::{Surroundings, keep_up};
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::operator::Operator;
use crate::service::{Running, Service};

/// An authority of this process, which can be away.
struct Authority {
    context: Context,
    time: Arc<AtomicU64>,
    folder: Folder,
    address: SocketAddr,
    running: Option<Running>,
}

impl Authority {
    fn start(place: &Path) -> Self {
        let time = Arc::new(AtomicU64::new(1_800_000_000));
        let clock = Arc::clone(&time);
        let mut context = Context::new();
        context.clock = Arc::new(move || UnixSeconds(clock.load(Ordering::SeqCst)));
        let data = place.join("data");
        std::fs::create_dir_all(&data).unwrap();
        Passphrase::create(&data.join("passphrase")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let folder = init::make(&data, Some(&format!("http://{address}")), &context).unwrap();
        let running = Running::start(Service::open(&folder, &context).unwrap(), listener).unwrap();
        Self { context, time, folder, address, running: Some(running) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn stop(&mut self) {
        self.running.take().unwrap().stop().unwrap();
    }

    fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let service = Service::open(&self.folder, &self.context).unwrap();
        self.running = Some(Running::start(service, listener).unwrap());
    }

    fn publish(&self) {
        publish(&Operator::new(&self.folder, &self.url(), &self.context).unwrap()).unwrap();
    }

    /// Follows the authority into `cache`. Before each wait `meanwhile` is told the number of the wait, from 0, and how long it is; it
    /// says whether to go on. What was said, without the waits.
    fn follow(
        &mut self,
        cache: &Path,
        mut meanwhile: impl FnMut(&mut Self, usize, Duration) -> ControlFlow<()>,
    ) -> (Exit, Vec<String>) {
        let url = self.url();
        let mut fetcher = Fetcher::open(&url).unwrap();
        let mut cache = Cache::open(cache, &url).unwrap();
        let (mut said, mut waits) = (Vec::new(), 0);
        let clock = Arc::clone(&self.context.clock);
        let around = Surroundings {
            clock: &*clock,
            random: &|most| most / 2,
            say: &mut |line| {
                if !line.starts_with("asks again in ") {
                    said.push(line);
                }
                Ok(())
            },
            wait: &mut |time| {
                assert!(waits < MAX_WAITS, "it does not end");
                let goes_on = meanwhile(self, waits, time);
                if goes_on.is_continue() {
                    self.time.fetch_add(time.as_secs(), Ordering::SeqCst);
                }
                waits += 1;
                Ok(goes_on)
            },
        };
        let exit = keep_up(&mut fetcher, &mut cache, None, true, around).unwrap();
        (exit, said)
    }
}

/// The number of the feed that is kept, which opens with the memory that is kept.
fn kept(cache: &Path, now: UnixSeconds) -> u64 {
    let memory = Memory::parse(&std::fs::read(cache.join("memory")).unwrap()).unwrap();
    let bundle = std::fs::read(cache.join("bundle")).unwrap();
    Trust::open(&bundle, None, &memory, now).unwrap().0.feed().sequence
}

#[test]
fn a_follower_asks_when_it_is_time_and_outlasts_a_server_that_is_away() {
    let temporary = tempfile::tempdir().unwrap();
    let mut authority = Authority::start(temporary.path());
    let cache = temporary.path().join("cache");
    let mut asked_for = Vec::new();
    let (exit, said) = authority.follow(&cache, |authority, number, wait| {
        asked_for.push(wait.as_secs() / 60);
        match number {
            0 => authority.publish(),
            // Nothing happens before the third request; before the fourth and the fifth the server is away.
            2 => authority.stop(),
            4 => authority.start_again(),
            6 => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(exit, Exit::Good);
    // Six hours after each answer; after failures the middle of 10 and of 20 minutes.
    assert_eq!(asked_for, [360, 360, 360, 5, 10, 360, 360]);
    assert!(said[0].starts_with("bundle 1.") && said[0].ends_with(", whole"), "{said:?}");
    assert!(said[1].ends_with(", by a delta"), "{said:?}");
    assert_eq!(said[2], "nothing newer");
    assert!(said[3].starts_with("not fetched: ") && said[4].starts_with("not fetched: "), "{said:?}");
    assert_eq!(said.len(), 7, "{said:?}");
    let now = (authority.context.clock)();
    let newest = kept(&cache, now);

    // Another process goes on an hour after it was due: it asks within a few minutes, and not at once.
    authority.time.fetch_add(7 * 3_600, Ordering::SeqCst);
    authority.publish();
    let (_exit, said) = authority.follow(&cache, |_authority, number, wait| match number {
        0 => {
            assert_eq!(wait, Duration::from_secs(300));
            ControlFlow::Continue(())
        }
        _then => ControlFlow::Break(()),
    });
    assert!(said.len() == 1 && said[0].contains("is kept"), "{said:?}");
    assert!(kept(&cache, (authority.context.clock)()) > newest);
    // One that is started again at once keeps the time that was noted, and asks nobody.
    let (exit, said) = authority.follow(&cache, |_authority, _number, wait| {
        assert_eq!(wait, Duration::from_secs(6 * 3_600));
        ControlFlow::Break(())
    });
    assert_eq!((exit, said.len()), (Exit::Good, 0));
    authority.stop();
}

/// More than any test here waits for.
const MAX_WAITS: usize = 20;
