//! A service on a thread of its own, for programs that use it and end it themselves.

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use anyhow::anyhow;
use tokio::sync::oneshot;

use super::Service;

/// A service that answers requests until it is stopped.
pub(crate) struct Running {
    url: String,
    end: oneshot::Sender<()>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Serves on a listener. On return requests are answered.
    pub(crate) fn start(service: Service, listener: TcpListener) -> anyhow::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let (end, ended) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let thread = thread::Builder::new().name("sillok-service".into()).spawn(move || {
            actix_web::rt::System::new().block_on(service.serve(
                listener,
                async || ready.send(()).map_err(|()| anyhow!("nobody waits for the service")),
                async {
                    // An end that was dropped is one too.
                    drop(ended.await);
                },
            ))
        })?;
        if is_ready.blocking_recv().is_err() {
            return Err(joined(thread).err().unwrap_or_else(|| anyhow!("the service ended at once")));
        }
        Ok(Self { url, end, thread })
    }

    /// Its root.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Finishes what is under way, publishes what has changed, and ends it.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        // If nobody listens any more it has ended, and says below why.
        let _has_ended_already = self.end.send(()).is_err();
        joined(self.thread)
    }
}

fn joined(thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().unwrap_or_else(|_panic| Err(anyhow!("the service has panicked")))
}
