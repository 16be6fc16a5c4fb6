//! URLs that AWS's SDK for Python signed (`botocore.signers.CloudFrontSigner`, written by `botocore_urls.py` beside this file).
//! RSA signatures repeat, so ours have to be the same, byte for byte.

use gatepass_signing::cloudfront::{ContentUrl, CustomPolicy, HashAlgorithm, IpRange, Policy, Resource, Signer};

use crate::support::{Arrival, at, epoch, rsa, rsa_id};

#[test]
fn our_urls_are_botocore_s() {
    let (key, id) = (rsa(), rsa_id());
    let mut cases = 0;
    for line in include_str!("botocore.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [url, hash, resource, expires, start, range, expected] = fields[..] else { panic!("{line}") };
        let url = ContentUrl::parse(url).unwrap();
        let expires: u64 = expires.parse().unwrap();
        let policy = if resource == "-" {
            Policy::canned(&url, epoch(expires)).unwrap()
        } else {
            let mut policy = CustomPolicy::new(Resource::parse(resource).unwrap(), epoch(expires));
            if start != "-" {
                policy = policy.not_before(epoch(start.parse().unwrap())).unwrap();
            }
            if range != "-" {
                policy = policy.ip_range(IpRange::parse(range).unwrap());
            }
            policy.into()
        };
        let hash = if hash == "SHA1" { HashAlgorithm::Sha1 } else { HashAlgorithm::Sha256 };
        let signed = Signer::new(&key, &id).hash_algorithm(hash).sign_url(&url, &policy).unwrap();
        assert_eq!(signed.expose(), expected);
        let verified = Arrival::of(expected).verify_at(at(expires.cast_signed() - 1)).unwrap();
        assert_eq!(verified.policy(), &policy);
        cases += 1;
    }
    assert_eq!(cases, 14);
}
