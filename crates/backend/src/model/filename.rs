//! The name a file is saved under: a label for people, never a path.

use std::fmt;

/// The longest name, in bytes: what ext4, APFS and NTFS can all store.
pub(crate) const MAX_FILENAME_BYTES: usize = 255;

/// A file name: 1 to 255 bytes, without slashes, control characters, and not `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filename(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFilename {
    #[error("a file name has 1 to {MAX_FILENAME_BYTES} bytes")]
    Length,
    #[error("a file name has no slashes and no control characters")]
    Character,
    #[error("`.` and `..` are no file names")]
    Dots,
}

impl Filename {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidFilename> {
        if text.is_empty() || text.len() > MAX_FILENAME_BYTES {
            return Err(InvalidFilename::Length);
        }
        if text.contains(|character: char| character.is_control() || matches!(character, '/' | '\\')) {
            return Err(InvalidFilename::Character);
        }
        if matches!(text, "." | "..") {
            return Err(InvalidFilename::Dots);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Filename {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_up_to_the_limit_are_taken() {
        for name in ["a", "отчёт 2026.pdf", "a\"b;c.txt", ".bashrc", "...", &"x".repeat(MAX_FILENAME_BYTES)] {
            assert_eq!(Filename::parse(name).map(|name| name.0), Ok(name.to_owned()));
        }
    }

    #[test]
    fn paths_controls_and_longer_names_are_refused() {
        let longer = "x".repeat(MAX_FILENAME_BYTES + 1);
        for (name, reason) in [
            ("", InvalidFilename::Length),
            (longer.as_str(), InvalidFilename::Length),
            ("a/b", InvalidFilename::Character),
            ("a\\b", InvalidFilename::Character),
            ("a\r\nset-cookie: x", InvalidFilename::Character),
            (".", InvalidFilename::Dots),
            ("..", InvalidFilename::Dots),
        ] {
            assert_eq!(Filename::parse(name), Err(reason), "{name:?}");
        }
    }
}
