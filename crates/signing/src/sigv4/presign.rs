//! Signing in the query: a URL that works for one method, one object and a while.
//!
//! What a store would refuse is refused here, before a URL leaves the house: header injection, `x-amz-*` names in the
//! query (S3 ignores most of them there, so they would promise what they do not hold), repeated parameters,
//! credentials that have expired.

#[cfg(feature = "sigv4a")]
mod v4a;

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::address::Address;
use crate::credentials::Credentials;
use crate::encode;
use crate::signed_url::SignedUrl;
use crate::sigv4::canonical::{CanonicalQuery, CanonicalRequest, HeaderBlock, push_header};
use crate::sigv4::key::{KeyCache, SigningKey};
use crate::sigv4::scope::{Region, Scope, ServiceName};
use crate::sigv4::{ALGORITHM, UNSIGNED_PAYLOAD, parameter};
use crate::time::{Lifetime, SigningWindow};

/// The method that a signed URL is good for. S3 signs GET and HEAD differently: one URL never serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Read the headers.
    Head,
    /// Write.
    Put,
    /// Delete.
    Delete,
    /// Begin and complete a multipart upload.
    Post,
}

impl Method {
    /// The method as it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Post => "POST",
        }
    }
}

/// A response header that the URL sets in place of the one stored with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseOverride {
    /// `Cache-Control`
    CacheControl,
    /// `Content-Disposition`; see [`ContentDisposition`](crate::disposition::ContentDisposition).
    ContentDisposition,
    /// `Content-Encoding`
    ContentEncoding,
    /// `Content-Language`
    ContentLanguage,
    /// `Content-Type`
    ContentType,
    /// `Expires`
    Expires,
}

impl ResponseOverride {
    const ALL: [Self; 6] = [
        Self::CacheControl,
        Self::ContentDisposition,
        Self::ContentEncoding,
        Self::ContentLanguage,
        Self::ContentType,
        Self::Expires,
    ];

    /// The name of the query parameter.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::CacheControl => "response-cache-control",
            Self::ContentDisposition => "response-content-disposition",
            Self::ContentEncoding => "response-content-encoding",
            Self::ContentLanguage => "response-content-language",
            Self::ContentType => "response-content-type",
            Self::Expires => "response-expires",
        }
    }

    fn from_parameter(name: &str) -> Option<Self> {
        if !name.starts_with("response-") {
            return None;
        }
        Self::ALL.into_iter().find(|candidate| candidate.parameter() == name)
    }
}

/// What `X-Amz-Content-Sha256` says in the query.
#[derive(Clone, Copy, Debug)]
enum PayloadParameter {
    /// It is left out, which means that the body is not signed.
    Absent,
    /// The same, said aloud.
    Unsigned,
    /// The one body that is allowed.
    Sha256([u8; 32]),
}

/// A signed URL in the making.
///
/// Query and headers are encoded and sorted as they are added, so one value can be signed many times cheaply.
#[derive(Clone)]
pub struct Presign<'a> {
    credentials: &'a Credentials,
    region: Region,
    address: Address,
    method: Method,
    window: SigningWindow,
    query: AddedQuery,
    /// Lower-case names, sorted; `host` is not among them.
    headers: Vec<(String, String)>,
    payload: PayloadParameter,
}

/// The parameters that were added, sorted by encoded name. Their texts, `name=value` encoded, stand behind the address, in
/// the order in which they were added.
type AddedQuery = SmallVec<[Added; 4]>;

/// Where an added parameter stands in the text of the address.
#[derive(Clone, Copy)]
struct Added {
    start: usize,
    name_end: usize,
    end: usize,
}

impl<'a> Presign<'a> {
    /// The lifetime where [`expires`](Self::expires) says no other: fifteen minutes.
    pub const DEFAULT_LIFETIME_SECONDS: u64 = 900;

