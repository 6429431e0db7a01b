//! Data Integrity proofs by others: `eddsa-rdfc-2022` with a `did:key` (W3C Data Integrity EdDSA Cryptosuites section 3.2).
//!
//! What a proof says about itself is checked here. Whether its signature is over the document takes a library for RDF
//! canonicalisation, which is a program of its own with bounds of its own: [`ProofVerifier`] starts it for one request and
//! ends it when it takes too long.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use sillok_log::UnixSeconds;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Object};

use super::Finding;
use super::keys::ForeignKey;
use super::token::Content;
use crate::document::{id_of, items};
use crate::http::body::to_value;

/// What whoever asks has asked the holder for.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The challenge, if there was one.
    pub challenge: Option<&'a str>,
    /// Whom the answer is meant for.
    pub domain: Option<&'a str>,
}

/// A document with one proof, of which everything but the signature is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    text: String,
    method: String,
    controller: String,
}

impl Proved {
    /// Reads the proof of a document and checks what it says about itself.
    ///
    /// # Errors
    /// Not one proof, of another kind, for another purpose or door, by somebody else, or over.
    //= specs/vcalm.md#proofs
    pub fn read(
        document: &Object,
        content: Content,
        asked: Asked<'_>,
        now: UnixSeconds,
    ) -> Result<Self, Finding> {
        let malformed = |detail: &str| Finding::malformed("proof.malformed", detail);
        let [proof] = items(document, "proof") else { return Err(malformed("document has not one proof")) };
        let proof = proof.object().map_err(|_error| malformed("proof is not an object"))?;
        let text = |name| proof.get(name).and_then(|value| value.string().ok());
        if (text("type"), text("cryptosuite")) != (Some("DataIntegrityProof"), Some("eddsa-rdfc-2022")) {
            return Err(Finding::unknown("proof.unsupported", "proof is of a kind that is not known here"));
        }
        let (purpose, author) = match content {
            Content::Credential => ("assertionMethod", "issuer"),
            Content::Presentation => ("authentication", "holder"),
        };
        if text("proofPurpose") != Some(purpose) {
            return Err(Finding::invalid("proof.purpose", format!("proof is not for {purpose}")));
        }
        let method =
            text("verificationMethod").ok_or_else(|| malformed("proof names no verificationMethod"))?;
        let (controller, fragment) = method.split_once('#').unwrap_or_default();
        if controller.strip_prefix("did:key:") != Some(fragment) {
            return Err(Finding::unknown(
                "issuer.unknown",
                "verificationMethod of the proof is not a did:key",
            ));
        }
        // Whether it is a point that signatures can be checked with: the program itself is less strict.
        let key =
            ForeignKey::of_did(controller).map_err(|error| Finding::unknown("issuer.unknown", error))?;
        if key.algorithm() != "EdDSA" {
            return Err(malformed("key of an eddsa-rdfc-2022 proof is not Ed25519"));
        }
        let claimed = id_of(document, author);
        if claimed != Some(controller) && (content == Content::Credential || claimed.is_some()) {
            return Err(Finding::invalid(
                "credential.issuer-mismatch",
                format!("proof is not by the {author} of the document"),
            ));
        }
        let value = text("proofValue").and_then(|value| value.strip_prefix('z'));
        if value.and_then(super::keys::decode_base58).is_none_or(|value| value.len() != 64) {
            return Err(malformed("proofValue is not 64 bytes in base58btc"));
        }
        check_times(proof, now)?;
        check_asked(proof, asked)?;
        let text = to_value(&Json::Object(document.clone())).to_string();
        Ok(Self { text, method: method.into(), controller: controller.into() })
    }
}

/// `created` and `expires` (W3C Data Integrity section 2.1).
fn check_times(proof: &Object, now: UnixSeconds) -> Result<(), Finding> {
    let time = |name: &str| match proof.get(name) {
        None => Ok(None),
        Some(value) => value.string().ok().and_then(parse_date_time_stamp).map(Some).ok_or_else(|| {
            Finding::malformed("proof.malformed", format!("{name} of the proof is not an xsd:dateTimeStamp"))
        }),
    };
    time("created")?;
    match time("expires")? {
        Some(end) if now >= end => Err(Finding::invalid("validity.signature-expired", "proof has expired")),
        Some(_) | None => Ok(()),
    }
}

/// `challenge` and `domain`, which may be several.
fn check_asked(proof: &Object, asked: Asked<'_>) -> Result<(), Finding> {
    let says = |name, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| items(proof, name).iter().any(|value| value.string().ok() == Some(wanted)))
    };
    if !says("challenge", asked.challenge) {
        return Err(Finding::invalid("proof.challenge", "proof does not answer the challenge"));
    }
    if !says("domain", asked.domain) {
        return Err(Finding::invalid("proof.domain", "proof is not meant for the domain"));
    }
    Ok(())
}

