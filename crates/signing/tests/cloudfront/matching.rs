//! Which URLs a resource covers: AWS's examples, exception by exception.

use gatepass_signing::cloudfront::verify::Reason;

use crate::support::{Arrival, cookies, policy_for, signed};

fn covers(resource: &str, url: &str) -> bool {
    match signed(url, &policy_for(resource)).verify() {
        Ok(_) => true,
        Err(Reason::ResourceMismatch) => false,
        Err(other) => panic!("{resource} on {url}: {other}"),
    }
}

fn assert_table(table: &[(&str, &[&str], &[&str])]) {
    for (resource, covered, others) in table {
        for url in *covered {
            assert!(covers(resource, url), "{resource} should cover {url}");
        }
        for url in *others {
            assert!(!covers(resource, url), "{resource} should not cover {url}");
        }
    }
}

#[test]
fn a_wildcard_stays_within_its_section() {
    assert_table(&[
        (
            "https://www.example.com/hello*world",
            &[
                "https://www.example.com/helloworld",
                "https://www.example.com/hello-world",
                "https://www.example.com/hello/w/world",
            ],
            &[
                "https://www.example.com/hello?world",
                "https://www.example.net/helloworld",
                "https://www.example.com/helloworlds",
            ],
        ),
        (
            "https://*.example.com/a",
            &["https://www.example.com/a", "https://a.b.example.com/a"],
            &["https://evil.test/.example.com/a", "https://example.com/a", "http://www.example.com/a"],
        ),
        (
            "https://h.example/a-?.jpg",
            &["https://h.example/a-1.jpg", "https://h.example/a-/.jpg"],
            &["https://h.example/a-.jpg", "https://h.example/a-12.jpg"],
        ),
        (
            "https://h.example/a",
            &["https://h.example/a"],
            &[
                "https://h.example/a?",
                "https://h.example/a?b",
                "https://h.example/A",
                "https://h.example/%61",
                "https://h.example/a/",
            ],
        ),
    ]);
}

#[test]
fn a_star_that_ends_the_path_covers_every_query() {
    for resource in ["http://h.example/hello*", r"http://h.example/hello*\?*"] {
        assert_table(&[(
            resource,
            &[
                "http://h.example/hello",
                "http://h.example/hello/x",
                "http://h.example/hello?world",
                "http://h.example/hello?",
            ],
            &["http://h.example/hell", "https://h.example/hello"],
        )]);
    }
    assert_table(&[(
        "https://d111111abcdef8.cloudfront.net/*game_download.zip*",
        &[
            "https://d111111abcdef8.cloudfront.net/game_download.zip",
            "https://d111111abcdef8.cloudfront.net/example_game_download.zip?license=yes",
            "https://d111111abcdef8.cloudfront.net/test/test_game_download.zip?license=temp",
        ],
        &["https://d111111abcdef8.cloudfront.net/game"],
    )]);
}

#[test]
fn a_star_that_ends_the_domain_covers_every_path_and_query() {
    for resource in ["http://h.example*", r"http://h.example*/*\?*"] {
        assert_table(&[(
            resource,
            &["http://h.example/", "http://h.example/a/b?c", "http://h.example.test/"],
            &["http://a.h.example/", "https://h.example/"],
        )]);
    }
    assert_table(&[("https://*", &["https://h.example/a?b"], &["http://h.example/a?b"])]);
}

#[test]
fn a_pattern_may_leave_out_the_protocol() {
    for resource in ["*example.com", "*://*example.com/"] {
        assert_table(&[(
            resource,
            &["http://example.com/", "https://www.example.com/"],
            &["https://example.com/a", "https://example.com/?a", "https://example.org/"],
        )]);
    }
    assert_table(&[
        ("*", &["http://h.example/", "https://h.example/a/b?c=d"], &[]),
        ("*/a.jpg", &["http://h.example/a.jpg", "https://other.example/a.jpg"], &["https://h.example/b/a.jpg"]),
        ("http*://h.example/a", &["http://h.example/a", "https://h.example/a"], &["https://i.example/a"]),
        ("https://h.example", &["https://h.example/"], &["https://h.example/a"]),
    ]);
}

#[test]
fn a_query_is_matched_behind_an_escaped_question_mark() {
    assert_table(&[
        (
            r"https://h.example/a\?b=*",
            &["https://h.example/a?b=", "https://h.example/a?b=c&d=e?f"],
            &["https://h.example/a", "https://h.example/aXb=1", "https://h.example/a?c&b=1"],
        ),
        (
            r"https://h.example/a\?*",
            &["https://h.example/a", "https://h.example/a?", "https://h.example/a?b"],
            &["https://h.example/ab"],
        ),
        (
            r"https://h.example/a\?b?",
            &["https://h.example/a?b1"],
            &["https://h.example/a?b", "https://h.example/a?b12", "https://h.example/a1b2"],
        ),
        (r"https://h.example/a\?b\?c", &["https://h.example/a?b?c"], &["https://h.example/a?bxc"]),
    ]);
}

/// AWS's pages contradict each other: see `Resource`.
#[test]
fn a_bare_question_mark_is_one_character_or_the_start_of_the_query() {
    assert_table(&[(
        "https://d111111abcdef8.cloudfront.net/images/horizon.jpg?size=large&license=yes",
        &[
            "https://d111111abcdef8.cloudfront.net/images/horizon.jpg?size=large&license=yes",
            "https://d111111abcdef8.cloudfront.net/images/horizon.jpgXsize=large&license=yes",
        ],
        &[
            "https://d111111abcdef8.cloudfront.net/images/horizon.jpg",
            "https://d111111abcdef8.cloudfront.net/images/horizon.jpg?size=small&license=yes",
            "https://d111111abcdef8.cloudfront.net/images/horizon.jpg?size=large&license=yes&more",
        ],
    )]);
}

#[test]
fn parameters_added_after_signing_need_a_wildcard() {
    let policy = policy_for("https://h.example/a");
    let mut arrival = signed("https://h.example/a", &policy);
    assert!(arrival.verify().is_ok());
    arrival.target.push_str("&more=1");
    assert_eq!(arrival.reason(), Some(Reason::ResourceMismatch));
    let mut arrival = signed("https://h.example/a", &policy_for("https://h.example/a*"));
    arrival.target.push_str("&more=1");
    assert_eq!(arrival.verify().unwrap().origin_target(), "/a?more=1");
}

#[test]
fn cookies_name_their_protocol() {
    let url = "https://h.example/a";
    assert!(Arrival::of(url).with_cookies(&cookies(&policy_for("https://h.example/*"))).verify().is_ok());
    assert!(Arrival::of(url).with_cookies(&cookies(&policy_for("http*://h.example/*"))).verify().is_ok());
    for resource in ["*://h.example/*", "*"] {
        let arrival = Arrival::of(url).with_cookies(&cookies(&policy_for(resource)));
        assert_eq!(arrival.reason(), Some(Reason::ResourceMismatch), "{resource}");
    }
}
