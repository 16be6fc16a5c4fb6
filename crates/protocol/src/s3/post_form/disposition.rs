//! The head of one part: which field it is, or that it is the file.

use crate::s3::error::S3Error;

/// What a part is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A field of this name.
    Field(Vec<u8>),
    /// The file, with the name that the client gives it.
    File(Option<String>),
}

impl Part {
    /// Reads the lines of a head, without the empty one that ends it. Of its headers only `Content-Disposition` counts: the
    /// type of the object is a field, not that of the part (AWS: "POST Object").
    pub(super) fn read(head: &[u8], max_headers: usize) -> Result<Self, S3Error> {
        let mut disposition = None;
        let mut headers = 0;
        for line in lines(head) {
            headers += 1;
            let colon = line.iter().position(|byte| *byte == b':');
            let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
            let (Some(colon), true, false) = (colon, headers <= max_headers, line.iter().any(is_control)) else {
                return Err(S3Error::malformed_post_request());
            };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
                if name.eq_ignore_ascii_case(b"content-disposition") && disposition.replace(value).is_some() {
                    return Err(S3Error::malformed_post_request());
                }
            } else {
                // Blanks before a colon, and lines that continue others.
                return Err(S3Error::malformed_post_request());
            }
        }
        disposition.and_then(from_disposition).ok_or_else(S3Error::malformed_post_request)
    }
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = bytes.windows(2).position(|pair| pair == b"\r\n");
        rest = end.map(|end| &bytes[end + 2..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

/// `form-data; name="…"; filename="…"`. A part with a file name is the file, whatever it is called.
fn from_disposition(value: &[u8]) -> Option<Part> {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    if !value[..end].trim_ascii().eq_ignore_ascii_case(b"form-data") {
        return None;
    }
    let (mut name, mut file_name) = (None, None);
    let mut rest = &value[end..];
    while let Some(after) = rest.strip_prefix(b";") {
        let after = after.trim_ascii_start();
        if after.is_empty() {
            break;
        }
        let equals = after.iter().position(|byte| *byte == b'=')?;
        let (text, left) = parameter_value(after[equals + 1..].trim_ascii_start())?;
        let slot = match after[..equals].trim_ascii().to_ascii_lowercase().as_slice() {
            b"name" => &mut name,
            b"filename" => &mut file_name,
            // `filename*` too: RFC 7578 §4.2 forbids it in forms.
            _ => &mut None,
        };
        if slot.replace(text).is_some() {
            return None;
        }
        rest = left.trim_ascii_start();
    }
    if !rest.is_empty() && rest != b";" {
        return None;
    }
    let name = name?;
    match file_name {
        Some(file_name) => Some(Part::File(Some(String::from_utf8(file_name).ok()?))),
        None if name.eq_ignore_ascii_case(b"file") => Some(Part::File(None)),
        None => Some(Part::Field(name)),
    }
}

/// A token or a quoted string, and what comes after it. Only `\"` is an escape: browsers percent-encode quotation marks
/// (WHATWG: "multipart/form-data encoding algorithm"), others escape them, and old ones send paths with backslashes.
fn parameter_value(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        let end = bytes.iter().position(|byte| *byte == b';').unwrap_or(bytes.len());
        let token = bytes[..end].trim_ascii();
        return (!token.contains(&b'"')).then(|| (token.to_vec(), &bytes[end..]));
    };
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        match quoted.get(at)? {
            b'"' => return Some((text, &quoted[at + 1..])),
            b'\\' if quoted.get(at + 1) == Some(&b'"') => {
                text.push(b'"');
                at += 2;
            }
            byte => {
                text.push(*byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Option<Part> {
        Part::read(head.as_bytes(), 3).ok()
    }

    fn file(name: &str) -> Part {
        Part::File(Some(name.to_owned()))
    }

    #[test]
    fn a_part_is_a_field_or_the_file() {
        let field = |name: &str| Some(Part::Field(name.as_bytes().to_vec()));
        assert_eq!(read("Content-Disposition: form-data; name=\"key\""), field("key"));
        assert_eq!(read("content-disposition:form-data;name=key"), field("key"));
        assert_eq!(
            read("Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"a;b\"; x=y;"),
            field("a;b")
        );
        assert_eq!(read("Content-Disposition: form-data; name=\"File\""), Some(Part::File(None)));
        assert_eq!(read("Content-Disposition: form-data; name=\"photo\"; filename=\"cat.png\""), Some(file("cat.png")));
        assert_eq!(read("Content-Disposition: form-data; filename=\"\"; name=\"file\""), Some(file("")));
        assert_eq!(
            read("Content-Disposition: form-data; name=\"f\"; filename=\"C:\\a\\b.png\""),
            Some(file("C:\\a\\b.png"))
        );
        assert_eq!(read("Content-Disposition: form-data; name=\"f\"; filename=\"a\\\"b%22\""), Some(file("a\"b%22")));
    }

    #[test]
    fn a_head_that_is_none_is_refused() {
        for head in [
            "",
            "Content-Type: text/plain",
            "Content-Disposition: attachment; name=\"a\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; filename=\"a\"",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
            "Content-Disposition: form-data; name=\"a\" b",
            "Content-Disposition: form-data; name=a\"b",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
            "Content-Disposition: form-data;\r\n name=\"a\"",
            "Content-Disposition : form-data; name=\"a\"",
            "Content-Disposition: form-data; name=\"a\nb\"",
            "Content-Disposition: form-data; name=\"a\"; filename=\"a\rb\"",
            ": x",
        ] {
            assert_eq!(read(head), None, "{head:?}");
        }
        let bytes = b"Content-Disposition: form-data; name=\"a\"; filename=\"\xff\"";
        assert!(Part::read(bytes, 3).is_err());
    }

    #[test]
    fn a_head_has_a_bounded_number_of_lines() {
        let head = |more: usize| format!("Content-Disposition: form-data; name=\"a\"{}", "\r\nx: y".repeat(more));
        assert!(read(&head(2)).is_some());
        assert!(read(&head(3)).is_none());
    }
}
