//! Pure. `relatedResource` (W3C VC 2.0 section 5.3): digests of resources that are known here. Nothing is fetched, and what is
//! not known is not compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::Object;

use super::{DocumentError, broken, items};

/// Compares every digest that can be compared.
pub(super) fn check(document: &Object) -> Result<(), DocumentError> {
    for resource in items(document, "relatedResource") {
        let (Some(id), Ok(resource)) =
            (resource.get("id").and_then(|id| id.string().ok()), resource.object())
        else {
            continue;
        };
        let editions = KNOWN.iter().filter(|edition| edition.id == id);
        let mut editions = editions.peekable();
        if editions.peek().is_some() && !editions.any(|edition| edition.fits(resource)) {
            return Err(broken("relatedResource", "has a digest that is not that of the resource"));
        }
    }
    Ok(())
}

/// The bytes that somebody has published under a URL.
struct Edition {
    id: &'static str,
    sha256: &'static str,
    sha384: &'static str,
}

impl Edition {
    /// Whether every digest that a document gives is that of this edition.
    fn fits(&self, resource: &Object) -> bool {
        let integrity =
            resource.get("digestSRI").map(|digest| self.fits_integrity(digest.string().unwrap_or_default()));
        let multibase = resource
            .get("digestMultibase")
            .map(|digest| self.fits_multibase(digest.string().unwrap_or_default()));
        integrity.unwrap_or(true) && multibase.unwrap_or(true)
    }

    /// W3C Subresource Integrity section 3.5.
    fn fits_integrity(&self, digest: &str) -> bool {
        let (name, value) = digest.split_once('-').unwrap_or_default();
        let Ok(value) = STANDARD.decode(value) else { return false };
        match name {
            "sha256" => is(&value, self.sha256),
            "sha384" => is(&value, self.sha384),
            _another => false,
        }
    }

    /// A digest in base64url behind `u`, of SHA-256 or SHA-384, alone or as a multihash.
    fn fits_multibase(&self, digest: &str) -> bool {
        let Some(value) = digest.strip_prefix('u').and_then(|text| decode_base64url(text.as_bytes())) else {
            return false;
        };
        match value.as_slice() {
            [0x12, 0x20, digest @ ..] if digest.len() == 32 => is(digest, self.sha256),
            [0x20, 0x30, digest @ ..] if digest.len() == 48 => is(digest, self.sha384),
            digest if digest.len() == 32 => is(digest, self.sha256),
            digest if digest.len() == 48 => is(digest, self.sha384),
            _another => false,
        }
    }
}

fn is(digest: &[u8], known: &str) -> bool {
    STANDARD.encode(digest) == known
}

/// The base context as W3C has published it since July 2024, when it lost its vocabulary: w3c/vc-data-model at `8d0ee107`,
/// `b4d990ee` and `08b83e46`, the last of which is that of the Recommendation and the one beside this file.
const KNOWN: &[Edition] = &[
    Edition {
        id: "https://www.w3.org/ns/credentials/v2",
        sha256: "WZVc7WaX1h4D8rJVb+vlMIqxaEKEb1tYbX8fet7JJzQ=",
        sha384: "l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU",
    },
    Edition {
        id: "https://www.w3.org/ns/credentials/v2",
        sha256: "OKRUMLgSe0Wl7/XABF+gG4p0PpgvgqOCpX5QpHTlAVY=",
        sha384: "BnWBvmDWMjSj8uVnUPnAElKFuB7QRIMWnl5jKaJ5q7D9KbgcIw/n9g3iDQw7npUS",
    },
    Edition {
        id: "https://www.w3.org/ns/credentials/v2",
        sha256: "JKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k=",
        sha384: "NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg",
    },
];
