//! Each rule about a failing device, on a disk in memory that fails when told.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::*;
use crate::audit::file::queue::State;

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Create,
    Append,
    Sync,
    SyncNames,
    Rewrite,
    Truncate,
}

/// The `nth` call of its kind fails with `errno`, after `written` bytes when it is a write.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: Call,
    nth: usize,
    errno: i32,
    written: usize,
}

#[derive(Default)]
struct Inside {
    files: BTreeMap<String, Vec<u8>>,
    current: String,
    calls: BTreeMap<Call, usize>,
    faults: Vec<Fault>,
    /// From this call on, of any kind, nothing works: the process was killed. A write gets this far first.
    killed_at: Option<(usize, usize)>,
}

#[derive(Clone, Default)]
struct FaultyDisk(Arc<Mutex<Inside>>);

impl FaultyDisk {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    fn fail(&self, call: Call, after: usize, errno: i32, written: usize) {
        let nth = self.count(call) + after;
        self.inside().faults.push(Fault { call, nth, errno, written });
    }

    fn count(&self, call: Call) -> usize {
        self.inside().calls.get(&call).copied().unwrap_or_default()
    }

    /// Counts the call; when it must fail, the error and how much of a write happens first.
    fn enter(&self, call: Call) -> Result<(), (io::Error, usize)> {
        let mut inside = self.inside();
        let before: usize = inside.calls.values().sum();
        let nth = inside.calls.entry(call).or_default();
        *nth += 1;
        let nth = *nth - 1;
        if let Some((at, written)) = inside.killed_at.filter(|(at, _)| before >= *at) {
            return Err((io::Error::from_raw_os_error(EIO), if before == at { written } else { 0 }));
        }
        let fault = inside.faults.iter().find(|fault| fault.call == call && fault.nth == nth);
        fault.map_or(Ok(()), |fault| Err((io::Error::from_raw_os_error(fault.errno), fault.written)))
    }

    /// What a new process would find.
    fn dump(&self, dir: &Path) {
        for (name, content) in &self.inside().files {
            fs::write(dir.join(name), content).unwrap();
        }
    }
}

