//! What a check has found.

use serde::Serialize;

use crate::index::{Place, Row};

/// How many findings are named; more are counted.
pub const MAX_FINDINGS: usize = 10_000;

/// The outcome of a check.
#[derive(Debug, Default, Serialize)]
pub struct CheckReport {
    /// How many buckets there are.
    pub buckets: u64,
    /// How many objects.
    pub objects: u64,
    /// How many uploads in progress.
    pub uploads: u64,
    /// How many parts of them.
    pub parts: u64,
    /// How many bytes objects and parts have.
    pub bytes: u64,
    /// How many files of bodies are of a version that kept no sums: they are compared with entity tags and checksums alone.
    pub unsummed: u64,
    /// How many files nothing names. A crash leaves such, and the next start removes them.
    pub leftovers: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many findings there are beyond those.
    pub more: u64,
    /// How many rows and files were repaired.
    pub repaired: u64,
}

impl CheckReport {
    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Whether something of this kind was found.
    pub fn has(&self, kind: FindingKind) -> bool {
        // Beyond what is named, anything may have been found.
        self.more > 0 || self.findings.iter().any(|finding| finding.kind == kind)
    }
}

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Pages of the database are not what was written. Nothing else can be said.
    IndexDamaged,
    /// A record is not what was written.
    RecordUnreadable,
    /// A record names something that the index does not have.
    RowMissing,
    /// A row that no record names.
    RowUnnamed,
    /// A row that several records name, and that only one may.
    RowShared,
    /// A body whose users are not as many as the index says.
    WrongCount,
    /// A file that should be there.
    BlobMissing,
    /// The bytes of a body are not what was written.
    BodyDamaged,
    /// The bytes are not those of the entity tag.
    WrongEtag,
    /// The bytes are not those of the checksum.
    WrongChecksum,
    /// An object in a bucket that does not exist.
    ObjectWithoutBucket,
    /// An upload in a bucket that does not exist.
    UploadWithoutBucket,
    /// A part of an upload that does not exist.
    PartWithoutUpload,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The number of the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u16>,
    /// The row of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// More, for people.
    pub detail: String,
}

impl Finding {
    pub(super) fn of_store(kind: FindingKind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, bucket: None, key: None, upload: None, part: None, row: None, detail }
    }

    pub(super) fn at(kind: FindingKind, place: &Place, detail: impl Into<String>) -> Self {
        let nowhere = Self::of_store(kind, detail);
        match place {
            Place::Bucket(bucket) => Self { bucket: Some(bucket.clone()), ..nowhere },
            Place::Object { bucket, key } => Self { bucket: Some(bucket.clone()), key: Some(key.clone()), ..nowhere },
            Place::Version { bucket, key, rank } => Self {
                bucket: Some(bucket.clone()),
                key: Some(key.clone()),
                row: Some(format!("versions/{rank}")),
                ..nowhere
            },
            Place::Upload { bucket, key, upload } => {
                Self { bucket: Some(bucket.clone()), key: Some(key.clone()), upload: Some(upload.clone()), ..nowhere }
            }
            Place::Part { upload, number } => Self { upload: Some(upload.clone()), part: Some(*number), ..nowhere },
            Place::Layout(id) => Self { row: Some(format!("layouts/{id}")), ..nowhere },
        }
    }

    pub(super) fn of_row(kind: FindingKind, row: Row, detail: impl Into<String>) -> Self {
        let row = match row {
            Row::Small(id) => format!("small/{id}"),
            Row::Layout(id) => format!("layouts/{id}"),
            Row::Blob(id) => format!("blobs/{id}"),
        };
        Self { row: Some(row), ..Self::of_store(kind, detail) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = serde_json::to_value(self.kind).unwrap_or_default();
        write!(formatter, "{}", kind.as_str().unwrap_or_default())?;
        for (name, value) in
            [("bucket", &self.bucket), ("key", &self.key), ("upload", &self.upload), ("row", &self.row)]
        {
            if let Some(value) = value {
                write!(formatter, "  {name} {value:?}")?;
            }
        }
        if let Some(part) = self.part {
            write!(formatter, "  part {part}")?;
        }
        if self.detail.is_empty() { Ok(()) } else { write!(formatter, "  {}", self.detail) }
    }
}
