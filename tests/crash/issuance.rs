//! Clients that ask an issuer for credentials until it is killed, and what they were handed, as they remember it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sillok_client::Logged;
use sillok_log::receipt::{IssueExtra, Receipt};
use sillok_verifier::credential::Credential;
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, verify};

use super::acknowledged::Acknowledged;
use super::batch::Answered;
use super::inspection::Inspection;
use super::load::{Trigger, clock};
use super::writer::{DEMO_TOKEN, Folder, Writer};

/// One client of the issuer, across all its processes.
pub(crate) struct Client {
    number: usize,
    random: fastrand::Rng,
    serial: u32,
    answered: Vec<String>,
    pending: Vec<String>,
}

/// What all clients were handed.
#[derive(Clone, Default)]
pub(crate) struct Handed {
    /// By idempotency key.
    credentials: BTreeMap<String, Issued>,
    slots: BTreeSet<(String, u64)>,
    asked: BTreeSet<String>,
    memory: Memory,
    /// Leaves found after a restart whose request had no answer yet.
    logged_unanswered: usize,
}

/// The bytes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Issued {
    credential: String,
    receipt: Vec<u8>,
}

enum Answer {
    Issued(Issued),
    /// Busy, or the same key is being answered just now.
    Later(String),
    /// Something fails inside.
    Failed(String),
    /// The process is gone.
    None,
}

enum Event {
    Started { key: String },
    Answered { key: String, issued: Issued },
}

impl Client {
    pub(crate) const fn new(number: usize, random: fastrand::Rng) -> Self {
        Self { number, random, serial: 0, answered: Vec::new(), pending: Vec::new() }
    }

    /// What was asked for and not answered, else now and then something that was, else something new.
    fn next(&mut self) -> String {
        if let Some(key) = self.pending.pop() {
            return key;
        }
        if let (0, Some(key)) = (self.random.u32(0..8), self.random.choice(&self.answered)) {
            return key.clone();
        }
        self.serial += 1;
        format!("client {} request {}", self.number, self.serial)
    }

    /// Asks until the process is gone. What a neighbour was not answered is asked for here too, at the same time.
    fn ask_until_gone(&mut self, url: &str, mut neighbours: Vec<String>, events: &Sender<Event>) {
        let agent = agent();
        loop {
            let (key, own) = match (self.pending.is_empty(), neighbours.pop()) {
                (true, Some(key)) => (key, false),
                (false, Some(later)) => {
                    neighbours.push(later);
                    (self.next(), true)
                }
                (_, None) => (self.next(), true),
            };
            events.send(Event::Started { key: key.clone() }).expect("the trigger outlives the clients");
            match ask(&agent, url, &key) {
                Answer::Issued(issued) => {
                    if own {
                        self.answered.push(key.clone());
                    }
                    events.send(Event::Answered { key, issued }).expect("the trigger outlives the clients");
                }
                Answer::Later(_) if own => self.pending.push(key),
                Answer::Later(_) => neighbours.push(key),
                Answer::Failed(problem) => panic!("{key:?} is answered with {problem}"),
                Answer::None => {
                    if own {
                        self.pending.push(key);
                    }
                    return;
                }
            }
        }
    }
}

/// Asks by every client until the trigger, kills the process, and takes every answer that got out before.
pub(crate) fn run_until_killed(
    folder: &Folder,
    writer: &mut Writer,
    clients: &mut [Client],
    mut trigger: Trigger,
    handed: &mut Handed,
    acknowledged: &mut Acknowledged,
) {
    let url = writer.url().to_owned();
    let pending: Vec<Vec<String>> = clients.iter().map(|client| client.pending.clone()).collect();
    let neighbours = pending.iter().cycle().skip(1).cloned();
    thread::scope(|scope| {
        let (sender, events): (Sender<Event>, Receiver<Event>) = channel();
        for (client, neighbours) in clients.iter_mut().zip(neighbours) {
            let (sender, url) = (sender.clone(), &url);
            scope.spawn(move || client.ask_until_gone(url, neighbours, &sender));
        }
        drop(sender);
        let mut killed = false;
        for event in events {
            match event {
                Event::Started { key } => {
                    handed.asked.insert(key);
                    if !killed && trigger.started() {
                        writer.kill();
                        killed = true;
                    }
                }
                Event::Answered { key, issued } => {
                    trigger.answered();
                    handed.take(key, issued, folder, acknowledged);
                }
            }
        }
        assert!(killed, "every client gave up on a process that was not killed: {}", folder.complaints());
    });
}

impl Handed {
    fn take(&mut self, key: String, issued: Issued, folder: &Folder, acknowledged: &mut Acknowledged) {
        if let Some(known) = self.credentials.get(&key) {
            assert_eq!(*known, issued, "{key:?} was answered with other bytes than before");
            return;
        }
        let jws = Jws::parse(issued.credential.as_bytes(), TokenType::CREDENTIAL).expect("a credential");
        let status = Credential::parse(jws.payload()).expect("a credential").status;
        assert!(self.slots.insert((status.uri, status.index)), "{key:?} got a status slot that was taken");
        let receipt = Receipt::parse(&issued.receipt).expect("a receipt");
        let extra = IssueExtra::parse(&receipt.extra.expect("the receipt of a credential has extra"));
        let entry = extra.expect("extra of an issue entry").entry(jws.signing_input(), jws.header().key_id);
        let text = String::from_utf8(issued.receipt.clone()).expect("a receipt is text");
        let logged = Logged { index: receipt.index, receipt: text, duplicate: false };
        let before = acknowledged.len();
        acknowledged.take(entry.encode(), &logged, folder.log_key(), None);
        assert_eq!(acknowledged.len(), before + 1, "{key:?} got the leaf of another credential");
        self.credentials.insert(key, issued);
    }

