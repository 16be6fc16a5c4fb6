//! The names of S3: buckets, keys, uploads, parts and entity tags. A value of one of these types is valid.

use std::fmt;
use std::str::FromStr;

use gatepass_signing::encode::hex;

/// The shortest bucket name ("Bucket naming rules", Amazon S3 User Guide).
pub const BUCKET_NAME_MIN: usize = 3;
/// The longest bucket name.
pub const BUCKET_NAME_MAX: usize = 63;
/// The longest object key, in bytes of UTF-8 ("Naming Amazon S3 objects").
pub const KEY_MAX_BYTES: usize = 1024;
/// The highest part number of a multipart upload.
pub const PART_NUMBER_MAX: u16 = 10_000;
/// The longest upload id that is looked at; AWS's own have about 130 characters.
pub const UPLOAD_ID_MAX: usize = 256;

/// The name of a general-purpose bucket: 3 to 63 of `a-z 0-9 . -`, beginning and ending with a letter or digit, with no
/// two adjacent dots, not shaped like an IPv4 address, and with none of the reserved prefixes and suffixes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(String);

/// Why a bucket name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BucketNameError {
    /// Shorter than [`BUCKET_NAME_MIN`] or longer than [`BUCKET_NAME_MAX`].
    #[error("a bucket name has 3 to 63 characters")]
    Length,
    /// A character other than `a-z 0-9 . -`.
    #[error("a bucket name has only lower-case letters, digits, dots and hyphens")]
    Character,
    /// Begins or ends with a dot or hyphen.
    #[error("a bucket name begins and ends with a letter or digit")]
    Edge,
    /// Two adjacent dots.
    #[error("a bucket name has no two adjacent dots")]
    AdjacentDots,
    /// Shaped like `192.168.5.4`.
    #[error("a bucket name is not shaped like an ip address")]
    IpAddress,
    /// A prefix or suffix that AWS keeps for access points and the like.
    #[error("a bucket name has no reserved prefix or suffix")]
    Reserved,
}

