//! What an audit says, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sillok_client::audit as client;
use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{EntryKind, Thumbprint};
use sillok_log::ledger::{KeyState, Ledger};
use sillok_verifier::encoding::encode_base64url;

use super::lists::Found;
use super::rfc3339;
use crate::exit::Exit;

pub(crate) use client::Told as Row;

/// The report of an audit.
#[derive(Debug, Default)]
pub(crate) struct Report {
    log: Option<(client::Report, LogKind)>,
    lists: Found,
    keys: Vec<Key>,
    unchecked: Vec<(String, String)>,
    /// What is wrong beside entries, tiles and lists.
    others: Vec<Row>,
    /// What the policy says of the checkpoint, if there is one.
    quorum: Option<String>,
    /// A time at or after which the quorum cosigned it.
    time_floor: Option<UnixSeconds>,
}

/// An issuer's key, as the log has it.
#[derive(Debug)]
pub(super) struct Key {
    thumbprint: Thumbprint,
    pub(super) issuer: String,
    pub(super) state: &'static str,
    pub(super) issued: u64,
}

impl Key {
    /// As credentials name it.
    pub(super) fn kid(&self) -> String {
        encode_base64url(&self.thumbprint.0)
    }
}

impl Report {
    pub(super) fn set_log(&mut self, found: client::Report, kind: LogKind) {
        for key in &mut self.keys {
            let mut by_key = found.counts.issued_by_key().iter();
            key.issued =
                by_key.find(|(other, _count)| **other == key.thumbprint).map_or(0, |(_, count)| *count);
        }
        self.unchecked
            .extend(found.unchecked.iter().map(|skipped| (skipped.what.clone(), skipped.why.clone())));
        self.log = Some((found, kind));
    }

    pub(super) fn set_lists(&mut self, found: Found) {
        self.unchecked.extend(found.unchecked.iter().cloned());
        self.lists = found;
    }

    pub(super) fn set_ledger(&mut self, ledger: &Ledger) {
        self.keys = ledger
            .keys()
            .map(|(thumbprint, record)| Key {
                thumbprint,
                issuer: record.issuer.to_hex(),
                state: match record.state {
                    KeyState::Active => "active",
                    KeyState::Compromised => "compromised",
                    KeyState::Retired => "retired",
                },
                issued: 0,
            })
            .collect();
    }

    pub(crate) fn set_quorum(&mut self, said: String, time_floor: Option<UnixSeconds>) {
        (self.quorum, self.time_floor) = (Some(said), time_floor);
    }

    /// A time at or after which the quorum of the policy cosigned the checkpoint.
    pub(crate) const fn time_floor(&self) -> Option<UnixSeconds> {
        self.time_floor
    }

    pub(crate) fn add_finding(&mut self, code: &str, detail: String) {
        self.others.push(Row { code: code.into(), at: None, detail });
    }

    /// What the policy says of the checkpoint.
    pub(super) fn quorum(&self) -> Option<&str> {
        self.quorum.as_deref()
    }

    /// The keys of issuers.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// What could not be looked at, and why.
    pub(crate) fn unchecked(&self) -> &[(String, String)] {
        &self.unchecked
    }

    /// Renderings of lists that were compared.
    pub(super) const fn compared(&self) -> u64 {
        self.lists.compared
    }

    /// What was found about the log itself.
    pub(crate) fn of_log(&self) -> Option<&client::Report> {
        self.log.as_ref().map(|(found, _kind)| found)
    }

