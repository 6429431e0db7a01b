//! `specs/receipt.md#subtree-receipt`.

use sillok_log::policy::Policy;
use sillok_log::receipt::{LogTag, SubtreeReceipt};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, bytes, hash, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let policy = Policy::parse(bytes(vector, "policy")).map_err(|error| error.to_string())?;
    let Ok(receipt) = SubtreeReceipt::parse(bytes(vector, "receipt")) else { return Ok("error".into()) };
    same("encoding", &receipt.encode(), bytes(vector, "receipt"))?;
    let origin = text(vector, "origin");
    let cosigned = policy.check_subtree(origin, receipt.subtree, &receipt.hash, &receipt.cosignatures);
    let proved = receipt.check(&hash(vector, "leaf"));
    let accepted = receipt.log == LogTag::of(origin) && cosigned.is_ok() && proved.is_ok();
    Ok(if accepted { "ok" } else { "error" }.into())
}