    /// What holds after every restart: the log has at most one leaf for a key, each credential is handed out again as
    /// it was, and a verifier with the trust bundle of today and the memory of yesterday admits it.
    pub(crate) fn hold(&mut self, found: &Inspection, url: &str) {
        let (least, leaves, most) = (self.credentials.len(), found.issue_entries(), self.asked.len());
        assert!((least..=most).contains(&leaves), "{leaves} leaves for {least} credentials of {most} keys");
        self.logged_unanswered += leaves - least;
        self.hold_answers(url);
    }

    /// What of that an issuer says itself.
    pub(crate) fn hold_answers(&mut self, url: &str) {
        let agent = agent();
        let bundle = agent.get(format!("{url}/trust-bundle")).call().expect("a trust bundle");
        let bundle = bundle.into_body().read_to_vec().expect("a trust bundle");
        let now = clock()();
        let (trust, memory) =
            Trust::open(&bundle, None, &self.memory, now).unwrap_or_else(|error| panic!("{error}"));
        let policy = Policy::new(Holder::NotAsked);
        for (key, issued) in &self.credentials {
            match ask(&agent, url, key) {
                Answer::Issued(again) => assert_eq!(again, *issued, "{key:?} is answered with other bytes"),
                Answer::Failed(_) | Answer::Later(_) | Answer::None => {
                    panic!("{key:?}, which was answered, is not answered again")
                }
            }
            let evidence = Evidence::new(issued.credential.as_bytes(), &issued.receipt);
            let (verdict, _memory) = verify(&evidence, &trust, &memory, &policy, now);
            assert!(verdict.admits(), "the credential of {key:?} is {verdict:?}");
        }
        self.memory = memory;
    }

    /// Asks for one credential, once, and takes what is answered.
    pub(crate) fn ask(
        &mut self,
        url: &str,
        key: &str,
        folder: &Folder,
        acknowledged: &mut Acknowledged,
    ) -> Answered {
        self.asked.insert(key.to_owned());
        match ask(&agent(), url, key) {
            Answer::Issued(issued) => {
                self.take(key.to_owned(), issued, folder, acknowledged);
                Answered::Logged
            }
            Answer::Failed(problem) | Answer::Later(problem) => Answered::Refused(problem),
            Answer::None => Answered::Gone("no answer".into()),
        }
    }

    /// Asks for everything that was never answered.
    pub(crate) fn settle(&mut self, url: &str, folder: &Folder, acknowledged: &mut Acknowledged) {
        let agent = agent();
        let unanswered = self.asked.iter().filter(|key| !self.credentials.contains_key(*key));
        for key in unanswered.cloned().collect::<Vec<_>>() {
            match ask(&agent, url, &key) {
                Answer::Issued(issued) => self.take(key, issued, folder, acknowledged),
                Answer::Failed(_) | Answer::Later(_) | Answer::None => {
                    panic!("{key:?} is not answered by an idle issuer")
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.credentials.len()
    }

    pub(crate) const fn logged_unanswered(&self) -> usize {
        self.logged_unanswered
    }
}

fn ask(agent: &ureq::Agent, url: &str, key: &str) -> Answer {
    let answer = agent
        .post(format!("{url}/credentials/issue"))
        .header("Authorization", format!("Bearer {DEMO_TOKEN}"))
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", key)
        .send(request(key).to_string())
        .and_then(|answer| {
            let status = answer.status().as_u16();
            Ok((status, answer.into_body().read_to_vec()?))
        });
    let Ok((status, bytes)) = answer else { return Answer::None };
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match (status, json["code"].as_str()) {
        (201, _) => {
            let id = json["verifiableCredential"]["id"].as_str().unwrap_or_default();
            let credential =
                id.strip_prefix("data:application/vc+jwt,").expect("an enveloped credential").to_owned();
            let receipt = STANDARD.decode(json["receipt"].as_str().unwrap_or_default()).expect("a receipt");
            Answer::Issued(Issued { credential, receipt })
        }
        (429 | 503, _) | (409, Some("idempotency-key.running")) => Answer::Later(json.to_string()),
        (500, _) => Answer::Failed(json.to_string()),
        _other => panic!("{key:?} is answered with {status}: {json}"),
    }
}

/// What is asked for under a key: the same each time.
fn request(key: &str) -> Value {
    json!({
        "credential": {
            "type": ["VerifiableCredential", "VaccinationCredential"],
            "credentialSubject": {
                "familyName": "Hong", "givenName": key, "birthDate": "1985-02-28",
                "doses": [{ "number": 1, "date": "2021-12-13", "vaccine": "BNT162b2" }],
            },
        },
        "options": { "subject": key, "facility": "clinic 7", "sourceEvent": key },
    })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(20)));
    config.build().new_agent()
}
