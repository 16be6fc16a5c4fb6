//! The stores, as the backend sees them: URLs that it signs for clients, and requests that it makes itself.
//!
//! A request of ours goes to `endpoint`; a URL for a client names `public_endpoint`, because the signature covers the host that
//! the client will send.

mod client;
mod credentials;
mod wire;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    config::{Bucket, Collection, Settings, StoreName},
    outbound::HttpClient,
};

pub(crate) use client::{ObjectHead, PROOF_HEADER, Promotion, StoreClient, UrlRequest};
pub use wire::StoreError;
pub(crate) use wire::error_code;

/// Every configured store.
pub(crate) struct Stores(BTreeMap<StoreName, StoreClient>);

impl Stores {
    pub(crate) fn open(settings: &Settings, http: &HttpClient) -> Result<Self, StoreError> {
        let open = |(name, store): (&StoreName, &crate::config::Store)| {
            Ok((name.clone(), StoreClient::open(name, store, http.clone())?))
        };
        settings.stores.iter().map(open).collect::<Result<_, StoreError>>().map(Self)
    }

    /// The store that a collection's bucket is in.
    pub(crate) fn of(&self, collection: &Collection) -> &StoreClient {
        self.named(&collection.bucket.store)
    }

    pub(crate) fn named(&self, name: &StoreName) -> &StoreClient {
        self.0.get(name).expect("the configuration was resolved, so every store it names is there")
    }

    /// Makes every bucket that is missing and sets its CORS rules for the console.
    pub(crate) async fn ensure_buckets(&self, settings: &Settings, now: Timestamp) -> Result<(), StoreError> {
        let origin = settings.site.origin.to_string();
        for bucket in buckets(settings) {
            let store = self.named(&bucket.store);
            store.ensure_bucket(&bucket.name, now).await?;
            store.put_cors(&bucket.name, &origin, now).await?;
        }
        Ok(())
    }
}

/// Every bucket of the configuration, once.
pub(crate) fn buckets(settings: &Settings) -> Vec<&Bucket> {
    let mut buckets: Vec<_> = settings.collections.values().map(|collection| &collection.bucket).collect();
    buckets.sort();
    buckets.dedup();
    buckets
}
