//! What a signature that does not match becomes: the verifier's side of it, so that a client can find the difference.

use std::fmt::Write as _;

use gatepass_signing::sigv4::verify::Mismatch;

use super::{ErrorCode, S3Error};

pub(super) const BAD_SIGNATURE: &str =
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
/// What stands where a session token would.
const REDACTED: &str = "[redacted]";

pub(super) fn signature_does_not_match(mismatch: &Mismatch) -> S3Error {
    let canonical = mismatch.canonical_request();
    // Both texts hold whatever was signed, and that may be a session token: the client has it, its logs should not.
    let string_to_sign = redact_lines(mismatch.string_to_sign());
    let error = S3Error::new(ErrorCode::SignatureDoesNotMatch, BAD_SIGNATURE)
        .with("AWSAccessKeyId", mismatch.access_key_id())
        .with("StringToSign", string_to_sign.clone())
        .with("SignatureProvided", mismatch.signature_provided())
        .with("StringToSignBytes", spaced_hex(string_to_sign.as_bytes()));
    if canonical.is_empty() {
        // SigV2 has none.
        return error;
    }
    let redacted = redact_token(&String::from_utf8_lossy(canonical));
    let canonical_bytes =
        if redacted.as_bytes() == canonical { spaced_hex(canonical) } else { spaced_hex(redacted.as_bytes()) };
    error.with("CanonicalRequest", redacted).with("CanonicalRequestBytes", canonical_bytes)
}

/// Replaces the session token, in the query line or among the headers of a canonical request.
fn redact_token(canonical: &str) -> String {
    const QUERY_NAME: &str = "X-Amz-Security-Token=";
    let redact_parameter = |line: &str| {
        let parameters = line.split('&').map(|parameter| match parameter.get(..QUERY_NAME.len()) {
            Some(name) if name.eq_ignore_ascii_case(QUERY_NAME) => format!("{name}{REDACTED}"),
            _ => parameter.to_owned(),
        });
        parameters.collect::<Vec<_>>().join("&")
    };
    let redact_line = |(index, line): (usize, &str)| match index {
        // The method, the path, the query; then the headers, one to a line.
        0 | 1 => line.to_owned(),
        2 => redact_parameter(line),
        _ => redact_lines(line),
    };
    canonical.split('\n').enumerate().map(redact_line).collect::<Vec<_>>().join("\n")
}

/// Replaces the session token where it is a header with a line of its own, as in SigV2's string to sign.
fn redact_lines(text: &str) -> String {
    const HEADER_NAME: &str = "x-amz-security-token:";
    let redact = |line: &str| {
        if line.starts_with(HEADER_NAME) { format!("{HEADER_NAME}{REDACTED}") } else { line.to_owned() }
    };
    text.split('\n').map(redact).collect::<Vec<_>>().join("\n")
}

/// Lower-case hexadecimal bytes with single spaces between.
pub(super) fn spaced_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        write!(text, "{space}{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}
