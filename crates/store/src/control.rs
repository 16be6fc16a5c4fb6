//! The socket in the data directory by which the owner of a running store asks for what the S3 API does not have.
//!
//! One line of JSON asks, lines of JSON answer. Only the owner of the directory is heard, and root.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader as BlockingReader, Write as _};
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::backup::{BackupError, BackupProgress, BackupReport};
use crate::store::Store;

const SOCKET_FILE_NAME: &str = "control.sock";
const SOCKET_MODE: u32 = 0o600;
/// The longest question: a path, and some words.
const MAX_QUESTION_BYTES: u64 = 16 * 1024;
const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers that wait for whoever asked.
const WAITING_ANSWERS: usize = 64;
/// One row in so many is told of.
const ROWS_PER_ANSWER: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Backup { to: PathBuf },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Progress { done: u64, total: u64 },
    Done(BackupReport),
    Failed(String),
}

impl Store {
    /// Answers on the socket in the data directory until `stop`. Fails where there can be no socket.
    pub async fn serve_control(self: Arc<Self>, stop: impl Future<Output = ()>) -> io::Result<()> {
        let data = self.blobs.data().to_owned();
        let path = data.join(SOCKET_FILE_NAME);
        // The directory is locked, so one that is there is a dead process's.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let directory = File::open(&data)?;
        let listener = UnixListener::bind(short(&directory))?;
        fs::set_permissions(&path, Permissions::from_mode(SOCKET_MODE))?;
        let owner = fs::metadata(&data)?.uid();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if is_heard(&stream, owner) => {
                        tokio::spawn(answer(Arc::clone(&self), stream));
                    }
                    Ok(_) => tracing::warn!("somebody else than the owner asked by the control socket"),
                    Err(error) => {
                        tracing::warn!(%error, "the control socket broke down");
                        break;
                    }
                }
            }
        }
        fs::remove_file(&path)
    }
}

/// The name of a socket ends at 108 bytes (unix(7)); that of a directory does not.
fn short(directory: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(SOCKET_FILE_NAME)
}

fn is_heard(stream: &UnixStream, owner: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0)
}

async fn answer(store: Arc<Store>, stream: UnixStream) {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(MAX_QUESTION_BYTES));
    let read = timeout(QUESTION_TIMEOUT, reader.read_line(&mut line)).await;
    let question = match read {
        Ok(Ok(_)) => serde_json::from_str::<Question>(&line),
        _ => return,
    };
    let (answers, mut waiting) = mpsc::channel(WAITING_ANSWERS);
    let is_left = Arc::new(AtomicBool::new(false));
    let left = Arc::clone(&is_left);
    tokio::task::spawn_blocking(move || {
        let last = match question {
            Ok(Question::Backup { to }) => back_up(&store, &to, &answers, &left),
            Err(error) => Answer::Failed(format!("this question is not understood: {error}")),
        };
        // Whoever asked may have left.
        let _ = answers.blocking_send(last);
    });
    while let Some(answer) = waiting.recv().await {
        let Ok(mut line) = serde_json::to_vec(&answer) else { return };
        line.push(b'\n');
        if writer.write_all(&line).await.is_err() {
            is_left.store(true, Ordering::Relaxed);
        }
    }
}

fn back_up(store: &Store, to: &Path, answers: &mpsc::Sender<Answer>, left: &AtomicBool) -> Answer {
    let mut progress = |done: u64, total: u64| {
        if done.is_multiple_of(ROWS_PER_ANSWER) {
            // One that is missed is made up for by the next.
            let _ = answers.try_send(Answer::Progress { done, total });
        }
        if left.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match store.backup(to, &mut progress) {
        Ok(report) => {
            tracing::info!(to = %to.display(), "a backup was made");
            Answer::Done(report)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Answer::Failed(format!("{error}{cause}"))
        }
    }
}

/// The process that has the store open, if one does and listens.
pub(crate) fn connect(data: &Path) -> Option<BlockingStream> {
    BlockingStream::connect(short(&File::open(data).ok()?)).ok()
}

pub(crate) fn ask_for_backup(
    mut stream: BlockingStream,
    to: &Path,
    progress: BackupProgress<'_>,
) -> Result<BackupReport, BackupError> {
    let broken = |error: io::Error| BackupError::Refused(format!("the store does not answer any more: {error}"));
    let mut question = serde_json::to_vec(&Question::Backup { to: to.to_owned() })
        .map_err(|error| BackupError::Refused(error.to_string()))?;
    question.push(b'\n');
    stream.write_all(&question).map_err(broken)?;
    for line in BlockingReader::new(stream).lines() {
        match serde_json::from_str(&line.map_err(broken)?) {
            Ok(Answer::Done(report)) => return Ok(report),
            Ok(Answer::Failed(reason)) => return Err(BackupError::Refused(reason)),
            Ok(Answer::Progress { done, total }) => {
                if progress(done, total).is_break() {
                    return Err(BackupError::GivenUp);
                }
            }
            Err(error) => return Err(BackupError::Refused(error.to_string())),
        }
    }
    Err(broken(io::ErrorKind::UnexpectedEof.into()))
}
