//! Real programs under strace: what they did to a folder, and what they said to the world meanwhile.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::disk::{Record, Stream, What};

/// A folder and the programs that wrote it, one after the other.
pub(super) struct Recorder {
    strace: PathBuf,
    /// Everything that is recorded is below this.
    pub(super) root: PathBuf,
    traces: PathBuf,
    record: Record,
    sessions: usize,
}

/// A program that runs under strace.
pub(super) struct Program {
    strace: Child,
    process: String,
    trace: PathBuf,
    /// What it has written to its standard output first.
    pub(super) line: String,
}

/// What got out of a process: an answer over HTTP, or a line on standard output with status 0.
pub(super) struct Said {
    /// When it began to get out: from then on somebody may rely on it.
    pub(super) at: usize,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Recorder {
    /// `folder` is empty and outlives the recorder.
    pub(super) fn new(strace: &Path, folder: &Path) -> Result<Self> {
        let (root, traces) = (folder.join("disk"), folder.join("traces"));
        std::fs::create_dir(&root).context("create the folder that is recorded")?;
        std::fs::create_dir(&traces).context("create a folder for traces")?;
        let record = Record::new(&root);
        Ok(Self { strace: strace.into(), root, traces, record, sessions: 0 })
    }

    /// Starts a program, whose settings are the variables `settings` and no others, and reads its first line.
    pub(super) fn start(
        &mut self,
        program: &Path,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Program> {
        self.sessions += 1;
        let trace = self.traces.join(self.sessions.to_string());
        let mut command = Command::new(&self.strace);
        for (name, _value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SILLOK_") {
                command.env_remove(name);
            }
        }
        let mut strace = command
            .args(["-f", "-qq", "-xx", "-s", LONGEST_STRING, "-e", CALLS, "-o"])
            .arg(&trace)
            .arg(program)
            .args(arguments)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start strace")?;
        let mut line = String::new();
        let output = strace.stdout.take().context("standard output is a pipe")?;
        let mut output = BufReader::new(output);
        let read = output.read_line(&mut line);
        // Somebody has to take what comes after it. The thread ends with the program.
        std::thread::spawn(move || drop(std::io::copy(&mut output, &mut std::io::sink())));
        let children = format!("/proc/{0}/task/{0}/children", strace.id());
        let process = std::fs::read_to_string(children).unwrap_or_default().trim().to_owned();
        let program = Program { strace, process, trace, line };
        read.context("read the first line of the program")?;
        Ok(program)
    }

    /// Kills it with SIGKILL and takes over what it did.
    pub(super) fn kill(&mut self, mut program: Program) -> Result<()> {
        // A call that a killed process did not return from is no use: nobody knows what became of it.
        let length = || std::fs::metadata(&program.trace).map_or(0, |file| file.len());
        let mut before = None;
        while before != Some(length()) {
            before = Some(length());
            std::thread::sleep(QUIET);
        }
        program.stop().context("kill the program")?;
        self.record.add(&program.trace)?;
        Ok(std::fs::remove_file(&program.trace)?)
    }

    /// Lets it end by itself, which it must do well.
    pub(super) fn finish(&mut self, mut program: Program) -> Result<()> {
        let status = program.strace.wait().context("wait for the program")?;
        ensure!(status.success(), "the program ended with {status}");
        self.record.add(&program.trace)?;
        Ok(std::fs::remove_file(&program.trace)?)
    }

    /// What was done, and what was said.
    pub(super) fn end(self) -> Result<(Record, Vec<Said>)> {
        let said = said(&self.record)?;
        Ok((self.record, said))
    }
}

impl Program {
    fn stop(&mut self) -> Result<()> {
        // Its number is of the child of our strace, which has not been waited for.
        let killed = Command::new("kill").args(["-KILL", &self.process]).status();
        self.strace.wait()?;
        ensure!(killed?.success(), "process {} could not be killed", self.process);
        Ok(())
    }

    /// The addresses in its first line.
    pub(super) fn addresses(&self) -> Result<Vec<String>> {
        let found: Vec<String> = self
            .line
            .split([' ', ',', '\n'])
            .filter(|word| word.starts_with("http://"))
            .map(ToOwned::to_owned)
            .collect();
        ensure!(!found.is_empty(), "the program says {:?}", self.line);
        Ok(found)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            drop(self.stop());
        }
    }
}

fn said(record: &Record) -> Result<Vec<Said>> {
    let mut streams: BTreeMap<Stream, Vec<(usize, &[u8])>> = BTreeMap::new();
    for operation in &record.operations {
        if let What::Send { stream, bytes } = &operation.what {
            streams.entry(*stream).or_default().push((operation.start, bytes));
        }
    }
    let mut all = Vec::new();
    for (stream, parts) in streams {
        let whole: Vec<u8> = parts.iter().flat_map(|(_at, bytes)| bytes.iter().copied()).collect();
        let mut ends = Vec::new();
        let mut length = 0;
        for (at, bytes) in &parts {
            length += bytes.len();
            ends.push((length, *at));
        }
        // When the byte at a position got out.
        let when =
            |position: usize| ends.iter().find(|(end, _at)| *end > position).map_or(0, |(_end, at)| *at);
        if stream.descriptor == STANDARD_OUTPUT {
            lines(&whole, &when, &mut all);
        } else if whole.starts_with(b"HTTP/1.1 ") {
            answers(&whole, &when, &mut all)?;
        }
    }
    all.sort_by_key(|said| said.at);
    Ok(all)
}

fn lines(whole: &[u8], when: &dyn Fn(usize) -> usize, all: &mut Vec<Said>) {
    let mut position = 0;
    for line in whole.split(|byte| *byte == b'\n') {
        all.push(Said { at: when(position), status: 0, body: line.to_vec() });
        position += line.len() + 1;
    }
}

fn answers(whole: &[u8], when: &dyn Fn(usize) -> usize, all: &mut Vec<Said>) -> Result<()> {
    let mut position = 0;
    while let Some(rest) = whole.get(position..).filter(|rest| !rest.is_empty()) {
        let Some(length) = rest.windows(4).position(|four| four == b"\r\n\r\n") else { break };
        let head = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("a status")?;
        let bytes = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let bytes: usize = match bytes {
            Some(bytes) => bytes.trim().parse().context("a length")?,
            None if head.contains("transfer-encoding") => bail!("an answer comes in chunks"),
            None => 0,
        };
        // The last one may have been cut off by the death of its process.
        let Some(body) = rest.get(length + 4..length + 4 + bytes) else { break };
        all.push(Said { at: when(position), status, body: body.to_vec() });
        position += length + 4 + bytes;
    }
    Ok(())
}

const STANDARD_OUTPUT: i64 = 1;

/// Without a system call for so long, a program does nothing. Less than the longest publish interval that is recorded: what
/// is committed then and not public yet stays so.
const QUIET: Duration = Duration::from_millis(50);

/// Bytes of a string that strace shows: a whole segment is written in parts of 1 MiB.
const LONGEST_STRING: &str = "16777216";

/// Every call that can change a file or a name, or that says something to somebody.
const CALLS: &str = "trace=openat,open,creat,openat2,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,\
                     pwritev2,sendto,sendmsg,sendmmsg,ftruncate,truncate,fallocate,rename,renameat,renameat2,link,linkat,\
                     symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,fsync,fdatasync,sync,syncfs,\
                     sync_file_range,msync,mmap,copy_file_range,sendfile,splice,io_uring_setup,io_submit";
