//! CloudFront: URLs, cookies, policies, resources and keys.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
use gatepass_signing::cloudfront::{
    ContentUrl, CustomPolicy, EpochTime, IpRange, KeyPairId, Policy, PrivateKey, PublicKey, Resource, Scheme, Signer,
};

use super::{Target, Verdict, texts};
use crate::example::now;

const HOST: &str = "cdn.example.com";
const P256: &str = include_str!("../../../signing/tests/keys/p256.sec1.pem");
const RSA: &str = include_str!("../../../signing/tests/keys/rsa2048.pkcs8.pem");

/// RSA signs the same text the same way every time, so that a campaign can be repeated.
static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_pem(RSA).expect("a key"));
static ID: LazyLock<KeyPairId> = LazyLock::new(|| KeyPairId::new("K2JCJMDEHXQW5F").expect("an id"));
static GROUP: LazyLock<KeyGroup> = LazyLock::new(|| KeyGroup::new().with(ID.clone(), KEY.public_key()));
static URLS: LazyLock<Vec<String>> = LazyLock::new(signed_urls);

/// A target is let in only where its policy was signed and covers it: the canned one its own URL, the custom one its section.
pub(super) const CLOUDFRONT_URL: Target = Target {
    name: "cloudfront_url",
    check: |input| {
        let target = String::from_utf8_lossy(input);
        check(&target, &[], |url| {
            assert!(
                url == "https://cdn.example.com/a%20film.mp4?size=1" || url.starts_with("https://cdn.example.com/u/1/"),
                "{url}"
            );
        })
    },
    words: &[
        "/u/1/",
        "/u/2/",
        "/../",
        "%2e%2e",
        "%2F",
        "*",
        "?size=1",
        "&Expires=1369357200",
        "&Signature=",
        "&Policy=",
        "&Key-Pair-Id=K2JCJMDEHXQW5F",
        "&Hash-Algorithm=SHA256",
        "&Hash-Algorithm=",
        "_",
        "~",
        "-",
        "&&",
        "/a%20film.mp4",
    ],
    seeds: || {
        URLS.iter()
            .map(|url| url.strip_prefix("https://cdn.example.com").expect("the host").as_bytes().to_vec())
            .collect()
    },
};

/// A first line with the target, then cookies.
pub(super) const CLOUDFRONT_COOKIES: Target = Target {
    name: "cloudfront_cookies",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let (target, cookies) = text.split_once('\n').unwrap_or((&text, ""));
        let lines: Vec<&str> = cookies.split('\n').collect();
        check(target, &lines, |url| assert!(url.starts_with("https://cdn.example.com/u/1/"), "{url}"))
    },
    words: &[
        "CloudFront-Policy=",
        "CloudFront-Signature=",
        "CloudFront-Key-Pair-Id=K2JCJMDEHXQW5F",
        "CloudFront-Expires=1369357200",
        "CloudFront-Hash-Algorithm=SHA256",
        "; ",
        "\"",
        "\n",
        "/u/1/x",
        "/u/12/x",
        "=",
    ],
    seeds: || {
        let signed = Signer::new(&KEY, &ID).sign_cookies(&section()).expect("cookies can be signed");
        let pairs: Vec<String> = signed.expose().map(|(name, value)| format!("{name}={value}")).collect();
        vec![format!("/u/1/x\n{}", pairs.join("; ")).into_bytes()]
    },
};

/// Any policy may be signed: one is signed here as it is, so that everything behind the signature is reached.
pub(super) const CLOUDFRONT_POLICY: Target = Target {
    name: "cloudfront_policy",
    check: |input| {
        let target = format!(
            "/u/1/x?Policy={}&Signature={}&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256",
            cloudfront_base64(input),
            "AAAA"
        );
        let request = request(&target, &[]);
        match gatepass_signing::cloudfront::verify::parse(&request) {
            Ok(gatepass_signing::cloudfront::verify::Presented::Url(claim)) => {
                assert_eq!(claim.expose_signed_text(), input, "what is checked is what was sent");
                let _ = gatepass_signing::cloudfront::lint::lint(claim.policy());
                assert!(claim.verify(&[&GROUP], now()).is_err(), "the signature is no signature");
                Verdict::accepted()
            }
            Ok(_) => Verdict::refused(&"nothing"),
            Err(refusal) => Verdict::refused(&refusal.reason()),
        }
    },
    words: &[
        "{\"Statement\":[{",
        "\"Resource\":\"https://cdn.example.com/u/1/*\"",
        ",\"Condition\":{",
        "\"DateLessThan\":{\"AWS:EpochTime\":1369357200}",
        "\"DateGreaterThan\":{\"AWS:EpochTime\":1}",
        "\"IpAddress\":{\"AWS:SourceIp\":\"192.0.2.0/24\"}",
        "}}]}",
        "\\u002a",
        "null",
        "[",
        "]",
        "1e9",
        "\"1369357200\"",
        "0.0.0.0/0",
        "http*://",
        "?",
    ],
    seeds: || vec![section().to_json().into_bytes(), canned().to_json().into_bytes()],
};

