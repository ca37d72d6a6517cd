//! The metrics of the chain log: whether lines arrive, and how many were lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::chainlog::Counts;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabel {
    end: &'static str,
}

#[derive(Default)]
pub(super) struct ChainLogMetrics {
    lines: Family<EndLabel, Counter>,
    refused: Counter,
    spooled: Gauge,
    age: Gauge<f64, AtomicU64>,
    /// Two readers at once would add the same lines twice.
    one_at_a_time: Mutex<()>,
}

impl ChainLogMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Lines of the chain log by end: delivered, or lost at the queue or the spool";
        registry.register("chain_log_lines", help, self.lines.clone());
        let help = "Batches that the central log component refused for good";
        registry.register("chain_log_refused_batches", help, self.refused.clone());
        let help = "What waits to be delivered";
        registry.register_with_unit("chain_log_spooled", help, Unit::Bytes, self.spooled.clone());
        let help = "How long the oldest line waits";
        registry.register_with_unit("chain_log_oldest", help, Unit::Seconds, self.age.clone());
    }

    pub(super) fn observe(&self, counts: &Counts, spooled: u64, oldest: Duration) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = [
            ("delivered", &counts.delivered),
            ("lost_at_queue", &counts.dropped_at_queue),
            ("lost_at_spool", &counts.dropped_at_spool),
        ];
        for (end, count) in ends {
            catch_up(&self.lines.get_or_create(&EndLabel { end }), count.load(Ordering::Relaxed));
        }
        catch_up(&self.refused, counts.refused.load(Ordering::Relaxed));
        self.spooled.set(i64::try_from(spooled).unwrap_or(i64::MAX));
        self.age.set(oldest.as_secs_f64());
    }
}

/// Counted elsewhere, shown here.
pub(super) fn catch_up(counter: &Counter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}
