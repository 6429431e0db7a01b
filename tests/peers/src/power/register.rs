//! The register of an issuer alone: a program that writes one and says what it has promised, and the judge of what is
//! left of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use sillok_issuer::journal::{MIN_SEGMENT_BYTES, StoreError};
use sillok_issuer::register::{Begin, ChangeRequest, Done, Intent, Provenance, Register, RegisterConfig};
use sillok_issuer::slots::Slot;
use sillok_issuer::subjects::Master;
use sillok_log::entry::{Issue, StatusValue, Thumbprint, commitment};
use sillok_log::{LeafIndex, UnixSeconds};

use super::promise::Promise;

/// Writes a register, as the hidden command [`WRITE`]: `FOLDER SESSION`. It ends without closing anything.
pub(super) fn write(arguments: &[String]) -> Result<()> {
    let [folder, session] = arguments else { bail!("{WRITE} takes a folder and a session") };
    let session: usize = session.parse().context("number of the session")?;
    let register = open(&PathBuf::from(folder))?;
    say(OPENED)?;
    if session == 0 {
        let list = register.slots().create(131_072)?;
        register.slots().open_list(list)?;
    }
    let leaf = AtomicU64::new(session as u64 * 10_000);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (register, leaf) = (&register, &leaf);
                scope.spawn(move || {
                    (0..ROUNDS).try_for_each(|round| one(register, leaf, (session, writer, round), &say))
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_panic| bail!("a writer panicked")))
    })?;
    // As a killed process ends: nothing is flushed or closed.
    std::process::exit(0)
}

type Say<'a> = &'a dyn Fn(&str) -> Result<()>;

/// A few credentials of one client, and some of what may happen to them.
fn one(
    register: &Register,
    leaf: &AtomicU64,
    (session, writer, round): (usize, usize, usize),
    say: Say<'_>,
) -> Result<()> {
    let (names, done) = issue(register, leaf, &format!("s{session}w{writer}r{round}"), round, say)?;
    let Some(name) = names.first().filter(|_name| done) else { return Ok(()) };
    if round % 4 == 1 {
        let id = credential_id(name);
        let (value, reason, operator) = (StatusValue::Revoked, "an error", "clerk");
        let request = ChangeRequest { ticket: None, target: id.as_str().into(), value, reason, operator };
        let change = register.status_intent(&[request], NOW)?.remove(0)?;
        say(&format!("changing {name}"))?;
        if round % 8 == 1 {
            register.status_done(&[(change.number, LeafIndex(leaf.fetch_add(1, Ordering::SeqCst)))], NOW)?;
            say(&format!("changed {name}"))?;
        }
    }
    if round % 9 == 5 {
        say(&format!("erasing {name}"))?;
        register.erase(name)?;
        say(&format!("erased {name}"))?;
    }
    Ok(())
}

/// Their names, and whether the log has answered.
fn issue(
    register: &Register,
    leaf: &AtomicU64,
    stem: &str,
    round: usize,
    say: Say<'_>,
) -> Result<(Vec<String>, bool)> {
    let names: Vec<String> = (0..1 + round % 3).map(|one| format!("{stem}n{one}")).collect();
    let slots = register.slots().take(names.len())?;
    let tickets = names.iter().map(|name| match register.begin(CLIENT, name, &DIGEST)? {
        Begin::New(ticket) => Ok(ticket),
        other => Err(anyhow!("{name} is not new: {other:?}")),
    });
    let tickets = tickets.collect::<Result<Vec<_>>>()?;
    let parts: Vec<(String, String, Provenance)> =
        names.iter().map(|name| (credential_id(name), jws(name), provenance(name))).collect();
    let intents = names.iter().zip(&parts).zip(slots.iter().zip(&tickets));
    let intents = intents.map(|((name, (id, jws, provenance)), (slot, ticket))| {
        Ok(Intent {
            ticket: Some(ticket),
            subject: name.as_str().into(),
            credential_id: id,
            slot: *slot,
            jws,
            nonce: NONCE,
            provenance,
            entry: entry(name)?,
        })
    });
    let numbers = register.intend(&intents.collect::<Result<Vec<_>>>()?, NOW)?;
    for (name, slot) in names.iter().zip(&slots) {
        say(&format!("intended {name} {} {}", hex(slot), slot.index))?;
    }
    if round % 7 == 3 {
        // The log does not answer.
        return Ok((names, false));
    }
    let leaves: Vec<u64> = names.iter().map(|_name| leaf.fetch_add(1, Ordering::SeqCst)).collect();
    let receipts: Vec<String> = leaves.iter().map(|leaf| receipt(*leaf)).collect();
    let done = numbers.iter().zip(leaves.iter().zip(&receipts));
    let done =
        done.map(|(number, (leaf, receipt))| Done { number: *number, leaf: LeafIndex(*leaf), receipt });
    register.complete(&done.collect::<Vec<_>>(), NOW)?;
    for (name, leaf) in names.iter().zip(&leaves) {
        say(&format!("completed {name} {leaf}"))?;
    }
    Ok((names, true))
}

/// What was promised about one credential.
#[derive(Default)]
struct Told {
    slot: Option<(String, u32)>,
    leaf: Option<u64>,
    changing: bool,
    changed: bool,
    erasing: bool,
    erased: bool,
}

