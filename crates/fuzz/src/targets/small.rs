//! Targets, moments, endpoints, keys and file names.

use std::fmt::Write as _;

use gatepass_signing::address::{Address, AddressError, AddressingStyle, Endpoint};
use gatepass_signing::disposition::ContentDisposition;
use gatepass_signing::encode;
use gatepass_signing::request::Target as RequestTarget;
use gatepass_signing::time::AmzDate;
use jiff::Timestamp;

use super::{Target, Verdict, texts};

/// What was read is read again from what is written of it.
pub(super) const REQUEST_TARGET: Target = Target {
    name: "request_target",
    check: |input| {
        let raw = String::from_utf8_lossy(input);
        let target = match RequestTarget::parse(&raw) {
            Ok(target) => target,
            Err(error) => return Verdict::refused(&error),
        };
        let mut again = String::new();
        encode::path(target.path(), &mut again);
        for (index, (name, value)) in target.query().iter().enumerate() {
            again.push(if index == 0 { '?' } else { '&' });
            encode::component(name, &mut again);
            again.push('=');
            encode::component(value, &mut again);
        }
        if again.len() <= RequestTarget::MAX_BYTES {
            assert_eq!(RequestTarget::parse(&again), Ok(target), "{again}");
        }
        Verdict::accepted()
    },
    words: &[
        "%2F", "%2e%2e", "/../", "//", "%00", "%c0%af", "%C3%A9", "%25", "?", "&&", "=", "+", "%2B", "é", ";", "#",
    ],
    seeds: || texts(&["/", "/bucket/a/../b//c?x=1&y", "/%62ucket/%C3%A9?a=%2B+&a=b=c&&;", "/k?versionId=null"]),
};

/// What is read is written the same.
pub(super) const AMZ_DATE: Target = Target {
    name: "amz_date",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let Some(date) = AmzDate::parse(&text) else { return Verdict::refused(&"no date") };
        assert_eq!(date.as_str(), text);
        // Nothing is signed before 1970.
        if date.timestamp() >= Timestamp::UNIX_EPOCH {
            assert_eq!(AmzDate::new(date.timestamp()), date);
        }
        Verdict::accepted()
    },
    words: &["T", "Z", "00", "24", "60", "0229", "9999", "0000", "1231"],
    seeds: || texts(&["20130524T000000Z", "20240229T235959Z", "00010101T000000Z", "99991231T235959Z"]),
};

/// What is read is written in one form, which reads the same.
pub(super) const ENDPOINT: Target = Target {
    name: "endpoint",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        match Endpoint::parse(&text) {
            Ok(endpoint) => {
                assert_eq!(Endpoint::parse(&endpoint.to_string()), Ok(endpoint.clone()));
                let clean = |byte: u8| byte.is_ascii_graphic() && !b"/?#@".contains(&byte);
                assert!(endpoint.authority().bytes().all(clean), "{endpoint}");
                Verdict::accepted_as(&endpoint.scheme())
            }
            Err(error) => Verdict::refused(&error),
        }
    },
    words: &[
        "http://", "https://", "HTTP://", ":80", ":443", ":65535", ":65536", "[::1]", "[", "]", "@", "/", "?", "#",
    ],
    seeds: || {
        texts(&["http://127.0.0.1:9000", "https://s3.eu-central-1.amazonaws.com/", "http://[::1]:80", "https://h:443"])
    },
};

/// The path of a key decodes to the key, whatever it is.
pub(super) const OBJECT_KEY: Target = Target {
    name: "object_key",
    check: |input| {
        let key = String::from_utf8_lossy(input);
        let endpoint = Endpoint::parse("http://store.test:9000").expect("an endpoint");
        let path = |style| Address::object(&endpoint, style, "bucket", &key).map(|address| address.path().to_owned());
        match (path(AddressingStyle::Path), path(AddressingStyle::VirtualHost)) {
            (Ok(in_path), Ok(in_host)) => {
                let decoded = |path: &str| RequestTarget::parse(path).expect("an encoded path").path().to_owned();
                assert_eq!(decoded(&in_path), format!("/bucket/{key}"));
                assert_eq!(decoded(&in_host), format!("/{key}"));
                Verdict::accepted()
            }
            (in_path, in_host) => {
                let refusal: AddressError = in_path.expect_err("both styles take the same keys");
                assert_eq!(Err(refusal), in_host);
                Verdict::refused(&refusal)
            }
        }
    },
    words: &["/", "..", "%2e", "?", "#", "é", "\u{301}", "\u{1f600}", "\0", "\r\n", "+", " ", "~"],
    seeds: || texts(&["a", "a b/../é+~.txt", "//", "2026/11/23/photo 1.jpg"]),
};

/// Whatever the file is called, the header is one line of visible ASCII, and its quotes close.
pub(super) const DISPOSITION: Target = Target {
    name: "disposition",
    check: |input| {
        let name = String::from_utf8_lossy(input);
        let header = ContentDisposition::attachment(&name);
        let value = header.as_str();
        assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{value:?}");
        assert_eq!(value.bytes().filter(|byte| *byte == b'"').count(), if name.is_empty() { 0 } else { 2 }, "{value}");
        assert!(!value.contains('\\') && !value.contains('/'), "{value}");
        let mut inline = String::new();
        write!(inline, "{}", ContentDisposition::inline(&name)).expect("a string takes everything");
        assert_eq!(inline.strip_prefix("inline"), value.strip_prefix("attachment"));
        // A name that needs the extended form is the nearest that this has to a refusal.
        if value.contains("filename*") { Verdict::refused(&"extended") } else { Verdict::accepted() }
    },
    words: &["\"", "\\", "\r\n", "../", "\u{202e}", "é", "%", ";", "=", "''"],
    seeds: || texts(&["", "report.pdf", "a\"b\\c.txt", "naïve \u{202e}gpj.exe"]),
};
