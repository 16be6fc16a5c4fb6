//! What an object carries beside its content: the headers that are stored with it and sent back.

use std::collections::BTreeMap;

use http::HeaderMap;

use gatepass_signing::request::Query;

use super::error::S3Error;

/// The most user metadata, names and values together, in bytes ("Working with object metadata").
pub const USER_METADATA_MAX: usize = 2 * 1024;
/// The prefix of user metadata.
pub const USER_METADATA_PREFIX: &str = "x-amz-meta-";
/// The content type of an object that was stored without one.
pub const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The stored headers of an object. Every text is a legal header value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectHeaders {
    /// `Content-Type`; where it is missing, [`DEFAULT_CONTENT_TYPE`] is sent.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding` without `aws-chunked`, which is a matter of the upload.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, as it was sent.
    pub expires: Option<String>,
    /// User metadata: names in lower case, without the prefix.
    pub metadata: BTreeMap<String, String>,
}

impl ObjectHeaders {
    /// Reads the headers of an upload or copy. User metadata is taken from the query too, because presigners move it
    /// there and S3 honours it; the same name in a header wins.
    pub fn from_request(headers: &HeaderMap, query: &Query) -> Result<Self, S3Error> {
        Ok(Self {
            content_type: text(headers, "content-type")?.filter(|value| !value.is_empty()),
            cache_control: text(headers, "cache-control")?,
            content_disposition: text(headers, "content-disposition")?,
            content_encoding: text(headers, "content-encoding")?.and_then(|value| without_aws_chunked(&value)),
            content_language: text(headers, "content-language")?,
            expires: text(headers, "expires")?,
            metadata: user_metadata(headers, query)?,
        })
    }

    /// The headers to send with the object, in lower case, user metadata with its prefix.
    pub fn to_headers(&self) -> Vec<(String, String)> {
        let system = [
            ("content-type", Some(self.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE))),
            ("cache-control", self.cache_control.as_deref()),
            ("content-disposition", self.content_disposition.as_deref()),
            ("content-encoding", self.content_encoding.as_deref()),
            ("content-language", self.content_language.as_deref()),
            ("expires", self.expires.as_deref()),
        ];
        let system = system.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let user = self.metadata.iter().map(|(name, value)| (format!("{USER_METADATA_PREFIX}{name}"), value.clone()));
        system.chain(user).collect()
    }
}

/// A header's value as text. Several lines of one header join with commas (RFC 9110 §5.3).
fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, S3Error> {
    let mut joined: Option<String> = None;
    for value in headers.get_all(name) {
        // UTF-8 is kept as it came, which is what today's clients send and expect.
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| S3Error::invalid_argument("Header value cannot be represented using UTF-8.", name, ""))?;
        match &mut joined {
            Some(joined) => {
                joined.push(',');
                joined.push_str(value.trim());
            }
            None => joined = Some(value.trim().to_owned()),
        }
    }
    Ok(joined)
}

/// What does not name the coding of an upload stays as it was sent.
fn without_aws_chunked(value: &str) -> Option<String> {
    let is_of_upload = |coding: &str| coding.trim().eq_ignore_ascii_case("aws-chunked");
    if !value.split(',').any(is_of_upload) {
        return (!value.trim().is_empty()).then(|| value.to_owned());
    }
    let rest: Vec<&str> = value
        .split(',')
        .filter(|coding| !is_of_upload(coding))
        .map(str::trim)
        .filter(|coding| !coding.is_empty())
        .collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

fn user_metadata(headers: &HeaderMap, query: &Query) -> Result<BTreeMap<String, String>, S3Error> {
    let mut metadata = BTreeMap::new();
    for (name, value) in query.iter() {
        let name = name.to_ascii_lowercase();
        let Some(suffix) = name.strip_prefix(USER_METADATA_PREFIX) else { continue };
        // From the query both can hold what no header can; from here on they are headers.
        if http::HeaderName::try_from(&name).is_err() || http::HeaderValue::try_from(value).is_err() {
            return Err(S3Error::invalid_argument("The metadata cannot be sent as a header.", &name, value));
        }
        metadata.insert(suffix.to_owned(), value.trim().to_owned());
    }
    for name in headers.keys() {
        let Some(suffix) = name.as_str().strip_prefix(USER_METADATA_PREFIX) else { continue };
        metadata.insert(suffix.to_owned(), text(headers, name.as_str())?.unwrap_or_default());
    }
    if metadata.contains_key("") {
        return Err(S3Error::invalid_argument("The metadata has no name.", USER_METADATA_PREFIX, ""));
    }
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > USER_METADATA_MAX {
        return Err(S3Error::metadata_too_large(size, USER_METADATA_MAX));
    }
    Ok(metadata)
}

/// The `response-*` parameters of GetObject and HeadObject: they replace stored headers in this one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseOverrides {
    values: Vec<(&'static str, String)>,
}

impl ResponseOverrides {
    const PARAMETERS: [(&'static str, &'static str); 6] = [
        ("response-content-type", "content-type"),
        ("response-content-language", "content-language"),
        ("response-expires", "expires"),
        ("response-cache-control", "cache-control"),
        ("response-content-disposition", "content-disposition"),
        ("response-content-encoding", "content-encoding"),
    ];

    /// Reads the parameters. A value that no header can carry (CR, LF, other controls) or that Latin-1 lacks is
    /// refused: anything else would let a URL write further headers.
    pub fn from_query(query: &Query) -> Result<Self, S3Error> {
        let mut values = Vec::new();
        for (parameter, header) in Self::PARAMETERS {
            let Some(value) = query.get(parameter) else { continue };
            let is_latin1 = value.chars().all(|character| u32::from(character) <= 0xff);
            if !is_latin1 || http::HeaderValue::try_from(value).is_err() {
                return Err(S3Error::invalid_argument(
                    "Header value cannot be represented using ISO-8859-1.",
                    parameter,
                    value,
                ));
            }
            values.push((header, value.to_owned()));
        }
        Ok(Self { values })
    }

    /// Whether there is none. Anonymous requests may have none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Lower-case header names and their values for this answer.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Replaces what the overrides name in a list of headers, or adds it.
    pub fn apply(&self, headers: &mut Vec<(String, String)>) {
        for (name, value) in self.iter() {
            headers.retain(|(other, _)| other != name);
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// 400 for an anonymous request that has overrides.
    pub fn refused_for_anonymous() -> S3Error {
        S3Error::invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_utf_8_stays_as_it_was_sent() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-meta-name", http::HeaderValue::from_bytes("caf\u{e9}".as_bytes()).unwrap());
        assert_eq!(text(&headers, "x-amz-meta-name").unwrap().as_deref(), Some("caf\u{e9}"));
    }

    #[test]
    fn a_content_encoding_stays_as_it_was_sent_without_the_coding_of_the_upload() {
        for (sent, kept) in [
            ("gzip", Some("gzip")),
            ("deflate, gzip", Some("deflate, gzip")),
            ("aws-chunked", None),
            ("AWS-chunked, aws-chunked", None),
            ("aws-chunked, deflate, gzip", Some("deflate,gzip")),
            ("gzip,aws-chunked", Some("gzip")),
            ("", None),
        ] {
            assert_eq!(without_aws_chunked(sent).as_deref(), kept, "{sent}");
        }
    }
}
