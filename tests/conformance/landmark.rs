//! `specs/landmarks.md`, and `specs/receipt.md#landmark-receipt`.

use sillok_log::landmark::{Landmarks, Schedule, TrustedLandmarks};
use sillok_log::receipt::{LandmarkReceipt, LogTag};
use sillok_log::{TreeSize, UnixSeconds};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, bytes, hash, hashes, number, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let accepted = match text(vector, "check") {
        "list" => list(vector)?,
        "allocate" => allocate(vector)?,
        "receipt" => receipt(vector)?,
        other => return Err(format!("no check {other:?}")),
    };
    Ok(if accepted { "ok" } else { "error" }.into())
}

fn list(vector: &Vector) -> Result<bool, String> {
    let Ok(list) = Landmarks::parse(bytes(vector, "list")) else { return Ok(false) };
    same("encoding", list.encode().as_bytes(), bytes(vector, "list"))?;
    Ok(true)
}

fn allocate(vector: &Vector) -> Result<bool, String> {
    let size = |name| TreeSize(number(vector, name));
    let last = size("last");
    let mut landmarks = Landmarks::new();
    if last > TreeSize(0) {
        landmarks.push(last).map_err(|error| error.to_string())?;
    }
    let now = UnixSeconds(7_200);
    let mut schedule = Schedule::begin(size("before"), now);
    let later = if text(vector, "hour") == "new" { UnixSeconds(10_800) } else { UnixSeconds(10_799) };
    let known = landmarks.sizes().len();
    schedule.allocate(&mut landmarks, size("published"), later).map_err(|error| error.to_string())?;
    let found: Vec<String> = landmarks.sizes()[known..].iter().map(ToString::to_string).collect();
    let expected: Vec<&[u8]> = vector.all_of("size").collect();
    same("sizes", found.join(" ").as_bytes(), &expected.join(&b" "[..]))?;
    Ok(true)
}

fn receipt(vector: &Vector) -> Result<bool, String> {
    let landmarks = Landmarks::parse(bytes(vector, "list")).map_err(|error| error.to_string())?;
    let (size, root) = (TreeSize(number(vector, "size")), hash(vector, "root"));
    let set = TrustedLandmarks::open(landmarks, size, &root, &hashes(vector, "hashes"));
    let Ok(set) = set else { return Ok(false) };
    let Ok(receipt) = LandmarkReceipt::parse(bytes(vector, "receipt")) else { return Ok(false) };
    same("encoding", &receipt.encode(), bytes(vector, "receipt"))?;
    let proved = set.check(receipt.landmark, &hash(vector, "leaf"), receipt.index, &receipt.proof).is_ok();
    Ok(proved && receipt.log == LogTag::of(text(vector, "origin")))
}
