//! credo-ts, a wallet that others wrote, obtains credentials of `sillok serve` by OpenID4VCI, stores and presents them; our own
//! verifier decides about what it presents, and so do sd-jwt-js and credo-ts.
//!
//! nginx with `deploy/nginx/sillok.conf` does TLS before the issuer, as it must: credo-ts resolves did:web by https alone.
//! The certificate is made for the run, and the wallet told to trust it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value as Json, json};

use crate::machine::Machine;
use crate::peer;

mod door;
mod node;
mod service;

use door::{Asked, Door};
use node::{Node, Running};
use service::{BIRTH_DATE, Service, TYPE, Wanted};

/// `cargo xtask peers credo`.
pub(crate) fn run(machine: &Machine, _arguments: &[String]) -> Result<()> {
    let program = Node::find()?;
    let folder = peer::npm_locked(machine, "credo", PACKAGE, LOCK)?;
    let node = Node::new(program, folder)?;
    let scratch = machine.scratch("credo-")?;
    let service = Service::start(machine, scratch.path())?;
    let (store, authority) = (scratch.path().join("wallet.json"), scratch.path().join("tls.pem"));

    let mut wallet = node.wallet(&store, &authority)?;
    metadata(&service, &mut wallet)?;
    let batch = batch(&service, &mut wallet)?;
    let single = by_reference(&service, &mut wallet)?;
    let older = of_the_first_data_model(&service, &mut wallet)?;
    let late = deferred(&service, &mut wallet)?;
    wallet.stop()?;

    // Another process: what it knows is what was stored.
    let mut wallet = node.wallet(&store, &authority)?;
    listed(&mut wallet, &[&batch, &single, &older, &late])?;
    let door = Door::open(&service, scratch.path())?;
    presented(&service, &mut wallet, &door, &batch)?;
    answered(&service, &mut wallet, &door, &[&batch, &single, &late])?;
    presented_as_jwt(&mut wallet, &door, &older)?;
    revoked(&service, &mut wallet, &batch, scratch.path())?;
    wallet.stop()?;
    service.stop()?;
    println!("credo: everything holds");
    Ok(())
}

/// What a wallet got for one offer.
struct Obtained {
    /// Its name in the wallet.
    record: String,
    format: &'static str,
    credentials: Vec<String>,
    /// Of each credential, in base64.
    receipts: Vec<String>,
    /// Whether the issuer wanted to know that it arrived, and was told.
    notified: bool,
}

impl Obtained {
    /// Reads what `obtain` answered. credo-ts has no use for a receipt: it is taken from what came over the wire.
    fn read(answer: &Json, format: &'static str, count: usize) -> Result<Self> {
        let stored = &answer["stored"][0];
        let texts = |items: Option<&Vec<Json>>, name: &str| -> Vec<String> {
            let each = items.into_iter().flatten().filter_map(|item| item[name].as_str());
            each.map(String::from).collect()
        };
        let heard = answer["heard"].as_array().into_iter().flatten();
        let wire = heard.filter_map(|each| each["body"]["credentials"].as_array()).next_back();
        let credentials: Vec<String> = texts(wire, "credential");
        let receipts = texts(wire, "receipt");
        ensure!(
            json!(credentials) == stored["credentials"],
            "other credentials are stored than came: {answer}"
        );
        ensure!(credentials.len() == count, "{} credentials and not {count}", credentials.len());
        ensure!(receipts.len() == count, "{} receipts of {count} credentials: {answer}", receipts.len());
        let record = stored["record"].as_str().context("nothing is stored")?.into();
        let notified = answer["notified"] == 1;
        Ok(Self { record, format, credentials, receipts, notified })
    }
}

/// What issuer and authorization server say of themselves is well formed.
fn metadata(service: &Service, wallet: &mut Running) -> Result<()> {
    let answer = wallet.ask("checkMetadata", &json!({ "issuer": service.url() }))?;
    ensure!(answer["version"] == "V1", "the metadata is not that of OpenID4VCI 1.0: {answer}");
    let configurations = answer["configurations"].as_array().context("there are no configurations")?;
    for format in [SD_JWT, JWT] {
        let known = |each: &&Json| each["format"] == format;
        let each = configurations.iter().find(known).with_context(|| format!("no {format} is offered"))?;
        ensure!(each["known"] == true, "the configuration of {format} is malformed: {each}");
    }
    let names: Vec<&str> = configurations.iter().filter_map(|each| each["id"].as_str()).collect();
    println!("credo: metadata is well formed to @openid4vc/openid4vci; it offers {}", names.join(", "));
    Ok(())
}

