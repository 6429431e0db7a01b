//! A disk as it may look when the power goes: what was synchronised, and of the rest whatever chance leaves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use fastrand::Rng;

use super::disk::{Bytes, Change, Inode, Kind, ROOT, Record, What};

/// How names outlast a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// In the order in which they were changed, whatever the folder: a journal.
    InOrder,
    /// Those of a folder with its synchronisation, any others or not; and of a file that went from one folder to another
    /// each name for itself.
    Any,
}

/// What is lost.
pub(super) struct Loss {
    /// The line of the trace at which the power goes.
    pub(super) cut: usize,
    pub(super) names: Names,
    /// Bytes that the disk writes whole or not at all.
    pub(super) sector: u64,
    /// How probable it is that something outlasts it without a synchronisation.
    pub(super) keep: f64,
    /// Synchronisations that the disk lies about: of files and folders whose path contains this.
    pub(super) lies: Option<&'static str>,
}

/// A disk after it.
pub(super) struct Disk {
    folders: BTreeMap<Inode, BTreeMap<String, Inode>>,
    files: BTreeMap<Inode, Vec<u8>>,
    /// What was dropped or torn, for people.
    pub(super) lost: Vec<String>,
}

struct Folder<'a> {
    names: BTreeMap<String, Inode>,
    /// With the end of each operation.
    pending: Vec<(usize, &'a Change)>,
}

struct Content<'a> {
    bytes: Vec<u8>,
    pending: Vec<(usize, &'a What)>,
}

impl Loss {
    /// What is left of a record.
    pub(super) fn strike(&self, record: &Record, random: &mut Rng) -> Disk {
        let mut folders: BTreeMap<Inode, Folder<'_>> = BTreeMap::new();
        let mut files: BTreeMap<Inode, Content<'_>> = BTreeMap::new();
        folders.insert(ROOT, Folder { names: BTreeMap::new(), pending: Vec::new() });
        // Names are kept up to the last one that some synchronisation has covered, at least.
        let mut covered = 0;
        for operation in record.operations.iter().filter(|operation| operation.start <= self.cut) {
            match &operation.what {
                What::Names(changes) => {
                    for change in changes {
                        folder(&mut folders, change.folder).pending.push((operation.end, change));
                        match change.now {
                            Some(inode) if is_folder(record, inode) => drop(folder(&mut folders, inode)),
                            Some(inode) => drop(file(&mut files, inode)),
                            None => {}
                        }
                    }
                }
                What::Length { file: inode, .. } | What::Write { file: inode, .. } => {
                    file(&mut files, *inode).pending.push((operation.end, &operation.what));
                }
                What::Send { .. } => {}
                // One that had not returned has promised nothing.
                What::Sync { .. } if operation.end > self.cut => {}
                What::Sync { inode } if self.is_lie(record, *inode) => {}
                What::Sync { inode } if is_folder(record, *inode) => {
                    let folder = folder(&mut folders, *inode);
                    if let Some((end, _change)) =
                        folder.pending.iter().rfind(|(end, _change)| *end < operation.start)
                    {
                        covered = covered.max(*end);
                    }
                    if self.names == Names::Any {
                        settle_names(folder, operation.start);
                    }
                }
                What::Sync { inode } => settle_content(file(&mut files, *inode), operation.start),
            }
        }
        let mut lost = Vec::new();
        let limit = random.usize(covered..=self.cut.max(covered));
        let folders = folders.into_iter().map(|(inode, folder)| {
            let kept = |random: &mut Rng, end| match self.names {
                Names::InOrder => end <= limit,
                Names::Any => random.f64() < self.keep,
            };
            (inode, lose_names(record, inode, folder, &mut |end| kept(random, end), &mut lost))
        });
        let folders = folders.collect();
        let files = files.into_iter();
        let files = files
            .map(|(inode, content)| (inode, self.lose_content(record, inode, content, random, &mut lost)));
        let files = files.collect();
        Disk { folders, files, lost }
    }

    fn is_lie(&self, record: &Record, inode: Inode) -> bool {
        let path = record.inodes.get(inode).map_or("", |kind| kind.path.as_str());
        match self.lies {
            None => false,
            Some(FOLDERS) => is_folder(record, inode),
            Some(part) => path.contains(part),
        }
    }

    fn lose_content(
        &self,
        record: &Record,
        inode: Inode,
        content: Content<'_>,
        random: &mut Rng,
        lost: &mut Vec<String>,
    ) -> Vec<u8> {
        let Content { mut bytes, pending } = content;
        let visible = pending.iter().fold(bytes.len() as u64, |length, (_end, what)| match what {
            What::Length { length, .. } => *length,
            What::Write { at, bytes, .. } => length.max(at + bytes.len() as u64),
            What::Names(_) | What::Send { .. } | What::Sync { .. } => length,
        });
        let durable = bytes.len() as u64;
        let (mut dropped, mut kept) = (0_u64, 0_u64);
        for (_end, what) in pending {
            match what {
                What::Length { .. } if random.f64() >= self.keep => {
                    // What was written after it went to blocks that the file does not have.
                    dropped += 1;
                    break;
                }
                What::Length { length, .. } => bytes.resize(*length as usize, 0),
                What::Write { at, bytes: new, .. } => {
                    for (from, to) in sectors(*at, *at + new.len() as u64, self.sector) {
                        if random.f64() < self.keep {
                            put(&mut bytes, *at, new, from, to);
                            kept += 1;
                        } else {
                            dropped += 1;
                        }
                    }
                }
                What::Names(_) | What::Send { .. } | What::Sync { .. } => {}
            }
        }
        if visible > durable {
            // The length is kept or not, whatever was written below it.
            let length = match random.u8(0..3) {
                0 => durable,
                1 => visible,
                _between => random.u64(durable..=visible),
            };
            bytes.resize(length as usize, 0);
        }
        if dropped > 0 {
            let path = record.inodes.get(inode).map_or("", |kind| kind.path.as_str());
            let length = bytes.len();
            lost.push(format!(
                "{path} (inode {inode}): {dropped} of {} parts, {length} bytes left",
                dropped + kept
            ));
        }
        bytes
    }
}

