//! Who is served and how much at once, and where our own calls may go, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::audit::AuditLog;
use crate::bounds::{Memory, Places};
use crate::clock::SharedClock;
use crate::config::Config;
use crate::outgoing::Outgoing;
use crate::rates::{Rate, Rates};
use crate::routes::{Admission, Refusals, Served, Who};

/// How often those are forgotten who have been quiet: a burst of the defaults is there again after some seconds.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// What the pages and the back channel may have in hand: each has places of its own, so that browsers, whom anyone can be, do not
/// take those of clients. What is counted outlives a reload.
pub(super) struct Admissions {
    /// Of the pages, and of the back channel.
    places: [Arc<Places>; 2],
    memory: Arc<Memory>,
    /// How often each may ask, as it is in force.
    rates: ArcSwap<[Arc<Rates<Who>>; 2]>,
    /// Whose certificate is whose.
    served: Arc<Served>,
    /// Who was refused, and is not on record yet.
    pub(super) refusals: Arc<Refusals>,
    clock: SharedClock,
}

impl Admissions {
    /// As a configuration says.
    pub(super) fn new(config: &Config, clock: &SharedClock, memory: &Arc<Memory>, audit: Arc<dyn AuditLog>) -> Self {
        let places = [(), ()].map(|()| Arc::new(Places::new(config.edge.max_requests)));
        let rates = written(config).map(|rate| Arc::new(Rates::new(rate, Arc::clone(clock))));
        let (served, refusals) = (Arc::default(), Arc::new(Refusals::new(audit, Arc::clone(clock))));
        let (memory, rates, clock) = (Arc::clone(memory), ArcSwap::from_pointee(rates), Arc::clone(clock));
        Self { places, memory, rates, served, refusals, clock }
    }

    /// Those of a configuration that is not in force yet. A rate that is another than before counts anew, one that is the same
    /// counts on.
    pub(super) fn under(&self, config: &Config) -> [Admission; 2] {
        let [pages, clients] = written(config);
        let [pages_before, clients_before] = &**self.rates.load();
        let [page_places, client_places] = &self.places;
        let admission = |places: &Arc<Places>, before: &Arc<Rates<Who>>, rate: Rate| Admission {
            places: Arc::clone(places),
            memory: Arc::clone(&self.memory),
            rates: if rate == before.rate() {
                Arc::clone(before)
            } else {
                Arc::new(Rates::new(rate, Arc::clone(&self.clock)))
            },
            served: Arc::clone(&self.served),
            refusals: Arc::clone(&self.refusals),
            form_time: config.edge.header_timeout,
        };
        [admission(page_places, pages_before, pages), admission(client_places, clients_before, clients)]
    }

    /// Takes over what a configuration says, with the admissions of its faces.
    pub(super) fn put(&self, config: &Config, [pages, clients]: [&Admission; 2]) {
        self.places.iter().for_each(|places| places.become_as_many(config.edge.max_requests));
        self.memory.become_as_large(config.edge.answer_memory_bytes);
        self.rates.store(Arc::new([&pages.rates, &clients.rates].map(Arc::clone)));
    }

    /// Forgets who has been quiet, and puts on record who was refused, for as long as the node runs.
    pub(super) async fn keep_tidy(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TIDY_EVERY)).await.is_some() {
            self.rates.load().iter().for_each(|rates| rates.tidy());
            self.refusals.record(false);
        }
    }
}

/// How often each network may ask for pages, and each client.
fn written(config: &Config) -> [Rate; 2] {
    [config.rates.pages, config.rates.client]
}

/// Where our own calls may go.
pub(super) fn destinations(config: &Config) -> Outgoing {
    Outgoing::new(config.resolve.clone(), &config.outgoing.networks)
}
