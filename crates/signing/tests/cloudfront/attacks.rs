//! Attacks on signed URLs and cookies, by their numbers in the project's list.

use gatepass_signing::cloudfront::cookie::{NAMES, without_signed_cookies};
use gatepass_signing::cloudfront::lint::{FindingId, lint};
use gatepass_signing::cloudfront::verify::Reason;
use gatepass_signing::cloudfront::{ContentUrl, HashAlgorithm, Policy, Resource, Signer};

use crate::support::{
    Arrival, EXPIRES, base64, cookies, epoch, p256, p256_id, policy_for, rsa, rsa_id, signature_of, signed,
};

#[test]
fn attack_24_a_pattern_is_stretched() {
    let wide = cookies(&policy_for("https://h/u/1*"));
    let narrow = cookies(&policy_for("https://h/u/1/*"));
    let reason = |url: &str, cookies: &str| Arrival::of(url).with_cookies(cookies).reason();
    for (url, with_wide, with_narrow) in [
        ("https://h/u/1", None, Some(Reason::ResourceMismatch)),
        ("https://h/u/1/x", None, None),
        // What the author of `1*` did not mean, and the lint says.
        ("https://h/u/12/x", None, Some(Reason::ResourceMismatch)),
        ("https://h/u/1?a=1", None, Some(Reason::ResourceMismatch)),
        ("https://h/u/1/x?a=1", None, None),
        // What an origin could resolve to somebody else's files is refused in every spelling.
        ("https://h/u/1/../2/x", Some(Reason::DotSegments), Some(Reason::DotSegments)),
        ("https://h/u/1%2f..%2f2", Some(Reason::DotSegments), Some(Reason::ResourceMismatch)),
        ("https://h/u/1/%2e%2E/2", Some(Reason::DotSegments), Some(Reason::DotSegments)),
        ("https://h/u/1/..%5c..%5c2", Some(Reason::DotSegments), Some(Reason::DotSegments)),
        ("https://h//u/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("https://h/U/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("https://h/%75/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("https://other/u/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("https://h.other/u/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("https://h:8443/u/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
        ("http://h/u/1", Some(Reason::ResourceMismatch), Some(Reason::ResourceMismatch)),
    ] {
        assert_eq!(reason(url, &wide), with_wide, "u/1* on {url}");
        assert_eq!(reason(url, &narrow), with_narrow, "u/1/* on {url}");
    }
    let policy = Policy::custom(Resource::parse("https://h/u/1*").unwrap(), epoch(EXPIRES));
    assert!(lint(&policy).iter().any(|finding| finding.id == FindingId::WildcardWithinSegment));
}

#[test]
fn attack_24_dot_segments_are_fine_where_the_policy_is_one_url() {
    let url = "https://h/a/../b";
    assert!(signed(url, &policy_for(url)).verify().is_ok());
}

#[test]
fn attack_25_the_document_is_bent() {
    let good = policy_for("https://h/a");
    let statement = good.strip_prefix(r#"{"Statement":["#).unwrap().strip_suffix("]}").unwrap();
    for policy in [
        format!(r#"{{"Statement":[{statement},{statement}]}}"#),
        good.replace("1790000000", "\"1790000000\""),
        good.replace("{\"Resource\"", "{\"Extra\":1,\"Resource\""),
        format!("{good}{}", " ".repeat(4097 - good.len())),
    ] {
        assert_eq!(signed("https://h/a", &policy).reason(), Some(Reason::PolicyMalformed), "{policy:.80}");
    }
}

#[test]
fn attack_25_the_hash_is_swapped() {
    for (key, id) in [(rsa(), rsa_id()), (p256(), p256_id())] {
        let url = ContentUrl::parse("https://h/a").unwrap();
        let policy = Policy::canned(&url, epoch(EXPIRES)).unwrap();
        let signed = |hash| Signer::new(&key, &id).hash_algorithm(hash).sign_url(&url, &policy).unwrap().into_exposed();
        let (over_sha1, over_sha256) = (signed(HashAlgorithm::Sha1), signed(HashAlgorithm::Sha256));
        let upgraded = format!("{over_sha1}&Hash-Algorithm=SHA256");
        let downgraded = over_sha256.replace("&Hash-Algorithm=SHA256", "");
        let unknown = over_sha256.replace("=SHA256", "=SHA512");
        assert_eq!(Arrival::of(&upgraded).reason(), Some(Reason::SignatureMismatch));
        assert_eq!(Arrival::of(&downgraded).reason(), Some(Reason::SignatureMismatch));
        assert_eq!(Arrival::of(&unknown).reason(), Some(Reason::HashAlgorithmUnknown));
    }
}

/// r and s of a DER signature, without leading zeros.
fn numbers(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let integer = |der: &[u8]| {
        let length = usize::from(der[1]);
        let value: Vec<u8> = der[2..2 + length].iter().copied().skip_while(|byte| *byte == 0).collect();
        (value, 2 + length)
    };
    let (r, used) = integer(&der[2..]);
    let (s, _) = integer(&der[2 + used..]);
    (r, s)
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |value: &[u8]| {
        let zero = value.first().is_none_or(|first| *first >= 0x80);
        let mut der = vec![2, u8::try_from(value.len() + usize::from(zero)).unwrap()];
        der.extend(zero.then_some(0));
        der.extend_from_slice(value);
        der
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// The order of P-256 minus a number of at most 32 bytes.
fn order_minus(value: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut padded = vec![0; 32 - value.len()];
    padded.extend_from_slice(value);
    let mut borrow = 0;
    let mut difference = [0; 32];
    for index in (0..32).rev() {
        let left = i16::from(ORDER[index]) - i16::from(padded[index]) - borrow;
        borrow = i16::from(left < 0);
        difference[index] = u8::try_from(left.rem_euclid(256)).unwrap();
    }
    difference.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[test]
fn attack_25_ecdsa_numbers_are_made_up() {
    let policy = policy_for("https://h/a");
    let genuine = signature_of(policy.as_bytes());
    let (r, s) = numbers(&genuine);
    let reason = |signature: &[u8]| {
        let (policy, signature) = (base64(policy.as_bytes()), base64(signature));
        let parameters = format!("Policy={policy}&Signature={signature}&Key-Pair-Id=KP256&Hash-Algorithm=SHA256");
        Arrival::of(&format!("https://h/a?{parameters}")).reason()
    };
    assert_eq!(der(&r, &s), genuine);
    assert_eq!(reason(&genuine), None);
    // ECDSA has two signatures, s and n − s, for whoever has one. CloudFront's signers use either, so both are good; what
    // is proved is the same, and nothing here takes a signature for a name.
    assert_eq!(reason(&der(&r, &order_minus(&s))), None);
    let order = order_minus(&[]);
    let fixed: Vec<u8> = [&vec![0; 32 - r.len()][..], &r, &vec![0; 32 - s.len()], &s].concat();
    for forged in [
        der(&[], &[]),
        der(&r, &[]),
        der(&[], &s),
        der(&order, &s),
        der(&r, &order),
        der(&[1], &[1]),
        vec![0x30, 0],
        vec![],
        fixed,
        [genuine.clone(), vec![0]].concat(),
        [&[0x30, 0x81], &genuine[1..]].concat(),
    ] {
        assert_eq!(reason(&forged), Some(Reason::SignatureMismatch), "{forged:02x?}");
    }
}

#[test]
fn attack_26_a_broken_url_does_not_fall_back_to_cookies() {
    let cookies = cookies(&policy_for("https://h/*"));
    assert!(Arrival::of("https://h/a").with_cookies(&cookies).verify().is_ok());
    for (query, reason) in [
        ("Expires=1", Reason::KeyPairIdMissing),
        ("Policy=", Reason::KeyPairIdMissing),
        ("Signature", Reason::KeyPairIdMissing),
        ("Key-Pair-Id=KP256", Reason::PolicyMissing),
        ("Expires=1790000000&Signature=AAAA&Key-Pair-Id=KP256", Reason::SignatureMismatch),
    ] {
        let arrival = Arrival::of(&format!("https://h/a?{query}")).with_cookies(&cookies);
        assert_eq!(arrival.reason(), Some(reason), "{query}");
    }
    // The fifth parameter makes no signed URL.
    assert!(Arrival::of("https://h/a?Hash-Algorithm=SHA256").with_cookies(&cookies).verify().is_ok());
}

/// There is no place in the verifier's input for a header that a viewer wrote: the address is the connection's.
#[test]
fn attack_27_the_address_is_the_peer_s() {
    let condition = r#""IpAddress":{"AWS:SourceIp":"192.0.2.10/32"},"DateLessThan""#;
    let arrival = signed("https://h/a", &policy_for("https://h/a").replace(r#""DateLessThan""#, condition));
    assert!(arrival.clone().seen_from("192.0.2.10").verify().is_ok());
    let forwarded = arrival.seen_from("198.51.100.1").with_cookies("X-Forwarded-For=192.0.2.10");
    assert_eq!(forwarded.reason(), Some(Reason::AddressMismatch));
}

#[test]
fn attack_28_signatures_do_not_reach_the_origin() {
    let policy = policy_for("https://h/*");
    let verified = signed("https://h/a?own=1", &policy).verify().unwrap();
    assert_eq!(verified.origin_target(), "/a?own=1");
    assert_eq!(signed("https://h/a", &policy).verify().unwrap().origin_target(), "/a");
    let header = format!("own=1; {}", cookies(&policy));
    let left = without_signed_cookies(&header).unwrap();
    assert!(NAMES.iter().all(|name| header.contains(name) == (*name != "CloudFront-Expires") && !left.contains(name)));
}

#[test]
fn a_canned_policy_is_not_stretched_by_handing_it_back_as_a_custom_one() {
    // The same signed text under `Policy`: without a wildcard it covers what it covered before, and nothing else. With
    // one, the signer would not have made it.
    let text = policy_for("https://h/files/report.txt");
    assert!(signed("https://h/files/report.txt", &text).verify().is_ok());
    assert_eq!(signed("https://h/files/other.txt", &text).reason(), Some(Reason::ResourceMismatch));
    let starred = ContentUrl::parse("https://h/files/*.txt").unwrap();
    assert!(Policy::canned(&starred, epoch(EXPIRES)).is_err());
}
