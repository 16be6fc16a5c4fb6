//! What the signer promises: refusals before a URL leaves the house, and secrets that do not print.

use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::disposition::ContentDisposition;
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::ServiceName;
use gatepass_signing::sigv4::header::{self, Body, RequestParts, SignError};
use gatepass_signing::sigv4::presign::{Method, Presign, PresignError, ResponseOverride};
use gatepass_signing::time::{AgeLimit, Lifetime, LimitedBy, SigningWindow};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::support::{address, at, credentials, midnight, region, signed};

fn temporary(expires_at: Option<Timestamp>) -> Credentials {
    Credentials::temporary(
        AccessKeyId::new("ASIAEXAMPLE").unwrap(),
        SecretKey::new("hidden-secret").unwrap(),
        SessionToken::new("hidden-token").unwrap(),
        expires_at,
    )
}

fn presign(credentials: &Credentials, method: Method) -> Presign<'_> {
    Presign::new(credentials, region(), address("k"), method)
}

#[test]
fn signed_headers_are_reported_to_the_one_who_must_send_them() {
    let credentials = credentials();
    let url = presign(&credentials, Method::Put)
        .header("X-Amz-Meta-Color", "blue")
        .and_then(|presign| presign.header("Content-Type", "image/png"))
        .unwrap()
        .sign(&KeyCache::new(), midnight())
        .unwrap();
    let headers: Vec<_> = url.headers().collect();
    assert_eq!(headers, [("content-type", "image/png"), ("x-amz-meta-color", "blue")]);
    assert!(url.expose().contains("X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-meta-color&"));
    assert_eq!(url.method(), "PUT");
}

#[test]
fn what_a_store_would_refuse_is_refused_before() {
    let credentials = credentials();
    let put = || presign(&credentials, Method::Put);
    let get = || presign(&credentials, Method::Get);
    let name = |name: &str| name.to_owned();

    for reserved in ["X-Amz-Expires", "x-amz-acl", "X-AMZ-META-A", "x-amz-", "Signature", "AWSAccessKeyId"] {
        assert_eq!(get().query(reserved, "v").err(), Some(PresignError::ReservedParameter { name: name(reserved) }));
    }
    let twice = get().query("versionId", "a").and_then(|presign| presign.query("versionId", "b"));
    assert_eq!(twice.err(), Some(PresignError::Repeated { name: name("versionId") }));
    let twice = put().header("Range", "a").and_then(|presign| presign.header("range", "b"));
    assert_eq!(twice.err(), Some(PresignError::Repeated { name: name("range") }));
    assert_eq!(put().response(ResponseOverride::ContentType, "a/b").err(), Some(PresignError::OverrideOfWrite));

    for value in ["a\r\nSet-Cookie: x", "a\nb", "a\0b", "a\u{7f}", "€"] {
        let refused = get().response(ResponseOverride::ContentDisposition, value).err();
        assert_eq!(
            refused,
            Some(PresignError::HeaderValue { name: name("response-content-disposition") }),
            "{value:?}"
        );
        let refused = put().header("x-amz-meta-a", value).err();
        assert_eq!(refused, Some(PresignError::HeaderValue { name: name("x-amz-meta-a") }), "{value:?}");
    }
    for bad in ["", "a b", "a:b", "é", "a\r\nb"] {
        assert_eq!(put().header(bad, "v").err(), Some(PresignError::HeaderName { name: name(bad) }), "{bad:?}");
    }
    for unsignable in
        ["Host", "Authorization", "X-Amz-Date", "x-amz-security-token", "Connection", "Proxy-Foo", "User-Agent"]
    {
        let refused = put().header(unsignable, "v").err();
        assert_eq!(refused, Some(PresignError::UnsignableHeader { name: unsignable.to_ascii_lowercase() }));
    }
}

#[test]
fn a_url_ends_with_its_credentials_at_the_latest() {
    let hour = Lifetime::from_secs(3600).unwrap();
    let sign = |expires_at: Option<Timestamp>| {
        presign(&temporary(expires_at), Method::Get).expires(hour).sign(&KeyCache::new(), midnight())
    };

    let url = sign(None).unwrap();
    assert_eq!(url.expires_at(), at("2013-05-24T01:00:00Z"));
    assert_eq!(url.effective_expires_at(), url.expires_at());
    assert_eq!(url.limited_by(), LimitedBy::Url);

    let url = sign(Some(at("2013-05-24T00:10:00Z"))).unwrap();
    assert_eq!(url.expires_at(), at("2013-05-24T01:00:00Z"));
    assert_eq!(url.effective_expires_at(), at("2013-05-24T00:10:00Z"));
    assert_eq!(url.limited_by(), LimitedBy::Credentials);

    let url = sign(Some(at("2013-05-25T00:00:00Z"))).unwrap();
    assert_eq!(url.effective_expires_at(), url.expires_at());

    assert_eq!(sign(Some(midnight())).err(), Some(PresignError::CredentialsExpired));
    let parts = RequestParts { method: "GET", host: "h", target: "/", headers: &[] };
    let ended = temporary(Some(midnight()));
    let refused =
        header::sign(&parts, Body::Unsigned, &ended, &region(), ServiceName::S3, &KeyCache::new(), midnight());
    assert_eq!(refused.err(), Some(SignError::CredentialsExpired));
}

