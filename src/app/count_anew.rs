//! The figures of the programme outside a node: those that are kept, and the same counted anew, for whoever wants to know whether
//! they are right.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::assemble::lock;
use super::audit_index::open_index;
use super::outgoing::Outgoing;
use super::start::StartError;
use super::store::open_store;
use crate::audit::{IndexFault, Keyring};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::practices::programme::Registry;
use crate::report::people::CountingKey;
use crate::report::{CountProgress, Counter, Desk, Ledger, MemoryFigures, UsageFold};
use crate::secret::{Secret, random};

/// The figures that are kept. Nobody may have the store in use when it is a file. Blocks, on a thread of a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn kept_figures(config: &Config, clock: &SharedClock) -> Result<Desk, StartError> {
    let _data = match &config.store {
        config::Store::Sqlite(_) => Some(lock(&config.node.data)?),
        config::Store::Postgres(_) => None,
    };
    let store = open_store(config, clock, &Outgoing::of_store(config)?)?;
    let register = Arc::new(Registry::new(Arc::clone(&store) as _));
    Ok(Desk::new(Arc::new(Ledger::new(store as _)), register, Arc::default(), Arc::clone(clock)))
}

/// Counts everything that is in the index of the audit log, in memory and with a key that is drawn for it, so that nothing of it
/// stays. Nobody may have the store in use when it is a file. Blocks, on a thread of a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn count_anew(config: &Config, clock: &SharedClock) -> Result<Desk, StartError> {
    let _data = match &config.store {
        config::Store::Sqlite(_) => Some(lock(&config.node.data)?),
        config::Store::Postgres(_) => None,
    };
    let outgoing = Outgoing::of_store(config)?;
    let folder = || config.keys.audit.display().to_string();
    let keyring = Keyring::load(&config.keys.audit);
    let keyring = Arc::new(keyring.map_err(|source| StartError::AuditKeys { folder: folder(), source })?);
    let index: Arc<dyn crate::audit::AuditIndex> = open_index(config, clock, &outgoing)?;
    let register = Arc::new(Registry::new(open_store(config, clock, &outgoing)? as _));
    let ledger = Arc::new(Ledger::new(Arc::new(MemoryFigures::default())));
    let progress = Arc::new(CountProgress::default());
    let fold = UsageFold {
        ledger: Arc::clone(&ledger),
        index: Arc::clone(&index),
        keyring,
        key: CountingKey::new(&Secret::new(random())),
        register: Arc::clone(&register),
        clock: Arc::clone(clock),
        progress: Arc::clone(&progress),
    };
    let counter =
        Counter { index, folds: vec![Arc::new(fold)], clock: Arc::clone(clock), progress: Arc::clone(&progress) };
    let counted = Handle::current().block_on(counter.round(&CancellationToken::new()));
    counted.map_err(|_| StartError::Index(IndexFault::Store))?;
    Ok(Desk::new(ledger, register, progress, Arc::clone(clock)))
}