/// Two keys by value, with a transaction code that is wrong at first.
fn batch(service: &Service, wallet: &mut Running) -> Result<Obtained> {
    let offer = service.offer(&Wanted { format: SD_JWT, subject: "M-1", tx_code: true })?;
    let code = offer.tx_code.as_deref().context("the operator is told no transaction code")?;
    let wrong = if code.starts_with('0') { code.replacen('0', "1", 1) } else { format!("0{}", &code[1..]) };
    let mut options = json!({ "offer": offer.by_value, "txCode": wrong, "binding": "jwk", "keys": 2 });
    refused(wallet, &options, "invalid_grant")?;
    options["txCode"] = json!(code);
    let obtained = obtain(wallet, &options, SD_JWT, 2)?;
    ensure!(obtained.notified, "the wallet is not asked to notify the issuer");
    refused(wallet, &options, "invalid_grant")?;
    println!(
        "credo: {SD_JWT} by value: a wrong tx_code is refused, with the right one two credentials for two keys \
         are stored and notified, a second time is refused"
    );
    Ok(obtained)
}

/// One Ed25519 key by reference; the offer is gone when it is redeemed.
fn by_reference(service: &Service, wallet: &mut Running) -> Result<Obtained> {
    let offer = service.offer(&Wanted { format: SD_JWT, subject: "M-2", tx_code: false })?;
    let options = json!({ "offer": offer.by_reference, "binding": "jwk", "algorithm": "EdDSA" });
    let obtained = obtain(wallet, &options, SD_JWT, 1)?;
    wallet.ask_in_vain("obtain", &options)?;
    println!("credo: {SD_JWT} by reference: one credential for an Ed25519 key is stored, the offer is gone");
    Ok(obtained)
}

/// VC 1.1, whose holder is a DID.
fn of_the_first_data_model(service: &Service, wallet: &mut Running) -> Result<Obtained> {
    let mut last = None;
    for (binding, subject) in [("did:key", "M-3"), ("did:jwk", "M-4")] {
        let offer = service.offer(&Wanted { format: JWT, subject, tx_code: false })?;
        let options = json!({ "offer": offer.by_reference, "binding": binding });
        last = Some(obtain(wallet, &options, JWT, 1)?);
        println!("credo: {JWT} by reference: a credential whose subject is a {binding} is stored");
    }
    last.context("there are no bindings")
}

/// A log whose witness is away gives no receipt: the credential is deferred, and still is when it is asked for, until the
/// witness is back.
fn deferred(service: &Service, wallet: &mut Running) -> Result<Obtained> {
    let offer = service.offer(&Wanted { format: SD_JWT, subject: "M-5", tx_code: false })?;
    service.halt_witness(true)?;
    let options = json!({ "offer": offer.by_value, "binding": "jwk" });
    for command in ["obtain", "collect"] {
        let answer = wallet.ask(command, &options)?;
        ensure!(answer["deferred"] == 1, "{command} does not defer without a witness: {answer}");
    }
    service.halt_witness(false)?;
    let obtained = collect(wallet, SD_JWT, 1)?;
    println!("credo: {SD_JWT} is deferred while the log's witness is away, and collected when it is back");
    Ok(obtained)
}

/// Takes up an offer; a busy issuer may defer what it gives.
fn obtain(wallet: &mut Running, options: &Json, format: &'static str, count: usize) -> Result<Obtained> {
    let answer = wallet.ask("obtain", options)?;
    if answer["deferred"] == 0 {
        return Obtained::read(&answer, format, count);
    }
    collect(wallet, format, count)
}

/// Asks for what is deferred until it is there.
fn collect(wallet: &mut Running, format: &'static str, count: usize) -> Result<Obtained> {
    for _round in 0..ROUNDS {
        std::thread::sleep(INTERVAL);
        let answer = wallet.ask("collect", &json!({}))?;
        if answer["deferred"] == 0 {
            return Obtained::read(&answer, format, count);
        }
    }
    bail!("a {format} is still deferred after {ROUNDS} times")
}

