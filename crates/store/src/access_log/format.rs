//! How a line is written.

use std::fmt::{self, Write as _};

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_signing::encode;
use serde_json::json;

use super::entry::Entry;

/// The format of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// The fields of "Amazon S3 server access log format" (Amazon S3 User Guide), in its order.
    S3,
    /// The same fields as JSON, with names.
    Json,
}

impl AccessLogFormat {
    pub(super) fn line(self, entry: &Entry) -> String {
        match self {
            Self::S3 => S3Line(entry).to_string(),
            Self::Json => json_line(entry),
        }
    }
}

struct S3Line<'e>(&'e Entry);

impl fmt::Display for S3Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0;
        let time = entry.time.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let key = entry.key.as_deref().map(|key| {
            let mut encoded = String::new();
            encode::path(key, &mut encoded);
            encoded
        });
        write!(formatter, "{} {} [{time}] ", ROOT_ACCOUNT.canonical_user_id(), Bare(entry.bucket.as_deref()))?;
        write!(formatter, "{} {} ", entry.remote_ip, Bare(entry.requester.as_deref()))?;
        write!(formatter, "{} {} {} ", entry.request_id, entry.operation, Bare(key.as_deref()))?;
        write!(formatter, "{} {} ", Quoted(Some(&entry.request_uri)), entry.status)?;
        write!(formatter, "{} {} ", Bare(entry.error), Count(Some(entry.bytes_sent).filter(|bytes| *bytes > 0)))?;
        write!(formatter, "{} {} ", Count(entry.object_size), entry.total.as_millis())?;
        write!(formatter, "{} ", entry.turn_around.as_millis())?;
        write!(formatter, "{} {} ", Quoted(entry.referer.as_deref()), Quoted(entry.user_agent.as_deref()))?;
        write!(formatter, "{} {} ", Bare(entry.version_id.as_deref()), entry.host_id)?;
        write!(formatter, "{} {} ", Bare(entry.signature_version), Bare(entry.cipher_suite))?;
        write!(formatter, "{} {} ", Bare(entry.authentication_type), Bare(entry.host.as_deref()))?;
        // There are no access points, and no access control lists that could be required.
        write!(formatter, "{} - -", Bare(entry.tls_version))
    }
}

/// A field between spaces; `-` for nothing.
struct Bare<'t>(Option<&'t str>);

impl fmt::Display for Bare<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None | Some("") => formatter.write_char('-'),
            // A bracket would begin a field like that of the time.
            Some(text) => escape(formatter, text, |byte| matches!(byte, b' ' | b'[' | b']')),
        }
    }
}

/// A field between quotes; `"-"` for nothing.
struct Quoted<'t>(Option<&'t str>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        match self.0 {
            None | Some("") => formatter.write_char('-')?,
            Some(text) => escape(formatter, text, |_| false)?,
        }
        formatter.write_char('"')
    }
}

struct Count(Option<u64>);

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => formatter.write_char('-'),
            Some(count) => write!(formatter, "{count}"),
        }
    }
}

/// What could end a field or a line, or means something to a reader that knows backslashes, is percent-encoded.
fn escape(formatter: &mut fmt::Formatter<'_>, text: &str, is_special: impl Fn(u8) -> bool) -> fmt::Result {
    for byte in text.bytes() {
        if !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\' || is_special(byte) {
            write!(formatter, "%{byte:02X}")?;
        } else {
            formatter.write_char(char::from(byte))?;
        }
    }
    Ok(())
}

fn json_line(entry: &Entry) -> String {
    let milliseconds = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({
        "bucket_owner": ROOT_ACCOUNT.canonical_user_id(),
        "bucket": entry.bucket,
        "time": entry.time,
        "remote_ip": entry.remote_ip,
        "requester": entry.requester,
        "request_id": entry.request_id,
        "operation": entry.operation,
        "key": entry.key,
        "request_uri": entry.request_uri,
        "http_status": entry.status,
        "error_code": entry.error,
        "bytes_sent": entry.bytes_sent,
        "object_size": entry.object_size,
        "total_time_ms": milliseconds(entry.total),
        "turn_around_time_ms": milliseconds(entry.turn_around),
        "referer": entry.referer,
        "user_agent": entry.user_agent,
        "version_id": entry.version_id,
        "host_id": entry.host_id,
        "signature_version": entry.signature_version,
        "cipher_suite": entry.cipher_suite,
        "authentication_type": entry.authentication_type,
        "host_header": entry.host,
        "tls_version": entry.tls_version,
        "access_point_arn": null,
        "acl_required": null,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_fields_of_s3_in_their_order() {
        let owner = ROOT_ACCOUNT.canonical_user_id();
        let expected = format!(
            "{owner} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 {owner} 3E57427F3EXAMPLE \
             REST.GET.OBJECT photos/a%20b.jpg \
             \"GET /amzn-s3-demo-bucket1/photos/a%20b.jpg?versioning&X-Amz-Signature=REDACTED HTTP/1.1\" 200 - 113 113 7 6 \
             \"https://page.test/?Signature=REDACTED\" \"S3Console/0.4\" v1 \
             s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= \
             SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - -"
        );
        assert_eq!(AccessLogFormat::S3.line(&Entry::example()), expected);
    }

    /// The fields of a line, as a reader of such logs splits them.
    fn fields(line: &str) -> Vec<String> {
        let (mut fields, mut rest) = (Vec::new(), line);
        while !rest.is_empty() {
            let (end, skip) = match rest.as_bytes()[0] {
                b'"' => (rest[1..].find('"').unwrap() + 2, 1),
                b'[' => (rest.find(']').unwrap() + 1, 1),
                _ => (rest.find(' ').unwrap_or(rest.len()), 1),
            };
            fields.push(rest[..end].to_owned());
            rest = rest.get(end + skip..).unwrap_or("");
        }
        fields
    }

    #[test]
    fn nothing_that_a_client_sends_adds_a_field_or_a_line() {
        for text in ["\" 200 - \"", "a\r\nb", "x\\", "é \u{0}\u{1b}[31m", "[", "", "-"] {
            let line = AccessLogFormat::S3.line(&Entry::hostile(text));
            assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line:?}");
            assert_eq!(fields(&line).len(), 26, "{line}");
            let line = AccessLogFormat::Json.line(&Entry::hostile(text));
            let document: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((document["key"].as_str(), line.lines().count()), (Some(text), 1));
        }
    }
}
