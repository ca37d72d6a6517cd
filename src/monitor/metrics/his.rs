//! The metrics of the practices' information systems: how each endpoint answers, and whether it is left alone. The ids of
//! installations are those of the configuration, so the labels are bounded.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use super::chain_log::catch_up;
use crate::his::{BreakerState, DURATION_BOUNDS, Durations, Ending, Figures};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    his: String,
    endpoint: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndingLabels {
    his: String,
    endpoint: &'static str,
    end: &'static str,
}

#[derive(Default)]
pub(super) struct HisMetrics {
    requests: Family<EndingLabels, Counter>,
    durations: Family<EndpointLabels, Shown>,
    repeated: Family<EndpointLabels, Counter>,
    in_flight: Family<EndpointLabels, Gauge>,
    breaker: Family<EndpointLabels, Gauge>,
    /// The endpoints that are shown. Locked while they are read: two readers at once would add the same requests twice.
    shown: Mutex<BTreeSet<(String, &'static str)>>,
}

/// A histogram that is counted elsewhere.
#[derive(Debug, Clone, Default)]
struct Shown(Arc<Mutex<Durations>>);

impl Shown {
    fn set(&self, durations: Durations) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = durations;
    }
}

impl EncodeMetric for Shown {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Durations { classes, sum_seconds } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bounds = DURATION_BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(classes).collect();
        encoder.encode_histogram::<NoLabelSet>(sum_seconds, classes.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Shown {
    const TYPE: MetricType = MetricType::Histogram;
}

impl HisMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests to each HIS by endpoint and end; of a stream, its head";
        registry.register("his_requests", help, self.requests.clone());
        let help = "How long requests to each HIS took, whatever their end; of a stream, to its head";
        registry.register_with_unit("his_request_duration", help, Unit::Seconds, self.durations.clone());
        let help = "Requests to each HIS that were sent a second time";
        registry.register("his_repeated", help, self.repeated.clone());
        registry.register("his_in_flight", "Requests under way to each HIS", self.in_flight.clone());
        let help = "0 while the HIS is asked, 1 while one request tries it, 2 while it is left alone";
        registry.register("his_breaker", help, self.breaker.clone());
    }

    pub(super) fn observe(&self, his: &str, endpoint: &'static str, figures: &Figures) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.insert((his.to_owned(), endpoint));
        for (end, count) in Ending::LABELS.into_iter().zip(figures.endings) {
            let labels = EndingLabels { his: his.to_owned(), endpoint, end };
            catch_up(&self.requests.get_or_create(&labels), count);
        }
        let labels = EndpointLabels { his: his.to_owned(), endpoint };
        self.durations.get_or_create(&labels).set(figures.durations);
        catch_up(&self.repeated.get_or_create(&labels), figures.repeated);
        self.in_flight.get_or_create(&labels).set(i64::try_from(figures.in_flight).unwrap_or(i64::MAX));
        self.breaker.get_or_create(&labels).set(match figures.breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
    }

    /// Shows no others any more: a reload may take out an installation, or an endpoint of it.
    pub(super) fn keep_only(&self, present: &BTreeSet<(&str, &'static str)>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|(his, endpoint)| {
            let stays = present.contains(&(his.as_str(), *endpoint));
            if !stays {
                self.forget(his, endpoint);
            }
            stays
        });
    }

    fn forget(&self, his: &str, endpoint: &'static str) {
        for end in Ending::LABELS {
            self.requests.remove(&EndingLabels { his: his.to_owned(), endpoint, end });
        }
        let labels = EndpointLabels { his: his.to_owned(), endpoint };
        self.durations.remove(&labels);
        self.repeated.remove(&labels);
        self.in_flight.remove(&labels);
        self.breaker.remove(&labels);
    }
}
