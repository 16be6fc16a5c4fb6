//! Rows in one SQLite file, in WAL mode with `synchronous = FULL`: a commit that returned survives the loss of power.
//!
//! One connection writes, so that writers queue here and not in SQLite's busy handler; some read beside it.

use std::{borrow::Cow, fs, io, path::Path, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::{
    Row as _, SqlSafeStr as _, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Conditional, Created, DoomedObject, FileQuery, IDEMPOTENCY_KEY_HOURS, Once, Publication, Repository,
    RepositoryError, Revision,
    rows::{self, as_integer, micros, to_json},
};
use crate::model::{
    file::File,
    id::{FileId, LinkId, UploadId},
    link::{Link, LinkTarget},
    session::{LoginAttempt, Session},
    token::TokenHash,
    upload::{Upload, UploadState},
};

type Result<T> = std::result::Result<T, RepositoryError>;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;

/// Every migration, oldest first. One that was released is never changed.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "initial", include_str!("../../migrations/0001_initial.sql")),
    (2, "unfinished uploads", include_str!("../../migrations/0002_unfinished_uploads.sql")),
];

/// The rows in a file.
pub(crate) struct SqliteRepository {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteRepository {
    /// Opens or makes the file and brings its tables to this version.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        create_private(path).map_err(|source| RepositoryError::File { path: path.display().to_string(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrator().run(&writer).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self { writer, readers })
    }

    /// A transaction that holds the write lock from its first statement, so that what it reads stays true.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Makes the file for its owner alone: it names who shares what with whom.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[async_trait]
impl Repository for SqliteRepository {
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn service_key(&self, name: &str, candidate: [u8; 32]) -> Result<[u8; 32]> {
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO service_keys (name, key) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(candidate.as_slice())
            .execute(&mut *transaction)
            .await?;
        let row =
            sqlx::query("SELECT key FROM service_keys WHERE name = ?1").bind(name).fetch_one(&mut *transaction).await?;
        let key: Vec<u8> = row.try_get("key")?;
        transaction.commit().await?;
        key.try_into().map_err(|_| RepositoryError::Corrupt("service key"))
    }

