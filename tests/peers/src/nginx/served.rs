//! What is asked of nginx, each answer beside that of our own server or beside the file.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sillok_log::note::VerifierKey;

use super::PATIENCE;
use super::wire::{Answer, Writer, ask, converse, size_of};

/// Where the same log is served twice, and its files.
pub(super) struct Place<'a> {
    pub(super) nginx: SocketAddr,
    pub(super) own: SocketAddr,
    pub(super) public: &'a Path,
}

impl Place<'_> {
    /// What an issuer would publish, some of it on its way.
    pub(super) fn issue(&self) -> Result<()> {
        let list = self.public.join("status").join(LIST);
        fs::create_dir_all(&list)?;
        for file in ["snapshot", "revocation", "suspension", "token", "snapshot.new", "other"] {
            fs::write(list.join(file), format!("{{\"{file}\": 1}}\n"))?;
        }
        fs::create_dir_all(self.public.join("status/population"))?;
        for file in ["trust-bundle", "trust-bundle.new", ".tmp/0", ".hidden"] {
            fs::write(self.public.join(file), format!("{{\"{file}\": 1}}\n"))?;
        }
        let population = self.public.join("status/population");
        fs::create_dir_all(&population)?;
        let delta = format!("from-{}", LIST.repeat(2));
        for file in ["whole", "trust-bundle", "whole.new", &delta] {
            fs::write(population.join(file), format!("{{\"{file}\": 1}}\n"))?;
        }
        Ok(())
    }

    /// Every published file: the same bytes and headers from both; everything else in the folder from none.
    pub(super) fn same_files(&self) -> Result<()> {
        let (mut served, mut kept) = (0, 0);
        for path in files(self.public, "")? {
            let (ours, theirs) = (ask(self.own, "GET", &path, &[])?, ask(self.nginx, "GET", &path, &[])?);
            ensure!(
                ours.status == theirs.status,
                "{path}: {} from us, {} from nginx",
                ours.status,
                theirs.status
            );
            if ours.status != 200 {
                ensure!(theirs.status == 404 && !path.starts_with("/tile/"), "{path}: {}", theirs.status);
                kept += 1;
                continue;
            }
            served += 1;
            ensure!(ours.body == theirs.body, "{path}: other bytes from nginx");
            let name = path.trim_start_matches('/');
            ensure!(fs::read(self.public.join(name))? == theirs.body, "{path}: other bytes than the file");
            for header in HEADERS {
                let (ours, theirs) = (ours.header(header), theirs.header(header));
                ensure!(ours == theirs, "{path}: {header} is {ours:?} from us, {theirs:?} from nginx");
            }
            let head = ask(self.nginx, "HEAD", &path, &[])?;
            let length = theirs.body.len().to_string();
            ensure!(head.status == 200 && head.body.is_empty(), "HEAD {path}: {}", head.status);
            ensure!(head.header("content-length") == Some(&length), "HEAD {path} tells another length");
        }
        ensure!(served > 5 && kept > 3, "{served} files served, {kept} not: where are they?");
        println!(
            "nginx: {served} files with the same bytes and headers as from our own server, {kept} kept back"
        );
        Ok(())
    }

    /// Tiles have a validator that is honoured; what is replaced has none.
    pub(super) fn same_files_revalidate(&self) -> Result<()> {
        let path = "/tile/entries/000";
        let tile = ask(self.nginx, "GET", path, &[])?;
        let tag = tile.header("etag").with_context(|| format!("{path} has no ETag"))?;
        let again = ask(self.nginx, "GET", path, &[("If-None-Match", tag)])?;
        ensure!(again.status == 304 && again.body.is_empty(), "{path} with its ETag: {}", again.status);
        let other = ask(self.nginx, "GET", path, &[("If-None-Match", "\"other\"")])?;
        ensure!(other.status == 200 && other.body == tile.body, "{path} with another ETag: {}", other.status);
        let list = format!("/status/{LIST}/snapshot");
        for path in ["/checkpoint", "/trust-bundle", &list] {
            let answer =
                ask(self.nginx, "GET", path, &[("If-Modified-Since", FUTURE), ("If-None-Match", "*")])?;
            ensure!(answer.status == 200, "{path}, conditional: {}", answer.status);
            for header in ["etag", "last-modified"] {
                ensure!(answer.header(header).is_none(), "{path} has a {header} of one second's resolution");
            }
        }
        let zipped = ask(self.nginx, "GET", path, &[("Accept-Encoding", "gzip")])?;
        ensure!(zipped.header("content-encoding").is_none(), "{path} is compressed");
        println!(
            "nginx: tiles answer 304 to their ETag; checkpoint, lists and trust bundle have no validators"
        );
        Ok(())
    }

    /// Other methods are refused, and told which there are.
    pub(super) fn only_reads(&self) -> Result<()> {
        for path in ["/checkpoint", "/tile/entries/000", "/trust-bundle"] {
            for method in ["POST", "PUT", "DELETE"] {
                let answer = ask(self.nginx, method, path, &[("Content-Length", "0")])?;
                is_problem(&answer, 405).with_context(|| format!("{method} {path}"))?;
                ensure!(answer.header("allow") == Some("GET, HEAD"), "{method} {path} without Allow");
            }
        }
        Ok(())
    }

    /// No listing, no other file, no other way to write a path.
    pub(super) fn nothing_else(&self) -> Result<()> {
        let secret = self.public.parent().context("the public folder is in the data folder")?.join("secret");
        fs::write(&secret, SECRET)?;
        let list = format!("/status/{LIST}");
        let mut paths: Vec<String> = NOWHERE.iter().map(|path| (*path).into()).collect();
        paths.extend(
            ["", "/", "/snapshot.new", "/other", "/../../secret", "/snapshot/"]
                .map(|end| format!("{list}{end}")),
        );
        paths.push(format!("/status/{}/snapshot", LIST.to_uppercase()));
        for path in &paths {
            let answer = ask(self.nginx, "GET", path, &[])?;
            ensure!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
            ensure!(
                !answer.body.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()),
                "{path}: the secret"
            );
            is_problem(&answer, answer.status).with_context(|| path.clone())?;
        }
        println!("nginx: {} paths that lead nowhere lead nowhere", paths.len());
        Ok(())
    }

    /// What has two readings is refused, and hides nothing.
    pub(super) fn one_meaning(&self) -> Result<()> {
        let hidden = "GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n";
        for framing in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5, 5",
            "Content-Length : 5",
            "Content-Length: +5",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "X: a\0b\r\nContent-Length: 5",
        ] {
            let request = format!("POST /entries HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
            let answer = converse(self.nginx, request.as_bytes())?;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let refused = answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 501 ");
            ensure!(refused && answer.matches("HTTP/1.1 ").count() == 1, "{framing:?}: {answer}");
        }
        Ok(())
    }

    /// What is sillok's reaches it, and what is too much does not.
    pub(super) fn limits(&self) -> Result<()> {
        let answer = ask(self.nginx, "GET", "/healthz", &[])?;
        ensure!(answer.status == 200 && answer.body == b"ok\n", "/healthz: {}", answer.status);
        let answer = ask(self.nginx, "POST", "/entries", &[("Content-Length", "0")])?;
        is_problem(&answer, 401)?;
        for (path, limit) in
            [("/entries", 1 << 20), ("/credentials/issue", 16 << 10), ("/oauth/token", 16 << 10)]
        {
            let length = (limit + 1).to_string();
            let answer = ask(self.nginx, "POST", path, &[("Content-Length", &length)])?;
            is_problem(&answer, 413).with_context(|| path.to_owned())?;
        }
        let long = "x".repeat(100_000);
        let answer = ask(self.nginx, "GET", "/healthz", &[("X-Long", &long)])?;
        ensure!((400..500).contains(&answer.status), "a head of 100 kB: {}", answer.status);
        Ok(())
    }

    /// A partial tile whose full one is published is removed, and is 404 that nobody keeps. Who has it open already may show
    /// it on: what its full tile begins with.
    pub(super) fn partial_is_gone(&self, partial: &str, full: &str, was_asked_for: bool) -> Result<()> {
        let begun = Instant::now();
        // Removed after the checkpoint is public.
        while self.public.join(partial).exists() {
            ensure!(begun.elapsed() < PATIENCE, "{partial} is not removed");
            std::thread::sleep(Duration::from_millis(2));
        }
        let whole = ask(self.nginx, "GET", &format!("/{full}"), &[])?;
        ensure!(whole.status == 200, "{full}: {}", whole.status);
        let part = ask(self.nginx, "GET", &format!("/{partial}"), &[])?;
        if was_asked_for && part.status == 200 {
            ensure!(whole.body.starts_with(&part.body), "{partial} contradicts {full}");
            return Ok(());
        }
        is_problem(&part, 404).with_context(|| partial.to_owned())
    }

    /// nginx never shows an older checkpoint than our own server has shown before.
    pub(super) fn checkpoint_is_fresh(&self, writer: &mut Writer, rounds: u32) -> Result<()> {
        for round in 0..rounds {
            writer.add(1)?;
            let ours = size_of(self.own)?;
            let theirs = size_of(self.nginx)?;
            ensure!(theirs >= ours, "round {round}: {theirs} from nginx after {ours} from us");
        }
        println!("nginx: {rounds} checkpoints, none older than our own server's");
        Ok(())
    }

    /// An auditor that reads through nginx finds nothing while the log grows.
    pub(super) fn audits_while_it_grows(
        &self,
        program: &Path,
        key: &VerifierKey,
        writer: &mut Writer,
    ) -> Result<()> {
        let url = format!("http://{}", self.nginx);
        for round in 0..5 {
            let audit = Command::new(program)
                .args(["audit", &url, "--vkey", &key.to_string()])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()?;
            // Some of these fill a tile and take its partial ones away.
            (0..5).try_for_each(|_| writer.add(101))?;
            let output = audit.wait_with_output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.success(), "audit {round} ended with {}: {said}", output.status);
        }
        println!("nginx: 5 audits found nothing while 2,525 entries were added");
        Ok(())
    }

    /// With our server away, what is public can still be read, and the rest is told to come again.
    pub(super) fn reads_go_on(&self) -> Result<()> {
        for path in ["/checkpoint", "/tile/0/000", "/trust-bundle"] {
            let answer = ask(self.nginx, "GET", path, &[])?;
            ensure!(answer.status == 200, "{path}, with sillok away: {}", answer.status);
        }
        let answer = ask(self.nginx, "GET", "/healthz", &[])?;
        is_problem(&answer, 503)?;
        ensure!(answer.header("retry-after").is_some(), "503 without Retry-After");
        println!("nginx: with sillok away everything public is served, the rest is 503");
        Ok(())
    }
}

