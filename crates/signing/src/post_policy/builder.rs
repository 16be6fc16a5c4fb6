//! Making a form.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::error::PostPolicyError;
use super::text::{Condition, PolicyText, Writer};
use super::{FILENAME, KeyRule, MAX_FIELDS, MAX_FORM_BYTES, SignedForm, SizeRange, UploadTarget, field, redirect};
use crate::credentials::{Credentials, SessionToken};
use crate::sigv4::{ALGORITHM, KeyCache, Region, Scope, ServiceName};
use crate::time::{AmzDate, Lifetime, SigningWindow};

/// The status of an upload that succeeded, where no redirect is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuccessStatus {
    /// 200, with an empty body.
    Ok,
    /// 201, with an XML document that names location, bucket, key and entity tag.
    Created,
    /// 204, which is what S3 answers anyway.
    NoContent,
}

impl SuccessStatus {
    /// The value of `success_action_status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::Created => "201",
            Self::NoContent => "204",
        }
    }
}

/// A signed form in the making. See the [module](super) for what it can and cannot be.
#[derive(Clone)]
pub struct PostPolicy<'a> {
    credentials: &'a Credentials,
    region: Region,
    target: UploadTarget,
    key: KeyRule,
    size: SizeRange,
    window: SigningWindow,
    style: PolicyText,
    rules: Vec<FieldRule>,
}

/// What one field may be.
#[derive(Clone)]
struct FieldRule {
    name: String,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Exact(String),
    Prefix(String),
}

impl<'a> PostPolicy<'a> {
    /// The lifetime where [`expires`](Self::expires) says no other: fifteen minutes.
    pub const DEFAULT_LIFETIME_SECONDS: u64 = 900;

    /// A form that uploads one file of a size within `size` to a key that `key` allows.
    #[must_use]
    pub fn new(
        credentials: &'a Credentials,
        region: Region,
        target: UploadTarget,
        key: KeyRule,
        size: SizeRange,
    ) -> Self {
        let lifetime =
            Lifetime::from_secs(Self::DEFAULT_LIFETIME_SECONDS).expect("fifteen minutes are within seven days");
        let style = PolicyText::default();
        Self { credentials, region, target, key, size, window: lifetime.into(), style, rules: Vec::new() }
    }

    /// How long the form lives: a [`Lifetime`], or a [`SigningWindow`] that rounds the signing time.
    #[must_use]
    pub fn expires(mut self, window: impl Into<SigningWindow>) -> Self {
        self.window = window.into();
        self
    }

    /// Whose text the policy has, where the same signature as another signer's is wanted.
    #[must_use]
    pub fn text(mut self, style: PolicyText) -> Self {
        self.style = style;
        self
    }

    /// Fixes the type of the upload to `value`, which must be one of the types that are `allowed`.
    ///
    /// A policy cannot say "one of these", so the form holds the one that was chosen, and it is signed exactly. The list
    /// belongs to the program; `value` may come from the client that asked for the form.
    pub fn content_type(self, value: &str, allowed: &[&str]) -> Result<Self, PostPolicyError> {
        if !allowed.contains(&value) || !is_media_type(value) {
            return Err(PostPolicyError::ContentType);
        }
        self.rule("Content-Type", Value::Exact(value.to_owned()))
    }

    /// Leaves the subtype to the client: `image` allows `image/png`, and `image/svg+xml` as well, which can hold scripts.
    ///
    /// `text` and `application` are refused, since `text/html` and `application/xhtml+xml` run scripts wherever they are
    /// shown.
    pub fn any_content_type_of(self, media: &str) -> Result<Self, PostPolicyError> {
        if !["audio", "font", "image", "model", "video"].contains(&media) {
            return Err(PostPolicyError::ContentType);
        }
        self.rule("Content-Type", Value::Prefix(format!("{media}/")))
    }

    /// Lets the client choose the type, `text/html` too: what it uploads may then run as a page of the host that serves it.
    pub fn dangerously_any_content_type(self) -> Result<Self, PostPolicyError> {
        self.rule("Content-Type", Value::Prefix(String::new()))
    }

    /// Adds a field with a fixed value, such as `acl`, `Cache-Control`, `x-amz-meta-…` or `x-amz-storage-class`.
    pub fn field(self, name: &str, value: &str) -> Result<Self, PostPolicyError> {
        check_unreserved(name)?;
        self.rule(name, Value::Exact(value.to_owned()))
    }

    /// Lets the client choose the value of a field, which must have a prefix; an empty one leaves it open.
    ///
    /// Fields that decide who may read the object, or where browsers are sent, are refused:
    /// [`dangerously_starts_with`](Self::dangerously_starts_with) takes them.
    pub fn starts_with(self, name: &str, prefix: &str) -> Result<Self, PostPolicyError> {
        let lower = name.to_ascii_lowercase();
        let decides = ["acl", field::REDIRECT, field::REDIRECT_ALIAS, "tagging", "x-amz-website-redirect-location"]
            .contains(&lower.as_str())
            || ["x-amz-acl", "x-amz-grant-", "x-amz-object-lock-", "x-amz-server-side-encryption"]
                .iter()
                .any(|prefix| lower.starts_with(prefix));
        if decides {
            return Err(PostPolicyError::DangerousField { name: name.to_owned() });
        }
        self.dangerously_starts_with(name, prefix)
    }

