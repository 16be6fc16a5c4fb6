//! A file below redb that is only read: what redb writes while it recovers stays in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

const PAGE_BYTES: u64 = PAGE as u64;
/// The same, as a length in memory.
const PAGE: usize = 4096;

#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    length: u64,
    /// How much of the file still shows through.
    shown: u64,
    pages: HashMap<u64, Vec<u8>>,
}

impl Overlay {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, state: Mutex::new(State { length, shown: length, pages: HashMap::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_below(&self, shown: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let below = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
        out[below..].fill(0);
        self.file.read_exact_at(&mut out[..below], offset)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        if offset + out.len() as u64 > state.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(state.shown, offset, out)?;
        for (page, from, to) in pages(offset, out.len()) {
            if let Some(bytes) = state.pages.get(&page) {
                out[to.clone()].copy_from_slice(&bytes[from..from + to.len()]);
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if length < state.length {
            state.pages.retain(|page, _| page * PAGE_BYTES < length);
            let (last, cut) = (length / PAGE_BYTES, (length % PAGE_BYTES).try_into().unwrap_or(0));
            if let Some(bytes) = state.pages.get_mut(&last) {
                bytes[cut..].fill(0);
            }
        }
        state.shown = state.shown.min(length);
        state.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        for (page, from, to) in pages(offset, data.len()) {
            if !state.pages.contains_key(&page) {
                let mut bytes = vec![0; PAGE];
                self.read_below(state.shown, page * PAGE_BYTES, &mut bytes)?;
                state.pages.insert(page, bytes);
            }
            if let Some(bytes) = state.pages.get_mut(&page) {
                bytes[from..from + to.len()].copy_from_slice(&data[to]);
            }
        }
        Ok(())
    }
}

/// The pages that a stretch touches: which, from where in the page, and which bytes of the stretch.
fn pages(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let from = usize::try_from(at % PAGE_BYTES).ok()?;
        let stop = length.min(done + PAGE - from);
        let piece = (at / PAGE_BYTES, from, done..stop);
        done = stop;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_file_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let before: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        std::fs::write(&path, &before).unwrap();
        let overlay = Overlay::open(&path).unwrap();
        let mut expected = before.clone();
        for (offset, length) in [(0, 1), (4095, 2), (5000, 5000), (100, 8000)] {
            let data = vec![9; length];
            overlay.write(offset, &data).unwrap();
            let offset = usize::try_from(offset).unwrap();
            expected[offset..offset + length].copy_from_slice(&data);
            let mut found = vec![0; expected.len()];
            overlay.read(0, &mut found).unwrap();
            assert_eq!(found, expected);
        }
        overlay.set_len(4097).unwrap();
        overlay.set_len(20_000).unwrap();
        assert_eq!(overlay.len().unwrap(), 20_000);
        expected.truncate(4097);
        expected.resize(20_000, 0);
        let mut found = vec![1; 20_000];
        overlay.read(0, &mut found).unwrap();
        assert_eq!(found, expected);
        assert!(overlay.read(19_999, &mut [0; 2]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
