//! Answers by route. Each request leaves two figures, so those of the usual answer are found once and not by their labels each
//! time, which takes a lock and a hash.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Face;

/// A part of a listener that is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// What browsers see.
    Pages,
    /// What auditors see.
    Desk,
    /// What operators see and do.
    Operations,
    /// Requests for data.
    Fhir,
    /// What may be asked.
    Metadata,
    /// Everything else of the back channel.
    OAuth,
}

impl Route {
    const ALL: [Self; 6] = [Self::Pages, Self::Desk, Self::Operations, Self::Fhir, Self::Metadata, Self::OAuth];

    /// The listener that it is a part of.
    #[must_use]
    pub const fn face(self) -> Face {
        match self {
            Self::Pages => Face::Front,
            Self::Desk => Face::Auditors,
            Self::Operations => Face::Operators,
            Self::Fhir | Self::Metadata | Self::OAuth => Face::Back,
        }
    }

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Desk => "desk",
            Self::Operations => "operations",
            Self::Fhir => "fhir",
            Self::Metadata => "metadata",
            Self::OAuth => "oauth",
        }
    }
}

/// The status of the usual answer.
const USUAL: u16 = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    face: Face,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    face: Face,
    route: &'static str,
}

/// What is counted of all routes.
pub(super) struct Routes {
    answers: Family<AnswerLabels, Counter<u64, AtomicU64>>,
    duration: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// In the order of [`Route::ALL`].
    found: [Found; Route::ALL.len()],
}

/// What the usual answer of one route is counted by.
struct Found {
    usual: Counter<u64, AtomicU64>,
    duration: Histogram,
}

/// Upper bounds in seconds: from a cache hit to the norm of 60 s.
fn durations() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0])
}

impl Default for Routes {
    fn default() -> Self {
        let answers = Family::<AnswerLabels, Counter<u64, AtomicU64>>::default();
        let duration = Family::new_with_constructor(durations as fn() -> Histogram);
        let found = Route::ALL.map(|route| {
            let (face, name) = (route.face(), route.as_str());
            Found {
                usual: answers.get_or_create_owned(&AnswerLabels { face, route: name, status: USUAL }),
                duration: duration.get_or_create_owned(&RouteLabels { face, route: name }),
            }
        });
        Self { answers, duration, found }
    }
}

impl Routes {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("answers", "Answers by listener, route and HTTP status", self.answers.clone());
        let help = "From the head of a request to the head of its answer";
        registry.register_with_unit("answer_duration", help, Unit::Seconds, self.duration.clone());
    }

    /// An answer went out.
    pub(super) fn answered(&self, route: Route, status: u16, took: Duration) {
        let [pages, desk, operations, fhir, metadata, oauth] = &self.found;
        let found = match route {
            Route::Pages => pages,
            Route::Desk => desk,
            Route::Operations => operations,
            Route::Fhir => fhir,
            Route::Metadata => metadata,
            Route::OAuth => oauth,
        };
        found.duration.observe(took.as_secs_f64());
        if status == USUAL {
            found.usual.inc();
        } else {
            self.answers.get_or_create(&AnswerLabels { face: route.face(), route: route.as_str(), status }).inc();
        }
    }
}
