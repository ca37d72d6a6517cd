//! What was counted, kept up with the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Semaphore;

use super::ReportError;
use super::facts::Facts;
use super::store::{FigureStore, Place, Table, UsageState};

/// How often what changed is read again because it changed meanwhile.
const TRIES: usize = 4;

/// The facts of this node, read from the store of all nodes: what changed since the last time, and no more.
pub struct Ledger {
    store: Arc<dyn FigureStore>,
    facts: RwLock<Facts>,
    places: Mutex<HashMap<Table, Place>>,
    /// One reading at a time.
    turn: Semaphore,
}

impl Ledger {
    /// One that has read nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn FigureStore>) -> Self {
        Self { store, facts: RwLock::default(), places: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// The store that it is read from.
    pub(super) fn store(&self) -> &dyn FigureStore {
        &*self.store
    }

    /// The facts as they were last read. They are not held over a wait.
    pub(super) fn facts(&self) -> RwLockReadGuard<'_, Facts> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what changed. Whether the facts are those of one revision: others may be adding all the time.
    ///
    /// # Errors
    /// When the store does not answer, or keeps what this release cannot read.
    pub async fn refresh(&self) -> Result<bool, ReportError> {
        let _turn = self.turn.acquire().await.map_err(|_| ReportError::Store)?;
        for _ in 0..TRIES {
            let state = self.store.usage_state().await?;
            let known = self.facts().state();
            if state == known {
                return Ok(true);
            }
            if state.epoch != known.epoch {
                self.begin_anew();
            }
            for table in Table::ALL {
                self.read(table).await?;
            }
            self.facts.write().unwrap_or_else(PoisonError::into_inner).reached(state);
        }
        Ok(self.store.usage_state().await? == self.facts().state())
    }

    async fn read(&self, table: Table) -> Result<(), ReportError> {
        loop {
            let after = self.place(table);
            let page = self.store.usage_page(table, after).await?;
            let Some(last) = page.last else { return Ok(()) };
            self.facts.write().unwrap_or_else(PoisonError::into_inner).take(page.rows)?;
            self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(table, last);
        }
    }

    fn place(&self, table: Table) -> Place {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&table).copied().unwrap_or_default()
    }

    fn begin_anew(&self) {
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Facts::default();
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How far the facts are.
    #[must_use]
    pub fn state(&self) -> UsageState {
        self.facts().state()
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("state", &self.state()).finish_non_exhaustive()
    }
}
