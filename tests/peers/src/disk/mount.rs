//! A small file system of its own, filled up to a few bytes and emptied again.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// In a file, over a loop device.
    Ext4,
    Tmpfs,
}

/// A mounted file system. It is unmounted when dropped.
pub(super) struct Mount {
    place: PathBuf,
    _image: Option<tempfile::NamedTempFile>,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext4 => "ext4",
            Self::Tmpfs => "tmpfs",
        })
    }
}

impl Mount {
    /// Mounts an empty one at `place`; an image of it would be in `scratch`.
    pub(super) fn new(system: System, place: &Path, scratch: &Path) -> Result<Self> {
        let image = match system {
            System::Tmpfs => {
                let size = format!("size={BYTES}");
                command(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place))?;
                None
            }
            System::Ext4 => {
                let image = tempfile::NamedTempFile::new_in(scratch).context("create an image")?;
                image.as_file().set_len(BYTES).context("size the image")?;
                // No space is kept for the administrator, who the tests may be run by.
                command(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(image.path()))?;
                command(Command::new("mount").args(["-o", "loop"]).arg(image.path()).arg(place))?;
                Some(image)
            }
        };
        Ok(Self { place: place.to_path_buf(), _image: image })
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Fills it until so many bytes are left.
    pub(super) fn leave(&self, free: usize) -> Result<()> {
        let path = self.ballast();
        let mut file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let chunk = vec![1; CHUNK_BYTES];
        loop {
            let more = self.available()?.saturating_sub(free).min(CHUNK_BYTES);
            let Some(bytes) = chunk.get(..more).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
            match file.write_all(bytes).and_then(|()| file.sync_all()) {
                Ok(()) => {}
                // The file system's own records took the rest.
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("fill the disk"),
            }
        }
    }

    /// Gives back what [`Self::leave`] took.
    pub(super) fn make_space(&self) -> Result<()> {
        std::fs::remove_file(self.ballast()).context("make space")
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    fn available(&self) -> Result<usize> {
        let output =
            Command::new("df").args(["--output=avail", "-B1"]).arg(&self.place).output().context("df")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.lines().nth(1).map(str::trim).with_context(|| format!("df says {text:?}"))?;
        number.parse().with_context(|| format!("df says {number:?}"))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Who cannot unmount it says so, and leaves it.
        if let Err(error) = command(Command::new("umount").arg(&self.place)) {
            eprintln!("peers: {error:#}");
        }
    }
}

fn command(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Bytes of the file system: a folder with a journal of 16 MiB, and as much again for its next one.
const BYTES: u64 = 64 << 20;

/// Written at once when it is filled.
const CHUNK_BYTES: usize = 1 << 20;