    /// A URL for `method` at `address`.
    #[must_use]
    #[inline]
    pub fn new(credentials: &'a Credentials, region: Region, address: Address, method: Method) -> Self {
        let lifetime =
            Lifetime::from_secs(Self::DEFAULT_LIFETIME_SECONDS).expect("fifteen minutes are within seven days");
        Self {
            credentials,
            region,
            address,
            method,
            window: lifetime.into(),
            query: AddedQuery::new(),
            headers: Vec::new(),
            payload: PayloadParameter::Absent,
        }
    }

    /// How long the URL lives: a [`Lifetime`], or a [`SigningWindow`] that rounds the signing time.
    #[must_use]
    #[inline]
    pub fn expires(mut self, window: impl Into<SigningWindow>) -> Self {
        self.window = window.into();
        self
    }

    /// Adds a query parameter, such as `versionId`, `partNumber` or `uploads`. It is signed: nobody can change it.
    pub fn query(mut self, name: &str, value: &str) -> Result<Self, PresignError> {
        let reserved = ["AWSAccessKeyId", "Signature"];
        if starts_with_ignoring_case(name, "x-amz-") || reserved.contains(&name) {
            return Err(PresignError::ReservedParameter { name: name.to_owned() });
        }
        if ResponseOverride::from_parameter(name).is_some() {
            self.check_override(name, value)?;
        }
        let text = self.address.text_mut();
        let start = text.len();
        encode::component(name, text);
        let name_end = text.len();
        text.push('=');
        encode::component(value, text);
        let added = Added { start, name_end, end: text.len() };
        match self.query.binary_search_by(|other| self.name_of(other).cmp(self.name_of(&added))) {
            Ok(_) => Err(PresignError::Repeated { name: self.name_of(&added).to_owned() }),
            Err(place) => {
                self.query.insert(place, added);
                Ok(self)
            }
        }
    }

    fn check_override(&self, name: &str, value: &str) -> Result<(), PresignError> {
        if !matches!(self.method, Method::Get | Method::Head) {
            return Err(PresignError::OverrideOfWrite);
        }
        // S3 refuses what it cannot put into a header: beyond ISO 8859-1, and controls.
        let is_visible_ascii = value.bytes().fold(true, |visible, byte| visible & (b' '..=b'~').contains(&byte));
        if !is_visible_ascii && value.chars().any(|c| c.is_control() || c > '\u{ff}') {
            return Err(PresignError::HeaderValue { name: name.to_owned() });
        }
        Ok(())
    }

    fn name_of(&self, added: &Added) -> &str {
        &self.address.text()[added.start..added.name_end]
    }

