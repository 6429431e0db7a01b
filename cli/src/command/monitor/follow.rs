//! Does something now and then until the process is asked to end.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// When the next turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is none.
    End,
    /// After the interval.
    Wait,
    /// It failed: after twice as long as the last time, up to [`MAX_DOUBLINGS`] doublings.
    WaitLonger,
}

/// Takes turns, the interval apart, give or take a quarter: many who follow a log do not all ask at once. Ends by
/// SIGTERM or SIGINT; a turn that is under way is given [`GRACE`] and then left, as in a crash.
pub(crate) fn follow(interval: Duration, mut turn: impl FnMut() -> Next) -> anyhow::Result<()> {
    let ended = asked_to_end()?;
    let mut doublings = 0;
    loop {
        doublings = match turn() {
            Next::End => return Ok(()),
            Next::Wait => 0,
            Next::WaitLonger => (doublings + 1).min(MAX_DOUBLINGS),
        };
        let pause = interval.mul_f64(f64::from(1_u32 << doublings) * (0.75 + fastrand::f64() / 2.0));
        match ended.recv_timeout(pause) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn asked_to_end() -> anyhow::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    drop(guard);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _signal = terminate.recv() => {}
                _signal = interrupt.recv() => {}
            }
        });
        if sender.send(()).is_ok() {
            thread::sleep(GRACE);
        }
        // Everything that is kept is kept so that this loses nothing.
        std::process::exit(0);
    });
    Ok(receiver)
}

/// 16 times the interval.
const MAX_DOUBLINGS: u32 = 4;

const GRACE: Duration = Duration::from_secs(5);