/// A problem of ours that nobody keeps.
fn is_problem(answer: &Answer, status: u16) -> Result<()> {
    let kind = answer.header("content-type");
    ensure!(answer.status == status, "it is answered with {} and not {status}", answer.status);
    ensure!(kind == Some("application/problem+json"), "its type is {kind:?}");
    ensure!(answer.header("cache-control") == Some("no-store"), "it may be kept");
    Ok(())
}

/// The paths of all files below a folder.
fn files(folder: &Path, above: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        let path = format!("{above}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path(), &path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

const LIST: &str = "00112233445566778899aabbccddeeff";

const SECRET: &str = "what nobody may read";

/// What readers and caches go by.
const HEADERS: [&str; 4] =
    ["content-type", "cache-control", "access-control-allow-origin", "x-content-type-options"];

/// A time that no file is newer than.
const FUTURE: &str = "Fri, 31 Dec 2099 23:59:59 GMT";

/// Paths that lead to no file, whatever is in the folder.
const NOWHERE: [&str; 30] = [
    "/",
    "/tile",
    "/tile/",
    "/tile/0",
    "/tile/0/",
    "/tile/entries/",
    "/tile/entries/000/",
    "/tile/entries/000.p",
    "/tile/entries/000.p/",
    "/tile/entries/001.p/256",
    "/tile/entries/001.p/044",
    "/tile/0/x000/000",
    "/tile/00/000",
    "/tile/64/000",
    "/tile/0/%30%30%30",
    "/%74ile/0/000",
    "//tile/0/000",
    "/tile//0/000",
    "/tile/./0/000",
    "/tile/0/../0/000",
    "/tile/../checkpoint",
    "/tile/../../secret",
    "/tile/..%2f..%2fsecret",
    "/../secret",
    "/%2e%2e/secret",
    "/.tmp/0",
    "/.hidden",
    "/trust-bundle.new",
    "/checkpoint/",
    "/.sillok/404",
];
