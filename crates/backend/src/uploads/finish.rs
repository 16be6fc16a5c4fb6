//! From an uploaded object to a file: one idempotent transition, whoever asks for it.
//!
//! Each step leaves a state from which the same call goes on after a crash. The copy goes to a key of its own for every
//! attempt, written down as garbage before it is made and acquitted in the transaction that makes the file; so a late attempt
//! can never write over a file, and an abandoned copy is swept up.

use jiff::{SignedDuration, Timestamp};

use crate::{
    app::App,
    config::Collection,
    files::stored_disposition,
    model::{
        file::File,
        id::UploadId,
        upload::{Upload, UploadState},
    },
    random,
    repository::{DoomedObject, Publication, RepositoryError},
    stores::{ObjectHead, Promotion, StoreError},
};

/// When the copy of an attempt that was never heard of again is garbage. Longer than a copy may take.
pub(crate) const COPY_ABANDONED_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// How often an object that keeps changing under us is looked at again.
const MAX_ATTEMPTS: u32 = 3;

/// Why an upload is no file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FinishError {
    #[error("there is no such upload")]
    Missing,
    #[error("nothing has been uploaded yet")]
    NotUploaded,
    #[error("the upload has expired")]
    Expired,
    #[error("the upload was aborted")]
    Aborted,
    #[error("the upload was rejected before")]
    Rejected,
    #[error("the file was deleted")]
    Deleted,
    #[error("{declared} bytes were declared, {found} were uploaded")]
    Size { declared: u64, found: u64 },
    #[error("the object has another checksum than was declared")]
    Checksum,
    #[error("the store does not report the checksum that was declared")]
    ChecksumUnknown,
    #[error("the object keeps changing")]
    Changing,
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the file of an upload, or gives the one that was made before.
pub(crate) async fn finish_upload(app: &App, id: UploadId, now: Timestamp) -> Result<File, FinishError> {
    for _ in 0..MAX_ATTEMPTS {
        let upload = app.repository.upload(id).await?.ok_or(FinishError::Missing)?;
        if let Some(outcome) = settled(app, &upload, now).await? {
            return outcome;
        }
        let collection = app.collection(&upload.collection).ok_or(FinishError::Missing)?;
        let Some(head) = staged(app, collection, &upload, now).await? else {
            return gone_or_never_there(app, &upload, now).await;
        };
        app.repository.advance_upload(id, UploadState::Uploaded).await?;
        app.repository.advance_upload(id, UploadState::Verifying).await?;
        match compare(&upload, &head) {
            Ok(()) => {}
            // Waiting changes nothing about what the store can do, so this is no verdict on the upload.
            Err(error @ FinishError::ChecksumUnknown) => return Err(error),
            Err(error) if app.repository.advance_upload(id, UploadState::Rejected).await? => return Err(error),
            Err(_) => continue,
        }
        if let Some(file) = promote(app, collection, &upload, &head, now).await? {
            return Ok(file);
        }
    }
    Err(FinishError::Changing)
}

/// The outcome of an upload that has one.
async fn settled(app: &App, upload: &Upload, now: Timestamp) -> Result<Option<Result<File, FinishError>>, FinishError> {
    Ok(match upload.state {
        UploadState::Available => Some(app.repository.file(upload.file).await?.ok_or(FinishError::Deleted)),
        UploadState::Rejected => Some(Err(FinishError::Rejected)),
        UploadState::Expired => Some(Err(FinishError::Expired)),
        UploadState::Aborted => Some(Err(FinishError::Aborted)),
        UploadState::Pending if now >= upload.completable_until => {
            app.repository.advance_upload(upload.id, UploadState::Expired).await?;
            Some(Err(FinishError::Expired))
        }
        UploadState::Pending | UploadState::Uploaded | UploadState::Verifying => None,
    })
}

