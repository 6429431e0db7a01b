//! `sillok present`: shows a credential as its holder does, with a live code or the answer to a challenge.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::encoding::{decode_base64url, decode_base64url_exact, encode_base64url};
use sillok_verifier::holder::{Binding, LIVE_AUDIENCE, MAX_KEY_BINDING_BYTES, bind, is_nonce};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::MAX_TOKEN_BYTES;
use sillok_verifier::key::{Algorithm, PublicKey};
use sillok_verifier::sd_jwt::{DisclosureKind, Hidden, MAX_PRESENTATION_BYTES, Presentation, reveal, select};
use zeroize::Zeroizing;

use crate::command::verify::{read, time};
use crate::context::Context;
use crate::exit::{Exit, usage};
use crate::output;

/// Show a credential as its holder does: what they choose of it, with a token that only the holder's key can make.
///
/// Prints the presentation for `sillok verify --live`, or `--challenge`. The credential is bound to the key by its issuer, who was given
/// the public one (`holderKey`). A live code ends a minute after it was made.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("asked").required(true).args(["live", "challenge"])))]
pub(crate) struct Args {
    /// Make a live code, for whoever scans it.
    #[arg(long)]
    live: bool,
    /// Answer this challenge (the nonce that the verifier shows) for --audience.
    #[arg(long, value_name = "NONCE", requires = "audience", allow_hyphen_values = true)]
    challenge: Option<String>,
    /// Who the verifier says it is.
    #[arg(long, value_name = "NAME", requires = "challenge")]
    audience: Option<String>,
    /// The holder's private key: a JWK (P-256 or Ed25519) with the member `d`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A member to disclose, by its name; may be repeated. Of what an issuer lets a holder hide, nothing is disclosed that is not named.
    #[arg(long, value_name = "NAME", conflicts_with = "disclose_all")]
    disclose: Vec<String>,
    /// Disclose everything.
    #[arg(long)]
    disclose_all: bool,
    /// The time that the token says, such as 2022-01-03T00:00:00Z; now if it is not given.
    #[arg(long, value_name = "RFC3339")]
    now: Option<String>,
    /// The credential as it was issued: a compact JWS, or an SD-JWT with all of its disclosures; or - for standard input.
    #[arg(value_name = "CREDENTIAL")]
    credential: PathBuf,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let issued = match &args.now {
        Some(text) => time(text)?,
        None => (context.clock)(),
    };
    let signer = load_key(&args.key)?;
    let credential = read(&args.credential, MAX_PRESENTATION_BYTES)?;
    let credential = std::str::from_utf8(credential.trim_ascii_end())
        .with_context(|| format!("{} is no credential", args.credential.display()))?;
    let shown = choose(credential, &args)?;
    let bound_to = holder_key(&shown).with_context(|| format!("{} is refused", args.credential.display()))?;
    if bound_to != *signer.public_key() {
        bail!("the key in {} is not the one that the credential is bound to", args.key.display());
    }
    let random = random_nonce()?;
    let (audience, nonce) = match (&args.challenge, &args.audience) {
        (Some(nonce), _) if !is_nonce(nonce) => {
            return usage(format!(
                "--challenge {nonce:?} is no nonce: 16 to 256 printable ASCII characters without a space"
            ));
        }
        (Some(nonce), Some(audience)) => (audience.as_str(), nonce.as_str()),
        _live => (LIVE_AUDIENCE, random.as_str()),
    };
    let sign = |input: &[u8]| -> anyhow::Result<[u8; 64]> {
        let signature = signer.sign(input)?;
        signature.try_into().map_err(|_length| anyhow::anyhow!("the key makes signatures of another length"))
    };
    let presentation = bind(&shown, &Binding { issued, audience, nonce }, signer.algorithm(), sign)?;
    // The rest of the token is short, but the audience is the verifier's.
    let token = presentation.len().saturating_sub(shown.len());
    if token > MAX_KEY_BINDING_BYTES || presentation.len() > MAX_PRESENTATION_BYTES {
        bail!(
            "a presentation of {} bytes with a token of {token} is more than verifiers read: \
             {MAX_PRESENTATION_BYTES} and {MAX_KEY_BINDING_BYTES}",
            presentation.len()
        );
    }
    output::line(format_args!("{presentation}"))?;
    Ok(Exit::Good)
}