/// Runs the program that checks signatures of proofs.
pub struct ProofVerifier {
    program: Option<PathBuf>,
    running: AtomicUsize,
}

impl ProofVerifier {
    /// With this program, if one is set up.
    #[must_use]
    pub const fn new(program: Option<PathBuf>) -> Self {
        Self { program, running: AtomicUsize::new(0) }
    }

    /// Checks the signatures of some documents, by one process. It blocks.
    ///
    /// # Errors
    /// Nothing is known of any of them: there is no program, too many run, or it has failed.
    //= specs/vcalm.md#proofs
    pub fn verify(&self, documents: &[Proved]) -> Result<Vec<Result<(), Finding>>, Finding> {
        let missing = "no verifier of such proofs is set up (setting foreign_proof_verifier)";
        let program = self.program.as_ref().ok_or_else(|| Finding::unknown("proof.no-verifier", missing))?;
        let _turn = Turn::take(&self.running)?;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::warn!(program = %program.display(), %error, "verifier of proofs failed");
            Finding::unknown(
                "proof.no-verifier",
                "verifier of such proofs has failed; the service's log says why",
            )
        };
        let items = documents.iter().map(|document| {
            json!({ "text": document.text, "method": document.method, "controller": document.controller })
        });
        let request = json!({ "documents": items.collect::<Vec<_>>() }).to_string();
        let answer = run(Command::new(program), request.into_bytes()).map_err(|error| failed(&error))?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| failed(&error))?;
        if answer.results.len() != documents.len() {
            return Err(failed(&"it did not answer for every document"));
        }
        Ok(answer.results.into_iter().map(Outcome::judge).collect())
    }
}

/// One of the processes that may run at a time.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn take(running: &'a AtomicUsize) -> Result<Self, Finding> {
        let turn = Self(running);
        if running.fetch_add(1, Ordering::SeqCst) < MAX_PROCESSES {
            return Ok(turn);
        }
        Err(Finding::unknown("proof.busy", "too many proofs are being verified; come again"))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", tag = "result")]
enum Outcome {
    Invalid,
    Unprocessable,
    Valid,
}

impl Outcome {
    fn judge(self) -> Result<(), Finding> {
        match self {
            Self::Valid => Ok(()),
            Self::Invalid => {
                Err(Finding::invalid("signature.invalid", "proof does not verify under the key"))
            }
            // Its detail may hold parts of the document.
            Self::Unprocessable => Err(Finding::malformed(
                "document.unprocessable",
                "document is not JSON-LD that can be processed with the contexts that are known here",
            )),
        }
    }
}

/// Runs a program with bytes for its input until it ends, or its time does.
fn run(mut command: Command, input: Vec<u8>) -> io::Result<Vec<u8>> {
    command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Ended(command.spawn()?);
    let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
    // Both ends at once: a program that answers before it has read everything would wait for us, and we for it.
    let writer = thread::Builder::new()
        .name("sillok-proof-in".into())
        .spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&input)))?;
    let reader = thread::Builder::new().name("sillok-proof-out".into()).spawn(move || {
        let mut answer = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut answer));
        read.unwrap_or(Ok(0)).map(|_count| answer)
    })?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        if began.elapsed() > MAX_TIME {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long and was ended"));
        }
        thread::sleep(POLL);
    };
    let gone = |_panicked| io::Error::other("a thread beside it has gone");
    drop(writer.join().map_err(gone)?);
    let answer = reader.join().map_err(gone)??;
    if status.success() { Ok(answer) } else { Err(io::Error::other(format!("it ended with {status}"))) }
}

/// A process that does not outlast its request.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Processes at a time: each may take half a gibibyte.
const MAX_PROCESSES: usize = 4;

/// Some bytes for each document.
const MAX_ANSWER_BYTES: u64 = 65_536;

/// A document takes some milliseconds; beyond this it is made to take long. The program has five seconds of a core.
const MAX_TIME: Duration = Duration::from_secs(8);

/// How often it is looked whether the program has ended: a tenth of what it takes.
const POLL: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_bounded_and_does_not_outlast_its_request() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(run(shell("cat"), b"a".repeat(60_000)).unwrap().len(), 60_000);
        assert!(run(shell("cat"), b"a".repeat(1 << 20)).is_err());
        // It may end without having read anything.
        assert_eq!(run(shell("echo done"), b"a".repeat(1 << 20)).unwrap(), b"done\n");
        assert!(run(shell("exit 3"), Vec::new()).unwrap_err().to_string().contains('3'));
        assert!(run(Command::new("/nowhere"), Vec::new()).is_err());
    }

    #[test]
    fn only_so_many_run_at_once() {
        let running = AtomicUsize::new(0);
        let turns: Vec<_> = (0..MAX_PROCESSES).map(|_| Turn::take(&running).ok().unwrap()).collect();
        assert_eq!(Turn::take(&running).err().unwrap().why().code, "proof.busy");
        drop(turns);
        assert!(Turn::take(&running).is_ok());
    }
}
