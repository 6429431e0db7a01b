//! What a wallet holds: access tokens and refresh tokens that carry what they allow, sealed under a key of this issuer.
//! Nothing is kept for them.

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use zeroize::Zeroizing;

use super::grants::Digest;
use crate::format::{self, Format};
use crate::journal::StoreError;
use crate::records::RecordNumber;
use crate::subjects::{Digester, Master, Sealer};

/// What a wallet was given for an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// Names the offer.
    pub(super) offer: Digest,
    /// What it is about.
    pub(super) record: RecordNumber,
    /// In which formats.
    pub(super) formats: Vec<Format>,
    /// Credentials are asked for by identifier, and not by configuration.
    pub(super) identified: bool,
    /// Digest of what the wallet calls itself.
    pub(super) client: Option<Digest>,
    /// When the wallet needs a new offer.
    pub(super) expires: UnixSeconds,
}

/// Makes and reads tokens.
pub(super) struct Tokens {
    sealer: Sealer,
    digests: Digester,
}

impl Tokens {
    pub(super) fn new(master: &Master) -> Self {
        Self {
            sealer: Sealer::new(&master.derive("sillok/openid/tokens/v1")),
            digests: Digester::new(&master.derive("sillok/openid/identifiers/v1")),
        }
    }

    /// An access token that is good until `expires`.
    //= specs/openid.md#tokens
    pub(super) fn access(
        &self,
        grant: &Grant,
        expires: UnixSeconds,
    ) -> Result<Zeroizing<String>, StoreError> {
        self.seal(ACCESS, grant, expires.0)
    }

    /// The grant of an access token.
    pub(super) fn open_access(&self, token: &str, now: UnixSeconds) -> Option<Grant> {
        let (grant, expires) = self.open(ACCESS, token)?;
        (expires > now.0).then_some(grant)
    }

    /// The refresh token of a generation.
    pub(super) fn refresh(&self, grant: &Grant, generation: u32) -> Result<Zeroizing<String>, StoreError> {
        self.seal(REFRESH, grant, u64::from(generation))
    }

    /// The grant of a refresh token, and its generation.
    pub(super) fn open_refresh(&self, token: &str, now: UnixSeconds) -> Option<(Grant, u32)> {
        let (grant, generation) = self.open(REFRESH, token)?;
        (grant.expires > now).then_some((grant, u32::try_from(generation).ok()?))
    }

    /// Digest of what a wallet calls itself.
    pub(super) fn client(&self, id: &str) -> Digest {
        self.digests.digest(&[b"client", id.as_bytes()])
    }

    /// What names the one credential dataset of a grant in a format.
    //= specs/openid.md#tokens
    pub(super) fn identifier(&self, grant: &Grant, format: Format) -> String {
        encode_base64url(&self.digests.digest(&[b"dataset", &grant.offer, &[format::code(format)]]))
    }

    /// Names what was handed over for a grant. The same answer has the same.
    //= specs/openid.md#notifications
    pub(super) fn notification(&self, grant: &Grant, etag: &str) -> String {
        let answer = self.digests.digest(&[b"answer", etag.as_bytes()]);
        let mac = self.digests.digest(&[b"notification", &grant.offer, &answer]);
        encode_base64url(&[answer, mac].concat())
    }

    /// Whether something was handed over under this name for a grant.
    pub(super) fn is_notification(&self, grant: &Grant, id: &str) -> Option<Digest> {
        let bytes = decode_base64url(id.as_bytes())?;
        let (answer, mac) = bytes.split_first_chunk::<{ crate::subjects::DIGEST_BYTES }>()?;
        let expected = self.digests.digest(&[b"notification", &grant.offer, answer]);
        crate::auth::same(&expected, mac).then_some(expected)
    }