#[test]
fn urls_of_one_window_are_equal_and_still_live_long_enough() {
    let credentials = credentials();
    let window = SigningWindow::new(Lifetime::from_secs(600).unwrap(), 300).unwrap();
    let presign = presign(&credentials, Method::Get).expires(window);
    let keys = KeyCache::new();
    let sign = |time: &str| presign.sign(&keys, at(time)).unwrap();
    let (first, last) = (sign("2013-05-24T00:00:00Z"), sign("2013-05-24T00:04:59.999Z"));
    assert_eq!(first.expose(), last.expose());
    assert_eq!(last.signed_at(), midnight());
    assert_eq!(last.expires_at(), at("2013-05-24T00:10:00Z"));
    assert_ne!(first.expose(), sign("2013-05-24T00:05:00Z").expose());
}

#[test]
fn an_age_limit_shortens_what_is_known_of_a_url_and_not_the_url() {
    let credentials = credentials();
    let plain = SigningWindow::new(Lifetime::from_secs(900).unwrap(), 300).unwrap();
    let limited = plain.with_age_limit(AgeLimit::from_secs(600).unwrap()).unwrap();
    let late = at("2013-05-24T00:04:00Z");
    let sign = |window| presign(&credentials, Method::Get).expires(window).sign(&KeyCache::new(), late).unwrap();
    let (plain, limited) = (sign(plain), sign(limited));
    assert_eq!(plain.expose(), limited.expose());
    assert_eq!(limited.expires_at(), at("2013-05-24T00:15:00Z"));
    // Counted from the signing time, which is midnight.
    assert_eq!(limited.effective_expires_at(), at("2013-05-24T00:10:00Z"));
    assert_eq!(limited.limited_by(), LimitedBy::AgeLimit);
}

#[test]
fn a_url_rounded_over_midnight_carries_the_date_of_its_signing_time_everywhere() {
    let hours = 3600;
    let window = SigningWindow::new(Lifetime::from_secs(12 * hours).unwrap(), 5 * hours).unwrap();
    let credentials = credentials();
    // Five hours do not divide a day: this step began at 23:00 of the day before.
    let now = at("2013-05-24T00:15:00Z");
    let url = presign(&credentials, Method::Get).expires(window).sign(&KeyCache::new(), now).unwrap();
    assert!(url.expose().contains("%2F20130523%2Fus-east-1%2F"), "{url}");
    assert!(url.expose().contains("X-Amz-Date=20130523T230000Z&"), "{url}");
}

#[test]
fn nothing_secret_prints() {
    let credentials = temporary(None);
    let presign =
        presign(&credentials, Method::Put).header("x-amz-server-side-encryption-customer-key", "hidden-key").unwrap();
    let url = presign.sign(&KeyCache::new(), midnight()).unwrap();
    let signature = url.expose().split("X-Amz-Signature=").nth(1).unwrap().to_owned();
    let parts = RequestParts { method: "GET", host: "h", target: "/", headers: &[] };
    let headers =
        header::sign(&parts, Body::Unsigned, &credentials, &region(), ServiceName::S3, &KeyCache::new(), midnight());
    let verified = signed(&presign).verify_with(credentials.secret_key(), midnight()).unwrap();
    let printed = format!("{url} {url:?} {url:#?} {presign:?} {headers:?} {verified:?} {credentials:?}");
    assert!(printed.contains("X-Amz-Signature=[redacted]") && printed.contains("X-Amz-Expires=900"), "{printed}");
    assert!(!printed.contains("hidden") && !printed.contains(&signature), "{printed}");
}

proptest! {
    #[test]
    fn any_file_name_signs_and_verifies(name in any::<String>()) {
        let credentials = credentials();
        let disposition = ContentDisposition::attachment(&name);
        let presign = presign(&credentials, Method::Get).response(ResponseOverride::ContentDisposition, disposition.as_str()).unwrap();
        let verified = signed(&presign).verify_at(midnight()).unwrap();
        prop_assert_eq!(verified.target().query().get("response-content-disposition"), Some(disposition.as_str()));
    }
}
