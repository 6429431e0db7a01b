//! The table of settings: name, default, bounds and what each means.

use toml::Value;

use super::{CameFrom, ConfigError};

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in `sillok.toml`.
    pub(crate) name: &'static str,
    /// What it takes, and its default.
    pub(crate) kind: Kind,
    /// What it means: the comment in `sillok.toml`, of lines of at most 100 characters.
    pub(crate) meaning: &'static str,
}

/// What a setting takes, and its default.
#[derive(Debug)]
pub(crate) enum Kind {
    Choice { default: &'static str, of: &'static [&'static str] },
    Integer { default: i64, least: i64, most: i64 },
    Switch { default: bool },
    Text { default: &'static str },
}

impl Setting {
    /// The name of its environment variable.
    pub(crate) fn variable(&self) -> String {
        variable(self.name)
    }

    pub(crate) fn default_value(&self) -> Value {
        match self.kind {
            Kind::Choice { default, .. } | Kind::Text { default } => Value::from(default),
            Kind::Integer { default, .. } => Value::from(default),
            Kind::Switch { default } => Value::from(default),
        }
    }

    /// Reads the text of a flag or a variable.
    pub(super) fn parse(&self, text: &str, from: CameFrom) -> Result<Value, ConfigError> {
        match self.kind {
            Kind::Choice { .. } | Kind::Text { .. } => Ok(Value::from(text)),
            Kind::Integer { .. } => text.parse::<i64>().map(Value::from).map_err(|_not_a_number| ()),
            Kind::Switch { .. } => text.parse::<bool>().map(Value::from).map_err(|_neither| ()),
        }
        .map_err(|()| self.refuse(from, format!("is {text:?}, which is not {}", self.expected())))
    }

    /// Whether a value is of its kind and within its bounds.
    pub(super) fn check(&self, value: &Value, from: CameFrom) -> Result<(), ConfigError> {
        let good = match (&self.kind, value) {
            (Kind::Choice { of, .. }, Value::String(text)) => of.contains(&text.as_str()),
            (Kind::Integer { least, most, .. }, Value::Integer(number)) => (least..=most).contains(&number),
            (Kind::Switch { .. }, Value::Boolean(_)) | (Kind::Text { .. }, Value::String(_)) => true,
            _another_type => false,
        };
        if good {
            Ok(())
        } else {
            Err(self.refuse(from, format!("is {value}, which is not {}", self.expected())))
        }
    }

    fn refuse(&self, from: CameFrom, problem: String) -> ConfigError {
        ConfigError::Value { name: self.name.into(), from, problem }
    }

    fn expected(&self) -> String {
        match self.kind {
            Kind::Choice { of, .. } => format!("one of {}", of.join(", ")),
            Kind::Integer { least, most, .. } => format!("a whole number from {least} to {most}"),
            Kind::Switch { .. } => "true or false".into(),
            Kind::Text { .. } => "a text".into(),
        }
    }
}

/// The environment variable of a setting.
pub(super) fn variable(name: &str) -> String {
    format!("SILLOK_{}", name.to_ascii_uppercase())
}

/// All settings, in the order in which people read them.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "origin",
        kind: Kind::Text { default: "" },
        meaning: "Identity of the log: the first line of its checkpoints and the name of its key.\n\
                  Set by `sillok init`; it cannot change. The origin of a raw log ends with /raw.",
    },
    Setting {
        name: "public_url",
        kind: Kind::Text { default: "http://localhost:8080" },
        meaning: "Where the world reaches this folder's services: issuer id, did:web, status list URIs.\n\
                  Credentials hold it, so it cannot change once any was issued.",
    },
    Setting {
        name: "listen",
        kind: Kind::Text { default: "127.0.0.1:8080" },
        meaning: "Address and port of the listener; port 0 takes a free one.",
    },
    Setting {
        name: "add_listen",
        kind: Kind::Text { default: "" },
        meaning: "Address and port of the listener for `POST /add`, on a raw log only. Empty: none.",
    },
    Setting {
        name: "allow_plain_http",
        kind: Kind::Switch { default: false },
        meaning: "Listen without TLS on an address that is not a loopback one: only behind a proxy that\n\
                  does TLS.",
    },
    Setting {
        name: "production",
        kind: Kind::Switch { default: false },
        meaning: "Refuse what is convenient and unsafe: a head inside the data folder, a passphrase beside\n\
                  the keys that it opens.",
    },
    Setting {
        name: "head",
        kind: Kind::Text { default: "" },
        meaning: "File of the head: what the log has signed last. Keep it out of every folder that is\n\
                  restored from a backup. Empty: beside the data folder, with .head added to its name.",
    },
    Setting {
        name: "passphrase_file",
        kind: Kind::Text { default: "" },
        meaning: "File with the passphrase of the sealed keys. Empty: `passphrase` in the data folder.",
    },
    Setting {
        name: "queue_entries",
        kind: Kind::Integer { default: 65_536, least: 1, most: 1 << 24 },
        meaning: "Entries that may wait for a batch; beyond, requests are answered with 503.",
    },
    Setting {
        name: "queue_bytes",
        kind: Kind::Integer { default: 64 << 20, least: 65_535, most: 4 << 30 },
        meaning: "Their bytes.",
    },
    Setting {
        name: "batch_entries",
        kind: Kind::Integer { default: 4_096, least: 1_000, most: 65_535 },
        meaning: "Entries of a batch at most; a request may have 1,000.",
    },
    Setting {
        name: "batch_bytes",
        kind: Kind::Integer { default: 8 << 20, least: 1 << 20, most: 1 << 30 },
        meaning: "Bytes of a batch at most.",
    },
    Setting {
        name: "linger_milliseconds",
        kind: Kind::Integer { default: 2, least: 0, most: 1_000 },
        meaning: "How long a batch waits for more while more arrives.",
    },
    Setting {
        name: "publish_interval_milliseconds",
        kind: Kind::Integer { default: 200, least: 1, most: 60_000 },
        meaning: "A committed entry is public within this.",
    },
    Setting {
        name: "segment_bytes",
        kind: Kind::Integer { default: 16 << 20, least: 4_096, most: 1 << 30 },
        meaning: "Bytes of a write-ahead segment.",
    },
    Setting {
        name: "log_vkey",
        kind: Kind::Text { default: "" },
        meaning: "Verifier key of the log that `sillok issuer` writes to. Empty: the log of this folder.",
    },
    Setting {
        name: "policy",
        kind: Kind::Text { default: "" },
        meaning: "File with the log's own policy (C2SP tlog-policy): witnesses with their URLs, and the quorum\n\
                  that must have cosigned a checkpoint before it is public. Empty: nobody is asked.",
    },
    Setting {
        name: "cosign_wait_seconds",
        kind: Kind::Integer { default: 10, least: 1, most: 25 },
        meaning: "How long who waits for a public checkpoint waits for its cosignatures, before it is told to\n\
                  come again.",
    },
    Setting {
        name: "issuer_name",
        kind: Kind::Text { default: "" },
        meaning: "Display name of the issuer in its credentials. Empty: public_url.",
    },
    Setting {
        name: "authority",
        kind: Kind::Text { default: "" },
        meaning: "Display name of who makes the trust bundle. Empty: public_url.",
    },
    Setting {
        name: "key_algorithm",
        kind: Kind::Choice { default: "ES256", of: &["ES256", "EdDSA"] },
        meaning: "What a new credential-signing key signs with.",
    },
    Setting {
        name: "types_folder",
        kind: Kind::Text { default: "" },
        meaning: "Folder with descriptions of more credential types (*.json). Empty: the built-in ones.",
    },
    Setting {
        name: "foreign_issuers",
        kind: Kind::Text { default: "" },
        meaning: "File with the keys of others whose credentials are verified here: a JSON object with a JWK Set\n\
                  for each issuer's id. Empty: only those whose identifier holds its key.",
    },
    Setting {
        name: "foreign_proof_verifier",
        kind: Kind::Text { default: "" },
        meaning: "Program that checks Data Integrity proofs of others: `sillok-foreign-proofs`, built from\n\
                  issuer/foreign-proofs. Empty: such documents cannot be told.",
    },
    Setting {
        name: "list_slots",
        kind: Kind::Integer { default: 1 << 20, least: 131_072, most: 1 << 24 },
        meaning: "Slots of a new status list; half of them are given away.",
    },
    Setting {
        name: "status_interval_seconds",
        kind: Kind::Integer { default: 60, least: 0, most: 3_600 },
        meaning: "How long a changed status waits at most for its publication.",
    },
    Setting {
        name: "feed_interval_seconds",
        kind: Kind::Integer { default: 3_600, least: 1, most: 604_800 },
        meaning: "How long the feed of the trust bundle stands at most before the next one.",
    },
    Setting {
        name: "feed_lifetime_seconds",
        kind: Kind::Integer { default: 86_400, least: 2, most: 2_592_000 },
        meaning: "How long verifiers rely on a feed; at least twice feed_interval_seconds.",
    },
    Setting {
        name: "root_lifetime_days",
        kind: Kind::Integer { default: 365, least: 1, most: 3_650 },
        meaning: "How long verifiers rely on the root of the trust bundle.",
    },
    Setting {
        name: "retention_days",
        kind: Kind::Integer { default: 0, least: 0, most: 36_500 },
        meaning: "After how many days without anything new what is kept of a person is erased, for retries and\n\
                  for wallets. 0: never.",
    },
    Setting {
        name: "one_key_per_person",
        kind: Kind::Switch { default: false },
        meaning: "A person's wallet has one key at a time for each type: a credential for another key revokes\n\
                  those for the key before.",
    },
    Setting {
        name: "demo_token",
        kind: Kind::Text { default: "" },
        meaning: "A fixed token that may issue and revoke everything: for demonstrations, never with real\n\
                  people. Empty: none.",
    },
    Setting {
        name: "log_level",
        kind: Kind::Choice { default: "info", of: &["error", "warn", "info", "debug", "trace"] },
        meaning: "How much is told on standard error.",
    },
    Setting {
        name: "log_format",
        kind: Kind::Choice { default: "text", of: &["text", "json"] },
        meaning: "Whether for people or for machines.",
    },
];
