//! The metrics of what is sent to the audit record repository.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::chain_log::catch_up;
use crate::audit::SyslogCounts;

#[derive(Default)]
pub(super) struct AuditSyslogMetrics {
    behind: Gauge,
    lag: Gauge<f64, AtomicU64>,
    up: Gauge,
    records: Counter,
    unreadable: Counter,
    failures: Counter,
    /// Two readers at once would add the same records twice.
    one_at_a_time: Mutex<()>,
}

impl AuditSyslogMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Records that are durable and not yet at the audit repository";
        registry.register("audit_syslog_behind", help, self.behind.clone());
        let help = "Age of the oldest record that waits for the audit repository; 0 when none does";
        registry.register_with_unit("audit_syslog_lag", help, Unit::Seconds, self.lag.clone());
        let help = "1 when the audit repository took what was last sent, else 0";
        registry.register("audit_syslog_up", help, self.up.clone());
        registry.register("audit_syslog_records", "Records the audit repository took", self.records.clone());
        let help = "Records not sent, as this release does not know their form";
        registry.register("audit_syslog_unreadable", help, self.unreadable.clone());
        let help = "Failures to hand records to the audit repository, each tried again";
        registry.register("audit_syslog_failures", help, self.failures.clone());
    }

    pub(super) fn observe(&self, counts: SyslogCounts) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        self.behind.set(i64::try_from(counts.behind).unwrap_or(i64::MAX));
        self.lag.set(counts.lag.as_secs_f64());
        self.up.set(i64::from(counts.up));
        catch_up(&self.records, counts.records);
        catch_up(&self.unreadable, counts.unreadable);
        catch_up(&self.failures, counts.failures);
    }
}
