//! The figures of the OPEN programme in a node: counted on a thread of its own that gives way to requests. A node serves without
//! them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::assemble::Shared;
use super::audit_index::IndexPart;
use super::audit_keys::AuditKeys;
use crate::audit::AuditIndex;
use crate::background::{give_way, on_own_thread};
use crate::clock::SharedClock;
use crate::report::people::CountingKey;
use crate::report::store::NamedByZal;
use crate::report::{CountFault, Counter, Desk, FigureStore, UsageFold};
use crate::routing::SharedSnapshot;
use crate::store::Store;

/// How often it is looked whether other lists came into force.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for the counting key while it is missing.
const KEY_EVERY: Duration = Duration::from_secs(60);

/// What counts.
pub(super) struct FiguresPart {
    index: Arc<dyn AuditIndex>,
    keys: AuditKeys,
    store: Arc<dyn Store>,
    desk: Desk,
    snapshot: SharedSnapshot,
    clock: SharedClock,
}

impl FiguresPart {
    /// What counts from the index, for where figures are asked for.
    pub(super) fn build(index: &IndexPart, keys: &AuditKeys, shared: &Shared) -> Self {
        Self {
            index: index.search(),
            keys: keys.clone(),
            store: Arc::clone(&shared.store),
            desk: shared.operations.figures.clone(),
            snapshot: Arc::clone(&shared.snapshot),
            clock: Arc::clone(&shared.clock),
        }
    }

    /// Counts, and keeps what the ZAL names, until `stop`.
    pub(super) fn keep(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let counting = Counting {
            index: Arc::clone(&self.index),
            keys: self.keys.clone(),
            desk: self.desk.clone(),
            clock: Arc::clone(&self.clock),
        };
        let (store, snapshot, clock) = (Arc::clone(&self.store), Arc::clone(&self.snapshot), Arc::clone(&self.clock));
        let task = async move {
            give_way();
            tokio::join!(counting.run(stop.clone()), follow_zal(&*store, &snapshot, &clock, &stop));
        };
        async move {
            if let Err(error) = on_own_thread("inzage-figures", task).await {
                tracing::error!(%error, "figures are not counted");
            }
        }
    }
}

/// What counting needs.
struct Counting {
    index: Arc<dyn AuditIndex>,
    keys: AuditKeys,
    desk: Desk,
    clock: SharedClock,
}

impl Counting {
    async fn run(self, stop: CancellationToken) {
        let Some(key) = self.key(&stop).await else { return };
        let Self { index, keys, desk, clock } = self;
        let usage = UsageFold {
            ledger: desk.ledger(),
            index: Arc::clone(&index),
            keyring: keys.keyring(),
            key,
            register: desk.registry(),
            clock: Arc::clone(&clock),
            progress: desk.progress(),
        };
        Counter { index, folds: vec![Arc::new(usage) as _], clock, progress: desk.progress() }.run(stop).await;
    }

    /// The counting key, when it is there; `None` when the node stops before it is.
    async fn key(&self, stop: &CancellationToken) -> Option<CountingKey> {
        loop {
            match self.keys.counting() {
                Ok(Some(key)) => return Some(CountingKey::new(&key)),
                Ok(None) => tracing::warn!("figures are not counted: the counting key is missing"),
                Err(error) => tracing::warn!(%error, "figures are not counted: the counting key cannot be used"),
            }
            self.desk.progress().failed(CountFault::NoKey);
            stop.run_until_cancelled(tokio::time::sleep(KEY_EVERY)).await?;
        }
    }
}

/// Keeps which practices the ZAL names whenever another one came into force.
async fn follow_zal(store: &dyn FigureStore, snapshot: &SharedSnapshot, clock: &SharedClock, stop: &CancellationToken) {
    let mut kept = 0;
    loop {
        let lists = Arc::clone(&snapshot.load().lists);
        let number = lists.headers().zal.sequence;
        if number != kept {
            let providers = lists.zal.providers().iter().map(|one| one.name().clone()).collect();
            match store.zal_named(NamedByZal { at: clock.now(), number, providers }).await {
                Ok(_) => kept = number,
                Err(error) => tracing::warn!(%error, "what the ZAL names is not kept; it is tried again"),
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}
