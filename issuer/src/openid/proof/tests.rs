//! Damaged key proofs, always the same twenty thousand: none is taken that its key did not sign.

use std::collections::BTreeSet;

use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;

use super::{Proof, read};
use crate::mutation;
use crate::sign::{FileSigner, Signer as _};

fn proof(algorithm: Algorithm, header: &str, claims: &str) -> String {
    let signer = FileSigner::new(algorithm, &[9; 32]).unwrap();
    let jwk = signer.public_key().to_jwk_json();
    let header = header.replace("JWK", &jwk).replace("DID", &encode_base64url(jwk.as_bytes()));
    let input = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(claims.as_bytes()));
    format!("{input}.{}", encode_base64url(&signer.sign(input.as_bytes()).unwrap()))
}

#[test]
fn a_damaged_proof_proves_nothing() {
    let claims = r#"{"aud":"https://health.example","iat":1800000000,"nonce":"n"}"#;
    let more = r#"{"iss":"wallet","aud":"https://health.example","iat":1800000000,"exp":1800000060}"#;
    let typ = "\"typ\":\"openid4vci-proof+jwt\"";
    let sound = [
        proof(Algorithm::Es256, &format!(r#"{{{typ},"alg":"ES256","jwk":JWK}}"#), claims),
        proof(Algorithm::EdDsa, &format!(r#"{{"alg":"EdDSA",{typ},"kid":"did:jwk:DID#0","x":[1]}}"#), more),
    ];
    for text in &sound {
        Proof::open(text).unwrap();
    }
    let known: BTreeSet<&str> = sound.iter().map(String::as_str).collect();
    let corpus = sound.iter().map(|text| text.clone().into_bytes()).collect();
    let mut mutator = mutation::Mutator::new(SEED, corpus);
    let mut parsed = 0;
    for _case in 0..CASES {
        let input = mutator.draw();
        let Ok(text) = std::str::from_utf8(&input) else { continue };
        if known.contains(text) || read(text).is_err() {
            continue;
        }
        parsed += 1;
        // Of one signature of ES256 another can be made, of the same text.
        let is_other = |sound: &&str| {
            sound.rsplit_once('.').map(|(input, _)| input) != text.rsplit_once('.').map(|(input, _)| input)
        };
        assert!(Proof::open(text).is_err() || !known.iter().all(is_other), "{text}");
    }
    println!("{CASES} cases from seed {SEED:#x}, {parsed} of the right form");
    assert!(parsed > 0, "the damage never reaches the signature");
}

const CASES: usize = 20_000;

/// Any number.
const SEED: u64 = 0x2021_1213_1141;
