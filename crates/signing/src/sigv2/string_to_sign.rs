//! The string to sign of SigV2: six parts, of which the last two have no lines of their own when they are empty.

use super::resource;
use crate::request::{Query, RequestView};
use crate::sigv4::verify::Mechanism;

/// The fourth line, which is also what says where the signature stands.
#[derive(Clone, Copy)]
pub(crate) enum When<'a> {
    /// A signed URL: the end of its life, as it was sent.
    Expires(&'a str),
    /// A signed request: its `Date`; empty where there is an `x-amz-date`, which is then signed among its kind.
    Date(&'a [u8]),
}

/// `VERB \n Content-MD5 \n Content-Type \n When \n` and then the `x-amz-*` headers, one to a line, and the resource.
///
/// `bucket_of_host` is the bucket of a virtual-hosted request, which is signed as if it stood in the path.
pub(crate) fn string_to_sign(
    request: &RequestView<'_>,
    query: &Query,
    bucket_of_host: Option<&str>,
    when: When<'_>,
) -> Vec<u8> {
    let fields = Fields::of(request, query);
    let raw_path = request.target.split('?').next().unwrap_or_default();
    let mut out = Vec::with_capacity(256 + request.target.len());
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    for name in ["content-md5", "content-type"] {
        fields.push_value(&mut out, name);
        out.push(b'\n');
    }
    match when {
        When::Expires(seconds) => out.extend_from_slice(seconds.as_bytes()),
        When::Date(value) => push_unfolded(&mut out, value),
    }
    out.push(b'\n');
    fields.push_amz_headers(&mut out);
    resource::push(&mut out, bucket_of_host, raw_path, query);
    out
}

/// The names of the headers that are signed, lower-case and sorted, between semicolons as SigV4 lists them.
pub(crate) fn signed_headers(request: &RequestView<'_>, mechanism: Mechanism) -> String {
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let is_date = |name: &str| name == "date" && mechanism == Mechanism::Header;
    let mut names: Vec<String> = names.filter(|name| is_signed(name) || is_date(name)).collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().any(|name| name == "x-amz-date") {
        // Then the line of the date is empty.
        names.retain(|name| name != "date");
    }
    names.join(";")
}

/// Headers, and the parameters that count as headers: lower-case names, sorted; equal names as they arrived.
struct Fields<'a>(Vec<(String, &'a [u8])>);

impl<'a> Fields<'a> {
    fn of(request: &RequestView<'a>, query: &'a Query) -> Self {
        let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value));
        // botocore moves them into the query when it presigns. A header that did arrive goes before. They count with an
        // `Authorization` header, too: S3 honours some of them there, and what is honoured should be signed.
        let parameters = query.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes()));
        let mut fields: Vec<(String, &[u8])> = headers.chain(parameters).filter(|(name, _)| is_signed(name)).collect();
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(fields)
    }

    /// What a field says, if there is one. Clients repeat in a header what botocore put into the query, which says it
    /// once. Of two values both are signed, as those of an `x-amz-*` are: else one of them would be nobody's word.
    fn push_value(&self, out: &mut Vec<u8>, name: &str) {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| *value);
        let Some(first) = values.next() else { return };
        push_unfolded(out, first);
        for other in values.filter(|other| other.trim_ascii() != first.trim_ascii()) {
            out.push(b',');
            push_unfolded(out, other);
        }
    }

    /// `name:value,value\n` of each `x-amz-*`.
    fn push_amz_headers(&self, out: &mut Vec<u8>) {
        for lines in self.0.chunk_by(|(one, _), (other, _)| one == other) {
            let name = lines[0].0.as_str();
            if !name.starts_with(AMZ_PREFIX) {
                continue;
            }
            out.extend_from_slice(name.as_bytes());
            for (index, (_, value)) in lines.iter().enumerate() {
                out.push(if index == 0 { b':' } else { b',' });
                push_unfolded(out, value);
            }
            out.push(b'\n');
        }
    }
}

