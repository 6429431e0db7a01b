//! The checkout, where it builds, and our own program in the release profile.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Where things are on this machine.
pub(crate) struct Machine {
    root: PathBuf,
    target: PathBuf,
}

impl Machine {
    /// Finds the checkout that this program was built from.
    ///
    /// # Errors
    /// The checkout is gone.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().with_context(|| format!("find {}", root.display()))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self { root, target })
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything is written.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A new folder below `target/peers`, removed when it is dropped. Not in the system's folder for temporary files,
    /// which may be memory.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn scratch(&self, name: &str) -> Result<tempfile::TempDir> {
        let folder = self.target.join("peers");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(tempfile::Builder::new().prefix(name).tempdir_in(folder)?)
    }

    /// Our own program, built in the profile of the tests: with the assertions that they have.
    ///
    /// # Errors
    /// It does not build.
    pub(crate) fn sillok_checked(&self) -> Result<PathBuf> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "-p", "sillok"])
            .current_dir(&self.root)
            .status()
            .context("start cargo")?;
        ensure!(status.success(), "`cargo build -p sillok` ended with {status}");
        Ok(self.target.join("debug/sillok"))
    }

    /// Our own program, built in the release profile.
    ///
    /// # Errors
    /// It does not build.
    pub(crate) fn sillok(&self) -> Result<PathBuf> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--release", "--quiet", "-p", "sillok"])
            .current_dir(&self.root)
            .status()
            .context("start cargo")?;
        ensure!(status.success(), "`cargo build --release -p sillok` ended with {status}");
        Ok(self.target.join("release/sillok"))
    }
}
