//! Pure. The first byte: what there is in a code.

use crate::key::Algorithm;

/// What there is beside the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// A receipt.
    pub(super) receipt: Option<Kind>,
    /// The credential is followed by `~`.
    pub(super) presentation: bool,
    /// A key-binding token.
    pub(super) bound: Option<Bound>,
}

/// Which receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One relative to a landmark, in fields.
    Landmark,
    /// A tlog-proof, in the text.
    Text,
}

/// Which key-binding token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// The answer to a challenge, and not a live code.
    pub(super) is_challenge: bool,
    /// `alg` of the holder's key.
    pub(super) algorithm: Algorithm,
}

impl Form {
    //= specs/presentation.md#packed-form
    pub(super) const fn to_byte(self) -> u8 {
        let mut byte = 0;
        match self.receipt {
            None => {}
            Some(Kind::Landmark) => byte |= LANDMARK,
            Some(Kind::Text) => byte |= TEXT,
        }
        if self.presentation {
            byte |= PRESENTATION;
        }
        if let Some(Bound { is_challenge, algorithm }) = self.bound {
            byte |= if is_challenge { CHALLENGE } else { LIVE };
            byte |= match algorithm {
                Algorithm::EdDsa => EDDSA,
                Algorithm::Es256 => 0,
            };
        }
        byte
    }

    /// `None` for a bit that is not known, and for two that contradict each other.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        let has = |bit: u8| byte & bit != 0;
        let algorithm = if has(EDDSA) { Algorithm::EdDsa } else { Algorithm::Es256 };
        let bound = has(LIVE | CHALLENGE).then_some(Bound { is_challenge: has(CHALLENGE), algorithm });
        let kind = if has(TEXT) { Kind::Text } else { Kind::Landmark };
        let receipt = has(LANDMARK | TEXT).then_some(kind);
        let form = Self { receipt, presentation: has(PRESENTATION), bound };
        let is_consistent = form.to_byte() == byte && (form.bound.is_none() || form.presentation);
        is_consistent.then_some(form)
    }
}

const LANDMARK: u8 = 0x01;
const PRESENTATION: u8 = 0x02;
const LIVE: u8 = 0x04;
const CHALLENGE: u8 = 0x08;
const EDDSA: u8 = 0x10;
const TEXT: u8 = 0x20;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn eighteen_bytes_say_something() {
        let known: Vec<u8> = (0..=u8::MAX).filter(|byte| Form::from_byte(*byte).is_some()).collect();
        // Alone, as a presentation, a live code and an answer by either kind of key; without a receipt and with either kind.
        let shown = [0x00, 0x02, 0x06, 0x0a, 0x16, 0x1a];
        let mut expected: Vec<u8> =
            [0, 1, 0x20].iter().flat_map(|kind| shown.map(|form| form + kind)).collect();
        expected.sort_unstable();
        assert_eq!(known, expected);
        assert!(known.iter().all(|byte| Form::from_byte(*byte).map(Form::to_byte) == Some(*byte)));
    }
}
