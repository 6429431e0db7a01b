//! Pure. A SHA-256 digest and the three hashes of RFC 6962 section 2.1.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::number;

/// A SHA-256 digest: of a leaf, a node, a root or any other bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Padded base64 (RFC 4648 section 4), 44 characters: the spelling of checkpoints and proofs.
    pub fn to_base64(&self) -> String {
        number::encode_base64(&self.0)
    }

    /// Reads what [`Hash::to_base64`] writes; `None` for any other text.
    pub fn from_base64(text: &str) -> Option<Self> {
        number::decode_base64_exact(text).map(Self)
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(&self) -> String {
        alloc::format!("{self}")
    }

    /// Reads what [`Hash::to_hex`] writes; `None` for any other text, upper case included.
    pub fn from_hex(text: &str) -> Option<Self> {
        number::decode_hex_exact(text).map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number::write_hex(f, &self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//= specs/log.md#tree
/// `SHA-256(0x00 || entry)`, the hash of a leaf (RFC 6962 section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
}

/// `SHA-256(0x01 || left || right)`, the hash of an inner node (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// `SHA-256()`, the root of the tree without leaves (RFC 6962 section 2.1).
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        // The digest of the empty string, and RFC 6962 leaf and node hashes as the CT test data has them.
        assert_eq!(empty_root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(
            leaf_hash(b"").to_hex(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        let two = node_hash(&leaf_hash(b""), &leaf_hash(&[0x00]));
        assert_eq!(two.to_hex(), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn text_forms_round_trip_and_have_one_spelling() {
        let hash = leaf_hash(b"entry");
        assert_eq!(Hash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        let hex = hash.to_hex();
        for damaged in
            [hex.to_uppercase(), alloc::format!("{hex}00"), alloc::format!(" {hex}"), String::new()]
        {
            assert_eq!(Hash::from_hex(&damaged), None, "{damaged}");
        }
        assert_eq!(Hash::from_hex(&alloc::format!("{}g", "0".repeat(63))), None);
        assert_eq!(Hash::from_base64(hash.to_base64().trim_end_matches('=')), None);
    }
}
