//! Values as people type them: `15m`, `5MiB`, `s3://bucket/key`, `name=value`, `sha256:…`.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
pub(crate) use gatepass_backend::config::ByteSize;
pub(crate) use gatepass_backend::config::Duration as Span;
use gatepass_signing::sigv4::Region;
use jiff::SignedDuration;

/// Why a value is not one. The sentence says what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(String);

impl fmt::Display for ValueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

/// A span of whole seconds: `90`, `90s`, `15m`, `2h`, `7d`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub(crate) u64);

impl Seconds {
    pub(crate) fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))
    }

    /// The whole seconds of what is left of something.
    pub(crate) fn until_end(duration: SignedDuration) -> Self {
        Self(u64::try_from(duration.as_secs()).unwrap_or(0))
    }
}

/// As it is typed: `1h30m`.
impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        let mut rest = self.0;
        for (factor, unit) in UNITS {
            if rest >= factor {
                write!(formatter, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

/// From the longest to the shortest.
const UNITS: [(u64, char); 4] = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];

impl FromStr for Seconds {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError("a duration is seconds or has units: 90, 15m, 2h, 7d, 1h30m".to_owned());
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self).map_err(|_| wrong());
        }
        let (mut rest, mut total) = (text, 0_u64);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit_on) = rest.split_at(digits);
            let mut characters = unit_on.chars();
            let unit = characters.next().ok_or_else(wrong)?;
            let (factor, _) = UNITS.into_iter().find(|(_, letter)| *letter == unit).ok_or_else(wrong)?;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            rest = characters.as_str();
        }
        Ok(Self(total))
    }
}

/// An object: `s3://bucket/key`. Everything after the bucket's slash is the key, literally: `?`, `#`, `//` and `%` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLocation {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl FromStr for ObjectLocation {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (bucket, key) = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .ok_or_else(|| ValueError("an object is s3://BUCKET/KEY".to_owned()))?;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// Where forms upload to: `s3://bucket`, `s3://bucket/folder/` or `s3://bucket/key`, all literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub(crate) bucket: String,
    /// What stands after the bucket's slash.
    pub(crate) rest: String,
}

impl FromStr for Folder {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (bucket, rest) = text
            .strip_prefix("s3://")
            .map(|address| address.split_once('/').unwrap_or((address, "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| ValueError("a folder is s3://BUCKET/FOLDER/".to_owned()))?;
        Ok(Self { bucket: bucket.to_owned(), rest: rest.to_owned() })
    }
}

/// `name=value`, as `--header`, `--field` and `--response-header` take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Pair {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty() && name.bytes().all(is_token_byte))
            .ok_or_else(|| ValueError("it is NAME=VALUE".to_owned()))?;
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(ValueError("the value has no control characters".to_owned()));
        }
        Ok(Self { name: name.to_ascii_lowercase(), value: value.to_owned() })
    }
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `eu-central-1=s3.eu.example.test`: a host name of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionHost {
    pub(crate) region: Region,
    pub(crate) host: String,
}

impl FromStr for RegionHost {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (region, host) = text.split_once('=').ok_or_else(|| ValueError("it is REGION=NAME".to_owned()))?;
        let region = Region::new(region).map_err(|error| ValueError(error.to_string()))?;
        Ok(Self { region, host: host_name(host)? })
    }
}

/// A name as it stands in `Host`, without a port.
pub(crate) fn host_name(text: &str) -> Result<String, ValueError> {
    let is_name = text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    });
    if is_name { Ok(text.to_owned()) } else { Err(ValueError(format!("{text:?} is no host name"))) }
}

/// `sha256:…`: a checksum that the upload must have, as the header that S3 reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// `x-amz-checksum-sha256`.
    pub(crate) header: &'static str,
    /// In base64, as S3 wants it.
    pub(crate) value: String,
}

/// The algorithms of S3 ("Checking object integrity"), with the length of their digests.
const CHECKSUMS: [(&str, &str, usize); 5] = [
    ("sha256", "x-amz-checksum-sha256", 32),
    ("sha1", "x-amz-checksum-sha1", 20),
    ("crc32", "x-amz-checksum-crc32", 4),
    ("crc32c", "x-amz-checksum-crc32c", 4),
    ("crc64nvme", "x-amz-checksum-crc64nvme", 8),
];

