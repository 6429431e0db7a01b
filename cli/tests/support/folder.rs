//! All files of a folder, to compare two of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The bytes of each file below `folder` by its path; hidden ones at the top are left out.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            match path.is_dir() {
                _any if name.starts_with('.') => {}
                true => folders.push(path),
                false => drop(files.insert(name, fs::read(&path).unwrap())),
            }
        }
    }
    files
}
