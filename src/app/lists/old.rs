//! Snapshots that were replaced, until nobody reads them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::routing::Snapshot;

/// Between two looks whether they are still read.
const LOOK: Duration = Duration::from_millis(100);

/// Whoever lets go of a snapshot last takes 20,000 providers apart, which takes some milliseconds: this does, and not the request
/// that happened to read it longest.
#[derive(Default)]
pub(super) struct OldSnapshots {
    kept: Mutex<Vec<Arc<Snapshot>>>,
    more: Notify,
}

impl OldSnapshots {
    /// Keeps one that nobody can load any more.
    pub(super) fn keep(&self, old: Arc<Snapshot>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        self.more.notify_one();
    }

    /// Lets go of each as soon as nobody else reads it, for ever.
    pub(super) async fn let_go(&self) {
        loop {
            self.more.notified().await;
            while !self.let_go_of_unread() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Whether none is left.
    fn let_go_of_unread(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let unread: Vec<_> = kept.extract_if(.., |old| Arc::strong_count(old) == 1).collect();
        let none_left = kept.is_empty();
        drop(kept);
        drop(unread);
        none_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::ClientRegister;
    use crate::lists::Lists;
    use crate::practices::PracticeRegister;
    use crate::routing::{Freshness, Interfaces, Standing};
    use crate::services::Catalogue;

    fn snapshot() -> Arc<Snapshot> {
        Arc::new(Snapshot {
            lists: Arc::new(Lists::default()),
            practices: Arc::new(PracticeRegister::default()),
            services: Arc::new(Catalogue::shipped()),
            interfaces: Interfaces::default(),
            clients: Arc::new(ClientRegister::default()),
            adapters: Arc::default(),
            freshness: Arc::new(Freshness::new(Duration::ZERO)),
            standing: Standing::default(),
            stops: Arc::default(),
            stages: Arc::default(),
            people: Arc::default(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_snapshot_goes_when_nobody_reads_it_and_not_before() {
        let old = Arc::new(OldSnapshots::default());
        let (unread, read) = (snapshot(), snapshot());
        let (weak_unread, weak_read) = (Arc::downgrade(&unread), Arc::downgrade(&read));
        old.keep(unread);
        old.keep(Arc::clone(&read));
        let letting_go = tokio::spawn({
            let old = Arc::clone(&old);
            async move { old.let_go().await }
        });
        tokio::time::sleep(10 * LOOK).await;
        assert_eq!((weak_unread.strong_count(), weak_read.strong_count()), (0, 2));
        drop(read);
        assert_eq!(weak_read.strong_count(), 1, "a request lets go of nothing");
        tokio::time::sleep(2 * LOOK).await;
        assert_eq!(weak_read.strong_count(), 0);
        letting_go.abort();
    }
}
