//! Assertions that were used: each is good once (RFC 7523 section 3, RFC 7519 section 4.1.7).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use sillok_log::UnixSeconds;

/// By digest of client and `jti`, until when it has to be remembered.
#[derive(Default)]
pub(super) struct Used(Mutex<HashMap<[u8; 32], UnixSeconds>>);

impl Used {
    /// Uses an assertion, once.
    pub(super) fn take(
        &self,
        client: &str,
        id: &str,
        expires: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<(), &'static str> {
        let mut hash = Sha256::new();
        hash.update((client.len() as u64).to_be_bytes());
        hash.update(client);
        hash.update(id);
        let digest = hash.finalize().into();
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_REMEMBERED {
            used.retain(|_digest, expires| *expires > now);
        }
        if used.len() >= MAX_REMEMBERED {
            return Err("too many assertions are in use; come again in some minutes");
        }
        match used.insert(digest, expires) {
            Some(before) if before > now => Err("client_assertion was used before; make another"),
            Some(_) | None => Ok(()),
        }
    }
}

/// Most assertions that are remembered: 4 MiB, and over 100 tokens a second for the five minutes that one lives.
const MAX_REMEMBERED: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_good_once_within_its_life() {
        let used = Used::default();
        assert!(used.take("a", "1", UnixSeconds(10), UnixSeconds(5)).is_ok());
        assert!(used.take("a", "1", UnixSeconds(10), UnixSeconds(6)).is_err());
        assert!(used.take("b", "1", UnixSeconds(10), UnixSeconds(6)).is_ok());
        assert!(used.take("a", "11", UnixSeconds(10), UnixSeconds(6)).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let used = Used::default();
        for id in 0..MAX_REMEMBERED {
            assert!(used.take("a", &id.to_string(), UnixSeconds(10), UnixSeconds(5)).is_ok());
        }
        assert!(used.take("a", "more", UnixSeconds(10), UnixSeconds(5)).is_err());
        assert!(used.take("a", "more", UnixSeconds(20), UnixSeconds(10)).is_ok());
    }
}
