//! slowhttptest's slow heads, slow bodies and slow readers before `sillok serve`: none is connected after its deadline, and
//! everybody else is served all the while.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sillok_load::connection::Connection;
use sillok_load::process::Process;

use crate::machine::Machine;
use crate::peer;

pub(crate) fn run(machine: &Machine, _arguments: &[String]) -> Result<()> {
    let slowhttptest = peer::debian("slowhttptest", "slowhttptest")?;
    let program = machine.sillok()?;
    let scratch = machine.scratch("slow-")?;
    let data = scratch.path().join("data");
    let output = Command::new(&program).args(["init", "--data"]).arg(&data).output()?;
    ensure!(output.status.success(), "`sillok init` ended with {}", output.status);
    let mut serve = Command::new(&program);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).env("SILLOK_LOG_LEVEL", "warn");
    serve.stderr(Stdio::null());
    let process = Process::start(serve, "listening on", PATIENCE)?;
    let address = process.address(0).context("`sillok serve` told no address")?;
    for attack in ATTACKS {
        attack.run(&slowhttptest, scratch.path(), address, process.id())?;
    }
    process.stop(PATIENCE)?;
    println!("slow: none is left after its deadline, and everybody else was served");
    Ok(())
}

/// One of slowhttptest's modes.
struct Attack {
    name: &'static str,
    path: &'static str,
    flags: &'static [&'static str],
    /// Until the last of them is gone, counted from when it came.
    deadline: Duration,
}

impl Attack {
    fn run(&self, program: &Path, folder: &Path, address: SocketAddr, server: u32) -> Result<()> {
        let child = Command::new(program)
            .args(self.flags)
            .args(["-c", &CONNECTIONS.to_string(), "-r", "150", "-l", &LENGTH.as_secs().to_string()])
            .args(["-p", "3", "-u", &format!("http://{address}{}", self.path)])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let mut attacker = Attacker(child);
        let (begun, mut most, mut last) = (Instant::now(), 0, Duration::ZERO);
        let mut health = Health::new(address);
        while begun.elapsed() < LENGTH {
            health.check()?;
            let open = established(address)?.saturating_sub(BESIDE);
            most = most.max(open);
            if open > 0 {
                last = begun.elapsed();
            } else if most > 0 && begun.elapsed() > last + Duration::from_secs(3) {
                break;
            }
            if attacker.0.try_wait()?.is_some() && open == 0 {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let memory = sillok_load::process::Usage::of(server)?.resident_bytes >> 20;
        println!(
            "slow: {}: {most} of {CONNECTIONS} connected at once, the last gone after {:.1} s; {} requests beside them, \
             the slowest {:.0} ms; {memory} MiB",
            self.name,
            last.as_secs_f64(),
            health.asked,
            health.slowest.as_secs_f64() * 1_000.0,
        );
        ensure!(most > CONNECTIONS / 3, "{}: only {most} connected: that shows nothing", self.name);
        let allowed = ARRIVAL + self.deadline;
        ensure!(last < allowed, "{}: some were there after {last:?}, later than {allowed:?}", self.name);
        ensure!(
            health.slowest < Duration::from_secs(1),
            "{}: a request took {:?}",
            self.name,
            health.slowest
        );
        Ok(())
    }
}

/// slowhttptest, ended when this is dropped.
struct Attacker(Child);

impl Drop for Attacker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What others want meanwhile, and how long they wait for it.
struct Health {
    address: SocketAddr,
    kept: Connection,
    asked: u64,
    slowest: Duration,
}

impl Health {
    fn new(address: SocketAddr) -> Self {
        let kept = Connection::new(address, PATIENCE);
        Self { address, kept, asked: 0, slowest: Duration::ZERO }
    }

    /// One on a connection that is kept, and one that has to be accepted first.
    fn check(&mut self) -> Result<()> {
        let mut new = Connection::new(self.address, PATIENCE);
        for (connection, path) in [(&mut self.kept, "/checkpoint"), (&mut new, "/healthz")] {
            let begun = Instant::now();
            let answer = connection.get(path)?;
            ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
            self.slowest = self.slowest.max(begun.elapsed());
            self.asked += 1;
        }
        Ok(())
    }
}

/// Connections that a server on a loopback address has: established, or closed by the other side alone (proc(5)).
fn established(address: SocketAddr) -> Result<usize> {
    let table = fs::read_to_string("/proc/net/tcp").context("read /proc/net/tcp")?;
    let port = format!(":{:04X}", address.port());
    let held = table.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next(), fields.nth(1));
        local.is_some_and(|local| local.ends_with(&port)) && matches!(state, Some("01" | "08"))
    });
    Ok(held.count())
}

/// What the server allows (`HttpConfig`), with a second for the library's clock and one for the closing.
const ATTACKS: [Attack; 3] = [
    Attack {
        name: "heads that never end (-H)",
        path: "/checkpoint",
        flags: &["-H", "-i", "3"],
        deadline: Duration::from_secs(5 + 2),
    },
    Attack {
        name: "bodies that never end (-B)",
        path: "/oauth/token",
        flags: &["-B", "-i", "3", "-s", "8192", "-f", "application/x-www-form-urlencoded"],
        deadline: Duration::from_secs(10 + 2),
    },
    Attack {
        name: "answers that are hardly read (-X)",
        path: "/openapi.json",
        flags: &["-X", "-k", "8", "-w", "256", "-y", "512", "-n", "5", "-z", "32"],
        // Whatever the system took is read before the end is seen: 2 KiB/s is the least that the server waits for.
        deadline: Duration::from_secs(20 + 15),
    },
];

const CONNECTIONS: usize = 300;

/// One that we keep, and those by which slowhttptest itself asks now and then whether the server still answers.
const BESIDE: usize = 3;

/// They come at 150 a second.
const ARRIVAL: Duration = Duration::from_secs(3);

/// How long slowhttptest goes on.
const LENGTH: Duration = Duration::from_secs(60);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);

const PATIENCE: Duration = Duration::from_secs(30);
