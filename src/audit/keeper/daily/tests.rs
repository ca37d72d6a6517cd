//! A node prunes once a day, in the open, and not by a clock that cannot be right.

use tokio::runtime::Runtime;

use super::*;
use crate::audit::keeper::seal_next;
use crate::audit::signer::{SignedTree, Signer, keys_of};
use crate::audit::testing::{Scratch, full};
use crate::audit::{
    AuditEvent, AuditLog as _, FileLog, FileLogConfig, Kind, NodeName, Record, Records, read_dir, scan, verify,
};
use crate::clock::{Clock as _, SharedClock, TestClock};
use crate::secret::Secret;

const HOUR: i64 = 3_600;
const DAY: Duration = Duration::from_secs(86_400);
/// Of the records that are there before.
const OLD: i64 = 900;

/// A node with a retention of ten days, whose log began 900 hours before.
struct Node {
    folder: Scratch,
    clock: Arc<TestClock>,
    log: Arc<FileLog>,
    signer: Signer,
    key: SigningKey,
    daily: Daily,
    runtime: Runtime,
}

impl Node {
    /// It starts at the time of the last record, with a clock that is off by so much.
    fn start(off: SignedDuration) -> Self {
        let folder = Scratch::quick();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let (log, signer, _) = open(&folder, &clock);
        for hour in 0..OLD {
            append(&log, &runtime, hour * HOUR);
        }
        signer.finish();
        log.close();
        clock.step(SignedDuration::from_secs(OLD * HOUR).saturating_add(off));
        let (log, signer, keys) = open(&folder, &clock);
        let newest = signer.newest().borrow().clone();
        let (key, _) = keys_of(log.id(), &Secret::new([7; 32]), &[]).unwrap();
        while seal_next(folder.path(), &key, newest.as_ref().unwrap()).unwrap() {}
        let pruner = Pruner {
            dir: folder.path().into(),
            keys,
            days: 10,
            log: Arc::clone(&log) as _,
            clock: clock.clone(),
            runtime: runtime.handle().clone(),
        };
        Self { daily: Daily::new(pruner, newest), folder, clock, log, signer, key, runtime }
    }

    /// A record at the time of the clock, and then what the thread does.
    fn turn(&mut self) -> Option<Result<(), DailyError>> {
        append(&self.log, &self.runtime, self.clock.now().as_second());
        self.turn_quietly()
    }

    fn turn_quietly(&mut self) -> Option<Result<(), DailyError>> {
        self.signer.settle();
        let newest = self.signer.newest().borrow().clone().unwrap();
        while seal_next(self.folder.path(), &self.key, &newest).unwrap() {}
        self.daily.turn(&self.key, &newest)
    }

    fn first(&self) -> u64 {
        scan::begins_at(self.folder.path()).unwrap()
    }

    /// Outcome and detail of what was recorded of prunings.
    fn recorded(&self) -> Vec<(String, Option<u64>, String)> {
        let administration = |record: &Record| record.kind.as_str() == Kind::Administration.as_str();
        let told =
            |record: Record| (record.outcome.as_str().to_owned(), record.intent, record.detail.unwrap().to_string());
        records(read_dir(self.folder.path()).unwrap()).filter(administration).map(told).collect()
    }
}

fn records(all: Records) -> impl Iterator<Item = Record> {
    all.map(Result::unwrap).map(|(index, payload)| Record::parse(index, &payload).unwrap())
}

fn open(folder: &Scratch, clock: &Arc<TestClock>) -> (Arc<FileLog>, Signer, crate::audit::keys::LogKeys) {
    let config = FileLogConfig::new(folder.path().into(), NodeName::parse("test").unwrap());
    let found = FileLog::find(FileLogConfig { segment_bytes: 12_000, ..config }).unwrap();
    let keys = || keys_of(found.id(), &Secret::new([7; 32]), &[]).unwrap();
    let tree = SignedTree::open(folder.path(), &found, keys(), &[]).unwrap();
    let (_, keys) = keys();
    let clock: SharedClock = clock.clone();
    let (log, _) = found.start(Arc::clone(&clock)).unwrap();
    let signer = Signer::start(tree, log.durable(), Default::default(), clock).unwrap();
    (Arc::new(log), signer, keys)
}