fn is_folder(record: &Record, inode: Inode) -> bool {
    record.inodes.get(inode).is_some_and(|Kind { is_folder, .. }| *is_folder)
}

fn folder<'m, 'a>(folders: &'m mut BTreeMap<Inode, Folder<'a>>, inode: Inode) -> &'m mut Folder<'a> {
    folders.entry(inode).or_insert_with(|| Folder { names: BTreeMap::new(), pending: Vec::new() })
}

fn file<'m, 'a>(files: &'m mut BTreeMap<Inode, Content<'a>>, inode: Inode) -> &'m mut Content<'a> {
    files.entry(inode).or_insert_with(|| Content { bytes: Vec::new(), pending: Vec::new() })
}

fn settle_names(folder: &mut Folder<'_>, before: usize) {
    let names = &mut folder.names;
    folder.pending.retain(|(end, change)| {
        if *end < before {
            change_name(names, change);
        }
        *end >= before
    });
}

fn change_name(names: &mut BTreeMap<String, Inode>, change: &Change) {
    match change.now {
        Some(inode) => drop(names.insert(change.name.clone(), inode)),
        None => drop(names.remove(&change.name)),
    }
}

fn settle_content(content: &mut Content<'_>, before: usize) {
    let bytes = &mut content.bytes;
    content.pending.retain(|(end, what)| {
        if *end >= before {
            return true;
        }
        match what {
            What::Length { length, .. } => bytes.resize(*length as usize, 0),
            What::Write { at, bytes: new, .. } => put(bytes, *at, new, *at, *at + new.len() as u64),
            What::Names(_) | What::Send { .. } | What::Sync { .. } => {}
        }
        false
    });
}

fn lose_names(
    record: &Record,
    inode: Inode,
    folder: Folder<'_>,
    keep: &mut dyn FnMut(usize) -> bool,
    lost: &mut Vec<String>,
) -> BTreeMap<String, Inode> {
    let Folder { mut names, pending } = folder;
    // The two names of a file that was renamed within the folder change in one step.
    let mut step = None;
    for (end, change) in pending {
        let kept = match step {
            Some((same, kept)) if same == end => kept,
            Some(_) | None => keep(end),
        };
        step = Some((end, kept));
        if kept {
            change_name(&mut names, change);
        } else {
            let above = record.inodes.get(inode).map_or("", |kind| kind.path.as_str());
            let what = change.now.map_or_else(|| "gone".into(), |inode| format!("inode {inode}"));
            lost.push(format!("{above}/{}: that it is {what} since line {end}", change.name));
        }
    }
    names
}

/// The parts of a range that lie in one sector each.
fn sectors(from: u64, to: u64, sector: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let end = (at / sector * sector + sector).min(to);
        let part = (at, end);
        at = end;
        Some(part)
    })
}

/// Writes the part `from..to` of `new`, which begins at `at`.
fn put(bytes: &mut Vec<u8>, at: u64, new: &Bytes, from: u64, to: u64) {
    if (bytes.len() as u64) < to {
        bytes.resize(to as usize, 0);
    }
    let Some(target) = bytes.get_mut(from as usize..to as usize) else { return };
    match new {
        Bytes::Zeros(_) => target.fill(0),
        Bytes::Some(new) => {
            if let Some(source) = new.get((from - at) as usize..(to - at) as usize) {
                target.copy_from_slice(source);
            }
        }
    }
}

impl Disk {
    /// Makes files and folders of it below `root`, which is empty. What has no name is gone.
    pub(super) fn restore(&self, root: &Path) -> Result<()> {
        let mut made = BTreeMap::new();
        self.restore_folder(ROOT, root, &mut made)
    }

    fn restore_folder(
        &self,
        inode: Inode,
        path: &Path,
        made: &mut BTreeMap<Inode, std::path::PathBuf>,
    ) -> Result<()> {
        for (name, inode) in self.folders.get(&inode).into_iter().flatten() {
            let path = path.join(name);
            if let Some(content) = self.files.get(inode) {
                match made.get(inode) {
                    Some(other) => fs::hard_link(other, &path).context("link a file again")?,
                    None => write(&path, content).with_context(|| format!("write {}", path.display()))?,
                }
                made.entry(*inode).or_insert(path);
            } else if !made.contains_key(inode) {
                // A folder that two names lead to is whole under the first.
                fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
                made.insert(*inode, path.clone());
                self.restore_folder(*inode, &path, made)?;
            }
        }
        Ok(())
    }
}

/// Zeros are left out where they are many: the file system fills holes with them.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let file = File::create_new(path)?;
    file.set_len(content.len() as u64)?;
    for (number, part) in content.chunks(HOLE_BYTES).enumerate() {
        if part.iter().any(|byte| *byte != 0) {
            file.write_all_at(part, (number * HOLE_BYTES) as u64)?;
        }
    }
    Ok(())
}

/// For [`Loss::lies`]: every folder.
pub(super) const FOLDERS: &str = "all folders";

const HOLE_BYTES: usize = 65_536;