/// An attempt that the issuer answers with an error of OAuth.
fn refused(wallet: &mut Running, options: &Json, error: &str) -> Result<()> {
    let answer = wallet.ask_in_vain("obtain", options)?;
    let mut heard = answer["heard"].as_array().into_iter().flatten();
    ensure!(heard.any(|each| each["body"]["error"] == error), "that is not refused with {error}: {answer}");
    Ok(())
}

/// A wallet that was started again has it all.
fn listed(wallet: &mut Running, obtained: &[&Obtained]) -> Result<()> {
    let answer = wallet.ask("list", &json!({}))?;
    let records = answer["records"].as_array().context("a wallet lists nothing")?;
    for each in obtained {
        let found = records.iter().find(|record| record["record"] == each.record);
        let found = found.with_context(|| format!("the wallet lost a {}", each.format))?;
        ensure!(found["instances"] == each.credentials.len(), "of a {} some are gone: {found}", each.format);
        let claims = found["claims"].get("credentialSubject").unwrap_or_else(|| &found["claims"]);
        ensure!(claims["birthDate"] == BIRTH_DATE, "the wallet reads other claims: {claims}");
    }
    println!("credo: a wallet that is started again lists {} records with their claims", records.len());
    Ok(())
}

/// Each credential of a batch, to whoever gave the nonce, with no more than was chosen.
fn presented(service: &Service, wallet: &mut Running, door: &Door<'_>, batch: &Obtained) -> Result<()> {
    let (nonce, other) = (nonce(), nonce());
    for (instance, receipt) in batch.receipts.iter().enumerate() {
        let options = json!({
            "record": batch.record, "instance": instance, "frame": { "birthDate": true },
            "nonce": nonce, "audience": DOOR,
        });
        let answer = wallet.ask("present", &options)?;
        let shown = answer["presentation"].as_str().context("there is no presentation")?;
        let to = |nonce, audience| door.verdict(shown, receipt, Asked::Answer { nonce, audience });
        is("a presentation", &to(&nonce, DOOR)?, "valid")?;
        is("the same to another nonce", &to(&other, DOOR)?, "not valid: holder.nonce")?;
        is("the same to another door", &to(&nonce, "another door")?, "not valid: holder.audience")?;
        let disclosed = disclosed(shown)?;
        ensure!(disclosed == ["birthDate"], "other members are disclosed: {disclosed:?}");
        let options = json!({ "presentation": shown, "issuer": service.url(), "nonce": nonce });
        let answer = wallet.ask("checkSdJwt", &options)?;
        ensure!(answer["claims"]["birthDate"] == BIRTH_DATE, "sd-jwt-js reads other claims: {answer}");
        let options = json!({ "presentation": shown, "nonce": nonce, "audience": DOOR });
        let answer = wallet.ask("credo", &options)?;
        ensure!(answer["valid"] == true, "credo-ts itself does not take it: {answer}");
    }
    // The receipt of one is no receipt of the other.
    let swapped = door.verdict(&batch.credentials[0], &batch.receipts[1], Asked::Nothing)?;
    ensure!(swapped.starts_with("not valid"), "a credential with the receipt of another is {swapped}");
    println!(
        "credo: both present one claim of a {SD_JWT}: valid to our verifier, sd-jwt-js and credo-ts; not valid to \
         another nonce, to another door and with the receipt of the other"
    );
    Ok(())
}

/// Names of the members that a presentation discloses.
fn disclosed(presentation: &str) -> Result<Vec<String>> {
    let parts = presentation.split('~').skip(1).filter(|part| !part.is_empty() && !part.contains('.'));
    parts
        .map(|part| {
            let bytes = sillok_verifier::encoding::decode_base64url(part.as_bytes())
                .with_context(|| format!("disclosure {part} is not in base64url"))?;
            let parts: Vec<Json> = serde_json::from_slice(&bytes)?;
            Ok(parts.get(1).and_then(Json::as_str).unwrap_or_default().to_owned())
        })
        .collect()
}

