//! Forms as they arrive: what is found does not depend on how the body was cut, and every bound holds.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::post_form::{AFTER_FILE_MAX, Boundary, FieldReader, MAX_FORM_BYTES, MAX_PART_HEADERS};
use gatepass_signing::post_policy::verify::{self, PostPresented, Upload};
use gatepass_signing::sigv4::Region;
use gatepass_signing::sigv4::verify::{Expectations, Service};
use http::HeaderMap;
use proptest::prelude::*;

fn boundary(text: &str) -> Boundary {
    let value = format!("multipart/form-data; boundary={text}").parse().unwrap();
    Boundary::from_headers(&HeaderMap::from_iter([(http::header::CONTENT_TYPE, value)])).unwrap()
}

fn field(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\n\r\n{content}")
}

/// Key and content of a form, read in pieces.
fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<(Upload, Vec<u8>), S3Error> {
    let mut fields = Some(FieldReader::new(&boundary("b"), "bkt"));
    let mut open = None;
    let mut content = Vec::new();
    for mut piece in pieces {
        if let Some(reader) = &mut fields {
            let Some(before) = reader.push(piece)? else { continue };
            piece = &piece[before..];
            let reader = fields.take().expect("it is there");
            open = Some(reader.finish()?);
        }
        let Some((_, file)) = &mut open else { continue };
        while let Some(bytes) = file.next(&mut piece)? {
            assert!(!bytes.is_empty());
            content.extend_from_slice(bytes);
        }
    }
    if let Some(reader) = fields {
        reader.finish()?;
        unreachable!("a file that has begun was taken above");
    }
    let (form, file) = open.expect("the fields have ended");
    file.finish()?;
    let expectations = Expectations::new(Region::new("us-east-1").unwrap(), Service::S3);
    match verify::parse(&form, &expectations, "2026-01-01T00:00:00Z".parse().unwrap())? {
        PostPresented::Anonymous(upload) => Ok((upload, content)),
        PostPresented::Signed(_) => panic!("nothing is signed here"),
    }
}

fn outcome<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<(String, Vec<u8>), String> {
    let found = read(pieces).map(|(upload, content)| (format!("{upload:?}"), content));
    found.map_err(|error| error.to_string())
}

fn whole(body: &str) -> Result<(String, String), &'static str> {
    let found = read([body.as_bytes()]).map_err(|error| error.code().as_str())?;
    Ok((found.0.key().to_owned(), String::from_utf8(found.1).unwrap()))
}

fn stored(key: &str, content: &str) -> (String, String) {
    (key.to_owned(), content.to_owned())
}

#[test]
fn a_form_is_fields_and_a_file() {
    let key = field("key", "a/${filename}");
    assert_eq!(whole(&(key.clone() + &file("content\r\n--b--\r\n"))), Ok(stored("a/cat.png", "content")));
    assert_eq!(whole(&(key.clone() + &file("content\r\n--b--"))), Ok(stored("a/cat.png", "content")));
    assert_eq!(whole(&(key.clone() + &file("\r\n--b--"))), Ok(stored("a/cat.png", "")));
    assert_eq!(whole(&("preamble\r\n".to_owned() + &key + &file("\r\n--b--epilogue"))), Ok(stored("a/cat.png", "")));
    assert_eq!(whole(&(field("key", "") + &file("\r\n--b--"))), Err("InvalidArgument"));
}

#[test]
fn what_only_looks_like_a_boundary_is_content() {
    for content in [
        "\r",
        "\r\n",
        "\r\n-",
        "\r\n--",
        "\r\n--c",
        "\r\n--B",
        "\r\n--bb",
        "\r\n--b-",
        "\r\n--b-\r",
        "\r\n--b\r",
        "\r\n--b ",
        "\r\r\n\r\n--b\r\r",
        "--b--",
        "\n--b--",
        "\r\n--b\n",
        "\r\n--b\r\r\n--b-a",
    ] {
        let body = field("key", "k") + &file(&format!("{content}\r\n--b--"));
        assert_eq!(whole(&body), Ok(stored("k", content)), "{content:?}");
        let body = field("key", "k") + &field("x-ignore-me", content) + &file("c\r\n--b--");
        assert_eq!(whole(&body), Ok(stored("k", "c")), "{content:?}");
    }
}

