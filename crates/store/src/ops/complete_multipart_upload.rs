//! CompleteMultipartUpload: the parts become an object without a byte being moved.

use std::collections::HashMap;

use gatepass_protocol::s3::checksum::{BodyIntegrity, Checksum, ChecksumAlgorithm, ChecksumType};
use gatepass_protocol::s3::conditional::WriteCondition;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{Etag, PartNumber, UploadId};
use gatepass_protocol::s3::operation::{self, Upload};
use gatepass_protocol::s3::xml::requests::{COMPLETE_LIMITS, CompleteRequest, CompletedPart};
use gatepass_protocol::s3::xml::responses;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::{Call, DEFAULT_CHECKSUM, still_existing_bucket};
use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::grant::{Grant, ObjectName, PutObject};
use crate::index::{AssembledPart, Failure, NewObject, ObjectRecord, Transaction, UploadRecord};

/// The smallest part, the last excepted ("Amazon S3 multipart upload limits").
const PART_MIN_BYTES: u64 = 5 * 1024 * 1024;

pub(super) async fn complete_multipart_upload(
    call: Call<'_>,
    parameters: operation::CompleteMultipartUpload,
) -> Result<Answer, S3Error> {
    let (store, arrival, now) = (call.store, call.arrival, call.now);
    let Upload { bucket, key, .. } = parameters.upload.clone();
    let grant = call.authorizer.grant::<PutObject>(ObjectName { bucket, key })?;
    let integrity = list_integrity(&arrival.headers)?;
    let document = call.document(&integrity, COMPLETE_LIMITS.bytes).await?;
    let upload = parameters.upload.clone();
    let id = UploadId::parse(&upload.upload_id).ok_or_else(|| S3Error::no_such_upload(&upload.upload_id))?;
    let wanted = CompleteRequest::parse(&document, &upload.upload_id)?;

    let completion = Completion { id, parameters, wanted, now };
    let complete = store.index.write(move |transaction| completion.perform(transaction, &grant));
    let record = complete.await?;
    let location = location(arrival);
    let document = responses::complete_multipart_upload(&upload, &location, &record.etag, record.checksum.as_ref());
    let mut answer = Answer::xml(document).versioned(&record);
    store.lifecycles.describe(&mut answer, &upload.bucket, &upload.key, &record);
    Ok(answer)
}

/// What is said about the list of parts: `Content-MD5` alone. An `x-amz-checksum-*` is the object's.
fn list_integrity(headers: &HeaderMap) -> Result<BodyIntegrity, S3Error> {
    let md5s = headers.get_all("content-md5").iter();
    let only_md5: HeaderMap = md5s.map(|md5| (HeaderName::from_static("content-md5"), md5.clone())).collect();
    BodyIntegrity::from_headers(&only_md5)
}

/// The address of the object, as the client wrote it.
fn location(arrival: &Arrival) -> String {
    format!("{}{}", arrival.origin(), arrival.raw_path())
}

struct Completion {
    id: UploadId,
    parameters: operation::CompleteMultipartUpload,
    wanted: CompleteRequest,
    now: Timestamp,
}

impl Completion {
    fn perform(self, transaction: &mut Transaction<'_>, grant: &Grant<PutObject>) -> Result<ObjectRecord, Failure> {
        still_existing_bucket(transaction, grant)?;
        let existing = transaction.object(grant)?;
        let Some(upload) = transaction.upload(grant, &self.id)? else {
            // The client may not have heard the answer to its first completion, and asks again.
            return existing
                .filter(|object| object.upload.as_deref() == Some(self.id.as_str()))
                .ok_or_else(|| S3Error::no_such_upload(self.id.as_str()).into());
        };
        let etag = || Ok::<_, Failure>(existing.as_ref().map(|object| object.etag.clone()));
        self.parameters.condition.evaluate(grant.key(), etag)?;
        self.refuse_overtaken(grant, &upload, existing.as_ref())?;
        let chosen = self.choose(&upload, transaction.parts(grant, &self.id)?)?;
        let object = self.assemble(upload, &chosen)?;
        transaction.complete_upload(grant, &self.id, object, chosen)
    }

