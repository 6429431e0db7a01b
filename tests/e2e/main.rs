//! Stories of what must not happen unseen, with the real program over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "../../cli/tests/support/program.rs"]
mod program;
#[path = "../../cli/tests/support/server.rs"]
mod server;

mod split;
mod stolen;
