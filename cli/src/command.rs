//! The commands: each file has `Args` and `run`.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod fsck;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod registry;
pub(crate) mod trust_bundle;
pub(crate) mod verify;
