//! A data folder: where its files are, its settings and its keys.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sillok_log::audit::LogKind;
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_log::policy::Policy;
use sillok_registry::Paths;
use sillok_registry::sealed::{self, KeyKind, Passphrase};

use crate::config::{self, CameFrom, Flags, Loaded, SETTINGS, Settings};
use crate::context::Context;
use crate::exit::usage;

/// The folder of `--data`, without its settings.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

/// A data folder that was made by `sillok init`.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) place: Place,
    pub(crate) loaded: Loaded,
}

impl Place {
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let absolute =
            std::path::absolute(path).with_context(|| format!("could not resolve {}", path.display()))?;
        Ok(Self(absolute.components().collect()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.0.join("sillok.toml")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.0.join("public")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// The file of settings, `None` if there is none.
    pub(crate) fn settings_text(&self) -> anyhow::Result<Option<String>> {
        let path = self.settings_file();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow::anyhow!("could not read {}: {error}", path.display())),
        }
    }

    /// Where the passphrase is, if the settings do not say.
    pub(crate) fn default_passphrase(&self) -> PathBuf {
        self.0.join("passphrase")
    }
}

impl Folder {
    /// Opens a folder with its settings, as the flags of a command change them.
    pub(crate) fn open(path: &Path, context: &Context, flags: &Flags) -> anyhow::Result<Self> {
        let place = Place::new(path)?;
        let Some(text) = place.settings_text()? else {
            return usage(format!(
                "{} is no data folder: it has no sillok.toml. `sillok init --data {}` makes one",
                path.display(),
                path.display()
            ));
        };
        Self::with_text(place, &text, context, flags)
    }

    pub(crate) fn with_text(
        place: Place,
        text: &str,
        context: &Context,
        flags: &Flags,
    ) -> anyhow::Result<Self> {
        let loaded = match config::load(text, &|name| context.variable(name), flags) {
            Ok(loaded) => loaded,
            Err(error) => return usage(error.to_string()),
        };
        let folder = Self { place, loaded };
        folder.check_production()?;
        Ok(folder)
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.loaded.settings
    }

    /// Raw logs are told by their origin, which is in every checkpoint: an auditor needs nobody's word for it.
    //= specs/entry.md#raw-logs
    pub(crate) fn kind(&self) -> LogKind {
        LogKind::of_origin(&self.settings().origin)
    }

    /// The file of the head.
    pub(crate) fn head(&self) -> PathBuf {
        if self.settings().head.is_empty() {
            let mut path = self.place.0.clone().into_os_string();
            path.push(".head");
            path.into()
        } else {
            self.place.0.join(&self.settings().head)
        }
    }

    /// Where the registry keeps its files.
    pub(crate) fn paths(&self) -> Paths {
        Paths {
            public: self.place.public(),
            segments: self.place.0.join("wal"),
            seen: self.place.index(),
            head: self.head(),
        }
    }

    /// The log's own policy, if it asks anybody.
    pub(crate) fn policy(&self) -> anyhow::Result<Option<Policy>> {
        if self.settings().policy.is_empty() {
            return Ok(None);
        }
        let path = self.place.0.join(&self.settings().policy);
        let text =
            fs::read(&path).with_context(|| format!("setting policy: could not read {}", path.display()))?;
        let policy = Policy::parse(&text)
            .or_else(|error| usage(format!("setting policy: {}: {error}", path.display())))?;
        let asked = policy.witnesses().iter().enumerate().filter(|(_at, witness)| witness.url().is_some());
        let asked: Vec<usize> = asked.map(|(at, _witness)| at).collect();
        if !policy.is_met_by(&asked) {
            return usage(format!(
                "setting policy: {}: witnesses with URLs cannot meet the quorum",
                path.display()
            ));
        }
        Ok(policy.has_quorum().then_some(policy))
    }

    /// The file of the passphrase.
    pub(crate) fn passphrase_file(&self) -> PathBuf {
        if self.settings().passphrase_file.is_empty() {
            self.place.default_passphrase()
        } else {
            // A variable or a flag is of the caller's folder, the file of settings of the data folder.
            let setting = SETTINGS.iter().find(|setting| setting.name == "passphrase_file");
            let from = setting.and_then(|setting| self.loaded.value(setting)).map(|(_value, from)| from);
            match from {
                Some(CameFrom::File) => self.place.0.join(&self.settings().passphrase_file),
                _elsewhere => PathBuf::from(&self.settings().passphrase_file),
            }
        }
    }

    pub(crate) fn passphrase(&self) -> anyhow::Result<Passphrase> {
        Ok(Passphrase::load(&self.passphrase_file())?)
    }

    /// The public half of the log's key.
    pub(crate) fn log_vkey(&self) -> anyhow::Result<VerifierKey> {
        let text = sealed::public_text(&self.place.keys(), "log")?;
        VerifierKey::parse(&text)
            .with_context(|| format!("public text of the log's key, {text:?}, is refused"))
    }

    /// The log's key.
    pub(crate) fn log_key(&self) -> anyhow::Result<SignerKey> {
        let secret = sealed::open(&self.place.keys(), "log", KeyKind::Ed25519, &self.passphrase()?)?;
        let signer = secret.signer(&self.settings().origin)?;
        // The name too: it is a part of what others trust.
        let (signs_as, public) = (signer.verifier(), self.log_vkey()?);
        anyhow::ensure!(
            signs_as == public,
            "log would sign as {signs_as}, but its public text says {public}"
        );
        Ok(signer)
    }

    fn check_production(&self) -> anyhow::Result<()> {
        if !self.settings().production {
            return Ok(());
        }
        let inside = |path: &Path| path.starts_with(&self.place.0);
        if inside(&self.head()) {
            return usage(format!(
                "setting head: {} is inside the data folder, which `production` refuses",
                self.head().display()
            ));
        }
        let passphrase = Place::new(&self.passphrase_file())?;
        if inside(passphrase.path()) {
            return usage(format!(
                "setting passphrase_file: {} is beside the keys that it opens, which `production` refuses",
                passphrase.path().display()
            ));
        }
        Ok(())
    }
}
