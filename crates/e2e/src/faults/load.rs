//! Writers of objects: each has its own keys and goes on until the server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};

use super::content::{Chance, Content};
use super::ledger::{Change, Ledger};
use super::sizes;
use crate::s3::S3;

/// Where everything is written.
pub const BUCKET: &str = "crash";
/// Few enough that writes overwrite, and enough that a crash finds many of them fresh.
const KEYS_PER_WRITER: u64 = 40;
/// The smallest part that S3 takes, apart from the last.
pub const PART: usize = 5 * 1024 * 1024;

/// What all writers share.
#[derive(Default)]
pub struct Objects {
    /// What must be there.
    pub ledger: Ledger<Content>,
    serial: AtomicU64,
}

impl Objects {
    /// A body that no other write of this experiment has.
    pub fn content(&self, length: usize) -> Content {
        Content { serial: self.serial.fetch_add(1, Ordering::Relaxed), length }
    }

    /// Writes until the server is gone, which is no error; any refusal is one.
    pub async fn write(self: Arc<Self>, client: Arc<S3>, writer: usize, mut chance: Chance) -> Result<u64> {
        let mut acknowledged = 0;
        loop {
            match self.step(&client, writer, &mut chance).await {
                Ok(()) => acknowledged += 1,
                Err(error) if is_crash(&error) => return Ok(acknowledged),
                Err(error) => return Err(error),
            }
        }
    }

    async fn step(&self, client: &S3, writer: usize, chance: &mut Chance) -> Result<()> {
        let key = key_of(writer, chance);
        let content = self.content(sizes::log_uniform(chance));
        match chance.below(20) {
            0..2 => {
                self.ledger.ask(&key, Change::Delete);
                client.delete(BUCKET, &key).await?;
            }
            2 => {
                self.ledger.ask(&key, Change::Write(content));
                let body = content.bytes();
                let first = body.len().min(PART);
                let parts =
                    if first < body.len() { vec![body.slice(..first), body.slice(first..)] } else { vec![body] };
                client.put_in_parts(BUCKET, &key, parts).await?;
            }
            3 => {
                let source = key_of(writer, chance);
                // Of what is not there, or onto itself, there is no copy.
                let (Some(copied), true) = (self.ledger.acknowledged(&source), source != key) else { return Ok(()) };
                self.ledger.ask(&key, Change::Write(copied));
                client.copy(BUCKET, &source, &key).await?;
            }
            _ => {
                self.ledger.ask(&key, Change::Write(content));
                client.put(BUCKET, &key, content.bytes()).await?;
            }
        }
        self.ledger.acknowledge(&key);
        Ok(())
    }

    /// Compares all objects with the ledger, and lets it start anew from what is there. Uploads that the crash cut off
    /// are aborted, as their client would, so that they do not fill the disk.
    pub async fn verify(&self, client: &S3) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        let mut present = Vec::new();
        for (key, entry) in self.ledger.snapshot() {
            let body = client.get(BUCKET, &key).await?;
            let found = if let Some(body) = body {
                let Some(content) = entry.candidates().into_iter().find(|content| content.bytes() == body) else {
                    verdict.torn.push(key);
                    continue;
                };
                Some(content)
            } else {
                None
            };
            if !entry.permits(found.as_ref()) {
                verdict.lost.push(key.clone());
            }
            verdict.checked += 1;
            if found.is_some() {
                present.push(key.clone());
            }
            self.ledger.settle(&key, found);
        }
        let listed = client.list(BUCKET).await?;
        verdict.listing_is_exact = listed == present;
        client.abort_uploads(BUCKET).await?;
        Ok(verdict)
    }
}

/// What a verification found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many things were compared.
    pub checked: u64,
    /// Acknowledged and not there, or there after an acknowledged deletion.
    pub lost: Vec<String>,
    /// There with bytes that nobody wrote as a whole.
    pub torn: Vec<String>,
    /// Whether the listing names exactly what can be read.
    pub listing_is_exact: bool,
}

impl Verdict {
    /// Nothing lost, nothing torn.
    pub fn into_result(self) -> Result<u64> {
        if self.lost.is_empty() && self.torn.is_empty() && self.listing_is_exact {
            return Ok(self.checked);
        }
        bail!("lost: {:?}, torn: {:?}, listing exact: {}", self.lost, self.torn, self.listing_is_exact)
    }
}

/// Whether a request failed because there was nobody to answer it.
pub fn is_crash(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<hyper::Error>().is_some()
            || cause.downcast_ref::<hyper_util::client::legacy::Error>().is_some()
            || cause.downcast_ref::<std::io::Error>().is_some()
    })
}

fn key_of(writer: usize, chance: &mut Chance) -> String {
    format!("writer-{writer:02}/key-{:02}", chance.below(KEYS_PER_WRITER))
}