#[test]
fn what_comes_after_the_file_is_ignored_but_the_form_must_end() {
    let form = field("key", "k") + &file("c\r\n");
    assert_eq!(whole(&(form.clone() + &field("key", "other") + "--b--")), Ok(stored("k", "c")));
    assert_eq!(whole(&(form.clone() + &field("key", "other"))), Err("MalformedPOSTRequest"));
    let after = |bytes: usize| whole(&(form.clone() + "--b--" + &"x".repeat(bytes)));
    assert_eq!(after(AFTER_FILE_MAX), Ok(stored("k", "c")));
    assert_eq!(after(AFTER_FILE_MAX + 1), Err("MalformedPOSTRequest"));
    let file_first = file("c\r\n") + &field("key", "k") + "--b--";
    assert_eq!(whole(&file_first), Err("InvalidArgument"));
}

#[test]
fn a_form_that_is_cut_short_is_none() {
    let body = field("key", "k") + &field("content-type", "") + &file("content\r\n--b--");
    for end in 0..body.len() {
        assert_eq!(whole(&body[..end]), Err("MalformedPOSTRequest"), "{:?}", &body[..end]);
    }
    assert_eq!(whole(&body), Ok(stored("k", "content")));
}

#[test]
fn a_form_without_a_file_or_with_a_broken_head_is_refused() {
    let no_file = field("key", "k") + "--b--\r\n";
    let error = read([no_file.as_bytes()]).unwrap_err();
    assert_eq!((error.code().as_str(), error.element("ArgumentName")), ("InvalidArgument", Some("file")));
    for body in ["--b\r\n\r\nvalue\r\n--b--", "--b\r\nContent-Type: a/b\r\n\r\nvalue\r\n--b--"] {
        assert_eq!(whole(body), Err("MalformedPOSTRequest"), "{body:?}");
    }
    let lines = |count: usize| {
        let head = "x: y\r\n".repeat(count - 1);
        field("key", "k") + "--b\r\n" + &head + "Content-Disposition: form-data; name=\"file\"\r\n\r\nc\r\n--b--"
    };
    assert_eq!(whole(&lines(MAX_PART_HEADERS)), Ok(stored("k", "c")));
    assert_eq!(whole(&lines(MAX_PART_HEADERS + 1)), Err("MalformedPOSTRequest"));
}

#[test]
fn everything_before_the_file_is_bounded() {
    let with = |filler: usize| field("key", "k") + &field("x-ignore-me", &"x".repeat(filler)) + &file("");
    let room = MAX_FORM_BYTES - with(0).len();
    assert_eq!(whole(&(with(room) + "\r\n--b--")), Ok(stored("k", "")));
    assert_eq!(whole(&(with(room + 1) + "\r\n--b--")), Err("MaxPostPreDataLengthExceeded"));
    for endless in
        ["x".repeat(MAX_FORM_BYTES + 1), "\r\n--b".repeat(MAX_FORM_BYTES), field("x-ignore-a", "").repeat(1000)]
    {
        let mut reader = FieldReader::new(&boundary("b"), "bkt");
        let refused = endless.as_bytes().chunks(7).map(|piece| reader.push(piece)).find_map(Result::err);
        assert_eq!(refused.unwrap().code().as_str(), "MaxPostPreDataLengthExceeded");
    }
}

/// Pieces of bodies that are near to what they should be.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        field("key", "k"),
        field("x-amz-meta-a", "1"),
        field("x-ignore-a", "\r\n--bb\r\n-"),
        file("some content"),
        "\r\n--b".to_owned(),
        "--b".to_owned(),
        "\r\n--b--".to_owned(),
        "\r\n".to_owned(),
        "\r".to_owned(),
        "--".to_owned(),
        "\r\n--b\r".to_owned(),
        "\u{0}é".to_owned(),
        "Content-Disposition: form-data; name=\"file\"\r\n\r\n".to_owned(),
    ]);
    let random = proptest::collection::vec(pieces, 0..12);
    (any::<bool>(), random).prop_map(|(is_form, pieces)| {
        let begin = if is_form { field("key", "k") + &file("") } else { String::new() };
        (begin + &pieces.concat()).into_bytes()
    })
}

proptest! {
    #[test]
    fn no_cut_changes_what_a_form_says(body in bodies(), cuts in proptest::collection::vec(1_usize..40, 1..60)) {
        let expected = outcome([body.as_slice()]);
        prop_assert_eq!(outcome(body.chunks(1)), expected.clone());
        let mut rest = body.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        pieces.push(rest);
        prop_assert_eq!(outcome(pieces), expected);
    }

    #[test]
    fn any_content_comes_through(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assume!(!content.windows(5).any(|window| window == b"\r\n--b"));
        let head = field("key", "k") + &file("");
        let body = [head.as_bytes(), &content, b"\r\n--b--"].concat();
        let found = read(body.chunks(13)).unwrap();
        prop_assert_eq!(found.1, content);
    }
}
