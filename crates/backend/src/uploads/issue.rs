//! The promise of an upload: a key that nobody can guess, and a URL that is good for exactly what was declared.

use gatepass_signing::{
    signed_url::SignedUrl,
    sigv4::presign::Method,
    time::{self, Lifetime},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    app::App,
    config::Collection,
    model::{
        checksum::Checksum,
        content_type::ContentType,
        filename::Filename,
        id::{FileId, UploadId},
        metadata::Metadata,
        principal::Principal,
        upload::{Upload, UploadState},
    },
    random,
    stores::{PROOF_HEADER, StoreError, UrlRequest},
};

/// How long after its URL an upload may still be completed: a transfer that began in time takes as long as it takes.
pub(crate) const COMPLETION_GRACE: SignedDuration = SignedDuration::from_hours(24);

/// What a caller says about a file to come.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) filename: Filename,
    pub(crate) size: u64,
    pub(crate) content_type: ContentType,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) metadata: Metadata,
}

/// What ended a URL's life first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitedBy {
    /// The caller asked for no more.
    Request,
    /// The keys that signed it end.
    Credentials,
    /// The collection, or the bucket's own policy, allows no more.
    Policy,
}

/// When a URL ends, and why then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    pub(crate) expires_at: Timestamp,
    pub(crate) effective_expires_at: Timestamp,
    pub(crate) limited_by: LimitedBy,
}

impl Expiry {
    pub(crate) fn of(url: &SignedUrl, limited_by: LimitedBy) -> Self {
        let limited_by = match url.limited_by() {
            time::LimitedBy::Url => limited_by,
            time::LimitedBy::Credentials => LimitedBy::Credentials,
            time::LimitedBy::AgeLimit => LimitedBy::Policy,
        };
        Self { expires_at: url.expires_at(), effective_expires_at: url.effective_expires_at(), limited_by }
    }
}

/// The lifetime that is granted: what was asked for, as far as the collection allows it. `None`: zero was asked for.
pub(crate) fn bounded(requested: Option<u64>, cap: Lifetime) -> Option<(Lifetime, LimitedBy)> {
    match requested {
        Some(0) => None,
        Some(seconds) if seconds <= cap.as_secs() => {
            Some((Lifetime::from_secs(seconds).expect("it is between 1 and a lifetime"), LimitedBy::Request))
        }
        _ => Some((cap, LimitedBy::Policy)),
    }
}

/// An upload that is to be stored.
pub(crate) fn pending_upload(
    principal: &Principal,
    collection: &Collection,
    declaration: Declaration,
    lifetime: Lifetime,
    now: Timestamp,
) -> Upload {
    let id = UploadId::mint(now);
    let Declaration { filename, size, content_type, checksum, metadata } = declaration;
    // Whole seconds, as signatures count them.
    let expires_at = Timestamp::from_second(now.as_second()).unwrap_or(now) + lifetime.duration();
    Upload {
        id,
        file: FileId::mint(now),
        tenant: principal.tenant.clone(),
        owner: principal.user.clone(),
        collection: collection.name.clone(),
        filename,
        size,
        content_type,
        checksum,
        metadata,
        staging_key: format!("staging/{}/{id}/{}", principal.tenant.key_segment(), random::hex128()),
        proof: random::hex128(),
        state: UploadState::Pending,
        created_at: now,
        expires_at,
        completable_until: expires_at + COMPLETION_GRACE,
    }
}

/// A URL for the upload's bytes, which lives as long as the upload has left. `None`: it has nothing left.
pub(crate) async fn upload_url(
    app: &App,
    collection: &Collection,
    upload: &Upload,
    now: Timestamp,
) -> Result<Option<SignedUrl>, StoreError> {
    let left = upload.expires_at.as_second().saturating_sub(now.as_second());
    let Some(lifetime) = u64::try_from(left).ok().and_then(|left| Lifetime::from_secs(left).ok()) else {
        return Ok(None);
    };
    let mut headers = vec![
        ("content-length", upload.size.to_string()),
        ("content-type", upload.content_type.as_str().to_owned()),
        (PROOF_HEADER, upload.proof.clone()),
    ];
    if let Some(checksum) = &upload.checksum {
        headers.push((checksum.algorithm().header(), checksum.value().to_owned()));
    }
    let request = UrlRequest {
        method: Method::Put,
        bucket: &collection.bucket.name,
        key: &upload.staging_key,
        lifetime,
        headers,
        disposition: None,
    };
    app.stores.of(collection).sign_url(request, now).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_what_was_asked_for_up_to_the_cap() {
        let cap = Lifetime::from_secs(300).expect("a lifetime");
        let of = |requested| bounded(requested, cap).map(|(lifetime, by)| (lifetime.as_secs(), by));
        assert_eq!(of(None), Some((300, LimitedBy::Policy)));
        assert_eq!(of(Some(0)), None);
        assert_eq!(of(Some(1)), Some((1, LimitedBy::Request)));
        assert_eq!(of(Some(300)), Some((300, LimitedBy::Request)));
        assert_eq!(of(Some(301)), Some((300, LimitedBy::Policy)));
    }

    #[test]
    fn keys_that_end_sooner_are_what_limits_a_url() {
        use gatepass_signing::{
            address::{Address, AddressingStyle, Endpoint},
            credentials::{AccessKeyId, Credentials, SecretKey, SessionToken},
            sigv4::{KeyCache, Region, presign::Presign},
        };
        let now: Timestamp = "2026-11-01T12:00:00Z".parse().expect("a time");
        let sign = |left: SignedDuration| {
            let credentials = Credentials::temporary(
                AccessKeyId::new("AKIDEXAMPLE").expect("an id"),
                SecretKey::new("secret").expect("a secret"),
                SessionToken::new("token").expect("a token"),
                Some(now + left),
            );
            let endpoint = Endpoint::parse("https://s3.example.test").expect("an endpoint");
            let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", "key").expect("an address");
            let region = Region::new("eu-central-1").expect("a region");
            let url = Presign::new(&credentials, region, address, Method::Get)
                .expires(Lifetime::from_secs(300).expect("a lifetime"))
                .sign(&KeyCache::new(), now)
                .expect("a URL");
            let expiry = Expiry::of(&url, LimitedBy::Policy);
            (expiry.limited_by, expiry.effective_expires_at.duration_since(now).as_secs())
        };
        assert_eq!(sign(SignedDuration::from_secs(299)), (LimitedBy::Credentials, 299));
        assert_eq!(sign(SignedDuration::from_secs(300)), (LimitedBy::Policy, 300));
    }
}