impl Disk for FaultyDisk {
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.enter(Call::Create).map_err(|(error, _)| error)?;
        let mut inside = self.inside();
        assert!(inside.files.insert(name.to_owned(), Vec::new()).is_none(), "{name} is there");
        inside.current = name.to_owned();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.enter(Call::Append);
        let written = result.as_ref().map_or_else(|(_, written)| (*written).min(bytes.len()), |()| bytes.len());
        let mut inside = self.inside();
        let name = inside.current.clone();
        inside.files.get_mut(&name).unwrap().extend_from_slice(&bytes[..written]);
        result.map_err(|(error, _)| error)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.enter(Call::Sync).map_err(|(error, _)| error)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.enter(Call::SyncNames).map_err(|(error, _)| error)
    }

    fn rewrite_end(&mut self, _: u64) -> io::Result<()> {
        self.enter(Call::Rewrite).map_err(|(error, _)| error)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.enter(Call::Truncate).map_err(|(error, _)| error)?;
        let mut inside = self.inside();
        let name = inside.current.clone();
        inside.files.get_mut(&name).unwrap().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

/// A new log on a disk in memory, worked by hand.
struct Bench {
    id: LogId,
    disk: FaultyDisk,
    clock: Arc<TestClock>,
    shared: Arc<Shared>,
    writer: Writer<FaultyDisk>,
    acknowledged: u64,
}

impl Bench {
    fn new(segment_bytes: u64) -> Self {
        let mut bench = Self::unbegun(segment_bytes);
        bench.writer.begin().unwrap();
        bench
    }

    fn unbegun(segment_bytes: u64) -> Self {
        let (disk, clock) = (FaultyDisk::default(), clock());
        disk.inside().current = folder::segment(0);
        disk.inside().files.insert(folder::segment(0), Vec::new());
        let log = LogId::draw(&node());
        let version = Version::NEWEST;
        let tail = Tail { at: Position::start(&log, version), first: 0, bytes: 0, version };
        let shared = Arc::new(Shared::new(clock.clone(), &log, 0, 8_192));
        let writer = Writer::new(disk.clone(), log.clone(), tail, segment_bytes, Arc::clone(&shared));
        Self { id: log, disk, clock, shared, writer, acknowledged: 0 }
    }

    /// One batch of `count` events; all have the same fate.
    fn append(&mut self, count: u64) -> Result<Vec<u64>, AuditError> {
        let answers = append_by_hand(&self.shared, &mut self.writer, &numbered(count));
        assert!(answers.windows(2).all(|pair| pair[0].is_ok() == pair[1].is_ok()));
        let indexes = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.acknowledged += count;
        Ok(indexes)
    }

    /// The same, after asking to try a full device again.
    fn probe_and_append(&mut self, count: u64) -> Result<Vec<u64>, AuditError> {
        self.clock.advance(Duration::from_secs(1));
        self.shared.ask_again();
        self.append(count)
    }

    /// What is found is sound and holds exactly what was acknowledged.
    fn assert_log_is_what_was_acknowledged(&self) {
        let scratch = Scratch::quick();
        self.disk.dump(scratch.path());
        let (_, recovery) = open(scratch.path()).unwrap();
        assert_eq!(recovery.records, self.acknowledged);
        assert_eq!(verify(scratch.path()).unwrap().records, self.acknowledged);
    }
}

#[test]
fn a_batch_is_one_write_and_one_flush() {
    let mut bench = Bench::new(1 << 20);
    let (writes, flushes) = (bench.disk.count(Call::Append), bench.disk.count(Call::Sync));
    assert_eq!(bench.append(100).unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!(bench.append(3).unwrap(), [100, 101, 102]);
    assert_eq!(bench.disk.count(Call::Append) - writes, 2);
    assert_eq!(bench.disk.count(Call::Sync) - flushes, 2);
    bench.append(0).unwrap();
    assert_eq!(bench.disk.count(Call::Sync) - flushes, 2);
    bench.assert_log_is_what_was_acknowledged();
}

/// What a killed run wrote but did not flush is in the log now, so it must be durable before anything follows it.
#[test]
fn beginning_flushes_what_was_found() {
    let mut bench = Bench::new(1 << 20);
    bench.append(1).unwrap();
    let before = [Call::Append, Call::Sync, Call::SyncNames].map(|call| bench.disk.count(call));
    bench.writer.begin().unwrap();
    let after = [Call::Append, Call::Sync, Call::SyncNames].map(|call| bench.disk.count(call));
    assert_eq!(after, [before[0], before[1] + 1, before[2] + 1]);
    for call in [Call::Truncate, Call::Rewrite, Call::Sync, Call::SyncNames] {
        bench.disk.fail(call, 0, EIO, 0);
        assert!(bench.writer.begin().is_err());
    }
}

#[test]
fn a_batch_has_a_bound() {
    let mut bench = Bench::new(1 << 30);
    let event = AuditEvent { query: Some("x".repeat(6_000).into()), ..full(Timestamp::UNIX_EPOCH) };
    let mut pending: Vec<_> = (0..400).map(|_| bench.shared.push(&event).unwrap()).collect();
    assert!(bench.writer.turn(bench.shared.take()));
    let written = pending.iter_mut().filter_map(answer_now).count();
    assert!((100..200).contains(&written), "{written}");
    let durable = *bench.shared.durable().borrow();
    assert_eq!(durable, written as u64);
    assert!(bench.writer.turn(bench.shared.take()) && bench.writer.turn(bench.shared.take()));
    let indexes = pending.iter_mut().map(|pending| answer_now(pending).unwrap().unwrap().index());
    assert!(indexes.eq(0..400));
}

#[test]
fn a_failed_write_stops_the_log() {
    let mut bench = Bench::new(1 << 20);
    bench.append(2).unwrap();
    bench.disk.fail(Call::Append, 0, EIO, 700);
    assert_eq!(bench.append(3), Err(AuditError::Stopped));
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.probe_and_append(1), Err(AuditError::Stopped));
    assert_eq!(bench.shared.state(), State::Stopped);
    bench.assert_log_is_what_was_acknowledged();
}

/// F04: the n-th flush fails, whatever the error.
#[test]
fn a_failed_flush_stops_the_log() {
    for errno in [EIO, ENOSPC, EDQUOT] {
        for nth in 0..50 {
            let mut bench = Bench::new(20_000);
            bench.disk.fail(Call::Sync, nth, errno, 0);
            for round in 0..60 {
                let expected = if round < nth { Ok(()) } else { Err(AuditError::Stopped) };
                assert_eq!(bench.append(2).map(drop), expected, "{round} of {nth}");
            }
            bench.assert_log_is_what_was_acknowledged();
        }
    }
}

#[test]
fn a_failed_flush_of_the_name_stops_the_log() {
    let mut bench = Bench::new(1);
    bench.append(1).unwrap();
    bench.disk.fail(Call::SyncNames, 0, EIO, 0);
    assert_eq!(bench.append(1), Err(AuditError::Stopped));
    assert_eq!(bench.append(1), Err(AuditError::Stopped));
    bench.assert_log_is_what_was_acknowledged();
}

/// F05: the log resumes by itself, with no gap and no leftover.
#[test]
fn a_full_device_is_waited_for() {
    for errno in [ENOSPC, EDQUOT, EFBIG, EROFS] {
        for written in [0, 1, 300, 1_500] {
            let mut bench = Bench::new(1 << 20);
            bench.append(2).unwrap();
            bench.disk.fail(Call::Append, 0, errno, written);
            bench.disk.fail(Call::Append, 1, errno, written);
            assert_eq!(bench.append(3), Err(AuditError::Full));
            bench.assert_log_is_what_was_acknowledged();
            let writes = bench.disk.count(Call::Append);
            assert_eq!(bench.append(1), Err(AuditError::Full));
            assert!(!bench.shared.ask_again());
            assert_eq!(bench.disk.count(Call::Append), writes, "no probe before its time");

            bench.clock.advance(Duration::from_secs(1));
            assert!(bench.shared.ask_again() && !bench.shared.ask_again());
            assert_eq!(bench.append(1), Err(AuditError::Full));
            bench.assert_log_is_what_was_acknowledged();
            assert!(!bench.shared.ask_again());

            bench.clock.advance(Duration::from_secs(1));
            assert!(bench.shared.ask_again());
            let flushes = bench.disk.count(Call::Sync);
            assert_eq!(bench.append(2), Ok(vec![2, 3]));
            assert_eq!(bench.disk.count(Call::Sync) - flushes, 2);
            assert_eq!(bench.shared.state(), State::Open);
            assert_eq!(bench.append(1), Ok(vec![4]));
            bench.assert_log_is_what_was_acknowledged();
        }
    }
}

#[test]
fn a_probe_that_cannot_be_flushed_stops_the_log() {
    let mut bench = Bench::new(1 << 20);
    bench.disk.fail(Call::Append, 0, ENOSPC, 0);
    assert_eq!(bench.append(1), Err(AuditError::Full));
    bench.disk.fail(Call::Sync, 0, ENOSPC, 0);
    assert_eq!(bench.probe_and_append(1), Err(AuditError::Stopped));
    assert_eq!(bench.probe_and_append(1), Err(AuditError::Stopped));
    bench.assert_log_is_what_was_acknowledged();
}

#[test]
fn what_cannot_be_cut_back_stops_the_log() {
    let mut bench = Bench::new(1 << 20);
    bench.append(1).unwrap();
    bench.disk.fail(Call::Append, 0, ENOSPC, 100);
    bench.disk.fail(Call::Truncate, 0, EIO, 0);
    assert_eq!(bench.append(1), Err(AuditError::Stopped));
    assert_eq!(bench.probe_and_append(1), Err(AuditError::Stopped));
    bench.assert_log_is_what_was_acknowledged();
}

/// F06: no descriptor or no room for a new segment.
#[test]
fn a_segment_that_cannot_be_made_is_waited_for() {
    for errno in [EMFILE, ENOSPC, EROFS, 13] {
        let mut bench = Bench::new(1);
        bench.append(1).unwrap();
        bench.disk.fail(Call::Create, 0, errno, 0);
        bench.disk.fail(Call::Create, 1, errno, 0);
        assert_eq!(bench.append(2), Err(AuditError::Full));
        assert_eq!(bench.probe_and_append(2), Err(AuditError::Full));
        bench.assert_log_is_what_was_acknowledged();
        assert_eq!(bench.probe_and_append(2), Ok(vec![1, 2]));
        bench.assert_log_is_what_was_acknowledged();
    }
    let mut bench = Bench::new(1);
    bench.append(1).unwrap();
    bench.disk.fail(Call::Create, 0, EIO, 0);
    assert_eq!(bench.append(2), Err(AuditError::Stopped));
    assert_eq!(bench.probe_and_append(2), Err(AuditError::Stopped));
}

#[test]
fn a_header_without_room_is_written_again() {
    for written in [0, 1, 90] {
        let mut bench = Bench::new(1);
        bench.append(1).unwrap();
        bench.disk.fail(Call::Append, 0, ENOSPC, written);
        bench.disk.fail(Call::Append, 1, ENOSPC, written);
        assert_eq!(bench.append(2), Err(AuditError::Full));
        bench.assert_log_is_what_was_acknowledged();
        assert_eq!(bench.probe_and_append(2), Err(AuditError::Full));
        assert_eq!(bench.probe_and_append(2), Ok(vec![1, 2]));
        assert_eq!(bench.append(2), Ok(vec![3, 4]));
        bench.assert_log_is_what_was_acknowledged();
    }
}

/// F01: killed at any call, with any part of a write done: the log opens, and holds all that was acknowledged.
#[test]
fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    for (call, written) in (0..60).flat_map(|call| [0, 1, 50, 700, 16_000].map(|written| (call, written))) {
        let mut bench = Bench::unbegun(4_000);
        bench.disk.inside().killed_at = Some((call, written));
        bench.disk.fail(Call::Append, 5, ENOSPC, 500);
        if bench.writer.begin().is_ok() {
            for round in 0..12 {
                let _ = bench.probe_and_append(1 + round % 3);
            }
        }
        let scratch = Scratch::quick();
        bench.disk.dump(scratch.path());
        let found = verify(scratch.path());
        let (_, recovery) = open(scratch.path()).unwrap_or_else(|error| panic!("{call} {written}: {error}"));
        assert!(recovery.records >= bench.acknowledged);
        assert!(found.is_ok_and(|found| found.records == recovery.records) || bench.acknowledged == 0);
        assert_eq!(verify(scratch.path()).unwrap().records, recovery.records);
    }
}