    async fn create_upload(&self, upload: &Upload, once: Option<&Once>) -> Result<Created<UploadId>> {
        let mut transaction = self.begin().await?;
        if let Some(before) = claim_once(&mut transaction, once, &upload.id).await? {
            return Ok(before);
        }
        sqlx::query(
            "INSERT INTO uploads (id, file_id, tenant, owner, collection, filename, size, content_type, checksum, metadata, \
             staging_key, proof, state, created_at, expires_at, completable_until) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )
        .bind(upload.id.to_string())
        .bind(upload.file.to_string())
        .bind(upload.tenant.as_str())
        .bind(upload.owner.as_str())
        .bind(&upload.collection)
        .bind(upload.filename.as_str())
        .bind(as_integer(upload.size))
        .bind(upload.content_type.as_str())
        .bind(upload.checksum.as_ref().map(to_json))
        .bind(to_json(&upload.metadata))
        .bind(&upload.staging_key)
        .bind(&upload.proof)
        .bind(upload.state.as_str())
        .bind(micros(upload.created_at))
        .bind(micros(upload.expires_at))
        .bind(micros(upload.completable_until))
        .execute(&mut *transaction)
        .await?;
        let staging = DoomedObject { collection: upload.collection.clone(), key: upload.staging_key.clone() };
        doom(&mut transaction, &staging, upload.completable_until).await?;
        transaction.commit().await?;
        Ok(Created::New)
    }

    async fn upload(&self, id: UploadId) -> Result<Option<Upload>> {
        let row = sqlx::query("SELECT * FROM uploads WHERE id = ?1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::upload).transpose()
    }

    async fn advance_upload(&self, id: UploadId, next: UploadState) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let advanced = advance(&mut transaction, id, next).await?;
        transaction.commit().await?;
        Ok(advanced)
    }

    async fn expire_uploads(&self, now: Timestamp) -> Result<u64> {
        let result =
            sqlx::query("UPDATE uploads SET state = 'expired' WHERE state = 'pending' AND completable_until <= ?1")
                .bind(micros(now))
                .execute(&self.writer)
                .await?;
        Ok(result.rows_affected())
    }

    async fn reject_unfinished(&self, since: Timestamp) -> Result<u64> {
        // An uploaded one passes through `verifying` on the way; nobody sees it there.
        let result = sqlx::query(
            "UPDATE uploads SET state = 'rejected' WHERE state IN ('uploaded', 'verifying') AND completable_until <= ?1",
        )
        .bind(micros(since))
        .execute(&self.writer)
        .await?;
        Ok(result.rows_affected())
    }

    async fn publish(&self, upload: UploadId, file: &File) -> Result<Publication> {
        let mut transaction = self.begin().await?;
        if !advance(&mut transaction, upload, UploadState::Available).await? {
            return Ok(Publication::NotVerifying);
        }
        let spared = sqlx::query("DELETE FROM doomed_objects WHERE key = ?1 AND claimed_at IS NULL")
            .bind(&file.key)
            .execute(&mut *transaction)
            .await?;
        if spared.rows_affected() == 0 {
            return Ok(Publication::CopyLost);
        }
        sqlx::query(
            "INSERT INTO files (id, tenant, owner, collection, filename, size, content_type, checksum, metadata, key, \
             object_etag, revision, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )
        .bind(file.id.to_string())
        .bind(file.tenant.as_str())
        .bind(file.owner.as_str())
        .bind(&file.collection)
        .bind(file.filename.as_str())
        .bind(as_integer(file.size))
        .bind(file.content_type.as_str())
        .bind(file.checksum.as_ref().map(to_json))
        .bind(to_json(&file.metadata))
        .bind(&file.key)
        .bind(&file.object_etag)
        .bind(file.revision)
        .bind(micros(file.created_at))
        .bind(micros(file.updated_at))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Publication::Published)
    }

    async fn file(&self, id: FileId) -> Result<Option<File>> {
        let row = sqlx::query("SELECT * FROM files WHERE id = ?1 AND deleted_at IS NULL")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::file).transpose()
    }

    async fn files(&self, query: &FileQuery) -> Result<Vec<File>> {
        let FileQuery { tenant, owner, collection, prefix, contains, before, limit } = query;
        // Two statements, because an optional owner in one would keep SQLite from using the index of owners.
        let statement = match owner {
            Some(_) => {
                "SELECT * FROM files WHERE deleted_at IS NULL AND tenant = ?1 AND owner = ?2 AND (?3 IS NULL OR id < ?3) \
                 AND (?4 IS NULL OR collection = ?4) AND (?5 IS NULL OR substr(filename, 1, length(?5)) = ?5) \
                 AND (?6 IS NULL OR instr(lower(filename), lower(?6)) > 0) ORDER BY id DESC LIMIT ?7"
            }
            None => {
                "SELECT * FROM files WHERE deleted_at IS NULL AND tenant = ?1 AND ?2 IS NULL AND (?3 IS NULL OR id < ?3) \
                 AND (?4 IS NULL OR collection = ?4) AND (?5 IS NULL OR substr(filename, 1, length(?5)) = ?5) \
                 AND (?6 IS NULL OR instr(lower(filename), lower(?6)) > 0) ORDER BY id DESC LIMIT ?7"
            }
        };
        let rows = sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(owner.as_ref().map(|owner| owner.as_str().to_owned()))
            .bind(before.map(|id| id.to_string()))
            .bind(collection.clone())
            .bind(prefix.clone())
            .bind(contains.clone())
            .bind(*limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(rows::file).collect()
    }

    async fn delete_file(&self, id: FileId, condition: Revision, now: Timestamp) -> Result<Conditional<()>> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT * FROM files WHERE id = ?1 AND deleted_at IS NULL")
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(file) = row.as_ref().map(rows::file).transpose()? else {
            return Ok(Conditional::Missing);
        };
        if !condition.admits(file.revision) {
            return Ok(Conditional::OtherRevision);
        }
        sqlx::query("UPDATE files SET deleted_at = ?2, updated_at = ?2, revision = revision + 1 WHERE id = ?1")
            .bind(id.to_string())
            .bind(micros(now))
            .execute(&mut *transaction)
            .await?;
        doom(&mut transaction, &DoomedObject { collection: file.collection, key: file.key }, now).await?;
        transaction.commit().await?;
        Ok(Conditional::Done(()))
    }

