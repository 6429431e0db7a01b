//! The settings of a data folder: flag over `SILLOK_*` over `sillok.toml` over default.
//!
//! Each setting stands once, in [`table::SETTINGS`]; the comments of `sillok.toml`, the names of the environment and
//! the output of `sillok config` come from there.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

mod check;
mod file;
mod table;

pub(crate) use file::compose_file;
pub(crate) use table::{SETTINGS, Setting};

/// Every setting, checked. A member here and a line in [`SETTINGS`] always come together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) origin: String,
    pub(crate) public_url: String,
    pub(crate) listen: String,
    pub(crate) add_listen: String,
    pub(crate) allow_plain_http: bool,
    pub(crate) production: bool,
    pub(crate) head: String,
    pub(crate) passphrase_file: String,
    pub(crate) queue_entries: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) batch_entries: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) linger_milliseconds: u64,
    pub(crate) publish_interval_milliseconds: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) log_vkey: String,
    pub(crate) policy: String,
    pub(crate) cosign_wait_seconds: u64,
    pub(crate) issuer_name: String,
    pub(crate) authority: String,
    pub(crate) key_algorithm: String,
    pub(crate) types_folder: String,
    pub(crate) foreign_issuers: String,
    pub(crate) foreign_proof_verifier: String,
    pub(crate) list_slots: u64,
    pub(crate) status_interval_seconds: u64,
    pub(crate) feed_interval_seconds: u64,
    pub(crate) feed_lifetime_seconds: u64,
    pub(crate) root_lifetime_days: u64,
    pub(crate) retention_days: u64,
    pub(crate) one_key_per_person: bool,
    pub(crate) demo_token: String,
    pub(crate) log_level: String,
    pub(crate) log_format: String,
    #[serde(default)]
    pub(crate) submitters: Vec<Submitter>,
    #[serde(default)]
    pub(crate) clients: Vec<Client>,
}

/// Who may submit entries to this registry (specs/entry.md, "Who may append").
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submitter {
    pub(crate) vkey: String,
    pub(crate) role: SubmitterRole,
    /// Of role `issuer`: whose entries.
    pub(crate) issuer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SubmitterRole {
    Administrator,
    Issuer,
}

/// Who may call this issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// Members of the public JWK.
    pub(crate) jwk: BTreeMap<String, String>,
    pub(crate) scopes: Vec<String>,
    /// The name that goes into provenance commitments.
    pub(crate) operator: String,
}

/// Where the value of a setting came from, lowest precedence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CameFrom {
    Default,
    File,
    Environment,
    Flag,
}

impl std::fmt::Display for CameFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// Settings, and where each came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    values: BTreeMap<&'static str, (Value, CameFrom)>,
}

impl Loaded {
    /// The value of a setting as it would stand in the file, and where it came from.
    pub(crate) fn value(&self, setting: &Setting) -> Option<(&Value, CameFrom)> {
        self.values.get(setting.name).map(|(value, from)| (value, *from))
    }
}

/// What a command's flags say about settings.
pub(crate) type Flags = [(&'static str, Option<String>)];

/// Puts the settings together. `file` is the text of `sillok.toml`.
pub(crate) fn load(
    file: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    flags: &Flags,
) -> Result<Loaded, ConfigError> {
    let mut file: Table = toml::from_str(file).map_err(|source| ConfigError::File(Box::new(source)))?;
    let mut merged = Table::new();
    let mut values = BTreeMap::new();
    for setting in SETTINGS {
        let flag = flags.iter().find(|(name, _value)| *name == setting.name);
        let found = if let Some((_name, Some(text))) = flag {
            (setting.parse(text, CameFrom::Flag)?, CameFrom::Flag)
        } else if let Some(text) = environment(&setting.variable()) {
            (setting.parse(&text, CameFrom::Environment)?, CameFrom::Environment)
        } else if let Some(value) = file.remove(setting.name) {
            (value, CameFrom::File)
        } else {
            (setting.default_value(), CameFrom::Default)
        };
        file.remove(setting.name);
        setting.check(&found.0, found.1)?;
        merged.insert(setting.name.into(), found.0.clone());
        values.insert(setting.name, found);
    }
    // Lists of submitters and clients, and whatever nobody knows, which is refused next.
    merged.extend(file);
    let settings: Settings = merged.try_into().map_err(|source| ConfigError::File(Box::new(source)))?;
    check::check(&settings)?;
    Ok(Loaded { settings, values })
}

/// Why settings are refused.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The file is not TOML, or holds what is no setting.
    File(Box<toml::de::Error>),
    /// A value is not one that its setting takes.
    Value { name: String, from: CameFrom, problem: String },
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(error) => write!(f, "sillok.toml is refused: {}", error.to_string().trim_end()),
            Self::Value { name, from: CameFrom::Environment, problem } => {
                write!(f, "setting {name} ({}) {problem}", table::variable(name))
            }
            Self::Value { name, from, problem } => write!(f, "setting {name} (from {from}) {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
