//! The signature of a form computed again, with the credentials at hand: for other regions, and over what its policy may
//! have been before its text was changed. The check is that of `gatepass-signing`, as for URLs.

use gatepass_signing::credentials::{Credentials, SecretKey};
use gatepass_signing::post_policy::verify::{Form, PostClaim, PostPresented, Reason, parse};
use gatepass_signing::sigv4::verify::{Expectations, Scheme, Schemes, Service};
use gatepass_signing::sigv4::{KeyCache, Region};
use jiff::Timestamp;

use super::Findings;
use super::host::S3Host;
use super::subject::{Post, Subject};
use crate::report::{Cause, Likelihood};

const SIGN_FOR_THE_REGION: &str =
    "leave x-amz-credential as it was signed; to send the form to another region, sign it for that region";
const KEEP_THE_POLICY: &str =
    "sign the policy in the very text that is sent: one line of base64 with its padding, not the JSON inside";

/// What is signed of a form: the text of its policy, with a key of one region.
#[derive(Clone)]
struct Attempt<'s> {
    policy: String,
    /// The region of the credential; SigV2 has none.
    region: String,
    credential: Option<String>,
    access_key_id: &'s str,
    signature: &'s str,
}

pub(super) fn look(subject: &Subject<'_>, post: &Post, credentials: &Credentials, findings: &mut Findings) {
    let Some(given) = Attempt::as_given(post) else { return };
    let (keys, secret) = (KeyCache::new(), credentials.secret_key());
    match given.matches(&keys, secret) {
        // The form cannot be read so far.
        None => return,
        Some(true) => {
            findings.signature_is_right = true;
            return;
        }
        Some(false) => findings.signature_was_tried = true,
    }
    let mut proven = |cause, attempt: &Attempt<'_>, signed: String, fix: &str| {
        let is_proven = attempt.matches(&keys, secret) == Some(true);
        if is_proven {
            let evidence =
                format!("the signature was computed again with the credentials at hand, and matches {signed}");
            findings.add(cause, Likelihood::Proven, evidence, fix);
        }
        is_proven
    };
    for (policy, signed) in policies(post) {
        let attempt = Attempt { policy, ..given.clone() };
        if proven(Cause::PolicyModified, &attempt, signed.to_owned(), KEEP_THE_POLICY) {
            return;
        }
    }
    let Some(credential) = &given.credential else { return };
    for region in regions(subject, post).filter(|region| *region != given.region) {
        let signed = format!("the region {region}; the form says {}", given.region);
        let credential = credential.replacen(&format!("/{}/", given.region), &format!("/{region}/"), 1);
        let attempt = Attempt { region, credential: Some(credential), ..given.clone() };
        if proven(Cause::RegionMismatch, &attempt, signed, SIGN_FOR_THE_REGION) {
            return;
        }
    }
}

impl<'s> Attempt<'s> {
    fn as_given(post: &'s Post) -> Option<Self> {
        Some(Self {
            policy: post.encoded_policy.clone(),
            // SigV2 does not ask for it.
            region: post.region.clone().or_else(|| post.sigv2.then(|| "us-east-1".to_owned()))?,
            credential: post.credential.clone(),
            access_key_id: post.access_key_id.as_deref()?,
            signature: post.signature.as_deref()?,
        })
    }

    /// Whether the form has the signature that it carries; `None` where it claims nothing that could be checked.
    fn matches(&self, keys: &KeyCache, secret: &SecretKey) -> Option<bool> {
        // What is refused for another reason has the right signature: no policy is read before.
        Some(match self.claim()?.verify(keys, secret) {
            Ok(_) => true,
            Err(refusal) => refusal.reason() != Reason::SignatureMismatch,
        })
    }

    /// The claim of a form that has nothing but its signature, of which the date is no part.
    fn claim(&self) -> Option<PostClaim> {
        let mut form = Form::new("bucket");
        form.push("key", "key").ok()?;
        form.push("policy", &self.policy).ok()?;
        let of_scheme = match &self.credential {
            Some(credential) => vec![
                ("x-amz-algorithm", Scheme::SigV4.as_str()),
                ("x-amz-credential", credential),
                ("x-amz-date", "19700101T000000Z"),
                ("x-amz-signature", self.signature),
            ],
            None => vec![("AWSAccessKeyId", self.access_key_id), ("signature", self.signature)],
        };
        for (name, value) in of_scheme {
            form.push(name, value).ok()?;
        }
        // A file of this name leaves every field as it is.
        form.file(Some("${filename}"));
        let mut expectations = Expectations::new(Region::new(self.region.as_str()).ok()?, Service::S3);
        expectations.schemes = Schemes::default().with(Scheme::SigV2);
        match parse(&form, &expectations, Timestamp::UNIX_EPOCH).ok()? {
            PostPresented::Signed(claim) => Some(claim),
            PostPresented::Anonymous(_) => None,
        }
    }
}

/// The texts that the policy may have had when it was signed, each in words.
fn policies(post: &Post) -> Vec<(String, &'static str)> {
    let given = post.encoded_policy.as_str();
    let bare: String = given.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let unpadded = bare.trim_end_matches('=').to_owned();
    let padded = unpadded.clone() + &"=".repeat((4 - unpadded.len() % 4) % 4);
    let lines = |length: usize, end: &str| {
        let mut text = String::with_capacity(padded.len() + padded.len() / length * end.len() + end.len());
        for (index, character) in padded.chars().enumerate() {
            if index > 0 && index % length == 0 {
                text.push_str(end);
            }
            text.push(character);
        }
        text + end
    };
    let mut texts = vec![
        (given.replace(' ', "+"), "a policy with plus signs where the form has blanks"),
        (bare.clone(), "the policy without the blanks and line ends in it"),
        (unpadded, "the policy without its padding"),
        (padded.clone(), "the policy with its padding, which is missing"),
        (bare.replace('-', "+").replace('_', "/"), "the policy in the alphabet of base64 that has + and /"),
        (bare.replace('+', "-").replace('/', "_"), "the policy in the alphabet of base64 that has - and _"),
        (padded.clone() + "\n", "the policy with a line end behind it"),
        (lines(60, "\n"), "the policy in lines of 60 characters"),
        (lines(76, "\n"), "the policy in lines of 76 characters"),
        (lines(76, "\r\n"), "the policy in lines of 76 characters"),
    ];
    texts.extend(post.policy.clone().map(|json| (json, "the JSON of the policy; what counts is its base64")));
    texts.retain(|(text, _)| text != given);
    texts
}

/// The regions for which it may have been signed, the likeliest first.
fn regions(subject: &Subject<'_>, post: &Post) -> impl Iterator<Item = String> {
    let of_policy = super::policy::credential_region(post.policy.as_deref().unwrap_or_default());
    let of_error = subject.error.and_then(|error| error.get("Region")).map(str::to_owned);
    let of_answer = subject.response.header("x-amz-bucket-region").map(str::to_owned);
    let of_host = S3Host::parse(&subject.address.authority).and_then(|host| host.region);
    let known = [of_policy, of_error, of_answer, of_host].into_iter().flatten();
    known.chain(super::hypotheses::COMMON_REGIONS.map(str::to_owned))
}
