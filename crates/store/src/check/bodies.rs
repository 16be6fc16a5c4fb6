//! Reading every body through, and comparing it with everything that is known of it.

use std::io;
use std::path::{Path, PathBuf};

use gatepass_protocol::s3::checksum::{Checksum, ChecksumHasher, ChecksumType, Md5Hasher};

use super::report::{CheckReport, Finding, FindingKind};
use super::{CheckError, Depth};
use crate::blobs::{BlobFile, Blobs, Boot, Wait};
use crate::index::{Audited, AuditedBody, Failure, Piece, Place, Snapshot, Source};

const READ_BYTES: usize = 1024 * 1024;

pub(super) struct Bodies<'a> {
    snapshot: &'a Snapshot,
    directory: PathBuf,
    first_summing: Boot,
    depth: Depth,
}

impl<'a> Bodies<'a> {
    pub(super) fn new(data: &Path, snapshot: &'a Snapshot, depth: Depth) -> Result<Self, CheckError> {
        Ok(Self { snapshot, directory: Blobs::directory(data), first_summing: snapshot.first_summing()?, depth })
    }

    pub(super) fn look(&self, report: &mut CheckReport, progress: &mut dyn FnMut(u64, u64)) -> Result<(), CheckError> {
        let (total, mut done) = (report.bytes, 0);
        self.snapshot.audit(&mut |place, audited| {
            if let Audited::Body(body) = audited {
                self.look_at(&place, &body, report);
                done += body.size;
                progress(done, total);
            }
        })?;
        Ok(())
    }

    fn look_at(&self, place: &Place, body: &AuditedBody, report: &mut CheckReport) {
        let pieces = match self.snapshot.pieces_of(body) {
            Ok(pieces) => pieces,
            Err(failure) => {
                let kind = match failure {
                    Failure::MissingRow(_) => FindingKind::RowMissing,
                    Failure::Damaged(_) => FindingKind::RecordUnreadable,
                    _ => FindingKind::BodyDamaged,
                };
                return report.find(Finding::at(kind, place, format!("{failure:?}")));
            }
        };
        let mut sums = Sums::of(body);
        for piece in &pieces {
            if let Err(error) = self.read(piece, &mut sums, report) {
                let kind = match error.kind() {
                    io::ErrorKind::NotFound => FindingKind::BlobMissing,
                    _ => FindingKind::BodyDamaged,
                };
                return report.find(Finding::at(kind, place, error.to_string()));
            }
        }
        if self.depth == Depth::Bodies
            && let Some((kind, detail)) = sums.disagreement(body, &pieces)
        {
            report.find(Finding::at(kind, place, detail));
        }
    }

    fn read(&self, piece: &Piece, sums: &mut Sums, report: &mut CheckReport) -> io::Result<()> {
        sums.begin(piece);
        match &piece.source {
            Source::Memory(bytes) => sums.update(bytes),
            Source::Blob(id) => {
                let mut blob = BlobFile::open(&self.directory, self.first_summing, *id, piece.size)?;
                report.unsummed += u64::from(!blob.is_summed());
                if self.depth == Depth::Bodies {
                    for offset in (0..piece.size).step_by(READ_BYTES) {
                        let length =
                            usize::try_from(piece.size - offset).map_or(READ_BYTES, |left| left.min(READ_BYTES));
                        if let Some(bytes) = blob.read(offset, length, Wait::AsLongAsItTakes)? {
                            sums.update(&bytes);
                        }
                    }
                    if !blob.footer_is_intact()? {
                        return Err(io::Error::other(format!("blob {id} is damaged behind its content")));
                    }
                }
            }
        }
        sums.end();
        Ok(())
    }
}

/// What is computed of one body, beside the sums of its blocks.
struct Sums {
    /// Where the entity tag is the MD5 of the whole.
    md5: Option<Md5Hasher>,
    whole: Option<ChecksumHasher>,
    piece: Option<ChecksumHasher>,
    pieces: Vec<Option<Checksum>>,
}

impl Sums {
    fn of(body: &AuditedBody) -> Self {
        let full = body.checksum.as_ref().filter(|checksum| checksum.checksum_type() == ChecksumType::FullObject);
        Self {
            md5: body.etag.md5().map(|_| Md5Hasher::new()),
            whole: full.map(|checksum| ChecksumHasher::new(checksum.algorithm())),
            piece: None,
            pieces: Vec::new(),
        }
    }

    fn begin(&mut self, piece: &Piece) {
        self.piece = piece.checksum.as_ref().map(|checksum| ChecksumHasher::new(checksum.algorithm()));
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        for hasher in [&mut self.whole, &mut self.piece].into_iter().flatten() {
            hasher.update(bytes);
        }
    }

    fn end(&mut self) {
        self.pieces.push(self.piece.take().map(ChecksumHasher::finish));
    }

    fn disagreement(self, body: &AuditedBody, pieces: &[Piece]) -> Option<(FindingKind, String)> {
        let Self { md5, whole, pieces: computed, .. } = self;
        if md5.is_some_and(|md5| Some(md5.finish()) != body.etag.md5()) {
            return Some((FindingKind::WrongEtag, format!("the entity tag is {}", body.etag.as_str())));
        }
        let wrong = |what: String| Some((FindingKind::WrongChecksum, what));
        if let Some(number) = pieces.iter().zip(&computed).find(|(piece, computed)| piece.checksum != **computed) {
            return wrong(format!("of part {}", number.0.number));
        }
        let checksum = body.checksum.as_ref()?;
        let found = match whole {
            Some(whole) => Some(whole.finish()),
            // The checksum of checksums.
            None => Checksum::composite(checksum.algorithm(), computed.iter().flatten()),
        };
        if found.as_ref() == Some(checksum) { None } else { wrong(format!("{} is recorded", checksum.to_text())) }
    }
}
