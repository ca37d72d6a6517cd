//! The access log that nobody can deny (NEN 7513). Features append events through [`AuditLog`]; only a durable append gives
//! an [`AuditReceipt`], and without one no patient data is released.

mod broken;
mod chain;
pub mod checkpoint;
mod encode;
mod event;
pub mod export;
mod extent;
mod file;
mod folder;
mod follow;
mod index;
mod indexer;
pub mod keeper;
mod keyfiles;
mod keyring;
pub mod keys;
mod kind;
mod lock;
mod manifest;
mod memory;
pub mod note;
mod notes;
mod party;
mod pending;
pub mod proof;
pub mod prove;
pub mod prune;
mod pruned;
mod read;
mod reader;
mod recent;
mod record;
pub mod render;
mod scan;
mod segment;
mod show;
pub mod signer;
mod subject;
mod syslog;
#[cfg(test)]
pub(crate) mod testing;
mod tiles;
pub mod tree;
#[cfg(feature = "sandbox")]
mod unawaited;
mod verify;
#[cfg(feature = "sandbox")]
mod whole;
pub mod witness;

pub use broken::{Broken, ReadError, Why};
pub use chain::ChainHash;
pub use encode::{MAX_PAYLOAD_BYTES, encode};
pub use event::{AuditEvent, Counts};
pub use extent::{services_named, services_of_detail};
pub use file::{FileLog, FileLogConfig, FoundLog, OpenError, Recovery};
pub use follow::Follower;
pub(crate) use index::Found;
pub use index::{
    Added, AuditIndex, Cursor, Entry, IndexBatch, IndexCounts, IndexFault, IndexPage, IndexPosition, IndexProgress,
    IndexQuery, Indexed, Lag, MemoryIndex, PAGE_MAX, RECORDS_MAX,
};
pub use indexer::Indexer;
pub use keyfiles::{KeyFolder, KeyFolderError, KeyUse};
pub use keyring::{Keyring, KnownSubject, NoKey, Years, key_year};
pub use kind::{Action, Activity, Kind, Outcome, Term};
pub use lock::{FolderLock, LockError};
pub use memory::MemoryLog;
pub use party::{Authorization, Relation, User};
pub use pending::{Answer, Answers, PendingReceipt, Seat};
pub use read::{Records, read_dir};
pub use recent::Recent;
pub use record::{Record, RecordError, Word};
pub use segment::{LogId, NodeName, NodeNameError};
pub use show::{ShowError, show};
pub use subject::{Pseudonym, SealedBsn, Subject};
pub use syslog::{SyslogCounts, SyslogProgress, SyslogReceiver, SyslogSender};
pub use tiles::TileError;
#[cfg(feature = "sandbox")]
pub use unawaited::UnawaitedLog;
pub use verify::{OutsideCopy, Progress, StateError, Verification, Verified, VerifyError, verify};
#[cfg(feature = "sandbox")]
pub use whole::WholeLog;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Proof that an event is on disk. Made by the log only, after the flush that covers the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReceipt {
    log: Arc<str>,
    index: u64,
}

impl AuditReceipt {
    /// For implementations of [`AuditLog`]: the record `index` of `log` is durable.
    #[must_use]
    pub(crate) const fn durable(log: Arc<str>, index: u64) -> Self {
        Self { log, index }
    }

    /// The index of the record in its log.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }
}

/// `<log id>/<index>`, as the header `Inzage-Audit-Receipt` carries it.
impl fmt::Display for AuditReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.log, self.index)
    }
}

/// Why an event could not be made durable. In each case no data is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// No room on the device; appends are possible again when there is room.
    #[error("the audit device is full")]
    Full,
    /// A write or flush failed in a way that leaves the state of the file unknown; only a restart recovers.
    #[error("the audit log stopped after a failure of its device")]
    Stopped,
    /// The device did not answer in time; the record may still become durable.
    #[error("the audit device does not answer in time")]
    Slow,
    /// The audit keys of this year are missing, so a record cannot name its person.
    #[error("the audit keys of this year are missing")]
    NoKey,
    /// More events are waiting than the bound allows.
    #[error("too many audit events are waiting")]
    Busy,
}

/// How long a receipt is waited for: a disk that hangs must not hold a request beyond the 60 s of core.rscint.202.
const RECEIPT_DEADLINE: Duration = Duration::from_secs(10);

/// Waits for a receipt, but not for ever.
///
/// # Errors
/// As the log says, or `Slow` after 10 s.
pub async fn receipt(pending: PendingReceipt) -> Result<AuditReceipt, AuditError> {
    tokio::time::timeout(RECEIPT_DEADLINE, pending).await.unwrap_or(Err(AuditError::Slow))
}

/// Where events go. Appending never waits; the returned future resolves when the record is on disk, or never will be.
/// Dropping the future does not take the record back.
pub trait AuditLog: Send + Sync + 'static {
    /// Hands an event over.
    ///
    /// # Errors
    /// When the log is full or stopped, or its queue is at its bound: the event is then not recorded.
    fn append(&self, event: &AuditEvent) -> Result<PendingReceipt, AuditError>;

    /// Whether disclosure is possible now; for readiness.
    ///
    /// # Errors
    /// The reason why not.
    fn health(&self) -> Result<(), AuditError>;
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::*;

    struct Never;

    impl Answers for Never {
        fn poll_answer(&self, _: usize, _: &mut Option<Seat>, _: &mut Context<'_>) -> Poll<Answer> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_gives_no_receipt_after_ten_seconds() {
        assert_eq!(receipt(PendingReceipt::awaited(Arc::new(Never), 0)).await, Err(AuditError::Slow));
        let durable = AuditReceipt::durable("log".into(), 7);
        assert_eq!(receipt(PendingReceipt::known(Ok(durable.clone()))).await, Ok(durable));
    }
}
