//! One request and its answer, from the first byte of the head to the last of the answer: what the metrics count and the
//! access log writes down.

use std::sync::Arc;
use std::time::Instant;

use crate::access_log::Entry;
use crate::store::Store;

/// An exchange in progress. When it is dropped it is over, and counted.
#[derive(Debug)]
pub(crate) struct Exchange {
    store: Arc<Store>,
    begun: Instant,
    operation: &'static str,
    status: u16,
    sent: u64,
    /// What the access log says, where there is one.
    entry: Option<Box<Entry>>,
}

impl Exchange {
    pub(crate) fn new(
        store: Arc<Store>,
        begun: Instant,
        operation: Option<&'static str>,
        status: u16,
        entry: Option<Box<Entry>>,
    ) -> Self {
        // A request that did not get so far has no operation.
        Self { store, begun, operation: operation.unwrap_or("none"), status, sent: 0, entry }
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        self.store.metrics.answered(self.operation, self.status, elapsed, self.sent);
        if let (Some(log), Some(mut entry)) = (&self.store.access_log, self.entry.take()) {
            entry.end(elapsed, self.sent);
            log.write(&entry);
        }
    }
}