    /// As [`starts_with`](Self::starts_with), for any field: with `acl` the client decides who reads the object, and with
    /// `success_action_redirect` where the browser goes, be it another site.
    pub fn dangerously_starts_with(self, name: &str, prefix: &str) -> Result<Self, PostPolicyError> {
        check_unreserved(name)?;
        if name.eq_ignore_ascii_case(field::STATUS) {
            // S3 takes an exact match only.
            return Err(PostPolicyError::ReservedField { name: name.to_owned() });
        }
        self.rule(name, Value::Prefix(prefix.to_owned()))
    }

    /// The status of a successful upload.
    pub fn success_status(self, status: SuccessStatus) -> Result<Self, PostPolicyError> {
        self.rule(field::STATUS, Value::Exact(status.as_str().to_owned()))
    }

    /// Where the browser is sent after a successful upload: an absolute URL of `http` or `https`, to which S3 adds
    /// `bucket`, `key` and `etag`. It wins over a status.
    pub fn success_redirect(self, url: &str) -> Result<Self, PostPolicyError> {
        if !redirect::is_followable(url) {
            return Err(PostPolicyError::Redirect);
        }
        self.rule(field::REDIRECT, Value::Exact(url.to_owned()))
    }

    fn rule(mut self, name: &str, value: Value) -> Result<Self, PostPolicyError> {
        if self.rules.iter().any(|rule| rule.name.eq_ignore_ascii_case(name)) {
            return Err(PostPolicyError::Repeated { name: name.to_owned() });
        }
        let (Value::Exact(text) | Value::Prefix(text)) = &value;
        if text.chars().any(char::is_control) {
            return Err(PostPolicyError::FieldValue { name: name.to_owned() });
        }
        if text.contains(FILENAME) {
            return Err(PostPolicyError::Filename);
        }
        self.rules.push(FieldRule { name: name.to_owned(), value });
        Ok(self)
    }

    /// Signs at `now`, rounded down as [`expires`](Self::expires) says.
    pub fn sign(&self, keys: &KeyCache, now: Timestamp) -> Result<SignedForm, PostPolicyError> {
        let credentials_end = self.credentials.expires_at();
        if credentials_end.is_some_and(|end| end <= now) {
            return Err(PostPolicyError::CredentialsExpired);
        }
        let signed_at = self.window.signing_time(now);
        let life = self.window.life(&signed_at, credentials_end);
        let scope = Scope::new(&signed_at, self.region.clone(), ServiceName::S3);
        let id = self.credentials.access_key_id();
        let mut credential = String::with_capacity(id.as_str().len() + 64);
        for part in [id.as_str(), "/"].into_iter().chain(scope.parts()) {
            credential.push_str(part);
        }
        let own = Own { credential: &credential, date: signed_at.as_str(), names: self.names() };
        let policy = STANDARD.encode(self.document(&AmzDate::new(life.expires_at()), &own));
        let signature = keys.key(id, self.credentials.secret_key(), &scope).sign(&[policy.as_bytes()]).expose();
        let names = own.names;
        let date = signed_at.as_str().to_owned();

        let mut fields = Vec::with_capacity(self.rules.len() + 7);
        fields.push((Cow::Borrowed(field::KEY), self.key.field()));
        fields.extend(self.rules.iter().filter_map(FieldRule::exact));
        fields.push((Cow::Borrowed(names.algorithm), ALGORITHM.to_owned()));
        fields.push((Cow::Borrowed(names.credential), credential));
        fields.push((Cow::Borrowed(names.date), date));
        if let Some(token) = self.credentials.session_token() {
            fields.push((Cow::Borrowed(names.token), token.expose().to_owned()));
        }
        fields.push((Cow::Borrowed(names.policy), policy));
        fields.push((Cow::Borrowed(names.signature), signature));
        let open: Vec<(String, String)> = self.rules.iter().filter_map(FieldRule::open).collect();
        check_size(&fields, &open)?;
        Ok(SignedForm { url: self.target.url().to_owned(), fields, open, size: self.size, life })
    }

    /// The policy, its conditions in the order of the style.
    fn document(&self, expires_at: &AmzDate, own: &Own<'_>) -> String {
        let token = self.credentials.session_token().map(SessionToken::expose);
        let rules: usize = self.rules.iter().map(FieldRule::bytes).sum();
        let capacity = 340
            + rules
            + self.target.bucket().len()
            + self.key.text().len()
            + own.credential.len()
            + token.map_or(0, |token| token.len() + 32);
        let mut writer = Writer::new(self.style, expires_at, capacity);
        writer.push(Condition::Size(self.size));
        match self.style {
            PolicyText::Botocore => {
                self.rules.iter().for_each(|rule| writer.push(rule.condition()));
                writer.push(Condition::Equals(field::BUCKET, self.target.bucket()));
                writer.push(self.key_condition());
                own.push(&mut writer, token);
            }
            PolicyText::JavaScript => {
                let (open, fixed): (Vec<_>, Vec<_>) = self.rules.iter().partition(|rule| rule.open().is_some());
                open.into_iter().chain(fixed).for_each(|rule| writer.push(rule.condition()));
                writer.push(Condition::Equals(field::BUCKET, self.target.bucket()));
                own.push(&mut writer, token);
                writer.push(self.key_condition());
            }
        }
        writer.finish()
    }

