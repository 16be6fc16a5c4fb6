//! Signing a URL, from bucket and key, as a backend does it for each request.

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::Credentials;
use gatepass_signing::sigv4::presign::{Method, Presign, ResponseOverride};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;

use crate::allocations;
use crate::floor::floor;
use crate::harness::{interleaved, record};
use crate::peers::{aws_sigv4, rusty_s3};
use crate::shape::{self, BUCKET, KEY, LIFETIME_SECONDS, Shape};

pub(crate) fn run() {
    for shape in Shape::ALL {
        contest(shape);
    }
    count_allocations();
}

/// What a backend holds between requests.
pub(crate) struct Signer {
    endpoint: Endpoint,
    region: Region,
    credentials: Credentials,
    shape: Shape,
}

impl Signer {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { endpoint: shape::endpoint(), region: shape::region(), credentials: shape.credentials(), shape }
    }

    pub(crate) fn presign(&self, keys: &KeyCache) -> String {
        let address = Address::object(&self.endpoint, AddressingStyle::VirtualHost, BUCKET, KEY).expect("an address");
        let lifetime = Lifetime::from_secs(LIFETIME_SECONDS).expect("an hour");
        let mut presign = Presign::new(&self.credentials, self.region.clone(), address, Method::Get).expires(lifetime);
        if let Some(disposition) = self.shape.disposition() {
            presign = presign.response(ResponseOverride::ContentDisposition, disposition).expect("a header value");
        }
        presign.sign(keys, shape::now()).expect("the credentials do not expire").into_exposed()
    }
}

fn contest(shape: Shape) {
    let signer = Signer::new(shape);
    let keys = KeyCache::new();
    let (mut floor, mut aws, mut rusty) = (floor(shape), aws_sigv4(shape), rusty_s3(shape));
    let url = signer.presign(&keys);
    assert_eq!(url, floor(), "the floor makes the same URL");

    let mut presign = || signer.presign(&keys).len();
    let mut cold = || signer.presign(&KeyCache::new()).len();
    let mut floor = || floor().len();
    let mut aws = || aws().len();
    let mut rusty = || rusty().len();
    let name = shape.name();
    let figures = interleaved(
        name,
        &mut [
            ("presign", &mut presign),
            ("presign_cold_key", &mut cold),
            ("floor", &mut floor),
            ("aws_sigv4", &mut aws),
            ("rusty_s3", &mut rusty),
        ],
    );
    record(&format!("presign_{name}_over_floor"), figures.ratio("presign", "floor"));
    record(&format!("rusty_s3_over_presign_{name}"), figures.ratio("rusty_s3", "presign"));
    record(&format!("aws_sigv4_over_presign_{name}"), figures.ratio("aws_sigv4", "presign"));
    record(&format!("presign_cold_key_over_presign_{name}"), figures.ratio("presign_cold_key", "presign"));
}

/// The most that any shape allocates with a cached key: the URL, and what stands between key and URL.
fn count_allocations() {
    let most = Shape::ALL.map(|shape| {
        let signer = Signer::new(shape);
        let keys = KeyCache::new();
        signer.presign(&keys);
        let (_, allocations) = allocations::of(|| signer.presign(&keys));
        println!("{:12} {:20} {allocations:?}", shape.name(), "presign");
        allocations.count
    });
    let most = most.into_iter().max().expect("there are three shapes");
    println!("ratio allocations_per_presign {most}");
}
