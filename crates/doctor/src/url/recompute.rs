//! The signature computed again, by the verifier of `gatepass-signing`: there is one canonicaliser, and this is its caller.

use gatepass_signing::credentials::SecretKey;
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::verify::{
    self, Claim, Details, Expectations, Mismatch, Presented, Scheme, Schemes, Service,
};
use gatepass_signing::sigv4::{KeyCache, Region};
use jiff::Timestamp;

use super::address::Address;
use super::host::S3Host;
use super::subject::{Authentication, Place, SigV4, Subject};
use crate::redact;
use crate::report::Signed;

/// A request as it may have been signed.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) method: String,
    pub(crate) host: String,
    /// As written.
    pub(crate) path: String,
    /// As written.
    pub(crate) query: Vec<String>,
    /// The signed headers but `host`, and for requests signed in their header those that carry the signature.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) region: String,
    signed_at: Timestamp,
}

impl Attempt {
    /// The request as it is given; `None` where its signature cannot be read so far.
    ///
    /// What is not known of the request is taken from what S3 says that it received, otherwise as a browser would send
    /// it.
    pub(crate) fn as_given(subject: &Subject<'_>) -> Option<Self> {
        let (place, signed_headers, region, signed_at) = match &subject.authentication {
            Authentication::SigV4(claim) => {
                (claim.place, &claim.signed_headers[..], region(subject, claim)?, claim.signed_at?)
            }
            // SigV2 knows no region, and a URL of it no time of signing.
            Authentication::SigV2(claim) if claim.place == Place::Query => {
                (Place::Query, &[][..], "us-east-1".to_owned(), Timestamp::UNIX_EPOCH)
            }
            _ => return None,
        };
        let seen = subject.error.and_then(|error| error.get("CanonicalRequest")).map(Seen::parse);
        let method = subject.request.method.clone().or_else(|| seen.as_ref().map(|seen| seen.method.clone()));
        let host = subject.request.header("host").unwrap_or_else(|| subject.address.host_header());
        let mut headers = Vec::new();
        let mut push = |name: &str| {
            let given = subject.request.header(name).map(str::to_owned);
            // A list of headers that is known says of the others that they were not sent.
            let unknown = || seen.as_ref().filter(|_| subject.request.headers.is_none())?.header(name);
            if let Some(value) = given.or_else(unknown) {
                headers.push((name.to_owned(), value));
            }
        };
        for name in signed_headers.iter().filter(|name| *name != "host") {
            push(name);
        }
        if subject.sigv2().is_some() {
            for name in OF_SIGV2 {
                push(name);
            }
        }
        if place == Place::Header {
            for name in
                ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-region-set"]
            {
                if !signed_headers.iter().any(|signed| signed == name) {
                    push(name);
                }
            }
        }
        Some(Self {
            method: method.unwrap_or_else(|| "GET".to_owned()),
            host: host.to_owned(),
            path: subject.address.path.clone(),
            query: raw_query(&subject.address),
            headers,
            region,
            signed_at,
        })
    }

    /// Whether this request has the signature that it carries.
    pub(crate) fn matches(&self, keys: &KeyCache, secret: &SecretKey) -> bool {
        self.claim(|claim| claim.verify(keys, secret).is_ok()).unwrap_or(false)
    }

    /// What is computed for it.
    pub(crate) fn computed(&self) -> Option<(String, String)> {
        // Any secret gives the same canonical request; the signature that it gives is thrown away.
        let secret = SecretKey::new("none").expect("it is not empty");
        let refusal = self.claim(|claim| claim.verify(&KeyCache::new(), &secret).err())??;
        let Details::Mismatch(mismatch) = refusal.details() else { return None };
        Some(texts(mismatch))
    }

    fn claim<T>(&self, then: impl FnOnce(Claim<'_>) -> T) -> Option<T> {
        let mut target = self.path.clone();
        for (index, pair) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(pair);
        }
        let mut headers: Vec<(&str, &[u8])> = vec![("host", self.host.as_bytes())];
        headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let request = RequestView { method: &self.method, target: &target, headers: &headers };
        let mut expectations = Expectations::new(Region::new(self.region.as_str()).ok()?, Service::S3);
        expectations.schemes = Schemes::default().with(Scheme::SigV2).with(Scheme::SigV4a);
        expectations.bucket_of_host = S3Host::parse(&self.host).and_then(|host| host.bucket);
        // At the second of signing neither expiry nor skew stands in the way.
        match verify::parse(&request, &expectations, self.signed_at).ok()? {
            Presented::Query(claim) | Presented::Header(claim) => Some(then(claim)),
            Presented::Anonymous => None,
        }
    }
}

/// The headers that SigV2 signs where they are sent.
pub(crate) const OF_SIGV2: [&str; 2] = ["content-type", "content-md5"];

/// The region of the scope; SigV4a has a set of them in its place, of which any one will do.
fn region(subject: &Subject<'_>, claim: &SigV4) -> Option<String> {
    if !subject.is_sigv4a() {
        return claim.region.clone();
    }
    let name = "x-amz-region-set";
    let set = subject.request.header(name).or_else(|| subject.address.get_ignoring_case(name))?;
    Some(set.split(',').next().unwrap_or_default().trim().replace('*', "any"))
}

fn texts(mismatch: &Mismatch) -> (String, String) {
    let canonical_request = String::from_utf8_lossy(mismatch.canonical_request()).into_owned();
    (canonical_request, mismatch.string_to_sign().to_owned())
}

/// The pairs as they are written; what HTML escaping or an open `?` did to them stays done.
fn raw_query(address: &Address) -> Vec<String> {
    address.query.iter().map(|parameter| parameter.raw.clone()).collect()
}

/// A canonical request that a server returned, in its lines.
pub(crate) struct Seen {
    pub(crate) method: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.split('\n');
        let method = lines.next().unwrap_or_default().trim().to_owned();
        let headers = lines.skip(2).map_while(|line| line.split_once(':'));
        let headers = headers.take(crate::input::MAX_FIELDS);
        Self { method, headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }
}

/// What is signed, as it may be shown.
pub(crate) fn signed(subject: &Subject<'_>) -> Option<Signed> {
    match &subject.authentication {
        Authentication::SigV4(_) | Authentication::SigV2(_) => {
            let (canonical_request, string_to_sign) = Attempt::as_given(subject)?.computed()?;
            // SigV2 signs a text of its own, in which a session token is a line like a header's.
            let canonical_request =
                (!canonical_request.is_empty()).then(|| redact::canonical_request(&canonical_request));
            Some(Signed { canonical_request, string_to_sign })
        }
        // The text that is signed is the encoded policy; its conditions may hold the session token.
        Authentication::Post(post) => {
            let policy = redact::policy(post.policy.as_deref()?);
            Some(Signed { canonical_request: None, string_to_sign: format!("base64 of {policy}") })
        }
        Authentication::CloudFront(claim) => {
            let string_to_sign = super::cloudfront::signed_policy(subject, claim)?;
            Some(Signed { canonical_request: None, string_to_sign })
        }
        Authentication::None => None,
    }
}
