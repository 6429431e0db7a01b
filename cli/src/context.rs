//! What every command is given: the clock and the environment.

use std::collections::BTreeMap;

use sillok_registry::Clock;

use crate::clock::clock;

/// The world around a command.
pub(crate) struct Context {
    pub(crate) clock: Clock,
    /// The variables `SILLOK_*`.
    environment: BTreeMap<String, String>,
}

impl Context {
    pub(crate) fn new() -> Self {
        let ours = |name: &std::ffi::OsString| name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        let environment = std::env::vars_os()
            .filter(|(name, _value)| ours(name))
            .map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()))
            .collect();
        Self { clock: clock(), environment }
    }

    /// A variable `SILLOK_*`.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    /// The names of all of them.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }
}

const PREFIX: &str = "SILLOK_";
