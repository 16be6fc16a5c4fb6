//! `double_encoded_key`, `decoded_key`, `plus_for_space`.

use super::Findings;
use super::address::Damage;
use super::subject::Subject;
use crate::report::{Cause, Likelihood};

const ENCODE_ONCE: &str = "encode the key once: give the signer the plain key, and pass the signed URL on as it is";
const DO_NOT_DECODE: &str = "pass the signed URL on as it is; a key with a space, %, ?, #, + or a letter beyond ASCII must stay \
    encoded";
const ENCODE_PLUS: &str = "write a space as %20 and a plus sign as %2B; encoders for forms write a space as +";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.sigv4().is_none() && subject.sigv2().is_none() {
        return;
    }
    of_a_missing_object(subject, findings);
    let address = &subject.address;
    let is_cut = address.query.iter().any(|parameter| parameter.damage == Some(Damage::AfterQuestionMark));
    if is_cut && subject.is_in_doubt() {
        let evidence = "a second ? stands before the signature: the key has one that is not encoded as %3F";
        findings.add(Cause::DecodedKey, Likelihood::Evident, evidence, DO_NOT_DECODE);
    }
    let lost = address
        .fragment
        .as_deref()
        .is_some_and(|fragment| fragment.contains("X-Amz-") || fragment.contains("Signature="));
    if lost {
        let evidence = "a # stands before the signature, so that nothing behind it is sent: the key has one that is not \
            encoded as %23";
        findings.add(Cause::DecodedKey, Likelihood::Evident, evidence, DO_NOT_DECODE);
    }
    if !subject.signature_is_in_doubt() || findings.signature_is_right {
        return;
    }
    if let Some(escape) = twice_encoded(&address.path) {
        let evidence = format!("the path has {escape}, which is an escape that was escaped again");
        findings.add(Cause::DoubleEncodedKey, Likelihood::Likely, evidence, ENCODE_ONCE);
    }
    if let Some(raw) = address.path.chars().find(|character| must_be_encoded(*character)) {
        let evidence = format!("the path has {raw:?} as it is; signers write it encoded");
        findings.add(Cause::DecodedKey, Likelihood::Likely, evidence, DO_NOT_DECODE);
    }
    if address.path.contains('+') {
        let evidence = "the path has a + where signers write %20 or %2B";
        findings.add(Cause::PlusForSpace, Likelihood::Likely, evidence, ENCODE_PLUS);
    } else if let Some(parameter) = address.query.iter().find(|parameter| parameter.raw_value().contains('+')) {
        let evidence = format!("the parameter {} has a +, which S3 reads as a space", parameter.name);
        findings.add(Cause::PlusForSpace, Likelihood::Possible, evidence, ENCODE_PLUS);
    }
}

/// The signature was right, and the key is not the one that was meant.
fn of_a_missing_object(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.code() != "NoSuchKey" && !(subject.error.is_none() && subject.status() == Some(404)) {
        return;
    }
    let (_, asked) = subject.bucket_and_key();
    let Some(key) = subject.error.and_then(|error| error.get("Key").map(str::to_owned)).or(asked) else { return };
    if let Some(escape) = escape_in(&key) {
        let evidence = format!(
            "the server looked for the key {key:?}, which has {escape} in it: it was encoded before it was signed"
        );
        findings.add(Cause::DoubleEncodedKey, Likelihood::Stated, evidence, ENCODE_ONCE);
    } else if key.contains('+') && !key.contains(' ') {
        let evidence = format!("the server looked for the key {key:?}, with a plus sign where a space may be meant");
        findings.add(Cause::PlusForSpace, Likelihood::Likely, evidence, ENCODE_PLUS);
    }
}

impl Subject<'_> {
    /// Whether the failure is still to be explained, by a signature or by parameters that did not arrive.
    fn is_in_doubt(&self) -> bool {
        self.signature_is_in_doubt() || self.code().starts_with("Authorization")
    }
}

/// The first `%25` that two hexadecimal digits follow.
fn twice_encoded(path: &str) -> Option<&str> {
    path.match_indices("%25")
        .map(|(at, _)| path.get(at..at + 5))
        .find_map(|escape| escape.filter(|escape| escape.bytes().skip(3).all(|byte| byte.is_ascii_hexdigit())))
}

/// The first `%` that two hexadecimal digits follow.
fn escape_in(key: &str) -> Option<&str> {
    key.match_indices('%')
        .map(|(at, _)| key.get(at..at + 3))
        .find_map(|escape| escape.filter(|escape| escape.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit())))
}

fn must_be_encoded(character: char) -> bool {
    !character.is_ascii_alphanumeric() && !"-_.~/%+!$&'()*,:;=@".contains(character)
}