const AMZ_PREFIX: &str = "x-amz-";

/// A parameter counts only where its name could be that of a header (RFC 9110 section 5.1). Decoded it may have a `:` and a
/// line end, with which one parameter would sign as several headers that never came.
fn is_signed(lower_case_name: &str) -> bool {
    let is_token = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    (lower_case_name.starts_with(AMZ_PREFIX) && is_token(lower_case_name))
        || matches!(lower_case_name, "content-md5" | "content-type")
}

/// Appends a value without the blanks around it, and with one space for each fold: no value makes a line of its own.
fn push_unfolded(out: &mut Vec<u8>, value: &[u8]) {
    let is_fold = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut pieces = value.split(is_fold).map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty());
    if let Some(first) = pieces.next() {
        out.extend_from_slice(first);
    }
    for piece in pieces {
        out.push(b' ');
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Target;

    fn string(method: &str, target: &str, headers: &[(&str, &str)], bucket: Option<&str>, when: When<'_>) -> String {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let query = Target::parse(target).unwrap().query().clone();
        let request = RequestView { method, target, headers: &headers };
        String::from_utf8(string_to_sign(&request, &query, bucket, when)).unwrap()
    }

    #[test]
    fn a_signed_url_signs_its_end_and_its_resource() {
        let target = "/photos/puppy.jpg?AWSAccessKeyId=A&Expires=1175139620&Signature=s&prefix=p";
        let headers = [("Host", "johnsmith.s3.amazonaws.com"), ("Range", "bytes=0-1"), ("Date", "ignored")];
        let when = When::Expires("1175139620");
        assert_eq!(
            string("GET", target, &headers, Some("johnsmith"), when),
            "GET\n\n\n1175139620\n/johnsmith/photos/puppy.jpg"
        );
        assert_eq!(string("HEAD", "/b/k", &[], None, when), "HEAD\n\n\n1175139620\n/b/k");
    }

    #[test]
    fn amazon_headers_are_sorted_joined_and_unfolded() {
        let headers = [
            ("X-Amz-Meta-Username", "fred"),
            ("content-type", " text/plain "),
            ("x-amz-meta-long", "one\r\n   two  three "),
            ("X-AMZ-META-USERNAME", "barney"),
            ("Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="),
            ("x-amz-acl", "public-read"),
            ("x-amzn-trace-id", "r"),
        ];
        let expected = "PUT\n4gJE4saaMU4BqNR0kLY+lw==\ntext/plain\nTue, 27 Mar 2007 21:06:08 +0000\n\
                        x-amz-acl:public-read\nx-amz-meta-long:one two  three\nx-amz-meta-username:fred,barney\n/b/k";
        assert_eq!(string("PUT", "/b/k", &headers, None, When::Date(b"Tue, 27 Mar 2007 21:06:08 +0000")), expected);
    }

    #[test]
    fn parameters_count_as_headers() {
        let target = "/b/k?X-Amz-Acl=private&content-type=text%2Fplain&x-amz-meta-a=1%0A2&content-md5=m";
        let expected = "PUT\nm\ntext/plain\n9\nx-amz-acl:private\nx-amz-meta-a:1 2\n/b/k";
        assert_eq!(string("PUT", target, &[], None, When::Expires("9")), expected);
        let with_header = [("Content-Type", "text/html"), ("x-amz-acl", "public-read")];
        let expected = "PUT\nm\ntext/html,text/plain\n9\nx-amz-acl:public-read,private\nx-amz-meta-a:1 2\n/b/k";
        assert_eq!(string("PUT", target, &with_header, None, When::Expires("9")), expected);
        let expected = "PUT\nm\ntext/plain\n\nx-amz-acl:private\nx-amz-meta-a:1 2\n/b/k";
        assert_eq!(string("PUT", target, &[], None, When::Date(b"")), expected);
    }
}