/// A pattern and a URL that it is laid over; a pattern that was read is written the same.
pub(super) const CLOUDFRONT_RESOURCE: Target = Target {
    name: "cloudfront_resource",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        match Resource::parse(&text) {
            Ok(resource) => {
                assert_eq!(resource.as_str(), text);
                let policy = Policy::custom(resource, expires());
                let _ = gatepass_signing::cloudfront::lint::lint(&policy);
                assert!(policy.to_json().contains("DateLessThan"));
                Verdict::accepted()
            }
            Err(error) => Verdict::refused(&error),
        }
    },
    words: &[
        "http*://",
        "https://",
        "*",
        "?",
        "cdn.example.com",
        "/u/1/*",
        "\\",
        "\"",
        "%2F",
        ":8443",
        "[::1]",
        "****",
        "??",
    ],
    seeds: || texts(&["https://cdn.example.com/u/1/*", "http*://*.example.com/*?size=?", "*", "https://h/a\\b"]),
};

/// URLs, ranges of addresses and moments that were read are written the same.
pub(super) const CLOUDFRONT_CONTENT: Target = Target {
    name: "cloudfront_content",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(range) = IpRange::parse(&text) {
            assert_eq!(IpRange::parse(&range.to_string()), Ok(range));
        }
        let _ = KeyPairId::new(text.as_ref());
        match ContentUrl::parse(&text) {
            Ok(url) => {
                assert_eq!(url.as_str(), text);
                if let Ok(policy) = Policy::canned(&url, expires()) {
                    assert!(policy.to_json().contains("\"Resource\":\""));
                }
                Verdict::accepted()
            }
            Err(error) => Verdict::refused(&error),
        }
    },
    words: &[
        "https://",
        "http://",
        "cdn.example.com",
        ":443",
        "/",
        "?a=b",
        "#",
        "%41",
        "%",
        "*",
        "&Policy=",
        "&Expires=1",
        "192.0.2.0/24",
        "/32",
    ],
    seeds: || texts(&["https://cdn.example.com/a%20b?c=d", "http://h:8080/", "192.0.2.0/24"]),
};

/// A key that was read has a public half that is written and read again.
pub(super) const PEM: Target = Target {
    name: "pem",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let public = PublicKey::from_pem(&text);
        if let Ok(public) = &public {
            let again = PublicKey::from_pem(&public.to_pem()).expect("what was written can be read");
            assert_eq!(again.to_pem(), public.to_pem());
        }
        match PrivateKey::from_pem(&text) {
            Ok(key) => {
                assert_eq!(key.public_key().key_type(), key.key_type());
                Verdict::accepted_as(&key.key_type())
            }
            Err(_) if public.is_ok() => Verdict::accepted_as(&"public"),
            Err(error) => Verdict::refused(&error),
        }
    },
    words: &[
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        "Proc-Type: 4,ENCRYPTED\n",
        "DEK-Info: AES-128-CBC,00\n",
        "\r\n",
        "=",
    ],
    seeds: || {
        let public = KEY.public_key().to_pem();
        texts(&[P256, RSA, &public, include_str!("../../../signing/tests/keys/rsa2048.encrypted-pkcs8.pem")])
    },
};

fn check(target: &str, cookies: &[&str], property: impl Fn(&str)) -> Verdict {
    match verify(&request(target, cookies), &[&GROUP], now()) {
        Ok(verified) => {
            property(verified.url());
            let query = verified.origin_target().split_once('?').map_or("", |(_, query)| query);
            assert!(!query.split('&').any(|parameter| parameter.starts_with("Key-Pair-Id=")), "{query}");
            Verdict::accepted_as(&verified.mechanism())
        }
        Err(refusal) => Verdict::refused(&refusal.reason()),
    }
}

fn request<'a>(target: &'a str, cookies: &'a [&'a str]) -> Request<'a> {
    Request { scheme: Scheme::Https, host: HOST, target, cookies, viewer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)) }
}

fn expires() -> EpochTime {
    EpochTime::from_secs(1_369_357_200).expect("a moment")
}

fn canned() -> Policy {
    Policy::canned(&content("https://cdn.example.com/a%20film.mp4?size=1"), expires()).expect("a policy")
}

fn section() -> Policy {
    let policy = CustomPolicy::new(Resource::parse("https://cdn.example.com/u/1/*").expect("a pattern"), expires());
    policy.ip_range(IpRange::parse("192.0.2.0/24").expect("a range")).into()
}

fn content(url: &str) -> ContentUrl {
    ContentUrl::parse(url).expect("a URL")
}

fn signed_urls() -> Vec<String> {
    let signer = Signer::new(&KEY, &ID);
    [("https://cdn.example.com/a%20film.mp4?size=1", canned()), ("https://cdn.example.com/u/1/x", section())]
        .into_iter()
        .map(|(url, policy)| signer.sign_url(&content(url), &policy).expect("the URL can be signed").into_exposed())
        .collect()
}

/// Base64 with `-_~` for `+=/`.
fn cloudfront_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}
