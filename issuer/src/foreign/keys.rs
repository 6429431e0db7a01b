//! Keys of others: the four kinds that W3C VC-JOSE-COSE is tested with, from a JWK or from the identifier that holds it.
//!
//! The verifier's own list stays closed: P-384 and P-521 are checked here, with OpenSSL by way of josekit, and nowhere else.

use std::fmt;

use josekit::jwk::Jwk;
use josekit::jws::{ES384, ES512, JwsVerifier as _};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::key::PublicKey;

use super::Finding;

/// A public key and the one algorithm it is used with.
#[derive(Clone)]
pub struct ForeignKey(Kind);

#[derive(Clone)]
enum Kind {
    /// ES256 or EdDSA, checked as the verifier checks its own.
    Core(PublicKey),
    P384(Box<Jwk>),
    P521(Box<Jwk>),
}

/// Somebody whose keys an operator has named.
#[derive(Clone)]
pub struct ForeignIssuer {
    /// The `issuer` or `holder` that documents name.
    pub id: String,
    /// Its keys, each with the `kid` that tokens name, if it has one.
    pub keys: Vec<(Option<String>, ForeignKey)>,
}

impl ForeignIssuer {
    /// Reads keys of others: a JSON object with a JWK Set (RFC 7517 section 5) for each issuer's id.
    ///
    /// # Errors
    /// Another form, or a key that is not known here.
    pub fn parse_all(text: &[u8]) -> Result<Vec<Self>, String> {
        let json = Json::parse(text, &ISSUERS_LIMITS).map_err(|error| error.to_string())?;
        let issuers = json.object().map_err(|error| error.to_string())?;
        let read = |(id, set): (&str, &Json)| {
            let refuse = |problem: &dyn fmt::Display| format!("{id}: {problem}");
            let keys = set.object().and_then(|set| set.array("keys")).map_err(|error| refuse(&error))?;
            let keys = keys.iter().map(|jwk| {
                let jwk = jwk.object().map_err(|error| refuse(&error))?;
                let name = jwk.get("kid").and_then(|name| name.string().ok()).map(str::to_owned);
                ForeignKey::from_jwk(jwk).map(|key| (name, key)).map_err(|problem| refuse(&problem))
            });
            Ok(Self { id: id.into(), keys: keys.collect::<Result<_, String>>()? })
        };
        issuers.members().map(read).collect()
    }
}

impl ForeignKey {
    /// Reads a public JWK. Members that do not make the key are ignored.
    ///
    /// # Errors
    /// A private key, another kind of key, or a point that is not on its curve.
    pub fn from_jwk(jwk: &Object) -> Result<Self, KeyProblem> {
        if ["d", "k", "p", "q", "oth"].iter().any(|name| jwk.get(name).is_some()) {
            return Err(KeyProblem("JWK holds a private key"));
        }
        let text = |name| jwk.get(name).and_then(|value| value.string().ok()).unwrap_or_default();
        match (text("kty"), text("crv")) {
            ("EC", "P-256") | ("OKP", "Ed25519") => {
                let own = ["kty", "crv", "x", "y"].iter().filter_map(|name| {
                    let value = jwk.get(name).filter(|_value| *name != "y" || text("kty") == "EC");
                    value.map(|value| ((*name).to_owned(), value.clone()))
                });
                let own = Object::from_members(own.collect()).map(Json::Object);
                let key = own.and_then(|own| PublicKey::from_jwk(&own).ok());
                key.map(|key| Self(Kind::Core(key))).ok_or(KeyProblem("JWK is no point on its curve"))
            }
            ("EC", "P-384") => Self::on_curve(&P384, &coordinates(&text, P384.bytes)?),
            ("EC", "P-521") => Self::on_curve(&P521, &coordinates(&text, P521.bytes)?),
            _another => Err(KeyProblem("JWK is of another kind than P-256, P-384, P-521 and Ed25519")),
        }
    }

