//! The commands: each file has `Args` and `run`.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod evidence;
pub(crate) mod fsck;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod mirror;
pub(crate) mod monitor;
pub(crate) mod offer;
pub(crate) mod population;
pub(crate) mod present;
pub(crate) mod receipt;
pub(crate) mod registry;
pub(crate) mod reissue;
pub(crate) mod rules;
pub(crate) mod sample;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod trust_bundle;
pub(crate) mod verify;
pub(crate) mod witness;
