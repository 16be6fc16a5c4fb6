//! How fast URLs are signed and verified, beside other signers and beside the least work that could do it.
//!
//! Run with `cargo bench -p gatepass-signing`. Every contestant runs once per round, in turn, so that a machine that
//! slows down slows them all; a figure is the median of the rounds. Lines `ratio NAME VALUE` are for the record:
//! `PEER_over_presign_SHAPE` is how many times longer a peer takes, `OURS_over_floor` how many times longer we take than
//! the bare hashing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::presign::{Method, Presign, ResponseOverride};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Service};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusty_s3::S3Action;
use sha2::{Digest, Sha256};

const ROUNDS: usize = 11;
const SIGNATURES_PER_ROUND: u32 = 2_000;

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const REGION: &str = "eu-central-1";
const HOST: &str = "photos.s3.eu-central-1.amazonaws.com";
const KEY: &str = "2026/11/some folder/a photo (1).jpg";
const PATH: &str = "/2026/11/some%20folder/a%20photo%20%281%29.jpg";
const DISPOSITION: &str = "attachment; filename=\"a photo (1).jpg\"";
const SECOND: i64 = 1_790_000_000;

/// What is added to the plain URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Disposition,
    Token,
}

fn main() {
    let now = Timestamp::from_second(SECOND).expect("a second of this century");
    let token = "FwoGZXIvYXdzEJr//////////wEaD".repeat(20);
    let contests: [(&str, Shape); 3] =
        [("plain", Shape::Plain), ("disposition", Shape::Disposition), ("token", Shape::Token)];
    for (name, shape) in contests {
        presigning(name, shape, &token, now);
    }
    verifying(now);
}

fn presigning(name: &str, shape: Shape, token: &str, now: Timestamp) {
    let credentials = credentials(shape, token);
    let endpoint = endpoint();
    let warm = KeyCache::new();
    let mut ours = || presign(&endpoint, &credentials, shape, &warm, now).len();
    let mut cold = || presign(&endpoint, &credentials, shape, &KeyCache::new(), now).len();
    let mut floor = floor(shape, token);
    let mut aws = aws_sigv4(shape, token);
    let mut rusty = rusty_s3(shape, token);
    let medians = interleaved(&mut [
        ("presign", &mut ours),
        ("presign_cold_key", &mut cold),
        ("floor", &mut floor),
        ("aws_sigv4", &mut aws),
        ("rusty_s3", &mut rusty),
    ]);
    report(name, &medians);
    for peer in ["aws_sigv4", "rusty_s3"] {
        ratio(&format!("{peer}_over_presign_{name}"), medians[peer], medians["presign"]);
    }
    ratio(&format!("presign_over_floor_{name}"), medians["presign"], medians["floor"]);
    ratio(&format!("presign_cold_key_over_presign_{name}"), medians["presign_cold_key"], medians["presign"]);
}

fn verifying(now: Timestamp) {
    let credentials = credentials(Shape::Plain, "");
    let endpoint = endpoint();
    let keys = KeyCache::new();
    let url = presign(&endpoint, &credentials, Shape::Plain, &keys, now);
    let target = &url[url.find(PATH).expect("the path stands in the URL")..];
    let headers: [(&str, &[u8]); 3] = [("Host", HOST.as_bytes()), ("User-Agent", b"curl/8"), ("Accept", b"*/*")];
    let expectations = Expectations::new(region(), Service::S3);
    let mut verify = || {
        let request = RequestView { method: "GET", target, headers: &headers };
        match verify::parse(&request, &expectations, now) {
            Ok(Presented::Query(claim)) => {
                claim.verify(&keys, credentials.secret_key()).expect("the URL is ours").method().len()
            }
            _ => unreachable!("the URL is signed in its query"),
        }
    };
    let mut ours = || presign(&endpoint, &credentials, Shape::Plain, &keys, now).len();
    let mut floor = floor(Shape::Plain, "");
    let medians = interleaved(&mut [("verify", &mut verify), ("presign", &mut ours), ("floor", &mut floor)]);
    report("verify", &medians);
    ratio("verify_over_presign", medians["verify"], medians["presign"]);
    ratio("verify_over_floor", medians["verify"], medians["floor"]);
}

/// One contestant's name and one piece of its work; the result keeps the compiler from leaving the work out.
type Contestant<'a> = (&'static str, &'a mut dyn FnMut() -> usize);

