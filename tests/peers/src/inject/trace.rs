//! strace: which calls a thread makes, and a fault at one of them.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::{Case, Fault, Tracing};

/// One call of one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The name that the thread has for the system; of the only one that is traced, nothing.
    pub(super) thread: String,
    pub(super) call: String,
    /// The how-manieth of its kind in its thread, from 1.
    pub(super) number: usize,
}

/// A strace that follows a process or a thread. It is ended when dropped.
pub(super) struct Tracer {
    process: Child,
    log: PathBuf,
}

/// What a strace wrote.
pub(super) struct Trace {
    text: String,
}

/// What is traced.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// All threads of a process.
    Process(u32),
    /// All threads of a process, and of their calls those on one file.
    File(u32, &'a Path),
    /// One thread.
    Thread(u32),
}

impl Tracing {
    /// Arguments that run a program as the process that was started, traced in its first thread.
    pub(super) fn around(&self, log: &Path, case: Option<&Case>) -> Vec<OsString> {
        let mut under: Vec<OsString> = vec![self.strace.clone().into(), "-D".into(), "-qq".into()];
        under.extend(options(log, case).into_iter().map(OsString::from));
        under
    }

    /// Follows what runs already, from its next call on.
    pub(super) fn attach(&self, target: Target<'_>, log: &Path, case: Option<&Case>) -> Result<Tracer> {
        let mut command = Command::new(&self.strace);
        let id = match target {
            Target::Process(id) => {
                command.arg("-f");
                id
            }
            Target::File(id, path) => {
                command.arg("-f").arg("-P").arg(path);
                id
            }
            Target::Thread(id) => id,
        };
        command.args(options(log, case)).args(["-p", &id.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("start strace")?;
        let output = process.stderr.take().context("strace has no standard error")?;
        let mut said = String::new();
        let mut lines = BufReader::new(output).lines();
        let attached = lines.by_ref().map_while(Result::ok).any(|line| {
            said = line;
            said.contains("attached")
        });
        if !attached {
            drop(process.wait());
            bail!("strace does not attach to {id}: {said}");
        }
        // It may say more, and must not be stopped by a pipe that nobody reads.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Tracer { process, log: log.to_path_buf() })
    }
}

fn options(log: &Path, case: Option<&Case>) -> Vec<String> {
    let mut options = vec!["-y".into(), "-o".into(), log.display().to_string(), "-e".into()];
    options.push(format!("trace={}", CALLS.join(",")));
    if let Some(case) = case {
        options.extend(["-e".into(), case.fault.inject(&case.site.call, case.site.number)]);
    }
    options
}

impl Tracer {
    /// Waits until the traced process is gone, which the caller has seen to.
    pub(super) fn finish(mut self) -> Result<Trace> {
        self.process.wait().context("wait for strace")?;
        Trace::read(&self.log)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It has ended by itself, or the case has failed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Trace {
    pub(super) fn read(log: &Path) -> Result<Self> {
        let text = fs::read(log).with_context(|| format!("read {}", log.display()))?;
        Ok(Self { text: String::from_utf8_lossy(&text).into_owned() })
    }

    /// The lines of calls that were made to fail.
    pub(super) fn injected(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| line.contains("(INJECTED)"))
    }

    /// The calls that name a file that `ours` knows, counted among all of their kind in their thread.
    pub(super) fn sites(&self, threads: &HashMap<String, String>, ours: impl Fn(&str) -> bool) -> Vec<Site> {
        let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
        let mut sites = Vec::new();
        for line in self.text.lines() {
            let (thread, rest) = match line.split_once(' ') {
                Some((id, rest)) if id.bytes().all(|byte| byte.is_ascii_digit()) => {
                    (threads.get(id).cloned().unwrap_or_else(|| UNKNOWN.into()), rest.trim_start())
                }
                _other => (String::new(), line),
            };
            let Some((call, arguments)) = rest.split_once('(') else { continue };
            let Some(call) = CALLS.into_iter().find(|known| *known == call) else { continue };
            let number = counts.entry((thread.clone(), call)).or_default();
            *number += 1;
            if ours(arguments) {
                sites.push(Site { thread, call: call.into(), number: *number });
            }
        }
        sites.sort_by(|left, right| {
            (&left.thread, &left.call, left.number).cmp(&(&right.thread, &right.call, right.number))
        });
        sites
    }
}

/// The threads of a process: number and name.
pub(super) fn threads(process: u32) -> Result<HashMap<String, String>> {
    let folder = format!("/proc/{process}/task");
    let mut found = HashMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("list {folder}"))? {
        let entry = entry?;
        let name = fs::read_to_string(entry.path().join("comm"))?;
        found.insert(entry.file_name().to_string_lossy().into_owned(), name.trim_end().to_owned());
    }
    ensure!(!found.is_empty(), "process {process} has no thread");
    Ok(found)
}

/// The thread of a name.
pub(super) fn thread(process: u32, name: &str) -> Result<u32> {
    // A thread names itself, once it runs.
    for _attempt in 0..ATTEMPTS {
        let threads = threads(process)?;
        if let Some((id, _name)) = threads.iter().find(|(_id, known)| *known == name) {
            return Ok(id.parse()?);
        }
        std::thread::sleep(PAUSE);
    }
    bail!("process {process} has no thread {name}")
}

/// Whether a case is about a call that makes bytes or names durable.
pub(super) fn is_synchronisation(case: &Case) -> bool {
    case.fault != Fault::Kill && ["fsync", "fdatasync"].contains(&case.site.call.as_str())
}

/// A thread that began after the trace.
pub(super) const UNKNOWN: &str = "later";

/// How often a thread is looked for, and the pause between: a second in all.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// The calls of the write path, whatever of them a platform's library makes.
const CALLS: [&str; 18] = [
    "fallocate",
    "fdatasync",
    "fsync",
    "ftruncate",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "openat",
    "pread64",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "unlink",
    "unlinkat",
    "write",
];
