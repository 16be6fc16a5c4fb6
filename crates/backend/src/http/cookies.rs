//! Cookies of the console.
//!
//! Over https they carry the `__Host-` prefix, so that no other host of the domain can plant one. Over plain http, in
//! development, they cannot: the prefix needs `Secure`, and Safari drops `Secure` cookies there.

use cookie::{Cookie, SameSite, time::Duration};
use gatepass_signing::address::{Endpoint, Scheme};
use http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;

/// What a cookie is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Holds the session's token.
    Session,
    /// Ties a sign-in to the browser that began it.
    Login,
}

impl Purpose {
    fn name(self, origin: &Endpoint) -> &'static str {
        match (self, origin.scheme()) {
            (Self::Session, Scheme::Https) => "__Host-gatepass",
            (Self::Session, Scheme::Http) => "gatepass",
            (Self::Login, Scheme::Https) => "__Host-gatepass-login",
            (Self::Login, Scheme::Http) => "gatepass-login",
        }
    }
}

/// The value of a cookie, if the browser sent exactly one of the name.
pub(crate) fn read(headers: &HeaderMap, origin: &Endpoint, purpose: Purpose) -> Option<String> {
    let name = purpose.name(origin);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// A `Set-Cookie` value. `Lax`: the redirect back from the issuer and links into the console carry it, posts of other sites
/// do not.
pub(crate) fn set(origin: &Endpoint, purpose: Purpose, value: &str, lifetime: SignedDuration) -> HeaderValue {
    let cookie = Cookie::build((purpose.name(origin), value))
        .path("/")
        .http_only(true)
        .secure(origin.scheme() == Scheme::Https)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(lifetime.as_secs()));
    HeaderValue::from_str(&cookie.to_string()).expect("names and base58 values are visible ASCII")
}

/// A `Set-Cookie` value that makes the browser forget it.
pub(crate) fn clear(origin: &Endpoint, purpose: Purpose) -> HeaderValue {
    set(origin, purpose, "", SignedDuration::ZERO)
}
