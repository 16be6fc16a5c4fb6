//! The policy of a bucket as a document: taken, kept, told, removed. What it does is tested elsewhere.

mod support;

use support::{Reply, Server};

/// White space and all: it comes back as it was sent.
const PRIVATE: &str = "{ \"Version\": \"2012-10-17\",\n  \"Statement\": [ { \"Effect\": \"Deny\", \"Principal\": \"*\",
    \"Action\": \"s3:PutObject\", \"Resource\": \"arn:aws:s3:::bucket/never/*\" } ] }\n";
const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::bucket/*"}]}"#;

fn put(server: &Server, policy: &str) -> Reply {
    server.signed("PUT", "/bucket?policy", &[], policy.as_bytes())
}

#[test]
fn a_policy_comes_back_byte_for_byte_and_goes() {
    let server = Server::with_bucket();
    assert_eq!(server.get("/bucket?policy").code(), "NoSuchBucketPolicy");
    assert_eq!(server.get("/bucket?policyStatus").code(), "NoSuchBucketPolicy");
    assert_eq!(put(&server, PRIVATE).status, 204);
    let server = server.restart();
    let told = server.get("/bucket?policy");
    assert_eq!((told.text().as_str(), told.header("content-type")), (PRIVATE, Some("application/json")));
    assert_eq!(server.get("/bucket?policyStatus").element("IsPublic").as_deref(), Some("false"));
    for _ in 0..2 {
        assert_eq!(server.signed("DELETE", "/bucket?policy", &[], b"").status, 204);
    }
    assert_eq!(server.get("/bucket?policy").code(), "NoSuchBucketPolicy");
}

#[test]
fn a_policy_that_is_none_is_refused_and_the_one_before_stays() {
    let server = Server::with_bucket();
    assert_eq!(put(&server, PRIVATE).status, 204);
    for (policy, message) in [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("{\"Statement\": \"", "This policy contains invalid Json"),
        (&PRIVATE.replace("\"Effect\":", "\"Effect\": \"Allow\", \"Effect\":"), "This policy contains invalid Json"),
        (&PRIVATE.replace("\"Principal\": \"*\",", ""), "Missing required field Principal"),
        (&PRIVATE.replace("PutObject", "PutObjekt"), "Policy has invalid action"),
        (&PRIVATE.replace(":::bucket", ":::another"), "Policy has invalid resource"),
        (&PRIVATE.replace("/never/*", ""), "Action does not apply to any resource(s) in statement"),
    ] {
        let refused = server.refuses(400, "MalformedPolicy", |server| put(server, policy));
        assert_eq!(refused.element("Message").as_deref(), Some(message), "{policy}");
    }
    assert_eq!(server.get("/bucket?policy").text(), PRIVATE);
}

#[test]
fn a_policy_has_20_kib_without_its_white_space() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("DELETE", "/bucket?publicAccessBlock", &[], b"").status, 204);
    let of = |bytes: usize| {
        let text = r#"{"Statement":[{"Action":"s3:*","Effect":"Deny","Principal":{"AWS":"123456789012"},"Resource":"arn:aws:s3:::bucket","Sid":""}]}"#;
        text.replace("\"Sid\":\"\"", &format!("\"Sid\":\"{}\"", "s".repeat(bytes - text.len())))
    };
    assert_eq!(put(&server, &of(20 * 1024)).status, 204);
    let padded = |text: String, bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert_eq!(put(&server, &padded(of(20 * 1024), 64 * 1024)).status, 204);
    for text in [of(20 * 1024 + 1), padded(of(20 * 1024), 64 * 1024 + 1)] {
        let refused = server.refuses(400, "MalformedPolicy", |server| put(server, &text));
        assert!(refused.element("Message").unwrap().contains("maximum allowed size of 20480 bytes"), "{refused:?}");
    }
}

#[test]
fn a_public_policy_needs_a_bucket_that_does_not_block_it() {
    let server = Server::with_bucket();
    let refused = server.refuses(403, "AccessDenied", |server| put(server, PUBLIC));
    assert!(refused.element("Message").unwrap().contains("BlockPublicPolicy"), "{refused:?}");
    let open = "<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy>\
                <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?publicAccessBlock", &[], open.as_bytes()).status, 200);
    assert_eq!(put(&server, PUBLIC).status, 204);
    assert_eq!(server.get("/bucket?policyStatus").element("IsPublic").as_deref(), Some("true"));
}

#[test]
fn nobody_sets_the_policy_of_a_bucket_that_is_not_there() {
    let server = Server::with_bucket();
    let policy = PRIVATE.replace(":::bucket", ":::absent");
    for (method, target, body) in [
        ("PUT", "/absent?policy", policy.as_str()),
        ("GET", "/absent?policy", ""),
        ("DELETE", "/absent?policy", ""),
        ("GET", "/absent?policyStatus", ""),
    ] {
        server.refuses(404, "NoSuchBucket", |server| server.signed(method, target, &[], body.as_bytes()));
    }
    server.refuses(403, "AccessDenied", |server| server.send("PUT", "/bucket?policy", &[], PRIVATE.as_bytes()));
}
