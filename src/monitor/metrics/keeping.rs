//! Metrics of the files of the audit log: how many segments, how many of them sealed, what they take, what was removed.

use std::sync::atomic::{AtomicI64, AtomicU64};

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What the files of the audit log are, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// How many segments there are.
    pub segments: u64,
    /// How many of them are sealed.
    pub sealed: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How often sealing one failed since the start.
    pub failures: u64,
    /// What was removed after the retention, once that was looked at.
    pub pruned: Option<Pruned>,
}

/// What was removed of the audit log after its retention, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many records were removed, ever.
    pub records: u64,
    /// When it was last looked, with success, for what is to be removed.
    pub looked: Option<Timestamp>,
    /// How often it failed since the start.
    pub failures: u64,
}

#[derive(Default)]
pub(super) struct KeepingMetrics {
    segments: Gauge<u64, AtomicU64>,
    sealed: Gauge<u64, AtomicU64>,
    bytes: Gauge<u64, AtomicU64>,
    failures: Gauge<u64, AtomicU64>,
    pruned: Gauge<u64, AtomicU64>,
    looked: Gauge<i64, AtomicI64>,
    prune_failures: Gauge<u64, AtomicU64>,
}

impl KeepingMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("audit_segments", "Segments of the audit log", self.segments.clone());
        registry.register("audit_sealed_segments", "Segments that are compressed and sealed", self.sealed.clone());
        let help = "What the files of all segments take";
        registry.register_with_unit("audit_segments_size", help, Unit::Bytes, self.bytes.clone());
        let help = "Attempts to seal a segment that failed since the start";
        registry.register("audit_seal_failures", help, self.failures.clone());
        let help = "Records removed from the audit log after their retention, ever";
        registry.register("audit_pruned_records", help, self.pruned.clone());
        let help = "When it was last looked, with success, what is older than the retention, in Unix time";
        registry.register_with_unit("audit_prune_looked", help, Unit::Seconds, self.looked.clone());
        let help = "Attempts to remove records after their retention that failed since the start";
        registry.register("audit_prune_failures", help, self.prune_failures.clone());
    }

    pub(super) fn observe(&self, kept: &Kept) {
        self.segments.set(kept.segments);
        self.sealed.set(kept.sealed);
        self.bytes.set(kept.bytes);
        self.failures.set(kept.failures);
        if let Some(Pruned { records, looked, failures }) = kept.pruned {
            self.pruned.set(records);
            self.looked.set(looked.map_or(0, Timestamp::as_second));
            self.prune_failures.set(failures);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn what_is_kept_is_in_the_text() {
        let metrics = Metrics::default();
        let looked = Timestamp::from_second(1_800_000_000).ok();
        let pruned = Some(Pruned { records: 700, looked, failures: 1 });
        metrics.observe_keeping(&Kept { segments: 5, sealed: 4, bytes: 1_234, failures: 2, pruned });
        let text = metrics.to_text();
        for line in [
            "inzage_audit_segments 5",
            "inzage_audit_sealed_segments 4",
            "inzage_audit_segments_size_bytes 1234",
            "inzage_audit_seal_failures 2",
            "inzage_audit_pruned_records 700",
            "inzage_audit_prune_looked_seconds 1800000000",
            "inzage_audit_prune_failures 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
