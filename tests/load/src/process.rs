//! Programs that are measured, each in a process of its own: started, watched through `/proc`, and stopped by id.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A process of ours. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    line: String,
    started: Duration,
}

impl Process {
    /// Starts a program and waits, at most `patience`, for the line on standard output that says that it is ready: the
    /// first one in which `marker` is. What follows is read and dropped.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not say so in time; it is stopped then.
    pub fn start(mut command: Command, marker: &str, patience: Duration) -> Result<Self, ProcessError> {
        let program = PathBuf::from(command.get_program());
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let child = child.map_err(|source| ProcessError::Start { program: program.clone(), source })?;
        let mut process = Self { child, line: String::new(), started: Duration::ZERO };
        let (sender, ready) = mpsc::channel();
        let (output, marker) = (process.child.stdout.take(), marker.to_owned());
        thread::spawn(move || {
            let Some(output) = output else { return };
            let mut output = BufReader::new(output);
            let mut line = String::new();
            while !line.contains(&marker) {
                line.clear();
                match output.by_ref().take(MAX_LINE_BYTES).read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_read) => {}
                }
            }
            drop(sender.send(line));
            drop(io::copy(&mut output, &mut io::sink()));
        });
        match ready.recv_timeout(patience) {
            Ok(line) => {
                process.line = line.trim_end().to_owned();
                process.started = begun.elapsed();
                Ok(process)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Err(ProcessError::NotReady { program, patience }),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(ProcessError::Ended { program }),
        }
    }

    /// The line in which it said that it is ready.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// How long it took until it was ready.
    #[must_use]
    pub const fn started_in(&self) -> Duration {
        self.started
    }

    /// The address that follows the `n`-th `http://` of that line, from 0.
    #[must_use]
    pub fn address(&self, n: usize) -> Option<SocketAddr> {
        let rest = self.line.split("http://").nth(n.checked_add(1)?)?;
        rest.split(|c: char| c == '/' || c == ',' || c.is_whitespace()).next()?.parse().ok()
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has used since it was started, its threads together.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage, ProcessError> {
        Usage::of(self.id())
    }

    /// Asks it to end (SIGTERM) and waits as [`Process::wait`].
    ///
    /// # Errors
    /// As there.
    pub fn stop(self, patience: Duration) -> Result<ExitStatus, ProcessError> {
        let asked = Command::new("kill").args(["-s", "TERM", &self.id().to_string()]).status();
        asked.map_err(|source| ProcessError::Start { program: "kill".into(), source })?;
        self.wait(patience)
    }

    /// Waits, at most `patience`, until it has ended, and ends it by force after that.
    ///
    /// # Errors
    /// It did not end by itself.
    pub fn wait(mut self, patience: Duration) -> Result<ExitStatus, ProcessError> {
        let program = PathBuf::from(format!("process {}", self.id()));
        let begun = Instant::now();
        while begun.elapsed() < patience {
            let status = self.child.try_wait();
            if let Some(status) =
                status.map_err(|source| ProcessError::Start { program: program.clone(), source })?
            {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        Err(ProcessError::NotEnded { program, patience })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; both are tried so that none is left behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Bytes resident in memory.
    pub resident_bytes: u64,
    /// The most there ever were.
    pub peak_resident_bytes: u64,
    /// Bytes of the pages that it made dirty, by the kernel's count: of a file with large folios far more than it wrote.
    pub dirtied_bytes: u64,
    /// Bytes that it gave to the kernel to write, to files mostly: what is sent to a socket is not counted, unless it is
    /// written in several parts.
    pub written_bytes: u64,
}

impl Usage {
    /// That of a process.
    ///
    /// # Errors
    /// There is none with this id.
    pub fn of(id: u32) -> Result<Self, ProcessError> {
        let read = |file: &str| {
            let path = PathBuf::from(format!("/proc/{id}/{file}"));
            std::fs::read_to_string(&path).map_err(|source| ProcessError::Read { path, source })
        };
        let (stat, status, io) = (read("stat")?, read("status")?, read("io")?);
        Self::parse(&stat, &status, &io).ok_or(ProcessError::Format { id })
    }

    /// proc(5).
    fn parse(stat: &str, status: &str, io: &str) -> Option<Self> {
        // The name of the program, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks =
            |position: usize| fields.get(position)?.parse().ok().map(|n: u64| n.saturating_mul(TICK_MICROS));
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Self {
            user: Duration::from_micros(ticks(11)?),
            system: Duration::from_micros(ticks(12)?),
            resident_bytes: field(status, "VmRSS:")?.saturating_mul(KIB),
            peak_resident_bytes: field(status, "VmHWM:")?.saturating_mul(KIB),
            dirtied_bytes: field(io, "write_bytes:")?,
            written_bytes: field(io, "wchar:")?,
        })
    }

    /// Processor time altogether.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }

    /// What was used since an earlier reading; memory is that of now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            dirtied_bytes: self.dirtied_bytes.saturating_sub(earlier.dirtied_bytes),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
            ..*self
        }
    }
}