fn append(log: &FileLog, runtime: &Runtime, second: i64) {
    let event = full(Timestamp::from_second(second).unwrap());
    runtime.block_on(log.append(&AuditEvent { kind: Kind::NodeStarted, ..event }).unwrap()).unwrap();
}

#[test]
fn once_a_day_what_is_too_old_goes_and_the_log_says_so() {
    let mut node = Node::start(SignedDuration::ZERO);
    assert!(node.turn_quietly().is_none(), "nothing of this run is signed yet");
    node.turn().unwrap().unwrap();
    let first = node.first();
    // 900 hours, less ten days and what shares a tile or a segment with what is kept.
    assert!((300..=660).contains(&first), "{first}");
    let [intent, done] = node.recorded().try_into().unwrap();
    let segments = intent.2.strip_prefix(&format!("pruned before {first}, ")).unwrap();
    assert!(segments.ends_with(" segments, 10 days"), "{segments}");
    assert_eq!((intent.0.as_str(), intent.1), ("intended", None));
    assert_eq!((done.0.as_str(), done.1, &done.2), ("done", Some(901), &intent.2));
    node.signer.settle();
    assert_eq!(
        (verify(node.folder.path()).unwrap().records, verify(node.folder.path()).unwrap().removed),
        (903, first)
    );

    assert!(node.turn().is_none(), "not twice a day");
    node.clock.advance(DAY);
    node.turn().unwrap().unwrap();
    assert_eq!(node.recorded().len(), 4);
    assert!(node.first() > first);
    node.clock.advance(DAY);
    node.log.close();
    assert!(node.turn_quietly().unwrap().is_ok(), "a day without anything to remove asks nothing of the log");
}

/// F18. The records that a node with a wrong clock writes are no proof that the clock is right.
#[test]
fn a_clock_that_jumped_ahead_removes_nothing() {
    for mut node in [Node::start(SignedDuration::from_hours(24 * 3_653)), {
        let node = Node::start(SignedDuration::ZERO);
        node.clock.step(SignedDuration::from_hours(24 * 31));
        node
    }] {
        for _ in 0..3 {
            let refused = node.turn().unwrap();
            assert!(matches!(refused, Err(DailyError::Clock { .. })), "{refused:?}");
            node.clock.advance(AGAIN);
        }
        assert_eq!((node.first(), node.recorded().len()), (0, 0));
    }
    // Set right, it goes on; and what a node did not run for a while is believed.
    let mut node = Node::start(SignedDuration::from_hours(24 * 3_653));
    assert!(node.turn().unwrap().is_err());
    node.clock.step(-SignedDuration::from_hours(24 * 3_653));
    node.clock.advance(AGAIN);
    node.turn().unwrap().unwrap();
    assert!(node.first() > 0);
    let mut node = Node::start(SignedDuration::from_hours(24 * 29));
    node.turn().unwrap().unwrap();
    assert!(node.first() > 0);
}

/// F18. A clock that went back keeps records longer, never shorter.
#[test]
fn a_clock_that_went_back_removes_less() {
    let mut node = Node::start(-SignedDuration::from_hours(24 * 28));
    node.turn().unwrap().unwrap();
    assert_eq!(node.first(), 0);
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let mut node = Node::start(SignedDuration::ZERO);
    append(&node.log, &node.runtime, OLD * HOUR);
    node.signer.settle();
    node.log.close();
    let refused = node.turn_quietly().unwrap();
    assert!(matches!(refused, Err(DailyError::Run(PrunerError::Audit(_)))), "{refused:?}");
    assert_eq!(node.first(), 0);
}
