//! The witness of transparency-dev cosigns our log, with either kind of key, and ours cosigns logs of Tessera,
//! one of them brought by Tessera's own client.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_load::process::Process;
use sillok_load::raw_log::RawLog;
use sillok_log::TreeSize;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::policy::Policy;

use crate::hammer::rival;
use crate::machine::Machine;
use crate::peer;

mod feeder;
mod foreign;

pub(crate) fn run(machine: &Machine, _arguments: &[String]) -> Result<()> {
    let omniwitness = peer::go(machine, PACKAGE, VERSION)?;
    let program = machine.sillok_checked()?;
    let scratch = machine.scratch("omniwitness-")?;
    for kind in [SignatureKind::CosignatureV1, SignatureKind::MlDsa44] {
        let folder = scratch.path().join(format!("kind-{}", kind.byte()));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        cosigns_ours(&omniwitness, &program, &folder, kind)?;
    }
    let posix = peer::go(machine, &format!("{}/cmd/conformance/posix", rival::MODULE), rival::VERSION)?;
    foreign::cosigned_by_us(&posix, &program, scratch.path())?;
    let oneshot =
        peer::go(machine, &format!("{}/cmd/examples/posix-oneshot", rival::MODULE), rival::VERSION)?;
    feeder::brings_theirs(&oneshot, &program, scratch.path())
}

/// Our log under a policy that names their witness: its checkpoint becomes public with its line, waits while it is away, and
/// goes on when it is back.
fn cosigns_ours(omniwitness: &Path, program: &Path, folder: &Path, kind: SignatureKind) -> Result<()> {
    let log = RawLog::make(program, folder)?;
    let theirs = Omniwitness::new(omniwitness, folder, log.key(), kind)?;
    let policy = format!("witness omni {} {}\nquorum omni\n", theirs.key, theirs.url());
    fs::write(folder.join("data/policy"), &policy).context("write the policy")?;
    let policy = Policy::parse(policy.as_bytes()).context("parse the policy")?;
    let running = theirs.start()?;
    let serving = log.start(&[], &[("policy", "policy")])?;
    let begun = Instant::now();
    add(serving.add, 300)?;
    wait_for(serving.public, log.key(), &policy, TreeSize(300))?;
    println!("omniwitness: {kind}: 300 entries public with its line, {:.1} s", begun.elapsed().as_secs_f64());
    drop(running);
    add(serving.add, 10)?;
    let (checkpoint, _note) = public(serving.public, log.key())?;
    ensure!(
        checkpoint.size == TreeSize(300),
        "what nobody has cosigned is public at size {}",
        checkpoint.size
    );
    let running = theirs.start()?;
    let begun = Instant::now();
    add(serving.add, 1)?;
    wait_for(serving.public, log.key(), &policy, TreeSize(311))?;
    println!("omniwitness: {kind}: back, it has cosigned 311, {:.1} s", begun.elapsed().as_secs_f64());

    // Both are started again: what the witness recorded and what the head knows agree, or the log would not open.
    drop(serving);
    drop(running);
    let _running = theirs.start()?;
    let serving = log.start(&[], &[("policy", "policy")])?;
    wait_for(serving.public, log.key(), &policy, TreeSize(311))?;
    println!("omniwitness: {kind}: both started again, and agree");
    Ok(())
}

/// Adds entries that nobody has added.
pub(super) fn add(address: SocketAddr, count: usize) -> Result<()> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
    for _ in 0..count {
        let entry: [u8; 16] = fastrand::u128(..).to_be_bytes();
        agent.post(format!("http://{address}/add")).send(&entry[..]).context("add an entry")?;
    }
    Ok(())
}

/// The public checkpoint, signed by the log.
pub(super) fn public(address: SocketAddr, key: &VerifierKey) -> Result<(Checkpoint, String)> {
    let note = get(&format!("http://{address}/checkpoint"))?;
    let note = String::from_utf8(note).context("read the checkpoint")?;
    Ok((Checkpoint::open(&note, key).with_context(|| format!("open {note:?}"))?, note))
}

pub(super) fn get(url: &str) -> Result<Vec<u8>> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
    let mut response = agent.get(url).call().with_context(|| format!("get {url}"))?;
    response.body_mut().read_to_vec().with_context(|| format!("read {url}"))
}

fn wait_for(address: SocketAddr, key: &VerifierKey, policy: &Policy, size: TreeSize) -> Result<()> {
    let begun = Instant::now();
    loop {
        let (checkpoint, note) = public(address, key)?;
        if checkpoint.size > TreeSize(0) {
            policy.witnessed(&note).with_context(|| format!("not cosigned: {note}"))?;
        }
        if checkpoint.size >= size {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "size {size} is not public; {} is", checkpoint.size);
        std::thread::sleep(LOOK);
    }
}

/// A port that is free at this moment.
pub(super) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).context("find a free port")
}

/// Their witness: its key, its records, and where it listens.
struct Omniwitness {
    program: PathBuf,
    folder: PathBuf,
    key: VerifierKey,
    address: SocketAddr,
}

impl Omniwitness {
    fn new(program: &Path, folder: &Path, log: &VerifierKey, kind: SignatureKind) -> Result<Self> {
        let mut seed = [0; 32];
        fastrand::fill(&mut seed);
        let key = SignerKey::from_seed("omni.example/witness", kind, &seed)?.verifier();
        let secret = STANDARD.encode([&[kind.byte()], seed.as_slice()].concat());
        let text = format!("PRIVATE+KEY+{}+{}+{secret}", key.name(), key.key_id());
        fs::write(folder.join("omni.key"), text).context("write the key")?;
        let logs = format!(
            "Logs:\n  - Origin: {}\n    PublicKey: {log}\n    URL: http://127.0.0.1:1/\n",
            log.name()
        );
        fs::write(folder.join("logs.yaml"), logs).context("write the logs")?;
        Ok(Self { program: program.into(), folder: folder.into(), key, address: free_address()? })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn start(&self) -> Result<Process> {
        let mut command = Command::new("sh");
        // It tells what it tells on standard error.
        command.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(&self.program).stdin(Stdio::null());
        command.arg(format!("--listen={}", self.address)).arg("--metrics_listen=");
        command.arg(format!("--private_key_path={}", self.folder.join("omni.key").display()));
        command.arg(format!("--additional_logs={}", self.folder.join("logs.yaml").display()));
        command.arg(format!("--db_file={}", self.folder.join("omni.db").display()));
        let process = Process::start(command, "Connecting to local DB", PATIENCE)?;
        let begun = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            ensure!(begun.elapsed() < PATIENCE, "omniwitness does not listen on {}", self.address);
            std::thread::sleep(LOOK);
        }
        Ok(process)
    }
}

const PACKAGE: &str = "github.com/transparency-dev/witness/cmd/omniwitness";

/// The newest that the module proxy had; there are no releases with it.
const VERSION: &str = "v0.0.0-20260720115447-2e1c6971d19e";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it is there.
const LOOK: Duration = Duration::from_millis(20);
