//! Load on the ledger and the issuer: clients, clocks and accounts that the measurements share.

pub mod connection;
pub mod entries;
pub mod flags;
pub mod floor;
pub mod generator;
pub mod inclusion;
pub mod latency;
pub mod machine;
pub mod null;
pub mod process;
pub mod raw_log;
pub mod response;
pub mod sync_count;
pub mod trial;
pub mod typed_log;
pub mod watch;
