//! Who somebody is: accounts and access keys.
//!
//! It finds the identity and the secret behind an access key id. It does not check signatures (that is
//! `gatepass-signing`), does not decide what an identity may do (that is `gatepass-iam`), and speaks no HTTP.
//!
//! There is one account with one root identity. Its keys are given from outside, or made at the first start and kept
//! beside the data; they are never made again over data that exists.
//!
//! ```
//! use gatepass_authority::{Authority, DataState, RootSource};
//!
//! let directory = tempfile::tempdir()?;
//! let authority = Authority::open(directory.path(), RootSource::Kept, DataState::Empty)?;
//! let root = authority.root_credentials();
//! let identity = authority.lookup(root.access_key_id()).expect("the root key is known");
//! assert_eq!(identity.principal.arn(), "arn:aws:iam::000000000000:root");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod root;

pub use accounts::{AccountId, ROOT_ACCOUNT};
pub use root::{DataState, MIN_ACCESS_KEY_BYTES, MIN_SECRET_KEY_BYTES, OpenError, RootSource, root_from_text};

use std::path::Path;

use gatepass_iam::Principal;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};

/// Everybody this installation knows.
#[derive(Debug)]
pub struct Authority {
    root: Credentials,
    identity: Identity,
}

/// Somebody who holds an access key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who policies see.
    pub principal: Principal,
    /// The account that pays and owns.
    pub account: AccountId,
    /// AWS's unique id; for a root identity the account id.
    pub user_id: String,
    /// What signatures of this key are checked with.
    pub secret: SecretKey,
}

impl Authority {
    /// Finds the root credentials, or makes them where nothing exists yet.
    pub fn open(directory: &Path, source: RootSource, data: DataState) -> Result<Self, OpenError> {
        let root = root::load(directory, source, data)?;
        let identity = Identity {
            principal: Principal::root_with_canonical_user(ROOT_ACCOUNT.as_str(), &ROOT_ACCOUNT.canonical_user_id()),
            account: ROOT_ACCOUNT,
            user_id: ROOT_ACCOUNT.as_str().to_owned(),
            secret: root.secret_key().clone(),
        };
        Ok(Self { root, identity })
    }

    /// The keys of the root identity, for whoever starts the server.
    #[must_use]
    pub fn root_credentials(&self) -> &Credentials {
        &self.root
    }

    /// Who holds this access key, with the secret that checks its signatures.
    #[must_use]
    pub fn lookup(&self, access_key_id: &AccessKeyId) -> Option<&Identity> {
        (self.root.access_key_id() == access_key_id).then_some(&self.identity)
    }
}
