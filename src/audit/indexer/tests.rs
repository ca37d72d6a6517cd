//! A log on a real disk, followed into an index.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::*;
use crate::audit::pruned::Pruned;
use crate::audit::reader::Segment;
use crate::audit::segment::Header;
use crate::audit::signer::keys_of;
use crate::audit::testing::{Scratch, bare};
use crate::audit::{
    AuditEvent, AuditLog, FileLog, FileLogConfig, IndexCounts, IndexQuery, Kind, Lag, MemoryIndex, NodeName, Outcome,
};
use crate::clock::TestClock;
use crate::secret::Secret;

fn now() -> Timestamp {
    "2026-03-02T09:30:00Z".parse().unwrap()
}

fn open(dir: &Path) -> FileLog {
    let config =
        FileLogConfig { segment_bytes: 1_000, ..FileLogConfig::new(dir.into(), NodeName::parse("a").unwrap()) };
    FileLog::open(config, TestClock::at(now())).unwrap().0
}

/// An indexer and what it works between.
struct Following {
    index: Arc<MemoryIndex>,
    alarms: Arc<Alarms>,
    progress: Arc<IndexProgress>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn indexer(dir: &Path, log: &FileLog, index: &Arc<MemoryIndex>) -> Indexer {
    Indexer {
        dir: dir.into(),
        log: log.id().shared(),
        durable: log.durable(),
        recent: log.recent(),
        index: Arc::clone(index) as _,
        clock: TestClock::at(now()),
        alarms: Arc::default(),
        progress: Arc::new(IndexProgress::new(log.durable())),
    }
}

impl Following {
    fn start(dir: &Path, log: &FileLog, index: &Arc<MemoryIndex>) -> Self {
        let indexer = indexer(dir, log, index);
        let (progress, alarms) = (Arc::clone(&indexer.progress), Arc::clone(&indexer.alarms));
        let stop = CancellationToken::new();
        let task = tokio::spawn(indexer.run(stop.clone()));
        Self { index: Arc::clone(index), alarms, progress, stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Every record of the index, oldest first.
    async fn records(&self) -> Vec<u64> {
        records(&self.index).await
    }
}

async fn records(index: &MemoryIndex) -> Vec<u64> {
    let mut query = IndexQuery { limit: 500, ..IndexQuery::between(Timestamp::MIN, Timestamp::MAX) };
    let mut all = Vec::new();
    loop {
        let page = index.search(query.clone()).await.unwrap();
        all.splice(0..0, page.records.iter().rev().map(|record| record.index));
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
}

async fn append(log: &FileLog, count: usize) {
    append_all(log, count, &bare(now())).await;
}

async fn append_all(log: &FileLog, count: usize, event: &AuditEvent) {
    let pending: Vec<_> = (0..count).map(|_| log.append(event).unwrap()).collect();
    for receipt in pending {
        receipt.await.unwrap();
    }
}

#[tokio::test]
async fn each_durable_record_is_in_the_index_once() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    append(&log, 3).await;
    let following = Following::start(scratch.path(), &log, &index);
    following.progress.reached(2).await;
    append(&log, 1_200).await;
    following.progress.reached(1_202).await;
    assert_eq!(following.records().await, (0..1_203).collect::<Vec<_>>());
    assert_eq!(following.progress.lag(now()), Lag::default());
    assert_eq!(following.progress.complete_until(now()), Some(now()));
    assert_eq!(following.progress.counts(), IndexCounts { records: 1_203, ..IndexCounts::default() });
    following.end().await;
}

#[tokio::test]
async fn it_goes_on_where_the_index_is() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    for count in [5, 1, 700] {
        append(&log, count).await;
        let following = Following::start(scratch.path(), &log, &index);
        following.end().await;
    }
    assert_eq!(records(&index).await, (0..706).collect::<Vec<_>>(), "at its end it adds what is left");
    log.close();
    let log = open(scratch.path());
    append(&log, 1).await;
    assert_eq!(indexer(scratch.path(), &log, &index).catch_up().await, Ok(()));
    assert_eq!(records(&index).await, (0..707).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_waited_for() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::<MemoryIndex>::default());
    append(&log, 3).await;
    let following = Following::start(scratch.path(), &log, &index);
    following.progress.reached(2).await;
    index.fail(true);
    append(&log, 2).await;
    while following.progress.counts().failures < 3 {
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(following.progress.health(), Err(IndexFault::Store));
    let later = now() + Duration::from_secs(60);
    let lag = following.progress.lag(later);
    assert_eq!(lag, Lag { records: 2, time: Duration::from_secs(60) });
    assert_eq!(following.progress.complete_until(later), Some(now()));
    index.fail(false);
    following.progress.reached(4).await;
    assert_eq!(following.records().await, [0, 1, 2, 3, 4]);
    assert_eq!(following.progress.health(), Ok(()));
    following.end().await;
}

/// It waits for nothing at the end of the node but what is there to add.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_does_not_hold_up_the_end() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::<MemoryIndex>::default());
    append(&log, 3).await;
    index.fail(true);
    let following = Following::start(scratch.path(), &log, &index);
    following.end().await;
    index.fail(false);
    assert_eq!(records(&index).await, [0; 0]);
}

#[tokio::test]
async fn of_two_indexers_each_record_is_added_once() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    let one = Following::start(scratch.path(), &log, &index);
    let other = Following::start(scratch.path(), &log, &index);
    for _ in 0..20 {
        append(&log, 10).await;
    }
    one.progress.reached(199).await;
    other.progress.reached(199).await;
    assert_eq!(records(&index).await, (0..200).collect::<Vec<_>>());
    assert_eq!(one.progress.counts().records + other.progress.counts().records, 200);
    one.end().await;
    other.end().await;
}

/// As when yesterday's files are put back: records that the index has are not in the log any more.
#[tokio::test]
async fn a_log_that_was_put_back_is_told_and_not_followed() {
    let scratch = Scratch::new();
    let copy = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    append(&log, 3).await;
    for file in fs::read_dir(scratch.path()).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    append(&log, 3).await;
    indexer(scratch.path(), &log, &index).catch_up().await.unwrap();
    let restored = open(copy.path());
    for appended in [0, 2, 5] {
        append_all(&restored, appended, &AuditEvent::new(now(), Kind::NodeStopped, Outcome::Done)).await;
        let following = Following::start(copy.path(), &restored, &index);
        following.task.await.unwrap();
        assert_eq!(following.progress.health(), Err(IndexFault::Diverged), "{appended}");
        assert_eq!(following.alarms.raised()[0].alarm, "audit_index_stopped");
    }
    assert_eq!(records(&index).await.len(), 6);
}

/// One that was begun in a new folder has another id, and is followed beside the old one.
#[tokio::test]
async fn a_new_log_is_followed_from_its_beginning() {
    let (old, new) = (Scratch::new(), Scratch::new());
    let index = Arc::default();
    for (scratch, count) in [(&old, 3), (&new, 2)] {
        let log = open(scratch.path());
        append(&log, count).await;
        indexer(scratch.path(), &log, &index).catch_up().await.unwrap();
    }
    assert_eq!(records(&index).await.len(), 5);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_told() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    append(&log, 3).await;
    let mut bytes = fs::read(scratch.path().join("segment-00000000000000000000.log")).unwrap();
    bytes[150] ^= 1;
    fs::write(scratch.path().join("segment-00000000000000000000.log"), bytes).unwrap();
    let reading = Indexer { recent: Recent::default(), ..indexer(scratch.path(), &log, &index) };
    assert_eq!(reading.catch_up().await, Err(IndexFault::Log));
}

#[tokio::test]
async fn a_log_without_its_beginning_is_followed_only_when_it_says_so() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    for _ in 0..4 {
        append(&log, 10).await;
    }
    let segment = first_segments(&scratch)[0].clone();
    fs::remove_file(scratch.path().join(segment)).unwrap();
    assert_eq!(indexer(scratch.path(), &log, &index).catch_up().await, Err(IndexFault::Log));
    let first = say_pruned(&scratch, &log);
    assert_eq!(indexer(scratch.path(), &log, &index).catch_up().await, Ok(()));
    assert_eq!(records(&index).await, (first..40).collect::<Vec<_>>());
}

