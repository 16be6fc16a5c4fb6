//! The kinds of changes that a store can be asked for, one of each, and what is there before and after.

use anyhow::{Result, ensure};
use bytes::Bytes;
use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
use hyper::Method;

use super::content::{Chance, Content};
use super::load::{PART, is_crash};
use super::observe::State;
use crate::s3::S3;

/// Where they happen.
pub const BUCKET: &str = "changes";
/// All keys that any of them touches.
pub const KEYS: [&str; 6] = ["small", "large", "joined", "copied", "source", "gone"];
/// Kept in the index.
const SMALL: usize = 2_000;
/// Kept in a file of its own.
const LARGE: usize = 200_000;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A body that is kept in the index, under a new key.
    PutSmall,
    /// The same over another one.
    OverwriteSmall,
    /// A body that is kept in a file, under a new key.
    PutLarge,
    /// The same over another one.
    OverwriteLarge,
    /// A part of an upload.
    UploadPart,
    /// The same part again.
    ReplacePart,
    /// Two parts become an object.
    Complete,
    /// An upload and its parts go.
    Abort,
    /// An object gets another name.
    Copy,
    /// An object goes.
    Delete,
    /// Two objects go in one request.
    DeleteMany,
}

/// All of them.
pub const CHANGES: [Change; 11] = [
    Change::PutSmall,
    Change::OverwriteSmall,
    Change::PutLarge,
    Change::OverwriteLarge,
    Change::UploadPart,
    Change::ReplacePart,
    Change::Complete,
    Change::Abort,
    Change::Copy,
    Change::Delete,
    Change::DeleteMany,
];

/// A change that is about to be asked for.
pub struct Prepared {
    /// What is there.
    pub before: State,
    /// What is there once it is acknowledged.
    pub after: State,
    request: Request,
}

struct Request {
    method: Method,
    key: &'static str,
    query: String,
    header: Option<(&'static str, String)>,
    body: Bytes,
}

/// What an acknowledgement means.
type Effect = Box<dyn FnOnce(&mut State)>;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer of success.
    Acknowledged,
    /// Another answer.
    Refused {
        /// Its status.
        status: u16,
        /// Whether it says when to come again.
        says_when: bool,
    },
    /// None.
    Unanswered,
}

impl Change {
    /// Makes everything that the change needs, and looks at it.
    pub async fn prepare(self, client: &S3, chance: &mut Chance) -> Result<Prepared> {
        client.abort_uploads(BUCKET).await?;
        let (request, effect) = self.plan(client, chance).await?;
        let before = State::of(client, BUCKET, &KEYS).await?;
        ensure!(before.flaws.is_empty(), "before any fault: {:?}", before.flaws);
        let mut after = before.clone();
        effect(&mut after);
        Ok(Prepared { before, after, request })
    }

