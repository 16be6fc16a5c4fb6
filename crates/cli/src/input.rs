//! What is read: arguments that may stand on standard input, and files that hold keys.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use crate::failure::{Explain as _, Failure, Result};

/// The most that is read of an argument or a key: more than any URL, form or key has.
const MAX_BYTES: u64 = 64 * 1024;

/// An argument; `-` reads it from standard input. Blanks around it are no part of it.
pub(crate) fn argument(typed: &str) -> Result<String> {
    if typed != "-" {
        return Ok(typed.trim().to_owned());
    }
    Ok(bounded(io::stdin(), "standard input")?.trim().to_owned())
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn secret_file(path: &Path, what: &str) -> Result<String> {
    if path.as_os_str() == "-" {
        return bounded(io::stdin(), "standard input");
    }
    let name = format!("{what} {}", path.display());
    let file = fs::File::open(path).explain(format!("{name} cannot be read"))?;
    bounded(file, &name)
}

fn bounded(source: impl io::Read, name: &str) -> Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text).explain(format!("{name} cannot be read"))?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_BYTES) {
        return Err(Failure::refused(format_args!("{name} has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}
