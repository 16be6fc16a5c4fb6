//! Checksums and conditions.

use gatepass_protocol::s3::checksum::{
    BodyIntegrity, Checksum, ChecksumAlgorithm, ChecksumHasher, ChecksumType, DeclaredChecksum,
};
use gatepass_protocol::s3::conditional::{DeleteCondition, IfRange, Preconditions, ReadOutcome, WriteCondition};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{Etag, ObjectKey};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()))
        .collect()
}

#[test]
fn check_values_of_the_catalogues_are_computed() {
    for (algorithm, expected) in [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Crc32c, "4waSgw=="),
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (ChecksumAlgorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        (
            ChecksumAlgorithm::Sha512,
            "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
        ),
        (ChecksumAlgorithm::Md5, "JfnnlDI7RTiF9RgfG2JNCw=="),
        // As the C library of their author has them.
        (ChecksumAlgorithm::XxHash64, "jLhB20DmroM="),
        (ChecksumAlgorithm::XxHash3, "ctyxi2ehff8="),
        (ChecksumAlgorithm::XxHash128, "MxGUd+3l3NXpcWQnaB1YYA=="),
    ] {
        let checksum = Checksum::of(algorithm, b"123456789");
        assert_eq!(checksum.to_text(), expected, "{}", algorithm.as_str());
        assert_eq!(Checksum::parse(algorithm, expected), Some(checksum));
    }
}

#[test]
fn a_composite_checksum_is_that_of_the_parts_checksums() {
    let parts = [Checksum::of(ChecksumAlgorithm::Sha256, b"one"), Checksum::of(ChecksumAlgorithm::Sha256, b"two")];
    let composite = Checksum::composite(ChecksumAlgorithm::Sha256, &parts).unwrap();
    let digests = [parts[0].digest(), parts[1].digest()].concat();
    let expected = Checksum::of(ChecksumAlgorithm::Sha256, &digests).to_text();
    assert_eq!(composite.to_text(), format!("{expected}-2"));
    assert_eq!(composite.checksum_type(), ChecksumType::Composite);
    assert_eq!(Checksum::parse(ChecksumAlgorithm::Sha256, &composite.to_text()), Some(composite));
    assert_eq!(Checksum::composite(ChecksumAlgorithm::Crc32, &parts), None);
    assert_eq!(Checksum::combine(ChecksumAlgorithm::Sha256, parts.iter().map(|part| (part, 3))), None);
}

proptest! {
    #[test]
    fn the_crcs_of_parts_combine_to_that_of_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..6)) {
        for algorithm in [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme] {
            let checksums: Vec<_> = parts.iter().map(|part| (Checksum::of(algorithm, part), part.len() as u64)).collect();
            let combined = Checksum::combine(algorithm, checksums.iter().map(|(checksum, length)| (checksum, *length)));
            prop_assert_eq!(combined, Some(Checksum::of(algorithm, &parts.concat())));
        }
    }

    #[test]
    fn pieces_hash_like_the_whole(content in proptest::collection::vec(any::<u8>(), 0..100), at in 0_usize..100) {
        let (start, end) = content.split_at(at.min(content.len()));
        for algorithm in ChecksumAlgorithm::ALL {
            let mut hasher = ChecksumHasher::new(algorithm);
            hasher.update(start);
            hasher.update(end);
            prop_assert_eq!(hasher.finish(), Checksum::of(algorithm, &content));
        }
    }

    #[test]
    fn no_checksum_text_panics(text in ".{0,40}") {
        for algorithm in ChecksumAlgorithm::ALL {
            let _ = Checksum::parse(algorithm, &text);
        }
    }
}

