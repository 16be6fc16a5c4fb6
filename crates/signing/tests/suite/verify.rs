//! The rules of the verifier, one by one: what S3 refuses and why (wire rules of query and header authentication).

use gatepass_signing::credentials::{AccessKeyId, Credentials, SessionToken};
use gatepass_signing::request::RequestView;
use gatepass_signing::request::{Query, Target};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{
    Details, Expectations, MAX_HEADER_BYTES, MAX_HEADERS, Mechanism, Payload, Presented, Reason, Scheme, Schemes,
    Service, anonymous_payload,
};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::time::Lifetime;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::support::{
    Request, address, at, credentials, expectations, header_signed, midnight, presigned, region, secret, signed,
};

fn get() -> Request {
    presigned(Method::Get, "a/b c+é.txt")
}

fn put_in_header() -> Request {
    header_signed("PUT", "/bucket/key?partNumber=1&uploadId=u", &[("content-type", "text/plain")], Body::of(b"hello"))
}

#[test]
fn what_was_signed_is_verified_and_described() {
    let verified = get().verify_at(midnight()).unwrap();
    assert_eq!(verified.method(), "GET");
    assert_eq!(verified.target().path(), "/bucket/a/b c+é.txt");
    assert_eq!(verified.mechanism(), Mechanism::Query);
    assert_eq!(verified.access_key_id().as_str(), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(verified.scope().unwrap().to_string(), "20130524/us-east-1/s3/aws4_request");
    assert_eq!(verified.signed_at(), Some(midnight()));
    assert_eq!(verified.expires_at(), Some(at("2013-05-24T00:05:00Z")));
    assert_eq!(verified.signed_headers().collect::<Vec<_>>(), ["host"]);
    assert!(matches!(verified.payload(), Payload::Unsigned));

    let verified = put_in_header().verify_at(midnight()).unwrap();
    assert_eq!(verified.mechanism(), Mechanism::Header);
    assert_eq!(verified.target().query().get("uploadId"), Some("u"));
    assert_eq!(verified.expires_at(), None);
    let digest: [u8; 32] = Sha256::digest(b"hello").into();
    assert!(matches!(verified.payload(), Payload::Sha256(found) if *found == digest));
}

#[test]
fn every_mandatory_parameter_is_missed() {
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let request = get().target(&format!("X-Amz-{name}="), &format!("Y-{name}="));
        assert_eq!(request.reason(), Reason::ParameterMissing, "{name}");
        assert_eq!(request.refusal().mechanism(), Some(Mechanism::Query));
    }
}

#[test]
fn the_parts_of_a_credential_are_told_apart() {
    let scope = "20130524%2Fus-east-1%2Fs3%2Faws4_request";
    for (wrong, reason) in [
        ("", Reason::CredentialMalformed),
        ("20130524%2Fus-east-1%2Fs3", Reason::CredentialMalformed),
        ("20130524%2Fus-east-1%2Fs3%2Faws4_request%2Fx", Reason::CredentialMalformed),
        ("20130524%2Fus-east-1%2Fsts%2Faws4_request", Reason::CredentialService),
        ("20130524%2Fus-east-1%2Fs3%2Faws4", Reason::CredentialTerminal),
        ("2013%2Fus-east-1%2Fs3%2Faws4_request", Reason::CredentialDate),
        ("20131324%2Fus-east-1%2Fs3%2Faws4_request", Reason::CredentialDate),
        ("20130524%2Feu-west-1%2Fs3%2Faws4_request", Reason::CredentialRegion),
        ("20130524%2FUS-EAST-1%2Fs3%2Faws4_request", Reason::CredentialRegion),
        ("20130523%2Fus-east-1%2Fs3%2Faws4_request", Reason::DateMismatch),
    ] {
        assert_eq!(get().target(scope, wrong).reason(), reason, "{wrong}");
    }
    assert_eq!(get().target("AKIAIOSFODNN7EXAMPLE", "").reason(), Reason::CredentialMalformed);
    assert_eq!(get().target("AKIAIOSFODNN7EXAMPLE", "a%0Ab").reason(), Reason::CredentialMalformed);

    // Of a wrong date in the credential is complained first, whatever is wrong with the date of the request.
    for (date, other) in
        [("X-Amz-Date=", "Y-Date="), ("X-Amz-Date=2013", "X-Amz-Date=x013"), ("X-Amz-Expires=300", "X-Amz-Expires=x")]
    {
        for wrong in ["%2F20130230%2F", "%2F2013052x%2F"] {
            let request = get().target("%2F20130524%2F", wrong).target(date, other);
            assert_eq!(request.reason(), Reason::CredentialDate, "{wrong} {other}");
        }
    }

    let refusal = get().target("us-east-1", "eu-west-1").refusal();
    let Details::Region { received, expected } = refusal.details() else { panic!("{refusal:?}") };
    assert_eq!((received.as_str(), expected.as_str()), ("eu-west-1", "us-east-1"));
    let refusal = get().target("%2F20130524%2F", "%2F20130523%2F").refusal();
    let Details::Dates { credential, request } = refusal.details() else { panic!("{refusal:?}") };
    assert_eq!((credential.as_str(), request.as_str()), ("20130523", "20130524T000000Z"));
}

