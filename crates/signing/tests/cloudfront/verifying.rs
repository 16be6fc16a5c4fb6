//! The rules of the verifier, one after another.

use gatepass_signing::cloudfront::cookie::without_signed_cookies;
use gatepass_signing::cloudfront::verify::{KeyGroup, MAX_COOKIE_BYTES, Presented, Reason, parse, verify};
use gatepass_signing::cloudfront::{
    ContentUrl, HashAlgorithm, MAX_POLICY_BYTES, MAX_URL_BYTES, Policy, PrivateKey, Signer,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::support::{
    Arrival, EXPIRES, at, base64, cookies, epoch, keys, now, p256, p256_id, parameters, policy_for, rsa, rsa_id, signed,
};

const URL: &str = "https://h.example/a?b=1";

fn canned() -> Arrival {
    canned_by(&rsa(), HashAlgorithm::Sha256)
}

fn canned_by(key: &PrivateKey, hash: HashAlgorithm) -> Arrival {
    let url = ContentUrl::parse(URL).unwrap();
    let policy = Policy::canned(&url, epoch(EXPIRES)).unwrap();
    let id =
        if matches!(key.key_type(), gatepass_signing::cloudfront::KeyType::Rsa2048) { rsa_id() } else { p256_id() };
    Arrival::of(Signer::new(key, &id).hash_algorithm(hash).sign_url(&url, &policy).unwrap().expose())
}

fn change(arrival: &Arrival, from: &str, to: &str) -> Arrival {
    let mut changed = arrival.clone();
    assert!(changed.target.contains(from), "{from}");
    changed.target = changed.target.replace(from, to);
    changed
}

#[test]
fn a_canned_url_is_good_for_itself_only() {
    let good = canned();
    assert!(good.verify().is_ok());
    for (from, to) in [("/a", "/A"), ("b=1", "b=2"), ("b=1", "b=1&c=2"), ("b=1&", ""), ("Expires=179", "Expires=180")] {
        assert_eq!(change(&good, from, to).reason(), Some(Reason::SignatureMismatch), "{from} to {to}");
    }
    let mut other = good.clone();
    other.host = "i.example".to_owned();
    assert_eq!(other.reason(), Some(Reason::SignatureMismatch));
    let plain = Arrival::of(&format!("http://h.example{}", good.target));
    assert_eq!(plain.reason(), Some(Reason::SignatureMismatch));
}

#[test]
fn parameters_may_stand_anywhere() {
    let good = canned();
    let (path, query) = good.target.split_once('?').unwrap();
    let mut segments: Vec<&str> = query.split('&').collect();
    segments.rotate_left(1);
    let moved = Arrival { target: format!("{path}?{}", segments.join("&")), ..good.clone() };
    assert_eq!(moved.verify().unwrap().origin_target(), "/a?b=1");
}

#[test]
fn each_missing_or_malformed_part_has_its_reason() {
    let good = canned();
    let without = |name: &str| {
        let (path, query) = good.target.split_once('?').unwrap();
        let kept: Vec<&str> = query.split('&').filter(|segment| !segment.starts_with(name)).collect();
        Arrival { target: format!("{path}?{}", kept.join("&")), ..good.clone() }.reason().unwrap()
    };
    assert_eq!(without("Key-Pair-Id"), Reason::KeyPairIdMissing);
    assert_eq!(without("Expires"), Reason::PolicyMissing);
    assert_eq!(without("Signature"), Reason::SignatureMissing);
    assert_eq!(without("Hash-Algorithm"), Reason::SignatureMismatch, "it is over SHA-256, not SHA-1");
    for (from, to, reason) in [
        ("Key-Pair-Id=KRSA", "Key-Pair-Id=", Reason::KeyPairIdMissing),
        ("Key-Pair-Id=KRSA", "Key-Pair-Id", Reason::KeyPairIdMissing),
        ("Key-Pair-Id=KRSA", "Key-Pair-Id=KOTHER", Reason::KeyUnknown),
        ("Key-Pair-Id=KRSA", "Key-Pair-Id=krsa", Reason::KeyUnknown),
        ("Key-Pair-Id=KRSA", "Key-Pair-Id=KP256", Reason::SignatureMismatch),
        ("Key-Pair-Id=KRSA", "Key-Pair-Id=KRSA&Key-Pair-Id=KRSA", Reason::ParameterRepeated),
        ("Expires=", "Expires=1&Expires=", Reason::ParameterRepeated),
        ("Expires=", "Policy=e30_&Expires=", Reason::PolicyAmbiguous),
        ("Expires=1790000000", "Expires=1790000000000", Reason::ExpiresMalformed),
        ("Expires=1790000000", "Expires=01790000000", Reason::ExpiresMalformed),
        ("Expires=1790000000", "Expires=", Reason::ExpiresMalformed),
        ("Signature=", "Signature=.", Reason::SignatureMalformed),
        ("Signature=", "Signature=AAAA", Reason::SignatureMalformed),
        ("Hash-Algorithm=SHA256", "Hash-Algorithm=SHA1", Reason::HashAlgorithmUnknown),
        ("Hash-Algorithm=SHA256", "Hash-Algorithm=sha256", Reason::HashAlgorithmUnknown),
        ("Hash-Algorithm=SHA256", "Hash-Algorithm=", Reason::HashAlgorithmUnknown),
        ("Hash-Algorithm=SHA256", "Hash-Algorithm=SHA256&Hash-Algorithm=SHA256", Reason::ParameterRepeated),
    ] {
        assert_eq!(change(&good, from, to).reason(), Some(reason), "{from} to {to}");
    }
}

#[test]
fn nothing_of_cloudfront_s_is_unsigned() {
    for url in
        ["https://h.example/a", "https://h.example/a?expires=1&policy=2", "https://h.example/a?Hash-Algorithm=SHA256"]
    {
        let arrival = Arrival::of(url).with_cookies("session=1; cloudfront-policy=x");
        assert!(matches!(arrival.view(parse), Ok(Presented::Unsigned)), "{url}");
        assert_eq!(arrival.reason(), Some(Reason::KeyPairIdMissing));
        let refusal = arrival.view(|request| verify(request, &[&keys()], now())).unwrap_err();
        assert_eq!(refusal.mechanism(), None);
    }
}

#[test]
fn a_policy_allows_after_its_start_and_before_its_end_and_on_neither() {
    let nanosecond = SignedDuration::from_nanos(1);
    let (start, end) = (at(EXPIRES.cast_signed() - 100), at(EXPIRES.cast_signed()));
    let policy = format!(
        r#"{{"Statement":{{"Condition":{{"DateGreaterThan":{{"AWS:EpochTime":{}}},"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}}}}}}}"#,
        EXPIRES - 100
    );
    let arrival = signed(URL, &policy);
    let reason = |now: Timestamp| arrival.verify_at(now).err();
    assert_eq!(reason(start - nanosecond), Some(Reason::NotYetValid));
    assert_eq!(reason(start), Some(Reason::NotYetValid));
    assert_eq!(reason(start + nanosecond), None);
    assert_eq!(reason(end - nanosecond), None);
    assert_eq!(reason(end), Some(Reason::Expired));
    let canned = canned();
    assert!(canned.verify_at(end - nanosecond).is_ok());
    assert_eq!(canned.verify_at(end).err(), Some(Reason::Expired));
}

#[test]
fn the_viewer_s_address_has_to_be_in_the_range() {
    let ranged = |range: &str| {
        let condition = format!(r#""IpAddress":{{"AWS:SourceIp":"{range}"}},"DateLessThan""#);
        signed(URL, &policy_for("https://h.example/*").replace(r#""DateLessThan""#, &condition))
    };
    for (range, viewer, taken) in [
        ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "192.0.3.0", false),
        ("192.0.2.77/24", "192.0.2.1", true),
        ("192.0.2.10/32", "192.0.2.10", true),
        ("192.0.2.10", "192.0.2.11", false),
        ("192.0.2.0/24", "::ffff:192.0.2.1", true),
        ("192.0.2.0/24", "2001:db8::1", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", true),
    ] {
        let reason = ranged(range).seen_from(viewer).reason();
        assert_eq!(reason, (!taken).then_some(Reason::AddressMismatch), "{viewer} in {range}");
    }
    assert!(signed(URL, &policy_for("https://h.example/*")).seen_from("2001:db8::1").verify().is_ok());
}

#[test]
fn policies_are_read_strictly() {
    let good = policy_for("https://h.example/*");
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let spaced = with(":{", " : {\n\t") + "\n";
    let as_object = good.replace(":[{", ":{").replace("}]}", "}}");
    let escaped = with("Resource", "\\u0052esource");
    for policy in [good.as_str(), &spaced, &as_object, &escaped] {
        assert!(signed(URL, policy).verify().is_ok(), "{policy}");
    }
    let statement = good.strip_prefix(r#"{"Statement":["#).unwrap().strip_suffix("]}").unwrap();
    for policy in [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        r#"{"Statement":[]}"#.to_owned(),
        format!(r#"{{"Statement":[{statement},{statement}]}}"#),
        format!(r#"{{"Statement":[[{statement}]]}}"#),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        format!("{good}\0"),
        with("Statement", "statement"),
        with("Resource", "resource"),
        with("AWS:EpochTime", "aws:EpochTime"),
        with("{\"Statement\"", "{\"Version\":\"2012-10-17\",\"Statement\""),
        with("{\"Resource\"", "{\"Effect\":\"Allow\",\"Resource\""),
        with("{\"Resource\"", "{\"Resource\":\"*\",\"Resource\""),
        with("\"DateLessThan\"", "\"StringLike\":{},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"DateLessThan\":{\"AWS:EpochTime\":2000000000},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"DateGreaterThan\""),
        with("1790000000", "\"1790000000\""),
        with("1790000000", "1790000000.0"),
        with("1790000000", "1.79e9"),
        with("1790000000", "-1790000000"),
        with("1790000000", "1790000000000"),
        with("1790000000", "2147483648"),
        with("1790000000", "01790000000"),
        with("1790000000", "1790000000,\"AWS:EpochTime\":1"),
        with("1790000000", "1790000000,\"AWS:SourceIp\":1"),
        with("1790000000", "null"),
        with("{\"AWS:EpochTime\":1790000000}", "1790000000"),
        with("\"https://h.example/*\"", "null"),
        with("\"https://h.example/*\"", "[\"https://h.example/*\"]"),
        with("https://h.example/*", "h.example/*"),
        with("https://h.example/*", "https://h.example/\\?"),
        with("https://h.example/*", ""),
        with("\"DateLessThan\"", "\"IpAddress\":{},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"IpAddress\":{\"AWS:SourceIp\":[\"192.0.2.0/24\"]},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"IpAddress\":{\"AWS:SourceIp\":\"2001:db8::/32\"},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"IpAddress\":{\"AWS:SourceIp\":\"192.0.2.0/33\"},\"DateLessThan\""),
        with("\"DateLessThan\"", "\"IpAddress\":null,\"DateLessThan\""),
        with("\"DateLessThan\"", "\"DateGreaterThan\":{\"AWS:EpochTime\":\"1\"},\"DateLessThan\""),
        "[".repeat(3000),
    ] {
        assert_eq!(signed(URL, &policy).reason(), Some(Reason::PolicyMalformed), "{policy:.200}");
    }
    let broken = Arrival::of(&format!("{URL}&Policy=e31&Signature=AAAA&Key-Pair-Id=KP256"));
    assert_eq!(broken.reason(), Some(Reason::PolicyMalformed));
}

#[test]
fn the_sizes_of_url_policy_cookies_and_signature_are_bounded() {
    let padded = |bytes: usize| {
        let policy = policy_for("https://h.example/*");
        format!("{policy}{}", " ".repeat(bytes - policy.len()))
    };
    assert!(signed(URL, &padded(MAX_POLICY_BYTES)).verify().is_ok());
    assert_eq!(signed(URL, &padded(MAX_POLICY_BYTES + 1)).reason(), Some(Reason::PolicyMalformed));

    let parameters = parameters(&policy_for("https://h.example/*"));
    let long = |bytes: usize| {
        let fixed = format!("https://h.example/?{parameters}").len();
        Arrival::of(&format!("https://h.example/{}?{parameters}", "a".repeat(bytes - fixed)))
    };
    assert!(long(MAX_URL_BYTES).verify().is_ok());
    assert_eq!(long(MAX_URL_BYTES + 1).reason(), Some(Reason::UrlTooLong));

    let cookies = cookies(&policy_for("https://h.example/*"));
    let many = |bytes: usize| {
        let padding = format!("; padding={}", "a".repeat(bytes - cookies.len() - "; padding=".len()));
        Arrival::of("https://h.example/a").with_cookies(&format!("{cookies}{padding}"))
    };
    assert!(many(MAX_COOKIE_BYTES).verify().is_ok());
    assert_eq!(many(MAX_COOKIE_BYTES + 1).reason(), Some(Reason::CookiesTooLong));

    let signature = |bytes: usize| {
        let text = base64(&vec![1; bytes]);
        Arrival::of(&format!("{URL}&Expires={EXPIRES}&Signature={text}&Key-Pair-Id=KRSA")).reason()
    };
    assert_eq!(signature(256), Some(Reason::SignatureMismatch));
    assert_eq!(signature(257), Some(Reason::SignatureMalformed));
}

#[test]
fn a_url_with_what_no_url_has_is_refused_before_a_policy_is_put_together() {
    let good = canned();
    for (host, target) in [
        ("h.example", "a"),
        ("h.example", ""),
        ("h.example", "https://h.example/a"),
        ("h.example", "/a\"b"),
        ("h.example", "/a\\b"),
        ("h.example", "/a b"),
        ("h.example", "/é"),
        ("h.example", "/a#b"),
        ("h.example/x", "/a"),
        ("h.example?x", "/a"),
        ("user@h.example", "/a"),
        ("H.example", "/a"),
        ("", "/a"),
    ] {
        let arrival = Arrival { host: host.to_owned(), target: target.to_owned(), ..good.clone() };
        assert_eq!(arrival.reason(), Some(Reason::UrlMalformed), "{host}{target}");
    }
}

#[test]
fn any_key_of_any_group_suffices() {
    let (old, new) =
        (KeyGroup::new().with(rsa_id(), rsa().public_key()), KeyGroup::new().with(p256_id(), p256().public_key()));
    for arrival in [canned(), canned_by(&p256(), HashAlgorithm::Sha1)] {
        assert!(arrival.view(|request| verify(request, &[&old, &new], now())).is_ok());
    }
    let arrival = canned();
    for groups in [&[&new][..], &[]] {
        let refusal = arrival.view(|request| verify(request, groups, now())).unwrap_err();
        assert_eq!(refusal.reason(), Reason::KeyUnknown);
    }
}

#[test]
fn a_claim_says_what_would_have_to_be_signed() {
    let arrival = canned();
    let Ok(Presented::Url(claim)) = arrival.view(parse) else { panic!("it is a signed URL") };
    assert_eq!(claim.key_pair_id(), "KRSA");
    assert_eq!(claim.hash_algorithm(), HashAlgorithm::Sha256);
    assert_eq!(claim.url(), URL);
    assert_eq!(claim.expose_signed_text(), claim.policy().to_json().as_bytes());
}

#[test]
fn of_two_cookies_of_a_name_the_first_counts() {
    // Browsers send the one of the longer path first (RFC 6265 section 5.4).
    let (narrow, wide) = (cookies(&policy_for("https://h.example/a*")), cookies(&policy_for("https://h.example/z*")));
    assert!(Arrival::of("https://h.example/a").with_cookies(&format!("{narrow}; {wide}")).verify().is_ok());
    assert!(Arrival::of("https://h.example/a").with_cookies(&narrow).with_cookies(&wide).verify().is_ok());
    let arrival = Arrival::of("https://h.example/a").with_cookies(&format!("{wide}; {narrow}"));
    assert_eq!(arrival.reason(), Some(Reason::ResourceMismatch));
}

#[test]
fn cookies_without_their_id_or_with_two_kinds_of_policy_are_refused() {
    let good = cookies(&policy_for("https://h.example/*"));
    let arrival = |cookies: &str| Arrival::of("https://h.example/a").with_cookies(cookies).reason();
    assert_eq!(arrival(&good), None);
    assert_eq!(arrival(&good.replace("Key-Pair-Id", "Key")), Some(Reason::KeyPairIdMissing));
    assert_eq!(arrival(&good.replace("CloudFront-Policy", "cloudfront-policy")), Some(Reason::PolicyMissing));
    assert_eq!(arrival(&format!("{good}; CloudFront-Expires=1")), Some(Reason::PolicyAmbiguous));
    assert_eq!(arrival(&good.replace("SHA256", "SHA512")), Some(Reason::HashAlgorithmUnknown));
}

#[test]
fn an_origin_sees_nothing_of_cloudfront_s_cookies() {
    let header = format!("a=1; {}; b=2", cookies(&policy_for("https://h.example/*")));
    assert_eq!(without_signed_cookies(&header).as_deref(), Some("a=1; b=2"));
    assert_eq!(without_signed_cookies(&cookies(&policy_for("*"))), None);
    assert_eq!(
        without_signed_cookies("CloudFront-Expires; x; CloudFront-Other=1").as_deref(),
        Some("x; CloudFront-Other=1")
    );
    assert_eq!(without_signed_cookies(""), None);
}

proptest! {
    #[test]
    fn no_request_panics(
        target in r"/[ -~é]{0,20}(\?(Policy|Expires|Signature|Key-Pair-Id|Hash-Algorithm|a|&|=|SHA256|KRSA|e30_|[0-9]{1,12}|[ -~]){0,12})?",
        cookie in r"(CloudFront-(Policy|Expires|Signature|Key-Pair-Id|Hash-Algorithm)|;|=| |e30_|[ -~]){0,12}",
        host in r"[a-z.:\[\]/é]{0,8}",
    ) {
        let mut arrival = Arrival::of("https://h/").with_cookies(&cookie);
        arrival.target = target;
        prop_assert!(arrival.verify().is_err());
        arrival.host = host;
        prop_assert!(arrival.verify().is_err());
    }

    #[test]
    fn no_policy_panics(policy in r#"(\{|\}|\[|\]|:|,|"Statement"|"Resource"|"Condition"|"DateLessThan"|"AWS:EpochTime"|"\*"|[0-9]{1,11}|[ -~é]){0,24}"#) {
        // Nothing that is this short and this random is a whole policy: four members, in their order.
        let parsed = signed("https://h/a", &policy).view(parse);
        if let Ok(Presented::Url(claim)) = parsed {
            prop_assert!(claim.policy().expires().as_secs() <= 2_147_483_647);
        }
    }
}
