//! What is signed, in three shapes, the same for every contestant.

use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::sigv4::Region;
use jiff::Timestamp;

pub(crate) const ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ENDPOINT: &str = "https://s3.eu-central-1.amazonaws.com";
pub(crate) const BUCKET: &str = "photos";
pub(crate) const HOST: &str = "photos.s3.eu-central-1.amazonaws.com";
/// 50 bytes, seven of them to be encoded.
pub(crate) const KEY: &str = "2026/11/some folder/a photo of a sea again (1).jpg";
/// 73 bytes.
pub(crate) const DISPOSITION: &str = "attachment; filename=\"a photo of the sea, taken in an evening (100).jpeg\"";
pub(crate) const LIFETIME_SECONDS: u64 = 3600;

/// The moment of every signature, and its text.
pub(crate) const SECOND: i64 = 1_790_000_000;
pub(crate) const DATE: &str = "20260921T141320Z";
pub(crate) const DAY: &str = "20260921";

/// What is added to the plain URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing.
    Plain,
    /// `response-content-disposition`.
    Disposition,
    /// The same, signed with temporary credentials.
    Token,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Disposition, Self::Token];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Shape::Plain => "plain",
            Shape::Disposition => "disposition",
            Shape::Token => "token",
        }
    }

    pub(crate) fn disposition(self) -> Option<&'static str> {
        (self != Shape::Plain).then_some(DISPOSITION)
    }

    /// 800 characters of base64, as AWS's tokens are.
    pub(crate) fn token(self) -> Option<String> {
        (self == Shape::Token).then(|| {
            const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let mut state = 1_u32;
            let mut digit = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(DIGITS[(state >> 26) as usize])
            };
            (0..800).map(|_| digit()).collect()
        })
    }

    pub(crate) fn credentials(self) -> Credentials {
        let id = AccessKeyId::new(ID).expect("an access key id");
        let secret = SecretKey::new(SECRET).expect("a secret");
        match self.token() {
            Some(token) => Credentials::temporary(id, secret, SessionToken::new(token).expect("a token"), None),
            None => Credentials::long_term(id, secret),
        }
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(SECOND).expect("a second of this century")
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::parse(ENDPOINT).expect("an endpoint")
}

pub(crate) fn region() -> Region {
    Region::new(REGION).expect("a region")
}
