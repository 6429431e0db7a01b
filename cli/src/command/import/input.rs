//! What is to be issued, from files of either form, told apart line by line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sillok_verifier::encoding::encode_base64url;

use crate::exit::usage;
use crate::fhir::{Export, Record, Refused};

/// One credential to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Of everything that is asked for, but the idempotency key, which is made of it.
    pub(super) digest: [u8; 32],
    pub(super) subject: String,
    /// An item of a batch request, as JSON.
    pub(super) request: String,
    /// The lines that it was made from.
    pub(super) places: Vec<(String, u64)>,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) items: Vec<Item>,
    pub(super) refused: Vec<Refused>,
    /// Lines that are not blank.
    pub(super) lines: u64,
}

/// Reads all files; `-` is standard input.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Input> {
    let mut reader = Reader::default();
    for path in files {
        let name = path.display().to_string();
        let result = if path == Path::new("-") {
            reader.read(&name, &mut std::io::stdin().lock())
        } else {
            match File::open(path) {
                Ok(file) => reader.read(&name, &mut BufReader::with_capacity(BUFFER_BYTES, file)),
                Err(error) => return usage(format!("could not open {name}: {error}")),
            }
        };
        result.map_err(|error| anyhow!("could not read {name}: {error}"))?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader {
    export: Export,
    items: Vec<Item>,
    refused: Vec<Refused>,
    lines: u64,
}

impl Reader {
    fn read(&mut self, file: &str, mut input: &mut dyn BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if (&mut input).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.len() as u64 > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
                self.lines += 1;
                skip_line(input)?;
                self.refuse(file, number, format!("line has more than {MAX_LINE_BYTES} bytes"));
                continue;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.lines += 1;
            match str::from_utf8(&line) {
                Ok(text) => self.take(file, number, text.trim_end()),
                Err(_bytes) => self.refuse(file, number, "line is not UTF-8".into()),
            }
        }
        Ok(())
    }

    fn take(&mut self, file: &str, number: u64, line: &str) {
        match serde_json::from_str(line) {
            Ok(Form { resource_type: Some(_), .. }) => self.export.push(file, number, line),
            Ok(Form { resource_type: None, kind: Some(_) }) => match serde_json::from_str::<Line>(line) {
                Ok(own) => self.items.push(own.item((file.into(), number))),
                Err(error) => self.refuse(file, number, format!("not a record: {error}")),
            },
            Ok(Form { resource_type: None, kind: None }) => {
                self.refuse(file, number, "neither a FHIR resource nor a record with a type".into());
            }
            Err(error) => self.refuse(file, number, format!("not a JSON object: {error}")),
        }
    }

    fn refuse(&mut self, file: &str, line: u64, reason: String) {
        self.refused.push(Refused { file: file.into(), line, reason });
    }

    fn finish(self) -> Input {
        let Self { export, items: own, mut refused, lines } = self;
        let (records, of_export) = export.finish();
        refused.extend(of_export);
        let mut seen: BTreeMap<[u8; 32], (String, u64)> = BTreeMap::new();
        let mut items = Vec::with_capacity(records.len() + own.len());
        for item in records.into_iter().map(of_record).chain(own) {
            let first = item.places.first().cloned().unwrap_or_default();
            match seen.get(&item.digest) {
                // It would be the same credential.
                Some((file, line)) => refused.extend(item.places.into_iter().map(|(at, number)| Refused {
                    reason: format!("the same record stands already in {file} line {line}"),
                    file: at,
                    line: number,
                })),
                None => {
                    seen.insert(item.digest, first);
                    items.push(item);
                }
            }
        }
        refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Input { items, refused, lines }
    }
}

/// Reads up to the end of a line that nobody wants.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ends {
            return Ok(());
        }
    }
}

/// Which form a line has.
#[derive(Deserialize)]
struct Form {
    #[serde(rename = "resourceType")]
    resource_type: Option<IgnoredAny>,
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
}

/// A line of our own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    #[serde(default)]
    facility: String,
    #[serde(rename = "sourceEvent", default)]
    source_event: String,
    claims: serde_json::Map<String, Value>,
}

