//! The files below one folder as a process sees them, and everything that was done to them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::trace::{self, Call};

/// A file or folder, whatever its names are.
pub(super) type Inode = usize;

/// The folder that everything is below.
pub(super) const ROOT: Inode = 0;

/// Something that was done, from when it may have had its effect until it has had it.
pub(super) struct Operation {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: What,
}

impl Operation {
    /// Whether it is more than a part of filling a file with zeros.
    pub(super) const fn counts(&self) -> bool {
        !matches!(self.what, What::Write { bytes: Bytes::Zeros(_), .. })
    }
}

pub(super) enum What {
    /// Names that changed in one step: two if a file went from one folder to another.
    Names(Vec<Change>),
    /// The length that a file was given.
    Length {
        file: Inode,
        length: u64,
    },
    /// Bytes out of the process: on a socket or to standard output.
    Send {
        stream: Stream,
        bytes: Vec<u8>,
    },
    /// fsync or fdatasync.
    Sync {
        inode: Inode,
    },
    Write {
        file: Inode,
        at: u64,
        bytes: Bytes,
    },
}

/// A file descriptor of one of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Stream {
    pub(super) session: usize,
    pub(super) descriptor: i64,
    /// How often the number had been given before.
    pub(super) turn: usize,
}

pub(super) struct Change {
    pub(super) folder: Inode,
    pub(super) name: String,
    pub(super) now: Option<Inode>,
}

pub(super) enum Bytes {
    Some(Vec<u8>),
    Zeros(usize),
}

impl Bytes {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Some(bytes) => bytes.len(),
            Self::Zeros(length) => *length,
        }
    }
}

/// What is known of an inode for good.
pub(super) struct Kind {
    pub(super) is_folder: bool,
    /// Its last name, relative to the root: for people.
    pub(super) path: String,
}

/// Everything that was recorded, of one process after the other.
pub(super) struct Record {
    root: String,
    pub(super) inodes: Vec<Kind>,
    pub(super) operations: Vec<Operation>,
    /// How many lines there are.
    pub(super) lines: usize,
    folders: HashMap<Inode, BTreeMap<String, Inode>>,
    lengths: HashMap<Inode, u64>,
    open: HashMap<i64, Open>,
    turns: HashMap<i64, usize>,
    sessions: usize,
}

#[derive(Clone, Copy)]
struct Open {
    inode: Inode,
    at: u64,
    append: bool,
}

