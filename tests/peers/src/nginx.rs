//! nginx with `deploy/nginx/sillok.conf` before a log that grows: what it serves, and what it does not.

mod served;
mod wire;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sillok_load::raw_log::RawLog;

use crate::machine::Machine;
use crate::peer;

pub(crate) use wire::Writer;

/// nginx with our file, on a port of its own. It is stopped when this is dropped.
pub(crate) struct Nginx {
    process: Child,
    address: SocketAddr,
}

impl Nginx {
    /// Starts it before `upstream`, with the files of `public`.
    ///
    /// # Errors
    /// [`peer::Absent`]; it does not take the file, or does not answer.
    pub(crate) fn start(
        machine: &Machine,
        folder: &Path,
        public: &Path,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let address = free_port()?;
        Self::start_at(machine, folder, public, upstream, address, "")
    }

    /// The same with TLS: `folder` has the certificate as `tls.pem`, its key as `tls.key`.
    ///
    /// # Errors
    /// As [`Nginx::start`].
    pub(crate) fn start_tls(
        machine: &Machine,
        folder: &Path,
        public: &Path,
        upstream: SocketAddr,
        address: SocketAddr,
    ) -> Result<Self> {
        let place = folder.display();
        let tls = format!(" ssl; ssl_certificate {place}/tls.pem; ssl_certificate_key {place}/tls.key");
        Self::start_at(machine, folder, public, upstream, address, &tls)
    }

    fn start_at(
        machine: &Machine,
        folder: &Path,
        public: &Path,
        upstream: SocketAddr,
        address: SocketAddr,
        tls: &str,
    ) -> Result<Self> {
        let program = peer::debian("nginx", "nginx-light")?;
        let file = machine.root().join("deploy/nginx/sillok.conf");
        let mut text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        for (from, to) in [
            ("root /var/lib/sillok/public;", format!("root {};", public.display())),
            ("server 127.0.0.1:8080;", format!("server {upstream};")),
            ("listen 80;", format!("listen {address}{tls};")),
            // All of this comes from one address.
            ("limit_conn sillok_connections 128;", "limit_conn sillok_connections 4096;".into()),
            ("rate=100r/s", "rate=10000r/s".into()),
        ] {
            ensure!(text.matches(from).count() == 1, "{} does not say {from:?} once", file.display());
            text = text.replace(from, &to);
        }
        let main = Self::write(folder, &text)?;
        let mut process = Command::new(&program)
            .arg("-c")
            .arg(&main)
            .arg("-e")
            .arg(folder.join("nginx.log"))
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.try_wait()? {
                let log = fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
                anyhow::bail!("nginx ended with {status}: {log}");
            }
            ensure!(begun.elapsed() < PATIENCE, "nginx does not listen on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { process, address })
    }

    /// Our file, and the least around it.
    fn write(folder: &Path, text: &str) -> Result<PathBuf> {
        let (ours, main) = (folder.join("sillok.conf"), folder.join("nginx.conf"));
        fs::write(&ours, text)?;
        let place = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {place}/nginx-{name};"))
            .join(" ");
        let around = format!(
            "daemon off; worker_processes 1; pid {place}/nginx.pid; user root;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; {temporary} include {}; }}\n",
            ours.display()
        );
        fs::write(&main, around)?;
        Ok(main)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The signal that its worker gets too.
        drop(Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status());
        drop(self.process.wait());
    }
}

/// A port of loopback that nobody has now.
///
/// # Errors
/// There is none.
pub(crate) fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(crate) fn run(machine: &Machine, _arguments: &[String]) -> Result<()> {
    // Before anything is built.
    peer::debian("nginx", "nginx-light")?;
    let program = machine.sillok()?;
    let scratch = machine.scratch("nginx-")?;
    let log = RawLog::make(&program, scratch.path())?;
    let serving = log.start(&[], &[])?;
    let public = scratch.path().join("data/public");
    let nginx = Nginx::start(machine, scratch.path(), &public, serving.public)?;
    let place = served::Place { nginx: nginx.address(), own: serving.public, public: &public };
    let mut writer = Writer::new(serving.add, serving.public);
    writer.add(300)?;
    place.issue()?;
    place.same_files()?;
    place.same_files_revalidate()?;
    place.only_reads()?;
    place.nothing_else()?;
    place.one_meaning()?;
    place.limits()?;
    // Partial tiles are gone once the full one is there.
    writer.add(212)?;
    place.partial_is_gone("tile/entries/001.p/44", "tile/entries/001", true)?;
    writer.add(50)?;
    writer.add(206)?;
    place.partial_is_gone("tile/entries/002.p/50", "tile/entries/002", false)?;
    println!("nginx: partial tiles are gone when their full one is there");
    place.same_files()?;
    place.checkpoint_is_fresh(&mut writer, 100)?;
    place.audits_while_it_grows(&program, log.key(), &mut writer)?;
    serving.process.stop(PATIENCE)?;
    place.reads_go_on()?;
    println!("nginx: everything holds");
    Ok(())
}

/// How long anything may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);