    async fn doom_object(&self, object: &DoomedObject, due_at: Timestamp) -> Result<()> {
        let mut transaction = self.begin().await?;
        doom(&mut transaction, object, due_at).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn claim_doomed(&self, now: Timestamp, limit: u32) -> Result<Vec<DoomedObject>> {
        // What was never tried comes first (NULL sorts before all), then what was tried longest ago: objects that cannot be
        // deleted must not keep the others waiting.
        let rows = sqlx::query(
            "UPDATE doomed_objects SET claimed_at = ?1 WHERE key IN \
             (SELECT key FROM doomed_objects WHERE due_at <= ?1 ORDER BY claimed_at, due_at LIMIT ?2) \
             RETURNING collection, key",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.writer)
        .await?;
        rows.iter()
            .map(|row| Ok(DoomedObject { collection: row.try_get("collection")?, key: row.try_get("key")? }))
            .collect()
    }

    async fn forget_doomed(&self, key: &str) -> Result<()> {
        sqlx::query("DELETE FROM doomed_objects WHERE key = ?1").bind(key).execute(&self.writer).await?;
        Ok(())
    }

    async fn create_link(&self, link: &Link, token: TokenHash, once: Option<&Once>) -> Result<Created<LinkId>> {
        let mut transaction = self.begin().await?;
        if let Some(before) = claim_once(&mut transaction, once, &link.id).await? {
            return Ok(before);
        }
        sqlx::query(
            "INSERT INTO links (id, file_id, tenant, created_by, label, disposition, filename, url_ttl, not_before, \
             expires_at, revoked_at, revision, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )
        .bind(link.id.to_string())
        .bind(link.file.to_string())
        .bind(link.tenant.as_str())
        .bind(link.created_by.as_str())
        .bind(link.label.as_deref())
        .bind(link.disposition.as_str())
        .bind(link.filename.as_ref().map(|filename| filename.as_str().to_owned()))
        .bind(as_integer(link.url_ttl))
        .bind(link.not_before.map(micros))
        .bind(link.expires_at.map(micros))
        .bind(link.revoked_at.map(micros))
        .bind(link.revision)
        .bind(micros(link.created_at))
        .bind(micros(link.updated_at))
        .execute(&mut *transaction)
        .await?;
        add_token(&mut transaction, link.id, token).await?;
        transaction.commit().await?;
        Ok(Created::New)
    }

    async fn add_link_token(&self, link: LinkId, token: TokenHash) -> Result<()> {
        let mut transaction = self.begin().await?;
        add_token(&mut transaction, link, token).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn link(&self, id: LinkId) -> Result<Option<Link>> {
        let row =
            sqlx::query("SELECT * FROM links WHERE id = ?1").bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(rows::link).transpose()
    }

    async fn link_by_token(&self, token: TokenHash) -> Result<Option<LinkTarget>> {
        let row = sqlx::query(
            "SELECT links.* FROM link_tokens JOIN links ON links.id = link_tokens.link_id WHERE token_hash = ?1",
        )
        .bind(token.as_bytes())
        .fetch_optional(&self.readers)
        .await?;
        let Some(link) = row.as_ref().map(rows::link).transpose()? else {
            return Ok(None);
        };
        let file = self.file(link.file).await?;
        Ok(Some(LinkTarget { link, file }))
    }

    async fn links(&self, file: FileId, before: Option<LinkId>, limit: u32) -> Result<Vec<Link>> {
        let rows =
            sqlx::query("SELECT * FROM links WHERE file_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3")
                .bind(file.to_string())
                .bind(before.map(|id| id.to_string()))
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        rows.iter().map(rows::link).collect()
    }

    async fn revoke_link(&self, id: LinkId, condition: Revision, now: Timestamp) -> Result<Conditional<Link>> {
        let mut transaction = self.begin().await?;
        if let Some(outcome) = check_link(&mut transaction, id, condition).await? {
            return Ok(outcome);
        }
        sqlx::query(
            "UPDATE links SET revoked_at = ?2, updated_at = ?2, revision = revision + 1 \
             WHERE id = ?1 AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(micros(now))
        .execute(&mut *transaction)
        .await?;
        let row =
            sqlx::query("SELECT * FROM links WHERE id = ?1").bind(id.to_string()).fetch_one(&mut *transaction).await?;
        let link = rows::link(&row)?;
        transaction.commit().await?;
        Ok(Conditional::Done(link))
    }

    async fn delete_link(&self, id: LinkId, condition: Revision) -> Result<Conditional<()>> {
        let mut transaction = self.begin().await?;
        if let Some(outcome) = check_link(&mut transaction, id, condition).await? {
            return Ok(outcome);
        }
        sqlx::query("DELETE FROM links WHERE id = ?1").bind(id.to_string()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Conditional::Done(()))
    }

    async fn create_login_attempt(&self, attempt: &LoginAttempt, most: u32, now: Timestamp) -> Result<bool> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM login_attempts WHERE expires_at <= ?1")
            .bind(micros(now))
            .execute(&mut *transaction)
            .await?;
        let result = sqlx::query(
            "INSERT INTO login_attempts (state_hash, nonce, code_verifier, return_to, expires_at) \
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM login_attempts) < ?6",
        )
        .bind(attempt.state.as_bytes())
        .bind(&attempt.nonce)
        .bind(&attempt.code_verifier)
        .bind(&attempt.return_to)
        .bind(micros(attempt.expires_at))
        .bind(most)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(result.rows_affected() == 1)
    }

    async fn take_login_attempt(&self, state: TokenHash, now: Timestamp) -> Result<Option<LoginAttempt>> {
        let row = sqlx::query(
            "DELETE FROM login_attempts WHERE state_hash = ?1 AND expires_at > ?2 \
             RETURNING nonce, code_verifier, return_to, expires_at",
        )
        .bind(state.as_bytes())
        .bind(micros(now))
        .fetch_optional(&self.writer)
        .await?;
        row.as_ref().map(|row| rows::login_attempt(row, state)).transpose()
    }

    async fn create_session(&self, session: &Session) -> Result<()> {
        let Session { token, principal, created_at, expires_at } = session;
        sqlx::query(
            "INSERT INTO sessions (token_hash, owner, tenant, groups, name, email, created_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(token.as_bytes())
        .bind(principal.user.as_str())
        .bind(principal.tenant.as_str())
        .bind(to_json(&principal.groups))
        .bind(principal.name.as_deref())
        .bind(principal.email.as_deref())
        .bind(micros(*created_at))
        .bind(micros(*expires_at))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn session(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>> {
        let row = sqlx::query("SELECT * FROM sessions WHERE token_hash = ?1 AND expires_at > ?2")
            .bind(token.as_bytes())
            .bind(micros(now))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(|row| rows::session(row, token)).transpose()
    }

    async fn delete_session(&self, token: TokenHash) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = ?1").bind(token.as_bytes()).execute(&self.writer).await?;
        Ok(())
    }

    async fn forget_expired(&self, now: Timestamp) -> Result<()> {
        let mut transaction = self.begin().await?;
        for statement in
            ["DELETE FROM sessions WHERE expires_at <= ?1", "DELETE FROM login_attempts WHERE expires_at <= ?1"]
        {
            sqlx::query(statement).bind(micros(now)).execute(&mut *transaction).await?;
        }
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at <= ?1")
            .bind(oldest_key(now))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

impl Revision {
    fn admits(self, revision: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => wanted == revision,
        }
    }
}

async fn advance(transaction: &mut Transaction<'_, Sqlite>, id: UploadId, next: UploadState) -> Result<bool> {
    let before: Vec<&str> = next.predecessors().iter().map(|state| state.as_str()).collect();
    let result =
        sqlx::query("UPDATE uploads SET state = ?2 WHERE id = ?1 AND state IN (SELECT value FROM json_each(?3))")
            .bind(id.to_string())
            .bind(next.as_str())
            .bind(to_json(&before))
            .execute(&mut **transaction)
            .await?;
    Ok(result.rows_affected() == 1)
}

async fn doom(transaction: &mut Transaction<'_, Sqlite>, object: &DoomedObject, due_at: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO doomed_objects (key, collection, due_at) VALUES (?1, ?2, ?3)")
        .bind(&object.key)
        .bind(&object.collection)
        .bind(micros(due_at))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn add_token(transaction: &mut Transaction<'_, Sqlite>, link: LinkId, token: TokenHash) -> Result<()> {
    sqlx::query("INSERT INTO link_tokens (token_hash, link_id) VALUES (?1, ?2)")
        .bind(token.as_bytes())
        .bind(link.to_string())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// `Some` where the change must not happen.
async fn check_link<T>(
    transaction: &mut Transaction<'_, Sqlite>,
    id: LinkId,
    condition: Revision,
) -> Result<Option<Conditional<T>>> {
    let row = sqlx::query("SELECT revision FROM links WHERE id = ?1")
        .bind(id.to_string())
        .fetch_optional(&mut **transaction)
        .await?;
    let Some(row) = row else {
        return Ok(Some(Conditional::Missing));
    };
    let revision = row.try_get("revision")?;
    Ok((!condition.admits(revision)).then_some(Conditional::OtherRevision))
}

/// Writes the key down beside what it makes, in the same transaction: a request either made its resource and is known, or
/// did neither. `Some` where the key is known already.
async fn claim_once<Id: ToString + std::str::FromStr>(
    transaction: &mut Transaction<'_, Sqlite>,
    once: Option<&Once>,
    resource: &Id,
) -> Result<Option<Created<Id>>> {
    let Some(Once { caller, route, key, request, now }) = once else {
        return Ok(None);
    };
    let known = sqlx::query(
        "SELECT request_hash, resource FROM idempotency_keys \
         WHERE caller = ?1 AND route = ?2 AND key_hash = ?3 AND created_at > ?4",
    )
    .bind(caller.as_str())
    .bind(*route)
    .bind(key.as_slice())
    .bind(oldest_key(*now))
    .fetch_optional(&mut **transaction)
    .await?;
    if let Some(known) = known {
        if known.try_get::<&[u8], _>("request_hash")? != request {
            return Ok(Some(Created::KeyReused));
        }
        let resource = known.try_get::<&str, _>("resource")?.parse();
        return Ok(Some(Created::Before(resource.map_err(|_| RepositoryError::Corrupt("resource"))?)));
    }
    sqlx::query(
        "INSERT INTO idempotency_keys (caller, route, key_hash, request_hash, resource, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \
         request_hash = excluded.request_hash, resource = excluded.resource, created_at = excluded.created_at",
    )
    .bind(caller.as_str())
    .bind(*route)
    .bind(key.as_slice())
    .bind(request.as_slice())
    .bind(resource.to_string())
    .bind(micros(*now))
    .execute(&mut **transaction)
    .await?;
    Ok(None)
}

fn oldest_key(now: Timestamp) -> i64 {
    micros(now - SignedDuration::from_hours(IDEMPOTENCY_KEY_HOURS))
}
