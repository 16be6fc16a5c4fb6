//! Runs the examples: what they assert holds, and they end well.

use std::collections::BTreeSet;
use std::path::Path;

#[path = "../examples/chunked_upload.rs"]
mod chunked_upload;
#[path = "../examples/cloudfront_cookies.rs"]
mod cloudfront_cookies;
#[path = "../examples/cloudfront_url.rs"]
mod cloudfront_url;
#[path = "../examples/post_policy.rs"]
mod post_policy;
#[path = "../examples/presign_get.rs"]
mod presign_get;
#[path = "../examples/presign_put.rs"]
mod presign_put;
#[path = "../examples/signer.rs"]
mod signer;
#[path = "../examples/sigv4a.rs"]
mod sigv4a;
#[path = "../examples/verify_request.rs"]
mod verify_request;

type Main = fn() -> Result<(), Box<dyn std::error::Error>>;

const EXAMPLES: [(&str, Main); 9] = [
    ("chunked_upload", chunked_upload::main),
    ("cloudfront_cookies", cloudfront_cookies::main),
    ("cloudfront_url", cloudfront_url::main),
    ("post_policy", post_policy::main),
    ("presign_get", presign_get::main),
    ("presign_put", presign_put::main),
    ("signer", signer::main),
    ("sigv4a", sigv4a::main),
    ("verify_request", verify_request::main),
];

#[test]
fn every_example_runs() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let written: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let run: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(written, run);
    for (name, main) in EXAMPLES {
        main().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