/// The staged object, if it came through this upload's URL.
async fn staged(
    app: &App,
    collection: &Collection,
    upload: &Upload,
    now: Timestamp,
) -> Result<Option<ObjectHead>, StoreError> {
    let head = app.stores.of(collection).head(&collection.bucket.name, &upload.staging_key, now).await?;
    Ok(head.filter(|head| head.proof() == Some(upload.proof.as_str())))
}

/// No staged object: either it has not come, or another caller has just made a file of it.
async fn gone_or_never_there(app: &App, upload: &Upload, now: Timestamp) -> Result<File, FinishError> {
    let again = app.repository.upload(upload.id).await?.ok_or(FinishError::Missing)?;
    match settled(app, &again, now).await? {
        Some(outcome) => outcome,
        None if now >= upload.completable_until => {
            // Its completion was begun, and the object is gone for good.
            app.repository.advance_upload(upload.id, UploadState::Verifying).await?;
            app.repository.advance_upload(upload.id, UploadState::Rejected).await?;
            Err(FinishError::Expired)
        }
        None if now >= upload.expires_at => Err(FinishError::Expired),
        None => Err(FinishError::NotUploaded),
    }
}

/// The store enforced length and checksum when the object came; that is verified, not believed.
fn compare(upload: &Upload, head: &ObjectHead) -> Result<(), FinishError> {
    if head.size != upload.size {
        return Err(FinishError::Size { declared: upload.size, found: head.size });
    }
    let Some(declared) = &upload.checksum else {
        return Ok(());
    };
    match head.checksum(declared) {
        Some(found) if found == declared.value() => Ok(()),
        Some(_) => Err(FinishError::Checksum),
        None => Err(FinishError::ChecksumUnknown),
    }
}

/// Copies what was compared, and nothing else, to a key of its own. `None`: it was something else by then.
async fn promote(
    app: &App,
    collection: &Collection,
    upload: &Upload,
    head: &ObjectHead,
    now: Timestamp,
) -> Result<Option<File>, FinishError> {
    let store = app.stores.of(collection);
    let bucket = collection.bucket.name.as_str();
    let (tenant, version) = (upload.tenant.key_segment(), random::hex128());
    let key = format!("{}{tenant}/{}/{version}", collection.prefix, upload.file);
    let copy = DoomedObject { collection: collection.name.clone(), key: key.clone() };
    app.repository.doom_object(&copy, now + COPY_ABANDONED_AFTER).await?;
    let promotion = Promotion {
        bucket,
        from: &upload.staging_key,
        etag: &head.etag,
        to: &key,
        content_type: upload.content_type.as_str(),
        disposition: &stored_disposition(&upload.filename),
    };
    let Some(object_etag) = store.promote(&promotion, now).await? else {
        app.repository.forget_doomed(&key).await?;
        return Ok(None);
    };
    let file = new_file(upload, key, object_etag, now);
    match app.repository.publish(upload.id, &file).await? {
        Publication::NotVerifying | Publication::CopyLost => return Ok(None),
        Publication::Published => {}
    }
    // The row of the staging key stays doomed: a late PUT may write there again, and is swept up when its time is over.
    if let Err(error) = store.delete(bucket, &upload.staging_key, now).await {
        tracing::warn!(error = &error as &dyn std::error::Error, upload = %upload.id, "a staged object is left for later");
    }
    tracing::info!(upload = %upload.id, file = %file.id, size = file.size, "an upload became a file");
    Ok(Some(file))
}

fn new_file(upload: &Upload, key: String, object_etag: String, now: Timestamp) -> File {
    File {
        id: upload.file,
        tenant: upload.tenant.clone(),
        owner: upload.owner.clone(),
        collection: upload.collection.clone(),
        filename: upload.filename.clone(),
        size: upload.size,
        content_type: upload.content_type.clone(),
        checksum: upload.checksum.clone(),
        metadata: upload.metadata.clone(),
        key,
        object_etag,
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}
