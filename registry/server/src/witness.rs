//! IO. Witnesses: the ones that this log asks, and the one that a process may be for the logs of others.
//!
//! # In scope
//! A witness's durable record of what it cosigned last ([`Book`]) and its two paths over HTTP ([`configure`]). How a log asks,
//! which evidence it keeps, and what it needs for that ([`Witnessing`]).
//!
//! # Out of scope
//! What a request says and how a witness decides: [`sillok_log::witness`], which is pure.

pub(crate) mod ask;
mod book;
pub(crate) mod evidence;
mod serve;
pub(crate) mod standing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sillok_log::policy::Policy;

use crate::store::Blobs;

pub use book::{Book, BookError, MAX_LOGS};
pub use evidence::Suspicion;
pub use serve::configure;
pub use standing::Standing;

/// Whom a log asks for cosignatures before a checkpoint is public.
#[derive(Clone)]
pub struct Witnessing {
    /// Which cosignatures make a checkpoint public, and where the witnesses are. Log lines in it say nothing here.
    pub policy: Policy,
    /// Holds, as its checkpoint, the newest whose tiles are all public, cosigned or not: where recovery begins.
    pub pending: Arc<dyn Blobs>,
    /// The folder that evidence is kept in.
    pub evidence: PathBuf,
    /// How long a witness has to answer.
    pub request_timeout: Duration,
    /// How long a submitter waits for a quorum before it is told to come again.
    pub wait: Duration,
    /// After this, a checkpoint that stays the newest is cosigned anew.
    pub renewal: Duration,
}

impl Witnessing {
    /// With the times that suit a network.
    #[must_use]
    pub fn new(policy: Policy, pending: Arc<dyn Blobs>, evidence: PathBuf) -> Self {
        let (request_timeout, wait) = (Duration::from_secs(5), Duration::from_secs(10));
        Self { policy, pending, evidence, request_timeout, wait, renewal: RENEWAL_INTERVAL }
    }
}

/// As often as an issuer says that its feed is fresh (`feed_interval_seconds`), so that the time that witnesses vouch for does
/// not lag behind the feed's.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(3_600);
