//! Users of the backend: they upload, complete, share, revoke and delete until the server is gone. What they were told
//! must be true after a crash as well.

use std::sync::Arc;

use anyhow::{Result, bail};
use hyper::Method;

use super::content::{Chance, Content};
use super::ledger::{Change, Ledger};
use super::load::{Objects, Verdict, is_crash};
use crate::api::Api;

/// Small files: here the rows are what is judged.
const LARGEST: u64 = 32 << 10;
/// More than these and the oldest is deleted.
const FILES_PER_USER: usize = 8;

/// A file as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    content: Content,
    upload: String,
}

/// A link as the one who made it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It leads to the file.
    Active,
    /// It leads nowhere any more.
    Revoked,
}

/// What all users share.
#[derive(Default)]
pub struct Rows {
    files: Ledger<File>,
    /// By URL.
    links: Ledger<Link>,
}

impl Rows {
    /// Works until the server is gone, which is no error; any refusal is one.
    pub async fn work(self: Arc<Self>, api: Api, objects: Arc<Objects>, mut chance: Chance) -> Result<u64> {
        let mut owned = Vec::new();
        let mut acknowledged = 0;
        loop {
            match self.step(&api, &objects, &mut owned, &mut chance).await {
                Ok(()) => acknowledged += 1,
                Err(error) if is_crash(&error) => return Ok(acknowledged),
                Err(error) => return Err(error),
            }
        }
    }

    async fn step(&self, api: &Api, objects: &Objects, owned: &mut Vec<String>, chance: &mut Chance) -> Result<()> {
        let length = usize::try_from(1 + chance.below(LARGEST))?;
        let content = objects.content(length);
        let upload = api.begin("crash.bin", length).await?;
        let sent = api.send_bytes(&upload, content.bytes()).await?;
        if sent.status != 200 {
            bail!("the store refused a signed upload: {} {}", sent.status, sent.text());
        }
        self.files.ask(&upload.file, Change::Write(File { content, upload: upload.id.clone() }));
        let completed = api.complete(&upload.id).await?;
        if completed.status != 200 {
            bail!("no completion: {} {}", completed.status, completed.text());
        }
        self.files.acknowledge(&upload.file);

        let (link, url) = api.link(&upload.file).await?;
        self.links.ask(&url, Change::Write(Link::Active));
        self.links.acknowledge(&url);
        if chance.below(2) == 0 {
            self.links.ask(&url, Change::Write(Link::Revoked));
            api.revoke(&link).await?;
            self.links.acknowledge(&url);
        }

        owned.push(upload.file);
        if owned.len() > FILES_PER_USER {
            let oldest = owned.remove(0);
            self.files.ask(&oldest, Change::Delete);
            api.delete(&oldest).await?;
            self.files.acknowledge(&oldest);
        }
        Ok(())
    }

    /// Compares files and links with the ledgers.
    pub async fn verify(&self, api: &Api) -> Result<Verdict> {
        let mut verdict = Verdict { listing_is_exact: true, ..Verdict::default() };
        self.verify_files(api, &mut verdict).await?;
        self.verify_links(api, &mut verdict).await?;
        Ok(verdict)
    }

    async fn verify_files(&self, api: &Api, verdict: &mut Verdict) -> Result<()> {
        for (id, entry) in self.files.snapshot() {
            // A completion that the crash cut off is simply asked for again: that is no repair.
            if let Some(Change::Write(file)) = &entry.asked {
                let completed = api.complete(&file.upload).await?;
                if completed.status != 200 {
                    bail!("a completion cannot be repeated: {} {}", completed.status, completed.text());
                }
            }
            let body = api.content(&id).await?;
            let found = if let Some(body) = body {
                let Some(file) = entry.candidates().into_iter().find(|file| file.content.bytes() == body) else {
                    verdict.torn.push(id);
                    continue;
                };
                Some(file)
            } else {
                None
            };
            if !entry.permits(found.as_ref()) {
                verdict.lost.push(id.clone());
            }
            verdict.checked += 1;
            self.files.settle(&id, found);
        }
        Ok(())
    }

    async fn verify_links(&self, api: &Api, verdict: &mut Verdict) -> Result<()> {
        for (url, entry) in self.links.snapshot() {
            let answer = api.anonymously(Method::GET, &url).await?;
            verdict.checked += 1;
            match answer.status.as_u16() {
                303 if entry.permits(Some(&Link::Active)) => self.links.settle(&url, Some(Link::Active)),
                // A revoked link is final, so it is looked at once and then forgotten.
                410 if entry.permits(Some(&Link::Revoked)) => self.links.settle(&url, None),
                // The file behind it was deleted, and the link with it.
                404 | 410 => self.links.settle(&url, None),
                _ => verdict.lost.push(url),
            }
        }
        Ok(())
    }
}
