//! The metrics of the signing of the audit log: how much waits for a checkpoint, and how far each witness is.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// How the signing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Records under the newest checkpoint.
    pub size: u64,
    /// Durable records that are not.
    pub unsigned: u64,
    /// How long they wait.
    pub waiting: Duration,
}

/// How far a witness is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Its name in the configuration.
    pub witness: String,
    /// Signed records that it has not seen since the start.
    pub behind: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WitnessLabel {
    witness: String,
}

#[derive(Default)]
pub(super) struct CheckpointMetrics {
    size: Gauge<u64, AtomicU64>,
    unsigned: Gauge<u64, AtomicU64>,
    waiting: Gauge<f64, AtomicU64>,
    behind: Family<WitnessLabel, Gauge<u64, AtomicU64>>,
}

impl CheckpointMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Audit records under the newest checkpoint";
        registry.register("audit_checkpoint_records", help, self.size.clone());
        let help = "Durable audit records that no checkpoint covers yet";
        registry.register("audit_unsigned_records", help, self.unsigned.clone());
        let help = "How long audit records wait for a checkpoint";
        registry.register_with_unit("audit_unsigned", help, Unit::Seconds, self.waiting.clone());
        let help = "Signed audit records that a witness did not get since the start";
        registry.register("audit_witness_behind_records", help, self.behind.clone());
    }

    pub(super) fn observe(&self, signed: &Signed, witnesses: &[Witnessed]) {
        self.size.set(signed.size);
        self.unsigned.set(signed.unsigned);
        self.waiting.set(signed.waiting.as_secs_f64());
        for Witnessed { witness, behind } in witnesses {
            self.behind.get_or_create(&WitnessLabel { witness: witness.clone() }).set(*behind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn the_signing_and_each_witness_are_in_the_text() {
        let metrics = Metrics::default();
        let signed = Signed { size: 1_000, unsigned: 7, waiting: Duration::from_secs(3) };
        metrics.observe_checkpoints(&signed, &[Witnessed { witness: "/mnt/witness".to_owned(), behind: 40 }]);
        let text = metrics.to_text();
        for line in [
            "inzage_audit_checkpoint_records 1000",
            "inzage_audit_unsigned_records 7",
            "inzage_audit_unsigned_seconds 3.0",
            "inzage_audit_witness_behind_records{witness=\"/mnt/witness\"} 40",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