/// A disk whose flush waits for the test: it says that it began, and goes on when told.
struct SlowDisk {
    began: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

impl Disk for SlowDisk {
    fn create(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        let _ = self.began.send(());
        self.go_on.recv().map_err(|_| io::Error::from_raw_os_error(EIO))
    }
    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn rewrite_end(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn truncate(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn slow_log(clock: SharedClock, queue_bound: usize) -> (FileLog, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((began_tell, began), (go_on, go_on_hear)) = (mpsc::channel(), mpsc::channel());
    let id = LogId::draw(&node());
    let version = Version::NEWEST;
    let tail = Tail { at: Position::start(&id, version), first: 0, bytes: 1, version };
    let shared = Arc::new(Shared::new(clock, &id, 0, queue_bound));
    let disk = SlowDisk { began: began_tell, go_on: go_on_hear };
    let writer = Writer::new(disk, id.clone(), tail, 1 << 30, Arc::clone(&shared));
    (FileLog::start(id, shared, writer).unwrap(), began, go_on)
}

/// Group commit: what queued during a flush shares the next one. And no receipt comes before it.
#[tokio::test]
async fn what_queued_during_a_flush_is_flushed_at_once() {
    let (log, began, go_on) = slow_log(clock(), 8_192);
    let first = log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap();
    began.recv().unwrap();
    let later: Vec<_> = (0..99).map(|_| log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()).collect();
    go_on.send(()).unwrap();
    assert_eq!(first.await.unwrap().index(), 0);
    began.recv().unwrap();
    let mut later = later.into_iter();
    let mut second = later.next().unwrap();
    assert!(answer_now(&mut second).is_none(), "no receipt before the flush ends");
    go_on.send(()).unwrap();
    assert_eq!(second.await.unwrap().index(), 1);
    let indexes: Vec<_> = futures_in_turn(later.collect()).await.into_iter().map(|r| r.unwrap().index()).collect();
    assert_eq!(indexes, (2..100).collect::<Vec<_>>());
    assert!(began.try_recv().is_err(), "two flushes were enough");
}

#[tokio::test]
async fn a_full_queue_is_told_at_once() {
    let (log, began, go_on) = slow_log(clock(), 4);
    let mut pending = vec![log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()];
    began.recv().unwrap();
    pending.extend((0..4).map(|_| log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()));
    assert_eq!(log.append(&bare(Timestamp::UNIX_EPOCH)).err(), Some(AuditError::Busy));
    assert_eq!(log.health(), Ok(()));
    // The second flush fails: who waits is told, and so is all who come later.
    go_on.send(()).unwrap();
    drop(go_on);
    let answers: Vec<_> = futures_in_turn(pending).await.into_iter().map(|r| r.map(|r| r.index())).collect();
    let stopped = Err(AuditError::Stopped);
    assert_eq!(answers, [Ok(0), stopped, stopped, stopped, stopped]);
    assert_eq!(log.health(), stopped.map(drop));
    assert_eq!(log.append(&bare(Timestamp::UNIX_EPOCH)).err(), Some(AuditError::Stopped));
}

/// The whole log on a device that fills up and gets room again: told by appends and by health, and ended by either.
#[tokio::test]
async fn a_full_log_resumes_by_itself() {
    let bench = Bench::new(1 << 20);
    let Bench { id, disk, clock, shared, writer, .. } = bench;
    let log = FileLog::start(id, shared, writer).unwrap();
    let event = bare(Timestamp::UNIX_EPOCH);
    for by_health in [false, true] {
        disk.fail(Call::Append, 0, ENOSPC, 10);
        assert_eq!(log.append(&event).unwrap().await, Err(AuditError::Full));
        assert_eq!(log.append(&event).err(), Some(AuditError::Full));
        assert_eq!(log.health(), Err(AuditError::Full));
        clock.advance(Duration::from_secs(1));
        let receipt = if by_health {
            assert_eq!(log.health(), Err(AuditError::Full));
            // Behind the probe that health asked for, past the check in front of the queue.
            log.shared.push(&event).unwrap().await.unwrap()
        } else {
            log.append(&event).unwrap().await.unwrap()
        };
        assert_eq!(receipt.index(), u64::from(by_health));
        assert_eq!(log.health(), Ok(()));
    }
}
