//! `cargo xtask timing`: whether the time of a refusal tells how much of a signature was right.
//!
//! After dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): two classes of inputs, measured in
//! random order, the slowest measurements cropped, compared by Welch's t. Class one has a signature that is wrong in its first
//! byte, class two in its last; a comparison that stops at the first difference is faster for class one. |t| below 4.5 is no
//! evidence. Each measurement takes one of many requests at random, and a wrong character is of the same kind as the right one:
//! two fixed inputs would be told apart by where they lie in memory and by their digits, which the sender knows anyway. Two
//! controls stand beside them: a comparison that stops at the first difference shows that the clock of this machine is fine
//! enough to tell, and the same class measured against itself shows what the machine alone brings about.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use gatepass_fuzz::chance::Chance;
use gatepass_fuzz::example::{
    ACCESS_KEY_ID, EXPIRES, HOST, Request, credentials, now, region, sigv2 as sigv2_signature, write,
};
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::encode;
use gatepass_signing::post_policy::verify::{self as post, Form, PostPresented};
use gatepass_signing::post_policy::{KeyRule, PostPolicy, SizeRange, UploadTarget};
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Scheme, Schemes, Service};

/// Beyond this, the two classes differ.
const THRESHOLD: f64 = 4.5;
/// The share of the fastest measurements that is compared: the rest met interrupts.
const KEPT_PERCENT: usize = 90;

/// Measures whether refusals take the same time wherever a signature is wrong.
#[derive(Parser)]
struct Arguments {
    /// How many measurements of each class
    #[arg(long, default_value_t = 200_000)]
    measurements: usize,
    /// Where the order of the measurements comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How many different requests there are of each kind.
const POOL: usize = 256;

/// Where a signature is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    First,
    Last,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("seed {}, {} measurements of each class, {KEPT_PERCENT} % kept", arguments.seed, arguments.measurements);
    let mut suspects = Vec::new();
    for (name, t) in [
        ("sigv4", welch(&arguments, sigv4)),
        ("sigv2", welch(&arguments, sigv2)),
        ("post_policy", welch(&arguments, post_policy)),
    ] {
        println!("t {name} {t:.2}");
        if t.abs() >= THRESHOLD {
            suspects.push(name);
        }
    }
    let control = welch(&arguments, control);
    println!("t control {control:.2} (a comparison that stops at the first difference)");
    let itself = welch(&arguments, |subject, index, _| sigv4(subject, index, Wrong::First));
    println!("t itself {itself:.2} (the first class, measured against itself)");
    if control.abs() < THRESHOLD || itself.abs() >= THRESHOLD {
        bail!(
            "the controls do not hold: this machine is too busy, or its clock too coarse, for the other figures to mean anything"
        )
    }
    if !suspects.is_empty() {
        bail!("|t| reached {THRESHOLD} for {}", suspects.join(", "));
    }
    Ok(())
}

/// Runs `measure` for both classes in random order; it returns nanoseconds.
fn welch(arguments: &Arguments, measure: fn(&Subject, usize, Wrong) -> u64) -> f64 {
    let subject = Subject::new();
    let mut chance = Chance::new(arguments.seed);
    let mut first = Vec::with_capacity(arguments.measurements);
    let mut last = Vec::with_capacity(arguments.measurements);
    for round in 0..arguments.measurements + arguments.measurements / 10 {
        let order = if chance.below(2) == 0 { [Wrong::First, Wrong::Last] } else { [Wrong::Last, Wrong::First] };
        for class in order {
            let took = measure(&subject, chance.below(POOL), class);
            // The first tenth warms caches up.
            if round >= arguments.measurements / 10 {
                if class == Wrong::First { first.push(took) } else { last.push(took) }
            }
        }
    }
    // One limit for both classes, or cropping itself would make them differ.
    let mut all = [first.as_slice(), last.as_slice()].concat();
    all.sort_unstable();
    let limit = all[(all.len() - 1) * KEPT_PERCENT / 100];
    first.retain(|took| *took <= limit);
    last.retain(|took| *took <= limit);
    t(&first, &last)
}