#[test]
fn a_body_with_another_digest_is_refused() {
    let integrity = BodyIntegrity::from_headers(&headers(&[("x-amz-checksum-crc32", "y/Q5Jg==")])).unwrap();
    assert_eq!(integrity.check_body(b"123456789"), Ok(()));
    let error = integrity.check_body(b"123456780").unwrap_err();
    assert_eq!((error.status(), error.code().as_str()), (400, "BadDigest"));
    assert_eq!(error.message(), "The CRC32 you specified did not match the calculated checksum.");

    let md5 = BodyIntegrity::from_headers(&headers(&[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")])).unwrap();
    assert_eq!(md5.check_body(b""), Ok(()));
    let error = md5.check_body(b"x").unwrap_err();
    assert_eq!(error.elements()[0].0, "CalculatedDigest");
    assert_eq!(error.element("ExpectedDigest"), Some("1B2M2Y8AsgTpgAmY7PhCfg=="));
}

#[test]
fn a_trailer_must_bring_what_was_announced() {
    let declared = DeclaredChecksum::Trailer(ChecksumAlgorithm::Crc32);
    let computed = Checksum::of(ChecksumAlgorithm::Crc32, b"123456789");
    let check = |trailer: Option<&'static str>| {
        declared
            .check(&computed, |name| trailer.filter(|_| name == "x-amz-checksum-crc32"))
            .map_err(|error| error.code().as_str())
    };
    assert_eq!(check(Some("y/Q5Jg==")), Ok(()));
    assert_eq!(check(Some("AAAAAA==")), Err("BadDigest"));
    assert_eq!(check(Some("AA")), Err("InvalidRequest"));
    assert_eq!(check(None), Err("MalformedTrailerError"));
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn reads_follow_the_order_of_rfc_9110() {
    let etag = Etag::parse("abc").unwrap();
    let modified = at("2026-01-10T00:00:00.750Z");
    let now = at("2026-02-01T00:00:00Z");
    let (before, same, after) =
        ("Fri, 09 Jan 2026 00:00:00 GMT", "Sat, 10 Jan 2026 00:00:00 GMT", "Sun, 11 Jan 2026 00:00:00 GMT");
    let future = "Sun, 01 Mar 2026 00:00:00 GMT";
    let failed = ReadOutcome::Failed;
    let table: &[(&[(&str, &str)], ReadOutcome)] = &[
        (&[], ReadOutcome::Proceed),
        (&[("if-match", "\"abc\"")], ReadOutcome::Proceed),
        (&[("if-match", "*")], ReadOutcome::Proceed),
        (&[("if-match", "\"x\", \"abc\"")], ReadOutcome::Proceed),
        (&[("if-match", "\"x\"")], failed("If-Match")),
        (&[("if-match", "W/\"abc\"")], failed("If-Match")),
        (&[("if-none-match", "\"abc\"")], ReadOutcome::NotModified),
        (&[("if-none-match", "W/\"abc\"")], ReadOutcome::NotModified),
        (&[("if-none-match", "*")], ReadOutcome::NotModified),
        (&[("if-none-match", "\"x\"")], ReadOutcome::Proceed),
        (&[("if-modified-since", before)], ReadOutcome::Proceed),
        (&[("if-modified-since", same)], ReadOutcome::NotModified),
        (&[("if-modified-since", after)], ReadOutcome::NotModified),
        (&[("if-modified-since", future)], ReadOutcome::Proceed),
        (&[("if-modified-since", "2026-01-11T00:00:00Z")], ReadOutcome::NotModified),
        (&[("if-modified-since", "nonsense")], ReadOutcome::Proceed),
        (&[("if-unmodified-since", before)], failed("If-Unmodified-Since")),
        (&[("if-unmodified-since", same)], ReadOutcome::Proceed),
        (&[("if-unmodified-since", future)], ReadOutcome::Proceed),
        (&[("if-match", "\"abc\""), ("if-unmodified-since", before)], ReadOutcome::Proceed),
        (&[("if-none-match", "\"abc\""), ("if-modified-since", before)], ReadOutcome::NotModified),
        (&[("if-none-match", "\"x\""), ("if-modified-since", after)], ReadOutcome::Proceed),
        (&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")], failed("If-Match")),
    ];
    for (pairs, expected) in table {
        let found = Preconditions::from_headers(&headers(pairs)).evaluate_read(&etag, modified, now);
        assert_eq!(found, *expected, "{pairs:?}");
    }
    for (name, value) in [
        ("if-match", "\"x\""),
        ("if-none-match", "\"abc\""),
        ("if-modified-since", after),
        ("if-unmodified-since", before),
    ] {
        let name = format!("x-amz-copy-source-{name}");
        let error = Preconditions::for_copy_source(&headers(&[(&name, value)]))
            .evaluate_copy(&etag, modified, now)
            .unwrap_err();
        assert_eq!(error.status(), 412);
        assert!(error.element("Condition").unwrap().eq_ignore_ascii_case(&name));
    }
}

#[test]
fn a_tag_that_is_no_text_is_a_tag_that_nothing_has() {
    let (etag, at) = (Etag::parse("abc").unwrap(), at("2026-01-10T00:00:00Z"));
    let with = |name: &str| {
        let value = HeaderValue::from_bytes(b"\"\xff\"").unwrap();
        HeaderMap::from_iter([(HeaderName::try_from(name).unwrap(), value)])
    };
    let read = |name: &str| Preconditions::from_headers(&with(name)).evaluate_read(&etag, at, at);
    assert_eq!(read("if-match"), ReadOutcome::Failed("If-Match"));
    assert_eq!(read("if-none-match"), ReadOutcome::Proceed);
    let copy = |name: &str| Preconditions::for_copy_source(&with(name)).evaluate_copy(&etag, at, at);
    assert_eq!(copy("x-amz-copy-source-if-match").unwrap_err().status(), 412);
    assert_eq!(copy("x-amz-copy-source-if-none-match"), Ok(()));
}

#[test]
fn the_lines_of_a_read_condition_are_one_list() {
    let etag = Etag::parse("abc").unwrap();
    let (modified, now) = (at("2026-01-10T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let before = "Fri, 09 Jan 2026 00:00:00 GMT";
    let read = |name: &str, lines: [&str; 2]| {
        let pairs = lines.map(|line| (name, line));
        Preconditions::from_headers(&headers(&pairs)).evaluate_read(&etag, modified, now)
    };
    assert_eq!(read("if-match", ["\"x\"", "\"abc\""]), ReadOutcome::Proceed);
    assert_eq!(read("if-match", ["\"x\"", "\"y\""]), ReadOutcome::Failed("If-Match"));
    assert_eq!(read("if-none-match", ["\"x\"", "\"abc\""]), ReadOutcome::NotModified);
    // Two dates are no date, and no date is ignored (RFC 9110 §13.1.3 and §13.1.4).
    assert_eq!(read("if-unmodified-since", [before, before]), ReadOutcome::Proceed);
    // A list matches no range, so the whole object is sent.
    let if_range = IfRange::from_headers(&headers(&[("if-range", "\"abc\""), ("if-range", "\"x\"")])).unwrap();
    assert!(!if_range.matches(&etag, modified));
}

#[test]
fn a_range_is_honoured_only_for_the_same_object() {
    let (etag, modified) = (Etag::parse("abc").unwrap(), at("2026-01-10T00:00:00Z"));
    for (value, expected) in [
        ("\"abc\"", true),
        ("\"x\"", false),
        ("W/\"abc\"", false),
        ("Sat, 10 Jan 2026 00:00:00 GMT", true),
        ("Sun, 11 Jan 2026 00:00:00 GMT", false),
        ("", false),
    ] {
        let if_range = IfRange::from_headers(&headers(&[("if-range", value)])).unwrap();
        assert_eq!(if_range.matches(&etag, modified), expected, "{value}");
    }
    assert_eq!(IfRange::from_headers(&HeaderMap::new()), None);
}

#[test]
fn writes_are_held_against_what_is_there() {
    let key = ObjectKey::parse("k").unwrap();
    let (one, two) = (Etag::parse("1").unwrap(), Etag::parse("2").unwrap());
    let outcome = |condition: WriteCondition, existing: Option<&Etag>| {
        condition.evaluate(&key, || Ok::<_, S3Error>(existing.cloned())).map_err(|error| error.status())
    };
    assert_eq!(outcome(WriteCondition::Unconditional, Some(&one)), Ok(()));
    assert_eq!(outcome(WriteCondition::IfAbsent, None), Ok(()));
    assert_eq!(outcome(WriteCondition::IfAbsent, Some(&one)), Err(412));
    assert_eq!(outcome(WriteCondition::IfMatches(one.clone()), Some(&one)), Ok(()));
    assert_eq!(outcome(WriteCondition::IfMatches(one.clone()), Some(&two)), Err(412));
    assert_eq!(outcome(WriteCondition::IfMatches(one), None), Err(404));
    let unread = |_: &str| -> Result<Option<Etag>, S3Error> { unreachable!("there is no condition") };
    assert_eq!(
        WriteCondition::Unconditional.evaluate(&key, || unread("write")).map_err(|error| error.status()),
        Ok(())
    );
    assert_eq!(
        DeleteCondition::Unconditional.evaluate(&key, || unread("delete")).map_err(|error| error.status()),
        Ok(())
    );
}
