//! What a browser gets when its file is stored.

use std::fmt::Write as _;

use gatepass_signing::encode;

use crate::s3::names::{BucketName, Etag, ObjectKey};
use crate::s3::xml::writer::XmlWriter;

/// The document of status 201.
pub fn post_response(location: &str, bucket: &BucketName, key: &ObjectKey, etag: &Etag) -> String {
    let mut xml = XmlWriter::without_namespace("PostResponse");
    xml.text("Location", location);
    xml.text("Bucket", bucket.as_str());
    xml.text("Key", key.as_str());
    xml.text("ETag", &etag.quoted());
    xml.finish()
}

/// Where the browser goes: `url` with `bucket`, `key` and `etag` added to its query, the tag in its quotation marks.
///
/// `url` is one that [`AfterUpload::Redirect`](gatepass_signing::post_policy::verify::AfterUpload) holds. What a URL
/// does not have as it is (RFC 3986 §2) is percent-encoded, so the result is a header whatever the form said.
pub fn redirect_location(url: &str, bucket: &BucketName, key: &ObjectKey, etag: &Etag) -> String {
    let (before, fragment) = url.split_once('#').map_or((url, None), |(before, fragment)| (before, Some(fragment)));
    let mut location = String::with_capacity(url.len() + key.as_str().len() + 128);
    push_visible(&mut location, before);
    for (name, value) in [("bucket", bucket.as_str()), ("key", key.as_str()), ("etag", &etag.quoted())] {
        if location.contains('?') {
            if !location.ends_with(['?', '&']) {
                location.push('&');
            }
        } else {
            location.push('?');
        }
        location.push_str(name);
        location.push('=');
        encode::component(value, &mut location);
    }
    if let Some(fragment) = fragment {
        location.push('#');
        push_visible(&mut location, fragment);
    }
    location
}

fn push_visible(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str, key: &str) -> String {
        let (bucket, key) = (BucketName::parse("bkt").unwrap(), ObjectKey::parse(key).unwrap());
        redirect_location(url, &bucket, &key, &Etag::parse("0abc").unwrap())
    }

    #[test]
    fn a_redirect_names_bucket_key_and_tag() {
        let added = "bucket=bkt&key=a%2Fb%20%C3%A9%26.png&etag=%220abc%22";
        let key = "a/b é&.png";
        assert_eq!(location("http://h", key), format!("http://h?{added}"));
        assert_eq!(location("http://h/done", key), format!("http://h/done?{added}"));
        assert_eq!(location("http://h/done?", key), format!("http://h/done?{added}"));
        assert_eq!(location("http://h/done?a=b", key), format!("http://h/done?a=b&{added}"));
        assert_eq!(location("http://h/done?a=b#c?d", key), format!("http://h/done?a=b&{added}#c?d"));
    }

    #[test]
    fn a_redirect_is_a_header_whatever_the_form_said() {
        let added = "bucket=bkt&key=k%0D%0ASet-Cookie%3A%20a&etag=%220abc%22";
        let found = location("http://h/é \"<#é", "k\r\nSet-Cookie: a");
        assert_eq!(found, format!("http://h/%C3%A9%20%22%3C?{added}#%C3%A9"));
    }

    #[test]
    fn the_document_names_location_bucket_key_and_tag() {
        let (bucket, key) = (BucketName::parse("bkt").unwrap(), ObjectKey::parse("a&b").unwrap());
        assert_eq!(
            post_response("http://h/bkt/a%26b", &bucket, &key, &Etag::parse("0abc").unwrap()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>http://h/bkt/a%26b</Location>\
             <Bucket>bkt</Bucket><Key>a&amp;b</Key><ETag>&quot;0abc&quot;</ETag></PostResponse>"
        );
    }
}
