//! What is counted, and how Prometheus reads it ("Exposition formats", prometheus.io).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::store::Store;

/// The upper bounds of the buckets, in microseconds.
const BOUNDS: [u64; 13] =
    [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// The counters of one store.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    tables: Mutex<Tables>,
    received_bytes: AtomicU64,
    connections_open: AtomicU64,
    connections_total: AtomicU64,
}

/// What has labels. The labels are names of ours: no client makes one up.
#[derive(Debug, Default)]
struct Tables {
    requests: BTreeMap<(&'static str, u16), u64>,
    errors: BTreeMap<&'static str, u64>,
    latencies: BTreeMap<&'static str, Histogram>,
    sent_bytes: u64,
}

/// How long something took, so often.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_microseconds: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = BOUNDS.iter().position(|bound| microseconds <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// `labels` is empty, or ends in a comma.
    fn write(&self, text: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            line(text, format_args!("{name}_bucket{{{labels}le=\"{}\"}} {below}", seconds(*bound)));
        }
        let count = self.count.load(Ordering::Relaxed);
        line(text, format_args!("{name}_bucket{{{labels}le=\"+Inf\"}} {count}"));
        let labels = labels.trim_end_matches(',');
        let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let sum = seconds(self.sum_microseconds.load(Ordering::Relaxed));
        line(text, format_args!("{name}_sum{braces} {sum}\n{name}_count{braces} {count}"));
    }
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected<'m>(&'m Metrics);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn connected(&self) -> Connected<'_> {
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        self.connections_open.fetch_add(1, Ordering::Relaxed);
        Connected(self)
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        *self.tables().errors.entry(code).or_default() += 1;
    }

    pub(crate) fn answered(&self, operation: &'static str, status: u16, took: Duration, sent: u64) {
        let mut tables = self.tables();
        *tables.requests.entry((operation, status)).or_default() += 1;
        tables.latencies.entry(operation).or_default().record(took);
        tables.sent_bytes += sent;
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything, as text.
pub(crate) fn exposition(store: &Store) -> String {
    let (metrics, mut text) = (&store.metrics, String::new());
    let text = &mut text;
    {
        let tables = metrics.tables();
        head(text, "gatepass_requests_total", "counter", "Requests that were answered.");
        for ((operation, status), count) in &tables.requests {
            line(
                text,
                format_args!("gatepass_requests_total{{operation=\"{operation}\",status=\"{status}\"}} {count}"),
            );
        }
        head(text, "gatepass_errors_total", "counter", "Requests that were refused, by the code of the error.");
        for (code, count) in &tables.errors {
            line(text, format_args!("gatepass_errors_total{{code=\"{code}\"}} {count}"));
        }
        let name = "gatepass_request_duration_seconds";
        head(text, name, "histogram", "From the head of a request to the last byte of its answer.");
        for (operation, histogram) in &tables.latencies {
            histogram.write(text, name, &format!("operation=\"{operation}\","));
        }
        single(text, "gatepass_sent_bytes_total", "counter", "Bytes of bodies sent.", tables.sent_bytes);
    }
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let received = load(&metrics.received_bytes);
    single(text, "gatepass_received_bytes_total", "counter", "Bytes of bodies received whole.", received);
    single(text, "gatepass_connections", "gauge", "Open connections.", load(&metrics.connections_open));
    let total = load(&metrics.connections_total);
    single(text, "gatepass_connections_total", "counter", "Connections that were accepted.", total);
    if let Ok(free) = store.space.free() {
        single(text, "gatepass_disk_free_bytes", "gauge", "What the disk has left for this process.", free);
    }
    single(text, "gatepass_disk_reserve_bytes", "gauge", "What uploads must leave free.", store.space.reserve());
    let name = "gatepass_index_commit_duration_seconds";
    head(text, name, "histogram", "Group commits of the index, with their sync.");
    store.index.commits().write(text, name, "");
    if let Some(log) = &store.access_log {
        let name = "gatepass_access_log_dropped_total";
        single(text, name, "counter", "Lines of the access log that were lost.", log.dropped());
    }
    std::mem::take(text)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    line(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn single(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(text, name, kind, help);
    line(text, format_args!("{name} {value}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{line}");
}

/// A number of microseconds in seconds, exactly.
fn seconds(microseconds: u64) -> String {
    let text = format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_each_bound_and_sums() {
        let histogram = Histogram::default();
        for microseconds in [100, 101, 2_000_000, 20_000_000] {
            histogram.record(Duration::from_micros(microseconds));
        }
        let mut text = String::new();
        histogram.write(&mut text, "h", "a=\"b\",");
        assert!(text.starts_with("h_bucket{a=\"b\",le=\"0.0001\"} 1\nh_bucket{a=\"b\",le=\"0.00025\"} 2\n"), "{text}");
        assert!(text.ends_with(
            "h_bucket{a=\"b\",le=\"10\"} 3\nh_bucket{a=\"b\",le=\"+Inf\"} 4\nh_sum{a=\"b\"} 22.000201\nh_count{a=\"b\"} 4\n"
        ), "{text}");
    }
}
