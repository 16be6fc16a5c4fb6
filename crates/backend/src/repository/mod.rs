//! Rows: what the service remembers, as operations of the domain. Each is atomic and durable when it returns.
//!
//! No operation asks who calls. Who may do what is decided before, by [`crate::authz`]; what comes back here names its
//! tenant and owner.

mod rows;
mod sqlite;

#[cfg(test)]
mod behaviour;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    file::File,
    id::{FileId, LinkId, UploadId},
    link::{Link, LinkTarget},
    principal::{Tenant, UserId},
    session::{LoginAttempt, Session},
    token::TokenHash,
    upload::{Upload, UploadState},
};

pub(crate) use sqlite::SqliteRepository;

/// How long a key of an idempotent request is remembered.
pub(crate) const IDEMPOTENCY_KEY_HOURS: i64 = 24;

/// The rows of the service.
#[async_trait]
pub(crate) trait Repository: Send + Sync {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), RepositoryError>;

    /// The key of this name: the stored one, else `candidate`, which is then stored.
    async fn service_key(&self, name: &str, candidate: [u8; 32]) -> Result<[u8; 32], RepositoryError>;

    /// Stores a pending upload, and dooms its staging object from the time on when it can no longer be completed.
    async fn create_upload(&self, upload: &Upload, once: Option<&Once>) -> Result<Created<UploadId>, RepositoryError>;

    async fn upload(&self, id: UploadId) -> Result<Option<Upload>, RepositoryError>;

    /// Moves an upload to `next` if it stands in one of the states before it. False: it does not.
    async fn advance_upload(&self, id: UploadId, next: UploadState) -> Result<bool, RepositoryError>;

    /// Expires pending uploads that can no longer be completed.
    async fn expire_uploads(&self, now: Timestamp) -> Result<u64, RepositoryError>;

    /// Rejects uploads whose completion was begun and that could not be completed any more at `since`.
    async fn reject_unfinished(&self, since: Timestamp) -> Result<u64, RepositoryError>;

    /// The end of a promotion, in one step: the upload is available, the file exists, and its object is no longer doomed.
    async fn publish(&self, upload: UploadId, file: &File) -> Result<Publication, RepositoryError>;

    async fn file(&self, id: FileId) -> Result<Option<File>, RepositoryError>;

    /// Files, newest first.
    async fn files(&self, query: &FileQuery) -> Result<Vec<File>, RepositoryError>;

    /// Deletes a file and dooms its object at once.
    async fn delete_file(
        &self,
        id: FileId,
        condition: Revision,
        now: Timestamp,
    ) -> Result<Conditional<()>, RepositoryError>;

    /// Says that an object is garbage from a time on.
    async fn doom_object(&self, object: &DoomedObject, due_at: Timestamp) -> Result<(), RepositoryError>;

    /// Takes up to `limit` objects whose time has come. From here on nobody can make a file of them.
    async fn claim_doomed(&self, now: Timestamp, limit: u32) -> Result<Vec<DoomedObject>, RepositoryError>;

    /// The object is deleted.
    async fn forget_doomed(&self, key: &str) -> Result<(), RepositoryError>;

    async fn create_link(
        &self,
        link: &Link,
        token: TokenHash,
        once: Option<&Once>,
    ) -> Result<Created<LinkId>, RepositoryError>;

    /// Gives a link one more token.
    async fn add_link_token(&self, link: LinkId, token: TokenHash) -> Result<(), RepositoryError>;

    async fn link(&self, id: LinkId) -> Result<Option<Link>, RepositoryError>;

    async fn link_by_token(&self, token: TokenHash) -> Result<Option<LinkTarget>, RepositoryError>;

    /// The links of a file, newest first.
    async fn links(&self, file: FileId, before: Option<LinkId>, limit: u32) -> Result<Vec<Link>, RepositoryError>;

    /// Revokes a link; a revoked one stays as it is.
    async fn revoke_link(
        &self,
        id: LinkId,
        condition: Revision,
        now: Timestamp,
    ) -> Result<Conditional<Link>, RepositoryError>;

    /// Forgets a link and its tokens.
    async fn delete_link(&self, id: LinkId, condition: Revision) -> Result<Conditional<()>, RepositoryError>;

    /// Remembers a sign-in that begins, where fewer than `most` wait after those whose time is over are forgotten. False: it
    /// does not.
    async fn create_login_attempt(
        &self,
        attempt: &LoginAttempt,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, RepositoryError>;

    /// Takes a sign-in that was begun; it cannot be taken twice.
    async fn take_login_attempt(
        &self,
        state: TokenHash,
        now: Timestamp,
    ) -> Result<Option<LoginAttempt>, RepositoryError>;

    async fn create_session(&self, session: &Session) -> Result<(), RepositoryError>;

    async fn session(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, RepositoryError>;

    async fn delete_session(&self, token: TokenHash) -> Result<(), RepositoryError>;

    /// Forgets sessions, sign-ins and idempotency keys whose time is over.
    async fn forget_expired(&self, now: Timestamp) -> Result<(), RepositoryError>;
}

/// A request that is to have one effect, however often it comes.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    pub(crate) caller: UserId,
    pub(crate) route: &'static str,
    /// The SHA-256 of the caller's tenant and the `Idempotency-Key`.
    pub(crate) key: [u8; 32],
    /// The SHA-256 of the body.
    pub(crate) request: [u8; 32],
    pub(crate) now: Timestamp,
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created<Id> {
    New,
    /// The same request came before and made this.
    Before(Id),
    /// The key was used for another request.
    KeyReused,
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Publication {
    Published,
    /// The upload is not being verified: somebody else has finished it.
    NotVerifying,
    /// The copy took so long that its object was claimed as garbage.
    CopyLost,
}

/// Which revision of a row a change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    Any,
    Exactly(i64),
}

/// What became of a change that was meant for one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conditional<T> {
    Done(T),
    Missing,
    OtherRevision,
}

/// Which files.
#[derive(Debug, Clone)]
pub(crate) struct FileQuery {
    pub(crate) tenant: Tenant,
    /// `None`: everybody's in the tenant.
    pub(crate) owner: Option<UserId>,
    pub(crate) collection: Option<String>,
    /// What the name begins with.
    pub(crate) prefix: Option<String>,
    /// What the name contains, in any ASCII case.
    pub(crate) contains: Option<String>,
    /// Only files older than this one.
    pub(crate) before: Option<FileId>,
    pub(crate) limit: u32,
}

/// An object that is, or will be, garbage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DoomedObject {
    pub(crate) collection: String,
    pub(crate) key: String,
}

/// The database cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// It refused or could not be reached.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    /// Its tables are not those of this version.
    #[error("the database cannot be brought to this version")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Its file cannot be made or opened.
    #[error("the database file {path} cannot be opened")]
    File {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A row holds what no version has written.
    #[error("the database holds an unreadable {0}")]
    Corrupt(&'static str),
}

impl fmt::Display for DoomedObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.key, self.collection)
    }
}
