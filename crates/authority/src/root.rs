//! The root credentials: given from outside, or made once and kept in a file that only its owner reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gatepass_signing::credentials::{AccessKeyId, Credentials, CredentialsError, SecretKey};
use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "root-credentials.json";
const ACCESS_KEY_LENGTH: usize = 20;
const ACCESS_KEY_PREFIX: &str = "AKIA";
const ACCESS_KEY_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_KEY_LENGTH: usize = 40;
const SECRET_KEY_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The shortest access key id that may be given for root.
pub const MIN_ACCESS_KEY_BYTES: usize = 3;
/// The shortest secret that may be given for root.
pub const MIN_SECRET_KEY_BYTES: usize = 8;

/// Where the root credentials come from.
#[derive(Clone, Debug)]
pub enum RootSource {
    /// From whoever starts the server; nothing is written.
    Given(Credentials),
    /// From the file in the data directory, which the first start makes.
    Kept,
}

/// Whether something was stored here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataState {
    /// A first start: missing credentials are made.
    Empty,
    /// Data is here: missing credentials are an error, since new ones would lock the owner out of it unnoticed.
    Existing,
}

/// Why there are no root credentials.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is gone, the data is not.
    #[error("{} is missing, but this directory holds data that was stored under it; no new key is made over old data", .path.display())]
    Missing {
        /// The file that should be there.
        path: PathBuf,
    },
    /// Others than the owner may read or write the file.
    #[error("{} can be read or written by others (mode {mode:04o}); make it 0600", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not what this program wrote.
    #[error("{} does not hold root credentials", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A key that cannot be used.
    #[error("the root credentials cannot be used")]
    Credentials(#[from] CredentialsError),
    /// A key that is too short.
    #[error(
        "a root access key has at least {MIN_ACCESS_KEY_BYTES} characters, a root secret key at least {MIN_SECRET_KEY_BYTES}"
    )]
    TooShort,
    /// The operating system has no random bytes.
    #[error("the operating system gives no random bytes")]
    Randomness(#[from] getrandom::Error),
    /// The file system said no.
    #[error("cannot use {}", .path.display())]
    Io {
        /// What was being used.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    access_key_id: String,
    secret_access_key: String,
}

/// Root credentials out of the two texts that somebody gave, refused where they are too short to be safe.
pub fn root_from_text(access_key_id: &str, secret_key: &str) -> Result<Credentials, OpenError> {
    if access_key_id.len() < MIN_ACCESS_KEY_BYTES || secret_key.len() < MIN_SECRET_KEY_BYTES {
        return Err(OpenError::TooShort);
    }
    Ok(Credentials::long_term(AccessKeyId::new(access_key_id)?, SecretKey::new(secret_key)?))
}

pub(crate) fn load(directory: &Path, source: RootSource, data: DataState) -> Result<Credentials, OpenError> {
    if let RootSource::Given(credentials) = source {
        return Ok(credentials);
    }
    let path = directory.join(FILE_NAME);
    match File::open(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match data {
            DataState::Existing => Err(OpenError::Missing { path }),
            DataState::Empty => make(directory, &path),
        },
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

fn read(file: File, path: &Path) -> Result<Credentials, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { path: path.to_owned(), mode });
    }
    let text = io::read_to_string(file).map_err(io)?;
    let kept: Kept =
        serde_json::from_str(&text).map_err(|source| OpenError::Unreadable { path: path.to_owned(), source })?;
    root_from_text(&kept.access_key_id, &kept.secret_access_key)
}

/// Written beside, synced, renamed, and the directory synced: a crash leaves no file or a whole one.
fn make(directory: &Path, path: &Path) -> Result<Credentials, OpenError> {
    let kept = Kept {
        access_key_id: format!(
            "{ACCESS_KEY_PREFIX}{}",
            random_text(ACCESS_KEY_LENGTH - ACCESS_KEY_PREFIX.len(), ACCESS_KEY_ALPHABET)?
        ),
        secret_access_key: random_text(SECRET_KEY_LENGTH, SECRET_KEY_ALPHABET)?,
    };
    let mut text = serde_json::to_string_pretty(&kept).expect("two strings are JSON");
    text.push('\n');

    write_durably(directory, path, text.as_bytes())
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    root_from_text(&kept.access_key_id, &kept.secret_access_key)
}