    fn seal(&self, context: &[u8], grant: &Grant, number: u64) -> Result<Zeroizing<String>, StoreError> {
        let Grant { offer, record, formats, identified, client, expires } = grant;
        let mut bytes = Zeroizing::new(Vec::with_capacity(96));
        for field in [&number.to_be_bytes(), &record.0.to_be_bytes(), &expires.0.to_be_bytes()] {
            bytes.extend_from_slice(field);
        }
        bytes.extend_from_slice(offer);
        bytes.push(u8::from(*identified));
        bytes.push(u8::from(client.is_some()));
        bytes.extend_from_slice(&client.unwrap_or_default());
        bytes.extend(formats.iter().map(|format| format::code(*format)));
        let sealed = self.sealer.seal(context, &bytes)?;
        Ok(Zeroizing::new(format!("{PREFIX}{}", encode_base64url(&sealed))))
    }

    fn open(&self, context: &[u8], token: &str) -> Option<(Grant, u64)> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let sealed = decode_base64url(token.strip_prefix(PREFIX)?.as_bytes())?;
        let plain = self.sealer.open(context, &sealed)?;
        let (number, rest) = plain.split_first_chunk()?;
        let (record, rest) = rest.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (offer, rest) = rest.split_first_chunk()?;
        let ([identified, has_client], rest) = rest.split_first_chunk()?;
        let (client, formats) = rest.split_first_chunk()?;
        let grant = Grant {
            offer: *offer,
            record: RecordNumber(u64::from_be_bytes(*record)),
            formats: formats.iter().filter_map(|code| format::from_code(*code)).collect(),
            identified: *identified == 1,
            client: (*has_client == 1).then_some(*client),
            expires: UnixSeconds(u64::from_be_bytes(*expires)),
        };
        Some((grant, u64::from_be_bytes(*number)))
    }
}

/// Says to people and secret scanners what this is. No token of a client begins so and goes on without a dot.
const PREFIX: &str = "sillok_wallet_";

/// So that a token of one kind is never one of another.
const ACCESS: &[u8] = b"sillok/openid/access/v1";
const REFRESH: &[u8] = b"sillok/openid/refresh/v1";

/// Longest token in bytes.
const MAX_TOKEN_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            offer: [7; 16],
            record: RecordNumber(9),
            formats: vec![Format::VcJwt],
            identified: true,
            client: Some([3; 16]),
            expires: UnixSeconds(1_000),
        }
    }

    #[test]
    fn a_token_is_good_for_what_it_was_made_until_its_time() {
        let tokens = Tokens::new(&Master::new(&[1; 32]));
        let access = tokens.access(&grant(), UnixSeconds(50)).unwrap();
        assert_eq!(tokens.open_access(&access, UnixSeconds(49)), Some(grant()));
        assert_eq!(tokens.open_access(&access, UnixSeconds(50)), None);
        assert_eq!(tokens.open_refresh(&access, UnixSeconds(0)), None);
        let refresh = tokens.refresh(&grant(), 4).unwrap();
        assert_eq!(tokens.open_refresh(&refresh, UnixSeconds(999)), Some((grant(), 4)));
        assert_eq!(tokens.open_refresh(&refresh, UnixSeconds(1_000)), None);
        assert_eq!(tokens.open_access(&refresh, UnixSeconds(0)), None);
        let others = Tokens::new(&Master::new(&[2; 32]));
        assert_eq!(others.open_access(&access, UnixSeconds(0)), None);
        for cut in 0..access.len() {
            assert_eq!(tokens.open_access(&access[..cut], UnixSeconds(0)), None, "cut at {cut}");
        }
    }

    #[test]
    fn names_are_of_one_grant() {
        let tokens = Tokens::new(&Master::new(&[1; 32]));
        let other = Grant { offer: [8; 16], ..grant() };
        let id = tokens.notification(&grant(), "\"etag\"");
        assert_eq!(id, tokens.notification(&grant(), "\"etag\""));
        assert!(tokens.is_notification(&grant(), &id).is_some());
        assert!(tokens.is_notification(&other, &id).is_none());
        for wrong in ["", "AAAA", &id[1..]] {
            assert!(tokens.is_notification(&grant(), wrong).is_none(), "{wrong}");
        }
        assert_ne!(tokens.identifier(&grant(), Format::VcJwt), tokens.identifier(&other, Format::VcJwt));
    }
}
