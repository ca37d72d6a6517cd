//! Removes what is older than the retention, and says so in the log: an intent that is durable before anything goes, and an
//! outcome.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::audit::keys::LogKeys;
use crate::audit::note::SigningKey;
use crate::audit::prune::{Plan, PruneError, Retention};
use crate::audit::signer::SignedCheckpoint;
use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, Outcome, receipt};
use crate::clock::SharedClock;

/// What removes records after their retention from a log that is open.
pub struct Pruner {
    /// The folder of the log.
    pub dir: PathBuf,
    /// The public keys of the log.
    pub keys: LogKeys,
    /// The retention, in days of 24 hours.
    pub days: u32,
    /// Where it is recorded.
    pub log: Arc<dyn AuditLog>,
    /// Tells what is old.
    pub clock: SharedClock,
    /// What waits for the records to be durable, on a thread that may block.
    pub runtime: Handle,
}

/// Why records are not removed.
#[derive(Debug, thiserror::Error)]
pub enum PrunerError {
    /// They cannot be, or not all of them yet.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// It cannot be recorded.
    #[error("the audit log does not take the record of its pruning")]
    Audit(#[from] AuditError),
}

impl Pruner {
    /// What is older than the retention, under this checkpoint; `None` when that is nothing.
    ///
    /// # Errors
    /// See [`PruneError`].
    pub fn plan(&self, newest: &SignedCheckpoint) -> Result<Option<Plan>, PruneError> {
        Plan::make(&self.dir, &self.keys, newest, Retention { days: self.days, now: self.clock.now() })
    }

    /// Removes it, with a statement that `key` signs. Blocks.
    ///
    /// # Errors
    /// When it cannot be recorded, and then nothing is removed; or see [`PruneError`], and that is recorded.
    pub fn run(&self, plan: Plan, key: &SigningKey) -> Result<(), PrunerError> {
        let (first, segments, days) = (plan.first_kept(), plan.segments(), self.days);
        let detail: Arc<str> = format!("pruned before {first}, {segments} segments, {days} days").into();
        let intent = self.record(Outcome::Intended, None, &detail)?;
        let done = plan.run(key);
        let outcome = if done.is_ok() { Outcome::Done } else { Outcome::Failed };
        let recorded = self.record(outcome, Some(intent), &detail);
        done?;
        tracing::info!(first_kept = first, segments, "removed from the audit log after the retention");
        recorded.map(|_| ()).map_err(Into::into)
    }

    fn record(&self, outcome: Outcome, intent: Option<u64>, detail: &Arc<str>) -> Result<u64, AuditError> {
        let event = AuditEvent::new(self.clock.now(), Kind::Administration, outcome);
        let pending = self.log.append(&AuditEvent { intent, detail: Some(Arc::clone(detail)), ..event })?;
        Ok(self.runtime.block_on(receipt(pending))?.index())
    }
}
