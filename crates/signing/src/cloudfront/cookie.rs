//! Signed cookies: for a whole site or stream, where rewriting every URL would not do.
//!
//! Source: CloudFront developer guide, "Use signed cookies".

use std::fmt;

use jiff::Timestamp;

pub(super) const EXPIRES: &str = "CloudFront-Expires";
pub(super) const POLICY: &str = "CloudFront-Policy";
pub(super) const SIGNATURE: &str = "CloudFront-Signature";
pub(super) const KEY_PAIR_ID: &str = "CloudFront-Key-Pair-Id";
pub(super) const HASH_ALGORITHM: &str = "CloudFront-Hash-Algorithm";

/// The names of CloudFront's cookies. Case counts.
pub const NAMES: [&str; 5] = [EXPIRES, POLICY, SIGNATURE, KEY_PAIR_ID, HASH_ALGORITHM];

/// The cookies that open what a policy covers. They redact themselves; [`expose`](Self::expose) and
/// [`set_cookie`](Self::set_cookie) are the ways out.
#[derive(Clone)]
pub struct SignedCookies {
    pub(super) cookies: Vec<(&'static str, String)>,
    pub(super) expires_at: Timestamp,
}

impl SignedCookies {
    /// Names and values, three or four of them, for the one who may have the content, never for a log.
    pub fn expose(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cookies.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The values of the `Set-Cookie` headers, one for each cookie, signature and all.
    ///
    /// They are `Secure` and `HttpOnly`, and have neither `Expires` nor `Max-Age`, so that a browser forgets them when it
    /// is closed (AWS: "Prevent misuse of signed cookies").
    pub fn set_cookie(&self, scope: &CookieScope) -> Vec<String> {
        self.expose().map(|(name, value)| format!("{name}={value}{scope}; Secure; HttpOnly")).collect()
    }

    /// The moment from which the cookies open nothing any more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Debug for SignedCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.cookies.iter().map(|(name, _)| *name).collect();
        f.debug_struct("SignedCookies").field("names", &names).field("expires_at", &self.expires_at).finish()
    }
}

/// To which requests a browser adds the cookies. As narrow as the content allows.
///
/// Without a domain a cookie goes to the very host that set it, which must then be the CDN's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieScope {
    domain: Option<String>,
    path: String,
}

/// Why a scope is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieScopeError {
    /// The path does not start with `/`, or has a character that a header or an attribute cannot carry.
    #[error("the path of a cookie starts with / and has neither blanks nor semicolons")]
    Path,
    /// No host name.
    #[error("the domain of a cookie is a host name in lower case")]
    Domain,
    /// `cloudfront.net` or a name under it. Browsers refuse such cookies (it is a public suffix); use a name of your own.
    #[error("browsers take no cookies for cloudfront.net; serve from a domain of your own")]
    CloudFrontDomain,
}

impl CookieScope {
    /// Every path of the host that sets the cookies.
    pub fn host() -> Self {
        Self { domain: None, path: "/".to_owned() }
    }

    /// The paths under `path`.
    pub fn path(mut self, path: &str) -> Result<Self, CookieScopeError> {
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';') {
            return Err(CookieScopeError::Path);
        }
        path.clone_into(&mut self.path);
        Ok(self)
    }

    /// The hosts under `domain` and `domain` itself. Needed where the application and the CDN have different host names.
    pub fn domain(mut self, domain: &str) -> Result<Self, CookieScopeError> {
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        if !domain.split('.').all(label) {
            return Err(CookieScopeError::Domain);
        }
        if domain == "cloudfront.net" || domain.ends_with(".cloudfront.net") {
            return Err(CookieScopeError::CloudFrontDomain);
        }
        self.domain = Some(domain.to_owned());
        Ok(self)
    }
}

impl fmt::Display for CookieScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.domain {
            write!(f, "; Domain={domain}")?;
        }
        write!(f, "; Path={}", self.path)
    }
}

/// The pairs of a `Cookie` header (RFC 6265 section 4.2.1).
fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
}

/// The value of a cookie among several `Cookie` headers: the first, which browsers send for the most specific path
/// (RFC 6265 section 5.4).
pub(super) fn value<'a>(headers: &[&'a str], name: &str) -> Option<&'a str> {
    headers.iter().flat_map(|header| pairs(header)).find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// A `Cookie` header without CloudFront's cookies, as an origin may see it. `None` where nothing is left.
///
/// Origins must never see them: whoever reads an origin's log could use them.
pub fn without_signed_cookies(header: &str) -> Option<String> {
    let kept: Vec<&str> = header
        .split(';')
        .map(|pair| pair.trim_matches([' ', '\t']))
        .filter(|pair| !pair.is_empty() && !NAMES.contains(&pair.split_once('=').map_or(*pair, |(name, _)| name)))
        .collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}
