//! Identifiers: a prefix that says what is named, and a UUIDv7, so that ids sort by age.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use uuid::{Builder, Uuid};

use crate::random;

/// The text is no identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub(crate) struct InvalidId;

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(Uuid);

        impl $name {
            /// A new identifier: the millisecond of `now` and 74 random bits.
            pub(crate) fn mint(now: Timestamp) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix).and_then(parse_uuid).map(Self).ok_or(InvalidId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|InvalidId| {
                    serde::de::Error::custom(concat!("expected an identifier that begins with ", $prefix))
                })
            }
        }
    };
}

prefixed_id!(
    /// Names a file.
    FileId,
    "file_"
);
prefixed_id!(
    /// Names an upload.
    UploadId,
    "upl_"
);
prefixed_id!(
    /// Names a link. It is not the token: who knows the id cannot open the link.
    LinkId,
    "lnk_"
);
prefixed_id!(
    /// Names a request in logs and problems.
    RequestId,
    "req_"
);

fn uuid_at(now: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(milliseconds, &random::bytes()).into_uuid()
}

/// Exactly the form that [`fmt::Display`] writes, so that one thing has one name.
fn parse_uuid(text: &str) -> Option<Uuid> {
    let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(lowercase_hex) {
        return None;
    }
    Uuid::try_parse(text).ok().filter(|uuid| uuid.get_version_num() == 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let id = FileId::mint(Timestamp::UNIX_EPOCH);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_sort_by_age() {
        let early = FileId::mint("2026-01-01T00:00:00Z".parse().expect("a time"));
        let late = FileId::mint("2026-01-01T00:00:00.001Z".parse().expect("a time"));
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn other_kinds_spellings_and_versions_are_refused() {
        let id = FileId::mint(Timestamp::UNIX_EPOCH).to_string();
        let body = &id["file_".len()..];
        for wrong in [
            format!("upl_{body}"),
            format!("file_{}", body.to_uppercase().replace('0', "A")),
            format!("file_{}", Uuid::nil().simple()),
            format!("{id} "),
            body.to_owned(),
            "file_".to_owned(),
        ] {
            assert_eq!(wrong.parse::<FileId>(), Err(InvalidId), "{wrong}");
        }
    }
}
