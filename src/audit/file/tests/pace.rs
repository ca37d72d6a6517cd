//! When the writer lets records gather, and what ends that. The clock stands still, so a pause ends only for a reason.

use super::failures::slow_log;
use super::*;

/// A log under load: its last batch had two records and its flush took a millisecond.
struct Loaded {
    log: FileLog,
    clock: Arc<TestClock>,
    began: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Loaded {
    async fn new() -> Self {
        let clock = clock();
        let (log, began, go_on) = slow_log(clock.clone(), 8_192);
        let loaded = Self { log, clock, began, go_on };
        let first = loaded.append();
        loaded.began.recv().unwrap();
        let others = vec![loaded.append(), loaded.append()];
        loaded.go_on.send(()).unwrap();
        loaded.began.recv().unwrap();
        loaded.clock.advance(Duration::from_millis(1));
        loaded.go_on.send(()).unwrap();
        assert_eq!(first.await.unwrap().index(), 0);
        assert!(futures_in_turn(others).await.iter().all(Result::is_ok));
        loaded
    }

    fn append(&self) -> PendingReceipt {
        self.log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()
    }

    /// One flush, and no more.
    async fn flush(&self, pending: Vec<PendingReceipt>) {
        self.began.recv().unwrap();
        self.go_on.send(()).unwrap();
        assert!(futures_in_turn(pending).await.iter().all(Result::is_ok));
        assert!(self.began.try_recv().is_err(), "one flush covered all");
    }
}

#[tokio::test]
async fn under_load_records_gather_until_somebody_waits() {
    let loaded = Loaded::new().await;
    let mut pending: Vec<_> = (0..3).map(|_| loaded.append()).collect();
    assert!(answer_now(&mut pending[1]).is_none());
    loaded.flush(pending).await;
}

#[tokio::test]
async fn under_load_records_gather_for_a_while() {
    let loaded = Loaded::new().await;
    let pending: Vec<_> = (0..3).map(|_| loaded.append()).collect();
    loaded.clock.advance(Duration::from_micros(500));
    loaded.flush(pending).await;
}

/// A batch of one ends the load, and closing waits for nothing.
#[tokio::test]
async fn what_comes_alone_is_flushed_at_once() {
    let loaded = Loaded::new().await;
    let mut one = loaded.append();
    assert!(answer_now(&mut one).is_none());
    loaded.flush(vec![one]).await;
    loaded.flush(vec![loaded.append()]).await;
    loaded.go_on.send(()).unwrap();
    let last = loaded.append();
    loaded.log.close();
    assert!(last.await.is_ok());
}

/// So that it gathers while these are flushed.
#[test]
fn what_comes_after_enough_is_the_next_batch() {
    let log = LogId::parse(LOG).unwrap();
    let shared = Arc::new(Shared::new(clock(), &log, 0, 8));
    shared.want(2);
    let _pending: Vec<_> = (0..5).map(|_| shared.push(&bare(Timestamp::UNIX_EPOCH)).unwrap()).collect();
    let sizes = [(); 2].map(|()| shared.take().batch.map_or(0, |batch| batch.len()));
    assert_eq!(sizes, [2, 3], "one that nobody waits for does not end a batch");
}

#[tokio::test]
async fn closing_ends_a_pause() {
    let loaded = Loaded::new().await;
    let pending: Vec<_> = (0..3).map(|_| loaded.append()).collect();
    loaded.go_on.send(()).unwrap();
    loaded.log.close();
    assert!(futures_in_turn(pending).await.iter().all(Result::is_ok));
    assert_eq!(loaded.began.try_iter().count(), 1, "one flush covered all");
}
