//! Opening a log: the mirror of [`super::commit`] and [`super::publish`]. The head is the only truth; everything else
//! is brought up to it, or the log is not opened.

use std::sync::Arc;

use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::empty_root;
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_log::{TreeSize, UnixSeconds};

use super::edge::Edge;
use super::head::{Head, Signed};
use super::plan::MAX_CLOCK_BEHIND_SECONDS;
use super::{Fatal, Stores, publish};
use crate::store::{Blobs, Heads, Swap};

/// A log whose public files are what its head says.
pub(crate) struct Recovered {
    /// The head's record, byte for byte.
    pub(crate) record: Vec<u8>,
    pub(crate) head: Head,
    pub(crate) edge: Edge,
    pub(crate) signed: Arc<Signed>,
    /// The public checkpoint, which lacks behind the head while cosignatures are awaited.
    pub(crate) public: Arc<Signed>,
}

//= specs/log.md#checkpoint
/// Signs size 0 into an empty head. The only place where a log begins.
pub(crate) fn create(
    stores: &Stores,
    signer: &SignerKey,
    kind: LogKind,
    now: UnixSeconds,
) -> Result<(), Fatal> {
    let key = signer.verifier();
    if let Some(note) = stores.blobs.checkpoint().map_err(Fatal::store("reading the public checkpoint"))? {
        let public = Signed::open(note, &key, "public")?.size();
        return Err(Fatal::PublicAhead { public, head: TreeSize(0) });
    }
    let checkpoint = Checkpoint { origin: signer.name().into(), size: TreeSize(0), root: empty_root() };
    let note = checkpoint.sign(signer).map_err(|source| Fatal::Checkpoint { which: "first", source })?;
    let head = Head { kind, time: now, signed: Signed { checkpoint, note }, frozen: false };
    match stores.heads.swap(None, &head.encode()?) {
        Swap::Won => Ok(()),
        Swap::Lost(_) => Err(Fatal::HeadLost),
        Swap::Unknown(source) => Err(Fatal::HeadUnknown { source }),
    }
    //
    // If we crash here: the log has size 0 and no public checkpoint yet. Opening it publishes one.
}

/// Replaces the time in the head by an earlier one, and nothing else. Returns the time before.
pub(crate) fn accept_earlier_clock(
    heads: &dyn Heads,
    key: &VerifierKey,
    now: UnixSeconds,
) -> Result<UnixSeconds, Fatal> {
    let record = heads.read().map_err(Fatal::store("reading the head"))?.ok_or(Fatal::HeadEmpty)?;
    let head = Head::open(&record, key)?;
    let before = head.time;
    if now < before {
        let earlier = Head { time: now, ..head };
        match heads.swap(Some(&record), &earlier.encode()?) {
            Swap::Won => {}
            Swap::Lost(_) => return Err(Fatal::HeadLost),
            Swap::Unknown(source) => return Err(Fatal::HeadUnknown { source }),
        }
    }
    Ok(before)
}

//= specs/log.md#freezing
/// Freezes a log: the head says so from now on. Returns what it has signed last, and whether it was frozen already.
pub(crate) fn freeze(heads: &dyn Heads, key: &VerifierKey) -> Result<(Signed, bool), Fatal> {
    let record = heads.read().map_err(Fatal::store("reading the head"))?.ok_or(Fatal::HeadEmpty)?;
    let head = Head::open(&record, key)?;
    if head.frozen {
        return Ok((head.signed, true));
    }
    // If we crash here: the log is as it was.
    let frozen = Head { frozen: true, ..head };
    match heads.swap(Some(&record), &frozen.encode()?) {
        Swap::Won => {}
        Swap::Lost(_) => return Err(Fatal::HeadLost),
        // It is frozen or not: whoever asks again finds out.
        Swap::Unknown(source) => return Err(Fatal::HeadUnknown { source }),
    }
    //
    // If we crash here: it is frozen. What is committed and not public yet is published when it is opened.
    Ok((frozen.signed, false))
}

