//! Pure. The forms in which one credential is handed out: which type of token each is, and what it is called.

use core::fmt;

use crate::jws::TokenType;

/// The form of a credential. The type of its token decides (`typ`), and nothing else in it.
//= specs/credential.md#forms
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a fifth form must make every issuer and caller decide")]
pub enum Format {
    /// IETF SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-13).
    DcSdJwt,
    /// W3C VC 1.1 in a JWT with the claim `vc` (W3C VC Data Model 1.1 section 6.3.1).
    JwtVcJson,
    /// W3C VC 2.0 in a JWS (W3C VC-JOSE-COSE section 3.1).
    VcJwt,
    /// W3C VC 2.0 in an SD-JWT (W3C VC-JOSE-COSE section 3.2).
    VcSdJwt,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DcSdJwt, Self::JwtVcJson, Self::VcJwt, Self::VcSdJwt];

    /// Its name: the Credential Format Identifier of OpenID4VCI 1.0 appendix A, or the media type without `application/`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DcSdJwt => "dc+sd-jwt",
            Self::JwtVcJson => "jwt_vc_json",
            Self::VcJwt => "vc+jwt",
            Self::VcSdJwt => "vc+sd-jwt",
        }
    }

    /// The form of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What its token is.
    #[must_use]
    pub const fn token_type(self) -> TokenType {
        match self {
            Self::DcSdJwt => TokenType::SD_JWT_VC,
            Self::JwtVcJson => TokenType::JWT_VC,
            Self::VcJwt => TokenType::CREDENTIAL,
            Self::VcSdJwt => TokenType::SD_CREDENTIAL,
        }
    }

    /// The form of a token whose header says this `typ`.
    pub(crate) fn from_typ(typ: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.token_type().typ == typ)
    }

    /// Whether its holder may keep parts of it back: it is an SD-JWT, which has a `~` behind its token.
    #[must_use]
    pub const fn is_selective(self) -> bool {
        match self {
            Self::DcSdJwt | Self::VcSdJwt => true,
            Self::JwtVcJson | Self::VcJwt => false,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
