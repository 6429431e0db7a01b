//! The steps of the demo. Each does one thing, checks that it came out as told, and says so in words.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use serde::Deserialize;
use sillok_client::Source;
use sillok_log::note::VerifierKey;
use sillok_registry::sealed::{self, Passphrase};
use sillok_verifier::trust::MAX_CONTAINER_BYTES;
use sillok_verifier::{Anchors, Evidence, Holder, Memory, Policy, Trust, Verdict, verify};

use super::forgery;
use super::say;
use crate::command::status::{Change, change_status, publish};
use crate::command::{audit, import, init, sample};
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::operator::Operator;
use crate::service::{Running, Service};

/// A story under way.
pub(super) struct Story<'a> {
    context: &'a Context,
    place: PathBuf,
    people: u64,
    folder: Folder,
    address: SocketAddr,
    listener: Option<TcpListener>,
    running: Option<Running>,
    revoked: Vec<String>,
    step: u32,
}

/// A line of what an import writes.
#[derive(Deserialize)]
struct Issued {
    #[serde(rename = "credentialId")]
    id: String,
    credential: String,
    receipt: String,
}

impl<'a> Story<'a> {
    /// Takes a port and makes the data folder.
    pub(super) fn begin(place: PathBuf, people: u64, context: &'a Context) -> anyhow::Result<Self> {
        say("Sillok: credentials that anyone can check and nobody can quietly change.")?;
        say("What follows happens now, on this machine, with made-up people.")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let data = place.join("data");
        fs::create_dir_all(&data)?;
        Passphrase::create(&data.join("passphrase"))?;
        let folder = init::make(&data, Some(&format!("http://{address}")), context)?;
        Ok(Self {
            context,
            place,
            people,
            folder,
            address,
            listener: Some(listener),
            running: None,
            revoked: Vec::new(),
            step: 0,
        })
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    fn title(&mut self, text: &str) -> anyhow::Result<()> {
        self.step += 1;
        say(&format!("\n{:>2}. {text}", self.step))
    }

    pub(super) fn make_keys(&mut self) -> anyhow::Result<()> {
        self.title("Keys")?;
        let keys = sealed::names(&self.folder.place.keys())?;
        told(format!("{} secret keys made, each in a file that is locked with a passphrase.", keys.len()))?;
        told(format!("The log that they belong to is called {}.", self.folder.settings().origin))
    }

    pub(super) fn start_servers(&mut self) -> anyhow::Result<()> {
        self.title("Servers")?;
        let listener = self.listener.take().ok_or_else(|| anyhow!("the port was given away"))?;
        let service = Service::open(&self.folder, self.context)?;
        let running = Running::start(service, listener)?;
        told(format!("Issuer and log answer at {}, on this machine only.", running.url()))?;
        self.running = Some(running);
        told("The issuer made its signing key and had it written into the log before first use.".into())
    }

    pub(super) fn sample_people(&mut self) -> anyhow::Result<()> {
        self.title("People")?;
        let lines = sample::write(&mut File::create(self.file("people.ndjson"))?, self.people, SEED)?;
        told(format!(
            "{} made-up people with {} vaccinations, as a hospital system exports them (HL7 FHIR).",
            self.people,
            lines - self.people
        ))
    }

    pub(super) fn import(&mut self) -> anyhow::Result<()> {
        self.title("Credentials")?;
        let order = import::Order {
            files: vec![self.file("people.ndjson")],
            out: self.place.join("credentials"),
            report: None,
            split: false,
            batch: 100,
            parallel: 4,
        };
        let began = Instant::now();
        let (counts, interrupted) = import::import(&self.operator()?, &order)?;
        if let Some(error) = interrupted {
            return Err(error.into());
        }
        if counts.issued.credentials != self.people || counts.issued.lines != counts.read {
            bail!("not everybody got a credential: {counts}");
        }
        told(format!(
            "{} credentials signed and entered in the log, in {}.",
            counts.issued.credentials,
            seconds(began.elapsed())
        ))?;
        told(format!("Of {} lines read, none was lost or refused.", counts.read))?;
        told(
            "Each came with a receipt: the proof that it is in the log. The log holds no name and no date,"
                .into(),
        )?;
        told("only fingerprints that cannot be turned back.".into())
    }

    pub(super) fn revoke(&mut self) -> anyhow::Result<()> {
        self.title("Three are revoked")?;
        let issued = self.issued()?;
        let operator = self.operator()?;
        for place in [0, issued.len() / 2, issued.len() - 1] {
            let id = &issued[place].id;
            change_status(&operator, Change::Revoke, id, Some("demonstration"))?;
            told(format!("revoked {id}"))?;
            self.revoked.push(id.clone());
        }
        publish(&operator)?;
        told("The new list of revoked credentials is published. It names nobody: it is a row of bits.".into())
    }

    pub(super) fn fetch_trust(&mut self) -> anyhow::Result<()> {
        self.title("What a verifier takes home")?;
        let source = Source::open(self.running()?.url())?;
        let bundle = source.published("trust-bundle", MAX_CONTAINER_BYTES)?;
        let bundle = bundle.ok_or_else(|| anyhow!("there is no trust bundle"))?;
        fs::write(self.file("trust-bundle"), &bundle)?;
        told(format!(
            "One file, {} bytes: whose signatures count, and who is revoked. That is all a verifier needs.",
            bundle.len()
        ))
    }

    pub(super) fn stop_servers(&mut self) -> anyhow::Result<()> {
        self.title("The servers stop")?;
        self.running.take().ok_or_else(|| anyhow!("nothing runs"))?.stop()?;
        if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok() {
            bail!("somebody still answers at {}", self.address);
        }
        told(format!("Nobody answers at {} any more. From here on everything is offline.", self.address))
    }

    pub(super) fn verify_offline(&mut self) -> anyhow::Result<()> {
        self.title("Everybody at the door, without a network")?;
        let now = (self.context.clock)();
        let root = VerifierKey::parse(&sealed::public_text(&self.folder.place.keys(), "root")?)?;
        let anchors = Anchors::new(vec![root], 1).ok_or_else(|| anyhow!("the root key is refused"))?;
        let bundle = fs::read(self.file("trust-bundle"))?;
        let (trust, mut memory) = Trust::open(&bundle, Some(&anchors), &Memory::default(), now)?;
        let (mut valid, mut revoked) = (0, Vec::new());
        // The story has no wallets: whose credential it is, the staff see.
        let policy = Policy::new(Holder::NotAsked);
        let began = Instant::now();
        for issued in self.issued()? {
            let evidence = Evidence {
                credential: issued.credential.as_bytes(),
                receipt: Some(issued.receipt.as_bytes()),
                statuses: &[],
            };
            let (verdict, kept) = verify(&evidence, &trust, &memory, &policy, now);
            memory = kept;
            match verdict {
                Verdict::Valid(_) => valid += 1,
                Verdict::Invalid(reason) if reason.code() == "status.revoked" => revoked.push(issued.id),
                Verdict::Invalid(reason) | Verdict::Unknown(reason) => {
                    bail!("{} is judged {reason} ({})", issued.id, reason.code());
                }
            }
        }
        let took = began.elapsed();
        revoked.sort();
        self.revoked.sort();
        if revoked != self.revoked || valid != self.people - 3 {
            bail!("{valid} are valid and {} revoked: not the three that were", revoked.len());
        }
        told(format!("{valid} valid, {} not valid. Their code: status.revoked.", revoked.len()))?;
        told(format!("{:.0} checks a second on one core.", self.people as f64 / took.as_secs_f64()))
    }

    pub(super) fn audit(&mut self) -> anyhow::Result<()> {
        self.title("An auditor reads the whole log")?;
        let (report, took) = self.audit_of(&self.folder.place.public())?;
        if report.exit() != Exit::Good {
            bail!("the audit finds something: {}", report.text());
        }
        told(format!("{} entries replayed from the files in {}: clean.", report.size(), seconds(took)))?;
        told("Every fingerprint, every rule, every bit of the list of the revoked was recomputed.".into())
    }

    pub(super) fn forge(&mut self) -> anyhow::Result<()> {
        self.title("A forger changes one byte")?;
        let forged = self.place.join("forged");
        forgery::copy(&self.folder.place.public(), &forged)?;
        let flip = forgery::flip_one_byte(&forged)?;
        told(format!("In a copy of the log, byte {} of {} is changed.", flip.offset, flip.file))?;
        let (report, _took) = self.audit_of(&forged)?;
        if report.exit() != Exit::Bad {
            bail!("the audit does not notice: {}", report.text());
        }
        for (code, detail) in report.findings().take(MAX_SHOWN) {
            told(format!("The auditor finds: {detail} ({code})"))?;
        }
        Ok(())
    }

    /// Starts the servers again, says what can be done with them, and waits for ctrl-c.
    pub(super) fn keep_running(mut self, stays: bool) -> anyhow::Result<()> {
        self.title("Yours to try")?;
        let listener = TcpListener::bind(self.address)?;
        let service = Service::open(&self.folder, self.context)?;
        let (url, data, place) =
            (format!("http://{}", self.address), self.folder.place.path().display(), self.place.display());
        told(format!("The servers run again at {url}. In another terminal:"))?;
        let first = self.issued()?.first().map(|issued| issued.id.clone()).unwrap_or_default();
        let program = std::env::current_exe()?;
        let program = program.display();
        for command in [
            format!("{program} sample --people 10 --seed 2 --out {place}/ten.ndjson"),
            format!(
                "{program} import --data {data} --issuer {url} --out {place}/ten --split {place}/ten.ndjson"
            ),
            format!("{program} revoke --data {data} --issuer {url} --publish {place}/ten/1.jwt"),
            format!("{program} trust-bundle --data {data} > {place}/trust-bundle"),
            format!(
                "{program} verify --trust {place}/trust-bundle --receipt {place}/ten/1.tlog-proof {place}/ten/1.jwt"
            ),
            format!(
                "{program} verify --trust {place}/trust-bundle --receipt {place}/ten/2.tlog-proof {place}/ten/2.jwt"
            ),
            format!("{program} audit {url} --vkey \"$({program} keys show --data {data} --log-vkey)\""),
            format!("curl {url}/checkpoint"),
        ] {
            say(&format!("      {command}"))?;
        }
        told(format!("The first of the revoked is {first}."))?;
        if !stays {
            told("The folder is removed when you end it.".into())?;
        }
        told("Ctrl-c ends it.".into())?;
        crate::service::run(service, listener)
    }

    fn audit_of(&self, place: &Path) -> anyhow::Result<(audit::Report, Duration)> {
        let source = Source::open(&place.display().to_string())?;
        let began = Instant::now();
        let report = audit::audit(&source, &source, &self.folder.log_vkey()?)?;
        Ok((report, began.elapsed()))
    }

    fn operator(&self) -> anyhow::Result<Operator> {
        Operator::new(&self.folder, self.running()?.url(), self.context)
    }

    fn running(&self) -> anyhow::Result<&Running> {
        self.running.as_ref().ok_or_else(|| anyhow!("nothing runs"))
    }

    fn issued(&self) -> anyhow::Result<Vec<Issued>> {
        let text = fs::read_to_string(self.file("credentials/credentials.ndjson"))?;
        let issued: Vec<Issued> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if issued.len() as u64 == self.people {
            Ok(issued)
        } else {
            bail!("{} credentials were written for {} people", issued.len(), self.people)
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }
}

fn told(text: String) -> anyhow::Result<()> {
    say(&format!("    {text}"))
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

/// Which made-up people.
const SEED: u64 = 1;

/// One changed byte shows in several places; so many are told.
const MAX_SHOWN: usize = 3;
