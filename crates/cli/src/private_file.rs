//! Files that only their owner may read, written so that nobody ever sees half of one.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use serde::Serialize;

/// Writes a JSON document with mode 0600: beside, then renamed over what was there.
pub(crate) fn write_json(path: &Path, document: &impl Serialize) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // `tempfile` makes files with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Makes a directory that only its owner may enter, with its parents, unless it is there.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_document_is_readable_by_its_owner_alone_and_replaces_the_old_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secrets.json");
        fs::write(&path, "old and readable").expect("written");
        write_json(&path, &[1, 2]).expect("written");
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(serde_json::from_slice::<Vec<u8>>(&fs::read(&path).expect("read")).expect("JSON"), [1, 2]);
        assert_eq!(fs::read_dir(directory.path()).expect("entries").count(), 1, "nothing is left beside it");
    }
}
