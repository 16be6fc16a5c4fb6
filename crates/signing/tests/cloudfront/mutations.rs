//! Anybody on the way may change any byte: either all that was signed stays as it was, or the viewer is refused.

use gatepass_signing::cloudfront::verify::{Presented, parse};
use gatepass_signing::cloudfront::{ContentUrl, CustomPolicy, HashAlgorithm, Policy, PrivateKey, Resource, Signer};

use crate::support::{Arrival, EXPIRES, epoch, p256, p256_id, rsa, rsa_id};

const URL: &str = "https://h.example/a%20b/../c//d?size=1&x";

/// What a request stands on. A changed request that keeps all of it is the same request.
fn essence(arrival: &Arrival) -> Option<(String, Vec<u8>, String)> {
    match arrival.view(parse).ok()? {
        Presented::Unsigned => None,
        Presented::Url(claim) | Presented::Cookies(claim) => {
            Some((claim.url().to_owned(), claim.expose_signed_text().to_vec(), claim.key_pair_id().to_owned()))
        }
    }
}

fn assert_every_flip_is_refused(original: &Arrival) {
    assert!(original.verify().is_ok());
    let essence_before = essence(original).unwrap();
    let mut flips = 0;
    let mut check = |mutated: &Arrival| {
        flips += 1;
        // There is no second spelling: base64 has one, numbers have one, the URL counts as it travels.
        if mutated.verify().is_ok() {
            assert_eq!(essence(mutated).unwrap(), essence_before, "{}", mutated.target);
            panic!("another spelling is taken: {}{} {:?}", mutated.host, mutated.target, mutated.cookies);
        }
    };
    let flipped = |text: &str, position: usize, bit: u32| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[position] ^= 1 << bit;
        String::from_utf8(bytes).ok()
    };
    for bit in 0..8 {
        for position in 0..original.target.len() {
            if let Some(target) = flipped(&original.target, position, bit) {
                check(&Arrival { target, ..original.clone() });
            }
        }
        for position in 0..original.host.len() {
            if let Some(host) = flipped(&original.host, position, bit) {
                check(&Arrival { host, ..original.clone() });
            }
        }
        for (index, cookie) in original.cookies.iter().enumerate() {
            for position in 0..cookie.len() {
                if let Some(changed) = flipped(cookie, position, bit) {
                    let mut mutated = original.clone();
                    mutated.cookies[index] = changed;
                    check(&mutated);
                }
            }
        }
    }
    assert!(flips > 1000);
}

fn policies() -> [Policy; 2] {
    let url = ContentUrl::parse(URL).unwrap();
    let exact = Resource::parse(&URL.replace('?', r"\?")).unwrap();
    [Policy::canned(&url, epoch(EXPIRES)).unwrap(), CustomPolicy::new(exact, epoch(EXPIRES)).into()]
}

fn assert_urls_and_cookies(key: &PrivateKey, hash: HashAlgorithm) {
    let id =
        if matches!(key.key_type(), gatepass_signing::cloudfront::KeyType::Rsa2048) { rsa_id() } else { p256_id() };
    let signer = Signer::new(key, &id).hash_algorithm(hash);
    for policy in policies() {
        let signed = signer.sign_url(&ContentUrl::parse(URL).unwrap(), &policy).unwrap();
        assert_every_flip_is_refused(&Arrival::of(signed.expose()));
        let mut arrival = Arrival::of(URL);
        for (name, value) in signer.sign_cookies(&policy).unwrap().expose() {
            arrival = arrival.with_cookies(&format!("{name}={value}"));
        }
        assert_every_flip_is_refused(&arrival);
    }
}

#[test]
fn no_bit_of_an_rsa_signed_request_can_be_flipped() {
    assert_urls_and_cookies(&rsa(), HashAlgorithm::Sha256);
    assert_urls_and_cookies(&rsa(), HashAlgorithm::Sha1);
}

#[test]
fn no_bit_of_an_ecdsa_signed_request_can_be_flipped() {
    assert_urls_and_cookies(&p256(), HashAlgorithm::Sha256);
    assert_urls_and_cookies(&p256(), HashAlgorithm::Sha1);
}