fn write_durably(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = path.with_extension("json.tmp");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

/// Every alphabet has a power of two of characters, so masking a random byte favours none of them.
fn random_text<const N: usize>(length: usize, alphabet: &[u8; N]) -> Result<String, getrandom::Error> {
    const { assert!(N.is_power_of_two() && N <= 256) }
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.into_iter().map(|byte| char::from(alphabet[usize::from(byte) & (N - 1)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(directory: &Path, data: DataState) -> Result<Credentials, OpenError> {
        load(directory, RootSource::Kept, data)
    }

    #[test]
    fn a_first_start_makes_credentials_and_the_next_finds_them() {
        let directory = tempfile::tempdir().unwrap();
        let made = kept(directory.path(), DataState::Empty).unwrap();
        let found = kept(directory.path(), DataState::Existing).unwrap();
        assert_eq!(made.access_key_id(), found.access_key_id());
        assert_eq!(made.secret_key().expose(), found.secret_key().expose());
        assert_eq!(made.access_key_id().as_str().len(), ACCESS_KEY_LENGTH);
        assert_eq!(made.secret_key().expose().len(), SECRET_KEY_LENGTH);
        let mode = fs::metadata(directory.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn no_two_first_starts_make_the_same_credentials() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = kept(one.path(), DataState::Empty).unwrap();
        let two = kept(two.path(), DataState::Empty).unwrap();
        assert_ne!(one.access_key_id(), two.access_key_id());
        assert_ne!(one.secret_key().expose(), two.secret_key().expose());
    }

    #[test]
    fn no_new_key_is_made_over_old_data() {
        let directory = tempfile::tempdir().unwrap();
        let error = kept(directory.path(), DataState::Existing).unwrap_err();
        assert!(matches!(error, OpenError::Missing { .. }));
        assert!(error.to_string().contains("no new key is made over old data"), "{error}");
        assert!(fs::read_dir(directory.path()).unwrap().next().is_none(), "nothing was written");
    }

    #[test]
    fn given_credentials_are_used_and_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let given = root_from_text("minioadmin", "a-long-secret").unwrap();
        let used = load(directory.path(), RootSource::Given(given), DataState::Existing).unwrap();
        assert_eq!(used.access_key_id().as_str(), "minioadmin");
        assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        kept(directory.path(), DataState::Empty).unwrap();
        fs::set_permissions(directory.path().join(FILE_NAME), fs::Permissions::from_mode(0o640)).unwrap();
        let error = kept(directory.path(), DataState::Existing).unwrap_err();
        assert!(matches!(error, OpenError::Exposed { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, "{").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(kept(directory.path(), DataState::Empty), Err(OpenError::Unreadable { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }

    #[test]
    fn a_file_left_by_a_crashed_first_start_is_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("root-credentials.json.tmp"), "half").unwrap();
        kept(directory.path(), DataState::Empty).unwrap();
    }

    #[test]
    fn short_keys_are_refused_at_the_limit() {
        let access_key = "a".repeat(MIN_ACCESS_KEY_BYTES);
        let secret_key = "s".repeat(MIN_SECRET_KEY_BYTES);
        assert!(root_from_text(&access_key, &secret_key).is_ok());
        assert!(matches!(root_from_text(&access_key[1..], &secret_key), Err(OpenError::TooShort)));
        assert!(matches!(root_from_text(&access_key, &secret_key[1..]), Err(OpenError::TooShort)));
        assert!(matches!(root_from_text("a/b/c", &secret_key), Err(OpenError::Credentials(_))));
    }
}
