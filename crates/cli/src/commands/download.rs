//! `gatepass download`: asks the backend for a signed URL and reads the file from the store.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::{
    api::{Api, encoded, member},
    args::Download,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    progress::Progress,
    server,
    store_error::StoreError,
};

/// Where the bytes go.
enum Destination {
    StandardOutput,
    File(PathBuf),
}

pub(crate) fn run(arguments: &Download, output: Output) -> Result {
    server::block_on(download(arguments, output))
}

async fn download(arguments: &Download, output: Output) -> Result {
    let api = Api::connect(&arguments.connection)?;
    let file = api.file(&arguments.file).await?;
    let id = member(&file, "/id")?;
    let destination = destination(arguments, &file)?;
    let url = api.location(&format!("/v1/files/{}/content", encoded(id))).await?;
    // The URL says everything; a token would only go to somebody who must not have it.
    let request = Request::get(url).body(Full::<Bytes>::default()).explain("the signed URL cannot be followed")?;
    let answer = api.http.send(request).await?;
    let status = answer.status();
    if !status.is_success() {
        let body = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        return Err(Failure::refused(StoreError::read(status, &body)));
    }
    let progress = Progress::of(file["size"].as_u64().unwrap_or_default());
    match destination {
        Destination::StandardOutput => {
            copy(answer.into_body(), &mut io::stdout().lock(), &progress).await?;
            progress.finish();
        }
        Destination::File(path) => {
            let written = save(answer.into_body(), &path, arguments.force, &progress).await?;
            progress.finish();
            let document = json!({ "id": id, "path": path, "size": written });
            output.result(path.display(), &document)?;
        }
    }
    Ok(Outcome::Done)
}

fn destination(arguments: &Download, file: &Value) -> Result<Destination> {
    let path = match &arguments.output {
        Some(path) if path.as_os_str() == "-" => return Ok(Destination::StandardOutput),
        Some(path) => path.clone(),
        None => here(member(file, "/filename")?).ok_or_else(|| {
            Failure::refused("the file's name is no name on this machine").hint("name one with --output")
        })?,
    };
    if !arguments.force && path.exists() {
        return Err(Failure::refused(format_args!("{} is there already", path.display()))
            .hint("replace it with --force, or choose another with --output"));
    }
    Ok(Destination::File(path))
}

/// A name that somebody else chose, as a file in this directory and nowhere else.
fn here(name: &str) -> Option<PathBuf> {
    let is_plain =
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']) && !name.starts_with('-');
    is_plain.then(|| PathBuf::from(name))
}

/// Writes beside and renames, so that a broken transfer leaves nothing that looks whole.
async fn save(body: Incoming, path: &Path, replace: bool, progress: &Progress) -> Result<u64> {
    let unwritable = || format!("{} cannot be written", path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(directory).explain(unwritable())?;
    let written = copy(body, &mut file, progress).await?;
    let persisted = if replace { file.persist(path).map(drop) } else { file.persist_noclobber(path).map(drop) };
    persisted.explain(unwritable())?;
    Ok(written)
}

async fn copy(mut body: Incoming, to: &mut (impl Write + ?Sized), progress: &Progress) -> Result<u64> {
    let mut written = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.explain("the transfer broke off")?;
        let Some(bytes) = frame.data_ref() else { continue };
        to.write_all(bytes).explain("the file cannot be written")?;
        written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        progress.advance(bytes.len());
    }
    to.flush().explain("the file cannot be written")?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_never_leaves_this_directory() {
        for name in ["report.pdf", "a b", "..."] {
            assert_eq!(here(name), Some(PathBuf::from(name)));
        }
        for name in ["", ".", "..", "../up", "/etc/passwd", "a/b", "-rf"] {
            assert_eq!(here(name), None, "{name}");
        }
    }
}