    /// `name` and `name=value` of each added parameter, in order.
    fn added(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|added| (self.name_of(added), &self.address.text()[added.start..added.end]))
    }

    /// Sets a response header of a GET or HEAD.
    #[inline]
    pub fn response(self, header: ResponseOverride, value: &str) -> Result<Self, PresignError> {
        self.query(header.parameter(), value)
    }

    /// Signs a request header: the client must send exactly this value (see [`SignedUrl::headers`]).
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, PresignError> {
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(PresignError::HeaderName { name });
        }
        if !is_signable(&name) {
            return Err(PresignError::UnsignableHeader { name });
        }
        if !value.bytes().all(|byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic()) {
            return Err(PresignError::HeaderValue { name });
        }
        match self.headers.binary_search_by(|(other, _)| other.cmp(&name)) {
            Ok(_) => Err(PresignError::Repeated { name }),
            Err(place) => {
                self.headers.insert(place, (name, value.to_owned()));
                Ok(self)
            }
        }
    }

    /// Binds the URL to one body: the store refuses any other (`X-Amz-Content-Sha256`).
    #[must_use]
    pub fn payload_sha256(mut self, digest: [u8; 32]) -> Self {
        self.payload = PayloadParameter::Sha256(digest);
        self
    }

    /// Says in the query that the body is not signed, as the AWS SDK for JavaScript does. It changes the text of the URL
    /// and not its meaning.
    #[must_use]
    pub fn unsigned_payload_in_query(mut self) -> Self {
        self.payload = PayloadParameter::Unsigned;
        self
    }

    /// Signs at `now`, rounded down as [`expires`](Self::expires) says.
    pub fn sign(&self, keys: &KeyCache, now: Timestamp) -> Result<SignedUrl, PresignError> {
        let credentials_end = self.credentials.expires_at();
        if credentials_end.is_some_and(|end| end <= now) {
            return Err(PresignError::CredentialsExpired);
        }
        let signed_at = self.window.signing_time(now);
        let scope = Scope::new(&signed_at, self.region.clone(), ServiceName::S3);
        let digest;
        let payload = match self.payload {
            PayloadParameter::Absent => None,
            PayloadParameter::Unsigned => Some(UNSIGNED_PAYLOAD),
            PayloadParameter::Sha256(bytes) => {
                digest = encode::hex_of_32(&bytes);
                Some(std::str::from_utf8(&digest).expect("hex digits are ASCII"))
            }
        };
        let signed_headers = self.signed_headers();

        let mut url = String::with_capacity(self.capacity(&signed_headers));
        url.push_str(self.address.as_str());
        url.push('?');
        let query_at = url.len();
        let key = keys.key(self.credentials.access_key_id(), self.credentials.secret_key(), &scope);
        self.push_query(&mut url, &key, signed_at.as_str(), payload, &signed_headers);

        let canonical = CanonicalRequest {
            method: self.method.as_str(),
            path: self.address.path(),
            query: CanonicalQuery::Written(&url[query_at..]),
            headers: &self.canonical_headers(),
            signed_headers: &signed_headers,
            payload: payload.unwrap_or(UNSIGNED_PAYLOAD),
        };
        let signature = key.sign_request(&signed_at, &canonical.digest()).hex();
        push_parameter(&mut url, query_at, parameter::SIGNATURE);
        url.push_str(std::str::from_utf8(&signature).expect("hex digits are ASCII"));

        Ok(SignedUrl {
            url,
            method: self.method.as_str(),
            headers: self.headers.clone(),
            life: self.window.life(&signed_at, credentials_end),
        })
    }

    /// Appends the canonical query, which is also the query that is sent.
    fn push_query(&self, url: &mut String, key: &SigningKey, date: &str, payload: Option<&str>, signed_headers: &str) {
        let query_at = url.len();
        // No added name begins with `x-amz-`, so the authentication parameters stand together.
        let before = |(name, _): &(&str, &str)| *name < parameter::ALGORITHM;
        for (_, pair) in self.added().take_while(before) {
            push_pair(url, query_at, pair);
        }
        push_parameter(url, query_at, parameter::ALGORITHM);
        url.push_str(ALGORITHM);
        if let Some(digest) = payload {
            push_parameter(url, query_at, parameter::CONTENT_SHA256);
            url.push_str(digest);
        }
        push_parameter(url, query_at, parameter::CREDENTIAL);
        encode::component(self.credentials.access_key_id().as_str(), url);
        url.push_str(key.scope_in_query());
        push_parameter(url, query_at, parameter::DATE);
        url.push_str(date);
        push_parameter(url, query_at, parameter::EXPIRES);
        push_decimal(url, self.window.lifetime().as_secs());
        if let Some(token) = self.credentials.session_token() {
            push_parameter(url, query_at, parameter::SECURITY_TOKEN);
            url.push_str(token.expose_encoded());
        }
        push_parameter(url, query_at, parameter::SIGNED_HEADERS);
        encode::component(signed_headers, url);
        for (_, pair) in self.added().skip_while(before) {
            push_pair(url, query_at, pair);
        }
    }

    fn signed_headers(&self) -> Cow<'static, str> {
        if self.headers.is_empty() {
            return Cow::Borrowed("host");
        }
        let names: Vec<&str> = self.header_lines().map(|(name, _)| name).collect();
        Cow::Owned(names.join(";"))
    }

    fn canonical_headers(&self) -> HeaderBlock {
        let mut block = HeaderBlock::new();
        for (name, value) in self.header_lines() {
            push_header(&mut block, name, std::iter::once(value.as_bytes()));
        }
        block
    }

    /// All signed headers in order, `host` in its place.
    fn header_lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let host_at = self.headers.partition_point(|(name, _)| name.as_str() < "host");
        let (before, after) = self.headers.split_at(host_at);
        before
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(std::iter::once(("host", self.address.host())))
            .chain(after.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// What a URL takes at most, so that it never grows: what does not vary is some 290 bytes.
    fn capacity(&self, signed_headers: &str) -> usize {
        let token = self.credentials.session_token().map_or(0, |token| token.expose_encoded().len() + 24);
        let credential = 3 * self.credentials.access_key_id().as_str().len() + self.region.as_str().len();
        let query = self.address.text().len() - self.address.as_str().len() + self.query.len();
        400 + self.address.as_str().len() + query + 3 * signed_headers.len() + credential + token
    }
}

