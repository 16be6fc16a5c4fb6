//! Uploads as bytes, to be broken off wherever somebody likes, and uploads that are not what they say of themselves.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use anyhow::{Context, Result};
use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
use gatepass_signing::sigv4::chunked::{Encoder, Layout, Trailer};
use gatepass_signing::sigv4::header::Body;

use super::raw;
use crate::alone::Place;
use crate::s3::S3;

/// How content is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// In signed chunks with a signed trailer.
    SignedChunks,
    /// In chunks with a trailer, unsigned.
    UnsignedTrailer,
}

/// All of them.
pub const FORMS: [Form; 3] = [Form::Plain, Form::SignedChunks, Form::UnsignedTrailer];

/// In what an upload does not tell the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// `Content-MD5`.
    Md5,
    /// `x-amz-content-sha256`.
    Sha256,
    /// `x-amz-checksum-*`.
    Checksum(ChecksumAlgorithm),
    /// The signature of the first chunk.
    ChunkSignature,
    /// One byte of the last chunk.
    ChunkData,
    /// The checksum in the trailer, of chunks that are signed or not.
    TrailerValue(Form),
    /// The signature of the trailer.
    TrailerSignature,
    /// The trailer does not come.
    NoTrailer(Form),
    /// `x-amz-decoded-content-length` is one more than what comes.
    TooShort(Form),
    /// It is one less.
    TooLong(Form),
}

/// All of them.
pub const LIES: [Lie; 17] = [
    Lie::Md5,
    Lie::Sha256,
    Lie::Checksum(ChecksumAlgorithm::Crc32),
    Lie::Checksum(ChecksumAlgorithm::Crc32c),
    Lie::Checksum(ChecksumAlgorithm::Crc64Nvme),
    Lie::Checksum(ChecksumAlgorithm::Sha1),
    Lie::Checksum(ChecksumAlgorithm::Sha256),
    Lie::ChunkSignature,
    Lie::ChunkData,
    Lie::TrailerValue(Form::SignedChunks),
    Lie::TrailerValue(Form::UnsignedTrailer),
    Lie::TrailerSignature,
    Lie::NoTrailer(Form::SignedChunks),
    Lie::NoTrailer(Form::UnsignedTrailer),
    Lie::TooShort(Form::SignedChunks),
    Lie::TooShort(Form::UnsignedTrailer),
    Lie::TooLong(Form::SignedChunks),
];

/// Where an upload goes.
pub struct Target {
    /// The bucket.
    pub bucket: &'static str,
    /// The key.
    pub key: &'static str,
    /// The query, which makes it a part.
    pub query: String,
}

impl Target {
    fn path(&self, client: &S3) -> Result<String> {
        client.target(self.bucket, self.key, &self.query)
    }
}

/// An upload, as bytes.
pub struct Upload {
    head: String,
    body: Vec<u8>,
}

/// What the client does when it has sent enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It says that nothing more comes, and waits for an answer or for the end.
    Listens,
    /// It is gone.
    IsGone,
}

/// The MD5 of nothing.
const MD5_OF_NOTHING: &str = "1B2M2Y8AsgTpgAmy7PhCfg==";
const OTHER_CONTENT: &[u8] = b"something else";
const TRAILER: ChecksumAlgorithm = ChecksumAlgorithm::Crc32c;

impl Upload {
    /// One that tells the truth.
    pub fn honest(client: &S3, target: &Target, form: Form, content: &[u8]) -> Result<Self> {
        match form {
            Form::Plain => Self::plain(client, target, &[], Body::of(content), content),
            _ => Self::chunked(client, target, form, content, None),
        }
    }

    /// One that does not.
    pub fn lying(client: &S3, target: &Target, lie: Lie, content: &[u8]) -> Result<Self> {
        match lie {
            Lie::Md5 => Self::plain(client, target, &[("content-md5", MD5_OF_NOTHING)], Body::of(content), content),
            Lie::Sha256 => Self::plain(client, target, &[], Body::of(OTHER_CONTENT), content),
            Lie::Checksum(algorithm) => {
                let other = Checksum::of(algorithm, OTHER_CONTENT).to_text();
                Self::plain(client, target, &[(algorithm.header(), &other)], Body::of(content), content)
            }
            Lie::ChunkSignature | Lie::ChunkData | Lie::TrailerSignature => {
                Self::chunked(client, target, Form::SignedChunks, content, Some(lie))
            }
            Lie::TrailerValue(form) | Lie::NoTrailer(form) | Lie::TooShort(form) | Lie::TooLong(form) => {
                Self::chunked(client, target, form, content, Some(lie))
            }
        }
    }