impl Line {
    fn item(self, place: (String, u64)) -> Item {
        let Self { kind, subject, facility, source_event, claims } = self;
        item(&kind, subject, &facility, &source_event, &claims.into(), vec![place])
    }
}

fn of_record(record: Record) -> Item {
    let Record { subject, source_event, facility, claims, places } = record;
    // Ids of many doses may be longer than an event's name can be; their digest says the same to whoever has them.
    let event = if source_event.len() > MAX_EVENT_BYTES {
        format!("sha-256:{}", encode_base64url(&Sha256::digest(&source_event)))
    } else {
        source_event
    };
    item("vaccination", subject, &facility, &event, &claims, places)
}

fn item(
    kind: &str,
    subject: String,
    facility: &str,
    source_event: &str,
    claims: &Value,
    places: Vec<(String, u64)>,
) -> Item {
    let mut request = json!({
        "credential": { "type": ["VerifiableCredential"], "credentialSubject": claims },
        "options": { "type": kind, "subject": subject, "facility": facility, "sourceEvent": source_event },
    });
    let digest = <[u8; 32]>::from(Sha256::digest(request.to_string()));
    // The same record has the same key in every run.
    request["idempotencyKey"] = format!("import-{}", encode_base64url(&digest)).into();
    Item { digest, subject, request: request.to_string(), places }
}

/// A FHIR resource of one person is a few kilobytes; a longer line is not one of ours.
const MAX_LINE_BYTES: u64 = 256 << 10;

/// What an issuer takes as the name of an event (specs/openapi/issuer.json).
const MAX_EVENT_BYTES: usize = 256;

const BUFFER_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Input {
        let mut reader = Reader::default();
        // A small buffer, so that lines span several.
        reader.read("in", &mut BufReader::with_capacity(16, text)).unwrap();
        reader.finish()
    }

    const OWN: &str = r#"{"type":"vaccination","subject":"s1","claims":{"familyName":"Kim"}}"#;

    #[test]
    fn every_line_is_an_item_or_refused_with_its_number() {
        let long = "x".repeat(MAX_LINE_BYTES as usize + 5);
        let text = format!(
            "{OWN}\n\n   \n{{\"resourceType\":\"Patient\",\"id\":\"p\"}}\n{long}\n{OWN}\nnonsense\n[]\n{{}}\n\
             {{\"type\":\"vaccination\",\"subject\":\"s\",\"claims\":{{}},\"extra\":1}}\n{{\"type\":7}}"
        );
        let mut bytes = text.into_bytes();
        bytes.extend(b"\n\xff\xfe\n");
        let Input { items, refused, lines } = read_text(&bytes);
        assert_eq!(items.len(), 1);
        assert_eq!(lines, 10);
        let found: Vec<_> = refused.iter().map(|refused| (refused.line, refused.reason.as_str())).collect();
        let expected = [
            (4, "no name"),
            (5, "more than 262144 bytes"),
            (6, "already in in line 1"),
            (7, "not a JSON object"),
            (8, "not a JSON object"),
            (9, "neither a FHIR resource nor"),
            (10, "unknown field `extra`"),
            (11, "not a record"),
            (12, "not UTF-8"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((line, reason), (at, part)) in found.iter().zip(expected) {
            assert_eq!(*line, at, "{found:?}");
            assert!(reason.contains(part), "{line}: {reason}");
        }
    }

    #[test]
    fn the_key_is_of_the_record_alone() {
        let one = read_text(OWN.as_bytes()).items.remove(0);
        let two = read_text(format!("\n\n{OWN}\r\n").as_bytes()).items.remove(0);
        assert_eq!((one.digest, &one.request), (two.digest, &two.request));
        let other = read_text(OWN.replace("s1", "s2").as_bytes()).items.remove(0);
        assert_ne!(one.digest, other.digest);
        let request: Value = serde_json::from_str(&one.request).unwrap();
        let key = request["idempotencyKey"].as_str().unwrap();
        assert!(key.starts_with("import-") && key.len() <= 128);
        assert_eq!(request["options"]["type"], "vaccination");
    }
}