impl BucketName {
    /// Checks `name` against the rules.
    pub fn parse(name: &str) -> Result<Self, BucketNameError> {
        const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
        const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
        if !(BUCKET_NAME_MIN..=BUCKET_NAME_MAX).contains(&name.len()) {
            return Err(BucketNameError::Length);
        }
        let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !name.bytes().all(|b| is_alphanumeric(b) || b == b'.' || b == b'-') {
            return Err(BucketNameError::Character);
        }
        let bytes = name.as_bytes();
        if !is_alphanumeric(bytes[0]) || !is_alphanumeric(bytes[bytes.len() - 1]) {
            return Err(BucketNameError::Edge);
        }
        if name.contains("..") {
            return Err(BucketNameError::AdjacentDots);
        }
        if looks_like_ipv4(name) {
            return Err(BucketNameError::IpAddress);
        }
        // The documentation's example names begin with "amzn-s3-demo-"; AWS reserves them, so nobody owns one.
        if RESERVED_PREFIXES.iter().any(|p| name.starts_with(p)) || RESERVED_SUFFIXES.iter().any(|s| name.ends_with(s))
        {
            return Err(BucketNameError::Reserved);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule is about the shape: `999.1.1.1` and `192.168.5.04` are no addresses, and refused too.
fn looks_like_ipv4(name: &str) -> bool {
    let mut labels = 0;
    for label in name.split('.') {
        labels += 1;
        if label.is_empty() || label.len() > 3 || !label.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
    }
    labels == 4
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BucketName {
    type Err = BucketNameError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

/// An object key: 1 to 1,024 bytes of UTF-8, taken literally. `..`, `//`, a leading `/`, `?`, `#` and `%` mean nothing
/// special in it, and two Unicode normal forms of one text are two keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

/// Why an object key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKeyError {
    /// No bytes at all.
    #[error("an object key has at least one byte")]
    Empty,
    /// More than [`KEY_MAX_BYTES`] bytes.
    #[error("an object key has at most 1024 bytes, this one has {bytes}")]
    TooLong {
        /// The length that was given.
        bytes: usize,
    },
}

impl ObjectKey {
    /// Takes a decoded key.
    pub fn parse(key: impl Into<String>) -> Result<Self, ObjectKeyError> {
        let key = key.into();
        match key.len() {
            0 => Err(ObjectKeyError::Empty),
            1..=KEY_MAX_BYTES => Ok(Self(key)),
            bytes => Err(ObjectKeyError::TooLong { bytes }),
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ObjectKey {
    type Err = ObjectKeyError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

/// The id of a multipart upload: opaque to clients, made by the store from unreserved URL characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(String);

impl UploadId {
    /// `None` for a text that no store of ours can have issued; such an upload does not exist.
    pub fn parse(id: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        let fits = (1..=UPLOAD_ID_MAX).contains(&id.len()) && id.bytes().all(legal);
        fits.then(|| Self(id.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which version of an object: the one that is called `null`, which was written while its bucket kept no versions, or one
/// with an id of its own. Ids are opaque to clients; they carry the order in which versions were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionId {
    /// `null`.
    Null,
    /// 32 lower-case hexadecimal digits.
    Of {
        /// Versions that were written later have higher ones.
        sequence: u64,
        /// Chosen by nobody, so that ids cannot be guessed.
        random: u64,
    },
}

impl VersionId {
    /// `None` for a text that no store of ours can have issued.
    pub fn parse(id: &str) -> Option<Self> {
        if id == "null" {
            return Some(Self::Null);
        }
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if id.len() != 32 || !id.bytes().all(is_digit) {
            return None;
        }
        let half = |digits: &str| u64::from_str_radix(digits, 16).ok();
        Some(Self::Of { sequence: half(&id[..16])?, random: half(&id[16..])? })
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Of { sequence, random } => write!(f, "{sequence:016x}{random:016x}"),
        }
    }
}

/// The number of a part: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartNumber(u16);

impl PartNumber {
    /// `None` outside 1..=10,000.
    pub fn new(number: u16) -> Option<Self> {
        (1..=PART_NUMBER_MAX).contains(&number).then_some(Self(number))
    }

    /// Reads a decimal number.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().and_then(Self::new)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entity tag without its quotation marks: 1 to 128 visible ASCII characters other than `"`.
///
/// For an object of one piece it is the MD5 of the content in hex; for a multipart object it is the MD5 of the parts'
/// MD5s, a hyphen and the number of parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Etag(String);

/// The longest entity tag that is read.
pub const ETAG_MAX: usize = 128;

impl Etag {
    /// The tag of an object stored in one piece.
    pub fn from_md5(digest: &[u8; 16]) -> Self {
        Self(hex(digest))
    }

    /// The tag of a multipart object made of parts with these MD5s.
    pub fn from_part_md5s<'a>(digests: impl IntoIterator<Item = &'a [u8; 16]>) -> Self {
        use md5::Digest as _;
        let mut hasher = md5::Md5::new();
        let mut count = 0_usize;
        for digest in digests {
            hasher.update(digest);
            count += 1;
        }
        Self(format!("{}-{count}", hex(&hasher.finalize())))
    }

    /// Reads a tag, quoted or not; clients send both forms. A weak tag (`W/"…"`) never equals a stored one and is
    /// `None`, as is an empty one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let legal = |b: u8| b.is_ascii_graphic() && b != b'"';
        let fits = (1..=ETAG_MAX).contains(&bare.len()) && bare.bytes().all(legal) && !bare.starts_with("W/");
        fits.then(|| Self(bare.to_owned()))
    }

    /// The tag without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag with quotation marks, as the `ETag` header and the XML bodies carry it.
    pub fn quoted(&self) -> String {
        ["\"", &self.0, "\""].concat()
    }

    /// The MD5 that this tag spells, where it is that of a single piece or part.
    pub fn md5(&self) -> Option<[u8; 16]> {
        if self.0.len() != 32 {
            return None;
        }
        let mut digest = [0; 16];
        for (byte, pair) in digest.iter_mut().zip(self.0.as_bytes().chunks_exact(2)) {
            let text = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(text, 16).ok()?;
        }
        Some(digest)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_id_is_null_or_32_digits() {
        let id = VersionId::Of { sequence: 7, random: u64::MAX };
        assert_eq!(id.to_string(), "0000000000000007ffffffffffffffff");
        for id in [id, VersionId::Null] {
            assert_eq!(VersionId::parse(&id.to_string()), Some(id));
        }
        for text in
            ["", "Null", "0000000000000007FFFFFFFFFFFFFFFF", "7", &"0".repeat(31), &"0".repeat(33), &"+".repeat(32)]
        {
            assert_eq!(VersionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn bucket_names_follow_the_published_rules() {
        for good in ["abc", "a-b.c", "123", "my.bucket-1", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        let table = [
            ("ab", BucketNameError::Length),
            (&"a".repeat(64), BucketNameError::Length),
            ("Abc", BucketNameError::Character),
            ("a_b", BucketNameError::Character),
            ("a/b", BucketNameError::Character),
            ("-ab", BucketNameError::Edge),
            ("ab.", BucketNameError::Edge),
            ("a..b", BucketNameError::AdjacentDots),
            ("192.168.5.4", BucketNameError::IpAddress),
            ("999.168.5.04", BucketNameError::IpAddress),
            ("xn--abc", BucketNameError::Reserved),
            ("abc-s3alias", BucketNameError::Reserved),
        ];
        for (name, error) in table {
            assert_eq!(BucketName::parse(name), Err(error), "{name}");
        }
        assert!(BucketName::parse("1.2.3.4.5").is_ok());
    }

    #[test]
    fn keys_hold_1024_bytes_and_no_more() {
        assert!(ObjectKey::parse("k".repeat(1024)).is_ok());
        assert_eq!(ObjectKey::parse("k".repeat(1025)), Err(ObjectKeyError::TooLong { bytes: 1025 }));
        assert_eq!(ObjectKey::parse("é".repeat(513)), Err(ObjectKeyError::TooLong { bytes: 1026 }));
        assert_eq!(ObjectKey::parse(""), Err(ObjectKeyError::Empty));
    }

    #[test]
    fn part_numbers_run_from_1_to_10000() {
        assert_eq!(PartNumber::parse("0"), None);
        assert_eq!(PartNumber::parse("1").map(PartNumber::get), Some(1));
        assert_eq!(PartNumber::parse("10000").map(PartNumber::get), Some(10_000));
        assert_eq!(PartNumber::parse("10001"), None);
        assert_eq!(PartNumber::parse("+1"), None);
        assert_eq!(PartNumber::parse(""), None);
    }

    #[test]
    fn etags_are_read_with_and_without_quotes() {
        let tag = Etag::from_md5(&[0xab; 16]);
        assert_eq!(Etag::parse(&tag.quoted()), Some(tag.clone()));
        assert_eq!(Etag::parse(tag.as_str()), Some(tag.clone()));
        assert_eq!(tag.md5(), Some([0xab; 16]));
        for bad in ["", "\"\"", "W/\"abc\"", "a b", "\"a"] {
            assert_eq!(Etag::parse(bad), None, "{bad}");
        }
        assert_eq!(Etag::parse(&"a".repeat(ETAG_MAX)).map(|e| e.as_str().len()), Some(ETAG_MAX));
        assert_eq!(Etag::parse(&"a".repeat(ETAG_MAX + 1)), None);
    }

    #[test]
    fn a_multipart_etag_is_the_md5_of_md5s_and_the_count() {
        use md5::Digest as _;
        let parts: [[u8; 16]; 2] = [md5::Md5::digest(b"one").into(), md5::Md5::digest(b"two").into()];
        let expected = hex(&md5::Md5::digest(parts.concat()));
        assert_eq!(Etag::from_part_md5s(&parts).as_str(), format!("{expected}-2"));
        assert_eq!(Etag::from_part_md5s(&parts).md5(), None);
    }

    #[test]
    fn upload_ids_are_bounded_and_plain() {
        assert!(UploadId::parse(&"a".repeat(UPLOAD_ID_MAX)).is_some());
        assert!(UploadId::parse(&"a".repeat(UPLOAD_ID_MAX + 1)).is_none());
        assert!(UploadId::parse("").is_none());
        assert!(UploadId::parse("../x").is_none());
    }
}
