//! Tessera's `fsck` over a log that grows, from our own server and from nginx; and over one with a wrong byte.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use sillok_load::raw_log::RawLog;

use crate::machine::Machine;
use crate::nginx::{Nginx, Writer};
use crate::peer;

pub(crate) fn run(machine: &Machine, _arguments: &[String]) -> Result<()> {
    let fsck = peer::go(machine, "github.com/transparency-dev/tessera/cmd/fsck", VERSION)?;
    let program = machine.sillok()?;
    let scratch = machine.scratch("fsck-")?;
    let log = RawLog::make(&program, scratch.path())?;
    let key = scratch.path().join("log.vkey");
    fs::write(&key, log.key().to_string())?;
    let serving = log.start(&[], &[])?;
    let public = scratch.path().join("data/public");
    let nginx = match Nginx::start(machine, scratch.path(), &public, serving.public) {
        Ok(nginx) => Some(nginx),
        Err(error) if error.downcast_ref::<peer::Absent>().is_some() => {
            println!("fsck: {error}; from our own server alone");
            None
        }
        Err(error) => return Err(error),
    };
    let check = Check { fsck, key };
    let mut writer = Writer::new(serving.add, serving.public);
    let mut before = 0;
    for size in SIZES {
        writer.add(size - before)?;
        before = size;
        check.passes(serving.public, size, "our own server")?;
        if let Some(nginx) = &nginx {
            check.passes(nginx.address(), size, "nginx")?;
        }
    }
    // What it says is worth something: one wrong bit in a bundle, and one in a tile, are found.
    for file in ["tile/entries/017", "tile/0/003", "tile/1/000"] {
        flip(&public.join(file))?;
        check.fails(serving.public, file)?;
        flip(&public.join(file))?;
    }
    check.passes(serving.public, before, "our own server, set right")
}

struct Check {
    fsck: PathBuf,
    key: PathBuf,
}

impl Check {
    fn passes(&self, address: SocketAddr, size: u64, what: &str) -> Result<()> {
        let begun = Instant::now();
        let said = self.run(address)?;
        let good = said.contains(&format!("Successfully fsck'd log with size {size} "));
        ensure!(good, "fsck refuses the log of {size} entries from {what}: {said}");
        println!("fsck: {size} entries from {what}: good, {:.1} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    fn fails(&self, address: SocketAddr, file: &str) -> Result<()> {
        let said = self.run(address)?;
        let found = said.contains("fsck failed") && !said.contains("Successfully");
        ensure!(found, "fsck believes a log with a flipped bit in {file}: {said}");
        println!("fsck: a flipped bit in {file}: found");
        Ok(())
    }

    /// What it says, long lines cut. Version 1.0.4 ends with 0 whatever it has found.
    fn run(&self, address: SocketAddr) -> Result<String> {
        let output = Command::new(&self.fsck)
            .arg(format!("--storage_url=http://{address}/"))
            .arg(format!("--public_key={}", self.key.display()))
            .args(["--ui=false", "--N=4"])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("start {}", self.fsck.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<String> = said.lines().map(|line| line.chars().take(200).collect()).collect();
        Ok(lines.join("; "))
    }
}

fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    // Inside of an entry or a hash, not in a length.
    let byte = bytes.get_mut(9).context("the file has ten bytes")?;
    *byte ^= 1;
    fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}

/// Around one full tile, and of three levels.
const SIZES: [u64; 6] = [1, 255, 256, 257, 512, 70_000];

const VERSION: &str = "v1.0.4";
