//! A log in memory: for tests of what uses the log, and for measuring everything but the disk. Its receipts prove nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AuditError, AuditEvent, AuditLog, AuditReceipt, PendingReceipt};

/// Keeps events in order, up to a bound; fails when told to.
#[derive(Debug)]
pub struct MemoryLog {
    id: Arc<str>,
    bound: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<AuditEvent>,
    appends_fail: Option<AuditError>,
    flushes_fail: Option<AuditError>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log with room for 65,536 events.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(65_536)
    }

    /// An empty log with room for `bound` events; then it is full.
    #[must_use]
    pub fn with_room(bound: usize) -> Self {
        Self { id: "memory".into(), bound, state: Mutex::default() }
    }

    /// The events so far, oldest first; the place of each is its index.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        self.state().events.clone()
    }

    /// From now on appends are refused at once and health tells `error`.
    pub fn fail_appends(&self, error: AuditError) {
        self.state().appends_fail = Some(error);
    }

    /// From now on appends are taken, but give `error` instead of a receipt; such events are not kept.
    pub fn fail_flushes(&self, error: AuditError) {
        self.state().flushes_fail = Some(error);
    }

    /// From now on nothing fails.
    pub fn recover(&self) {
        let mut state = self.state();
        (state.appends_fail, state.flushes_fail) = (None, None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditLog for MemoryLog {
    fn append(&self, event: &AuditEvent) -> Result<PendingReceipt, AuditError> {
        let mut state = self.state();
        let index = state.events.len();
        let refused = state.appends_fail.or((index >= self.bound).then_some(AuditError::Full));
        if let Some(error) = refused {
            return Err(error);
        }
        let result = match state.flushes_fail {
            Some(error) => Err(error),
            None => {
                state.events.push(event.clone());
                Ok(AuditReceipt::durable(Arc::clone(&self.id), index as u64))
            }
        };
        Ok(PendingReceipt::known(result))
    }

    fn health(&self) -> Result<(), AuditError> {
        let state = self.state();
        let full = (state.events.len() >= self.bound).then_some(AuditError::Full);
        state.appends_fail.or(state.flushes_fail).or(full).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{bare, full};
    use jiff::Timestamp;

    #[tokio::test]
    async fn events_are_kept_in_order_with_consecutive_receipts() {
        let log = MemoryLog::with_room(2);
        let events = [bare(Timestamp::UNIX_EPOCH), full(Timestamp::UNIX_EPOCH)];
        for (index, event) in events.iter().enumerate() {
            assert_eq!(log.health(), Ok(()));
            let receipt = log.append(event).unwrap().await.unwrap();
            assert_eq!(receipt.to_string(), format!("memory/{index}"));
        }
        assert_eq!(log.events(), events);
        assert_eq!(log.append(&bare(Timestamp::UNIX_EPOCH)).err(), Some(AuditError::Full));
        assert_eq!(log.health(), Err(AuditError::Full));
    }

    #[tokio::test]
    async fn it_fails_as_told() {
        let log = MemoryLog::new();
        let event = bare(Timestamp::UNIX_EPOCH);
        for error in [AuditError::Full, AuditError::Stopped, AuditError::Busy] {
            log.fail_appends(error);
            assert_eq!((log.append(&event).err(), log.health()), (Some(error), Err(error)));
            log.recover();
            log.fail_flushes(error);
            assert_eq!(log.append(&event).unwrap().await, Err(error));
            assert_eq!(log.health(), Err(error));
            log.recover();
            assert_eq!(log.health(), Ok(()));
        }
        assert!(log.events().is_empty());
        assert_eq!(log.append(&event).unwrap().await.unwrap().index(), 0);
    }
}