/// What is shown of a credential, up to and including the last `~`.
fn choose(credential: &str, args: &Args) -> anyhow::Result<String> {
    if !credential.contains('~') {
        return match args.disclose.first() {
            Some(name) => {
                usage(format!("--disclose {name:?}: the credential has nothing that can be hidden"))
            }
            None => Ok(format!("{credential}~")),
        };
    }
    let mut known = Vec::new();
    let shown = select(credential, |disclosure| {
        let name = match disclosure.kind() {
            DisclosureKind::Member(name) => name.clone(),
            DisclosureKind::Item => ITEM.to_owned(),
        };
        let chosen = args.disclose_all || args.disclose.contains(&name);
        known.push(name);
        chosen
    })
    .with_context(|| format!("{} is not as an issuer hands it out", args.credential.display()))?;
    if let Some(unknown) = args.disclose.iter().find(|name| !known.contains(name)) {
        return usage(format!("--disclose {unknown:?} is none of what can be hidden: {}", known.join(", ")));
    }
    Ok(shown)
}

/// The key that the credential is bound to, if the disclosures lead to a document. Its signature is for the verifier to check.
fn holder_key(shown: &str) -> anyhow::Result<PublicKey> {
    let parts = Presentation::parse(shown.as_bytes())?;
    let payload = parts.token.split(|byte| *byte == b'.').nth(1).and_then(decode_base64url);
    let limits = Limits { bytes: MAX_TOKEN_BYTES, depth: DEPTH, values: VALUES };
    let payload = Json::parse(&payload.context("the credential is no compact JWS")?, &limits)?;
    if !parts.disclosures.is_empty() {
        // A verifier would say the same, but not what to do about it.
        reveal(&payload, &parts.disclosures, Hidden::Anywhere)
            .context("what is disclosed does not fit: name what a member is inside of as well")?;
    }
    let jwk = payload.get("cnf").and_then(|cnf| cnf.get("jwk"));
    let jwk = jwk.context("the credential is bound to no key: its issuer was given none (holderKey)")?;
    Ok(PublicKey::from_jwk(jwk)?)
}

/// A private key as a JWK (RFC 7517). Members that say what else it is for are not looked at.
#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: String,
    x: String,
    y: Option<String>,
    d: String,
}

fn load_key(path: &Path) -> anyhow::Result<FileSigner> {
    let text = Zeroizing::new(read(path, MAX_KEY_BYTES)?);
    // What serde says could repeat a part of the text.
    let Ok(jwk) = serde_json::from_slice::<PrivateJwk>(&text) else {
        bail!("{} is no JWK of a private key: kty, crv, x, d and for P-256 y", path.display());
    };
    let secret = Zeroizing::new(jwk.d);
    let algorithm = match (jwk.kty.as_str(), jwk.crv.as_str(), &jwk.y) {
        ("EC", "P-256", Some(_y)) => Algorithm::Es256,
        ("OKP", "Ed25519", None) => Algorithm::EdDsa,
        (kty, crv, _y) => {
            bail!("{} is a key of kty {kty} and crv {crv}, and none of P-256 or Ed25519", path.display())
        }
    };
    let secret = decode_base64url_exact::<32>(secret.as_bytes()).map(Zeroizing::new);
    let secret =
        secret.with_context(|| format!("{} has a d that is not 32 bytes in base64url", path.display()))?;
    let signer =
        FileSigner::new(algorithm, &secret).with_context(|| format!("{} is refused", path.display()))?;
    let decoded = |text: &str| decode_base64url_exact::<32>(text.as_bytes());
    let public = match (decoded(&jwk.x), jwk.y.as_deref().map(decoded)) {
        (Some(x), Some(Some(y))) => PublicKey::p256(&x, &y).ok(),
        (Some(x), None) => PublicKey::ed25519(&x).ok(),
        _no_coordinate => None,
    };
    if public != Some(*signer.public_key()) {
        bail!("{} has a public key that is not the private one's", path.display());
    }
    Ok(signer)
}

/// 128 random bits of the holder's own, as no verifier asked for any.
fn random_nonce() -> anyhow::Result<String> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(encode_base64url(&nonce))
}

/// How an item of an array is named, which has no name of its own.
const ITEM: &str = "...";

/// `specs/credential.md#limits`.
const DEPTH: usize = 16;

/// `specs/credential.md#limits`.
const VALUES: usize = 2_048;

/// Of a private JWK with all the members that RFC 7517 knows: several times what a key takes.
const MAX_KEY_BYTES: usize = 16_384;
