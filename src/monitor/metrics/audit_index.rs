//! The metrics of the index of the access log: how far it is behind, and what it could not take.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::chain_log::catch_up;
use crate::audit::{IndexCounts, IndexProgress};

#[derive(Default)]
pub(super) struct AuditIndexMetrics {
    behind: Gauge,
    lag: Gauge<f64, AtomicU64>,
    records: Counter,
    unreadable: Counter,
    failures: Counter,
    /// Two readers at once would add the same records twice.
    one_at_a_time: Mutex<()>,
}

impl AuditIndexMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Records that are durable and cannot be searched yet";
        registry.register("audit_index_behind", help, self.behind.clone());
        let help = "Since when the index is not complete; 0 when it is";
        registry.register_with_unit("audit_index_lag", help, Unit::Seconds, self.lag.clone());
        registry.register("audit_index_records", "Records added to the index", self.records.clone());
        let help = "Of those, records of a form that this release does not know";
        registry.register("audit_index_unreadable", help, self.unreadable.clone());
        let help = "Failures to add records, each tried again";
        registry.register("audit_index_failures", help, self.failures.clone());
    }

    pub(super) fn observe(&self, progress: &IndexProgress, now: Timestamp) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = progress.lag(now);
        self.behind.set(i64::try_from(lag.records).unwrap_or(i64::MAX));
        self.lag.set(lag.time.as_secs_f64());
        let IndexCounts { records, unreadable, failures } = progress.counts();
        catch_up(&self.records, records);
        catch_up(&self.unreadable, unreadable);
        catch_up(&self.failures, failures);
    }
}
