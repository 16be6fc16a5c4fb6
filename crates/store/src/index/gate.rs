//! A gate before the files of the index, which the first failure closes for good.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::StorageBackend;

/// Whether one opened database may still touch its files.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_closed: AtomicBool,
    /// Read by every access while it lasts.
    accesses: RwLock<()>,
}

impl Gate {
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Waits for the accesses that were let in before the gate closed.
    pub(super) fn wait_for_the_last(&self) {
        drop(self.accesses.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A file behind a gate.
///
/// redb stops at most failures by itself, but not at those of writes that it could do without; and it would still write
/// its closing state when it is dropped. The file belongs to the database that was opened after it by then.
#[derive(Debug)]
pub(super) struct Gated<F> {
    file: F,
    gate: Arc<Gate>,
}

impl<F> Gated<F> {
    pub(super) fn new(file: F, gate: Arc<Gate>) -> Self {
        Self { file, gate }
    }

    fn access<T>(&self, access: impl FnOnce(&F) -> io::Result<T>) -> io::Result<T> {
        let _access = self.gate.accesses.read().unwrap_or_else(PoisonError::into_inner);
        if self.gate.is_closed() {
            return Err(io::Error::other("an access to this file has failed before"));
        }
        access(&self.file).inspect_err(|_| self.gate.close())
    }
}

impl<F: StorageBackend> StorageBackend for Gated<F> {
    fn len(&self) -> io::Result<u64> {
        self.access(F::len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.access(|file| file.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.access(|file| file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.access(F::sync_data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.access(|file| file.write(offset, data))
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    #[test]
    fn the_first_failure_of_any_kind_closes_the_gate() {
        let gate = Arc::new(Gate::default());
        let file = Gated::new(InMemoryBackend::new(), Arc::clone(&gate));
        file.set_len(8).unwrap();
        file.write(0, b"12345678").unwrap();
        assert!(!gate.is_closed());

        // Beyond the end.
        assert!(file.read(4, &mut [0; 8]).is_err());
        assert!(gate.is_closed());
        assert!(file.read(0, &mut [0; 8]).is_err() && file.write(0, b"x").is_err() && file.sync_data().is_err());
        assert!(file.set_len(9).is_err() && file.len().is_err());
        gate.wait_for_the_last();
    }
}
