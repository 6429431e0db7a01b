//! Signing and composing, judged by the verifier.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use sillok_issuer::compose::{Composition, compose, context_document, context_path, credential_id};
use sillok_issuer::format::Format;
use sillok_issuer::sign::{FileSigner, SignError, Signer, sign_compact};
use sillok_issuer::slots::Slot;
use sillok_issuer::types::CredentialTypes;
use sillok_log::UnixSeconds;
use sillok_log::entry::ListId;
use sillok_verifier::check_issued;
use sillok_verifier::credential::Credential;
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::key::{Algorithm, PublicKey};

const ISSUER: &str = "https://issuer.example";
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const CLAIMS: &str = r#"{"familyName":"한","givenName":"Seo\"yeon","birthDate":"1990-02-28","doses":[{"number":1,"date":"2021-08-01","vaccine":"XM68M6"}]}"#;

fn signer(algorithm: Algorithm) -> FileSigner {
    FileSigner::new(algorithm, &[7; 32]).unwrap()
}

fn payload(holder: Option<&PublicKey>) -> String {
    let types = CredentialTypes::load(None).unwrap();
    let kind = types.get("vaccination").unwrap();
    let claims = kind.check(CLAIMS).unwrap();
    let id = credential_id(&[0xff; 16]);
    let composition = Composition {
        format: Format::VcJwt,
        issuer: ISSUER,
        issuer_name: "Health authority",
        kind,
        claims: &claims,
        id: &id,
        slot: Slot { list: ListId([0xab; 16]), index: 77 },
        holder,
        holder_did: None,
        valid_from: NOW,
    };
    compose(&composition, &mut || unreachable!("nothing is hidden")).unwrap().payload
}

#[test]
fn signatures_of_both_algorithms_verify_and_es256_has_the_lower_s() {
    fn is_shared<T: Send + Sync>(_signer: &T) {}
    // The order of P-256 (SEC 2) begins like this; s is at most half of it.
    let half = [0x7f, 0xff, 0xff, 0xff, 0x80];
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let signer = signer(algorithm);
        is_shared(&signer);
        assert_eq!(signer.algorithm(), algorithm);
        assert_eq!(signer.thumbprint(), signer.public_key().thumbprint());
        for message in 0..64_u8 {
            let signature = signer.sign(&[message]).unwrap();
            signer.public_key().verify(&[message], &signature).unwrap();
            signer.public_key().verify(&[message, 0], &signature).unwrap_err();
            assert!(algorithm != Algorithm::Es256 || signature[32..37] <= half[..]);
        }
    }
}

#[test]
fn the_public_key_is_that_of_the_secret() {
    // RFC 8037 appendix A.1.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let seed: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&seed[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let signer = FileSigner::new(Algorithm::EdDsa, seed.as_slice().try_into().unwrap()).unwrap();
    assert!(signer.public_jwk().contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    // RFC 7515 appendix A.3.
    let scalar = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
    let scalar = sillok_verifier::encoding::decode_base64url_exact(scalar.as_bytes()).unwrap();
    let signer = FileSigner::new(Algorithm::Es256, &scalar).unwrap();
    assert!(signer.public_jwk().contains("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"));
    assert!(signer.public_jwk().contains("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
}

#[test]
fn a_scalar_that_is_none_is_refused() {
    for scalar in [[0; 32], [0xff; 32]] {
        let error = FileSigner::new(Algorithm::Es256, &scalar).unwrap_err();
        assert!(matches!(error, SignError::Scalar), "{error}");
    }
}

#[test]
fn a_composed_credential_passes_the_verifiers_rules() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let signer = signer(algorithm);
        let holder = FileSigner::new(Algorithm::Es256, &[9; 32]).unwrap();
        for holder in [None, Some(holder.public_key())] {
            let signed = sign_compact(&signer, &payload(holder), TokenType::CREDENTIAL).unwrap();
            let text = signed.text().as_bytes();
            check_issued(text, ISSUER, signer.public_key(), NOW).unwrap();
            let jws = Jws::parse(text, TokenType::CREDENTIAL).unwrap();
            assert_eq!(jws.signing_input(), signed.signing_input());
            let credential = Credential::parse(jws.payload()).unwrap();
            assert_eq!(credential.issuer, ISSUER);
            assert_eq!(credential.id, "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff");
            assert_eq!((credential.valid_from, credential.not_before), (NOW, None));
            assert_eq!(credential.valid_until, Some(UnixSeconds(NOW.0 + 730 * 86_400)));
            assert_eq!(credential.status.uri, format!("{ISSUER}/status/{}", "ab".repeat(16)));
            assert_eq!(credential.status.index, 77);
            assert_eq!(credential.holder.as_ref(), holder);
            // Another issuer, another key: the self-check would notice.
            check_issued(text, "https://other.example", signer.public_key(), NOW).unwrap_err();
            let other = FileSigner::new(algorithm, &[8; 32]).unwrap();
            check_issued(text, ISSUER, other.public_key(), NOW).unwrap_err();
        }
    }
}

#[test]
fn the_exact_bytes_of_a_credential_are_these() {
    let list = format!("{ISSUER}/status/{}", "ab".repeat(16));
    let entry = |purpose| {
        format!(
            r#"{{"type":"BitstringStatusListEntry","statusPurpose":"{purpose}","statusListIndex":"77","statusListCredential":"{list}/{purpose}"}}"#
        )
    };
    // Claims in the order in which they came.
    let claims = CLAIMS;
    let expected = format!(
        r#"{{"@context":["https://www.w3.org/ns/credentials/v2","{ISSUER}/contexts/vaccination/v1"],"id":"urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff","type":["VerifiableCredential","VaccinationCredential"],"issuer":{{"id":"{ISSUER}","name":"Health authority"}},"iss":"{ISSUER}","validFrom":"2027-01-15T08:00:00Z","validUntil":"2029-01-14T08:00:00Z","credentialSubject":{claims},"credentialStatus":[{},{}]}}"#,
        entry("revocation"),
        entry("suspension")
    );
    assert_eq!(payload(None), expected);
}

#[test]
fn the_context_document_is_at_its_path() {
    let types = CredentialTypes::load(None).unwrap();
    let kind = types.get("vaccination").unwrap();
    assert_eq!(context_path(kind), "/contexts/vaccination/v1");
    let document: serde_json::Value = serde_json::from_str(&context_document(kind)).unwrap();
    assert_eq!(document["@context"]["familyName"], "https://schema.org/familyName");
    assert_eq!(document["@context"]["@protected"], true);
}

#[test]
fn a_token_that_no_verifier_reads_is_not_made() {
    let payload = format!(r#"{{"x":"{}"}}"#, "y".repeat(20_000));
    let error = sign_compact(&signer(Algorithm::EdDsa), &payload, TokenType::CREDENTIAL).unwrap_err();
    assert!(matches!(error, SignError::TooLong { limit: 16_384, .. }), "{error}");
}
