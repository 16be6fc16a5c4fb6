//! A short campaign for every target, with every test run. `cargo xtask fuzz` runs long ones.

use gatepass_fuzz::targets::{ALL, Target};
use gatepass_fuzz::{campaign, corpus};

/// Unoptimised, some fifty microseconds each.
const RUNS: u64 = 20_000;
const SEED: u64 = 1;

fn check(name: &str) {
    let target: &Target = ALL.iter().find(|target| target.name == name).expect("the target is in the table");
    let inputs = corpus::load(target).expect("the corpus can be read");
    assert!(!inputs.is_empty(), "there is something to begin with");
    let report = campaign::run(target, inputs, RUNS, SEED).unwrap_or_else(|failure| {
        panic!(
            "{name}: {} at execution {}: {:?}",
            failure.message,
            failure.execution,
            failure.input.escape_ascii().to_string()
        )
    });
    assert!(report.accepted > 0, "{name}: nothing was accepted, so nothing was tried behind the first check");
    assert!(report.accepted < report.executions, "{name}: nothing was refused");
}

macro_rules! short_campaigns {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_target_has_a_short_campaign() {
            let here = [$(stringify!($name)),*];
            assert!(ALL.iter().all(|target| here.contains(&target.name)));
        }
    };
}

short_campaigns! {
    request_target,
    amz_date,
    endpoint,
    object_key,
    disposition,
    sigv4_query,
    sigv4_header,
    sigv2,
    sigv4a,
    chunked_signed,
    chunked_unsigned,
    operation,
    range,
    date,
    conditions,
    checksum_headers,
    sts_form,
    post_document,
    post_form,
    multipart_form,
    cloudfront_url,
    cloudfront_cookies,
    cloudfront_policy,
    cloudfront_resource,
    cloudfront_content,
    pem,
    explain_input,
    error_document,
    iam_policy,
    xml_delete,
    xml_complete,
    xml_create_bucket,
    xml_cors,
}
