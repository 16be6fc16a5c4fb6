//! Between rows and the words of the domain.

use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::RepositoryError;
use crate::model::{
    content_type::ContentType,
    file::{Disposition, File},
    filename::Filename,
    link::Link,
    principal::{Principal, Tenant, UserId},
    session::{LoginAttempt, Session},
    token::TokenHash,
    upload::{Upload, UploadState},
};

type Result<T> = std::result::Result<T, RepositoryError>;

pub(super) fn upload(row: &SqliteRow) -> Result<Upload> {
    Ok(Upload {
        id: parsed(row, "id")?,
        file: parsed(row, "file_id")?,
        tenant: tenant(row)?,
        owner: UserId::from_row(row.try_get("owner")?),
        collection: row.try_get("collection")?,
        filename: filename(row.try_get("filename")?)?,
        size: size(row)?,
        content_type: content_type(row)?,
        checksum: optional_json(row, "checksum")?,
        metadata: json(row.try_get("metadata")?, "metadata")?,
        staging_key: row.try_get("staging_key")?,
        proof: row.try_get("proof")?,
        state: UploadState::parse(row.try_get("state")?).ok_or(RepositoryError::Corrupt("state"))?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        completable_until: time(row, "completable_until")?,
    })
}

pub(super) fn file(row: &SqliteRow) -> Result<File> {
    Ok(File {
        id: parsed(row, "id")?,
        tenant: tenant(row)?,
        owner: UserId::from_row(row.try_get("owner")?),
        collection: row.try_get("collection")?,
        filename: filename(row.try_get("filename")?)?,
        size: size(row)?,
        content_type: content_type(row)?,
        checksum: optional_json(row, "checksum")?,
        metadata: json(row.try_get("metadata")?, "metadata")?,
        key: row.try_get("key")?,
        object_etag: row.try_get("object_etag")?,
        revision: row.try_get("revision")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn link(row: &SqliteRow) -> Result<Link> {
    let disposition = Disposition::parse(row.try_get("disposition")?);
    let saved_as: Option<&str> = row.try_get("filename")?;
    Ok(Link {
        id: parsed(row, "id")?,
        file: parsed(row, "file_id")?,
        tenant: tenant(row)?,
        created_by: UserId::from_row(row.try_get("created_by")?),
        label: row.try_get("label")?,
        disposition: disposition.ok_or(RepositoryError::Corrupt("disposition"))?,
        filename: saved_as.map(filename).transpose()?,
        url_ttl: u64::try_from(row.try_get::<i64, _>("url_ttl")?).map_err(|_| RepositoryError::Corrupt("url_ttl"))?,
        not_before: optional_time(row, "not_before")?,
        expires_at: optional_time(row, "expires_at")?,
        revoked_at: optional_time(row, "revoked_at")?,
        revision: row.try_get("revision")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn login_attempt(row: &SqliteRow, state: TokenHash) -> Result<LoginAttempt> {
    Ok(LoginAttempt {
        state,
        nonce: row.try_get("nonce")?,
        code_verifier: row.try_get("code_verifier")?,
        return_to: row.try_get("return_to")?,
        expires_at: time(row, "expires_at")?,
    })
}

pub(super) fn session(row: &SqliteRow, token: TokenHash) -> Result<Session> {
    Ok(Session {
        token,
        principal: Principal {
            user: UserId::from_row(row.try_get("owner")?),
            tenant: tenant(row)?,
            groups: json(row.try_get("groups")?, "groups")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
        },
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// Microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(super) fn as_integer(size: u64) -> i64 {
    i64::try_from(size).expect("sizes and seconds are limited far below 2^63")
}

pub(super) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("maps of strings and plain structures have a JSON form")
}

fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(|_| RepositoryError::Corrupt(column))
}

fn optional_time(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.try_get(column)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| RepositoryError::Corrupt(column))).transpose()
}

fn parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| RepositoryError::Corrupt(column))
}

fn tenant(row: &SqliteRow) -> Result<Tenant> {
    Tenant::parse(row.try_get("tenant")?).map_err(|_| RepositoryError::Corrupt("tenant"))
}

fn filename(text: &str) -> Result<Filename> {
    Filename::parse(text).map_err(|_| RepositoryError::Corrupt("filename"))
}

fn size(row: &SqliteRow) -> Result<u64> {
    u64::try_from(row.try_get::<i64, _>("size")?).map_err(|_| RepositoryError::Corrupt("size"))
}

fn content_type(row: &SqliteRow) -> Result<ContentType> {
    ContentType::restore(row.try_get("content_type")?).map_err(|_| RepositoryError::Corrupt("content_type"))
}

fn json<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| RepositoryError::Corrupt(column))
}

fn optional_json<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<Option<T>> {
    row.try_get::<Option<&str>, _>(column)?.map(|text| json(text, column)).transpose()
}
