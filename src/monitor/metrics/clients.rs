//! Answers by client. Only a client that a list or register of ours names has a label of its own; everybody else is `other`, and
//! so is whoever comes after [`CLIENTS_MAX`] of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::medmij::Hostname;

/// Most clients with a label of their own; the lists of MedMij name some hundred.
const CLIENTS_MAX: usize = 1_000;
/// What all others are called. Not the name of a host, so no client can be called so.
const OTHER: &str = "other";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClientLabels {
    client: String,
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    client: String,
    route: &'static str,
    class: &'static str,
}

/// The classes of HTTP statuses, by their first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

pub(super) struct ClientMetrics {
    answers: Family<AnswerLabels, Counter>,
    durations: Family<ClientLabels, Histogram, fn() -> Histogram>,
    /// By client and route, so that a request makes no label.
    handles: ArcSwap<ByRoute>,
    meeting: Mutex<()>,
}

/// Upper bounds in seconds; few, as there is a set of them for each client.
fn durations() -> Histogram {
    Histogram::new([0.01, 0.1, 0.5, 2.5, 10.0])
}

type ByRoute = HashMap<&'static str, ByClient>;
/// Without a name: everybody else.
type ByClient = HashMap<Option<Hostname>, Arc<Handles>>;

struct Handles {
    answers: [Counter; CLASSES.len()],
    durations: Histogram,
}

impl Default for ClientMetrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor(durations as fn() -> Histogram);
        Self { answers: Family::default(), durations, handles: ArcSwap::default(), meeting: Mutex::default() }
    }
}

impl ClientMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Answers by client, route and class of the HTTP status";
        registry.register("client_answers", help, self.answers.clone());
        let help = "From the head of a request to the head of its answer, by client and route";
        registry.register_with_unit("client_answer_duration", help, Unit::Seconds, self.durations.clone());
    }

    /// `took`: of those that are timed.
    pub(super) fn answered(&self, client: Option<&Hostname>, route: &'static str, status: u16, took: Option<Duration>) {
        let handles = self.known(client, route).unwrap_or_else(|| self.meet(client, route));
        let class = usize::from(status / 100).saturating_sub(1).min(CLASSES.len() - 1);
        if let Some(answers) = handles.answers.get(class) {
            answers.inc();
        }
        took.into_iter().for_each(|took| handles.durations.observe(took.as_secs_f64()));
    }

    fn known(&self, client: Option<&Hostname>, route: &'static str) -> Option<Arc<Handles>> {
        let handles = self.handles.load();
        let of_route = handles.get(route)?;
        let found = of_route.get(&client.cloned());
        found.or_else(|| of_route.get(&None).filter(|_| of_route.len() >= CLIENTS_MAX)).map(Arc::clone)
    }

    fn meet(&self, client: Option<&Hostname>, route: &'static str) -> Arc<Handles> {
        // A route and a client are met once, so that the copy is made seldom; every other request only reads.
        let _one_at_a_time = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut handles = ByRoute::clone(&self.handles.load());
        let of_route = handles.entry(route).or_default();
        let client = client.filter(|_| of_route.len() < CLIENTS_MAX).cloned();
        let label = client.as_ref().map_or(OTHER, Hostname::as_str).to_owned();
        let met = of_route.entry(client).or_insert_with(|| Arc::new(self.handles_of(&label, route)));
        let met = Arc::clone(met);
        self.handles.store(Arc::new(handles));
        met
    }

    fn handles_of(&self, client: &str, route: &'static str) -> Handles {
        let answers = |class| AnswerLabels { client: client.to_owned(), route, class };
        Handles {
            answers: CLASSES.map(|class| self.answers.get_or_create_owned(&answers(class))),
            durations: self.durations.get_or_create_owned(&ClientLabels { client: client.to_owned(), route }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &ClientMetrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_client_has_its_own_figures_and_a_stranger_none() {
        let metrics = ClientMetrics::default();
        let client = Hostname::parse("pgo.example.nl").unwrap();
        for status in [200, 206, 403, 503, 999] {
            metrics.answered(Some(&client), "fhir", status, Some(Duration::from_millis(20)));
        }
        metrics.answered(None, "fhir", 401, None);
        let text = text(&metrics);
        for line in [
            "client_answers_total{client=\"pgo.example.nl\",route=\"fhir\",class=\"2xx\"} 2",
            "client_answers_total{client=\"pgo.example.nl\",route=\"fhir\",class=\"4xx\"} 1",
            "client_answers_total{client=\"pgo.example.nl\",route=\"fhir\",class=\"5xx\"} 2",
            "client_answers_total{client=\"other\",route=\"fhir\",class=\"4xx\"} 1",
            "client_answer_duration_seconds_count{client=\"pgo.example.nl\",route=\"fhir\"} 5",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn the_number_of_labels_is_bounded() {
        let metrics = ClientMetrics::default();
        for number in 0..=CLIENTS_MAX {
            let client = Hostname::parse(&format!("pgo{number}.example.nl")).unwrap();
            metrics.answered(Some(&client), "fhir", 200, None);
        }
        let text = text(&metrics);
        assert!(text.contains("client=\"other\""), "the last");
        let counted = text.lines().filter(|line| line.contains("_count{")).count();
        assert!(counted <= CLIENTS_MAX + 1, "{counted}");
    }
}
