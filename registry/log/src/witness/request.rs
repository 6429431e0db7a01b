//! Pure. The body of `add-checkpoint`: old size, consistency proof, checkpoint.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::number::parse_decimal;
use crate::{Hash, TreeSize};

/// Asks a witness to cosign a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The size that the witness cosigned last.
    pub old: TreeSize,
    /// The proof that the checkpoint extends it.
    pub proof: Vec<Hash>,
    /// The checkpoint, a signed note that is not looked at here.
    pub checkpoint: &'a str,
}

impl<'a> Request<'a> {
    //= specs/log.md#witnesses
    /// Reads the body of a request. There is one spelling of its first lines.
    ///
    /// # Errors
    /// Anything but what [`Request::encode`] writes, and more than [`MAX_REQUEST_BYTES`].
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong { bytes: body.len() });
        }
        let body = core::str::from_utf8(body).map_err(|_invalid| RequestError::Utf8)?;
        let (old, mut rest) = body.split_once('\n').ok_or(RequestError::Old)?;
        let old = old.strip_prefix("old ").and_then(parse_decimal).map(TreeSize).ok_or(RequestError::Old)?;
        let mut proof = Vec::new();
        loop {
            let (line, next) = rest.split_once('\n').ok_or(RequestError::Separator)?;
            rest = next;
            if line.is_empty() {
                return Ok(Self { old, proof, checkpoint: rest });
            }
            if proof.len() == MAX_PROOF_LINES {
                return Err(RequestError::ProofLength);
            }
            proof.push(Hash::from_base64(line).ok_or(RequestError::ProofLine { index: proof.len() })?);
        }
    }

    /// The body.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut body = format!("old {}\n", self.old);
        for hash in &self.proof {
            body.push_str(&hash.to_base64());
            body.push('\n');
        }
        body.push('\n');
        body.push_str(self.checkpoint);
        body
    }
}

/// Why a body is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The first line is not `old` and a plain decimal number.
    Old,
    /// More than [`MAX_PROOF_LINES`] lines of proof.
    ProofLength,
    /// A line of the proof is not canonical base64 of 32 bytes.
    ProofLine {
        /// Its position, from 0.
        index: usize,
    },
    /// No empty line ends the proof.
    Separator,
    /// The body is longer than [`MAX_REQUEST_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The body is not UTF-8.
    Utf8,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Old => f.write_str("first line is not `old` and a plain decimal number"),
            Self::ProofLength => write!(f, "proof has more than {MAX_PROOF_LINES} lines"),
            Self::ProofLine { index } => write!(f, "proof line {index} is not canonical base64 of 32 bytes"),
            Self::Separator => f.write_str("no empty line stands before the checkpoint"),
            Self::TooLong { bytes } => write!(f, "body of {bytes} bytes is longer than {MAX_REQUEST_BYTES}"),
            Self::Utf8 => f.write_str("body is not UTF-8"),
        }
    }
}

impl core::error::Error for RequestError {}

/// Most lines of a proof (tlog-witness, "add-checkpoint").
pub const MAX_PROOF_LINES: usize = 63;

/// Longest body in bytes: 64 KiB. A proof takes 3 KiB, and the rest holds a checkpoint with 17 signatures of ML-DSA-44.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
