//! What is published beside the tiles: landmarks, which never change, status lists, which prove themselves, and the trust
//! bundle, which its readers open.

use sillok_client::mirror::Mirror;
use sillok_client::source::Source;
use sillok_log::entry::ListId;
use sillok_log::landmark::{Landmarks, MAX_LIST_BYTES};
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::Policy;
use sillok_log::status::ListState;
use sillok_verifier::snapshot::{MAX_FILE_BYTES, SnapshotFile};
use sillok_verifier::trust::{Container, MAX_CONTAINER_BYTES, Root};

use super::super::audit::rendering::{PURPOSES, TOKEN, decode, decode_token};

//= specs/audit.md#mirror
/// Copies what is new; returns what could not be copied, and why.
pub(super) fn copy(
    source: &Source,
    mirror: &Mirror<'_>,
    key: &VerifierKey,
    policy: Option<&Policy>,
) -> anyhow::Result<Vec<String>> {
    let none = Policy::parse(format!("log {key}\nquorum none\n").as_bytes())?;
    let policy = policy.unwrap_or(&none);
    let mut failed = Vec::new();
    for list in mirror.lists()? {
        let folder = format!("status/{list}");
        match self::list(source, mirror, policy, &folder) {
            Ok(()) => {}
            Err(why) => failed.push(format!("{folder}: {why}")),
        }
    }
    if let Err(why) = landmarks(source, mirror) {
        failed.push(format!("{LANDMARKS}: {why}"));
    }
    if let Err(why) = trust_bundle(source, mirror) {
        failed.push(format!("{TRUST_BUNDLE}: {why}"));
    }
    Ok(failed)
}

/// One list: its snapshot is proved by the log, its renderings are of the same state. The snapshot is replaced last, as
/// the log's issuer does it.
fn list(source: &Source, mirror: &Mirror<'_>, policy: &Policy, folder: &str) -> Result<(), String> {
    let path = format!("{folder}/snapshot");
    // Declared and not published yet, perhaps published elsewhere.
    let Some(bytes) = fetch(source, &path, MAX_FILE_BYTES)? else { return Ok(()) };
    let held = mirror.read(&path).map_err(|error| error.to_string())?;
    if held.as_deref() == Some(&bytes) {
        return Ok(());
    }
    let file = SnapshotFile::parse(&bytes).map_err(|error| error.to_string())?;
    let (list, sequence) = file.place();
    if !folder.ends_with(&list.to_string()) {
        return Err(format!("the snapshot is of list {list}"));
    }
    let before = held.and_then(|held| SnapshotFile::parse(&held).ok()).map_or(0, |held| held.place().1);
    if sequence < before {
        return Err(format!("the snapshot goes back from {before} to {sequence}"));
    }
    let state = file.prove(policy).map_err(|error| error.to_string())?.into_state();
    let renderings = renderings(source, folder, &file, list, &state)?;
    for (purpose, token) in &renderings {
        mirror.put(&format!("{folder}/{purpose}"), token).map_err(|error| error.to_string())?;
    }
    mirror.put(&path, &bytes).map_err(|error| error.to_string())
}

/// The renderings that hold the state; who signed them is what an audit asks.
fn renderings(
    source: &Source,
    folder: &str,
    file: &SnapshotFile,
    list: ListId,
    state: &ListState,
) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let (mut renderings, mut planes) = (Vec::new(), Vec::new());
    for purpose in PURPOSES {
        let Some(token) = fetch(source, &format!("{folder}/{purpose}"), MAX_FILE_BYTES)? else { continue };
        let (_jws, plane) = decode(&token, purpose, file.uri(), file.length())?;
        planes.push(plane);
        renderings.push((purpose, token));
    }
    if let Ok([revocation, suspension]) = <[Vec<u8>; 2]>::try_from(planes) {
        let rendered = ListState::from_planes(list, file.length(), revocation, suspension)
            .map_err(|error| error.to_string())?;
        if rendered != *state {
            return Err(
                "its renderings are of another state than its snapshot; perhaps it is just being published"
                    .into(),
            );
        }
    } else {
        return Err("a rendering is not there".into());
    }
    if let Some(token) = fetch(source, &format!("{folder}/{TOKEN}"), MAX_FILE_BYTES)? {
        if decode_token(&token, list, file.uri(), file.length())?.1 != *state {
            return Err("its status list token is of another state than its snapshot; perhaps it is just being published".into());
        }
        renderings.push((TOKEN, token));
    }
    Ok(renderings)
}

//= specs/landmarks.md#published-list
/// None above the mirrored checkpoint: each is in its tree. None that was mirrored changes.
fn landmarks(source: &Source, mirror: &Mirror<'_>) -> Result<(), String> {
    let Some(bytes) = fetch(source, LANDMARKS, MAX_LIST_BYTES)? else { return Ok(()) };
    let held = mirror.read(LANDMARKS).map_err(|error| error.to_string())?;
    if held.as_deref() == Some(&bytes) {
        return Ok(());
    }
    let newer = Landmarks::parse(&bytes).map_err(|error| error.to_string())?;
    let mirrored = mirror.checkpoint().map_err(|error| error.to_string())?;
    let size = mirrored.map_or_else(Default::default, |signed| signed.checkpoint.size);
    let (newest, landmark) = newer.newest();
    if landmark > size {
        return Err(format!("landmark {newest} has {landmark} entries, and {size} are mirrored"));
    }
    let held = held.map(|held| Landmarks::parse(&held).map_err(|error| error.to_string())).transpose()?;
    if held.is_some_and(|held| !held.agrees_with(&newer)) {
        return Err("a landmark that was mirrored has changed, or is gone".into());
    }
    mirror.put(LANDMARKS, &bytes).map_err(|error| error.to_string())
}

/// Its signatures are those of an authority that a mirror need not know.
fn trust_bundle(source: &Source, mirror: &Mirror<'_>) -> Result<(), String> {
    let Some(bytes) = fetch(source, TRUST_BUNDLE, MAX_CONTAINER_BYTES)? else { return Ok(()) };
    let container = Container::parse(&bytes).map_err(|error| error.to_string())?;
    let note = Note::parse(&container.root).map_err(|error| error.to_string())?;
    Root::parse(note.text()).map_err(|error| error.to_string())?;
    if mirror.read(TRUST_BUNDLE).map_err(|error| error.to_string())?.as_deref() == Some(&bytes) {
        return Ok(());
    }
    mirror.put(TRUST_BUNDLE, &bytes).map_err(|error| error.to_string())
}

fn fetch(source: &Source, path: &str, limit: usize) -> Result<Option<Vec<u8>>, String> {
    source.published(path, limit).map_err(|error| error.to_string())
}

/// Where they are published (specs/landmarks.md).
const LANDMARKS: &str = "landmarks";

/// Where it is published (specs/trust-bundle.md).
const TRUST_BUNDLE: &str = "trust-bundle";