/// OpenID4VP: a verifier's DCQL query, which the wallet matches with what it has.
fn answered(service: &Service, wallet: &mut Running, door: &Door<'_>, stored: &[&Obtained]) -> Result<()> {
    let nonce = nonce();
    let kind = format!("{}/credential-types/{TYPE}/v1", service.url());
    let query = json!({ "credentials": [{
        "id": "pass", "format": SD_JWT, "meta": { "vct_values": [kind] },
        "claims": [{ "path": ["birthDate"], "values": [BIRTH_DATE] }],
    }] });
    let answer = wallet.ask("answer", &json!({ "query": query, "nonce": nonce, "origin": DOOR_ORIGIN }))?;
    let shown = answer["vpToken"]["pass"][0].as_str().context("there is no vp_token")?;
    let signed = shown.split('~').next().unwrap_or_default();
    let all = stored.iter().flat_map(|each| each.credentials.iter().zip(&each.receipts));
    let found = all.clone().find(|(credential, _receipt)| credential.split('~').next() == Some(signed));
    let (_credential, receipt) = found.context("the wallet shows a credential that it did not get here")?;
    let audience = format!("origin:{DOOR_ORIGIN}");
    let verdict = door.verdict(shown, receipt, Asked::Answer { nonce: &nonce, audience: &audience })?;
    is("the answer to a DCQL query", &verdict, "valid")?;
    println!(
        "credo: it answers a DCQL query (OpenID4VP 1.0, Digital Credentials API): valid to our verifier"
    );
    Ok(())
}

/// VC 1.1 in a presentation that the DID of its subject signs: credo-ts checks the presentation, our verifier the credential.
fn presented_as_jwt(wallet: &mut Running, door: &Door<'_>, older: &Obtained) -> Result<()> {
    let options = json!({ "record": older.record, "nonce": nonce(), "audience": DOOR });
    let answer = wallet.ask("presentJwt", &options)?;
    ensure!(answer["valid"] == true, "credo-ts itself does not take a presentation of a {JWT}: {answer}");
    is(JWT, &door.verdict(&older.credentials[0], &older.receipts[0], Asked::Nothing)?, "valid")?;
    println!("credo: it presents a {JWT} by the DID of its subject; the credential is valid to our verifier");
    Ok(())
}

/// One of the batch is revoked: the others are not, and credo-ts reads the list as our verifier does.
fn revoked(service: &Service, wallet: &mut Running, batch: &Obtained, folder: &Path) -> Result<()> {
    let file = folder.join("revoked");
    std::fs::write(&file, &batch.credentials[0])?;
    service.revoke(&file)?;
    let door = Door::open(service, folder)?;
    let nonce = nonce();
    for (instance, expected) in ["not valid: status.revoked", "valid"].into_iter().enumerate() {
        let options = json!({
            "record": batch.record, "instance": instance, "frame": {}, "nonce": nonce, "audience": DOOR,
        });
        let answer = wallet.ask("present", &options)?;
        let shown = answer["presentation"].as_str().context("there is no presentation")?;
        let asked = Asked::Answer { nonce: &nonce, audience: DOOR };
        is("after the revocation, it", &door.verdict(shown, &batch.receipts[instance], asked)?, expected)?;
        let options = json!({ "presentation": shown, "nonce": nonce, "audience": DOOR });
        let answer = wallet.ask("credo", &options)?;
        ensure!(answer["valid"] == (expected == "valid"), "credo-ts says otherwise of {instance}: {answer}");
    }
    println!("credo: one of the batch is revoked: not valid to our verifier and to credo-ts, the other is");
    Ok(())
}

fn is(what: &str, verdict: &str, expected: &str) -> Result<()> {
    ensure!(verdict == expected, "{what} is {verdict}, and ought to be {expected}");
    Ok(())
}

/// 128 random bits.
fn nonce() -> String {
    format!("{:032x}", fastrand::u128(..))
}

const SD_JWT: &str = "dc+sd-jwt";
const JWT: &str = "jwt_vc_json";

/// Whom the wallet presents to.
const DOOR: &str = "https://door.example/main";
const DOOR_ORIGIN: &str = "https://door.example";

/// How often a deferred credential is asked for, and how long the issuer says to wait between two times.
const ROUNDS: u32 = 12;
const INTERVAL: Duration = Duration::from_secs(5);

const PACKAGE: &str = include_str!("credo/package.json");
const LOCK: &str = include_str!("credo/package-lock.json");
