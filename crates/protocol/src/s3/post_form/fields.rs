//! Everything before the file.

use gatepass_signing::post_policy::MAX_FORM_BYTES;
use gatepass_signing::post_policy::verify::{Form, Reason, Refusal};
use memchr::memmem;

use super::boundary::{Boundary, Delimiter};
use super::disposition::Part;
use super::file::FileReader;
use crate::s3::error::S3Error;

/// The most header lines of one part. Browsers send two.
pub const MAX_PART_HEADERS: usize = 16;

/// Reads fields until the file begins.
#[derive(Debug)]
pub struct FieldReader {
    delimiter: Delimiter,
    form: Form,
    /// Everything so far, after a line break that makes the first boundary like the others.
    held: Vec<u8>,
    /// Where what is being read begins.
    from: usize,
    /// How far it has been searched for its end.
    searched: usize,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    /// What stands before the first boundary, and means nothing (RFC 2046 §5.1.1).
    Preamble,
    Head,
    Value(Vec<u8>),
    File,
}

const LINE_BREAK: &[u8] = b"\r\n";

impl FieldReader {
    /// A form that was sent to `bucket`.
    pub fn new(boundary: &Boundary, bucket: &str) -> Self {
        Self {
            delimiter: Delimiter::of(boundary),
            form: Form::new(bucket),
            held: LINE_BREAK.to_vec(),
            from: 0,
            searched: 0,
            reading: Reading::Preamble,
        }
    }

    /// Takes the next piece of the body. `Some` once the file has begun: that many bytes of the piece stand before it.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<usize>, S3Error> {
        let before = self.held.len();
        let room = LINE_BREAK.len() + MAX_FORM_BYTES - before;
        self.held.extend_from_slice(&piece[..piece.len().min(room)]);
        while self.step()? {}
        if matches!(self.reading, Reading::File) {
            return Ok(Some(self.from - before));
        }
        if piece.len() > room {
            return Err(too_large());
        }
        Ok(None)
    }

    /// The fields, and the reader of the file, once it has begun. A body that ends before that is no form.
    pub fn finish(self) -> Result<(Form, FileReader), S3Error> {
        match self.reading {
            Reading::File => Ok((self.form, FileReader::new(self.delimiter))),
            Reading::Preamble | Reading::Head | Reading::Value(_) => Err(S3Error::malformed_post_request()),
        }
    }

    /// Reads one thing to its end; `false` where its end has not arrived.
    fn step(&mut self) -> Result<bool, S3Error> {
        match &mut self.reading {
            Reading::File => Ok(false),
            Reading::Head => self.read_head(),
            Reading::Preamble | Reading::Value(_) => self.read_to_boundary(),
        }
    }

    fn read_head(&mut self) -> Result<bool, S3Error> {
        // The line of the boundary ended in a line break; another one directly after it ends a head of no lines.
        const END: &[u8] = b"\r\n\r\n";
        let Some(at) = memmem::find(&self.held[self.searched..], END) else {
            self.searched = self.from.max(self.held.len().saturating_sub(END.len() - 1));
            return Ok(false);
        };
        let end = self.searched + at;
        let part = Part::read(&self.held[self.from..end], MAX_PART_HEADERS)?;
        self.move_to(end + END.len());
        self.reading = match part {
            Part::Field(name) => Reading::Value(name),
            Part::File(name) => {
                self.form.file(Some(name.as_deref().unwrap_or_default()));
                Reading::File
            }
        };
        Ok(true)
    }

    fn read_to_boundary(&mut self) -> Result<bool, S3Error> {
        let length = self.delimiter.bytes().len();
        let Some(at) = self.delimiter.find(&self.held[self.searched..]) else {
            self.searched = self.from.max(self.held.len().saturating_sub(length - 1));
            return Ok(false);
        };
        let end = self.searched + at;
        let after = end + length;
        match self.held.get(after..after + 2) {
            None => {
                self.searched = end;
                Ok(false)
            }
            Some(b"\r\n") => {
                if let Reading::Value(name) = &self.reading {
                    self.form.push(name, &self.held[self.from..end])?;
                }
                self.move_to(after + 2);
                self.reading = Reading::Head;
                Ok(true)
            }
            Some(b"--") => Err(Refusal::from(Reason::FileMissing).into()),
            // The boundary is only the beginning of this line.
            Some(_) => {
                self.searched = after;
                Ok(true)
            }
        }
    }

    fn move_to(&mut self, place: usize) {
        self.from = place;
        self.searched = place;
    }
}

fn too_large() -> S3Error {
    Refusal::from(Reason::FormTooLarge).into()
}