    /// Reads the key that a `did:key` or `did:jwk` holds itself.
    ///
    /// # Errors
    /// Another method, or no key of the four kinds.
    pub fn of_did(did: &str) -> Result<Self, KeyProblem> {
        if let Some(text) = did.strip_prefix("did:jwk:") {
            let text = decode_base64url(text.as_bytes()).ok_or(KeyProblem("did:jwk is not base64url"))?;
            let jwk = Json::parse(&text, &JWK_LIMITS).map_err(|_error| KeyProblem("did:jwk is no JSON"))?;
            return Self::from_jwk(jwk.object().map_err(|_error| KeyProblem("did:jwk is no JWK"))?);
        }
        let text = did.strip_prefix("did:key:z").ok_or(KeyProblem("DID method holds no key itself"))?;
        let bytes = decode_base58(text).ok_or(KeyProblem("did:key is not base58btc"))?;
        let unknown = KeyProblem("did:key is of another kind than P-256, P-384, P-521 and Ed25519");
        match bytes.as_slice() {
            [0xed, 0x01, point @ ..] => {
                let point: &[u8; 32] = point.try_into().map_err(|_length| unknown)?;
                let key = PublicKey::ed25519(point)
                    .map_err(|_error| KeyProblem("did:key is no point on its curve"))?;
                Ok(Self(Kind::Core(key)))
            }
            [0x80, 0x24, point @ ..] => Self::on_curve(&P256, point),
            [0x81, 0x24, point @ ..] => Self::on_curve(&P384, point),
            [0x82, 0x24, point @ ..] => Self::on_curve(&P521, point),
            _another => Err(unknown),
        }
    }

    fn on_curve(curve: &Curve, point: &[u8]) -> Result<Self, KeyProblem> {
        // A compressed or a whole point; the point at infinity is one byte.
        let (x, y) = curve.affine(point).map_err(|_error| KeyProblem("key is no point on its curve"))?;
        if curve.name == "P-256" {
            let whole = |value: Vec<u8>| {
                <[u8; 32]>::try_from(value).map_err(|_length| KeyProblem("key is no point on its curve"))
            };
            let key = PublicKey::p256(&whole(x)?, &whole(y)?);
            return key
                .map(|key| Self(Kind::Core(key)))
                .map_err(|_error| KeyProblem("key is no point on its curve"));
        }
        let mut jwk = Jwk::new("EC");
        for (name, value) in
            [("crv", curve.name.to_owned()), ("x", encode_base64url(&x)), ("y", encode_base64url(&y))]
        {
            jwk.set_parameter(name, Some(value.into())).map_err(|_error| KeyProblem("JWK is refused"))?;
        }
        let jwk = Box::new(jwk);
        Ok(Self(if curve.name == "P-384" { Kind::P384(jwk) } else { Kind::P521(jwk) }))
    }

    /// The value of `alg` in the header of a token by this key.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Core(key) => key.algorithm().name(),
            Kind::P384(_) => "ES384",
            Kind::P521(_) => "ES512",
        }
    }

    /// Checks a signature over the exact bytes.
    ///
    /// # Errors
    /// It is not this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Finding> {
        let good = match &self.0 {
            Kind::Core(key) => key.verify(message, signature).is_ok(),
            Kind::P384(jwk) => {
                signature.len() == 96
                    && ES384.verifier_from_jwk(jwk).and_then(|key| key.verify(message, signature)).is_ok()
            }
            Kind::P521(jwk) => {
                signature.len() == 132
                    && ES512.verifier_from_jwk(jwk).and_then(|key| key.verify(message, signature)).is_ok()
            }
        };
        if good {
            Ok(())
        } else {
            Err(Finding::invalid("signature.invalid", "signature does not verify under the key"))
        }
    }
}

/// A curve of NIST.
struct Curve {
    name: &'static str,
    nid: Nid,
    /// Of a coordinate.
    bytes: usize,
}

const P256: Curve = Curve { name: "P-256", nid: Nid::X9_62_PRIME256V1, bytes: 32 };
const P384: Curve = Curve { name: "P-384", nid: Nid::SECP384R1, bytes: 48 };
const P521: Curve = Curve { name: "P-521", nid: Nid::SECP521R1, bytes: 66 };

impl Curve {
    /// The coordinates of a point (SEC 1 section 2.3.3), which is on the curve and not at infinity.
    fn affine(&self, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
        let group = EcGroup::from_curve_name(self.nid)?;
        let mut context = BigNumContext::new()?;
        let point = EcPoint::from_bytes(&group, point, &mut context)?;
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        point.affine_coordinates(&group, &mut x, &mut y, &mut context)?;
        let length = i32::try_from(self.bytes).unwrap_or(i32::MAX);
        Ok((x.to_vec_padded(length)?, y.to_vec_padded(length)?))
    }
}

/// The uncompressed point of a JWK, each coordinate of its full length (RFC 7518 section 6.2.1.2).
fn coordinates<'a>(text: &impl Fn(&'static str) -> &'a str, bytes: usize) -> Result<Vec<u8>, KeyProblem> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let value = decode_base64url(text(name).as_bytes()).filter(|value| value.len() == bytes);
        point.extend(
            value.ok_or(KeyProblem("JWK has a coordinate that is not base64url of its curve's length"))?,
        );
    }
    Ok(point)
}

