//! Checksums of bodies: what a request declares, computing it, and comparing ("Checking object integrity in Amazon S3").

use std::fmt;
use std::hash::Hasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use md5::Digest as _;
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

use super::error::S3Error;
use super::header_lines::single_header;

/// A checksum algorithm of S3 that this store computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChecksumAlgorithm {
    /// CRC-32 of ISO-HDLC, as in zip and Ethernet.
    Crc32,
    /// CRC-32 of Castagnoli, as in iSCSI.
    Crc32c,
    /// CRC-64 of NVM Express; what S3 computes where the client declares nothing.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5.
    Md5,
    /// XXH64, big-endian as its author writes it down.
    XxHash64,
    /// XXH3 of 64 bits, big-endian.
    XxHash3,
    /// XXH3 of 128 bits, big-endian.
    XxHash128,
}

impl ChecksumAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Md5,
        Self::XxHash64,
        Self::XxHash3,
        Self::XxHash128,
    ];

    /// The name in `x-amz-checksum-algorithm` and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
            Self::XxHash64 => "XXHASH64",
            Self::XxHash3 => "XXHASH3",
            Self::XxHash128 => "XXHASH128",
        }
    }

    /// The header that carries a value.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
            Self::Sha512 => "x-amz-checksum-sha512",
            Self::Md5 => "x-amz-checksum-md5",
            Self::XxHash64 => "x-amz-checksum-xxhash64",
            Self::XxHash3 => "x-amz-checksum-xxhash3",
            Self::XxHash128 => "x-amz-checksum-xxhash128",
        }
    }

    /// The XML element that carries a value.
    pub fn element(self) -> &'static str {
        match self {
            Self::Crc32 => "ChecksumCRC32",
            Self::Crc32c => "ChecksumCRC32C",
            Self::Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
            Self::Sha512 => "ChecksumSHA512",
            Self::Md5 => "ChecksumMD5",
            Self::XxHash64 => "ChecksumXXHASH64",
            Self::XxHash3 => "ChecksumXXHASH3",
            Self::XxHash128 => "ChecksumXXHASH128",
        }
    }

    /// The algorithm of this name; names are upper case and AWS takes them in any.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The algorithm whose value this header carries.
    pub fn from_header(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// The length of a value in bytes.
    pub fn digest_len(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme | Self::XxHash64 | Self::XxHash3 => 8,
            Self::Md5 | Self::XxHash128 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The type a multipart object's checksum has where none is asked for.
    pub fn default_type(self) -> ChecksumType {
        match self {
            Self::Crc64Nvme => ChecksumType::FullObject,
            _ => ChecksumType::Composite,
        }
    }

    /// Whether a multipart object's checksum may be of this type: only CRCs can be combined over parts, and CRC64NVME
    /// is never composite.
    pub fn allows(self, checksum_type: ChecksumType) -> bool {
        match checksum_type {
            ChecksumType::Composite => self != Self::Crc64Nvme,
            ChecksumType::FullObject => self.crc().is_some(),
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            _ => None,
        }
    }
}

/// What a multipart object's checksum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// Of the parts' checksums, with `-N` after the value.
    Composite,
    /// Of the whole content.
    FullObject,
}

impl ChecksumType {
    /// The text of the header and the element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }

    /// Reads the header.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Composite, Self::FullObject].into_iter().find(|t| t.as_str().eq_ignore_ascii_case(text))
    }
}

/// A value of a checksum: as many bytes as its algorithm has, and for a composite one the number of parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    digest: Vec<u8>,
    parts: Option<u16>,
}

impl Checksum {
    /// Takes raw bytes. `None` where their number is not the algorithm's.
    pub fn from_digest(algorithm: ChecksumAlgorithm, digest: impl Into<Vec<u8>>) -> Option<Self> {
        let digest = digest.into();
        (digest.len() == algorithm.digest_len()).then_some(Self { algorithm, digest, parts: None })
    }

