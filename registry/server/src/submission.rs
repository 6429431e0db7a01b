//! Pure. Who may submit: the keys that the log knows, and whom each stands for.

use sillok_log::UnixSeconds;
use sillok_log::ledger::Role;
use sillok_log::note::{SignatureKind, VerifierKey};
use sillok_log::submission::{Authorization, Error};

/// A key that may submit, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitter {
    /// Signs submissions and nothing else.
    pub key: VerifierKey,
    /// What it may append (specs/entry.md, "Who may append").
    pub role: Role,
}

/// The submitters of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitters {
    origin: String,
    all: Vec<Submitter>,
}

impl Submitters {
    /// The submitters of the log whose key is `log`.
    ///
    /// # Errors
    /// A key that is not for notes, that stands there twice, or that is the log's own.
    pub fn new(log: &VerifierKey, all: Vec<Submitter>) -> Result<Self, SubmittersError> {
        for (position, Submitter { key, .. }) in all.iter().enumerate() {
            let name = || key.name().to_owned();
            if key.kind() != SignatureKind::Ed25519 {
                return Err(SubmittersError::Kind { name: name() });
            }
            if key.public_bytes() == log.public_bytes() {
                return Err(SubmittersError::LogKey { name: name() });
            }
            // The same key under two names would have two roles.
            if all.iter().take(position).any(|earlier| earlier.key.public_bytes() == key.public_bytes()) {
                return Err(SubmittersError::Repeated { name: name() });
            }
        }
        Ok(Self { origin: log.name().into(), all })
    }

    /// The submitter that a header claims to come from, with its position. Nothing is proved yet.
    #[must_use]
    pub fn claimed(&self, authorization: &Authorization) -> Option<(usize, &Submitter)> {
        self.all.iter().enumerate().find(|(_position, submitter)| authorization.claims(&submitter.key))
    }

    //= specs/log.md#submission
    /// Checks that `submitter` signed this body for this log, just now.
    ///
    /// # Errors
    /// As [`Authorization::check`].
    pub fn check(
        &self,
        authorization: &Authorization,
        submitter: &Submitter,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<(), Error> {
        authorization.check(&self.origin, &submitter.key, body, now)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// Why a list of submitters is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmittersError {
    /// The key cosigns.
    Kind {
        /// Its name.
        name: String,
    },
    /// The key signs the log's checkpoints.
    LogKey {
        /// Its name.
        name: String,
    },
    /// The key stands there twice.
    Repeated {
        /// Its name, where it stands the second time.
        name: String,
    },
}

impl std::fmt::Display for SubmittersError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kind { name } => write!(f, "key of submitter {name:?} is not one that signs notes"),
            Self::LogKey { name } => {
                write!(f, "key of submitter {name:?} is the log's own, which signs nothing but checkpoints")
            }
            Self::Repeated { name } => write!(f, "key of submitter {name:?} is another submitter's too"),
        }
    }
}

impl std::error::Error for SubmittersError {}

#[cfg(test)]
mod tests {
    use super::*;
    use sillok_log::note::SignerKey;

    fn key(name: &str, kind: SignatureKind, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, kind, &[seed; 32]).unwrap()
    }

    fn submitter(name: &str, kind: SignatureKind, seed: u8) -> Submitter {
        Submitter { key: key(name, kind, seed).verifier(), role: Role::Administrator }
    }

    #[test]
    fn each_key_stands_for_one_submitter_and_for_nothing_else() {
        let log = key("log", SignatureKind::Ed25519, 1).verifier();
        let plain = SignatureKind::Ed25519;
        let new = |all: &[Submitter]| Submitters::new(&log, all.to_vec());
        assert_eq!(new(&[submitter("a", plain, 2), submitter("b", plain, 3)]).unwrap().len(), 2);
        assert!(new(&[]).unwrap().is_empty());
        let name = || "b".to_owned();
        let twice = [submitter("a", plain, 2), submitter("b", plain, 2)];
        assert_eq!(new(&twice), Err(SubmittersError::Repeated { name: name() }));
        assert_eq!(new(&[submitter("b", plain, 1)]), Err(SubmittersError::LogKey { name: name() }));
        let witness = submitter("b", SignatureKind::CosignatureV1, 2);
        assert_eq!(new(&[witness]), Err(SubmittersError::Kind { name: name() }));
    }

    #[test]
    fn a_header_leads_to_its_submitter_only() {
        let log = key("log", SignatureKind::Ed25519, 1).verifier();
        let known = Submitters::new(&log, vec![submitter("a", SignatureKind::Ed25519, 2)]).unwrap();
        let sign = |name: &str, seed: u8| {
            let signer = key(name, SignatureKind::Ed25519, seed);
            Authorization::sign("log", &signer, b"body", UnixSeconds(7)).unwrap()
        };
        let header = sign("a", 2);
        let (position, found) = known.claimed(&header).unwrap();
        assert_eq!(position, 0);
        assert_eq!(known.check(&header, found, b"body", UnixSeconds(7)), Ok(()));
        assert_eq!(known.check(&header, found, b"other", UnixSeconds(7)), Err(Error::BadSignature));
        assert_eq!(known.claimed(&sign("a", 3)), None);
        assert_eq!(known.claimed(&sign("b", 2)), None);
    }
}
