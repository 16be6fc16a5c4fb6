//! Who owns, who may, and what S3 answers where nothing is set.

mod support;

use support::{Reply, Server};

fn put(server: &Server, target: &str, body: &str) -> Reply {
    server.signed("PUT", target, &[], body.as_bytes())
}

#[test]
fn a_new_bucket_blocks_public_access_until_it_is_told_otherwise() {
    let server = Server::with_bucket();
    let told = server.get("/bucket?publicAccessBlock");
    for switch in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] {
        assert_eq!(told.element(switch).as_deref(), Some("true"), "{switch}");
    }
    let some =
        "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    assert_eq!(put(&server, "/bucket?publicAccessBlock", some).status, 200);
    let server = server.restart();
    let told = server.get("/bucket?publicAccessBlock");
    assert_eq!(told.element("IgnorePublicAcls").as_deref(), Some("true"));
    assert_eq!(told.element("BlockPublicPolicy").as_deref(), Some("false"));
    for _ in 0..2 {
        assert_eq!(server.signed("DELETE", "/bucket?publicAccessBlock", &[], b"").status, 204);
    }
    assert_eq!(server.get("/bucket?publicAccessBlock").code(), "NoSuchPublicAccessBlockConfiguration");
    server.refuses(400, "MalformedXML", |server| put(server, "/bucket?publicAccessBlock", &some.replace("true", "so")));
}

#[test]
fn a_buckets_owner_owns_everything_in_it() {
    let server = Server::with_bucket();
    let told = server.get("/bucket?ownershipControls");
    assert_eq!(told.element("ObjectOwnership").as_deref(), Some("BucketOwnerEnforced"));
    assert_eq!(server.signed("DELETE", "/bucket?ownershipControls", &[], b"").status, 204);
    assert_eq!(server.get("/bucket?ownershipControls").code(), "OwnershipControlsNotFoundError");
    assert_eq!(put(&server, "/bucket?ownershipControls", &told.text()).status, 200);
    assert_eq!(server.get("/bucket?ownershipControls").text(), told.text());
    for other in ["ObjectWriter", "BucketOwnerPreferred"] {
        let body = told.text().replace("BucketOwnerEnforced", other);
        server.refuses(501, "NotImplemented", |server| put(server, "/bucket?ownershipControls", &body));
    }
}

#[test]
fn the_only_access_control_list_is_the_owners() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    for target in ["/bucket?acl", "/bucket/key?acl"] {
        let told = server.get(target);
        assert_eq!(told.elements("Permission"), ["FULL_CONTROL"]);
        assert_eq!(told.elements("ID").len(), 2);
        assert_eq!(put(&server, target, &told.text()).status, 200, "{target}");
        for canned in ["private", "bucket-owner-full-control"] {
            assert_eq!(server.signed("PUT", target, &[("x-amz-acl", canned)], b"").status, 200, "{target}");
        }
        server.refuses(400, "AccessControlListNotSupported", |server| {
            server.signed("PUT", target, &[("x-amz-acl", "public-read")], b"")
        });
        server.refuses(400, "AccessControlListNotSupported", |server| {
            server.signed("PUT", target, &[("x-amz-grant-read", "id=abc")], told.text().as_bytes())
        });
        server.refuses(400, "AccessControlListNotSupported", |server| {
            put(server, target, &told.text().replace("FULL_CONTROL", "READ"))
        });
        server.refuses(400, "MissingSecurityHeader", |server| put(server, target, ""));
        server.refuses(400, "UnexpectedContent", |server| {
            server.signed("PUT", target, &[("x-amz-acl", "private")], told.text().as_bytes())
        });
    }
    server.refuses(404, "NoSuchKey", |server| server.get("/bucket/absent?acl"));
    server.refuses(404, "NoSuchBucket", |server| server.get("/absent?acl"));
}

#[test]
fn what_is_not_set_is_answered_as_s3_answers() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    for (name, root) in [
        ("accelerate", "AccelerateConfiguration"),
        ("logging", "BucketLoggingStatus"),
        ("notification", "NotificationConfiguration"),
        ("requestPayment", "RequestPaymentConfiguration"),
        ("analytics", "ListBucketAnalyticsConfigurationsResult"),
        ("intelligent-tiering", "ListBucketIntelligentTieringConfigurationsOutput"),
        ("inventory", "ListInventoryConfigurationsResult"),
        ("metrics", "ListMetricsConfigurationsResult"),
    ] {
        let told = server.get(&format!("/bucket?{name}"));
        assert_eq!(told.status, 200, "{name}: {told:?}");
        assert!(
            told.text().contains(&format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">")),
            "{told:?}"
        );
    }
    for (name, code) in [
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("metrics&id=all", "NoSuchConfiguration"),
        ("inventory&id=all", "NoSuchConfiguration"),
        ("analytics&id=all", "NoSuchConfiguration"),
        ("intelligent-tiering&id=all", "NoSuchConfiguration"),
    ] {
        server.refuses(404, code, |server| server.get(&format!("/bucket?{name}")));
    }
    for name in ["website", "replication", "encryption"] {
        assert_eq!(server.signed("DELETE", &format!("/bucket?{name}"), &[], b"").status, 204, "{name}");
        server.refuses(404, "NoSuchBucket", |server| server.signed("DELETE", &format!("/absent?{name}"), &[], b""));
    }
    server.refuses(404, "NoSuchConfiguration", |server| server.signed("DELETE", "/bucket?metrics&id=all", &[], b""));
    for target in ["/bucket/key?retention", "/bucket/key?legal-hold"] {
        for (method, body) in [("GET", ""), ("PUT", "<Retention/>")] {
            server.refuses(400, "InvalidRequest", |server| server.signed(method, target, &[], body.as_bytes()));
        }
    }
}

#[test]
fn what_says_what_is_so_is_taken_and_what_would_change_it_is_501() {
    let server = Server::with_bucket();
    for (name, same, other) in [
        (
            "requestPayment",
            "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
            "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
        ),
        (
            "notification",
            "<NotificationConfiguration/>",
            "<NotificationConfiguration><TopicConfiguration/></NotificationConfiguration>",
        ),
    ] {
        assert_eq!(put(&server, &format!("/bucket?{name}"), same).status, 200);
        server.refuses(501, "NotImplemented", |server| put(server, &format!("/bucket?{name}"), other));
        server.refuses(404, "NoSuchBucket", |server| put(server, &format!("/absent?{name}"), same));
    }
    for name in ["accelerate", "encryption", "inventory", "logging", "metrics", "object-lock", "replication", "website"]
    {
        let refused = server.refuses(501, "NotImplemented", |server| put(server, &format!("/bucket?{name}"), "<A/>"));
        assert_eq!(refused.element("Header").as_deref(), Some(name));
    }
}
