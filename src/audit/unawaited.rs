//! A log that does not wait for its disk: to measure what waiting costs. Absent from production builds (cargo feature
//! `sandbox`). Its receipts prove nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{AuditError, AuditEvent, AuditLog, AuditReceipt, PendingReceipt};

/// Hands every event over to a log as always, and gives a receipt before the record is durable.
pub struct UnawaitedLog {
    log: Arc<dyn AuditLog>,
    id: Arc<str>,
    next: AtomicU64,
}

impl UnawaitedLog {
    /// Over `log`. The receipts are numbered from 0, which is not where the records stand.
    #[must_use]
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self { log, id: "unawaited".into(), next: AtomicU64::new(0) }
    }
}

impl AuditLog for UnawaitedLog {
    fn append(&self, event: &AuditEvent) -> Result<PendingReceipt, AuditError> {
        drop(self.log.append(event)?);
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(PendingReceipt::known(Ok(AuditReceipt::durable(Arc::clone(&self.id), index))))
    }

    fn health(&self) -> Result<(), AuditError> {
        self.log.health()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MemoryLog;
    use crate::audit::testing::bare;
    use jiff::Timestamp;

    /// Beneath it flushes fail, and it does not know.
    #[tokio::test]
    async fn the_receipt_comes_before_the_disk_says_anything() {
        let beneath = Arc::new(MemoryLog::new());
        let log = UnawaitedLog::new(Arc::clone(&beneath) as _);
        let event = bare(Timestamp::UNIX_EPOCH);
        assert_eq!(log.append(&event).unwrap().await.unwrap().to_string(), "unawaited/0");
        assert_eq!(beneath.events().len(), 1);
        beneath.fail_flushes(AuditError::Full);
        assert_eq!(log.append(&event).unwrap().await.unwrap().to_string(), "unawaited/1");
        assert_eq!(log.health(), Err(AuditError::Full));
        beneath.fail_appends(AuditError::Stopped);
        assert_eq!(log.append(&event).err(), Some(AuditError::Stopped));
    }
}
