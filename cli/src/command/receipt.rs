//! `sillok receipt`: makes a landmark receipt of a full one, as a wallet does.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sillok_client::Source;
use sillok_client::landmark::{LandmarkProofError, LandmarkProver};
use sillok_log::policy::Policy;
use sillok_log::receipt::{IssueExtra, MAX_RECEIPT_BYTES, Receipt, SubtreeReceipt};
use sillok_verifier::jws::{Jws, JwsError};
use sillok_verifier::sd_jwt::MAX_PRESENTATION_BYTES;
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{Format, Memory, Trust};

use crate::command::verify::read;
use crate::context::Context;
use crate::exit::Exit;

/// Make a binary receipt out of a full one: a small one that needs no signature, for verifiers whose trust bundle holds the
/// log's landmarks; or, with --cosigned, one that holds what witnesses cosigned with ML-DSA-44.
///
/// The log is asked for files that everybody asks for, never for the credential's own entry. Ends with 2 when there is
/// nothing to be had yet: a landmark comes each hour, and the 256 entries around the credential's must be there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The log: its URL, or a folder with its files.
    #[arg(long, value_name = "URL|DIR", required_unless_present = "cosigned")]
    log: Option<String>,
    /// Take the cosignatures of the full receipt and ask nobody.
    #[arg(long, conflicts_with_all = ["log", "wait"])]
    cosigned: bool,
    /// The trust bundle, as `sillok trust-bundle` prints it: it says which checkpoints are believed.
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// The credential's full receipt (tlog-proof).
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// Where the receipt goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Wait for a random part of an hour before asking for the proof, as a wallet does, so that the log does not learn
    /// when the credential came.
    #[arg(long)]
    wait: bool,
    /// The credential (a compact JWS or an SD-JWT), or - for standard input.
    #[arg(value_name = "CREDENTIAL")]
    credential: PathBuf,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let credential = read(&args.credential, MAX_PRESENTATION_BYTES)?;
    let credential = credential.trim_ascii_end();
    let receipt = Receipt::parse(&read(&args.receipt, MAX_RECEIPT_BYTES)?)
        .with_context(|| format!("{} is refused", args.receipt.display()))?;
    let container = read(&args.trust, MAX_CONTAINER_BYTES)?;
    let (trust, _memory) = Trust::open(&container, None, &Memory::default(), (context.clock)())
        .with_context(|| format!("{} is refused", args.trust.display()))?;

    let token =
        issuer_signed(credential).with_context(|| format!("{} is refused", args.credential.display()))?;
    let Some(extra) = receipt.extra.as_deref() else {
        bail!("{} has no extra: it is of no credential", args.receipt.display());
    };
    // Whoever signed it: that the leaf is in the log is what the receipt shows, and all that is asked here.
    let leaf = IssueExtra::parse(extra)?.entry(token.signing_input(), token.header().key_id).leaf_hash();
    let opened = trust.policy().open(&receipt.checkpoint)?;
    receipt.check(&leaf, &opened.checkpoint).context("the receipt is not the credential's")?;

    let Some(place) = &args.log else { return cosigned(&args, &receipt, trust.policy()) };
    let source = Source::open(place)?;
    let jitter = Arc::new(
        move |most: Duration| {
            if args.wait { most.mul_f64(fastrand::f64()) } else { Duration::ZERO }
        },
    );
    let mut prover = LandmarkProver::new(&source, trust.policy(), jitter, &thread::sleep);
    match prover.receipt(&leaf, receipt.index, extra) {
        Ok(made) => {
            write(&args, &made.encode())?;
            eprintln!("sillok: by landmark {}, with {} hashes", made.landmark, made.proof.len());
            Ok(Exit::Good)
        }
        Err(error @ (LandmarkProofError::NotYet { .. } | LandmarkProofError::TooOld { .. })) => {
            eprintln!("sillok: {error}");
            Ok(Exit::Unknown)
        }
        Err(error) => Err(error.into()),
    }
}

/// The token of a credential of whatever form: disclosures are not in the log.
fn issuer_signed(credential: &[u8]) -> Result<Jws<'_>, JwsError> {
    let token = credential.split(|&byte| byte == b'~').next().unwrap_or_default();
    let form = |format: &Format| Jws::parse(token, format.token_type());
    let another = Format::ALL.iter().find_map(|format| form(format).ok());
    another.map_or_else(|| form(&Format::VcJwt), Ok)
}

fn cosigned(args: &Args, receipt: &Receipt, policy: &Policy) -> anyhow::Result<Exit> {
    let origin = receipt.checkpoint.split('\n').next().unwrap_or_default();
    let made = SubtreeReceipt::of_full(receipt, policy);
    let met = |made: &SubtreeReceipt| {
        policy.check_subtree(origin, made.subtree, &made.hash, &made.cosignatures).is_ok()
    };
    let Some(made) = made.filter(met) else {
        eprintln!("sillok: no quorum of witnesses cosigned the receipt's checkpoint with ML-DSA-44");
        return Ok(Exit::Unknown);
    };
    write(args, &made.encode())?;
    eprintln!("sillok: with {} cosignatures", made.cosignatures.len());
    Ok(Exit::Good)
}

fn write(args: &Args, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(&args.out, bytes).with_context(|| format!("could not write {}", args.out.display()))
}
