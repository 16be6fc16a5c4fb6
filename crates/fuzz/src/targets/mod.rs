//! What is fuzzed: each parser with a plain property of it.

mod cloudfront;
mod diagnosis;
mod documents;
mod post;
mod requests;
mod s3;
mod small;

use std::fmt::{self, Debug, Write as _};

use crate::corpus::{FNV_BASIS, FNV_PRIME};

/// A parser under test.
pub struct Target {
    /// What it is called on the command line, and the directory of its corpus.
    pub name: &'static str,
    /// Parses, and panics where the property does not hold.
    pub check: fn(&[u8]) -> Verdict,
    /// Words of the parser's language.
    pub words: &'static [&'static str],
    /// Inputs that the parser accepts, where they are easier made than written.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    acceptance: Acceptance,
    /// Tells reasons apart, and ways to be accepted.
    detail: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Acceptance {
    Accepted,
    Refused,
}

impl Verdict {
    pub(crate) fn accepted() -> Self {
        Self { acceptance: Acceptance::Accepted, detail: 0 }
    }

    /// Accepted, as one of several things.
    pub(crate) fn accepted_as(what: &impl Debug) -> Self {
        Self { acceptance: Acceptance::Accepted, detail: hash(what) }
    }

    /// `reason` should be one of few.
    pub(crate) fn refused(reason: &impl Debug) -> Self {
        Self { acceptance: Acceptance::Refused, detail: hash(reason) }
    }

    /// Whether the parser took the input.
    pub fn is_accepted(self) -> bool {
        self.acceptance == Acceptance::Accepted
    }
}

impl<T, E: Debug> From<Result<T, E>> for Verdict {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::accepted(),
            Err(reason) => Self::refused(&reason),
        }
    }
}

fn hash(what: &impl Debug) -> u64 {
    let mut hasher = Hasher(FNV_BASIS);
    write!(hasher, "{what:?}").expect("a hasher takes everything");
    hasher.0
}

struct Hasher(u64);

impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        Ok(())
    }
}

/// Every target.
pub const ALL: &[Target] = &[
    small::REQUEST_TARGET,
    small::AMZ_DATE,
    small::ENDPOINT,
    small::OBJECT_KEY,
    small::DISPOSITION,
    requests::SIGV4_QUERY,
    requests::SIGV4_HEADER,
    requests::SIGV2,
    requests::SIGV4A,
    requests::CHUNKED_SIGNED,
    requests::CHUNKED_UNSIGNED,
    s3::OPERATION,
    s3::RANGE,
    s3::DATE,
    s3::CONDITIONS,
    s3::CHECKSUM_HEADERS,
    s3::STS_FORM,
    post::POST_DOCUMENT,
    post::POST_FORM,
    post::MULTIPART_FORM,
    cloudfront::CLOUDFRONT_URL,
    cloudfront::CLOUDFRONT_COOKIES,
    cloudfront::CLOUDFRONT_POLICY,
    cloudfront::CLOUDFRONT_RESOURCE,
    cloudfront::CLOUDFRONT_CONTENT,
    cloudfront::PEM,
    diagnosis::EXPLAIN_INPUT,
    diagnosis::ERROR_DOCUMENT,
    documents::IAM_POLICY,
    documents::XML_DELETE,
    documents::XML_COMPLETE,
    documents::XML_CREATE_BUCKET,
    documents::XML_CORS,
];

/// Text inputs of a corpus written in code.
fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
