//! The two ways S3 writes a moment, and the several ways clients do.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// `Wed, 21 Oct 2015 07:28:00 GMT`, as in `Last-Modified` (RFC 9110 §5.6.7).
pub fn http_date(at: Timestamp) -> String {
    match u64::try_from(at.as_second()) {
        Ok(second) if second < END_OF_HTTP_DATES => httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second)),
        _ => at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    }
}

/// The year 9999, of which `httpdate` writes nothing, nor of what was before 1970.
const END_OF_HTTP_DATES: u64 = 253_370_764_800;

/// `2015-10-21T07:28:00.000Z`, as in the XML bodies. S3 keeps whole seconds in general-purpose buckets and writes the
/// milliseconds as zeros.
pub fn iso8601(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// `2015-10-21T07:28:00Z`, as in the elements of errors.
pub fn iso8601_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads the date of a condition: the three forms of RFC 9110 §5.6.7, or RFC 3339, which S3 takes too. `None` for
/// anything else; RFC 9110 §13.1.3 has such a header ignored.
pub fn parse_condition_date(text: &str) -> Option<Timestamp> {
    const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";
    const RFC_850: &str = "%A, %d-%b-%y %H:%M:%S GMT";
    const ASCTIME: &str = "%a %b %e %H:%M:%S %Y";
    let text = text.trim();
    let civil = [IMF_FIXDATE, RFC_850, ASCTIME]
        .into_iter()
        .find_map(|format| strtime::parse(format, text).ok().and_then(|parsed| parsed.to_datetime().ok()));
    match civil {
        Some(civil) => TimeZone::UTC.to_timestamp(civil).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_rfc_9110_and_rfc_3339_name_one_moment() {
        let moment: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "1994-11-06T08:49:37Z",
            "1994-11-06T09:49:37+01:00",
        ] {
            assert_eq!(parse_condition_date(text), Some(moment), "{text}");
        }
        for text in ["", "yesterday", "1994-11-06", "0"] {
            assert_eq!(parse_condition_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_written_however_far_away_it_is() {
        let written = |text: &str| http_date(text.parse().unwrap());
        assert_eq!(written("1969-12-31T23:59:59Z"), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(written("1970-01-01T00:00:00Z"), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(written("9998-12-31T23:59:59Z"), "Thu, 31 Dec 9998 23:59:59 GMT");
        assert_eq!(written("9999-01-01T00:00:00Z"), "Fri, 01 Jan 9999 00:00:00 GMT");
    }

    #[test]
    fn moments_are_written_as_s3_writes_them() {
        let moment: Timestamp = "2015-10-21T07:28:00.987Z".parse().unwrap();
        assert_eq!(http_date(moment), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(iso8601(moment), "2015-10-21T07:28:00.000Z");
        assert_eq!(iso8601_seconds(moment), "2015-10-21T07:28:00Z");
    }
}