/// Nothing is passed over in silence: somebody has the index made anew.
#[tokio::test]
async fn an_index_behind_what_was_removed_says_so_and_stops() {
    let scratch = Scratch::new();
    let (log, index) = (open(scratch.path()), Arc::default());
    append(&log, 2).await;
    indexer(scratch.path(), &log, &index).catch_up().await.unwrap();
    append(&log, 40).await;
    say_pruned(&scratch, &log);
    fs::remove_file(scratch.path().join(&first_segments(&scratch)[0])).unwrap();
    let following = Following::start(scratch.path(), &log, &index);
    following.task.await.unwrap();
    assert_eq!(following.progress.health(), Err(IndexFault::Log));
    let [alarm] = following.alarms.raised().try_into().unwrap();
    assert!(alarm.alarm == "audit_index_stopped" && alarm.detail.contains("after their retention"), "{alarm:?}");
    assert_eq!(records(&index).await, [0, 1]);
}

fn first_segments(scratch: &Scratch) -> Vec<String> {
    let names = fs::read_dir(scratch.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut segments: Vec<_> = names.filter(|name| name.starts_with("segment-")).collect();
    segments.sort();
    segments
}

/// Writes the statement that all before the last segment was removed; the first record that is kept.
fn say_pruned(scratch: &Scratch, log: &FileLog) -> u64 {
    let first: u64 = first_segments(scratch).last().unwrap()[8..28].parse().unwrap();
    let (key, keys) = keys_of(log.id(), &Secret::new([1; 32]), &[]).unwrap();
    let header = Header::parse(Segment::open(scratch.path(), first).unwrap().line()).unwrap();
    let time = Timestamp::UNIX_EPOCH;
    let pruned = Pruned { log: log.id().clone(), start: header.start, tree: (42, [0; 32]), days: 1_827, time };
    fs::write(scratch.path().join("pruned"), pruned.sign(&key).unwrap().to_string()).unwrap();
    fs::write(scratch.path().join("verifier-keys"), keys.to_string()).unwrap();
    first
}