/// The median time of one call, over rounds in which everybody runs in turn. The first round warms up and does not count.
fn interleaved(contestants: &mut [Contestant<'_>]) -> BTreeMap<&'static str, Duration> {
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for round in 0..=ROUNDS {
        for (name, work) in contestants.iter_mut() {
            let start = Instant::now();
            for _ in 0..SIGNATURES_PER_ROUND {
                black_box(work());
            }
            if round > 0 {
                times.entry(name).or_default().push(start.elapsed() / SIGNATURES_PER_ROUND);
            }
        }
    }
    times
        .into_iter()
        .map(|(name, mut rounds)| {
            rounds.sort_unstable();
            (name, rounds[rounds.len() / 2])
        })
        .collect()
}

fn report(contest: &str, medians: &BTreeMap<&'static str, Duration>) {
    for (name, median) in medians {
        println!("{contest:12} {name:20} {:>8} ns", median.as_nanos());
    }
}

fn ratio(name: &str, one: Duration, other: Duration) {
    println!("ratio {name} {:.2}", one.as_secs_f64() / other.as_secs_f64());
}

fn endpoint() -> Endpoint {
    Endpoint::parse("https://s3.eu-central-1.amazonaws.com").expect("an endpoint")
}

fn region() -> Region {
    Region::new(REGION).expect("a region")
}

fn credentials(shape: Shape, token: &str) -> Credentials {
    let id = AccessKeyId::new(ID).expect("an access key id");
    let secret = SecretKey::new(SECRET).expect("a secret");
    match shape {
        Shape::Token => Credentials::temporary(id, secret, SessionToken::new(token).expect("a token"), None),
        Shape::Plain | Shape::Disposition => Credentials::long_term(id, secret),
    }
}

/// From bucket and key to the URL, as a backend does it for each request.
fn presign(endpoint: &Endpoint, credentials: &Credentials, shape: Shape, keys: &KeyCache, now: Timestamp) -> String {
    let address = Address::object(endpoint, AddressingStyle::VirtualHost, "photos", KEY).expect("an address");
    let lifetime = Lifetime::from_secs(3600).expect("an hour");
    let mut presign = Presign::new(credentials, region(), address, Method::Get).expires(lifetime);
    if shape == Shape::Disposition {
        presign = presign.response(ResponseOverride::ContentDisposition, DISPOSITION).expect("a header value");
    }
    presign.sign(keys, now).expect("the credentials do not expire").into_exposed()
}

/// The least that signing can be: one buffer with everything but the changing parts laid out beforehand, one hash of the
/// canonical request, one HMAC with a prepared key, one URL.
fn floor(shape: Shape, token: &str) -> impl FnMut() -> usize {
    let mut query = String::new();
    let mut parameter = |name: &str, value: &str| {
        query.push_str(if query.is_empty() { "" } else { "&" });
        query.push_str(name);
        query.push('=');
        gatepass_signing::encode::component(value, &mut query);
    };
    parameter("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    parameter("X-Amz-Credential", &format!("{ID}/20260921/{REGION}/s3/aws4_request"));
    parameter("X-Amz-Date", "20260921T000000Z");
    parameter("X-Amz-Expires", "3600");
    if shape == Shape::Token {
        parameter("X-Amz-Security-Token", token);
    }
    parameter("X-Amz-SignedHeaders", "host");
    if shape == Shape::Disposition {
        parameter("response-content-disposition", DISPOSITION);
    }
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("a key of any length");
    move || {
        let canonical = format!("GET\n{PATH}\n{query}\nhost:{HOST}\n\nhost\nUNSIGNED-PAYLOAD");
        let digest = gatepass_signing::encode::hex(&Sha256::digest(canonical));
        let mut hmac = key.clone();
        hmac.update(b"AWS4-HMAC-SHA256\n20260921T000000Z\n20260921/eu-central-1/s3/aws4_request\n");
        hmac.update(digest.as_bytes());
        let signature = gatepass_signing::encode::hex(&hmac.finalize().into_bytes());
        let mut url = String::with_capacity(512);
        write!(url, "https://{HOST}{PATH}?{query}&X-Amz-Signature={signature}").expect("a string takes everything");
        url.len()
    }
}

fn aws_sigv4(shape: Shape, token: &str) -> impl FnMut() -> usize {
    let token = (shape == Shape::Token).then(|| token.to_owned());
    let identity = aws_credential_types::Credentials::new(ID, SECRET, token, None, "bench").into();
    let time = UNIX_EPOCH + Duration::from_secs(SECOND.unsigned_abs());
    move || {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_hours(1));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("s3")
            .time(time)
            .settings(settings)
            .build()
            .expect("every parameter is given")
            .into();
        let mut url = format!("https://{HOST}");
        gatepass_signing::encode::path("/", &mut url);
        gatepass_signing::encode::path(KEY, &mut url);
        if shape == Shape::Disposition {
            url.push_str("?response-content-disposition=");
            gatepass_signing::encode::component(DISPOSITION, &mut url);
        }
        let body = SignableBody::UnsignedPayload;
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), body).expect("a request");
        let (instructions, _) = aws_sigv4::http_request::sign(request, &params).expect("a signature").into_parts();
        for (name, value) in instructions.params() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            gatepass_signing::encode::component(value, &mut url);
        }
        url.len()
    }
}

fn rusty_s3(shape: Shape, token: &str) -> impl FnMut() -> usize {
    let bucket = rusty_s3::Bucket::new(
        "https://s3.eu-central-1.amazonaws.com".parse().expect("an endpoint"),
        rusty_s3::UrlStyle::VirtualHost,
        "photos",
        REGION,
    )
    .expect("a bucket");
    let credentials = match shape {
        Shape::Token => rusty_s3::Credentials::new_with_token(ID, SECRET, token),
        Shape::Plain | Shape::Disposition => rusty_s3::Credentials::new(ID, SECRET),
    };
    move || {
        let mut action = bucket.get_object(Some(&credentials), KEY);
        if shape == Shape::Disposition {
            action.query_mut().insert("response-content-disposition", DISPOSITION);
        }
        action.sign(Duration::from_hours(1)).as_str().len()
    }
}