#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds are far below 2^52")]
fn t(one: &[u64], other: &[u64]) -> f64 {
    let moments = |values: &[u64]| {
        let count = values.len() as f64;
        let mean = values.iter().map(|value| *value as f64).sum::<f64>() / count;
        let variance = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((one, one_error), (other, other_error)) = (moments(one), moments(other));
    (one - other) / (one_error + other_error).sqrt()
}

/// Everything that is made beforehand, each in two classes.
struct Subject {
    keys: KeyCache,
    expectations: Expectations,
    sigv4: Vec<[String; 2]>,
    sigv2: Vec<[String; 2]>,
    forms: Vec<[Form; 2]>,
    naive: [[u8; 32]; 3],
}

impl Subject {
    fn new() -> Self {
        let keys = KeyCache::new();
        let mut expectations = Expectations::new(region(), Service::S3);
        expectations.schemes = Schemes::default().with(Scheme::SigV2);
        let sigv4 = pool(|key, wrong| request(&flip(&presigned(&keys, key), "X-Amz-Signature=", 64, wrong)));
        let sigv2 = pool(signed_with_wrong_sigv2);
        let forms = pool(|key, wrong| form(&keys, key, wrong));
        let mut naive = [[7; 32]; 3];
        naive[1][0] = 8;
        naive[2][31] = 8;
        Self { keys, expectations, sigv4, sigv2, forms, naive }
    }
}

/// Made in turns, so that neither class lies in better memory.
fn pool<T>(make: impl Fn(&str, Wrong) -> T) -> Vec<[T; 2]> {
    let both = |index: usize| {
        let key = format!("key-{index:03}");
        if index.is_multiple_of(2) {
            let first = make(&key, Wrong::First);
            [first, make(&key, Wrong::Last)]
        } else {
            let last = make(&key, Wrong::Last);
            [make(&key, Wrong::First), last]
        }
    };
    (0..POOL).map(both).collect()
}

fn sigv4(subject: &Subject, index: usize, wrong: Wrong) -> u64 {
    refusal_of_request(subject, &subject.sigv4[index][wrong as usize])
}

fn sigv2(subject: &Subject, index: usize, wrong: Wrong) -> u64 {
    refusal_of_request(subject, &subject.sigv2[index][wrong as usize])
}

fn refusal_of_request(subject: &Subject, text: &str) -> u64 {
    let request = Request::read(text);
    let parsed = verify::parse(&request.view(), &subject.expectations, now()).expect("the form is good");
    let Presented::Query(claim) = parsed else { unreachable!("the URL is signed") };
    let credentials = credentials();
    time_of_refusal(|| claim.verify(&subject.keys, black_box(credentials.secret_key())).is_err())
}

fn post_policy(subject: &Subject, index: usize, wrong: Wrong) -> u64 {
    let parsed =
        post::parse(&subject.forms[index][wrong as usize], &subject.expectations, now()).expect("the form is good");
    let PostPresented::Signed(claim) = parsed else { unreachable!("the form is signed") };
    let credentials = credentials();
    time_of_refusal(|| claim.verify(&subject.keys, black_box(credentials.secret_key())).is_err())
}

fn time_of_refusal(is_refused: impl FnOnce() -> bool) -> u64 {
    let start = Instant::now();
    let refused = black_box(is_refused());
    let took = nanoseconds(start);
    assert!(refused, "the signature is wrong");
    took
}

fn control(subject: &Subject, _: usize, wrong: Wrong) -> u64 {
    let (right, given) = (black_box(&subject.naive[0]), black_box(&subject.naive[1 + wrong as usize]));
    let start = Instant::now();
    let mut equal = true;
    for (one, other) in right.iter().zip(given) {
        if black_box(one) != black_box(other) {
            equal = false;
            break;
        }
    }
    let took = nanoseconds(start);
    assert!(!black_box(equal));
    took
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn presigned(keys: &KeyCache, key: &str) -> String {
    let endpoint = Endpoint::parse(&format!("http://{HOST}")).expect("an endpoint");
    let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", key).expect("an address");
    let credentials = credentials();
    let url = Presign::new(&credentials, region(), address, Method::Get).sign(keys, now()).expect("it can be signed");
    url.expose().split_once(HOST).expect("the host stands in the URL").1.to_owned()
}

fn request(target: &str) -> String {
    String::from_utf8(write("GET", target, &[("host", HOST)])).expect("a request is text")
}

fn form(keys: &KeyCache, key: &str, wrong: Wrong) -> Form {
    let endpoint = Endpoint::parse("http://store.test").expect("an endpoint");
    let target = UploadTarget::new(&endpoint, AddressingStyle::Path, "bucket").expect("a bucket");
    let (key, size) = (KeyRule::exact(key).expect("a key"), SizeRange::new(1, 10).expect("a range"));
    let signed =
        PostPolicy::new(&credentials(), region(), target, key, size).sign(keys, now()).expect("it can be signed");
    let mut form = Form::new("bucket");
    for (name, value) in signed.expose_fields() {
        let value = if name == "x-amz-signature" { flip(value, "", 64, wrong) } else { value.to_owned() };
        form.push(name, value).expect("the form is small");
    }
    form.file(None);
    form
}

/// The last character but one of 27 is the last that holds nothing but the digest.
fn signed_with_wrong_sigv2(key: &str, wrong: Wrong) -> String {
    let right = sigv2_signature(&format!("GET\n\n\n{EXPIRES}\n/bucket/{key}"));
    let mut signature = String::new();
    encode::component(&flip(&right, "", 26, wrong), &mut signature);
    request(&format!("/bucket/{key}?AWSAccessKeyId={ACCESS_KEY_ID}&Expires={EXPIRES}&Signature={signature}"))
}

/// Changes the first or the last character of what follows `before`, `length` characters long, to another of its kind.
fn flip(text: &str, before: &str, length: usize, wrong: Wrong) -> String {
    let start = text.find(before).expect("the signature is there") + before.len();
    let at = if wrong == Wrong::First { start } else { start + length - 1 };
    let byte = text.as_bytes()[at];
    let other = match byte {
        b'+' => b'/',
        b'/' => b'+',
        b'9' | b'f' | b'z' | b'F' | b'Z' => byte - 1,
        _ => byte + 1,
    };
    format!("{}{}{}", &text[..at], char::from(other), &text[at + 1..])
}