impl FromStr for Checksum {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let names = "sha256, sha1, crc32, crc32c or crc64nvme";
        let (algorithm, value) =
            text.split_once(':').ok_or_else(|| ValueError(format!("a checksum is ALGORITHM:VALUE, with {names}")))?;
        let (_, header, length) = CHECKSUMS
            .into_iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(algorithm))
            .ok_or_else(|| ValueError(format!("the algorithm of a checksum is {names}")))?;
        let digest = if value.len() == 2 * length { unhex(value) } else { STANDARD.decode(value).ok() };
        let digest = digest.filter(|digest| digest.len() == length).ok_or_else(|| {
            ValueError(format!(
                "a {algorithm} checksum is {} hexadecimal digits, or {length} bytes in base64",
                2 * length
            ))
        })?;
        Ok(Self { header, value: STANDARD.encode(digest) })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    digits.map(|digits| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A text as a POSIX shell reads it back.
pub(crate) fn shell_quote(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("1h30m", 5400)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
        for wrong in ["m", "15 m", "-1", "1.5h", "15M", "1h30", "99999999999999999999", "999999999999999999d"] {
            assert!(wrong.parse::<Seconds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_typed() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "1h30m"), (90_061, "1d1h1m1s")] {
            assert_eq!(Seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("0", 0), ("5MiB", 5 << 20), ("5 GB", 5_000_000_000), ("1TiB", 1 << 40)] {
            assert_eq!(text.parse(), Ok(ByteSize::from_bytes(bytes)), "{text}");
        }
        for wrong in ["", "MiB", "5mib", "-5", "99999999TiB"] {
            assert!(wrong.parse::<ByteSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_everything_after_the_bucket_literally() {
        for key in ["k", "a b", "?x=1#f", "/lead", "a//b", "%2F", "../up", "é"] {
            let location: ObjectLocation = format!("s3://bucket/{key}").parse().expect("a location");
            assert_eq!((location.bucket.as_str(), location.key.as_str()), ("bucket", key));
        }
        for wrong in ["", "bucket/key", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "S3://bucket/key"] {
            assert!(wrong.parse::<ObjectLocation>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_may_be_the_bucket_alone() {
        for (text, rest) in [("s3://b", ""), ("s3://b/", ""), ("s3://b/a/", "a/"), ("s3://b//a?", "/a?")] {
            let folder: Folder = text.parse().expect("a folder");
            assert_eq!((folder.bucket.as_str(), folder.rest.as_str()), ("b", rest));
        }
        for wrong in ["", "b/a/", "s3://", "s3:///a/"] {
            assert!(wrong.parse::<Folder>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_region_has_host_names() {
        let parsed: RegionHost = "eu-central-1=s3.eu.example.test".parse().expect("a host of a region");
        assert_eq!((parsed.region.as_str(), parsed.host.as_str()), ("eu-central-1", "s3.eu.example.test"));
        for wrong in ["", "eu", "=host", "eu=", "e u=host", "eu=host:80", "eu=a..b", "eu=a/b", "eu=."] {
            assert!(wrong.parse::<RegionHost>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_have_a_name_and_one_line() {
        let pair: Pair = "X-Amz-Meta-A=b=c".parse().expect("a pair");
        assert_eq!((pair.name.as_str(), pair.value.as_str()), ("x-amz-meta-a", "b=c"));
        for wrong in ["", "name", "=value", "na me=value", "name=a\r\nb: c"] {
            assert!(wrong.parse::<Pair>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn checksums_are_taken_in_hexadecimal_and_base64() {
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let hexadecimal = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for text in [hexadecimal.to_owned(), format!("SHA256:{empty}")] {
            let checksum: Checksum = text.parse().expect("a checksum");
            assert_eq!((checksum.header, checksum.value.as_str()), ("x-amz-checksum-sha256", empty));
        }
        for wrong in ["sha256", "sha256:", "sha256:e3b0", "md5:1B2M2Y8AsgTpgAmY7PhCfg==", "crc32:zzzzzzzz"] {
            assert!(wrong.parse::<Checksum>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_shell_reads_quoted_texts_back() {
        for (text, quoted) in
            [("a-b.c", "a-b.c"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")]
        {
            assert_eq!(shell_quote(text), quoted);
        }
    }
}