impl fmt::Debug for Presign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of signed headers can be secrets (customer-provided encryption keys).
        let header_names: Vec<&String> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Presign")
            .field("credentials", &self.credentials)
            .field("region", &self.region)
            .field("address", &self.address)
            .field("method", &self.method)
            .field("window", &self.window)
            .field("query", &self.added().map(|(_, pair)| pair).collect::<Vec<_>>())
            .field("headers", &header_names)
            .finish_non_exhaustive()
    }
}

/// Appends `&name=`, or `name=` at the start of the query.
fn push_parameter(url: &mut String, query_at: usize, name: &str) {
    if url.len() > query_at {
        url.push('&');
    }
    url.push_str(name);
    url.push('=');
}

/// Appends a number, without the machinery of formatting.
fn push_decimal(url: &mut String, number: u64) {
    if number >= 10 {
        push_decimal(url, number / 10);
    }
    url.push(char::from(b'0' + (number % 10) as u8));
}

/// Appends an encoded pair.
fn push_pair(url: &mut String, query_at: usize, pair: &str) {
    if url.len() > query_at {
        url.push('&');
    }
    url.push_str(pair);
}

/// Why a URL cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresignError {
    /// The name of a parameter is the signature's own, or that of a header: S3 ignores most `x-amz-*` headers that were
    /// moved into the query.
    #[error("the query parameter {name} is reserved; sign x-amz-* values as headers")]
    ReservedParameter {
        /// The parameter.
        name: String,
    },
    /// A parameter or a header was added twice.
    #[error("{name} was added twice")]
    Repeated {
        /// The parameter or header.
        name: String,
    },
    /// Response overrides exist for GET and HEAD only.
    #[error("response headers can be set for GET and HEAD only")]
    OverrideOfWrite,
    /// A name that is no header.
    #[error("{name:?} is not the name of a header")]
    HeaderName {
        /// The name.
        name: String,
    },
    /// A value that would inject a header, or that no header carries unharmed.
    #[error("the value of {name} has characters that a header cannot carry")]
    HeaderValue {
        /// The header or parameter; its value is not repeated, it may be a secret.
        name: String,
    },
    /// A header that clients and proxies set or change themselves, or that the signature uses.
    #[error("the header {name} cannot be signed")]
    UnsignableHeader {
        /// The header.
        name: String,
    },
    /// The credentials have ended; no store would accept the URL.
    #[error("the credentials have expired")]
    CredentialsExpired,
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Headers of the hop, headers that clients write themselves, and those of the signature itself.
fn is_signable(lower_case_name: &str) -> bool {
    const OWN: [&str; 5] = ["authorization", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];
    const HOP: [&str; 9] = [
        "connection",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    ];
    !OWN.contains(&lower_case_name) && !HOP.contains(&lower_case_name) && !lower_case_name.starts_with("proxy-")
}
