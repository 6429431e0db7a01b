//! The Type Metadata of a type (draft-ietf-oauth-sd-jwt-vc-13 section 6): what a wallet that has a `dc+sd-jwt` reads at its `vct`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::CredentialType;

/// The document at the `vct` of a type, and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMetadata {
    /// The URL of the type.
    pub vct: String,
    /// The exact bytes that are served: credentials that have been issued name their digest.
    pub document: String,
    /// `vct#integrity`: W3C Subresource Integrity, SHA-256.
    pub integrity: String,
}

/// Members in this order for ever: another order would be another digest.
#[derive(Serialize)]
struct Document<'a> {
    vct: &'a str,
    name: &'a str,
    description: &'a str,
    display: Vec<Display<'a>>,
    claims: Vec<Claim<'a>>,
}

#[derive(Serialize)]
struct Display<'a> {
    locale: &'a str,
    name: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct Claim<'a> {
    path: &'a [Option<String>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    display: Vec<Label<'a>>,
    mandatory: bool,
    sd: &'static str,
}

#[derive(Serialize)]
struct Label<'a> {
    locale: &'a str,
    label: &'a str,
}

impl TypeMetadata {
    //= specs/credential.md#type-metadata
    pub(super) fn of(kind: &CredentialType, issuer: &str) -> Self {
        let vct = sillok_verifier::credential::vct(issuer, kind.type_name());
        let display = kind.display();
        let first = display.get("en").or_else(|| display.values().next());
        let document = Document {
            vct: &vct,
            name: first.map_or_else(|| kind.name(), |display| &display.name),
            description: first.map_or("", |display| &display.description),
            display: display
                .iter()
                .map(|(locale, said)| Display { locale, name: &said.name, description: &said.description })
                .collect(),
            claims: kind
                .claims()
                .iter()
                .map(|claim| Claim {
                    path: &claim.path,
                    display: claim.labels.iter().map(|(locale, label)| Label { locale, label }).collect(),
                    mandatory: claim.mandatory,
                    sd: if claim.selective { "always" } else { "never" },
                })
                .collect(),
        };
        // Strings, numbers and lists of them have no way to fail.
        let document = serde_json::to_string(&document).unwrap_or_default();
        let integrity = format!("sha256-{}", STANDARD.encode(Sha256::digest(&document)));
        Self { vct, document, integrity }
    }
}