#[test]
fn a_url_lives_until_the_moment_of_its_expiry_and_no_longer() {
    let end = at("2013-05-24T00:05:00Z");
    for live in [midnight(), end - SignedDuration::from_secs(1), end] {
        assert!(get().verify_at(live).is_ok(), "{live}");
    }
    for dead in [end + SignedDuration::from_nanos(1), end + SignedDuration::from_secs(1), Timestamp::MAX] {
        assert_eq!(get().verify_at(dead).unwrap_err().reason(), Reason::Expired, "{dead}");
    }
    let refusal = get().verify_at(end + SignedDuration::from_secs(1)).unwrap_err();
    let Details::Lifetime { seconds, expires_at, server_time, .. } = refusal.details() else { panic!("{refusal:?}") };
    assert_eq!((*seconds, *expires_at), (300, end));
    assert_eq!(server_time.to_string(), "2013-05-24T00:05:01Z");
}

#[test]
fn a_url_from_the_future_is_tolerated_for_fifteen_minutes() {
    let tolerated = midnight() - SignedDuration::from_mins(15);
    assert!(get().verify_at(tolerated).is_ok());
    for early in [tolerated - SignedDuration::from_secs(1), midnight() - SignedDuration::from_mins(16), Timestamp::MIN]
    {
        let refusal = get().verify_at(early).unwrap_err();
        assert_eq!(refusal.reason(), Reason::NotYetValid);
        let Details::Lifetime { signed_at, .. } = refusal.details() else { panic!("{refusal:?}") };
        assert_eq!(signed_at.timestamp().as_millisecond(), 1_369_353_600_000);
    }
}

#[test]
fn a_lifetime_is_a_whole_number_of_at_most_seven_days() {
    let expires = |value: &str| get().target("X-Amz-Expires=300", &format!("X-Amz-Expires={value}")).reason();
    for text in ["", "undefined", "5.0", "%2B5", "+5", "1e20", "0x10", "5%20", "%D9%A3", "-", "--5"] {
        assert_eq!(expires(text), Reason::ExpiresNotANumber, "{text}");
    }
    assert_eq!(expires("-1"), Reason::ExpiresNegative);
    for text in ["604801", "99999999999999999999999999"] {
        assert_eq!(expires(text), Reason::ExpiresTooLong, "{text}");
    }
    // In form, and in time, so it is the signature that does not match.
    assert_eq!(expires("604800"), Reason::SignatureMismatch);

    let zero = get().target("X-Amz-Expires=300", "X-Amz-Expires=0");
    let one_second_later = midnight() + SignedDuration::from_secs(1);
    assert_eq!(zero.verify_at(one_second_later).unwrap_err().reason(), Reason::Expired);

    let credentials = credentials();
    let longest = Presign::new(&credentials, region(), address("k"), Method::Get).expires(Lifetime::MAX);
    assert!(signed(&longest).verify_at(midnight() + Lifetime::MAX.duration()).is_ok());
}

#[test]
fn the_date_of_a_url_has_one_form() {
    for text in ["", "2013-05-24T00%3A00%3A00Z", "20130524", "20130524T000000", "20130524T250000Z"] {
        let request = get().target("X-Amz-Date=20130524T000000Z", &format!("X-Amz-Date={text}"));
        assert_eq!(request.reason(), Reason::DateMalformed, "{text}");
    }
}

