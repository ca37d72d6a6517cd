//! Metrics of the configuration in force: which one since the start, and how the last reloads went.

use std::sync::atomic::{AtomicI64, AtomicU64};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::ResultLabel;

/// How reloads went.
#[derive(Default)]
pub struct ReloadMetrics {
    generation: Gauge<u64, AtomicU64>,
    reloads: Family<ResultLabel, Counter>,
    done: Gauge<i64, AtomicI64>,
    refused: Gauge<i64, AtomicI64>,
}

impl ReloadMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Which configuration is in force, counted since the start";
        registry.register("configuration_generation", help, self.generation.clone());
        registry.register("configuration_reloads", "Reloads of the configuration by result", self.reloads.clone());
        let help = "When the configuration in force was read, in Unix time";
        registry.register_with_unit("configuration_read", help, Unit::Seconds, self.done.clone());
        let help = "When a configuration was last refused, in Unix time; 0 when none was";
        registry.register_with_unit("configuration_refused", help, Unit::Seconds, self.refused.clone());
    }

    /// The node has its first configuration.
    pub fn started(&self, now: Timestamp) {
        self.generation.set(1);
        self.done.set(now.as_second());
    }

    /// Another one is in force; which.
    pub fn done(&self, now: Timestamp) -> u64 {
        self.reloads.get_or_create(&ResultLabel { result: "ok" }).inc();
        self.done.set(now.as_second());
        self.generation.inc().saturating_add(1)
    }

    /// Another one was refused.
    pub fn refused(&self, now: Timestamp) {
        self.reloads.get_or_create(&ResultLabel { result: "refused" }).inc();
        self.refused.set(now.as_second());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn a_reload_and_a_refusal_are_in_the_text() {
        let (metrics, at) = (Metrics::default(), |second| Timestamp::from_second(second).unwrap());
        metrics.reloads().started(at(1_800_000_000));
        assert_eq!(metrics.reloads().done(at(1_800_000_100)), 2);
        metrics.reloads().refused(at(1_800_000_200));
        let text = metrics.to_text();
        for line in [
            "inzage_configuration_generation 2",
            "inzage_configuration_reloads_total{result=\"ok\"} 1",
            "inzage_configuration_reloads_total{result=\"refused\"} 1",
            "inzage_configuration_read_seconds 1800000100",
            "inzage_configuration_refused_seconds 1800000200",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