impl Record {
    /// Of a folder that is empty.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.display().to_string(),
            inodes: vec![Kind { is_folder: true, path: ".".into() }],
            operations: Vec::new(),
            lines: 0,
            folders: HashMap::from([(ROOT, BTreeMap::new())]),
            lengths: HashMap::new(),
            open: HashMap::new(),
            turns: HashMap::new(),
            sessions: 0,
        }
    }

    /// Adds what one process did.
    ///
    /// # Errors
    /// A call that changes files in a way that is not modelled.
    pub(super) fn add(&mut self, trace: &Path) -> Result<()> {
        self.open.clear();
        self.lines = trace::read(trace, self.lines, |call| {
            let name = call.name.clone();
            self.apply(&call).with_context(|| format!("{name} at line {}", call.end))
        })?;
        self.sessions += 1;
        Ok(())
    }

    fn apply(&mut self, call: &Call) -> Result<()> {
        match call.name.as_str() {
            "open" => self.opened(call, self.place("AT_FDCWD", &call.text(0)?)?, call.argument(1)?)?,
            "openat" => {
                self.opened(call, self.place(call.argument(0)?, &call.text(1)?)?, call.argument(2)?)?;
            }
            "close" => {
                self.open.remove(&call.number(0)?);
                *self.turns.entry(call.number(0)?).or_default() += 1;
            }
            "dup" => self.duplicated(call, call.result)?,
            "dup2" | "dup3" => self.duplicated(call, call.number(1)?)?,
            "fcntl" if call.argument(1)?.starts_with("F_DUPFD") => self.duplicated(call, call.result)?,
            "fcntl" => {}
            "lseek" => {
                if let Some(open) = self.open.get_mut(&call.number(0)?) {
                    open.at = call.result as u64;
                }
            }
            "write" | "writev" | "sendto" => self.wrote(call, None)?,
            "sendmsg" => self.wrote(call, None)?,
            "pwrite64" | "pwritev" => {
                self.wrote(call, Some(call.number(call.arguments.len() - 1)? as u64))?
            }
            "ftruncate" => {
                if let Some(Open { inode, .. }) = self.open.get(&call.number(0)?).copied() {
                    self.shorten(call, inode, call.number(1)? as u64);
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(Open { inode, .. }) = self.open.get(&call.number(0)?).copied() {
                    self.push(call, What::Sync { inode });
                }
            }
            // No promise about anything.
            "sync_file_range" => {}
            "mkdir" => self.make_folder(call, self.place("AT_FDCWD", &call.text(0)?)?),
            "mkdirat" => self.make_folder(call, self.place(call.argument(0)?, &call.text(1)?)?),
            "unlink" | "rmdir" => self.removed(call, self.place("AT_FDCWD", &call.text(0)?)?),
            "unlinkat" => self.removed(call, self.place(call.argument(0)?, &call.text(1)?)?),
            "rename" => {
                let from = self.place("AT_FDCWD", &call.text(0)?)?;
                self.renamed(call, from, self.place("AT_FDCWD", &call.text(1)?)?)?;
            }
            "renameat" | "renameat2" => {
                let from = self.place(call.argument(0)?, &call.text(1)?)?;
                self.renamed(call, from, self.place(call.argument(2)?, &call.text(3)?)?)?;
            }
            "link" => {
                let from = self.place("AT_FDCWD", &call.text(0)?)?;
                self.linked(call, from, self.place("AT_FDCWD", &call.text(1)?)?)?;
            }
            "linkat" => {
                let from = self.place(call.argument(0)?, &call.text(1)?)?;
                self.linked(call, from, self.place(call.argument(2)?, &call.text(3)?)?)?;
            }
            "mmap" => {
                let written =
                    call.argument(2)?.contains("PROT_WRITE") && call.argument(3)?.contains("MAP_SHARED");
                let of_ours = self.open.contains_key(&call.number(4)?);
                ensure!(!(written && of_ours), "a file is written through memory");
            }
            other => bail!("{other} is not modelled"),
        }
        Ok(())
    }

    fn opened(&mut self, call: &Call, place: Option<(Inode, String)>, flags: &str) -> Result<()> {
        let Some((folder, name)) = place else {
            self.open.remove(&call.result);
            return Ok(());
        };
        ensure!(!flags.contains("SYNC") && !flags.contains("O_TMPFILE"), "flags {flags} are not modelled");
        let inode = match self.find(folder, &name) {
            Some(inode) => inode,
            None => {
                ensure!(flags.contains("O_CREAT"), "{name} was opened and is not there");
                let inode = self.new_inode(folder, &name, false);
                self.lengths.insert(inode, 0);
                self.named(call, vec![Change { folder, name, now: Some(inode) }]);
                inode
            }
        };
        if flags.contains("O_TRUNC") && self.lengths.get(&inode).is_some_and(|length| *length > 0) {
            self.shorten(call, inode, 0);
        }
        let append = flags.contains("O_APPEND");
        self.open.insert(call.result, Open { inode, at: 0, append });
        Ok(())
    }

    fn duplicated(&mut self, call: &Call, new: i64) -> Result<()> {
        match self.open.get(&call.number(0)?).copied() {
            Some(open) => drop(self.open.insert(new, open)),
            None => drop(self.open.remove(&new)),
        }
        Ok(())
    }

    fn wrote(&mut self, call: &Call, at: Option<u64>) -> Result<()> {
        let descriptor = call.number(0)?;
        let length = call.result as usize;
        if length == 0 {
            return Ok(());
        }
        let mut bytes = call.bytes(1)?;
        ensure!(bytes.len() >= length, "it wrote {length} bytes, of which the trace has {}", bytes.len());
        bytes.truncate(length);
        let Some(open) = self.open.get_mut(&descriptor) else {
            let turn = self.turns.get(&descriptor).copied().unwrap_or(0);
            let stream = Stream { session: self.sessions, descriptor, turn };
            self.push(call, What::Send { stream, bytes });
            return Ok(());
        };
        let file = open.inode;
        let whole = self.lengths.entry(file).or_default();
        let at = at.unwrap_or_else(|| {
            let from = if open.append { *whole } else { open.at };
            open.at = from + length as u64;
            from
        });
        *whole = (*whole).max(at + length as u64);
        let zeros = bytes.iter().all(|byte| *byte == 0);
        let bytes = if zeros { Bytes::Zeros(length) } else { Bytes::Some(bytes) };
        self.push(call, What::Write { file, at, bytes });
        Ok(())
    }

    fn shorten(&mut self, call: &Call, file: Inode, length: u64) {
        self.lengths.insert(file, length);
        self.push(call, What::Length { file, length });
    }

    fn make_folder(&mut self, call: &Call, place: Option<(Inode, String)>) {
        let Some((folder, name)) = place else { return };
        let inode = self.new_inode(folder, &name, true);
        self.folders.insert(inode, BTreeMap::new());
        self.named(call, vec![Change { folder, name, now: Some(inode) }]);
    }

    fn removed(&mut self, call: &Call, place: Option<(Inode, String)>) {
        let Some((folder, name)) = place else { return };
        self.named(call, vec![Change { folder, name, now: None }]);
    }

    fn renamed(
        &mut self,
        call: &Call,
        from: Option<(Inode, String)>,
        to: Option<(Inode, String)>,
    ) -> Result<()> {
        let (Some((from, old)), Some((to, new))) = (from, to) else { return Ok(()) };
        let inode = self.find(from, &old).with_context(|| format!("{old} was renamed and is not there"))?;
        self.describe(inode, to, &new);
        let gone = Change { folder: from, name: old, now: None };
        self.named(call, vec![gone, Change { folder: to, name: new, now: Some(inode) }]);
        Ok(())
    }

    fn linked(
        &mut self,
        call: &Call,
        from: Option<(Inode, String)>,
        to: Option<(Inode, String)>,
    ) -> Result<()> {
        let (Some((from, old)), Some((folder, name))) = (from, to) else { return Ok(()) };
        let inode = self.find(from, &old).with_context(|| format!("{old} was linked and is not there"))?;
        self.describe(inode, folder, &name);
        self.named(call, vec![Change { folder, name, now: Some(inode) }]);
        Ok(())
    }

    fn named(&mut self, call: &Call, changes: Vec<Change>) {
        for Change { folder, name, now } in &changes {
            let names = self.folders.entry(*folder).or_default();
            match now {
                Some(inode) => drop(names.insert(name.clone(), *inode)),
                None => drop(names.remove(name)),
            }
        }
        self.push(call, What::Names(changes));
    }

    fn push(&mut self, call: &Call, what: What) {
        self.operations.push(Operation { start: call.start, end: call.end, what });
    }

    fn new_inode(&mut self, folder: Inode, name: &str, is_folder: bool) -> Inode {
        let inode = self.inodes.len();
        self.inodes.push(Kind { is_folder, path: String::new() });
        self.describe(inode, folder, name);
        inode
    }

    fn describe(&mut self, inode: Inode, folder: Inode, name: &str) {
        let above = self.inodes.get(folder).map_or(".", |kind| kind.path.as_str());
        let path = if above == "." { name.to_owned() } else { format!("{above}/{name}") };
        if let Some(kind) = self.inodes.get_mut(inode) {
            kind.path = path;
        }
    }

    fn find(&self, folder: Inode, name: &str) -> Option<Inode> {
        if name == "." { Some(folder) } else { self.folders.get(&folder)?.get(name).copied() }
    }

    /// The folder and the name that a path leads to; nothing when it is not below the root.
    fn place(&self, from: &str, path: &str) -> Result<Option<(Inode, String)>> {
        let (mut folder, relative) = match path.strip_prefix('/') {
            Some(_absolute) => match path.strip_prefix(&self.root) {
                Some("") => (ROOT, ""),
                Some(below) if below.starts_with('/') => (ROOT, below),
                Some(_) | None => return Ok(None),
            },
            None if from == "AT_FDCWD" => return Ok(None),
            None => match self.open.get(&from.parse().context("a folder's descriptor")?) {
                Some(open) => (open.inode, path),
                None => return Ok(None),
            },
        };
        let mut parts: Vec<&str> =
            relative.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        ensure!(!parts.contains(&".."), "path {path} goes up");
        let name = parts.pop().unwrap_or(".").to_owned();
        for part in parts {
            folder = self.find(folder, part).with_context(|| format!("{part} of {path} is not there"))?;
        }
        Ok(Some((folder, name)))
    }
}