    fn key_condition(&self) -> Condition<'_> {
        match self.key.as_prefix() {
            Some(prefix) => Condition::StartsWith(field::KEY, prefix),
            None => Condition::Equals(field::KEY, self.key.text()),
        }
    }

    fn names(&self) -> OwnNames {
        match self.style {
            PolicyText::Botocore => OwnNames {
                algorithm: field::ALGORITHM,
                credential: field::CREDENTIAL,
                date: field::DATE,
                token: field::SECURITY_TOKEN,
                policy: field::POLICY,
                signature: field::SIGNATURE,
            },
            PolicyText::JavaScript => OwnNames {
                algorithm: "X-Amz-Algorithm",
                credential: "X-Amz-Credential",
                date: "X-Amz-Date",
                token: "X-Amz-Security-Token",
                policy: "Policy",
                signature: "X-Amz-Signature",
            },
        }
    }
}

impl fmt::Debug for PostPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of fields can be secrets (customer-provided encryption keys).
        let names: Vec<&String> = self.rules.iter().map(|rule| &rule.name).collect();
        f.debug_struct("PostPolicy")
            .field("credentials", &self.credentials)
            .field("region", &self.region)
            .field("target", &self.target)
            .field("key", &self.key)
            .field("size", &self.size)
            .field("window", &self.window)
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}

impl FieldRule {
    fn condition(&self) -> Condition<'_> {
        match &self.value {
            Value::Exact(value) => Condition::Equals(&self.name, value),
            Value::Prefix(prefix) => Condition::StartsWith(&self.name, prefix),
        }
    }

    fn exact(&self) -> Option<(Cow<'static, str>, String)> {
        match &self.value {
            Value::Exact(value) => Some((Cow::Owned(self.name.clone()), value.clone())),
            Value::Prefix(_) => None,
        }
    }

    fn open(&self) -> Option<(String, String)> {
        match &self.value {
            Value::Exact(_) => None,
            Value::Prefix(prefix) => Some((self.name.clone(), prefix.clone())),
        }
    }

    fn bytes(&self) -> usize {
        let (Value::Exact(text) | Value::Prefix(text)) = &self.value;
        self.name.len() + text.len() + 24
    }
}

/// The fields of the signature itself.
struct Own<'a> {
    credential: &'a str,
    date: &'a str,
    names: OwnNames,
}

#[derive(Clone, Copy)]
struct OwnNames {
    algorithm: &'static str,
    credential: &'static str,
    date: &'static str,
    token: &'static str,
    policy: &'static str,
    signature: &'static str,
}

impl Own<'_> {
    fn push(&self, writer: &mut Writer, token: Option<&str>) {
        writer.push(Condition::Equals(self.names.algorithm, ALGORITHM));
        writer.push(Condition::Equals(self.names.credential, self.credential));
        writer.push(Condition::Equals(self.names.date, self.date));
        if let Some(token) = token {
            writer.push(Condition::Equals(self.names.token, token));
        }
    }
}

/// Leaves out what has a method of its own, and what the signature adds.
fn check_unreserved(name: &str) -> Result<(), PostPolicyError> {
    const RESERVED: [&str; 12] = [
        field::ALGORITHM,
        field::BUCKET,
        field::CONTENT_TYPE,
        field::CREDENTIAL,
        field::DATE,
        field::FILE,
        field::KEY,
        field::POLICY,
        field::SECURITY_TOKEN,
        field::SIGNATURE,
        field::V2_ACCESS_KEY_ID,
        field::V2_SIGNATURE,
    ];
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(clean) {
        return Err(PostPolicyError::FieldName { name: name.to_owned() });
    }
    if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(PostPolicyError::ReservedField { name: name.to_owned() });
    }
    Ok(())
}

/// `type/subtype`, with parameters perhaps, but no comma: S3 reads a list of types there.
fn is_media_type(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim_end();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    !value.contains(',') && essence.split_once('/').is_some_and(|(media, subtype)| token(media) && token(subtype))
}

fn check_size(fields: &[(Cow<'static, str>, String)], open: &[(String, String)]) -> Result<(), PostPolicyError> {
    let fixed: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    let open_bytes: usize = open.iter().map(|(name, prefix)| name.len() + prefix.len()).sum();
    if fixed + open_bytes > MAX_FORM_BYTES || fields.len() + open.len() > MAX_FIELDS {
        return Err(PostPolicyError::TooLarge);
    }
    Ok(())
}
