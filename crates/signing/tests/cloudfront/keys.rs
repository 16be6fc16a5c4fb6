//! Keys from PEM: which are taken, and what is said of the others.

use gatepass_signing::cloudfront::key::MAX_PEM_BYTES;
use gatepass_signing::cloudfront::{KeyError, KeyPairId, KeyType, PrivateKey, PublicKey};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../keys/", $name, ".pem"))
    };
}

#[test]
fn private_keys_come_as_pkcs1_pkcs8_and_sec1() {
    for (pem, public, key_type) in [
        (pem!("rsa2048.pkcs1"), pem!("rsa2048.public"), KeyType::Rsa2048),
        (pem!("rsa2048.pkcs8"), pem!("rsa2048.public"), KeyType::Rsa2048),
        (pem!("p256.sec1"), pem!("p256.public"), KeyType::EcdsaP256),
        (pem!("p256.pkcs8"), pem!("p256.public"), KeyType::EcdsaP256),
    ] {
        for pem in [pem.to_owned(), pem.replace('\n', "\r\n"), format!("a comment\n{pem}")] {
            let key = PrivateKey::from_pem(&pem).unwrap();
            assert_eq!(key.key_type(), key_type);
            let public_key = PublicKey::from_pem(public).unwrap();
            assert_eq!(key.public_key(), public_key);
            assert_eq!(public_key.key_type(), key_type);
            assert_eq!(public_key.to_pem(), public);
        }
    }
}

#[test]
fn a_key_that_is_not_taken_is_told_why() {
    let two = [pem!("rsa2048.pkcs8"), pem!("p256.pkcs8")].concat();
    let truncated = &pem!("rsa2048.pkcs1")[..400];
    let foreign = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n";
    let damaged = "-----BEGIN PRIVATE KEY-----\nbm90IERFUg==\n-----END PRIVATE KEY-----\n";
    for (pem, error) in [
        (pem!("rsa2048.encrypted-pkcs8"), KeyError::Encrypted),
        (pem!("rsa2048.encrypted-legacy"), KeyError::Encrypted),
        (pem!("p256.encrypted-legacy"), KeyError::Encrypted),
        (pem!("rsa2048.public"), KeyError::NotPrivate),
        (pem!("rsa1024.pkcs1"), KeyError::RsaSize),
        (pem!("rsa1024.pkcs8"), KeyError::RsaSize),
        (pem!("rsa4096.pkcs8"), KeyError::RsaSize),
        (pem!("p384.sec1"), KeyError::Curve),
        (pem!("p384.pkcs8"), KeyError::Curve),
        (pem!("ed25519.pkcs8"), KeyError::Algorithm),
        (two.as_str(), KeyError::SeveralKeys),
        (truncated, KeyError::NotPem),
        (foreign, KeyError::Format),
        (damaged, KeyError::Malformed),
        ("", KeyError::NotPem),
        ("K2JCJMDEHXQW5F", KeyError::NotPem),
    ] {
        assert_eq!(PrivateKey::from_pem(pem).unwrap_err(), error, "{pem:.40}");
    }
    for (pem, error) in [
        (pem!("rsa2048.pkcs8"), KeyError::NotPublic),
        (pem!("p256.sec1"), KeyError::NotPublic),
        (pem!("rsa2048.encrypted-pkcs8"), KeyError::NotPublic),
        (pem!("rsa1024.public"), KeyError::RsaSize),
        (pem!("rsa4096.public"), KeyError::RsaSize),
        (pem!("p384.public"), KeyError::Curve),
        (pem!("ed25519.public"), KeyError::Algorithm),
        ("", KeyError::NotPem),
    ] {
        assert_eq!(PublicKey::from_pem(pem).unwrap_err(), error, "{pem:.40}");
    }
}

#[test]
fn an_encrypted_key_is_told_how_to_be_decrypted() {
    let error = PrivateKey::from_pem(pem!("rsa2048.encrypted-pkcs8")).unwrap_err();
    assert!(error.to_string().contains("encrypted") && error.to_string().contains("openssl pkey"));
}

#[test]
fn a_damaged_key_is_refused_wherever_the_damage_is() {
    for pem in [pem!("rsa2048.pkcs8"), pem!("p256.pkcs8")] {
        let block = pem::parse(pem).unwrap();
        let der = block.contents();
        for cut in [1, 8, 40, der.len() / 2, der.len() - 1] {
            let cut = pem::encode(&pem::Pem::new(block.tag(), &der[..cut]));
            assert!(PrivateKey::from_pem(&cut).is_err());
        }
    }
}

#[test]
fn the_text_of_a_key_is_bounded() {
    let key = pem!("p256.pkcs8");
    let padded = |bytes: usize| format!("{}{key}", "\n".repeat(bytes - key.len()));
    assert!(PrivateKey::from_pem(&padded(MAX_PEM_BYTES)).is_ok());
    assert_eq!(PrivateKey::from_pem(&padded(MAX_PEM_BYTES + 1)).unwrap_err(), KeyError::TooLong);
    assert_eq!(PublicKey::from_pem(&padded(MAX_PEM_BYTES + 1)).unwrap_err(), KeyError::TooLong);
}

#[test]
fn a_private_key_does_not_print() {
    assert_eq!(
        format!("{:?}", PrivateKey::from_pem(pem!("rsa2048.pkcs1")).unwrap()),
        "PrivateKey(Rsa2048, [redacted])"
    );
    assert_eq!(format!("{:?}", PrivateKey::from_pem(pem!("p256.sec1")).unwrap()), "PrivateKey(EcdsaP256, [redacted])");
}

#[test]
fn a_key_pair_id_is_letters_and_digits() {
    let longest = "K".repeat(KeyPairId::MAX_BYTES);
    for good in ["K2JCJMDEHXQW5F", "APKAEIBAERJR2EXAMPLE", longest.as_str()] {
        assert_eq!(KeyPairId::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "K 1", "K&Policy=", "K;", "Ké", format!("{longest}K").as_str()] {
        assert!(KeyPairId::new(bad).is_err(), "{bad}");
    }
}
