//! Values as people write them: `15m`, `5GiB`, `{ env = "NAME" }`.

use std::{env, fmt, fs, io, path::PathBuf, str::FromStr};

use gatepass_signing::credentials::{CredentialsError, SecretKey};
use serde::{Deserialize, Deserializer, de};

/// A span of time in whole seconds: `90`, `"90"`, `"90s"`, `"15m"`, `"2h"`, `"7d"`; `"500ms"` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

impl Duration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// How many seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text);
        let factor = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number_or_text(deserializer, "a duration such as \"15m\" or a number of seconds", Duration, Duration::parse)
    }
}

/// A number of bytes: `1000`, `"10MB"`, `"5GiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// The most that one PUT may bring to S3 ("Uploading objects", Amazon S3 User Guide).
    pub const GIB_5: Self = Self(5 << 30);

    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

/// A text that is no [`ByteSize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a size is bytes or has a unit: 1048576, 1MiB, 5GB")]
pub struct ByteSizeError;

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let (number, unit) = split_number(text);
        let factor = match unit.trim_start() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(ByteSizeError),
        };
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).map(Self).ok_or(ByteSizeError)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number_or_text(deserializer, "a size such as \"5MiB\" or a number of bytes", ByteSize, |text| text.parse().ok())
    }
}

/// Where a secret is. It is never written in the file itself.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "expected { env = NAME } or { file = PATH }")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; one trailing line break is not part of the secret.
    File(PathBuf),
    /// The secret itself, from a caller in the same process.
    #[serde(skip)]
    Given(SecretKey),
}

impl SecretSource {
    pub(crate) fn read(&self) -> Result<SecretKey, SecretError> {
        let text = match self {
            Self::Given(secret) => return Ok(secret.clone()),
            Self::Env(name) => env::var(name).map_err(|source| SecretError::Env { name: name.clone(), source })?,
            Self::File(path) => {
                let text =
                    fs::read_to_string(path).map_err(|source| SecretError::File { path: path.clone(), source })?;
                text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).map(str::to_owned).unwrap_or(text)
            }
        };
        SecretKey::new(text).map_err(SecretError::Invalid)
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => formatter.debug_tuple("Env").field(name).finish(),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Given(_) => formatter.write_str("Given(…)"),
        }
    }
}

/// A secret is not where the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable.
    #[error("the environment variable {name} cannot be read")]
    Env {
        /// Its name.
        name: String,
        /// Why.
        source: env::VarError,
    },
    /// No such file.
    #[error("{} cannot be read", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text there cannot be a secret key.
    #[error("what was read cannot be a secret key")]
    Invalid(#[source] CredentialsError),
}

fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn number_or_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    from_number: fn(u64) -> T,
    from_text: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Visitor<T> {
        expected: &'static str,
        from_number: fn(u64) -> T,
        from_text: fn(&str) -> Option<T>,
    }

    impl<T> de::Visitor<'_> for Visitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.expected)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            Ok((self.from_number)(number))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            let number = u64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))?;
            Ok((self.from_number)(number))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.from_text)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(Visitor { expected, from_number, from_text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_a_unit() {
        for (text, seconds) in [("90", 90), ("\"90\"", 90), ("\"15m\"", 900), ("\"2h\"", 7200), ("\"7d\"", 604_800)] {
            assert_eq!(serde_json::from_str::<Duration>(text).expect("a duration").as_secs(), seconds, "{text}");
        }
        for wrong in ["-1", "\"\"", "\"m\"", "\"500ms\"", "\"1.5h\"", "\"99999999999999999999\"", "true"] {
            assert!(serde_json::from_str::<Duration>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("1", 1), ("\"5GiB\"", 5 << 30), ("\"10 MB\"", 10_000_000), ("\"1KiB\"", 1024)] {
            assert_eq!(serde_json::from_str::<ByteSize>(text).expect("a size").as_bytes(), bytes, "{text}");
        }
        for wrong in ["\"5 gib\"", "\"-5\"", "\"99999999TiB\""] {
            assert!(serde_json::from_str::<ByteSize>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused() {
        assert!(serde_json::from_str::<SecretSource>("\"hunter2\"").is_err());
        assert!(serde_json::from_str::<SecretSource>(r#"{"given": "hunter2"}"#).is_err());
        assert!(serde_json::from_str::<SecretSource>(r#"{"env": "NAME"}"#).is_ok());
    }

    #[test]
    fn one_line_break_at_the_end_of_a_secret_file_is_cut() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        fs::write(&path, "hunter2\n").expect("written");
        let secret = SecretSource::File(path).read().expect("the secret");
        assert_eq!(secret.expose(), "hunter2");
    }
}
