//! The matrix of combinations in a node: kept in the store, counted from the audit index by a task of its own.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::audit::AuditIndex;
use crate::clock::SharedClock;
use crate::monitor::metrics::Metrics;
use crate::practices::programme::Registry;
use crate::report::matrix::fold::{MatrixFold, Told};
use crate::report::matrix::store::MatrixStore;
use crate::report::{CountProgress, Counter};
use crate::routing::SharedSnapshot;
use crate::store::Store;

/// The matrix with what counts it.
#[derive(Clone)]
pub(super) struct MatrixPart {
    /// Where it is kept.
    pub(super) store: Arc<dyn MatrixStore>,
    /// What is told of it.
    pub(super) told: Arc<Told>,
    fold: Arc<MatrixFold>,
    clock: SharedClock,
    progress: Arc<CountProgress>,
}

impl MatrixPart {
    /// In a store.
    pub(super) fn over(
        store: &Arc<dyn Store>,
        snapshot: &SharedSnapshot,
        register: &Arc<Registry>,
        clock: &SharedClock,
    ) -> Self {
        let (store, told) = (Arc::clone(store) as Arc<dyn MatrixStore>, Arc::<Told>::default());
        let fold = MatrixFold {
            store: Arc::clone(&store),
            snapshot: Arc::clone(snapshot),
            register: Arc::clone(register),
            clock: Arc::clone(clock),
            told: Arc::clone(&told),
        };
        Self { store, told, fold: Arc::new(fold), clock: Arc::clone(clock), progress: Arc::default() }
    }

    /// Counts what is in the index, until `stop`.
    pub(super) fn count(
        &self,
        index: Arc<dyn AuditIndex>,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let counter = Counter {
            index,
            folds: vec![Arc::clone(&self.fold) as _],
            clock: Arc::clone(&self.clock),
            progress: Arc::clone(&self.progress),
        };
        counter.run(stop)
    }

    /// Sets its metrics.
    pub(super) fn observe(&self) -> impl Fn(&Metrics) + Send + Sync + use<> {
        let (told, progress) = (Arc::clone(&self.told), Arc::clone(&self.progress));
        move |metrics| metrics.observe_matrix(&told, &progress)
    }
}
