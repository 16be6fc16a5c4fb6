//! The XML of answers.

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{BucketName, Etag, ObjectKey, PartNumber};
use gatepass_protocol::s3::operation::{
    EncodingType, FetchOwner, ListMultipartUploads, ListObjects, ListObjectsV2, ListParts, StorageClass, Upload,
};
use gatepass_protocol::s3::xml::listing::{
    ListedObject, ListedPart, ListedUpload, ObjectPage, PartPage, UploadPage, list_multipart_uploads, list_objects,
    list_objects_v2, list_parts,
};
use gatepass_protocol::s3::xml::responses::{
    DeleteOutcome, ListedBucket, Owner, complete_multipart_upload, copy_object, delete_objects,
    initiate_multipart_upload, list_buckets, location_constraint,
};
use jiff::Timestamp;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<";
const NAMESPACE: &str = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";

fn owner() -> Owner {
    Owner { id: "ID".into(), display_name: "NAME".into() }
}

fn bucket() -> BucketName {
    BucketName::parse("bkt").unwrap()
}

fn moment() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// The document's inside, after its declaration and the root's opening tag.
fn inside(xml: &str, root: &str) -> String {
    let start = format!("{HEAD}{root}{NAMESPACE}");
    let rest = xml.strip_prefix(&start).unwrap_or_else(|| panic!("{xml}"));
    rest.strip_suffix(&format!("</{root}>")).unwrap_or_else(|| panic!("{xml}")).to_owned()
}

fn page(next: Option<&str>) -> ObjectPage {
    ObjectPage {
        objects: vec![ListedObject {
            key: "a b/é\u{1}".into(),
            last_modified: moment(),
            etag: Etag::parse("e").unwrap(),
            size: 3,
            storage_class: StorageClass::Standard,
            checksum: Some((ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject)),
        }],
        common_prefixes: vec!["p/".into()],
        next: next.map(str::to_owned),
    }
}

fn version_1(delimiter: Option<&str>, encoding_type: Option<EncodingType>) -> ListObjects {
    ListObjects {
        bucket: bucket(),
        prefix: "p q".into(),
        delimiter: delimiter.map(str::to_owned),
        marker: None,
        max_keys: 2,
        encoding_type,
    }
}

#[test]
fn version_1_has_a_next_marker_only_with_a_delimiter() {
    let list =
        |delimiter, next| inside(&list_objects(&version_1(delimiter, None), &page(next), &owner()), "ListBucketResult");
    assert_eq!(
        list(Some("/"), Some("p/")),
        "<Name>bkt</Name><Prefix>p q</Prefix><Marker></Marker><NextMarker>p/</NextMarker><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter>\
         <IsTruncated>true</IsTruncated><Contents><Key>a b/é&#x1;</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
         <ETag>&quot;e&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>3</Size>\
         <Owner><ID>ID</ID><DisplayName>NAME</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>\
         <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
    );
    let without = list(None, Some("p/"));
    assert!(!without.contains("NextMarker") && without.contains("<IsTruncated>true</IsTruncated>"));
    assert!(list(Some("/"), None).contains("<IsTruncated>false</IsTruncated>"));
}

#[test]
fn names_are_encoded_where_the_client_asks() {
    let request = version_1(Some("/"), Some(EncodingType::Url));
    let list = inside(&list_objects(&request, &page(None), &owner()), "ListBucketResult");
    assert!(list.contains("<EncodingType>url</EncodingType>"), "{list}");
    assert!(list.contains("<Key>a%20b/%C3%A9%01</Key>") && list.contains("<Prefix>p%20q</Prefix>"), "{list}");
}

#[test]
fn version_2_counts_groups_and_tells_the_owner_only_when_asked() {
    let request = |fetch_owner| ListObjectsV2 {
        bucket: bucket(),
        prefix: String::new(),
        delimiter: None,
        continuation_token: Some("t1".into()),
        start_after: Some("s".into()),
        max_keys: 2,
        encoding_type: None,
        fetch_owner,
    };
    let list =
        |fetch_owner| inside(&list_objects_v2(&request(fetch_owner), &page(Some("t2")), &owner()), "ListBucketResult");
    let without = list(FetchOwner::No);
    assert!(
        without.starts_with(
            "<Name>bkt</Name><Prefix></Prefix><StartAfter>s</StartAfter><ContinuationToken>t1</ContinuationToken>\
             <NextContinuationToken>t2</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>"
        ),
        "{without}"
    );
    assert!(!without.contains("<Owner>") && list(FetchOwner::Yes).contains("<Owner>"));
}

