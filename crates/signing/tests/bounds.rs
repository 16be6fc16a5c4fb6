//! A verifier refuses in bounded memory, whatever arrives: at each limit it asks for a small multiple of what was sent, and
//! one step past a limit for next to nothing, however much was sent. Memory stands for work here: nothing that is
//! proportional to the input happens without it but looking at each byte a fixed number of times.

#[path = "../benches/signing/allocations.rs"]
mod allocations;

use allocations::Allocations;
use gatepass_signing::credentials::SecretKey;
use gatepass_signing::request::{Query, RequestView, Target};
use gatepass_signing::sigv4::verify::{
    self, Expectations, MAX_HEADER_BYTES, MAX_HEADERS, Presented, Reason, Scheme, Schemes, Service,
};
use gatepass_signing::sigv4::{KeyCache, Region};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// What a refusal past a limit may ask for: itself, and its details.
const NEXT_TO_NOTHING: u64 = 1024;
/// What a request within all limits may ask for, in times of its length.
const MULTIPLE: u64 = 16;

const SIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                      &X-Amz-Date=20130524T000000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=00";

/// Why a request is refused, and what that took.
fn refuse(target: &str, headers: &[(&str, &[u8])]) -> (Reason, Allocations) {
    let request = RequestView { method: "GET", target, headers };
    let mut expectations = Expectations::new(Region::new("us-east-1").unwrap(), Service::S3);
    expectations.schemes = Schemes::default().with(Scheme::SigV2).with(Scheme::SigV4a);
    let (keys, secret) = (KeyCache::new(), SecretKey::new("secret").unwrap());
    let now = "2013-05-24T00:00:00Z".parse().unwrap();
    let (refusal, allocations) = allocations::of(|| match verify::parse(&request, &expectations, now) {
        Ok(Presented::Query(claim) | Presented::Header(claim)) => claim.verify(&keys, &secret).map(drop),
        Ok(Presented::Anonymous) => panic!("the request presents nothing"),
        Err(refusal) => Err(refusal),
    });
    (refusal.expect_err("nobody signed this").reason(), allocations)
}

fn assert_within(allocations: Allocations, sent: usize) {
    // Keys are derived and kept whatever was sent.
    let bound = MULTIPLE * sent as u64 + 16 * 1024;
    assert!(allocations.bytes <= bound, "{allocations:?} for {sent} bytes");
}

#[test]
fn a_query_is_refused_in_bounded_memory_up_to_its_limits_and_at_once_past_them() {
    // The most work for a byte: many parameters, out of order, that must be decoded, encoded anew and sorted.
    let parameters = Query::MAX_PARAMETERS - SIGNED.split('&').count();
    let others: Vec<String> = (0..parameters).rev().map(|number| format!("&{number:03}%c3%a9=")).collect();
    let others = others.concat();
    let room = Target::MAX_BYTES - "/?".len() - SIGNED.len() - others.len();
    let value = "%c3%a9".repeat(room / 6);
    let target = format!("/?{SIGNED}{others}{value}");
    let (reason, allocations) = refuse(&target, &[("host", b"h")]);
    assert_eq!(reason, Reason::SignatureMismatch);
    assert_within(allocations, target.len());

    for (past, expected) in [
        (format!("{target}{}", "a".repeat(Target::MAX_BYTES + 1 - target.len())), Reason::TargetTooLong),
        (format!("/{}?{SIGNED}", "%41".repeat(1024 * 1024)), Reason::TargetTooLong),
    ] {
        let (reason, allocations) = refuse(&past, &[("host", b"h")]);
        assert_eq!(reason, expected);
        assert!(allocations.bytes <= NEXT_TO_NOTHING, "{allocations:?}");
    }

    let (reason, allocations) = refuse(&format!("/?{SIGNED}{}", "&a".repeat(parameters + 1)), &[("host", b"h")]);
    assert_eq!(reason, Reason::TooManyParameters);
    assert_within(allocations, SIGNED.len() + 2 * parameters);
}

#[test]
fn headers_are_refused_in_bounded_memory_up_to_their_limits_and_at_once_past_them() {
    let value = " a".repeat((MAX_HEADER_BYTES - "host".len() - 8 * (MAX_HEADERS - 1)) / 2);
    let names: Vec<String> = (0..MAX_HEADERS - 1).map(|number| format!("x-amz{number:03}")).collect();
    let signed = names.iter().fold("host".to_owned(), |list, name| format!("{list}%3B{name}"));
    let target = format!("/?{}", SIGNED.replace("SignedHeaders=host", &format!("SignedHeaders={signed}")));
    let mut headers: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    headers.push(("host", value.as_bytes()));
    let (reason, allocations) = refuse(&target, &headers);
    assert_eq!(reason, Reason::SignatureMismatch);
    assert_within(allocations, target.len() + MAX_HEADER_BYTES);

    // As many lines of one name, each of which is asked for by each signed name.
    let repeated = vec![("x-amz000", &b"a"[..]); MAX_HEADERS];
    let (reason, allocations) = refuse(&target, &repeated);
    assert_eq!(reason, Reason::SignatureMismatch);
    assert_within(allocations, target.len() + MAX_HEADERS * 9);

    let too_long = "a".repeat(MAX_HEADER_BYTES - "host".len() + 1);
    let too_many: Vec<(&str, &[u8])> = vec![("x-amz-meta-a", b"a"); 100_000];
    for headers in [vec![("host", too_long.as_bytes())], vec![("a", &b""[..]); MAX_HEADERS + 1], too_many] {
        let (reason, allocations) = refuse(&target, &headers);
        assert_eq!(reason, Reason::HeadersTooLarge);
        assert!(allocations.bytes <= NEXT_TO_NOTHING, "{allocations:?}");
    }
}

#[test]
fn lists_and_credentials_of_any_length_are_refused_in_bounded_memory() {
    let long = |from: &str, to: &str| format!("/?{}", SIGNED.replacen(from, to, 1));
    for (target, expected) in [
        (
            long("SignedHeaders=host", &format!("SignedHeaders=host{}", ";a".repeat(10_000))),
            Reason::SignedHeadersMalformed,
        ),
        (long("SignedHeaders=host", &format!("SignedHeaders={}", "a".repeat(20_000))), Reason::HostNotSigned),
        (long("AKID", &"%2F".repeat(9_000)), Reason::CredentialMalformed),
        (long("AKID", &"A".repeat(129)), Reason::CredentialMalformed),
        (long("Expires=300", &format!("Expires={}", "9".repeat(20_000))), Reason::ExpiresTooLong),
        (long("Signature=00", &format!("Signature={}", "0".repeat(20_000))), Reason::SignatureMismatch),
        (long("AWS4-HMAC-SHA256", &"A".repeat(20_000)), Reason::Algorithm),
    ] {
        let (reason, allocations) = refuse(&target, &[("host", b"h")]);
        assert_eq!(reason, expected, "{}", &target[..200.min(target.len())]);
        assert_within(allocations, target.len());
    }

    let long = "A".repeat(MAX_HEADER_BYTES - "authorization".len() - "AWS4-HMAC-SHA256 ".len());
    for value in [
        format!("AWS4-HMAC-SHA256 {long}"),
        format!("AWS4-HMAC-SHA256 {}", ",".repeat(long.len())),
        format!("AWS4-ECDSA-P256-SHA256 {}", ",".repeat(long.len() - 6)),
        format!("AWS {}", ":".repeat(long.len())),
        long.clone(),
    ] {
        let (_, allocations) = refuse("/", &[("authorization", value.as_bytes())]);
        assert_within(allocations, value.len());
    }
}
