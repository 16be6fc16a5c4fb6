//! What the signer makes, and what it refuses to make.

use gatepass_signing::cloudfront::verify::Mechanism;
use gatepass_signing::cloudfront::{
    ContentUrl, CookieScope, CookieScopeError, CustomPolicy, EpochTime, EpochTimeError, HashAlgorithm, IpRange,
    IpRangeError, MAX_POLICY_BYTES, MAX_URL_BYTES, Policy, PolicyError, Resource, SignError, Signer, UrlError,
};
use jiff::Timestamp;

use crate::support::{Arrival, EXPIRES, at, epoch, now, p256, p256_id, rsa, rsa_id};

const URL: &str = "https://d111111abcdef8.cloudfront.net/images/a%20b.jpg?size=large&license=yes";

fn url(text: &str) -> ContentUrl {
    ContentUrl::parse(text).unwrap()
}

fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap()
}

#[test]
fn every_kind_of_url_and_cookie_is_taken_by_the_verifier() {
    let custom = CustomPolicy::new(resource("https://*.cloudfront.net/images/*"), epoch(EXPIRES))
        .not_before(epoch(EXPIRES - 120))
        .unwrap()
        .ip_range(IpRange::parse("192.0.2.0/24").unwrap());
    let policies = [Policy::canned(&url(URL), epoch(EXPIRES)).unwrap(), Policy::from(custom)];
    for (key, id) in [(rsa(), rsa_id()), (p256(), p256_id())] {
        for hash in [HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
            for policy in &policies {
                let signer = Signer::new(&key, &id).hash_algorithm(hash);
                let signed = signer.sign_url(&url(URL), policy).unwrap();
                assert_eq!(signed.expires_at(), at(EXPIRES.cast_signed()));
                let cookies: Vec<String> = signer
                    .sign_cookies(policy)
                    .unwrap()
                    .expose()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                for (arrival, mechanism) in [
                    (Arrival::of(signed.expose()), Mechanism::Url),
                    (Arrival::of(URL).with_cookies(&cookies.join("; ")), Mechanism::Cookies),
                ] {
                    let verified = arrival.verify().unwrap();
                    assert_eq!(verified.mechanism(), mechanism);
                    assert_eq!(verified.key_pair_id(), &id);
                    assert_eq!(verified.hash_algorithm(), hash);
                    assert_eq!(verified.policy(), policy);
                    assert_eq!(verified.expires(), epoch(EXPIRES));
                    assert_eq!(verified.url(), URL);
                    assert_eq!(verified.origin_target(), "/images/a%20b.jpg?size=large&license=yes");
                }
            }
        }
    }
}

