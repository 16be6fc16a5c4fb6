//! What is looked at: a request with its signature read as far as it can be, leniently. Broken parts stay broken; it is
//! the causes' work to say so.

use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::{Credentials, SessionToken};
use gatepass_signing::time::AmzDate;
use jiff::{SignedDuration, Timestamp};

use super::Input;
use super::address::{Address, Parameter};
use super::host::S3Host;
use crate::base64;
use crate::error_document::ErrorDocument;
use crate::input::{Request, Response};
use crate::redact;
use crate::report::Kind;

pub(crate) struct Subject<'a> {
    pub(crate) request: &'a Request,
    pub(crate) response: &'a Response,
    pub(crate) error: Option<&'a ErrorDocument>,
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) endpoints: &'a [Endpoint],
    pub(crate) address: Address,
    pub(crate) authentication: Authentication,
    /// When it failed: by the server, if it said so, otherwise the time of the explanation.
    pub(crate) moment: Timestamp,
}

/// The signature, as it claims to be.
pub(crate) enum Authentication {
    None,
    SigV4(SigV4),
    SigV2(SigV2),
    Post(Post),
    CloudFront(CloudFront),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Header,
    Cookies,
}

pub(crate) struct SigV4 {
    pub(crate) place: Place,
    pub(crate) algorithm: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) expires: Option<String>,
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: Option<String>,
    pub(crate) token: Option<String>,
}

pub(crate) struct SigV2 {
    pub(crate) place: Place,
    pub(crate) access_key_id: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) signature: Option<String>,
}

pub(crate) struct Post {
    /// As it was sent, in base64.
    pub(crate) encoded_policy: String,
    /// Decoded.
    pub(crate) policy: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) signature: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) sigv2: bool,
}

