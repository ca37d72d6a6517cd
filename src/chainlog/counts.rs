//! What becomes of lines, counted; for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the lines since the start; each number only grows.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lines that the central log component has taken.
    pub delivered: AtomicU64,
    /// Lines lost because the queue was full.
    pub dropped_at_queue: AtomicU64,
    /// Lines lost because the spool was full, or could not be written or read.
    pub dropped_at_spool: AtomicU64,
    /// Batches that the component refused for good.
    pub refused: AtomicU64,
}

/// Adds to one of the counts.
pub(super) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}
