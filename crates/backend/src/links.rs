//! Links: what a token opens at this moment.

use jiff::Timestamp;

use crate::{
    app::App,
    model::{
        file::File,
        link::{Link, LinkStatus, LinkTarget},
        token::SecretToken,
    },
    repository::RepositoryError,
};

/// What became of a token.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The link and its file.
    File(Box<(Link, File)>),
    /// No link has, or ever had, this token: 256 random bits leave nothing to enumerate.
    Unknown,
    /// The link is there but does not open.
    Closed(LinkStatus),
    /// The file behind the link was deleted.
    FileDeleted,
}

pub(crate) async fn open(app: &App, token: &str, now: Timestamp) -> Result<Opened, RepositoryError> {
    let Some(token) = SecretToken::parse(token) else {
        return Ok(Opened::Unknown);
    };
    let Some(LinkTarget { link, file }) = app.repository.link_by_token(token.hash()).await? else {
        return Ok(Opened::Unknown);
    };
    Ok(match (link.status(now), file) {
        (LinkStatus::Active, Some(file)) => Opened::File(Box::new((link, file))),
        (LinkStatus::Active | LinkStatus::NotYetValid, None) => Opened::FileDeleted,
        (closed, _) => Opened::Closed(closed),
    })
}
