//! Files that a run writes: each replaces the one before in one step, so an interrupted run leaves a whole one.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{TrainingError, at};

/// Writes a file beside its place, and then renames it into it.
///
/// # Errors
/// When the file cannot be written; the one before stays.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    write_synced(&part, bytes)?;
    fs::rename(&part, path).map_err(at(path))
}

/// Writes a file and waits until it is on the disk.
///
/// # Errors
/// When the file cannot be written.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    let mut file = File::create(path).map_err(at(path))?;
    file.write_all(bytes).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_one_before() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("a.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        // The place of the new file is taken.
        fs::create_dir(folder.path().join("a.json.part")).unwrap();
        let error = write_atomically(&path, b"three").unwrap_err().to_string();
        assert!(error.contains("a.json.part"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }
}
