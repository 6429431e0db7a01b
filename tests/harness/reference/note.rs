//! Signed notes, checkpoints and Ed25519 cosignatures of C2SP, written and read the slow way.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::encoding::{base64, decimal, hex, unbase64};
use super::tree::{Hash, sha256};

/// Signature type of plain notes.
pub const ED25519: u8 = 0x01;
/// Signature type of cosignatures.
pub const COSIGNATURE: u8 = 0x04;

/// A private key of notes, made from a fixed seed.
#[derive(Clone)]
pub struct NoteKey {
    /// The name in signature lines.
    pub name: String,
    /// The signature type.
    pub kind: u8,
    secret: SigningKey,
}

impl NoteKey {
    /// The key whose seed is 32 times `seed`.
    #[must_use]
    pub fn new(name: &str, kind: u8, seed: u8) -> Self {
        Self { name: name.into(), kind, secret: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.secret.verifying_key().to_bytes()
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.public())
    }

    /// The verifier key text.
    #[must_use]
    pub fn vkey(&self) -> String {
        vkey(&self.name, self.kind, &self.public())
    }

    /// The signature line over `text`, newline included.
    #[must_use]
    pub fn line(&self, text: &str) -> String {
        self.line_of(&self.secret.sign(text.as_bytes()).to_bytes())
    }

    /// The cosignature line over `text` at `time`, newline included (tlog-cosignature).
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(self.secret.sign(message.as_bytes()).to_bytes());
        self.line_of(&bytes)
    }

    /// A signature line that carries these bytes behind the key's ID.
    #[must_use]
    pub fn line_of(&self, signature: &[u8]) -> String {
        format!("\u{2014} {} {}\n", self.name, base64(&[&self.id()[..], signature].concat()))
    }
}

/// The ID of a key.
#[must_use]
pub fn key_id(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[kind], public]);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The text of a verifier key.
#[must_use]
pub fn vkey(name: &str, kind: u8, public: &[u8]) -> String {
    let material = [&[kind], public].concat();
    format!("{name}+{}+{}", hex(&key_id(name, kind, public)), base64(&material))
}

/// A text, an empty line and signature lines.
#[must_use]
pub fn note(text: &str, lines: &[String]) -> String {
    format!("{text}\n{}", lines.concat())
}

/// The three lines of a checkpoint.
#[must_use]
pub fn checkpoint_text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", base64(root))
}

/// Who of the verifier keys `known` (type 1) signed the note, in the order of the lines; nothing if the note is
/// refused.
#[must_use]
pub fn signers(note: &[u8], known: &[String]) -> Option<Vec<String>> {
    let note = std::str::from_utf8(note).ok()?;
    if note.len() > 1 << 20 || note.chars().any(|c| c < ' ' && c != '\n') {
        return None;
    }
    let blank = note.rfind("\n\n")?;
    let (text, lines) = (&note[..=blank], note[blank + 2..].strip_suffix('\n')?);
    let lines: Vec<&str> = lines.split('\n').collect();
    if lines.len() > 64 {
        return None;
    }
    let mut found = Vec::new();
    for line in lines {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = unbase64(encoded)?;
        if name.is_empty() || name.contains('+') || name.contains(char::is_whitespace) || bytes.len() < 5 {
            return None;
        }
        let (id, signature) = bytes.split_at(4);
        let Some(key) = known.iter().find(|key| key.starts_with(&format!("{name}+{}+", hex(id)))) else {
            continue;
        };
        if found.contains(key) || !verifies(key, text.as_bytes(), signature)? {
            return None;
        }
        found.push(key.clone());
    }
    (!found.is_empty()).then_some(found)
}

fn verifies(vkey: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
    let material = unbase64(vkey.splitn(3, '+').nth(2)?)?;
    let key = VerifyingKey::from_bytes(material.get(1..)?.try_into().ok()?).ok()?;
    let Ok(signature) = Signature::from_slice(signature) else { return Some(false) };
    Some(key.verify_strict(message, &signature).is_ok())
}

/// Origin, size and root of a note that the log with this verifier key signed.
#[must_use]
pub fn open_checkpoint(note: &[u8], vkey: &str) -> Option<(String, u64, Hash)> {
    signers(note, &[vkey.to_owned()])?;
    let note = std::str::from_utf8(note).ok()?;
    let text = &note[..=note.rfind("\n\n")?];
    let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
    let [origin, size, root] = lines[..] else { return None };
    let size = decimal(size).filter(|size| *size < 1 << 63)?;
    let root = unbase64(root)?.try_into().ok()?;
    (origin == vkey.split('+').next()?).then(|| (origin.to_owned(), size, root))
}
