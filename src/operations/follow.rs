//! What every node reads from the store each second: so long a change of an operator takes to reach all of them. While the store is
//! gone, what was read last holds.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::oauth::store::StoreFuture;

/// How often each node reads.
const EVERY: Duration = Duration::from_secs(1);

/// Something that operators set, and each node follows.
pub trait Followed: Send + Sync {
    /// What it is, for the log.
    const WHAT: &str;

    /// Reads it and puts it into force.
    fn read(&self) -> StoreFuture<'_, ()>;
}

/// Reads until it succeeds once: a node that starts may not serve what it must not. Returns when it did, or at `stop`.
pub async fn begin<F: Followed>(followed: &F, stop: &CancellationToken) {
    let mut pace = interval(EVERY);
    let read = async {
        pace.tick().await;
        while followed.read().await.is_err() {
            tracing::warn!(
                what = F::WHAT,
                "the store does not tell what operators set; nothing is served before it does"
            );
            pace.tick().await;
        }
    };
    stop.run_until_cancelled(read).await;
}

/// Reads every second until `stop`.
pub async fn keep<F: Followed>(followed: Arc<F>, stop: CancellationToken) {
    let mut pace = interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        // Whether the store answers is its own alarm and readiness.
        let _last_known_holds = followed.read().await;
    }
}
