//! The metrics of the practices' information systems: how each endpoint answers, and whether it is left alone. The ids of
//! installations are those of the configuration, so the labels are bounded.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::chain_log::catch_up;
use crate::his::{BreakerState, Ending, Figures};

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
    repeated: Family<EndpointLabels, Counter>,
    in_flight: Family<EndpointLabels, Gauge>,
    breaker: Family<EndpointLabels, Gauge>,
    /// Two readers at once would add the same requests twice.
    one_at_a_time: Mutex<()>,
}

impl HisMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests to each HIS by endpoint and end; of a stream, its head";
        registry.register("his_requests", help, self.requests.clone());
        let help = "Requests to each HIS that were sent a second time";
        registry.register("his_repeated", help, self.repeated.clone());
        registry.register("his_in_flight", "Requests under way to each HIS", self.in_flight.clone());
        let help = "0 while the HIS is asked, 1 while one request tries it, 2 while it is left alone";
        registry.register("his_breaker", help, self.breaker.clone());
    }

    pub(super) fn observe(&self, his: &str, endpoint: &'static str, figures: &Figures) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        for (end, count) in Ending::LABELS.into_iter().zip(figures.endings) {
            let labels = EndingLabels { his: his.to_owned(), endpoint, end };
            catch_up(&self.requests.get_or_create(&labels), count);
        }
        let labels = EndpointLabels { his: his.to_owned(), endpoint };
        catch_up(&self.repeated.get_or_create(&labels), figures.repeated);
        self.in_flight.get_or_create(&labels).set(i64::try_from(figures.in_flight).unwrap_or(i64::MAX));
        self.breaker.get_or_create(&labels).set(match figures.breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
    }
}