#[test]
fn the_date_of_a_signed_request_is_within_fifteen_minutes() {
    let skew = SignedDuration::from_mins(15);
    for now in [midnight() - skew, midnight() + skew] {
        assert!(put_in_header().verify_at(now).is_ok(), "{now}");
    }
    let second = SignedDuration::from_secs(1);
    for now in [midnight() - skew - second, midnight() + skew + second] {
        let refusal = put_in_header().verify_at(now).unwrap_err();
        assert_eq!(refusal.reason(), Reason::TimeSkewed, "{now}");
        let Details::Skew { request_time, server_time, max_allowed } = refusal.details() else { panic!("{refusal:?}") };
        assert_eq!((request_time.as_str(), *server_time), ("20130524T000000Z", now));
        assert_eq!(max_allowed.as_millis(), 900_000);
    }
}

#[test]
fn a_signed_request_needs_a_date_and_may_use_the_date_header() {
    let bad = |value: &str| put_in_header().header("x-amz-date", "20130524T000000Z", value).reason();
    assert_eq!(bad("yesterday"), Reason::DateMalformed);
    assert_eq!(bad("Fri, 24 May 2013 00:00:00 GMT"), Reason::DateMalformed);
    assert_eq!(put_in_header().without("x-amz-date").reason(), Reason::DateMissing);
    let dated = put_in_header().without("x-amz-date");
    assert_eq!(dated.clone().with("date", "not a date").reason(), Reason::DateMalformed);
    // Both forms are read; the signature is then that of a request with another header.
    assert_eq!(dated.clone().with("date", "Fri, 24 May 2013 00:00:00 GMT").reason(), Reason::SignatureMismatch);
    assert_eq!(dated.with("date", "20130524T000000Z").reason(), Reason::SignatureMismatch);
}

#[test]
fn an_authorization_header_has_its_three_components() {
    let authorization = |value: &str| {
        let request =
            Request::new("GET", "/", &[("host", "h"), ("authorization", value), ("x-amz-date", "20130524T000000Z")]);
        request.reason()
    };
    for (value, reason) in [
        ("", Reason::AuthorizationType),
        ("Bearer abc", Reason::AuthorizationType),
        ("Basic dTpw", Reason::AuthorizationType),
        ("AWS4-HMAC-SHA512 Credential=a", Reason::AuthorizationType),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", Reason::AuthorizationType),
        ("aws4-hmac-sha256 Credential=a", Reason::AuthorizationType),
        ("AWS4-HMAC-SHA256", Reason::AuthorizationSpacing),
        ("AWS4-HMAC-SHA256\tCredential=a", Reason::AuthorizationSpacing),
        ("AWS AKID:c2lnbmF0dXJl", Reason::SigV2),
        ("AWS4-HMAC-SHA256 ", Reason::AuthorizationComponents),
        ("AWS4-HMAC-SHA256 Credential=a", Reason::AuthorizationComponents),
        ("AWS4-HMAC-SHA256 a,b,c,d", Reason::AuthorizationComponents),
        ("AWS4-HMAC-SHA256 a,b,c", Reason::CredentialMissing),
        ("AWS4-HMAC-SHA256 Credential=,b,c", Reason::CredentialMissing),
        ("AWS4-HMAC-SHA256 Credential=a,b,c", Reason::SignedHeadersMissing),
        ("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,c", Reason::SignatureMissing),
        ("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c", Reason::CredentialMalformed),
    ] {
        assert_eq!(authorization(value), reason, "{value:?}");
    }
}

#[test]
fn spaces_between_the_components_do_not_matter() {
    let packed = put_in_header().header("authorization", ", SignedHeaders", ",SignedHeaders").header(
        "authorization",
        ", Sig",
        ",Sig",
    );
    assert!(packed.verify_at(midnight()).is_ok());
}

#[test]
fn signed_headers_are_a_sorted_list_of_lower_case_names_with_host() {
    for (list, reason) in [
        ("", Reason::SignedHeadersMalformed),
        ("%3Bhost", Reason::SignedHeadersMalformed),
        ("host%3B", Reason::SignedHeadersMalformed),
        ("Host", Reason::SignedHeadersMalformed),
        ("range%3Bhost", Reason::SignedHeadersMalformed),
        ("host%3Bhost", Reason::SignedHeadersMalformed),
        ("host%3Bra%20nge", Reason::SignedHeadersMalformed),
        ("host%3Ax", Reason::SignedHeadersMalformed),
        ("range", Reason::HostNotSigned),
        ("x-forwarded-host", Reason::HostNotSigned),
        // Listed and absent: canonicalised as empty, as S3 does, so it is not what was signed.
        ("host%3Brange", Reason::SignatureMismatch),
    ] {
        let request = get().target("X-Amz-SignedHeaders=host", &format!("X-Amz-SignedHeaders={list}"));
        assert_eq!(request.reason(), reason, "{list}");
    }
}