/// Opens what is left, and holds it against every line that got out.
pub(super) fn judge(folder: &Path, promises: &[(usize, Promise)]) -> Result<()> {
    let mut told: BTreeMap<&str, Told> = BTreeMap::new();
    for (_at, promise) in promises {
        let Promise::Line(line) = promise else { continue };
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["intended", name, list, index] => {
                told.entry(name).or_default().slot = Some(((*list).to_owned(), index.parse()?));
            }
            ["completed", name, leaf] => told.entry(name).or_default().leaf = Some(leaf.parse()?),
            ["changing", name] => told.entry(name).or_default().changing = true,
            ["changed", name] => told.entry(name).or_default().changed = true,
            ["erasing", name] => told.entry(name).or_default().erasing = true,
            ["erased", name] => told.entry(name).or_default().erased = true,
            _other => {}
        }
    }
    // Twice: what one opening repairs, the next must find well.
    for opening in 1..=2 {
        let register = open(folder).with_context(|| format!("opening {opening}"))?;
        let mut given: BTreeSet<(String, u32)> = BTreeSet::new();
        for (name, told) in &told {
            holds(&register, name, told).with_context(|| format!("{name}, opening {opening}"))?;
            if let Some(slot) = &told.slot {
                ensure!(given.insert(slot.clone()), "slot {slot:?} was given twice, to {name} too");
            }
        }
        let open_slots: Vec<Slot> = register.open_intents()?.iter().map(|issued| issued.slot).collect();
        given.extend(open_slots.iter().map(|slot| (hex(slot), slot.index)));
        if register.slots().lists().iter().any(|list| list.open) {
            for slot in register.slots().take(200)? {
                ensure!(!given.contains(&(hex(&slot), slot.index)), "slot {slot:?} is given again");
            }
        }
        // It takes more, in the place of whatever was cut off.
        let name = format!("after{opening}");
        if told.values().any(|told| told.slot.is_some()) {
            one(&register, &AtomicU64::new(900_000), (90 + opening, 0, 2), &|_line| Ok(())).context(name)?;
        }
    }
    Ok(())
}

fn holds(register: &Register, name: &str, told: &Told) -> Result<()> {
    let begun = register.begin(CLIENT, name, &DIGEST)?;
    match begun {
        Begin::Replay(issued) | Begin::Resume(_, issued) => {
            ensure!(!told.erased, "it was erased and is readable");
            ensure!(issued.jws == jws(name), "its bytes are others");
            ensure!(issued.entry == entry(name)?, "its entry is another");
            if let Some((list, index)) = &told.slot {
                ensure!(
                    (hex(&issued.slot), issued.slot.index) == (list.clone(), *index),
                    "its slot is another"
                );
            }
            if let Some(leaf) = told.leaf {
                let logged = issued.logged.context("it was completed and is open")?;
                ensure!(
                    logged.leaf == LeafIndex(leaf) && logged.receipt == receipt(leaf),
                    "its receipt is another"
                );
            }
        }
        Begin::Gone => ensure!(told.erasing, "it is gone and nobody has erased it"),
        Begin::New(_) => bail!("it was intended and is unknown"),
        Begin::Changed(_) | Begin::Conflict | Begin::InProgress => bail!("it is {begun:?}"),
    }
    if told.changing {
        let open: HashSet<_> = register.open_changes().into_iter().map(|change| change.entry.index).collect();
        let found = register.find(&credential_id(name)).context("it is not found by its id")?;
        let slot = found.slot.index;
        ensure!(found.value == StatusValue::Revoked || open.contains(&slot), "its change is forgotten");
        ensure!(
            !told.changed || found.value == StatusValue::Revoked,
            "its change was logged and is forgotten"
        );
    }
    Ok(())
}

fn open(folder: &Path) -> Result<Register> {
    let config =
        RegisterConfig { segment_bytes: MIN_SEGMENT_BYTES, lease_slots: 16, ..RegisterConfig::new(folder) };
    Ok(open_alone(&config, &Master::new(&MASTER))?)
}

/// Opens a register. A program that the other thread starts has every lock for the moment between its fork and its exec.
pub(super) fn open_alone(config: &RegisterConfig, master: &Master) -> Result<Register, StoreError> {
    loop {
        match Register::open(config, master) {
            Err(StoreError::Locked { .. }) => thread::yield_now(),
            other => return other,
        }
    }
}

fn say(line: &str) -> Result<()> {
    // One write: a line gets out as a whole.
    Ok(std::io::stdout().lock().write_all(format!("{line}\n").as_bytes())?)
}

fn hex(slot: &Slot) -> String {
    slot.list.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn credential_id(name: &str) -> String {
    format!("urn:uuid:{name}")
}

/// As long as a credential.
fn jws(name: &str) -> String {
    format!("header.{}.signature", name.repeat(1_200 / name.len()))
}

fn receipt(leaf: u64) -> String {
    format!("receipt of leaf {leaf}, {}", "with a proof, ".repeat(40))
}

fn provenance(name: &str) -> Provenance {
    let text = |what: &str| format!("{what} of {name}");
    Provenance {
        nonce: NONCE,
        operator: text("operator"),
        facility: text("facility"),
        source_event: text("event"),
    }
}

fn entry(name: &str) -> Result<Issue> {
    Ok(Issue {
        commitment: commitment(&NONCE, name.as_bytes()),
        issuer_key: Thumbprint([4; 32]),
        provenance: provenance(name).digest()?,
        time: UnixSeconds(NOW.0 / 3_600 * 3_600),
    })
}

/// The hidden command that writes.
pub(super) const WRITE: &str = "write-register";

/// Its first line.
pub(super) const OPENED: &str = "opened";

pub(super) const MASTER: [u8; 32] = [5; 32];
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const NONCE: [u8; 32] = [2; 32];
const DIGEST: [u8; 32] = [1; 32];
const CLIENT: &str = "client";
const WRITERS: usize = 2;
const ROUNDS: usize = 40;
