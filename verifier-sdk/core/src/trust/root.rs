//! Pure. The root: what offline keys say about logs, feed keys and issuers.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::UnixSeconds;
use sillok_log::entry::{Bundle, Document, Entry, document_digest};
use sillok_log::note::VerifierKey;

use super::issuer::Issuer;
use super::members::{
    ObjectText, counted, document_keys, document_line, expect_type, items, json_array, refused, time,
};
use crate::acceptance::{RuleSet, RuleSetError};
use crate::json::{Json, JsonError, push_string};

/// The root document of a trust bundle.
//= specs/trust-bundle.md#root
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes roots; another member is another version")]
pub struct Root {
    /// From 1; a verifier never goes back.
    pub sequence: u64,
    /// The epoch of the feed, from 1.
    pub epoch: u64,
    /// When it was made.
    pub issued: UnixSeconds,
    /// The last second at which anything is valid under it.
    pub not_after: UnixSeconds,
    /// Display name of who made it, at most [`MAX_AUTHORITY_BYTES`].
    pub authority: String,
    /// The keys that sign roots, from 1 to [`MAX_ROOT_KEYS`].
    pub root_keys: Vec<VerifierKey>,
    /// How many of them sign.
    pub threshold: usize,
    /// The keys that sign feeds, from 1 to [`MAX_FEED_KEYS`].
    pub feed_keys: Vec<VerifierKey>,
    /// A C2SP tlog-policy text.
    pub policy: String,
    /// Who issues, at most [`MAX_ISSUERS`].
    pub issuers: Vec<Issuer>,
    /// Seconds for which a snapshot is relied on after it was issued; never past its not-after.
    pub status_max_age: u64,
    /// Rules of places, at most [`MAX_RULE_SETS`], one for a jurisdiction.
    pub rules: Vec<RuleSet>,
}

impl Root {
    /// Reads the text of a root's note. It says nothing about who signed it, and leaves the policy unread.
    ///
    /// # Errors
    /// Another form than the one of specs/trust-bundle.md, "Root".
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let line = document_line(text)?;
        let object = line.object()?;
        expect_type(object, TYPE, &MEMBERS)?;
        let authority = object.string("authority")?;
        if authority.len() > MAX_AUTHORITY_BYTES {
            return Err(refused("authority", "a name of at most 200 bytes"));
        }
        let root_keys = document_keys(object, "root_keys", MAX_ROOT_KEYS)?;
        let threshold = usize::try_from(counted(object, "threshold")?).unwrap_or(usize::MAX);
        if threshold > root_keys.len() {
            return Err(refused("threshold", "at most the number of root keys"));
        }
        let feed_keys = document_keys(object, "feed_keys", MAX_FEED_KEYS)?;
        let is_root_key =
            |key: &VerifierKey| root_keys.iter().any(|root| root.public_bytes() == key.public_bytes());
        if feed_keys.iter().any(is_root_key) {
            return Err(refused("feed_keys", "an array of keys that are no root keys"));
        }
        let issuers = items(object, "issuers", MAX_ISSUERS, Issuer::read)?;
        check_unique(&issuers)?;
        let rules = items(object, "rules", MAX_RULE_SETS, rule_set)?;
        let jurisdictions: BTreeSet<&str> = rules.iter().map(RuleSet::jurisdiction).collect();
        if jurisdictions.len() != rules.len() {
            return Err(refused("rules", "an array of different jurisdictions"));
        }
        Ok(Self {
            sequence: counted(object, "sequence")?,
            epoch: counted(object, "epoch")?,
            issued: time(object, "issued")?,
            not_after: time(object, "not_after")?,
            authority: authority.to_string(),
            root_keys,
            threshold,
            feed_keys,
            policy: object.string("policy")?.to_string(),
            issuers,
            status_max_age: object.unsigned("status_max_age")?,
            rules,
        })
    }

    /// The text to sign: one line of compact JSON and its newline.
    ///
    /// # Errors
    /// Whatever [`Root::parse`] would refuse, so that nothing unreadable is ever signed.
    pub fn to_text(&self) -> Result<String, JsonError> {
        let mut text = ObjectText::new()
            .string("type", TYPE)
            .number("sequence", self.sequence)
            .number("epoch", self.epoch)
            .number("issued", self.issued.0)
            .number("not_after", self.not_after.0)
            .string("authority", &self.authority)
            .keys("root_keys", &self.root_keys)
            .number("threshold", u64::try_from(self.threshold).unwrap_or(u64::MAX))
            .keys("feed_keys", &self.feed_keys)
            .string("policy", &self.policy)
            .json("issuers", &json_array(self.issuers.iter().map(Issuer::to_json)))
            .number("status_max_age", self.status_max_age)
            .json("rules", &json_array(self.rules.iter().map(quoted)))
            .finish();
        text.push('\n');
        Self::parse(&text).map(|_read| text)
    }

    /// The entry that logs the root whose text this is.
    #[must_use]
    pub fn entry(&self, text: &str) -> Entry {
        Entry::Bundle(Bundle {
            document: Document::Root,
            sequence: self.sequence,
            digest: document_digest(Document::Root, text),
            activation: self.issued,
        })
    }
}

/// A rule set stands in the root as a string, so that its bytes stay as they were published and tested.
//= specs/rules.md#rule-set
fn rule_set(item: &Json) -> Result<RuleSet, JsonError> {
    RuleSet::open(item.string()?).map_err(|error| match error {
        RuleSetError::Json(error) => error,
        RuleSetError::Logic { .. } => refused("rules", "a set of valid CertLogic"),
        RuleSetError::Vector { index, .. } => {
            refused("", "a vector that comes out").inside(&index.to_string()).inside("vectors")
        }
    })
}

fn quoted(set: &RuleSet) -> String {
    let mut quoted = String::new();
    push_string(&mut quoted, set.text());
    quoted
}

/// The ledger takes a key once, for one issuer; so does a root.
fn check_unique(issuers: &[Issuer]) -> Result<(), JsonError> {
    let mut ids = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for issuer in issuers {
        if !ids.insert(issuer.id.as_str()) {
            return Err(refused("issuers", "an array of different ids"));
        }
        if !issuer.keys.iter().all(|key| keys.insert(key.key.thumbprint())) {
            return Err(refused("issuers", "an array without a key that stands twice"));
        }
    }
    Ok(())
}

const TYPE: &str = "sillok-root/v1";

const MEMBERS: [&str; 13] = [
    "type",
    "sequence",
    "epoch",
    "issued",
    "not_after",
    "authority",
    "root_keys",
    "threshold",
    "feed_keys",
    "policy",
    "issuers",
    "status_max_age",
    "rules",
];

/// Longest display name in bytes (specs/trust-bundle.md, "Root").
pub const MAX_AUTHORITY_BYTES: usize = 200;

/// Most keys that sign roots (specs/trust-bundle.md, "Root").
pub const MAX_ROOT_KEYS: usize = 16;

/// Most keys that sign feeds (specs/trust-bundle.md, "Root").
pub const MAX_FEED_KEYS: usize = 4;

/// Most rule sets (specs/trust-bundle.md, "Root"): eight of the longest fill a note.
pub const MAX_RULE_SETS: usize = 8;

/// Most issuers (specs/trust-bundle.md, "Root").
pub const MAX_ISSUERS: usize = 64;