#[test]
fn the_payload_of_a_signed_request_is_declared() {
    let with = |value: &str| {
        let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        put_in_header().header("x-amz-content-sha256", digest, value).reason()
    };
    assert_eq!(put_in_header().without("x-amz-content-sha256").reason(), Reason::ContentSha256Missing);
    for value in [
        "",
        "unsigned-payload",
        "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER-X",
    ] {
        assert_eq!(with(value), Reason::ContentSha256Invalid, "{value}");
    }
    assert_eq!(with("UNSIGNED-PAYLOAD"), Reason::SignatureMismatch);
    let unsigned = header_signed("PUT", "/bucket/key", &[], Body::Unsigned).verify_at(midnight()).unwrap();
    assert!(unsigned.payload().decoder(5).is_none());
    let trailer = header_signed("PUT", "/bucket/key", &[], Body::UnsignedTrailer).verify_at(midnight()).unwrap();
    assert!(matches!(trailer.payload(), Payload::StreamingUnsignedTrailer));
    assert!(trailer.payload().decoder(5).is_some());
}

#[test]
fn a_url_can_bind_its_body_in_the_query() {
    let credentials = credentials();
    let digest = [7; 32];
    let request = signed(&Presign::new(&credentials, region(), address("k"), Method::Put).payload_sha256(digest));
    assert!(request.target.contains("X-Amz-Content-Sha256=0707"));
    let verified = request.verify_at(midnight()).unwrap();
    assert!(matches!(verified.payload(), Payload::Sha256(found) if *found == digest));
    let streaming = request.target(&"07".repeat(32), "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    assert_eq!(streaming.reason(), Reason::ContentSha256Invalid);
}

#[test]
fn an_unsigned_payload_header_on_a_url_may_say_only_what_the_url_says() {
    let with = |value: &str| presigned(Method::Put, "k").with("X-Amz-Content-Sha256", value);
    assert!(with("UNSIGNED-PAYLOAD").verify_at(midnight()).is_ok());
    for value in ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", &"ab".repeat(32), "", "x"] {
        assert_eq!(with(value).reason(), Reason::HeadersNotSigned, "{value}");
    }
    // On a request signed in its header nothing is excepted.
    let unlisted = put_in_header().header("authorization", "x-amz-content-sha256;", "");
    assert_eq!(unlisted.reason(), Reason::HeadersNotSigned);
}

#[test]
fn a_session_token_is_signed_and_handed_to_the_caller() {
    let token = SessionToken::new("token/+=").unwrap();
    let credentials = Credentials::temporary(AccessKeyId::new("ASIA").unwrap(), secret(), token, None);
    let request = signed(&Presign::new(&credentials, region(), address("k"), Method::Get));
    let check = |presented: Presented<'_>| {
        let (Presented::Query(claim) | Presented::Header(claim)) = presented else { panic!() };
        assert_eq!(claim.session_token(), Some("token/+="));
        assert!(claim.verify(&KeyCache::new(), &secret()).is_ok());
    };
    request.parse_for(&expectations(), midnight(), check).unwrap();
    assert_eq!(request.clone().target("token%2F%2B%3D", "other").reason(), Reason::SignatureMismatch);
    assert_eq!(request.target("token%2F%2B%3D", "to%0Aken").reason(), Reason::SessionTokenMalformed);

    let parts = RequestParts { method: "GET", host: "h", target: "/", headers: &[] };
    let added =
        header::sign(&parts, Body::of(b""), &credentials, &region(), ServiceName::S3, &KeyCache::new(), midnight())
            .unwrap();
    let mut request = Request::new("GET", "/", &[("host", "h")]);
    for (name, value) in added.iter() {
        request = request.with(name, value);
    }
    request.parse_for(&expectations(), midnight(), check).unwrap();
}

