//! Verifies `eddsa-rdfc-2022` proofs of others with `ssi`, for `sillok serve`: one request on standard input, one answer on
//! standard output, and the end. It reads no file, opens no socket, and bounds itself before it reads.
//!
//! Whose key it is, what the proof is for and when it was made is the issuer's to check; here is only whether the signature is
//! that of the named key over the document. The issuer hands over texts that it has parsed and written anew.

use std::collections::HashMap;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::process::ExitCode;

use iref::IriBuf;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use ssi_claims_core::VerificationParameters;
use ssi_data_integrity_core::{DataIntegrity, DataIntegrityDocument, from_json_str};
use ssi_data_integrity_suites::EdDsaRdfc2022;
use ssi_json_ld::ContextLoader;
use ssi_verification_methods::Multikey;

/// Documents with one proof each, as JSON texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    documents: Vec<Document>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The document with its proof.
    text: String,
    /// The verification method that the proof names: `did:key:z6Mk…#z6Mk…`.
    method: String,
    /// The `did:key`, and behind its prefix the key.
    controller: String,
}

#[derive(Serialize)]
struct Answer {
    /// One for each document, in their order.
    results: Vec<Outcome>,
}

/// What is known of one proof.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "result", content = "detail")]
enum Outcome {
    /// The document cannot be processed: nothing is known of the signature.
    Unprocessable(String),
    Invalid(String),
    Valid,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("sillok-foreign-proofs: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    for (resource, limit) in LIMITS {
        let limit = Rlimit { current: Some(*limit), maximum: Some(*limit) };
        setrlimit(*resource, limit).map_err(|error| format!("cannot bound itself: {error}"))?;
    }
    let mut text = String::new();
    stdin().take(MAX_REQUEST_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let request: Request =
        serde_json::from_str(&text).map_err(|error| format!("request is refused: {error}"))?;
    let results = request.documents.iter().map(|document| verify(document).unwrap_or_else(|outcome| outcome));
    let answer = Answer { results: results.collect() };
    let answer = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
    stdout().write_all(&answer).map_err(|error| error.to_string())
}

fn verify(document: &Document) -> Result<Outcome, Outcome> {
    let key = document.controller.strip_prefix("did:key:").unwrap_or_default();
    let unprocessable =
        |what: &str, error: &dyn std::fmt::Display| Outcome::Unprocessable(format!("{what}: {error}"));
    let method: Multikey = serde_json::from_value(serde_json::json!({
        "type": "Multikey",
        "id": document.method,
        "controller": document.controller,
        "publicKeyMultibase": key,
    }))
    .map_err(|error| unprocessable("verification method", &error))?;
    let keys: HashMap<IriBuf, Multikey> = HashMap::from([(method.id.clone(), method)]);
    let loader = ContextLoader::empty()
        .with_context_map_from(CONTEXTS.iter().map(|(url, text)| ((*url).into(), (*text).into())).collect())
        .map_err(|error| unprocessable("contexts", &error))?;
    let parameters = VerificationParameters::from_resolver(keys).with_json_ld_loader(loader);
    let secured: DataIntegrity<DataIntegrityDocument, EdDsaRdfc2022> =
        from_json_str(&document.text).map_err(|error| unprocessable("document", &error))?;
    if secured.proofs.as_slice().len() != 1 {
        return Err(Outcome::Unprocessable("document has not one proof".into()));
    }
    match pollster::block_on(secured.verify(&parameters)) {
        Ok(Ok(())) => Ok(Outcome::Valid),
        Ok(Err(invalid)) => Ok(Outcome::Invalid(invalid.to_string())),
        Err(error) => Ok(Outcome::Unprocessable(error.to_string())),
    }
}

/// The contexts that are known: nothing else is processed, and nothing is fetched.
const CONTEXTS: &[(&str, &str)] = &[
    ("https://www.w3.org/ns/credentials/v2", include_str!("../src/document/contexts/credentials-v2.json")),
    (
        "https://www.w3.org/ns/credentials/examples/v2",
        include_str!("../src/document/contexts/examples-v2.json"),
    ),
    ("https://w3id.org/security/data-integrity/v2", ssi_contexts::W3ID_DATA_INTEGRITY_V2),
];

/// What it may take: canonicalisation can be made to take for ever by graphs that are made for it. Half a gibibyte, five
/// seconds of a core, no file written, no more files than the three that it has and some for the loader.
const LIMITS: &[(Resource, u64)] = &[
    (Resource::As, 512 << 20),
    (Resource::Cpu, 5),
    (Resource::Fsize, 0),
    (Resource::Nofile, 8),
    (Resource::Core, 0),
];

/// Twice what the issuer lets in as a presentation.
const MAX_REQUEST_BYTES: u64 = 1 << 20;
