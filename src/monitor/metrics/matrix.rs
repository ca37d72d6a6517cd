//! The metrics of the matrix of combinations: how many have an alarm, by who must act, and how far it is counted.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::chain_log::catch_up;
use crate::report::CountProgress;
use crate::report::matrix::fold::Told;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhoLabel {
    who: &'static str,
}

#[derive(Default)]
pub(super) struct MatrixMetrics {
    stopped: Family<WhoLabel, Gauge>,
    behind: Gauge,
    failures: Counter,
    /// Two readers at once would add the same failures twice.
    one_at_a_time: Mutex<()>,
}

impl MatrixMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Combinations of installation, version, client and service that worked and stopped working";
        registry.register("combinations_stopped", help, self.stopped.clone());
        let help = "Records of the audit index that are not counted into the matrix of combinations yet";
        registry.register("matrix_behind", help, self.behind.clone());
        let help = "Failures to count into the matrix of combinations, each tried again";
        registry.register("matrix_failures", help, self.failures.clone());
    }

    pub(super) fn observe(&self, told: &Told, progress: &CountProgress) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        for (who, count) in told.alarmed() {
            self.stopped.get_or_create(&WhoLabel { who }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.behind.set(i64::try_from(progress.behind()).unwrap_or(i64::MAX));
        catch_up(&self.failures, progress.counts().failures);
    }
}