/// The bytes of a text in the alphabet of Bitcoin.
pub(super) fn decode_base58(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_BASE58_CHARACTERS {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for character in text.bytes() {
        let mut carry = u32::try_from(BASE58.iter().position(|known| *known == character)?).ok()?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, carry.to_le_bytes()[0]);
            carry >>= 8;
        }
    }
    let zeros = text.bytes().take_while(|character| *character == b'1').count();
    Some([vec![0; zeros], bytes].concat())
}

/// Why something is no key that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyProblem(&'static str);

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyProblem {}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Of a P-521 key: 69 bytes.
const MAX_BASE58_CHARACTERS: usize = 100;

/// Of the file with keys of others.
const ISSUERS_LIMITS: Limits = Limits { bytes: 1 << 20, depth: 5, values: 65_536 };

/// A JWK in a `did:jwk`.
const JWK_LIMITS: Limits = Limits { bytes: 2_048, depth: 4, values: 32 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_hold_keys_of_four_kinds() {
        // Of the did:key specification's test vectors (W3C CCG, 2024): Ed25519, P-256, P-384, P-521.
        for (did, algorithm) in [
            ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "EdDSA"),
            ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", "ES256"),
            ("did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9", "ES384"),
            (
                "did:key:z2J9gaYxrKVpdoG9A4gRnmpnRCcxU6agDtFVVBVdn1JedouoZN7SzcyREXXzWgt3gGiwpoHq7K68X4m32D8HgzG8wv3sY5j7",
                "ES512",
            ),
        ] {
            assert_eq!(ForeignKey::of_did(did).map(|key| key.algorithm()), Ok(algorithm), "{did}");
        }
        for did in
            ["did:web:a.example", "did:key:z6Mk", "did:key:z0OIl", "did:key:", "did:jwk:e30", "did:jwk:*"]
        {
            assert!(ForeignKey::of_did(did).is_err(), "{did}");
        }
        assert!(ForeignKey::of_did(&format!("did:key:z{}", "1".repeat(10_000))).is_err());
    }

    #[test]
    fn signatures_of_the_larger_curves_are_those_of_their_key_and_length() {
        use josekit::jwk::alg::ec::EcCurve;
        use josekit::jws::JwsSigner as _;

        for (curve, bytes) in [(EcCurve::P384, 96), (EcCurve::P521, 132)] {
            let secret = Jwk::generate_ec_key(curve).unwrap();
            let jwk = |member: &dyn Fn(&str) -> bool| {
                let mut text = serde_json::to_value(&secret).unwrap();
                text.as_object_mut().unwrap().retain(|name, _value| member(name));
                Json::parse(text.to_string().as_bytes(), &JWK_LIMITS).unwrap()
            };
            assert!(ForeignKey::from_jwk(jwk(&|_name| true).object().unwrap()).is_err(), "a private key");
            let key = ForeignKey::from_jwk(jwk(&|name| name != "d").object().unwrap()).unwrap();
            let signed = match curve {
                EcCurve::P384 => ES384.signer_from_jwk(&secret).unwrap().sign(b"message"),
                _ => ES512.signer_from_jwk(&secret).unwrap().sign(b"message"),
            };
            let signed = signed.unwrap();
            assert_eq!(signed.len(), bytes);
            key.verify(b"message", &signed).unwrap();
            assert!(key.verify(b"massage", &signed).is_err());
            assert!(key.verify(b"message", &signed[1..]).is_err());
            assert!(key.verify(b"message", &vec![0; bytes]).is_err());
            assert!(key.verify(b"message", b"").is_err());
        }
    }

    #[test]
    fn keys_of_others_are_read_from_a_file() {
        let key = r#"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig"}"#;
        let text = format!(r#"{{"https://a.example":{{"keys":[{key}]}}}}"#);
        let known = ForeignIssuer::parse_all(text.as_bytes()).unwrap();
        assert_eq!((known[0].id.as_str(), known[0].keys[0].0.as_deref()), ("https://a.example", Some("k")));
        for wrong in ["[]", "{}x", r#"{"a":[]}"#, r#"{"a":{"keys":[{}]}}"#, &text.replace("11qY", "11q")] {
            assert!(ForeignIssuer::parse_all(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_point_off_its_curve_is_no_key() {
        let jwk = |x: &str| {
            let text = format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{}"}}"#, "A".repeat(64));
            ForeignKey::from_jwk(Json::parse(text.as_bytes(), &JWK_LIMITS).unwrap().object().unwrap()).err()
        };
        assert_eq!(jwk(&"A".repeat(64)), Some(KeyProblem("key is no point on its curve")));
        assert!(jwk("AA").is_some_and(|problem| problem.0.contains("length")));
    }
}
