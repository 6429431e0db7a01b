//! Load on the ledger and the issuer: clients, clocks and accounts that the measurements share.

pub mod connection;
pub mod entries;
pub mod generator;
pub mod latency;
pub mod machine;
pub mod null;
pub mod process;
pub mod response;