    /// The checkpoint that was audited.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        self.of_log().map(|found| &found.checkpoint)
    }

    pub(crate) fn could_not_check(&mut self, what: &str, why: &str) {
        self.unchecked.push((what.into(), why.into()));
    }

    /// How many findings there are; those shown may be fewer.
    pub(crate) fn total(&self) -> u64 {
        let of_log = self.log.as_ref().map_or(0, |(found, _kind)| found.findings.total());
        of_log + (self.lists.findings.len() + self.others.len()) as u64
    }

    /// How many entries were replayed.
    pub(crate) fn size(&self) -> u64 {
        self.log.as_ref().map_or(0, |(found, _kind)| found.replayed.0)
    }

    /// Code and sentence of those findings that are shown.
    pub(crate) fn findings(&self) -> impl Iterator<Item = (String, String)> {
        self.rows().map(|row| (row.code, row.detail))
    }

    pub(crate) fn exit(&self) -> Exit {
        match (self.total(), self.unchecked.is_empty()) {
            (0, true) => Exit::Good,
            (0, false) => Exit::Unknown,
            _findings => Exit::Bad,
        }
    }

    /// The findings that are shown.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        let of_log = self.log.iter().flat_map(|(found, _kind)| found.findings.rows());
        of_log.chain(self.lists.findings.iter().cloned()).chain(self.others.iter().cloned())
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        if let Some((found, kind)) = &self.log {
            let checkpoint = &found.checkpoint;
            push(
                &mut out,
                format_args!(
                    "log {}, {} entries, root {}",
                    checkpoint.origin, checkpoint.size, checkpoint.root
                ),
            );
            match kind {
                LogKind::Raw => push(
                    &mut out,
                    format_args!("  {} foreign entries (raw log: no rule applies)", found.counts.foreign()),
                ),
                LogKind::Typed => self.push_counts(&mut out, found),
            }
        }
        if let Some(quorum) = &self.quorum {
            push(&mut out, format_args!("  {quorum}"));
        }
        for (what, why) in &self.unchecked {
            push(&mut out, format_args!("could not check {what}: {why}"));
        }
        for Row { code, detail, .. } in self.rows() {
            push(&mut out, format_args!("finding {code}: {detail}"));
        }
        let (total, shown) = (self.total(), self.rows().count() as u64);
        if total > shown {
            push(&mut out, format_args!("and {} findings more", total - shown));
        }
        match self.exit() {
            Exit::Good => push(&mut out, format_args!("clean: entries, tiles and root agree")),
            Exit::Bad => push(&mut out, format_args!("{total} findings")),
            Exit::Unknown | Exit::Usage => push(&mut out, format_args!("could not finish")),
        }
        out
    }

    fn push_counts(&self, out: &mut String, found: &client::Report) {
        let counts = &found.counts;
        let kinds: Vec<String> = EntryKind::ALL
            .iter()
            .map(|kind| format!("{} {}", counts.of_kind(*kind), kind_name(*kind)))
            .collect();
        push(out, format_args!("  entries: {}", kinds.join(", ")));
        if counts.refused() + counts.malformed() > 0 {
            push(
                out,
                format_args!("  {} break a rule, {} are malformed", counts.refused(), counts.malformed()),
            );
        }
        for key @ Key { thumbprint: _, issuer, state, issued } in &self.keys {
            let kid = key.kid();
            push(out, format_args!("  key {kid} of issuer {issuer}, {state}: {issued} issued"));
        }
        push(out, format_args!("  {} renderings of status lists compared", self.lists.compared));
    }

    pub(super) fn json(&self) -> Value {
        let (total, exit) = (self.total(), self.exit());
        let findings: Vec<Value> = self
            .rows()
            .map(|Row { code, at, detail }| json!({ "code": code, "at": at, "detail": detail }))
            .collect();
        let unchecked: Vec<Value> =
            self.unchecked.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
        let mut object = json!({
            "result": match exit { Exit::Good => "clean", Exit::Bad => "findings", Exit::Unknown | Exit::Usage => "could not finish" },
            "findings_total": total,
            "findings": findings,
            "could_not_check": unchecked,
            "renderings_compared": self.lists.compared,
        });
        if let Some((found, kind)) = &self.log {
            let kinds: serde_json::Map<String, Value> = EntryKind::ALL
                .iter()
                .map(|kind| (kind_name(*kind).to_owned(), found.counts.of_kind(*kind).into()))
                .collect();
            let keys: Vec<Value> = self
                .keys
                .iter()
                .map(|key| {
                    let hours = found.counts.issued_by_key_and_hour().of_key(key.thumbprint);
                    let hours: serde_json::Map<String, Value> =
                        hours.map(|(hour, count)| (rfc3339(hour), count.into())).collect();
                    json!({ "key": key.thumbprint.to_hex(), "kid": key.kid(), "issuer": key.issuer, "state": key.state, "issued": key.issued, "issued_by_hour": hours })
                })
                .collect();
            object["origin"] = found.checkpoint.origin.clone().into();
            object["size"] = found.checkpoint.size.0.into();
            object["root"] = found.checkpoint.root.to_base64().into();
            object["kind"] = match kind {
                LogKind::Raw => "raw",
                LogKind::Typed => "typed",
            }
            .into();
            object["replayed"] = found.replayed.0.into();
            object["entries"] = kinds.into();
            object["foreign"] = found.counts.foreign().into();
            object["malformed"] = found.counts.malformed().into();
            object["refused"] = found.counts.refused().into();
            object["keys"] = keys.into();
        }
        object
    }
}

pub(crate) const fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Bundle => "bundle",
        EntryKind::Issue => "issue",
        EntryKind::Key => "key",
        EntryKind::List => "list",
        EntryKind::Snapshot => "snapshot",
        EntryKind::Status => "status",
    }
}

/// One line. What a log wrote is not to move the cursor.
fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    let shown: String =
        line.to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    // Writing to a String cannot fail.
    writeln!(out, "{shown}").unwrap_or_default();
}