/// Brings the public files of an existing log up to its head. `pending`, of a log whose checkpoints are cosigned before
/// they are public, holds the newest of which all tiles are there.
pub(crate) fn recover(
    stores: &Stores,
    pending: Option<&dyn Blobs>,
    key: &VerifierKey,
    kind: LogKind,
    now: UnixSeconds,
) -> Result<Recovered, Fatal> {
    // What was committed is what the head says. A head that is missing or empty is an error, never a beginning.
    let record = stores.heads.read().map_err(Fatal::store("reading the head"))?.ok_or(Fatal::HeadEmpty)?;
    let head = Head::open(&record, key)?;
    if head.kind != kind {
        return Err(Fatal::Kind { found: head.kind });
    }
    // A clock is of no matter to a log that signs nothing any more.
    if !head.frozen && now.0.saturating_add(MAX_CLOCK_BEHIND_SECONDS) < head.time.0 {
        return Err(Fatal::ClockBehind { now, last: head.time });
    }
    let signed = Arc::new(head.signed.clone());

    // What readers were shown is at most that. More means that the head was taken from a backup.
    let public = stores.blobs.checkpoint().map_err(Fatal::store("reading the public checkpoint"))?;
    let public = match public.map(|note| Signed::open(note, key, "public")).transpose()? {
        // A log that has just begun has nobody's cosignature: size 0 is public as the log says it.
        None if signed.size() == TreeSize(0) => {
            stores.blobs.put_checkpoint(&signed.note).map_err(Fatal::store("publishing the checkpoint"))?;
            Signed::clone(&signed)
        }
        None => return Err(Fatal::PublicMissing { head: signed.size() }),
        Some(public) => within(public, &signed)?,
    };
    // What is whole may be more than what is public. A log that never awaited cosignatures has nothing there.
    let whole = match pending {
        None => None,
        Some(pending) => pending.checkpoint().map_err(Fatal::store("reading the pending checkpoint"))?,
    };
    let whole = whole.map(|note| within(Signed::open(note, key, "pending")?, &signed)).transpose()?;
    let whole = whole.filter(|whole| whole.size() > public.size()).unwrap_or_else(|| public.clone());
    // Its tiles add up to its root, or the log is not opened.
    let mut edge = Edge::load(stores.blobs.as_ref(), &whole)?;
    let checkpoint = pending.unwrap_or_else(|| stores.blobs.as_ref());

    // Crashed between the head and the end of publication: what is committed and not public is in the segments.
    // Together they add up to the signed root, or nothing is published.
    let old = edge.size();
    if old < signed.size() {
        let staged = stores.staging.replay(old, signed.size()).map_err(Fatal::store("replaying segments"))?;
        staged.into_iter().try_for_each(|entry| edge.push(entry))?;
        publish::publish(stores.blobs.as_ref(), checkpoint, &mut edge, old, &signed)?;
    } else {
        // Crashed between the renaming of the checkpoint and the synchronisation of its name: it is visible, and may not
        // outlast a loss of power. Put again before the segments that could publish it once more are gone.
        checkpoint.put_checkpoint(&signed.note).map_err(Fatal::store("publishing the checkpoint"))?;
    }
    // Crashed before a segment was retired, or with a batch in it that was never signed.
    stores.staging.retire(signed.size()).map_err(Fatal::store("retiring segments"))?;
    // A public checkpoint that was renamed and not synchronised may not outlast a loss of power: put again, as it is.
    if pending.is_some() {
        stores.blobs.put_checkpoint(&public.note).map_err(Fatal::store("publishing the checkpoint"))?;
    }
    let public = Arc::new(public);
    Ok(Recovered { record, head, edge, signed, public })
}

/// A checkpoint that readers may have been shown, if the head knows it.
fn within(shown: Signed, head: &Signed) -> Result<Signed, Fatal> {
    if shown.size() > head.size() {
        return Err(Fatal::PublicAhead { public: shown.size(), head: head.size() });
    }
    if shown.size() == head.size() && shown.checkpoint.root != head.checkpoint.root {
        return Err(Fatal::Fork { size: head.size() });
    }
    Ok(shown)
}