pub(crate) struct CloudFront {
    pub(crate) place: Place,
    pub(crate) key_pair_id: Option<String>,
    pub(crate) encoded_policy: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) signature: Option<String>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(input: &Input<'a>) -> Self {
        let (request, response) = (&input.exchange.request, &input.exchange.response);
        let address = Address::parse(&request.url);
        let authentication = Authentication::read(request, &address);
        let error = response.error.as_ref();
        let moment = error
            .and_then(|error| error.get("ServerTime"))
            .and_then(|time| time.parse().ok())
            .or_else(|| response.header("date").and_then(http_date))
            .unwrap_or(input.now);
        Self {
            request,
            response,
            error,
            credentials: input.credentials,
            endpoints: input.endpoints,
            address,
            authentication,
            moment,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.authentication {
            Authentication::None => Kind::Unsigned,
            Authentication::SigV4(claim) => match (claim.place, self.is_sigv4a()) {
                (Place::Header, false) => Kind::Sigv4Header,
                (Place::Header, true) => Kind::Sigv4aHeader,
                (_, false) => Kind::Sigv4Query,
                (_, true) => Kind::Sigv4aQuery,
            },
            Authentication::SigV2(SigV2 { place: Place::Header, .. }) => Kind::Sigv2Header,
            Authentication::SigV2(_) => Kind::Sigv2Query,
            Authentication::Post(_) => Kind::PostPolicy,
            Authentication::CloudFront(CloudFront { place: Place::Cookies, .. }) => Kind::CloudfrontCookies,
            Authentication::CloudFront(_) => Kind::CloudfrontUrl,
        }
    }

    pub(crate) fn is_sigv4a(&self) -> bool {
        self.sigv4().is_some_and(|claim| claim.algorithm.as_deref() == Some("AWS4-ECDSA-P256-SHA256"))
    }

    pub(crate) fn sigv4(&self) -> Option<&SigV4> {
        if let Authentication::SigV4(claim) = &self.authentication { Some(claim) } else { None }
    }

    pub(crate) fn sigv2(&self) -> Option<&SigV2> {
        if let Authentication::SigV2(claim) = &self.authentication { Some(claim) } else { None }
    }

    pub(crate) fn post(&self) -> Option<&Post> {
        if let Authentication::Post(claim) = &self.authentication { Some(claim) } else { None }
    }

    pub(crate) fn cloudfront(&self) -> Option<&CloudFront> {
        if let Authentication::CloudFront(claim) = &self.authentication { Some(claim) } else { None }
    }

    /// The code of the error document, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.error.map_or("", ErrorDocument::code)
    }

    /// The message of the error document, or nothing.
    pub(crate) fn message(&self) -> &str {
        self.error.map_or("", ErrorDocument::message)
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.response.status
    }

    /// Whether the answer says nothing yet about the cause: there is none, or one without a body that fits any.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.error.is_none() && self.status().is_none_or(|status| matches!(status, 400 | 401 | 403))
    }

    /// Whether a wrong signature may be the reason: the server says so, or does not say.
    pub(crate) fn signature_is_in_doubt(&self) -> bool {
        self.code() == "SignatureDoesNotMatch" || self.is_unanswered()
    }

    pub(crate) fn access_key_id(&self) -> Option<&str> {
        match &self.authentication {
            Authentication::None => None,
            Authentication::SigV4(claim) => claim.access_key_id.as_deref(),
            Authentication::SigV2(claim) => claim.access_key_id.as_deref(),
            Authentication::Post(claim) => claim.access_key_id.as_deref(),
            Authentication::CloudFront(claim) => claim.key_pair_id.as_deref(),
        }
    }

    pub(crate) fn region(&self) -> Option<&str> {
        match &self.authentication {
            Authentication::SigV4(claim) => claim.region.as_deref(),
            Authentication::Post(claim) => claim.region.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn signed_at(&self) -> Option<Timestamp> {
        match &self.authentication {
            Authentication::SigV4(claim) => claim.signed_at,
            Authentication::Post(claim) => claim.signed_at,
            _ => None,
        }
    }

    /// The end of the signature's life.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match &self.authentication {
            Authentication::SigV4(claim) => {
                let seconds: i64 = claim.expires.as_deref()?.parse().ok()?;
                claim.signed_at?.checked_add(SignedDuration::from_secs(seconds)).ok()
            }
            Authentication::SigV2(claim) => claim.expires,
            Authentication::Post(claim) => super::policy::expiration(claim.policy.as_deref()?),
            Authentication::CloudFront(claim) => super::cloudfront::expires_at(claim),
            Authentication::None => None,
        }
    }

    /// Every secret that is known: in the request, in the answer, and of the credentials.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let query = self.address.query.iter().map(|parameter| (parameter.name.as_str(), parameter.value.as_str()));
        let raw = self.address.query.iter().map(|parameter| (parameter.name.as_str(), parameter.raw_value()));
        let headers = self.request.headers.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        let form = self.request.form.iter().map(|field| (field.name.as_str(), field.value.as_str()));
        let named = query.chain(raw).chain(headers).chain(form).chain(self.request.cookies());
        let named = named.filter(|(name, value)| redact::is_secret_value(name, value)).map(|(_, value)| value);
        let of_header = self.sigv4().and_then(|claim| claim.signature.as_deref());
        let of_error = self.error.into_iter().flat_map(ErrorDocument::secrets);
        let secret = self.credentials.map(|credentials| credentials.secret_key().expose());
        let token = self.credentials.and_then(Credentials::session_token).map(SessionToken::expose);
        named.chain(of_header).chain(of_error).chain(secret).chain(token)
    }

    /// Bucket and decoded key, as far as the address tells.
    pub(crate) fn bucket_and_key(&self) -> (Option<String>, Option<String>) {
        if self.cloudfront().is_some() {
            return (None, Some(self.address.decoded_path().trim_start_matches('/').to_owned()));
        }
        let path = self.address.decoded_path();
        let path = path.strip_prefix('/').unwrap_or(&path);
        let key = |key: &str| (!key.is_empty()).then(|| key.to_owned());
        if let Some(bucket) = S3Host::parse(&self.address.authority).and_then(|host| host.bucket) {
            return (Some(bucket), key(path));
        }
        let before_endpoint = self.endpoints.iter().find_map(|endpoint| {
            self.address.host_header().strip_suffix(endpoint.authority())?.strip_suffix('.').map(str::to_owned)
        });
        if let Some(bucket) = before_endpoint {
            return (Some(bucket), key(path));
        }
        let (bucket, rest) = path.split_once('/').unwrap_or((path, ""));
        (key(bucket), key(rest))
    }
}

impl Authentication {
    fn read(request: &Request, address: &Address) -> Self {
        const V4: [&str; 6] = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "X-Amz-Date",
            "X-Amz-SignedHeaders",
            "X-Amz-Expires",
        ];
        let has = |name: &str| address.get(name).is_some();
        if let Some(post) = Post::read(request) {
            return Self::Post(post);
        }
        if V4.iter().any(|name| has(name)) {
            return Self::SigV4(SigV4::of_query(address));
        }
        if has("Key-Pair-Id") || (has("Policy") && has("Signature")) {
            return Self::CloudFront(CloudFront::of_query(address));
        }
        let cookies = || request.cookies().any(|(name, _)| name.starts_with("CloudFront-"));
        if has("AWSAccessKeyId") || (has("Signature") && has("Expires") && !cookies()) {
            return Self::SigV2(SigV2::of_query(address));
        }
        if cookies() {
            return Self::CloudFront(CloudFront::of_cookies(request));
        }
        match request.header("authorization") {
            Some(value) if value.starts_with("AWS4-") => Self::SigV4(SigV4::of_header(request, value)),
            Some(value) if value.starts_with("AWS ") => Self::SigV2(SigV2::of_header(value)),
            _ => Self::None,
        }
    }
}

impl SigV4 {
    fn of_query(address: &Address) -> Self {
        let read = |name: &str| address.get(name).map(str::to_owned);
        let mut claim = Self::empty(Place::Query);
        claim.algorithm = read("X-Amz-Algorithm");
        claim.set_credential(read("X-Amz-Credential"));
        claim.signed_at = address.get("X-Amz-Date").and_then(AmzDate::parse).map(|date| date.timestamp());
        claim.expires = read("X-Amz-Expires");
        claim.set_signed_headers(address.get("X-Amz-SignedHeaders"));
        claim.signature = read("X-Amz-Signature");
        claim.token = read("X-Amz-Security-Token");
        claim
    }