    /// Reads base64, with `-N` after it for a composite value.
    pub fn parse(algorithm: ChecksumAlgorithm, text: &str) -> Option<Self> {
        let (text, parts) = match text.split_once('-') {
            Some((text, parts)) => (text, Some(super::names::PartNumber::parse(parts)?.get())),
            None => (text, None),
        };
        let checksum = Self::from_digest(algorithm, STANDARD.decode(text).ok()?)?;
        Some(Self { parts, ..checksum })
    }

    /// The checksum of one piece of content.
    pub fn of(algorithm: ChecksumAlgorithm, content: &[u8]) -> Self {
        let mut hasher = ChecksumHasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// The composite checksum of parts with these checksums, in order. `None` where one is of another algorithm.
    pub fn composite<'a>(algorithm: ChecksumAlgorithm, parts: impl IntoIterator<Item = &'a Checksum>) -> Option<Self> {
        let mut hasher = ChecksumHasher::new(algorithm);
        let mut count = 0_u16;
        for part in parts {
            if part.algorithm != algorithm {
                return None;
            }
            hasher.update(&part.digest);
            count = count.checked_add(1)?;
        }
        Some(Self { parts: Some(count), ..hasher.finish() })
    }

    /// The checksum of the whole, from those of its parts and their lengths, in order. `None` where the algorithm
    /// cannot be combined or a part's is another.
    pub fn combine<'a>(
        algorithm: ChecksumAlgorithm,
        parts: impl IntoIterator<Item = (&'a Checksum, u64)>,
    ) -> Option<Self> {
        let crc = algorithm.crc()?;
        let mut whole = crc_fast::checksum(crc, b"");
        for (part, length) in parts {
            if part.algorithm != algorithm || part.parts.is_some() {
                return None;
            }
            let value = part.digest.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            whole = crc_fast::checksum_combine(crc, whole, value, length);
        }
        Some(Self { algorithm, digest: crc_bytes(algorithm, whole), parts: None })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// The raw bytes.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Composite where the value carries a number of parts.
    pub fn checksum_type(&self) -> ChecksumType {
        if self.parts.is_some() { ChecksumType::Composite } else { ChecksumType::FullObject }
    }

    /// The text of header and element: base64, with `-N` after it for a composite value.
    pub fn to_text(&self) -> String {
        let digest = STANDARD.encode(&self.digest);
        match self.parts {
            Some(parts) => format!("{digest}-{parts}"),
            None => digest,
        }
    }
}

fn crc_bytes(algorithm: ChecksumAlgorithm, value: u64) -> Vec<u8> {
    value.to_be_bytes()[8 - algorithm.digest_len()..].to_vec()
}

/// Computes one checksum over content that arrives in pieces.
pub struct ChecksumHasher {
    algorithm: ChecksumAlgorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Md5(md5::Md5),
    XxHash64(XxHash64),
    XxHash3(XxHash3_64),
    XxHash128(XxHash3_128),
}

impl fmt::Debug for ChecksumHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChecksumHasher").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl ChecksumHasher {
    /// Begins.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let state = match algorithm {
            ChecksumAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            ChecksumAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            ChecksumAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            ChecksumAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            ChecksumAlgorithm::XxHash64 => State::XxHash64(XxHash64::default()),
            ChecksumAlgorithm::XxHash3 => State::XxHash3(XxHash3_64::default()),
            ChecksumAlgorithm::XxHash128 => State::XxHash128(XxHash3_128::default()),
            ChecksumAlgorithm::Crc32 => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            ChecksumAlgorithm::Crc32c => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            ChecksumAlgorithm::Crc64Nvme => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
        };
        Self { algorithm, state }
    }

    /// Takes the next piece.
    pub fn update(&mut self, content: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(content),
            State::Sha1(digest) => digest.update(content),
            State::Sha256(digest) => digest.update(content),
            State::Sha512(digest) => digest.update(content),
            State::Md5(digest) => digest.update(content),
            State::XxHash64(digest) => digest.write(content),
            State::XxHash3(digest) => digest.write(content),
            State::XxHash128(digest) => digest.write(content),
        }
    }

    /// Ends.
    pub fn finish(self) -> Checksum {
        let digest = match self.state {
            State::Crc(digest) => crc_bytes(self.algorithm, digest.finalize()),
            State::Sha1(digest) => digest.finalize().to_vec(),
            State::Sha256(digest) => digest.finalize().to_vec(),
            State::Sha512(digest) => digest.finalize().to_vec(),
            State::Md5(digest) => digest.finalize().to_vec(),
            State::XxHash64(digest) => digest.finish().to_be_bytes().to_vec(),
            State::XxHash3(digest) => digest.finish().to_be_bytes().to_vec(),
            State::XxHash128(digest) => digest.finish_128().to_be_bytes().to_vec(),
        };
        Checksum { algorithm: self.algorithm, digest, parts: None }
    }
}

