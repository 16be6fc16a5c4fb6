//! The access log: one line for each request, in the format of S3's server access logs or as JSON.
//!
//! Requests do not wait for it. Lines go through a bounded queue to a thread that writes them; what does not fit is dropped
//! and counted (`gatepass_access_log_dropped_total`). No line holds a signature, a token or a key.

mod entry;
mod format;
mod redact;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

pub(crate) use self::entry::Entry;
pub use self::format::AccessLogFormat;

/// How many lines wait to be written at most.
pub const ACCESS_LOG_QUEUE: usize = 8192;
/// The mode of a log that is made here: its owner writes it, its group may read it.
const FILE_MODE: u32 = 0o640;

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogTarget {
    /// The end of a file, which is made where it does not exist.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// An open access log. Copies share it.
#[derive(Debug, Clone)]
pub struct AccessLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    format: AccessLogFormat,
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Line(String),
    Reopen,
    Close,
}

impl AccessLog {
    /// Opens a log.
    pub fn open(target: AccessLogTarget, format: AccessLogFormat) -> io::Result<Self> {
        let sink = Sink::open(&target)?;
        let (queue, lines) = sync_channel(ACCESS_LOG_QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        let thread =
            thread::Builder::new().name("access-log".to_owned()).spawn(move || run(&target, sink, &lines, &lost))?;
        Ok(Self(Arc::new(Shared { format, queue, dropped, thread: Mutex::new(Some(thread)) })))
    }

    /// Opens the file again, under the name it had: what rotated it has renamed the old one. When that fails the old one
    /// stays in use.
    pub fn reopen(&self) {
        // Waiting for a place in the queue is fine here: nobody's request does.
        let _ = self.0.queue.send(Message::Reopen);
    }

    /// Writes what is queued and ends. Lines that come later are dropped.
    pub fn close(&self) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.0.queue.send(Message::Close);
            let _ = thread.join();
        }
    }

    /// How many lines were lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn write(&self, entry: &Entry) {
        let line = Message::Line(self.0.format.line(entry));
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.0.queue.try_send(line) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

enum Sink {
    File(BufWriter<File>),
    Stdout(io::Stdout),
}

impl Sink {
    fn open(target: &AccessLogTarget) -> io::Result<Self> {
        match target {
            AccessLogTarget::Stdout => Ok(Self::Stdout(io::stdout())),
            AccessLogTarget::File(path) => {
                let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?;
                Ok(Self::File(BufWriter::new(file)))
            }
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::File(file) => writeln!(file, "{line}"),
            Self::Stdout(stdout) => writeln!(stdout, "{line}"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

fn run(target: &AccessLogTarget, mut sink: Sink, lines: &Receiver<Message>, lost: &AtomicU64) {
    let mut is_failing = false;
    let mut report = |outcome: io::Result<()>, lines_lost: u64| match outcome {
        Ok(()) => is_failing = false,
        Err(error) => {
            lost.fetch_add(lines_lost, Ordering::Relaxed);
            // Once for each time that it begins to fail: a full disk would fill the other log too.
            if !std::mem::replace(&mut is_failing, true) {
                tracing::error!(%error, "the access log cannot be written");
            }
        }
    };
    loop {
        let message = match lines.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                report(sink.flush(), 0);
                match lines.recv() {
                    Ok(message) => message,
                    Err(_) => break,
                }
            }
        };
        match message {
            Message::Line(line) => report(sink.line(&line), 1),
            Message::Reopen => {
                report(sink.flush(), 0);
                match Sink::open(target) {
                    Ok(reopened) => sink = reopened,
                    Err(error) => report(Err(error), 0),
                }
            }
            Message::Close => break,
        }
    }
    report(sink.flush(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_lines_and_counts_them() {
        let (queue, _nobody_reads) = sync_channel(2);
        let shared = Shared {
            format: AccessLogFormat::S3,
            queue,
            dropped: Arc::new(AtomicU64::new(0)),
            thread: Mutex::new(None),
        };
        let log = AccessLog(Arc::new(shared));
        for _ in 0..5 {
            log.write(&Entry::example());
        }
        assert_eq!(log.dropped(), 3);
    }

    #[test]
    fn a_file_is_appended_to_opened_again_and_whole_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let (path, rotated) = (directory.path().join("log"), directory.path().join("log.1"));
        let read = |path| std::fs::read_to_string(path).unwrap().lines().count();
        let log = AccessLog::open(AccessLogTarget::File(path.clone()), AccessLogFormat::Json).unwrap();
        log.write(&Entry::example());
        std::fs::rename(&path, &rotated).unwrap();
        log.write(&Entry::example());
        log.reopen();
        log.write(&Entry::example());
        log.close();
        assert_eq!((read(&rotated), read(&path)), (2, 1));
        log.write(&Entry::example());
        assert_eq!((read(&path), log.dropped()), (1, 1));

        let log = AccessLog::open(AccessLogTarget::File(path.clone()), AccessLogFormat::S3).unwrap();
        log.write(&Entry::example());
        log.close();
        assert_eq!(read(&path), 2);
        assert!(AccessLog::open(AccessLogTarget::File(directory.path().to_owned()), AccessLogFormat::S3).is_err());
    }
}