    fn plain(client: &S3, to: &Target, headers: &[(&str, &str)], body: Body, content: &[u8]) -> Result<Self> {
        let head = client.head("PUT", &to.path(client)?, headers, body)?.text;
        Ok(Self { head, body: content.to_vec() })
    }

    fn chunked(client: &S3, to: &Target, form: Form, content: &[u8], lie: Option<Lie>) -> Result<Self> {
        let declared = match lie {
            Some(Lie::TooShort(_)) => content.len() + 1,
            Some(Lie::TooLong(_)) => content.len() - 1,
            _ => content.len(),
        };
        let declared = declared.to_string();
        let headers = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", declared.as_str()),
            ("x-amz-trailer", TRAILER.header()),
        ];
        let kind = match form {
            Form::SignedChunks => Body::SignedChunks(Trailer::Signed),
            Form::Plain | Form::UnsignedTrailer => Body::UnsignedTrailer,
        };
        let head = client.head("PUT", &to.path(client)?, &headers, kind)?;
        let layout = Layout::of(content.len() as u64);
        let mut encoder = match head.seed {
            Some(seed) => Encoder::signed(seed, layout),
            None => Encoder::unsigned(layout),
        };
        let mut body = Vec::new();
        let mut end_of_signature = None;
        for chunk in content.chunks(usize::try_from(Layout::CHUNK_BYTES)?) {
            body.extend_from_slice(encoder.next(chunk)?.as_bytes());
            end_of_signature.get_or_insert(body.len() - "\r\n".len());
            body.extend_from_slice(chunk);
        }
        let end_of_data = body.len();
        let summed = if matches!(lie, Some(Lie::TrailerValue(_))) { OTHER_CONTENT } else { content };
        let checksum = Checksum::of(TRAILER, summed).to_text();
        let ending = encoder.finish(&[(TRAILER.header(), &checksum)])?;
        body.extend_from_slice(ending.as_bytes());
        match lie {
            Some(Lie::ChunkSignature) => spoil(&mut body, end_of_signature.context("a body has chunks")? - 1),
            Some(Lie::ChunkData) => spoil(&mut body, end_of_data - 1),
            Some(Lie::TrailerSignature) => {
                let place = body.len() - "\r\n\r\n".len() - 1;
                spoil(&mut body, place);
            }
            Some(Lie::NoTrailer(_)) => {
                // The empty chunk is there, and then the end in place of the trailer.
                let first_line =
                    ending.trim_start_matches("\r\n").find("\r\n").context("the empty chunk has a line")?;
                body.truncate(end_of_data + "\r\n".len() + first_line + "\r\n".len());
                body.extend_from_slice(b"\r\n");
            }
            _ => {}
        }
        Ok(Self { head: head.text, body })
    }

    /// Sends the head and so many 64ths of the body. The answer's status, or 0 where there is none or nobody listens.
    pub fn send(&self, place: &Place, sixty_fourths: usize, end: End) -> Result<u16> {
        let mut stream = TcpStream::connect(place.address())?;
        let head = format!("{}connection: close\r\ncontent-length: {}\r\n\r\n", self.head, self.body.len());
        stream.write_all(head.as_bytes())?;
        // A server that refuses before the end may close.
        let _ = stream.write_all(&self.body[..self.body.len() * sixty_fourths / 64]);
        if end == End::IsGone {
            return Ok(0);
        }
        if sixty_fourths < 64 {
            let _ = stream.shutdown(Shutdown::Write);
        }
        Ok(raw::read(stream).status)
    }
}

/// Makes another hexadecimal digit of one, and another byte of any.
fn spoil(bytes: &mut [u8], place: usize) {
    bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
}