    async fn plan(self, client: &S3, chance: &mut Chance) -> Result<(Request, Effect)> {
        let mut content = |length| Content { serial: chance.draw(), length }.bytes();
        Ok(match self {
            Self::PutSmall => {
                client.delete(BUCKET, "small").await?;
                put("small", content(SMALL))
            }
            Self::OverwriteSmall => {
                client.put(BUCKET, "small", content(SMALL - 1)).await?;
                put("small", content(SMALL))
            }
            Self::PutLarge => {
                client.delete(BUCKET, "large").await?;
                put("large", content(LARGE))
            }
            Self::OverwriteLarge => {
                client.put(BUCKET, "large", content(LARGE - 1)).await?;
                put("large", content(LARGE))
            }
            Self::UploadPart => part(client.begin_upload(BUCKET, "joined").await?, content(LARGE)),
            Self::ReplacePart => {
                let upload = client.begin_upload(BUCKET, "joined").await?;
                client.upload_part(BUCKET, "joined", &upload, 1, content(LARGE - 1)).await?;
                part(upload, content(LARGE))
            }
            Self::Complete | Self::Abort => {
                client.delete(BUCKET, "joined").await?;
                let upload = client.begin_upload(BUCKET, "joined").await?;
                let (first, second) = (content(PART), content(LARGE));
                let tags = [
                    client.upload_part(BUCKET, "joined", &upload, 1, first.clone()).await?,
                    client.upload_part(BUCKET, "joined", &upload, 2, second.clone()).await?,
                ];
                let query = format!("uploadId={upload}");
                if self == Self::Abort {
                    let request = Request { method: Method::DELETE, query, ..Request::of("joined") };
                    request.means(move |state| drop(state.uploads.remove(&upload)))
                } else {
                    let body = S3::manifest(&tags).into();
                    let joined = [first, second].concat().into();
                    Request { method: Method::POST, query, body, ..Request::of("joined") }.means(move |state| {
                        state.uploads.remove(&upload);
                        state.objects.insert("joined".to_owned(), joined);
                    })
                }
            }
            Self::Copy => {
                let body = content(LARGE);
                client.put(BUCKET, "source", body.clone()).await?;
                client.delete(BUCKET, "copied").await?;
                let header = Some(("x-amz-copy-source", format!("{BUCKET}/source")));
                let request = Request { header, ..Request::of("copied") };
                request.means(move |state| drop(state.objects.insert("copied".to_owned(), body)))
            }
            Self::Delete => {
                client.put(BUCKET, "gone", content(LARGE)).await?;
                let request = Request { method: Method::DELETE, ..Request::of("gone") };
                request.means(|state| drop(state.objects.remove("gone")))
            }
            Self::DeleteMany => {
                client.put(BUCKET, "gone", content(LARGE)).await?;
                client.put(BUCKET, "small", content(SMALL)).await?;
                let names = "<Object><Key>gone</Key></Object><Object><Key>small</Key></Object>";
                let body = Bytes::from(format!("<Delete>{names}</Delete>"));
                let header = Some(("x-amz-checksum-crc32", Checksum::of(ChecksumAlgorithm::Crc32, &body).to_text()));
                let query = "delete=".to_owned();
                let request = Request { method: Method::POST, query, header, body, ..Request::of("") };
                request.means(|state| state.objects.retain(|key, _| key != "gone" && key != "small"))
            }
        })
    }
}

impl Request {
    fn of(key: &'static str) -> Self {
        Self { method: Method::PUT, key, query: String::new(), header: None, body: Bytes::new() }
    }

    fn means(self, effect: impl FnOnce(&mut State) + 'static) -> (Self, Effect) {
        (self, Box::new(effect))
    }
}

fn put(key: &'static str, body: Bytes) -> (Request, Effect) {
    let request = Request { body: body.clone(), ..Request::of(key) };
    request.means(move |state| drop(state.objects.insert(key.to_owned(), body)))
}

/// The bytes of parts are not seen before they are an object; their lengths are.
fn part(upload: String, body: Bytes) -> (Request, Effect) {
    let length = body.len() as u64;
    let request = Request { query: format!("partNumber=1&uploadId={upload}"), body, ..Request::of("joined") };
    request.means(move |state| {
        if let Some(upload) = state.uploads.get_mut(&upload) {
            upload.parts.insert(1, length);
        }
    })
}

impl Prepared {
    /// Asks for it.
    pub async fn ask(&self, client: &S3) -> Result<Outcome> {
        let Request { method, key, query, header, body } = &self.request;
        let headers: Vec<_> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match client.send_with(method.clone(), BUCKET, key, query, &headers, body.clone()).await {
            // S3 may begin a 200 before it knows how the change ends.
            Ok(answer) if answer.status.is_success() && !answer.text().contains("<Error>") => Ok(Outcome::Acknowledged),
            Ok(answer) => Ok(Outcome::Refused {
                status: answer.status.as_u16(),
                says_when: answer.headers.contains_key("retry-after"),
            }),
            Err(error) if is_crash(&error) => Ok(Outcome::Unanswered),
            Err(error) => Err(error),
        }
    }

    /// Whether `found` is what may be there after this outcome; otherwise what is wrong with it.
    pub fn judge(&self, outcome: &Outcome, found: &State) -> Result<(), String> {
        if *found == self.after || (*found == self.before && *outcome != Outcome::Acknowledged) {
            return Ok(());
        }
        let expected = if *outcome == Outcome::Acknowledged { &self.after } else { &self.before };
        Err(format!("{outcome:?}, then{}", found.difference(expected)))
    }
}