#[test]
fn parameters_come_after_the_url_s_own_and_sha256_is_said() {
    let (key, id) = (rsa(), rsa_id());
    let names = |url: &str| {
        let (_, query) = url.split_once('?').unwrap();
        query.split('&').map(|pair| pair.split('=').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let signer = Signer::new(&key, &id);
    let canned = Policy::canned(&url(URL), epoch(EXPIRES)).unwrap();
    let signed = signer.sign_url(&url(URL), &canned).unwrap();
    assert_eq!(names(signed.expose()), ["size", "license", "Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"]);
    assert!(signed.expose().starts_with(&format!("{URL}&Expires={EXPIRES}&Signature=")));
    assert!(signed.expose().ends_with("&Key-Pair-Id=KRSA&Hash-Algorithm=SHA256"));
    let plain = "https://h.example/a";
    let policy = Policy::custom(resource("https://h.example/*"), epoch(EXPIRES));
    let signed = signer.hash_algorithm(HashAlgorithm::Sha1).sign_url(&url(plain), &policy).unwrap();
    assert_eq!(names(signed.expose()), ["Policy", "Signature", "Key-Pair-Id"]);
    assert!(signed.expose().starts_with("https://h.example/a?Policy=eyJTdGF0ZW1lbnQiOlt7"));
}

#[test]
fn what_stands_before_the_parameters_comes_back_byte_for_byte() {
    let (key, id) = (p256(), p256_id());
    for text in [
        "https://h.example/",
        "http://h.example:8080/a",
        "https://h.example/a?",
        "https://h.example/a?&&",
        "https://h.example/a?x",
        "https://h.example/a?x=1&x=2&y=?&=z&expires=1&policy&Signatures=2",
        "https://[2001:db8::1]:8443/a//b/../c?d=%2f",
        "https://h.example/a?redirect=https://other.example/?x=1",
    ] {
        let policy = Policy::canned(&url(text), epoch(EXPIRES)).unwrap();
        let signed = Signer::new(&key, &id).sign_url(&url(text), &policy).unwrap();
        assert_eq!(Arrival::of(signed.expose()).verify().unwrap().url(), text);
    }
}

#[test]
fn a_url_that_viewers_would_not_send_so_is_not_signed() {
    let longest = format!("https://h.example/{}", "a".repeat(MAX_URL_BYTES - "https://h.example/".len()));
    assert!(ContentUrl::parse(&longest).is_ok());
    let too_long = format!("{longest}a");
    for (text, error) in [
        (too_long.as_str(), UrlError::TooLong),
        ("", UrlError::NotAbsolute),
        ("/a", UrlError::NotAbsolute),
        ("//h.example/a", UrlError::NotAbsolute),
        ("ftp://h.example/a", UrlError::NotAbsolute),
        ("HTTPS://h.example/a", UrlError::NotAbsolute),
        ("https:///a", UrlError::Host),
        ("https://?a", UrlError::Host),
        ("https://H.example/a", UrlError::Host),
        ("https://user@h.example/a", UrlError::Host),
        ("https://h.example:443/a", UrlError::Host),
        ("http://h.example:80/a", UrlError::Host),
        ("https://h.example:/a", UrlError::Host),
        ("https://h.example:x/a", UrlError::Host),
        ("https://h%41.example/a", UrlError::Host),
        ("https://h.example", UrlError::NoPath),
        ("https://h.example?a=1", UrlError::NoPath),
        ("https://h.example/a#b", UrlError::Fragment),
        ("https://h.example/a b", UrlError::NotEncoded),
        ("https://h.example/é", UrlError::NotEncoded),
        ("https://h.example/a\"b", UrlError::NotEncoded),
        ("https://h.example/a\\b", UrlError::NotEncoded),
        ("https://h.example/a\u{0}", UrlError::NotEncoded),
        ("https://h.example/a%", UrlError::Escape),
        ("https://h.example/a%4", UrlError::Escape),
        ("https://h.example/a%4g", UrlError::Escape),
        ("https://h.example/a?Expires=1", UrlError::ReservedParameter),
        ("https://h.example/a?b&Policy", UrlError::ReservedParameter),
        ("https://h.example/a?Signature=", UrlError::ReservedParameter),
        ("https://h.example/a?Key-Pair-Id=K", UrlError::ReservedParameter),
        ("https://h.example/a?Hash-Algorithm=SHA256", UrlError::ReservedParameter),
    ] {
        assert_eq!(ContentUrl::parse(text).unwrap_err(), error, "{text:.60}");
    }
}

#[test]
fn the_texts_that_are_signed_are_aws_s() {
    let published = "http://d111111abcdef8.cloudfront.net/horizon.jpg?size=large&license=yes";
    assert_eq!(
        Policy::canned(&url(published), epoch(1_258_237_200)).unwrap().to_json(),
        r#"{"Statement":[{"Resource":"http://d111111abcdef8.cloudfront.net/horizon.jpg?size=large&license=yes","Condition":{"DateLessThan":{"AWS:EpochTime":1258237200}}}]}"#
    );
    let everything = CustomPolicy::new(resource("https://*"), epoch(1_675_332_000))
        .not_before(epoch(1_675_159_200))
        .unwrap()
        .ip_range(IpRange::parse("192.0.2.10").unwrap());
    assert_eq!(
        Policy::from(everything).to_json(),
        r#"{"Statement":[{"Resource":"https://*","Condition":{"DateLessThan":{"AWS:EpochTime":1675332000},"IpAddress":{"AWS:SourceIp":"192.0.2.10/32"},"DateGreaterThan":{"AWS:EpochTime":1675159200}}}]}"#
    );
    assert_eq!(
        Policy::custom(resource(r"*://h.example/a\?b=*"), epoch(1)).to_json(),
        r#"{"Statement":[{"Resource":"*://h.example/a\\?b=*","Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}"#
    );
    assert_eq!(
        Policy::from(CustomPolicy::danger_for_everything_that_trusts_the_key(epoch(1))).to_json(),
        r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}"#
    );
}

#[test]
fn a_policy_that_does_not_cover_the_url_signs_no_url() {
    let (key, id) = (p256(), p256_id());
    let signer = Signer::new(&key, &id);
    let other = Policy::canned(&url("https://h.example/a"), epoch(EXPIRES)).unwrap();
    assert_eq!(signer.sign_url(&url("https://h.example/b"), &other).unwrap_err(), SignError::NotCovered);
    let pattern = Policy::custom(resource("https://h.example/a/*"), epoch(EXPIRES));
    assert_eq!(signer.sign_url(&url("https://h.example/b"), &pattern).unwrap_err(), SignError::NotCovered);
    assert!(signer.sign_url(&url("https://h.example/a/b?c"), &pattern).is_ok());
}

#[test]
fn a_signed_url_is_no_longer_than_cloudfront_takes() {
    let (key, id) = (rsa(), rsa_id());
    let signer = Signer::new(&key, &id);
    let sign = |bytes: usize| {
        let text = format!("https://h.example/{}", "a".repeat(bytes - "https://h.example/".len()));
        signer.sign_url(&url(&text), &Policy::canned(&url(&text), epoch(EXPIRES)).unwrap())
    };
    let appended = sign(100).unwrap().expose().len() - 100;
    assert_eq!(sign(MAX_URL_BYTES - appended).unwrap().expose().len(), MAX_URL_BYTES);
    assert_eq!(sign(MAX_URL_BYTES - appended + 1).unwrap_err(), SignError::UrlTooLong);
}

#[test]
fn the_longest_policy_that_can_be_made_is_one_that_is_taken() {
    let (key, id) = (p256(), p256_id());
    // A backslash takes two bytes in JSON: no resource of its length makes a longer document.
    let start = "https://h.example/a";
    let pairs = (Resource::MAX_BYTES - start.len()) / 2;
    let longest = format!("{start}{}", r"\?".repeat(pairs));
    assert!(Resource::parse(&format!("{longest}??")).is_err() && longest.len() + 1 >= Resource::MAX_BYTES);
    let policy = CustomPolicy::new(resource(&longest), EpochTime::MAX)
        .not_before(epoch(EXPIRES - 3600))
        .unwrap()
        .ip_range(IpRange::parse("192.168.100.100/32").unwrap())
        .into();
    let url = longest.replace(r"\?", "?");
    let signed = Signer::new(&key, &id).sign_url(&ContentUrl::parse(&url).unwrap(), &policy).unwrap();
    assert!(policy.to_json().len() <= MAX_POLICY_BYTES);
    let reason = Arrival::of(signed.expose()).reason();
    assert_eq!(reason, Some(gatepass_signing::cloudfront::verify::Reason::AddressMismatch), "all but the viewer fits");
}

#[test]
fn a_canned_policy_has_no_wildcard_that_a_custom_one_would_read() {
    let starred = url("https://h.example/files/*.txt");
    assert_eq!(Policy::canned(&starred, epoch(EXPIRES)), Err(PolicyError::CannedWildcard));
    assert!(Policy::canned(&url("https://h.example/files/%2A.txt"), epoch(EXPIRES)).is_ok());
}

#[test]
fn a_policy_starts_before_it_ends() {
    let policy = CustomPolicy::new(resource("https://h.example/*"), epoch(100));
    assert!(policy.clone().not_before(epoch(99)).is_ok());
    assert_eq!(policy.not_before(epoch(100)), Err(PolicyError::NeverValid));
}

#[test]
fn moments_are_seconds_from_1970_to_2038() {
    assert_eq!(EpochTime::from_secs(2_147_483_647), Ok(EpochTime::MAX));
    assert_eq!(EpochTime::from_secs(2_147_483_648), Err(EpochTimeError));
    assert_eq!(EpochTime::from_secs(1_790_000_000_000), Err(EpochTimeError));
    assert_eq!(EpochTime::from_timestamp(Timestamp::UNIX_EPOCH).unwrap().as_secs(), 0);
    assert_eq!(EpochTime::from_timestamp("1969-12-31T23:59:59.5Z".parse().unwrap()), Err(EpochTimeError));
    assert_eq!(EpochTime::from_timestamp(Timestamp::MAX), Err(EpochTimeError));
    assert_eq!(EpochTime::from_timestamp("1970-01-01T00:00:09.9Z".parse().unwrap()).unwrap().as_secs(), 9);
    assert_eq!(EpochTime::MAX.timestamp(), at(2_147_483_647));
}

#[test]
fn address_ranges_are_ipv4() {
    for (text, written) in
        [("192.0.2.10", "192.0.2.10/32"), ("192.0.2.0/24", "192.0.2.0/24"), ("0.0.0.0/0", "0.0.0.0/0")]
    {
        assert_eq!(IpRange::parse(text).unwrap().to_string(), written);
    }
    for text in [
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/024",
        "192.0.2.0/+4",
        "192.0.02.1",
        "2001:db8::/32",
        "::1",
        "192.0.2.0/24/1",
    ] {
        assert_eq!(IpRange::parse(text), Err(IpRangeError::Form), "{text}");
    }
    assert_eq!(IpRange::parse("192.0.2.5/24"), Err(IpRangeError::HostBits));
    assert_eq!(IpRange::parse("1.0.0.0/0"), Err(IpRangeError::HostBits));
    let range = IpRange::parse("192.0.2.128/25").unwrap();
    assert!(range.contains("192.0.2.128".parse().unwrap()) && range.contains("192.0.2.255".parse().unwrap()));
    assert!(!range.contains("192.0.2.127".parse().unwrap()) && !range.contains("192.0.3.0".parse().unwrap()));
}

#[test]
fn cookies_are_secure_and_end_with_the_browser() {
    let (key, id) = (rsa(), rsa_id());
    let policy = Policy::custom(resource("https://cdn.example.com/films/*"), epoch(EXPIRES));
    let cookies = Signer::new(&key, &id).sign_cookies(&policy).unwrap();
    let scope = CookieScope::host().domain("example.com").unwrap().path("/films/").unwrap();
    let lines = cookies.set_cookie(&scope);
    let names: Vec<&str> = lines.iter().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(
        names,
        ["CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id", "CloudFront-Hash-Algorithm"]
    );
    for line in &lines {
        assert!(line.ends_with("; Domain=example.com; Path=/films/; Secure; HttpOnly"), "{line}");
        assert!(!line.contains("Max-Age") && !line.contains("Expires="));
    }
    let canned = Policy::canned(&url("https://cdn.example.com/a"), epoch(EXPIRES)).unwrap();
    let old = Signer::new(&key, &id).hash_algorithm(HashAlgorithm::Sha1).sign_cookies(&canned).unwrap();
    let names: Vec<&str> = old.expose().map(|(name, _)| name).collect();
    assert_eq!(names, ["CloudFront-Expires", "CloudFront-Signature", "CloudFront-Key-Pair-Id"]);
    assert!(old.set_cookie(&CookieScope::host())[0].ends_with(&format!("Expires={EXPIRES}; Path=/; Secure; HttpOnly")));
}

#[test]
fn a_cookie_s_scope_is_one_that_browsers_take() {
    let host = CookieScope::host;
    for path in ["", "films", "/a;b", "/a b", "/é", "/a\r\nSet-Cookie: x"] {
        assert_eq!(host().path(path), Err(CookieScopeError::Path), "{path}");
    }
    for domain in ["", ".", ".example.com", "Example.com", "a..b", "a b", "example.com;", "é.example"] {
        assert_eq!(host().domain(domain), Err(CookieScopeError::Domain), "{domain}");
    }
    for domain in ["cloudfront.net", "d111111abcdef8.cloudfront.net"] {
        assert_eq!(host().domain(domain), Err(CookieScopeError::CloudFrontDomain), "{domain}");
    }
    assert!(host().domain("mycloudfront.net").is_ok());
}

#[test]
fn cookies_want_a_protocol() {
    let (key, id) = (p256(), p256_id());
    for text in ["*://h.example/*", "*", "*.example/a"] {
        let policy = Policy::custom(resource(text), epoch(EXPIRES));
        let refused = Signer::new(&key, &id).sign_cookies(&policy);
        assert_eq!(refused.unwrap_err(), SignError::CookieProtocol, "{text}");
    }
}

#[test]
fn what_was_signed_does_not_print() {
    let (key, id) = (rsa(), rsa_id());
    let signer = Signer::new(&key, &id);
    let policy = Policy::custom(resource("https://h.example/secret/*"), epoch(EXPIRES));
    let signed = signer.sign_url(&url("https://h.example/secret/a?b=c"), &policy).unwrap();
    let cookies = signer.sign_cookies(&policy).unwrap();
    let arrival = Arrival::of(signed.expose());
    let verified = arrival.verify_at(now()).unwrap();
    let claim =
        arrival.view(|request| format!("{:?} {:?}", request, gatepass_signing::cloudfront::verify::parse(request)));
    let printed = format!("{signed} {signed:?} {cookies:?} {verified:?} {claim} {policy:?} {signer:?}");
    let secrets: Vec<String> = cookies
        .expose()
        .filter(|(name, _)| ["CloudFront-Policy", "CloudFront-Signature"].contains(name))
        .map(|(_, value)| value.to_owned())
        .collect();
    assert_eq!(secrets.len(), 2);
    for secret in secrets {
        assert!(!printed.contains(&secret));
    }
    assert_eq!(
        signed.to_string(),
        "https://h.example/secret/a?b=c&Policy=[redacted]&Signature=[redacted]&Key-Pair-Id=KRSA&Hash-Algorithm=SHA256"
    );
}