#[test]
fn sts_signs_the_hash_of_its_body_and_its_own_service() {
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";
    let parts = RequestParts {
        method: "POST",
        host: "h",
        target: "/",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
    };
    let added =
        header::sign(&parts, Body::of(body), &credentials(), &region(), ServiceName::Sts, &KeyCache::new(), midnight())
            .unwrap();
    let mut request =
        Request::new("POST", "/", &[("host", "h"), ("content-type", "application/x-www-form-urlencoded")]);
    for (name, value) in added.iter() {
        request = request.with(name, value);
    }
    let sts = |body: &[u8]| Expectations::new(region(), Service::Sts { body_sha256: Sha256::digest(body).into() });
    let verify = |body: &[u8]| request.verify_for(&sts(body), &secret(), midnight());
    assert!(verify(body).is_ok());
    assert_eq!(verify(b"Action=AssumeRole").unwrap_err().reason(), Reason::SignatureMismatch);
    assert_eq!(request.reason(), Reason::CredentialService);
}

#[test]
fn another_region_is_served_where_it_is_expected() {
    let garage = Expectations::new(Region::new("garage").unwrap(), Service::S3);
    assert_eq!(get().parse_for(&garage, midnight(), |_| ()).unwrap_err().reason(), Reason::CredentialRegion);
}

#[test]
fn a_request_without_signature_is_anonymous() {
    let request = Request::new("GET", "/bucket/key?versionId=1&Expires=5", &[("host", "h"), ("x-amz-meta-a", "b")]);
    let is_anonymous = |presented: Presented<'_>| matches!(presented, Presented::Anonymous);
    assert!(request.parse_for(&expectations(), midnight(), is_anonymous).unwrap());
    let payload = |value: &'static str| {
        let headers: [(&str, &[u8]); 1] = [("x-amz-content-sha256", value.as_bytes())];
        anonymous_payload(&RequestView { method: "PUT", target: "/b/k", headers: &headers })
    };
    assert!(matches!(
        anonymous_payload(&RequestView { method: "PUT", target: "/", headers: &[] }),
        Ok(Payload::Unsigned)
    ));
    assert!(matches!(payload("UNSIGNED-PAYLOAD"), Ok(Payload::Unsigned)));
    assert!(matches!(payload("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), Ok(Payload::StreamingUnsignedTrailer)));
    for value in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "x"] {
        assert_eq!(payload(value).unwrap_err().reason(), Reason::ContentSha256Invalid, "{value}");
    }
}

#[test]
fn sizes_are_bounded_on_both_sides() {
    let parse =
        |request: &Request| request.parse_for(&expectations(), midnight(), |_| ()).map_err(|refusal| refusal.reason());
    let bare = Request::new("GET", "/", &[]);

    let headers = |count: usize| (0..count).fold(bare.clone(), |request, _| request.with("a", "b"));
    assert_eq!(parse(&headers(MAX_HEADERS)), Ok(()));
    assert_eq!(parse(&headers(MAX_HEADERS + 1)), Err(Reason::HeadersTooLarge));

    let header_bytes = |count: usize| bare.clone().with("a", &"b".repeat(count - 1));
    assert_eq!(parse(&header_bytes(MAX_HEADER_BYTES)), Ok(()));
    assert_eq!(parse(&header_bytes(MAX_HEADER_BYTES + 1)), Err(Reason::HeadersTooLarge));

    let target = |bytes: usize| Request::new("GET", &format!("/{}", "a".repeat(bytes - 1)), &[]);
    assert_eq!(parse(&target(Target::MAX_BYTES)), Ok(()));
    assert_eq!(parse(&target(Target::MAX_BYTES + 1)), Err(Reason::TargetTooLong));

    let parameters = |count: usize| Request::new("GET", &format!("/?{}", "a&".repeat(count)), &[]);
    assert_eq!(parse(&parameters(Query::MAX_PARAMETERS)), Ok(()));
    assert_eq!(parse(&parameters(Query::MAX_PARAMETERS + 1)), Err(Reason::TooManyParameters));
}

#[test]
fn a_scheme_that_is_off_is_refused_wherever_its_signature_stands() {
    let by_query = presigned(Method::Get, "k");
    let by_header = header_signed("GET", "/bucket/k", &[], Body::of(b""));
    for schemes in [Schemes::NONE, Schemes::NONE.with(Scheme::SigV2), Schemes::NONE.with(Scheme::SigV4a)] {
        let expectations = Expectations { schemes, ..expectations() };
        let reason = |request: &Request| request.verify_for(&expectations, &secret(), midnight()).unwrap_err().reason();
        assert_eq!(reason(&by_query), Reason::Algorithm, "{schemes:?}");
        assert_eq!(reason(&by_header), Reason::AuthorizationType, "{schemes:?}");
    }
}