    /// An object that was written while the parts came is not the one that the client has seen, even
    /// if its tag is the same ("How to prevent object overwrites with conditional writes").
    fn refuse_overtaken(
        &self,
        grant: &Grant<PutObject>,
        upload: &UploadRecord,
        existing: Option<&ObjectRecord>,
    ) -> Result<(), S3Error> {
        match (&self.parameters.condition, existing) {
            (WriteCondition::IfMatches(_), Some(object)) if object.modified > upload.initiated => {
                Err(S3Error::conditional_request_conflict("If-Match", grant.key()))
            }
            _ => Ok(()),
        }
    }

    /// The parts that the request names, each checked against what was uploaded.
    fn choose(&self, upload: &UploadRecord, parts: Vec<AssembledPart>) -> Result<Vec<AssembledPart>, S3Error> {
        let mut uploaded: HashMap<u16, AssembledPart> = parts.into_iter().map(|part| (part.number, part)).collect();
        let wanted = self.wanted.parts();
        let mut chosen = Vec::with_capacity(wanted.len());
        for (position, named) in wanted.iter().enumerate() {
            let CompletedPart { number, etag, checksum } = named;
            let invalid = || S3Error::invalid_part(self.id.as_str(), *number, etag.as_str());
            let part = uploaded.remove(&number.get()).ok_or_else(invalid)?;
            let has_other_checksum = checksum.is_some() && *checksum != part.record.checksum;
            if part.record.etag != *etag || has_other_checksum {
                return Err(invalid());
            }
            if let (None, Some((algorithm, ChecksumType::Composite))) = (checksum, upload.checksum) {
                return Err(missing_checksum(algorithm, *number));
            }
            if part.record.size < PART_MIN_BYTES && position + 1 < wanted.len() {
                return Err(S3Error::entity_too_small(part.record.size, PART_MIN_BYTES, *number, etag));
            }
            chosen.push(part);
        }
        Ok(chosen)
    }

    fn assemble(&self, upload: UploadRecord, chosen: &[AssembledPart]) -> Result<NewObject, S3Error> {
        let size = chosen.iter().map(|part| part.record.size).sum();
        if self.parameters.object_size.is_some_and(|declared| declared != size) {
            return Err(S3Error::invalid_request(
                "The provided 'x-amz-mp-object-size' header does not match what was computed.",
            ));
        }
        let md5s: Option<Vec<[u8; 16]>> = chosen.iter().map(|part| part.record.etag.md5()).collect();
        let md5s = md5s.ok_or_else(S3Error::internal)?;
        let checksum = self.checksum(&upload, chosen)?;
        Ok(NewObject {
            etag: Etag::from_part_md5s(&md5s),
            size,
            modified: self.now,
            headers: upload.headers,
            storage_class: upload.storage_class,
            checksum: Some(checksum),
            tags: upload.tags,
        })
    }

    fn checksum(&self, upload: &UploadRecord, chosen: &[AssembledPart]) -> Result<Checksum, S3Error> {
        let (algorithm, kind) = upload.checksum.unwrap_or((DEFAULT_CHECKSUM, ChecksumType::FullObject));
        if self.parameters.checksum_type.is_some_and(|declared| declared != kind) {
            return Err(S3Error::invalid_request(format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
                kind.as_str()
            )));
        }
        let parts = chosen.iter().filter_map(|part| Some((part.record.checksum.as_ref()?, part.record.size)));
        let computed = match kind {
            ChecksumType::Composite => Checksum::composite(algorithm, parts.map(|(checksum, _)| checksum)),
            ChecksumType::FullObject => Checksum::combine(algorithm, parts),
        };
        // Every part was stored with a checksum of this algorithm.
        let computed = computed.ok_or_else(S3Error::internal)?;
        match &self.parameters.checksum {
            Some(declared) if *declared != computed => Err(S3Error::bad_checksum(declared.algorithm())),
            _ => Ok(computed),
        }
    }
}

fn missing_checksum(algorithm: ChecksumAlgorithm, number: PartNumber) -> S3Error {
    S3Error::invalid_request(format!(
        "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.",
        algorithm.as_str().to_ascii_lowercase()
    ))
}
