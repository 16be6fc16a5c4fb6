//! Forged RSA signatures that careless verifiers take (Bleichenbacher 2006 and its kin), written by `forgeries.py` beside
//! this file with a key whose public exponent is 3.

use gatepass_signing::cloudfront::KeyPairId;
use gatepass_signing::cloudfront::PublicKey;
use gatepass_signing::cloudfront::verify::{KeyGroup, Reason, verify};

use crate::support::{Arrival, base64, now};

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn attack_25_padding_is_forged() {
    let key = PublicKey::from_pem(include_str!("../keys/rsa2048.exponent3.public.pem")).unwrap();
    let keys = KeyGroup::new().with(KeyPairId::new("KTHREE").unwrap(), key);
    let mut seen = Vec::new();
    for line in include_str!("forgeries.txt").lines() {
        let [name, hash, signature] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let suffix = if hash == "SHA256" { "&Hash-Algorithm=SHA256" } else { "" };
        let signature = base64(&unhex(signature));
        let url = format!("https://h.example/a?Expires=1790000000&Signature={signature}&Key-Pair-Id=KTHREE{suffix}");
        let outcome = Arrival::of(&url).view(|request| verify(request, &[&keys], now()));
        let expected = (name != "genuine").then_some(Reason::SignatureMismatch);
        assert_eq!(outcome.err().map(|refusal| refusal.reason()), expected, "{name} over {hash}");
        seen.push(name);
    }
    assert_eq!(seen.len(), 2 * 8);
}
