//! The metrics of counting the figures of the programme: how far it is behind, and what it could not count. The figures themselves
//! are no metrics.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::chain_log::catch_up;
use crate::report::{CountCounts, CountProgress};

#[derive(Default)]
pub(super) struct FiguresMetrics {
    behind: Gauge,
    lag: Gauge<f64, AtomicU64>,
    records: Counter,
    unreadable: Counter,
    unnamed: Counter,
    raced: Counter,
    failures: Counter,
    /// Two readers at once would add the same records twice.
    one_at_a_time: Mutex<()>,
}

impl FiguresMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Records in the index of the access log that are not counted";
        registry.register("figures_behind", help, self.behind.clone());
        let help = "Since when not everything in the index is counted; 0 before the first time that it was";
        registry.register_with_unit("figures_lag", help, Unit::Seconds, self.lag.clone());
        registry.register("figures_records", "Records that this node read to count them", self.records.clone());
        let help = "Records that are of no form of any release";
        registry.register("figures_unreadable", help, self.unreadable.clone());
        let help = "Viewings of somebody who cannot be told from others, because the key of the year is gone";
        registry.register("figures_unnamed", help, self.unnamed.clone());
        registry.register("figures_raced", "Batches that another node was quicker with", self.raced.clone());
        registry.register("figures_failures", "Failures to count, each tried again", self.failures.clone());
    }

    pub(super) fn observe(&self, progress: &CountProgress, now: Timestamp) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        self.behind.set(i64::try_from(progress.behind()).unwrap_or(i64::MAX));
        self.lag.set(progress.lag(now).as_secs_f64());
        let CountCounts { records, unreadable, unnamed, raced, failures } = progress.counts();
        for (counter, count) in [
            (&self.records, records),
            (&self.unreadable, unreadable),
            (&self.unnamed, unnamed),
            (&self.raced, raced),
            (&self.failures, failures),
        ] {
            catch_up(counter, count);
        }
    }
}
