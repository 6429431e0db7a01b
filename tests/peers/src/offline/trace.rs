//! What a process did, and what of it is more than reading.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// Everything that has to do with the network, with names of files, with what is written, and with other processes.
pub(super) const WHAT: &str = "trace=%network,%file,write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,sendfile,splice,copy_file_range,\
     io_uring_setup,memfd_create,clone,clone3,fork,vfork";

/// The calls of a process, one a line.
pub(super) struct Trace {
    lines: Vec<String>,
}

impl Trace {
    pub(super) fn read(log: &Path) -> Result<Self> {
        let text = fs::read(log).with_context(|| format!("read {}", log.display()))?;
        let text = String::from_utf8_lossy(&text);
        // Each line begins with the number of the thread.
        let calls = text.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start().to_owned()));
        let lines: Vec<String> = calls.collect();
        ensure!(!lines.is_empty(), "strace wrote nothing");
        Ok(Self { lines })
    }

    pub(super) fn calls(&self) -> usize {
        self.lines.len()
    }

    /// Calls that no verification makes. The first is that which starts the program.
    pub(super) fn findings(&self) -> Vec<String> {
        let suspicious = self.lines.iter().skip(1).filter(|line| !is_harmless(line));
        suspicious.map(|line| line.chars().take(200).collect()).collect()
    }

    /// The files that were opened.
    pub(super) fn opened(&self) -> impl Iterator<Item = &str> {
        let opening = |line: &&String| line.starts_with("openat(") || line.starts_with("open(");
        self.lines.iter().filter(opening).filter_map(|line| line.split('"').nth(1))
    }
}

fn is_harmless(line: &str) -> bool {
    let Some((call, arguments)) = line.split_once('(') else {
        // Signals, and how the process ended.
        return line.starts_with("+++") || line.starts_with("---");
    };
    match call {
        "open" | "openat" => {
            let flags = arguments.rsplit_once("\", ").map_or("", |(_path, flags)| flags);
            flags.starts_with("O_RDONLY") && !CHANGING.iter().any(|flag| flags.contains(flag))
        }
        // Where things are, and nothing about what is in them.
        "access" | "faccessat" | "faccessat2" | "fstat" | "getcwd" | "lstat" | "newfstatat" | "readlink"
        | "readlinkat" | "stat" | "statfs" | "statx" => true,
        "write" | "writev" => arguments.starts_with("1<") || arguments.starts_with("2<"),
        _other => false,
    }
}

const CHANGING: [&str; 4] = ["O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
