//! The example account of AWS's documentation, and requests as text.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::encode;
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::Region;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;

/// Where the store is.
pub const HOST: &str = "127.0.0.1:9000";
/// Who signs.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// With what.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The last moment of URLs that have no lifetime, an hour from [`now`].
pub const EXPIRES: &str = "1369357200";

/// The moment of every example.
pub fn now() -> Timestamp {
    static PARSED: LazyLock<Timestamp> = LazyLock::new(|| "2013-05-24T00:00:00Z".parse().expect("a moment"));
    *PARSED
}

/// The region of every example.
pub fn region() -> Region {
    Region::new("us-east-1").expect("a region")
}

/// The account.
pub fn credentials() -> Credentials {
    let secret = SecretKey::new(SECRET_KEY).expect("a secret");
    Credentials::long_term(AccessKeyId::new(ACCESS_KEY_ID).expect("an id"), secret)
}

/// `METHOD target`, then `name: value` on each line.
pub struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// Reads any text; what is no header is left out.
    pub fn read(text: &'a str) -> Self {
        let mut lines = text.split('\n');
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
        let header = |line: &'a str| line.split_once(": ").map(|(name, value)| (name, value.as_bytes()));
        Self { method, target, headers: lines.filter_map(header).collect() }
    }

    /// The method.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The target.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// As a verifier sees it.
    pub fn view(&self) -> RequestView<'_> {
        RequestView { method: self.method, target: self.target, headers: &self.headers }
    }
}

/// The text of a request.
pub fn write(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {target}");
    for (name, value) in headers {
        text.extend(["\n", name, ": ", value]);
    }
    text.into_bytes()
}

/// A GET signed with Signature Version 2, which the library checks and does not make.
pub fn signed_with_sigv2(path: &str, sub_resource: &str) -> String {
    let resource = if sub_resource.is_empty() { path.to_owned() } else { format!("{path}?{sub_resource}") };
    let mut signature = String::new();
    encode::component(&sigv2(&format!("GET\n\n\n{EXPIRES}\n{resource}")), &mut signature);
    let and = if sub_resource.is_empty() { "" } else { "&" };
    format!("{path}?{sub_resource}{and}AWSAccessKeyId={ACCESS_KEY_ID}&Expires={EXPIRES}&Signature={signature}")
}

/// The signature of a string to sign: HMAC-SHA1, in Base64.
pub fn sigv2(string_to_sign: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()).expect("HMAC takes a key of any length");
    STANDARD.encode(mac.chain_update(string_to_sign).finalize().into_bytes())
}
