//! How long each step of a request takes, with the trace of a request that took so long as an exemplar (OpenMetrics 1.0,
//! section 4.6.1).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use crate::trace::{Passage, Step};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabel {
    step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TraceLabel {
    trace_id: String,
}

type Durations = HistogramWithExemplars<TraceLabel>;

/// Upper bounds in seconds: from a cache hit to the longest that a HIS may take.
fn durations() -> Durations {
    let bounds =
        [0.000_005, 0.000_025, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
    HistogramWithExemplars::new(bounds.into_iter())
}

pub(super) struct StepMetrics {
    family: Family<StepLabel, Durations, fn() -> Durations>,
    /// One for each [`Step`], found by its place: a request looks nothing up.
    handles: [Handle; Step::ALL.len()],
}

struct Handle {
    durations: Durations,
    /// The second in which the last exemplar was given: one in a second is enough, and costs the others nothing.
    shown: AtomicU64,
}

impl Default for StepMetrics {
    fn default() -> Self {
        let family = Family::new_with_constructor(durations as fn() -> Durations);
        let handles = Step::ALL.map(|step| Handle {
            durations: family.get_or_create_owned(&StepLabel { step: step.as_str() }),
            shown: AtomicU64::new(0),
        });
        Self { family, handles }
    }
}

impl StepMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "How long requests were in each step; of those that are timed";
        registry.register_with_unit("step_duration", help, Unit::Seconds, self.family.clone());
    }

    pub(super) fn passed(&self, passage: &Passage) {
        if !passage.is_timed() {
            return;
        }
        let second = passage.id().second();
        for (step, handle) in Step::ALL.into_iter().zip(&self.handles) {
            if let Some(taken) = passage.taken(step) {
                handle.observe(taken, passage, second);
            }
        }
    }
}

impl Handle {
    fn observe(&self, taken: Duration, passage: &Passage, second: u64) {
        let exemplar = (self.shown.load(Ordering::Relaxed) != second).then(|| {
            self.shown.store(second, Ordering::Relaxed);
            TraceLabel { trace_id: passage.context().trace().to_string() }
        });
        self.durations.observe(taken.as_secs_f64(), exemplar, None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, Route};
    use super::*;
    use crate::clock::{Clock as _, TestClock};

    #[test]
    fn a_step_is_observed_with_the_trace_of_one_request_a_second() {
        let (metrics, clock) = (Metrics::default(), TestClock::at("2026-11-21T12:00:00Z".parse().unwrap()));
        let traces: Vec<_> = (0..3)
            .map(|_| {
                let passage = Passage::begin(None, clock.now(), clock.monotonic(), Step::His);
                clock.advance(Duration::from_millis(400));
                let took = passage.end(clock.monotonic());
                metrics.passed(Route::Fhir, 200, &passage, took);
                passage.context().trace().to_string()
            })
            .collect();
        let text = metrics.to_text();
        assert!(text.contains("inzage_step_duration_seconds_count{step=\"his\"} 3\n"), "{text}");
        let bucket = "inzage_step_duration_seconds_bucket{le=\"0.5\",step=\"his\"} 3 # ";
        assert!(text.contains(&format!("{bucket}{{trace_id=\"{}\"}} 0.4", traces[0])), "{text}");
        clock.advance(Duration::from_secs(1));
        let later = Passage::begin(None, clock.now(), clock.monotonic(), Step::His);
        clock.advance(Duration::from_millis(400));
        let took = later.end(clock.monotonic());
        metrics.passed(Route::Fhir, 200, &later, took);
        assert!(metrics.to_text().contains(&later.context().trace().to_string()));
    }
}
