//! Checking a signed URL, from the head of a request to the proof. The floor is that of signing: the same bytes are
//! hashed, and taking a URL apart stands in for putting it together.

use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Service};

use crate::allocations;
use crate::floor::floor;
use crate::harness::{interleaved, record};
use crate::presign::Signer;
use crate::shape::{self, HOST, Shape};

pub(crate) fn run() {
    for shape in Shape::ALL {
        contest(shape);
    }
}

fn contest(shape: Shape) {
    let keys = KeyCache::new();
    let url = Signer::new(shape).presign(&keys);
    let target = url.strip_prefix("https://").and_then(|url| url.strip_prefix(HOST)).expect("the URL begins so");
    let headers: [(&str, &[u8]); 3] = [("Host", HOST.as_bytes()), ("User-Agent", b"curl/8"), ("Accept", b"*/*")];
    let request = RequestView { method: "GET", target, headers: &headers };
    let expectations = Expectations::new(shape::region(), Service::S3);
    let credentials = shape.credentials();
    let now = shape::now();

    let mut verify = || match verify::parse(&request, &expectations, now) {
        Ok(Presented::Query(claim)) => {
            let verified = claim.verify(&keys, credentials.secret_key()).expect("the URL is ours");
            verified.target().path().len() + verified.target().query().iter().count()
        }
        _ => unreachable!("the URL is signed in its query"),
    };
    let (_, allocations) = allocations::of(verify);
    let mut floor = floor(shape);
    let mut floor = || floor().len();
    let name = shape.name();
    println!("{name:12} {:20} {allocations:?}", "verify");
    let figures = interleaved(name, &mut [("verify", &mut verify), ("floor", &mut floor)]);
    record(&format!("verify_{name}_over_floor"), figures.ratio("verify", "floor"));
}