/// Computes MD5 over content that arrives in pieces: for the entity tag and `Content-MD5`.
#[derive(Debug, Default)]
pub struct Md5Hasher(md5::Md5);

impl Md5Hasher {
    /// Begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, content: &[u8]) {
        self.0.update(content);
    }

    /// Ends.
    pub fn finish(self) -> [u8; 16] {
        self.0.finalize().into()
    }
}

/// A checksum that the client declares for the body it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredChecksum {
    /// In a header: known before the body.
    Value(Checksum),
    /// In the trailer of an aws-chunked body: known after it.
    Trailer(ChecksumAlgorithm),
}

impl DeclaredChecksum {
    /// The algorithm to compute.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        match self {
            Self::Value(checksum) => checksum.algorithm(),
            Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// Compares with what was computed; `trailer` looks a header up in the trailer.
    pub fn check<'t>(&self, computed: &Checksum, trailer: impl Fn(&str) -> Option<&'t str>) -> Result<(), S3Error> {
        let algorithm = self.algorithm();
        let matches = match self {
            Self::Value(declared) => declared == computed,
            Self::Trailer(_) => {
                let text = trailer(algorithm.header()).ok_or_else(S3Error::malformed_trailer)?;
                let declared = Checksum::parse(algorithm, text.trim()).filter(|c| c.parts.is_none());
                declared.ok_or_else(|| invalid_value(algorithm))? == *computed
            }
        };
        if matches { Ok(()) } else { Err(S3Error::bad_checksum(algorithm)) }
    }
}

/// What a request says about the integrity of its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyIntegrity {
    /// `Content-MD5`.
    pub content_md5: Option<[u8; 16]>,
    /// The one `x-amz-checksum-*`, in a header or announced by `x-amz-trailer`.
    pub checksum: Option<DeclaredChecksum>,
}

impl BodyIntegrity {
    /// Reads the headers of an operation that has a body.
    ///
    /// Only headers count: S3 ignores a checksum that a presigner moved into the query, so a URL with one must not
    /// fail here.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        let content_md5 = single_header(headers, "content-md5")?.map(parse_content_md5).transpose()?;
        let declared = object_checksum(headers)?;
        if let Some(composite) = declared.as_ref().filter(|checksum| checksum.parts.is_some()) {
            return Err(invalid_value(composite.algorithm));
        }
        let trailer = announced_trailer(headers)?;
        let checksum = match (declared, trailer) {
            (Some(_), Some(_)) => return Err(several_checksums()),
            (Some(value), None) => Some(DeclaredChecksum::Value(value)),
            (None, Some(algorithm)) => Some(DeclaredChecksum::Trailer(algorithm)),
            (None, None) => None,
        };
        check_companion(headers, checksum.as_ref())?;
        Ok(Self { content_md5, checksum })
    }

    /// Compares `Content-MD5`, where there is one, with what was computed.
    pub fn check_md5(&self, computed: &[u8; 16]) -> Result<(), S3Error> {
        match &self.content_md5 {
            Some(declared) if declared != computed => {
                Err(S3Error::bad_content_md5(&STANDARD.encode(computed), &STANDARD.encode(declared)))
            }
            _ => Ok(()),
        }
    }

    /// Checks a body that is held whole, such as an XML document.
    pub fn check_body(&self, body: &[u8]) -> Result<(), S3Error> {
        if self.content_md5.is_some() {
            let mut hasher = Md5Hasher::new();
            hasher.update(body);
            self.check_md5(&hasher.finish())?;
        }
        match &self.checksum {
            Some(declared) => declared.check(&Checksum::of(declared.algorithm(), body), |_| None),
            None => Ok(()),
        }
    }
}

