//! Who is served and how much at once, and where our own calls may go, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bounds::{Memory, Places};
use crate::clock::SharedClock;
use crate::config::Config;
use crate::outgoing::Outgoing;
use crate::rates::{Rate, Rates};
use crate::routes::{Admission, Who};

/// How often those are forgotten who have been quiet: a burst of the defaults is there again after some seconds.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// What the pages and the back channel may have in hand: each has places of its own, so that browsers, whom anyone can be, do not
/// take those of clients.
pub(super) fn admissions(config: &Config, clock: &SharedClock, memory: &Arc<Memory>) -> (Admission, Admission) {
    let admission = |rate: Rate| Admission {
        places: Arc::new(Places::new(config.edge.max_requests)),
        memory: Arc::clone(memory),
        rates: Arc::new(Rates::new(rate, Arc::clone(clock))),
        form_time: config.edge.header_timeout,
    };
    (admission(config.rates.pages), admission(config.rates.client))
}

/// Forgets, for as long as the node runs.
pub(super) async fn keep_tidy(rates: [Arc<Rates<Who>>; 2], stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(TIDY_EVERY)).await.is_some() {
        rates.iter().for_each(|rates| rates.tidy());
    }
}

/// Where our own calls may go.
pub(super) fn destinations(config: &Config) -> Outgoing {
    Outgoing::new(config.resolve.clone(), &config.outgoing.networks)
}
