//! What separates the parts of a form.

use http::HeaderMap;
use memchr::memmem::Finder;

use crate::s3::error::{ErrorCode, S3Error};

/// The longest boundary (RFC 2046 §5.1.1).
pub const BOUNDARY_MAX: usize = 70;

const MEDIA_TYPE: &str = "multipart/form-data";

/// The boundary of a form, from its `Content-Type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(Vec<u8>);

impl Boundary {
    /// Whether the request says that it is a form, be it a good one or not.
    pub fn is_announced(headers: &HeaderMap) -> bool {
        let content_type = headers.get("content-type").map(http::HeaderValue::as_bytes).unwrap_or_default();
        content_type.get(..MEDIA_TYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()))
    }

    /// Reads the header. What is no form is 412, as S3 has it, and a form without a usable boundary 400.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        let mut values = headers.get_all("content-type").iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(not_a_form()) };
        let Ok(value) = value.to_str() else { return Err(not_a_form()) };
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        if !essence.trim().eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(not_a_form());
        }
        let mut found = None;
        for parameter in parameters.split(';') {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            if name.trim().eq_ignore_ascii_case("boundary") && found.replace(value.trim()).is_some() {
                // Two readers might take different ones.
                return Err(S3Error::malformed_post_request());
            }
        }
        found.and_then(Self::parse).ok_or_else(S3Error::malformed_post_request)
    }

    /// 1 to [`BOUNDARY_MAX`] of the characters that RFC 2046 has for it, perhaps in quotation marks. None of them is one
    /// that ends a quoted string or a parameter, so nothing is escaped and nothing is cut.
    fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        let bare = text.strip_prefix('"').map_or(Some(text), |rest| rest.strip_suffix('"'))?;
        let fits = (1..=BOUNDARY_MAX).contains(&bare.len()) && bare.bytes().all(legal) && !bare.ends_with(' ');
        fits.then(|| Self(bare.as_bytes().to_vec()))
    }
}

/// A line break and the boundary: what ends a part. It holds one CR, its first byte, so it never overlaps itself.
#[derive(Debug, Clone)]
pub(super) struct Delimiter {
    finder: Finder<'static>,
}

impl Delimiter {
    pub(super) fn of(boundary: &Boundary) -> Self {
        let needle = [b"\r\n--", boundary.0.as_slice()].concat();
        Self { finder: Finder::new(&needle).into_owned() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.finder.needle()
    }

    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        self.finder.find(bytes)
    }
}

fn not_a_form() -> S3Error {
    S3Error::new(ErrorCode::PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
        .with("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<u8>, &'static str> {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, value.parse().unwrap())]);
        Boundary::from_headers(&headers).map(|boundary| boundary.0).map_err(|error| error.code().as_str())
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotation_marks() {
        for value in [
            "multipart/form-data; boundary=a-b'c",
            "Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a-b'c\"",
            "multipart/form-data ; boundary = a-b'c ; x",
        ] {
            assert_eq!(read(value).as_deref(), Ok(b"a-b'c".as_slice()), "{value}");
        }
    }

    #[test]
    fn another_type_is_412_and_a_form_without_a_boundary_400() {
        for value in
            ["application/x-www-form-urlencoded", "", "multipart/form-datax; boundary=a", "multipart/mixed; boundary=a"]
        {
            assert_eq!(read(value), Err("PreconditionFailed"), "{value}");
        }
        assert_eq!(Boundary::from_headers(&HeaderMap::new()).unwrap_err().status(), 412);
        for value in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a*b",
            "multipart/form-data; boundary=\"a \"",
        ] {
            assert_eq!(read(value), Err("MalformedPOSTRequest"), "{value}");
        }
    }

    #[test]
    fn a_boundary_has_at_most_70_characters() {
        let with = |length: usize| read(&format!("multipart/form-data; boundary={}", "b".repeat(length)));
        assert!(with(1).is_ok() && with(70).is_ok());
        assert_eq!(with(71), Err("MalformedPOSTRequest"));
    }
}
