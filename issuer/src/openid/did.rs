//! Keys that a DID holds in its own name: did:jwk and did:key. Nothing is resolved, so nothing is fetched.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;

use super::proof::read_jwk;

/// The DID and the key of a DID URL that names the one key of its document.
///
/// # Errors
/// What is wrong with it, to be said of `kid`.
//= specs/openid.md#key-proofs
pub(super) fn resolve(url: &str) -> Result<(&str, PublicKey), &'static str> {
    let (did, fragment) = url.split_once('#').ok_or("names no key of a DID document")?;
    if let Some(name) = did.strip_prefix("did:jwk:") {
        // did:jwk names its one key so.
        if fragment != "0" {
            return Err("is a did:jwk whose fragment is not 0");
        }
        let text = decode_base64url(name.as_bytes()).ok_or("is a did:jwk that is not base64url")?;
        let jwk = Json::parse(&text, &JWK).map_err(|_error| "is a did:jwk that holds no JSON")?;
        return Ok((did, read_jwk(&jwk)?));
    }
    if let Some(name) = did.strip_prefix("did:key:") {
        if fragment != name {
            return Err("is a did:key whose fragment is not its name");
        }
        return Ok((did, multikey(name)?));
    }
    Err("is of a DID method other than did:jwk and did:key")
}

/// The key of a multibase text: `z`, then base58btc of a multicodec prefix and the bytes of the key.
fn multikey(name: &str) -> Result<PublicKey, &'static str> {
    let text = name.strip_prefix('z').ok_or("is a did:key that is not base58btc")?;
    let bytes = decode_base58(text).ok_or("is a did:key that is not base58btc")?;
    let refused = "is a did:key of no good P-256 or Ed25519 key";
    match bytes.as_slice() {
        // ed25519-pub, 0xed as a varint.
        [0xed, 0x01, key @ ..] => {
            let key: &[u8; 32] = key.try_into().map_err(|_length| refused)?;
            PublicKey::ed25519(key).map_err(|_refused| refused)
        }
        // p256-pub, 0x1200 as a varint: the point compressed.
        [0x80, 0x24, key @ ..] if key.len() == 33 => {
            let point = p256::PublicKey::from_sec1_bytes(key).map_err(|_refused| refused)?;
            let point = point.to_sec1_point(false);
            let coordinate = |bytes: Option<&p256::FieldBytes>| bytes.map(|bytes| <[u8; 32]>::from(*bytes));
            let (x, y) = (coordinate(point.x()), coordinate(point.y()));
            let (x, y) = (x.ok_or(refused)?, y.ok_or(refused)?);
            PublicKey::p256(&x, &y).map_err(|_refused| refused)
        }
        _another => Err(refused),
    }
}

/// base58btc, for the few bytes of a key.
fn decode_base58(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_BASE58_BYTES {
        return None;
    }
    // The least significant byte first.
    let mut bytes: Vec<u8> = Vec::new();
    for character in text.bytes() {
        let mut carry = u32::try_from(BASE58.iter().position(|known| *known == character)?).ok()?;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    let zeros = text.bytes().take_while(|character| *character == b'1').count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Longest base58btc text in characters: 35 bytes take 48.
const MAX_BASE58_BYTES: usize = 64;

/// A public JWK of P-256 takes some 130 bytes, and wallets add a few members.
const JWK: Limits = Limits { bytes: 1_024, depth: 3, values: 32 };

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of the did:key and did:jwk method specifications.
    #[test]
    fn published_dids_hold_their_keys() {
        let name = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
        let url = format!("did:key:{name}#{name}");
        let (did, key) = resolve(&url).unwrap();
        assert_eq!(did, format!("did:key:{name}"));
        assert_eq!(
            key.to_jwk_json(),
            r#"{"crv":"Ed25519","kty":"OKP","x":"Lm_M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOY"}"#
        );
        let name = "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";
        let url = format!("did:key:{name}#{name}");
        let (_did, key) = resolve(&url).unwrap();
        assert_eq!(
            key.to_jwk_json(),
            r#"{"crv":"P-256","kty":"EC","x":"fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI","y":"hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU"}"#
        );
        let jwk = "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9";
        let url = format!("{jwk}#0");
        let (did, key) = resolve(&url).unwrap();
        assert_eq!(did, jwk);
        assert!(key.to_jwk_json().contains("acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0"));
    }

    #[test]
    fn what_names_no_key_is_refused() {
        let name = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
        for (url, problem) in [
            (format!("did:key:{name}"), "names no key"),
            (format!("did:key:{name}#0"), "fragment"),
            (format!("did:key:m{name}#m{name}"), "base58btc"),
            ("did:key:z0OIl#z0OIl".into(), "base58btc"),
            ("did:key:z6Mk#z6Mk".into(), "no good"),
            (format!("did:key:z{0}#z{0}", "1".repeat(100)), "base58btc"),
            ("did:jwk:e30#1".into(), "fragment"),
            ("did:jwk:e30#0".into(), "kty"),
            ("did:jwk:???#0".into(), "base64url"),
            ("did:web:wallet.example#0".into(), "other than"),
        ] {
            let error = resolve(&url).unwrap_err();
            assert!(error.contains(problem), "{url}: {error}");
        }
    }
}