    fn of_header(request: &Request, value: &str) -> Self {
        let (algorithm, components) = value.split_once(' ').unwrap_or((value, ""));
        let component = |name: &str| {
            let mut components = components.split(',').filter_map(|part| part.trim().split_once('='));
            components.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
        };
        let mut claim = Self::empty(Place::Header);
        claim.algorithm = Some(algorithm.to_owned());
        claim.set_credential(component("Credential"));
        claim.signed_at = request.header("x-amz-date").and_then(AmzDate::parse).map(|date| date.timestamp());
        claim.set_signed_headers(component("SignedHeaders").as_deref());
        claim.signature = component("Signature");
        claim.token = request.header("x-amz-security-token").map(str::to_owned);
        claim
    }

    fn empty(place: Place) -> Self {
        Self {
            place,
            algorithm: None,
            credential: None,
            access_key_id: None,
            region: None,
            date: None,
            signed_at: None,
            expires: None,
            signed_headers: Vec::new(),
            signature: None,
            token: None,
        }
    }

    fn set_credential(&mut self, credential: Option<String>) {
        let parts = credential.as_deref().map(credential_parts).unwrap_or_default();
        (self.access_key_id, self.date, self.region) = parts;
        self.credential = credential;
    }

    fn set_signed_headers(&mut self, list: Option<&str>) {
        let names = list.unwrap_or_default().split(';').filter(|name| !name.is_empty());
        self.signed_headers = names.take(crate::input::MAX_FIELDS).map(str::to_owned).collect();
    }
}

/// Key id, date and region of `AKID/date/region/service/aws4_request`; SigV4a's has no region.
pub(super) fn credential_parts(credential: &str) -> (Option<String>, Option<String>, Option<String>) {
    let parts: Vec<&str> = credential.split('/').collect();
    let part = |index: usize| parts.get(index).filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
    (part(0), part(1), if parts.len() == 4 { None } else { part(2) })
}

impl SigV2 {
    fn of_query(address: &Address) -> Self {
        let read = |name: &str| address.get(name).map(str::to_owned);
        Self {
            place: Place::Query,
            access_key_id: read("AWSAccessKeyId"),
            expires: address.get("Expires").and_then(epoch),
            signature: read("Signature"),
        }
    }

    fn of_header(value: &str) -> Self {
        let (id, signature) = value["AWS ".len()..].split_once(':').unwrap_or_default();
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { place: Place::Header, access_key_id: some(id), expires: None, signature: some(signature) }
    }
}

impl Post {
    fn read(request: &Request) -> Option<Self> {
        let field = |name: &str| {
            request.form.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.clone())
        };
        let encoded_policy = field("policy")?;
        let policy = base64::decode(&encoded_policy, base64::STANDARD).and_then(|bytes| String::from_utf8(bytes).ok());
        let credential = field("x-amz-credential");
        let (id, _, region) = credential.as_deref().map(credential_parts).unwrap_or_default();
        let sigv2 = credential.is_none() && field("AWSAccessKeyId").is_some();
        Some(Self {
            encoded_policy,
            policy,
            access_key_id: id.or_else(|| field("AWSAccessKeyId")),
            region,
            credential,
            signature: field(if sigv2 { "signature" } else { "x-amz-signature" }),
            signed_at: field("x-amz-date").as_deref().and_then(AmzDate::parse).map(|date| date.timestamp()),
            sigv2,
        })
    }
}

impl CloudFront {
    fn of_query(address: &Address) -> Self {
        Self::read(Place::Query, |name| address.get(name).map(str::to_owned))
    }

    fn of_cookies(request: &Request) -> Self {
        Self::read(Place::Cookies, |name| {
            let cookie = |(other, value): (&str, &str)| {
                (other.strip_prefix("CloudFront-") == Some(name)).then(|| value.to_owned())
            };
            request.cookies().find_map(cookie)
        })
    }

    fn read(place: Place, get: impl Fn(&str) -> Option<String>) -> Self {
        let encoded_policy = get("Policy");
        let policy = encoded_policy
            .as_deref()
            .and_then(|policy| base64::decode(policy, base64::CLOUDFRONT))
            .and_then(|bytes| String::from_utf8(bytes).ok());
        Self {
            place,
            key_pair_id: get("Key-Pair-Id"),
            encoded_policy,
            policy,
            expires: get("Expires"),
            signature: get("Signature"),
        }
    }
}

/// Seconds since 1970.
pub(crate) fn epoch(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// The `Date` of an answer (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp())
}

/// `k` and `v` of the parameters that ask for something and carry no signature.
pub(crate) fn asking(address: &Address) -> impl Iterator<Item = &Parameter> {
    address.query.iter().filter(|parameter| !parameter.is_authentication())
}
