//! CORS: configurations, preflights and actual requests.

use gatepass_protocol::s3::cors::{CorsConfiguration, CorsHeaders, CorsRule, Preflight, RULE_ID_MAX, RULES_MAX};
use gatepass_protocol::s3::error::{ResourceType, S3Error};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()))
        .collect()
}

fn configuration() -> CorsConfiguration {
    CorsConfiguration::new(vec![
        CorsRule::new(&["https://*.example.com", "http://localhost:8080"], &["PUT", "GET"])
            .allow_headers(&["Content-*", "x-amz-meta-a"])
            .expose_headers(&["ETag", "x-amz-request-id"])
            .max_age_seconds(600),
        CorsRule::new(&["*"], &["GET"]),
    ])
    .unwrap()
}

fn preflight(pairs: &[(&str, &str)]) -> Option<CorsHeaders> {
    configuration().preflight(&Preflight::from_headers(&headers(pairs)).unwrap())
}

const ORIGIN: (&str, &str) = ("origin", "https://app.example.com");

#[test]
fn a_preflight_names_everything_the_matching_rule_allows() {
    let answer = preflight(&[
        ORIGIN,
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "Content-Type, X-AMZ-Meta-A"),
    ]);
    assert_eq!(
        answer.unwrap(),
        [
            ("access-control-allow-origin", "https://app.example.com"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "PUT, GET"),
            ("access-control-allow-headers", "content-type, x-amz-meta-a"),
            ("access-control-expose-headers", "ETag, x-amz-request-id"),
            ("access-control-max-age", "600"),
            ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    );
}

#[test]
fn a_star_origin_is_answered_with_a_star_and_without_credentials() {
    let answer = preflight(&[("origin", "null"), ("access-control-request-method", "GET")]).unwrap();
    assert_eq!(answer[0], ("access-control-allow-origin", "*".to_owned()));
    assert!(answer.iter().all(|(name, _)| *name != "access-control-allow-credentials"));
    assert!(answer.iter().any(|(name, _)| *name == "vary"));
}

#[test]
fn origin_method_and_every_header_must_match_one_rule() {
    let method = |method| ("access-control-request-method", method);
    let asked = |names| ("access-control-request-headers", names);
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[ORIGIN, method("PUT")], true),
        (&[("origin", "http://localhost:8080"), method("PUT")], true),
        (&[("origin", "http://localhost:8081"), method("PUT")], false),
        (&[("origin", "https://example.com"), method("PUT")], false),
        (&[("origin", "HTTPS://app.example.com"), method("PUT")], false),
        (&[("origin", "https://app.example.com.evil"), method("PUT")], false),
        (&[ORIGIN, method("DELETE")], false),
        (&[ORIGIN, method("PUT"), asked("content-md5")], true),
        (&[ORIGIN, method("PUT"), asked("content-md5,authorization")], false),
        (&[("origin", "https://other"), method("GET")], true),
        (&[("origin", "https://other"), method("GET"), asked("x-a")], false),
    ];
    for (pairs, expected) in table {
        assert_eq!(preflight(pairs).is_some(), *expected, "{pairs:?}");
    }
}

#[test]
fn an_unreadable_preflight_is_a_bad_request() {
    let message = |pairs: &[(&str, &str)]| {
        let error = Preflight::from_headers(&headers(pairs)).unwrap_err();
        assert_eq!((error.status(), error.code().as_str()), (400, "BadRequest"));
        error.message().to_owned()
    };
    assert_eq!(
        message(&[("access-control-request-method", "GET")]),
        "Insufficient information. Origin request header needed."
    );
    assert_eq!(message(&[ORIGIN]), "Invalid Access-Control-Request-Method: null");
    assert_eq!(
        message(&[ORIGIN, ("access-control-request-method", "get")]),
        "Invalid Access-Control-Request-Method: get"
    );
    let bad = [ORIGIN, ("access-control-request-method", "GET"), ("access-control-request-headers", "a b")];
    assert_eq!(message(&bad), "Access-Control-Request-Headers \"a b\" contains invalid character.");
}

#[test]
fn refusals_of_preflights_have_awss_words() {
    let preflight = Preflight::from_headers(&headers(&[ORIGIN, ("access-control-request-method", "PUT")])).unwrap();
    let shape = |error: &S3Error| (error.status(), error.code().as_str(), error.elements().to_vec());
    let elements = |resource: &str| vec![("Method", "PUT".to_owned()), ("ResourceType", resource.to_owned())];
    let not_enabled = preflight.not_enabled();
    assert_eq!(shape(&not_enabled), (403, "AccessForbidden", elements("BUCKET")));
    assert_eq!(not_enabled.message(), "CORSResponse: CORS is not enabled for this bucket.");
    let not_allowed = preflight.not_allowed(ResourceType::Object);
    assert_eq!(shape(&not_allowed), (403, "AccessForbidden", elements("OBJECT")));
    assert!(not_allowed.message().contains("evalution of Origin"));
}

