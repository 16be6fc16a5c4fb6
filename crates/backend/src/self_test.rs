//! Whether the stores are what the configuration says: reachable at `endpoint`, and at `public_endpoint` under the host that is
//! signed. The second is the mistake that nobody sees until a client does: every signature is then for another host.

use std::{error::Error, time::Duration};

use gatepass_signing::{sigv4::presign::Method, time::Lifetime};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    app::App,
    random,
    stores::{StoreClient, UrlRequest, buckets, error_code},
};

const LIMIT: Duration = Duration::from_secs(10);

/// What was found, bucket by bucket.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Report {
    pub(crate) buckets: Vec<BucketReport>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct BucketReport {
    pub(crate) store: String,
    pub(crate) bucket: String,
    /// The bucket by way of `endpoint`.
    pub(crate) endpoint: Finding,
    /// A signed URL by way of `public_endpoint`.
    pub(crate) public_endpoint: Finding,
}

/// What one question told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Finding {
    Ok,
    Failed { detail: String },
}

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        self.buckets.iter().all(|bucket| [&bucket.endpoint, &bucket.public_endpoint].iter().all(|f| **f == Finding::Ok))
    }
}

/// Tries every bucket, logs what is wrong, and keeps the report for `/readyz`.
pub(crate) async fn run(app: &App) {
    let mut report = Report { buckets: Vec::new() };
    for bucket in buckets(&app.settings) {
        let store = app.stores.named(&bucket.store);
        let now = app.now();
        let endpoint = by_endpoint(store, &bucket.name, now).await;
        let public_endpoint = by_public_endpoint(app, store, &bucket.name, now).await;
        for (setting, finding) in [("endpoint", &endpoint), ("public_endpoint", &public_endpoint)] {
            if let Finding::Failed { detail } = finding {
                tracing::error!(store = store.name(), bucket = bucket.name, setting, detail, "the self-test failed");
            }
        }
        let (store, bucket) = (store.name().to_owned(), bucket.name.clone());
        report.buckets.push(BucketReport { store, bucket, endpoint, public_endpoint });
    }
    *app.report.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(report);
}

async fn by_endpoint(store: &StoreClient, bucket: &str, now: Timestamp) -> Finding {
    let detail = match store.head_bucket(bucket, now).await {
        Ok(StatusCode::OK) => return Finding::Ok,
        Ok(StatusCode::NOT_FOUND) => format!("there is no bucket {bucket}"),
        Ok(StatusCode::FORBIDDEN) => format!("the keys of stores.{} may not use the bucket {bucket}", store.name()),
        Ok(status) => format!("asked for the bucket {bucket}, the store answers {status}"),
        Err(error) => chain(&error),
    };
    Finding::Failed { detail }
}

/// Fetches an object that does not exist, through a signed URL as a client would. That it is missing is the good answer; a
/// signature that does not match says that the host is another one on the way.
async fn by_public_endpoint(app: &App, store: &StoreClient, bucket: &str, now: Timestamp) -> Finding {
    let key = format!("staging/self-test/{}", random::hex128());
    let lifetime = Lifetime::from_secs(60).expect("a minute is a lifetime");
    let request =
        UrlRequest { method: Method::Get, bucket, key: &key, lifetime, headers: Vec::new(), disposition: None };
    let url = match store.sign_url(request, now).await {
        Ok(url) => url,
        Err(error) => return Finding::Failed { detail: chain(&error) },
    };
    let Ok(uri) = url.expose().parse() else {
        return Finding::Failed { detail: "public_endpoint does not make a URL".to_owned() };
    };
    let detail = match app.http.get(uri, LIMIT).await {
        Ok(answer) => match (answer.status(), error_code(answer.body())) {
            // Without s3:ListBucket a missing object is AccessDenied ("GetObject", API reference).
            (StatusCode::NOT_FOUND, Some("NoSuchKey")) | (StatusCode::FORBIDDEN, Some("AccessDenied")) => {
                return Finding::Ok;
            }
            (_, Some("SignatureDoesNotMatch")) => {
                "the store does not accept the signature for this host: a proxy before it changes Host, or \
                 public_endpoint is not the host that clients use"
                    .to_owned()
            }
            (status, Some(code)) => format!("a signed URL is answered with {status} {code}"),
            (status, None) => format!("a signed URL is answered with {status}, and not by a store"),
        },
        Err(error) => chain(&error),
    };
    Finding::Failed { detail }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
