//! The picture of specs/design.md: who may depend on whom, what pure means, and how large things may grow.

mod edges;
mod pure;
mod size;
mod wasm;

use anyhow::Result;

use crate::workspace::Workspace;
pub(crate) use wasm::{WasmAbsent, cargo as cargo_for_wasm};

/// Checks the arrows between the crates, the purity of the pure ones (their wasm32 build included), sizes, and what the
/// crates that apps embed bring along.
///
/// # Errors
/// Fails when anything differs from the picture; with [`WasmAbsent`] when only the wasm32 target is missing.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    edges::check(workspace)?;
    pure::check(workspace)?;
    size::check(workspace)?;
    wasm::check(workspace, &PURE_CRATES)
}

/// Bytes in, values out: no clock, file, socket or thread.
const PURE_CRATES: [&str; 3] = ["sillok-certlogic", "sillok-log", "sillok-verifier"];