/// Reads `x-amz-checksum-algorithm` of CreateMultipartUpload, or the like: the name of an algorithm.
pub fn parse_algorithm(name: &str) -> Result<ChecksumAlgorithm, S3Error> {
    if let Some(algorithm) = ChecksumAlgorithm::parse(name) {
        return Ok(algorithm);
    }
    Err(S3Error::invalid_request(format!(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{}]",
        ChecksumAlgorithm::ALL.map(ChecksumAlgorithm::as_str).join(", ")
    )))
}

fn parse_content_md5(text: &str) -> Result<[u8; 16], S3Error> {
    let digest = STANDARD.decode(text).ok().and_then(|digest| digest.try_into().ok());
    digest.ok_or_else(|| S3Error::invalid_digest(text))
}

/// The one `x-amz-checksum-ALGORITHM` header; at completion of a multipart upload it speaks of the whole object and
/// may be composite. `x-amz-checksum-algorithm`, `-type` and `-mode` are something else.
pub fn object_checksum(headers: &HeaderMap) -> Result<Option<Checksum>, S3Error> {
    const NOT_VALUES: [&str; 3] = ["algorithm", "type", "mode"];
    let mut found = None;
    for (name, value) in headers {
        let Some(suffix) = name.as_str().strip_prefix("x-amz-checksum-") else { continue };
        if NOT_VALUES.contains(&suffix) {
            continue;
        }
        let Some(algorithm) = ChecksumAlgorithm::parse(suffix) else {
            let message = "The algorithm type you specified in x-amz-checksum- header is invalid.";
            return Err(S3Error::invalid_request(message));
        };
        if found.is_some() {
            return Err(several_checksums());
        }
        let text = value.to_str().unwrap_or_default();
        let checksum = Checksum::parse(algorithm, text.trim()).ok_or_else(|| invalid_value(algorithm))?;
        found = Some(checksum);
    }
    Ok(found)
}

fn announced_trailer(headers: &HeaderMap) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let Some(name) = single_header(headers, "x-amz-trailer")? else { return Ok(None) };
    ChecksumAlgorithm::from_header(name)
        .map(Some)
        .ok_or_else(|| S3Error::invalid_request("The value specified in the x-amz-trailer header is not supported"))
}

/// `x-amz-sdk-checksum-algorithm` needs a checksum beside it, and one of that algorithm.
fn check_companion(headers: &HeaderMap, checksum: Option<&DeclaredChecksum>) -> Result<(), S3Error> {
    const NAME: &str = "x-amz-sdk-checksum-algorithm";
    let Some(name) = single_header(headers, NAME)? else { return Ok(()) };
    let algorithm = parse_algorithm(name)?;
    match checksum {
        None => Err(S3Error::invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
        )),
        Some(checksum) if checksum.algorithm() != algorithm => {
            Err(S3Error::invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid."))
        }
        Some(_) => Ok(()),
    }
}

fn invalid_value(algorithm: ChecksumAlgorithm) -> S3Error {
    S3Error::invalid_request(format!("Value for {} header is invalid.", algorithm.header()))
}

fn several_checksums() -> S3Error {
    S3Error::invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}
