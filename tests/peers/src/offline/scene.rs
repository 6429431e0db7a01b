//! Vectors as the arguments of `sillok verify`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use sillok_tests::vectors::Vector;

/// One call.
pub(super) struct Scene {
    pub(super) name: String,
    pub(super) arguments: Vec<OsString>,
    /// The exit code that the vector says.
    pub(super) code: i32,
    folder: PathBuf,
}

impl Scene {
    pub(super) fn is_evidence(&self, path: &str) -> bool {
        Path::new(path).starts_with(&self.folder)
    }
}

/// Every vector of a verification, an attack or a bundle that one call can show, its files written below `scratch`; and the good
/// one at times when nothing of it is good.
pub(super) fn all(root: &Path, scratch: &Path) -> Result<Vec<Scene>> {
    let mut scenes = Vec::new();
    let good = read(&root.join("specs/vectors/verify/valid.txt"), "verify")?;
    for topic in ["verify", "attack", "trust"] {
        let folder = root.join("specs/vectors").join(topic);
        let listing = fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = listing.map(|item| Ok(item?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths {
            let vector = read(&path, topic)?;
            if let Some(scene) = scene(&vector, &good, scratch, NOW)? {
                scenes.push(scene);
            }
        }
    }
    for time in WRONG_TIMES {
        let mut wrong = good.clone();
        wrong.name = format!("valid-at-{}", time.replace(':', "-"));
        wrong.expect = "cannot tell".into();
        scenes.extend(scene(&wrong, &good, scratch, time)?);
    }
    Ok(scenes)
}

fn read(path: &Path, topic: &str) -> Result<Vector> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Vector::parse(topic, &name, &text).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Nothing if the vector needs more than one bundle or one time, or a credential that the command line trims.
fn scene(vector: &Vector, good: &Vector, scratch: &Path, time: &str) -> Result<Option<Scene>> {
    let known = ["now", "trust", "credential", "receipt", "status", "alarms"];
    let count = |name: &str| vector.all_of(name).count();
    let one_call = count("trust") == 1
        && count("now") == 1
        && vector.get("now") == Some(NOW_SECONDS.as_bytes())
        && vector.parts.iter().all(|part| known.contains(&part.name.as_str()));
    let credential = vector.get("credential").or_else(|| good.get("credential")).unwrap_or_default();
    if !one_call || credential.trim_ascii_end() != credential {
        return Ok(None);
    }
    let code = match vector.expect.split(' ').next() {
        Some("valid") => 0,
        Some("not") => 1,
        Some("cannot" | "error") => 2,
        // A bundle that opens, with the good credential: what is said of that is another vector's matter.
        _ok => return Ok(None),
    };
    let folder = scratch.join(format!("{}-{}", vector.topic, vector.name));
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let file = |name: &str, bytes: &[u8]| -> Result<OsString> {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        Ok(path.into())
    };
    let mut arguments: Vec<OsString> = vec!["verify".into(), "--json".into(), "--now".into(), time.into()];
    arguments.extend(["--trust".into(), file("trust", vector.get("trust").unwrap_or_default())?]);
    if let Some(receipt) = vector.get("receipt") {
        arguments.extend(["--receipt".into(), file("receipt", receipt)?]);
    }
    for (number, status) in vector.all_of("status").enumerate() {
        arguments.extend(["--status".into(), file(&format!("status-{number}"), status)?]);
    }
    arguments.push(file("credential", credential)?);
    Ok(Some(Scene { name: format!("{}/{}", vector.topic, vector.name), arguments, code, folder }))
}

/// The time of the vectors, in both forms.
const NOW_SECONDS: &str = "1767398400";
const NOW: &str = "2026-01-03T00:00:00Z";

/// Without a battery, 400 days behind, a day after the feed, twenty years ahead, near the end of the last year.
const WRONG_TIMES: [&str; 5] = [
    "1970-01-01T00:00:00Z",
    "2024-11-29T00:00:00Z",
    "2026-01-10T00:00:00Z",
    "2046-01-03T00:00:00Z",
    "9999-12-30T00:00:00Z",
];