#[test]
fn uploads_and_parts_are_listed() {
    let request = ListMultipartUploads {
        bucket: bucket(),
        prefix: String::new(),
        delimiter: None,
        key_marker: None,
        upload_id_marker: None,
        max_uploads: 1,
        encoding_type: None,
    };
    let page = UploadPage {
        uploads: vec![ListedUpload {
            key: "k".into(),
            upload_id: "u".into(),
            initiated: moment(),
            storage_class: StorageClass::Standard,
            checksum: None,
        }],
        common_prefixes: Vec::new(),
        next: Some(("k".into(), "u".into())),
    };
    let uploads = inside(&list_multipart_uploads(&request, &page, &owner()), "ListMultipartUploadsResult");
    assert!(
        uploads.contains("<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"),
        "{uploads}"
    );
    assert!(uploads.contains("<Upload><Key>k</Key><UploadId>u</UploadId><Initiator>"), "{uploads}");

    let upload = Upload { bucket: bucket(), key: ObjectKey::parse("k").unwrap(), upload_id: "u".into() };
    let request = ListParts { upload, part_number_marker: None, max_parts: 1, encoding_type: None };
    let page = PartPage {
        parts: vec![ListedPart {
            number: PartNumber::new(1).unwrap(),
            last_modified: moment(),
            etag: Etag::parse("e").unwrap(),
            size: 9,
            checksum: Some(Checksum::of(ChecksumAlgorithm::Crc32, b"123456789")),
        }],
        next: PartNumber::new(1),
        storage_class: StorageClass::Standard,
        checksum: Some((ChecksumAlgorithm::Crc32, ChecksumType::Composite)),
    };
    let parts = inside(&list_parts(&request, &page, &owner()), "ListPartsResult");
    assert!(
        parts.contains("<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1</NextPartNumberMarker>"),
        "{parts}"
    );
    assert!(parts.contains("<Size>9</Size><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part>"), "{parts}");
}

#[test]
fn smaller_answers_have_their_shapes() {
    let buckets = [ListedBucket { name: bucket(), created: moment(), region: "us-east-1".to_owned() }];
    assert_eq!(
        inside(&list_buckets(&owner(), &buckets, None, None), "ListAllMyBucketsResult"),
        "<Owner><ID>ID</ID><DisplayName>NAME</DisplayName></Owner><Buckets><Bucket><Name>bkt</Name>\
         <CreationDate>2026-01-02T03:04:05.000Z</CreationDate><BucketRegion>us-east-1</BucketRegion></Bucket></Buckets>"
    );
    assert_eq!(inside(&location_constraint("eu-west-1"), "LocationConstraint"), "eu-west-1");
    assert_eq!(inside(&location_constraint("us-east-1"), "LocationConstraint"), "");
    let upload = Upload { bucket: bucket(), key: ObjectKey::parse("k").unwrap(), upload_id: "u".into() };
    assert_eq!(
        inside(&initiate_multipart_upload(&upload), "InitiateMultipartUploadResult"),
        "<Bucket>bkt</Bucket><Key>k</Key><UploadId>u</UploadId>"
    );
    let etag = Etag::parse("e-2").unwrap();
    assert_eq!(
        inside(&complete_multipart_upload(&upload, "http://h/bkt/k", &etag, None), "CompleteMultipartUploadResult"),
        "<Location>http://h/bkt/k</Location><Bucket>bkt</Bucket><Key>k</Key><ETag>&quot;e-2&quot;</ETag>"
    );
    let checksum = Checksum::of(ChecksumAlgorithm::Crc32, b"123456789");
    assert_eq!(
        inside(&copy_object(&etag, moment(), Some(&checksum)), "CopyObjectResult"),
        "<ETag>&quot;e-2&quot;</ETag><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
         <ChecksumCRC32>y/Q5Jg==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>"
    );
}

#[test]
fn a_multi_delete_names_what_went_and_what_stayed() {
    let key = |text: &str| ObjectKey::parse(text).unwrap();
    let outcomes = [
        DeleteOutcome::Deleted { key: key("a"), version: None, marker: None },
        DeleteOutcome::Failed { key: key("b<"), version: None, error: S3Error::access_denied() },
    ];
    assert_eq!(
        inside(&delete_objects(&outcomes), "DeleteResult"),
        "<Deleted><Key>a</Key></Deleted><Error><Key>b&lt;</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    );
}
