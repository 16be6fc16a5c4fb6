//! CloudFront's URLs, made and checked. What they are measured against is the bare signature: AWS-LC's own, over the same
//! policy, with a key that was prepared beforehand. Everything around it should hardly be seen.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, VerificationAlgorithm,
};
use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
use gatepass_signing::cloudfront::{
    ContentUrl, CustomPolicy, EpochTime, IpRange, KeyPairId, Policy, PrivateKey, Resource, Scheme, Signer,
};
use jiff::Timestamp;

use crate::harness::{interleaved, record};

const HOST: &str = "d111111abcdef8.cloudfront.net";
const URL: &str = "https://d111111abcdef8.cloudfront.net/2026/11/some%20folder/a%20photo%20%281%29.jpg";
const EXPIRES: u64 = 1_790_000_000;
const RSA: &str = include_str!("../../tests/keys/rsa2048.pkcs8.pem");
const P256: &str = include_str!("../../tests/keys/p256.pkcs8.pem");

/// Signs a message with AWS-LC and nothing around it.
type Primitive = Box<dyn Fn(&[u8]) -> Vec<u8>>;

pub(crate) fn run() {
    let der = |pem| pem::parse(pem).expect("a key").into_contents();
    let pair = rsa::KeyPair::from_pkcs8(&der(RSA)).expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let sign: Primitive = Box::new(move |message| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("a signature");
        signature
    });
    contest("rsa", RSA, &sign, &RSA_PKCS1_2048_8192_SHA256, &public);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der(P256)).expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let sign: Primitive =
        Box::new(move |message| pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec());
    contest("p256", P256, &sign, &ECDSA_P256_SHA256_ASN1, &public);
}

fn contest(
    name: &'static str,
    pem: &str,
    primitive: &Primitive,
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
) {
    let key = PrivateKey::from_pem(pem).expect("a key");
    let id = KeyPairId::new("K2JCJMDEHXQW5F").expect("an id");
    let keys = KeyGroup::new().with(id.clone(), key.public_key());
    let prepared = ParsedPublicKey::new(algorithm, public).expect("a key");
    let signer = Signer::new(&key, &id);
    let now = Timestamp::from_second(EXPIRES.cast_signed() - 60).expect("a second of this century");

    // From the texts that a backend has to the text that it hands out, for both kinds of policy.
    let canned = || {
        let url = ContentUrl::parse(URL).expect("a URL");
        let expires = EpochTime::from_secs(EXPIRES).expect("a moment");
        let policy = Policy::canned(&url, expires).expect("no wildcard");
        signer.sign_url(&url, &policy).expect("a signature").into_exposed()
    };
    let custom = || {
        let url = ContentUrl::parse(URL).expect("a URL");
        let expires = EpochTime::from_secs(EXPIRES).expect("a moment");
        let resource = Resource::parse("https://d111111abcdef8.cloudfront.net/2026/*").expect("a pattern");
        let range = IpRange::parse("192.0.2.0/24").expect("a range");
        let policy = Policy::from(CustomPolicy::new(resource, expires).ip_range(range));
        signer.sign_url(&url, &policy).expect("a signature").into_exposed()
    };
    let url = ContentUrl::parse(URL).expect("a URL");
    let expires = EpochTime::from_secs(EXPIRES).expect("a moment");
    let message = Policy::canned(&url, expires).expect("no wildcard").to_json();
    let mut bare = || primitive(message.as_bytes()).len();
    let figures = interleaved(
        &format!("cloudfront_{name}"),
        &mut [("canned", &mut || canned().len()), ("custom", &mut || custom().len()), ("primitive", &mut bare)],
    );
    record(&format!("cloudfront_{name}_over_primitive"), figures.ratio("canned", "primitive"));
    record(&format!("cloudfront_{name}_custom_over_primitive"), figures.ratio("custom", "primitive"));

    let check = |signed: &str| {
        let request = Request {
            scheme: Scheme::Https,
            host: HOST,
            target: signed
                .strip_prefix("https://")
                .and_then(|rest| rest.strip_prefix(HOST))
                .expect("the URL begins so"),
            cookies: &[],
            viewer: "192.0.2.7".parse().expect("an address"),
        };
        verify(&request, &[&keys], now).expect("the URL is ours").origin_target().len()
    };
    let (signed_canned, signed_custom) = (canned(), custom());
    let signature = primitive(message.as_bytes());
    let figures = interleaved(
        &format!("cloudfront_verify_{name}"),
        &mut [
            ("canned", &mut || check(&signed_canned)),
            ("custom", &mut || check(&signed_custom)),
            ("primitive", &mut || usize::from(prepared.verify_sig(message.as_bytes(), &signature).is_ok())),
        ],
    );
    record(&format!("cloudfront_verify_{name}_over_primitive"), figures.ratio("canned", "primitive"));
    record(&format!("cloudfront_verify_{name}_custom_over_primitive"), figures.ratio("custom", "primitive"));
}