/// Why a process could not be started, watched or stopped.
#[derive(Debug)]
pub enum ProcessError {
    /// It ended before it was ready.
    Ended {
        /// The program.
        program: PathBuf,
    },
    /// `/proc` says something else than is known.
    Format {
        /// The process.
        id: u32,
    },
    /// It did not end when it was asked to.
    NotEnded {
        /// The program.
        program: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// It did not say in time that it is ready.
    NotReady {
        /// The program.
        program: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// A file of `/proc` could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It could not be started or waited for.
    Start {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { program } => write!(f, "{} ended before it was ready", program.display()),
            Self::Format { id } => write!(f, "could not understand what /proc says of process {id}"),
            Self::NotEnded { program, patience } => {
                write!(f, "{} did not end within {} s of SIGTERM", program.display(), patience.as_secs())
            }
            Self::NotReady { program, patience } => {
                write!(f, "{} was not ready within {} s", program.display(), patience.as_secs())
            }
            Self::Read { path, source } => write!(f, "could not read {}: {source}", path.display()),
            Self::Start { program, source } => write!(f, "could not start {}: {source}", program.display()),
        }
    }
}

impl std::error::Error for ProcessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Start { source, .. } => Some(source),
            Self::Ended { .. } | Self::Format { .. } | Self::NotEnded { .. } | Self::NotReady { .. } => None,
        }
    }
}

/// The kernel tells times to programs in hundredths of a second, whatever its own ticks are (`USER_HZ`, proc(5)).
const TICK_MICROS: u64 = 10_000;

/// `/proc/PID/status` tells memory in units of this.
const KIB: u64 = 1_024;

/// The longest line that is looked at for the marker.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// How often a process that was asked to end is looked at.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_is_ready_when_it_says_so_and_is_stopped_by_its_id() {
        let line = "listening on http://127.0.0.1:8080, adding on http://[::1]:81/add";
        let script = format!("echo first; echo '{line}'; exec cat /dev/zero > /dev/null");
        let process = Process::start(shell(&script), "listening", Duration::from_secs(60)).unwrap();
        assert_eq!(process.line(), line);
        assert_eq!(process.address(0), Some("127.0.0.1:8080".parse().unwrap()));
        assert_eq!(process.address(1), Some("[::1]:81".parse().unwrap()));
        assert_eq!(process.address(2), None);
        assert!(process.usage().unwrap().resident_bytes > 0);
        let id = process.id();
        assert!(!process.stop(Duration::from_secs(60)).unwrap().success());
        assert!(matches!(Usage::of(id), Err(ProcessError::Read { .. })));
    }

    #[test]
    fn a_program_that_ends_early_is_an_error() {
        let error = Process::start(shell("echo no"), "listening", Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh ended before it was ready");
        let error = Process::start(Command::new("/nothing/here"), "", Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().starts_with("could not start /nothing/here: "), "{error}");
    }

    #[test]
    fn usage_is_read_as_the_kernel_writes_it() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 96 0 0 0 150 25 0 0 20 0 1 0 100 2 3";
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let io = "rchar: 1\nwchar: 2\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n";
        let usage = Usage::parse(stat, status, io).unwrap();
        let expected = Usage {
            user: Duration::from_millis(1_500),
            system: Duration::from_millis(250),
            resident_bytes: 1 << 20,
            peak_resident_bytes: 2 << 20,
            dirtied_bytes: 4_096,
            written_bytes: 2,
        };
        assert_eq!(usage, expected);
        assert_eq!(usage.since(&usage).cpu(), Duration::ZERO);
        assert_eq!(Usage::parse("7 (a) S 1", status, io), None);
    }
}
