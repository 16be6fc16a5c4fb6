//! Rules about the headers of a signed request.

use super::payload::Declared;
use super::{Details, Echo, MAX_HEADERS, Mechanism, Reason, Refusal, UnsignedHeaders};
use crate::request::RequestView;

/// The header that says what stands for the body.
pub(super) const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// The headers that the verifier itself acts on and that stand nowhere else in what is signed. No expectation makes their
/// words anybody's.
const ALWAYS_SIGNED: [&str; 2] = ["x-amz-region-set", "x-amz-security-token"];

/// The value of a header that may stand there once.
pub(super) fn single_header<'a>(
    request: &RequestView<'a>,
    name: &'static str,
    mechanism: impl Into<Option<Mechanism>>,
) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = request.header_values(name);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(second) => {
            let value = Echo(String::from_utf8_lossy(second).into_owned());
            Err(Refusal::new(Reason::HeaderRepeated, mechanism, Details::Argument { name, value }))
        }
    }
}

/// The list must be as a signer writes it: lower-case, sorted, each name once, `host` among them.
pub(super) fn check_signed_headers(list: &str, mechanism: Mechanism) -> Result<(), Refusal> {
    // What most signed URLs say.
    if list == "host" {
        return Ok(());
    }
    let refuse = |reason| Err(Refusal::plain(reason, mechanism));
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b':')
    };
    let in_bounds = || list.split(';').nth(MAX_HEADERS).is_none();
    if !in_bounds() || !list.split(';').all(is_name) || !list.split(';').is_sorted_by(|one, next| one < next) {
        return refuse(Reason::SignedHeadersMalformed);
    }
    if !is_signed("host", list) {
        return refuse(Reason::HostNotSigned);
    }
    Ok(())
}

/// Whether `name`, in lower case, stands in the list.
pub(super) fn is_signed(name: &str, list: &str) -> bool {
    list.split(';').any(|signed| signed == name)
}

/// The `x-amz-*` headers that should have been signed and are not. They are looked for when a request is read, and refused
/// once its key is known, which is the order of S3.
#[derive(Clone, Default)]
pub(super) struct NotSigned(Option<Box<str>>);

impl NotSigned {
    /// All of the request, but for those that the expectations name. A URL's payload may be said again in a header, where
    /// the expectations tolerate it as S3 does.
    pub(super) fn find(
        request: &RequestView<'_>,
        signed: &str,
        mechanism: Mechanism,
        payload: Declared,
        may_be_unsigned: &UnsignedHeaders,
    ) -> Self {
        let repeats_the_url = |name: &str, value: &[u8]| {
            may_be_unsigned.tolerates_repeated_payload()
                && mechanism == Mechanism::Query
                && name == CONTENT_SHA256
                && value == payload.line().as_bytes()
        };
        let is_tolerated = |name: &str| may_be_unsigned.contains(name) && !ALWAYS_SIGNED.contains(&name);
        let mut names: Vec<String> = request
            .headers
            .iter()
            .filter(|(name, _)| name.as_bytes().get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-")))
            .map(|(name, value)| (name.to_ascii_lowercase(), *value))
            .filter(|(name, value)| !is_signed(name, signed) && !is_tolerated(name) && !repeats_the_url(name, value))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() {
            return Self(None);
        }
        names.sort_unstable();
        names.dedup();
        Self(Some(names.join(", ").into()))
    }

    /// Refuses them.
    pub(super) fn check(&self, mechanism: Mechanism) -> Result<(), Refusal> {
        match &self.0 {
            None => Ok(()),
            Some(names) => {
                let details = Details::HeadersNotSigned(names.to_string());
                Err(Refusal::new(Reason::HeadersNotSigned, mechanism, details))
            }
        }
    }
}
