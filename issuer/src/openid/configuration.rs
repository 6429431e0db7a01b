//! What can be had: one credential configuration for each type in each format.

use serde_json::{Map, Value, json};

use crate::application::Core;
use crate::compose::vct;
use crate::format::{Format, ISSUED};
use crate::records::HolderKey;
use crate::types::{ClaimDescription, CredentialType};

/// The identifier of a configuration.
//= specs/openid.md#metadata
pub(super) fn id(kind: &CredentialType, format: Format) -> String {
    format!("{}_{}", kind.type_name(), format.name())
}

/// The format of a configuration of a type, if there is one of this identifier.
pub(super) fn format_of(kind: &CredentialType, configuration: &str) -> Option<Format> {
    ISSUED.iter().copied().find(|format| id(kind, *format) == configuration)
}

/// Whether any type has a configuration of this identifier.
pub(super) fn is_known(core: &Core, configuration: &str) -> bool {
    core.types.iter().any(|kind| format_of(kind, configuration).is_some())
}

/// How a holder may name the key that a credential of a format is bound to: a W3C credential of 1.1 has a place for a DID
/// alone.
//= specs/openid.md#metadata
pub(super) const fn binding_methods(format: Format) -> &'static [&'static str] {
    match format {
        Format::JwtVcJson => &["did:jwk", "did:key"],
        Format::DcSdJwt | Format::VcJwt | Format::VcSdJwt => &["jwk", "did:jwk", "did:key"],
    }
}

/// Whether a credential of a format is bound to a key that is named so.
pub(super) fn binds(format: Format, holder: &HolderKey) -> bool {
    binding_methods(format).iter().any(|method| match &holder.did {
        None => *method == "jwk",
        Some(did) => did.strip_prefix(method).is_some_and(|rest| rest.starts_with(':')),
    })
}

/// The metadata of the credential issuer (OpenID4VCI 1.0 section 12.2.4).
//= specs/openid.md#metadata
pub(super) fn metadata(core: &Core) -> Value {
    let url = &core.config.public_url;
    let mut configurations = Map::new();
    for kind in core.types.iter() {
        for format in ISSUED {
            configurations.insert(id(kind, *format), configuration(core, kind, *format));
        }
    }
    let mut metadata = json!({
        "credential_issuer": url,
        "credential_endpoint": format!("{url}{}", super::http::CREDENTIAL_PATH),
        "nonce_endpoint": format!("{url}{}", super::http::NONCE_PATH),
        "deferred_credential_endpoint": format!("{url}{}", super::http::DEFERRED_PATH),
        "notification_endpoint": format!("{url}{}", super::http::NOTIFICATION_PATH),
        "display": [{ "name": core.config.name }],
        "credential_configurations_supported": configurations,
    });
    if !core.config.one_key_per_person {
        metadata["batch_credential_issuance"] = json!({ "batch_size": super::http::MAX_PROOFS });
    }
    metadata
}

fn configuration(core: &Core, kind: &CredentialType, format: Format) -> Value {
    let display = kind.display().iter().map(|(language, display)| {
        json!({ "name": display.name, "locale": language, "description": display.description })
    });
    let mut value = json!({
        "format": format.name(),
        "cryptographic_binding_methods_supported": binding_methods(format),
        "credential_signing_alg_values_supported": [signing_algorithm(core)],
        "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256", "EdDSA"] } },
        "credential_metadata": {
            "display": display.collect::<Vec<_>>(),
            "claims": claims(kind, format),
        },
    });
    match format {
        Format::DcSdJwt => value["vct"] = vct(&core.config.public_url, kind).into(),
        Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt => {
            value["credential_definition"] = json!({ "type": ["VerifiableCredential", kind.type_name()] });
        }
    }
    value
}

/// What the present key signs with.
fn signing_algorithm(core: &Core) -> &'static str {
    core.signer().map_or(core.config.algorithm, |signer| signer.algorithm()).name()
}

/// The claims of a type, and what people call them.
fn claims(kind: &CredentialType, format: Format) -> Vec<Value> {
    let claim = |claim: &ClaimDescription| {
        let mut path: Vec<Value> = match format {
            Format::DcSdJwt => Vec::new(),
            Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt => vec!["credentialSubject".into()],
        };
        path.extend(claim.path.iter().map(|step| step.clone().map_or(Value::Null, Value::String)));
        let mut value = json!({ "path": path, "mandatory": claim.mandatory });
        if !claim.labels.is_empty() {
            let label = |(language, name)| json!({ "name": name, "locale": language });
            value["display"] = claim.labels.iter().map(label).collect();
        }
        value
    };
    kind.claims().iter().map(claim).collect()
}