#[test]
fn an_actual_request_gets_headers_only_where_a_rule_matches() {
    let configuration = configuration();
    let actual = |method: Method, pairs: &[(&str, &str)]| configuration.actual(&method, &headers(pairs)).is_some();
    assert!(actual(Method::PUT, &[ORIGIN]));
    assert!(!actual(Method::DELETE, &[ORIGIN]));
    assert!(!actual(Method::PUT, &[]));
    assert!(!actual(Method::PUT, &[("origin", "https://other")]));
    // The header of a preflight counts on other requests too.
    assert!(!actual(Method::PUT, &[ORIGIN, ("access-control-request-method", "DELETE")]));
}

fn rejected(rule: CorsRule) -> String {
    let error = CorsConfiguration::new(vec![rule]).unwrap_err();
    format!("{} {}", error.code(), error.message())
}

#[test]
fn rules_are_checked_with_awss_words() {
    let rule = || CorsRule::new(&["*"], &["GET"]);
    assert_eq!(
        rejected(CorsRule::new(&["*"], &["PATCH"])),
        "InvalidRequest Found unsupported HTTP method in CORS config. Unsupported method is PATCH"
    );
    assert_eq!(rejected(CorsRule::new(&["*"], &["get"])).split(' ').next(), Some("InvalidRequest"));
    assert_eq!(
        rejected(CorsRule::new(&["http://*.*"], &["GET"])),
        "InvalidRequest AllowedOrigin \"http://*.*\" can not have more than one wildcard."
    );
    assert_eq!(
        rejected(rule().allow_headers(&["a*b*"])),
        "InvalidRequest AllowedHeader \"a*b*\" can not have more than one wildcard."
    );
    assert_eq!(
        rejected(rule().allow_headers(&["a b"])),
        "InvalidRequest AllowedHeader \"a b\" contains invalid character."
    );
    assert!(
        rejected(rule().expose_headers(&["x-*"])).contains("We currently do not support wildcard for ExposeHeader")
    );
    assert!(rejected(CorsRule::new(&[], &["GET"])).starts_with("MalformedXML"));
    assert!(rejected(CorsRule::new(&["*"], &[])).starts_with("MalformedXML"));
}

#[test]
fn line_breaks_reach_no_answer() {
    for bad in ["ETag\r\nset-cookie: a=b", "ETag\n", "a\u{0}b"] {
        assert!(
            rejected(CorsRule::new(&["*"], &["GET"]).expose_headers(&[bad])).starts_with("InvalidRequest"),
            "{bad:?}"
        );
        assert!(rejected(CorsRule::new(&[bad], &["GET"])).starts_with("InvalidRequest"), "{bad:?}");
    }
    let body = "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
                <ExposeHeader>a&#13;&#10;b: c</ExposeHeader></CORSRule></CORSConfiguration>";
    assert_eq!(CorsConfiguration::parse(body.as_bytes()).unwrap_err().code().as_str(), "InvalidRequest");
}

#[test]
fn a_configuration_has_1_to_100_rules_and_short_ids() {
    let rules = |count| vec![CorsRule::new(&["*"], &["GET"]); count];
    assert!(CorsConfiguration::new(rules(0)).is_err());
    assert!(CorsConfiguration::new(rules(RULES_MAX)).is_ok());
    assert!(CorsConfiguration::new(rules(RULES_MAX + 1)).is_err());
    let with_id = |length| {
        let id = "i".repeat(length);
        let body = format!(
            "<CORSConfiguration><CORSRule><ID>{id}</ID><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
        );
        CorsConfiguration::parse(body.as_bytes())
    };
    assert!(with_id(RULE_ID_MAX).is_ok());
    assert!(with_id(RULE_ID_MAX + 1).is_err());
}

#[test]
fn what_is_written_is_read() {
    let configuration = configuration();
    assert_eq!(CorsConfiguration::parse(configuration.to_xml().as_bytes()), Ok(configuration));
}

proptest! {
    #[test]
    fn nothing_panics(body in ".{0,80}", origin in "[ -~]{0,20}", method in "[A-Z]{1,8}", asked in "[ -~]{0,30}") {
        let _ = CorsConfiguration::parse(body.as_bytes());
        let pairs = [("origin", &*origin), ("access-control-request-method", &*method), ("access-control-request-headers", &*asked)];
        if let Ok(preflight) = Preflight::from_headers(&headers(&pairs)) {
            let _ = configuration().preflight(&preflight);
        }
    }
}
