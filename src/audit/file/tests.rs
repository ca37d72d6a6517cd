//! The log on real files: what is written is found again, whatever an interrupted run left behind.

mod failures;
mod pace;
mod simulation;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::audit::file::disk::Disk;
use crate::audit::folder::Entry;
use crate::audit::testing::{Scratch, any_event, bare, full};
use crate::audit::{Verified, encode, read_dir, show, verify};
use crate::clock::TestClock;

/// As long as the ids that are drawn here.
const LOG: &str = "inzage-test-00000000000000ff";

fn node() -> NodeName {
    NodeName::parse("test").unwrap()
}

fn clock() -> Arc<TestClock> {
    TestClock::at(Timestamp::UNIX_EPOCH)
}

fn config(dir: &Path) -> FileLogConfig {
    FileLogConfig::new(dir.into(), node())
}

fn open(dir: &Path) -> Result<(FileLog, Recovery), OpenError> {
    FileLog::open(config(dir), clock())
}

/// Appends one after the other, each in a batch of its own.
async fn append_all(log: &FileLog, events: &[AuditEvent]) -> Vec<u64> {
    let mut indexes = Vec::new();
    for event in events {
        indexes.push(log.append(event).unwrap().await.unwrap().index());
    }
    indexes
}

/// Writes a log of these events and gives the paths of its segments.
async fn write_log(dir: &Path, segment_bytes: u64, events: &[AuditEvent]) -> Vec<PathBuf> {
    let (log, recovery) = FileLog::open(FileLogConfig { segment_bytes, ..config(dir) }, clock()).unwrap();
    assert_eq!(recovery, Recovery { records: 0, cut_bytes: 0 });
    let indexes = append_all(&log, events).await;
    assert_eq!(indexes, (0..events.len() as u64).collect::<Vec<_>>());
    log.close();
    segments(dir)
}

/// The answer to an append, if it is there.
fn answer_now(pending: &mut PendingReceipt) -> Option<Result<crate::audit::AuditReceipt, AuditError>> {
    match Pin::new(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Hands these over at once and lets the writer take a turn; where each stands, or why it does not.
fn append_by_hand<D: Disk>(
    shared: &Arc<Shared>,
    writer: &mut Writer<D>,
    events: &[AuditEvent],
) -> Vec<Result<u64, AuditError>> {
    let mut pending: Vec<_> = events.iter().map(|event| shared.push(event)).collect();
    assert!(writer.turn(shared.take()));
    let settled = |pending: &mut PendingReceipt| answer_now(pending).expect("every event is answered");
    let answer = |pending: &mut Result<PendingReceipt, AuditError>| match pending {
        Ok(pending) => settled(pending).map(|receipt| receipt.index()),
        Err(error) => Err(*error),
    };
    pending.iter_mut().map(answer).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn numbered(count: u64) -> Vec<AuditEvent> {
    (0..count).map(|intent| AuditEvent { intent: Some(intent), ..full(Timestamp::UNIX_EPOCH) }).collect()
}

/// Short records, for tests that go over every byte.
fn small(count: u64) -> Vec<AuditEvent> {
    (0..count).map(|intent| AuditEvent { intent: Some(intent), ..bare(Timestamp::UNIX_EPOCH) }).collect()
}

fn payloads(events: &[AuditEvent]) -> Vec<(u64, Vec<u8>)> {
    let encoded = events.iter().map(|event| {
        let mut out = Vec::new();
        encode(event, LOG, &mut out);
        out
    });
    (0..).zip(encoded).collect()
}

/// With another id for the log, which is drawn anew for each.
fn as_of_log(payload: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(payload).unwrap();
    let (before, rest) = text.split_once("\"source\":\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}\"source\":\"{LOG}\"{after}").into_bytes()
}

fn read_all(dir: &Path) -> Vec<(u64, Vec<u8>)> {
    let all = read_dir(dir).unwrap().map(Result::unwrap);
    all.map(|(index, payload)| (index, as_of_log(&payload))).collect()
}

fn broken(dir: &Path) -> Broken {
    match verify(dir) {
        Err(ReadError::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_appended_is_read_verified_and_shown() {
    let scratch = Scratch::new();
    let dir = scratch.path().join("new/audit");
    let events = [bare(Timestamp::UNIX_EPOCH), full(Timestamp::UNIX_EPOCH)];
    write_log(&dir, 1 << 20, &events).await;
    assert_eq!(read_all(&dir), payloads(&events));

    let Verified { records, unfinished_bytes, log, .. } = verify(&dir).unwrap();
    assert_eq!((records, unfinished_bytes), (2, 0));
    assert!(log.to_string().starts_with("inzage-test-"));

    let mut text = Vec::new();
    assert_eq!(show(&dir, &mut text).unwrap(), 2);
    let lines: Vec<Value> = serde_json::Deserializer::from_slice(&text).into_iter().map(Result::unwrap).collect();
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 2);
    for (line, (index, payload)) in lines.iter().zip(payloads(&events)) {
        assert_eq!(line["index"], index);
        let stored: Value = serde_json::from_slice(&payload).unwrap();
        for (name, value) in stored.as_object().unwrap() {
            let expected = if name == "source" { &json!(log.to_string()) } else { value };
            assert_eq!(&line[name], expected);
        }
    }
    for name in ["request_id", "correlation_id", "client_id", "provider", "service"] {
        assert_eq!(lines[0].get(name), Some(&Value::Null), "{name}");
        assert!(lines[1][name].is_string(), "{name}");
    }
}

#[tokio::test]
async fn reopening_goes_on_with_the_same_log() {
    let scratch = Scratch::new();
    let events = numbered(9);
    for (run, part) in (0..).zip(events.chunks(3)) {
        let (log, recovery) = open(scratch.path()).unwrap();
        assert_eq!(recovery, Recovery { records: run * 3, cut_bytes: 0 });
        assert_eq!(append_all(&log, part).await, (run * 3..run * 3 + 3).collect::<Vec<_>>());
        let id = log.id().clone();
        drop(log);
        assert_eq!(verify(scratch.path()).unwrap().log, id);
    }
    assert_eq!(read_all(scratch.path()), payloads(&events));
}

#[tokio::test]
async fn a_receipt_names_the_log_and_a_closed_log_takes_nothing() {
    let scratch = Scratch::new();
    let (log, _) = open(scratch.path()).unwrap();
    let receipt = log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap().await.unwrap();
    assert_eq!(receipt.to_string(), format!("{}/0", log.id()));
    let pending = log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap();
    log.close();
    log.close();
    assert_eq!(pending.await.unwrap().index(), 1);
    assert_eq!(log.append(&bare(Timestamp::UNIX_EPOCH)).err(), Some(AuditError::Stopped));
    assert_eq!(log.health(), Err(AuditError::Stopped));
    open(scratch.path()).unwrap();
}

#[tokio::test]
async fn segments_rotate_and_continue_each_other() {
    let scratch = Scratch::new();
    let events = numbered(20);
    let paths = write_log(scratch.path(), 3_000, &events).await;
    assert!((5..20).contains(&paths.len()), "{}", paths.len());
    assert!(paths.iter().all(|path| fs::metadata(path).unwrap().len() <= 3_000));
    assert_eq!(read_all(scratch.path()), payloads(&events));
    let (log, recovery) = open(scratch.path()).unwrap();
    assert_eq!(recovery, Recovery { records: 20, cut_bytes: 0 });
    assert_eq!(append_all(&log, &events).await[0], 20);
    log.close();
    assert_eq!(verify(scratch.path()).unwrap().records, 40);
}

/// A segment smaller than any record still gets one.
#[tokio::test]
async fn a_tiny_segment_holds_one_batch() {
    let scratch = Scratch::new();
    assert_eq!(write_log(scratch.path(), 1, &numbered(4)).await.len(), 4);
    assert_eq!(verify(scratch.path()).unwrap().records, 4);
}

#[test]
fn a_folder_in_use_is_refused_with_its_holder() {
    let scratch = Scratch::new();
    let _log = open(scratch.path()).unwrap();
    let error = open(scratch.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { holder } if holder == Some(std::process::id())), "{error:?}");
}

#[tokio::test]
async fn the_folder_holds_segments_only() {
    let scratch = Scratch::new();
    let paths = write_log(scratch.path(), 3_000, &numbered(5)).await;
    let names = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    assert!(
        names.clone().all(|name| matches!(Entry::parse(name), Some(Entry::Segment(_)))),
        "{:?}",
        names.collect::<Vec<_>>()
    );
    fs::write(scratch.path().join("notes.txt"), "x").unwrap();
    assert_eq!((broken(scratch.path()).why, broken(scratch.path()).segment), (Why::Foreign, "notes.txt".to_owned()));
    assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(Broken { why: Why::Foreign, .. }))));
    fs::remove_file(scratch.path().join("notes.txt")).unwrap();
    std::os::unix::fs::symlink("/dev/null", scratch.path().join(folder::segment(99))).unwrap();
    assert_eq!(broken(scratch.path()).why, Why::Foreign);
}

#[test]
fn nothing_and_a_torn_first_header_are_no_log_yet() {
    let scratch = Scratch::quick();
    assert_eq!(broken(scratch.path()).why, Why::NotBegun);
    assert!(matches!(verify(&scratch.path().join("absent")), Err(ReadError::Io { .. })));
    let path = scratch.path().join(folder::segment(0));
    open(scratch.path()).unwrap();
    let header = fs::read(&path).unwrap();
    for length in 0..header.len() {
        fs::write(&path, &header[..length]).unwrap();
        assert_eq!(broken(scratch.path()), Broken { index: 0, segment: folder::segment(0), why: Why::NotBegun });
        let (_, recovery) = open(scratch.path()).unwrap();
        assert_eq!(recovery, Recovery { records: 0, cut_bytes: length as u64 });
        assert_eq!(verify(scratch.path()).unwrap().records, 0);
    }
}

/// F03, first half: a log cut at every byte of its last three records opens with the good prefix and goes on.
#[tokio::test]
async fn a_log_cut_at_any_byte_opens_with_its_whole_records() {
    let scratch = Scratch::quick();
    let events = small(5);
    let paths = write_log(scratch.path(), 1 << 20, &events).await;
    let whole = fs::read(&paths[0]).unwrap();
    let ends = record_ends(&whole, &events);
    for cut in ends[2]..whole.len() {
        fs::write(&paths[0], &whole[..cut]).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut).count() - 1;
        let unfinished = (cut - ends[kept]) as u64;
        let verified = verify(scratch.path()).unwrap();
        assert_eq!((verified.records, verified.unfinished_bytes), (kept as u64, unfinished), "cut at {cut}");
        let (log, recovery) = open(scratch.path()).unwrap();
        assert_eq!(recovery, Recovery { records: kept as u64, cut_bytes: unfinished });
        assert_eq!(append_all(&log, &events[kept..=kept]).await, [kept as u64]);
        log.close();
        assert_eq!(read_all(scratch.path()), payloads(&events[..=kept]));
    }
}

/// The same for a cut inside the header of a later segment, and at its end.
#[tokio::test]
async fn a_torn_header_of_a_new_segment_is_written_again() {
    let scratch = Scratch::quick();
    let events = small(5);
    let paths = write_log(scratch.path(), 1, &events).await;
    let whole = fs::read(&paths[4]).unwrap();
    let header = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in 0..=header {
        fs::write(&paths[4], &whole[..cut]).unwrap();
        let verified = verify(scratch.path()).unwrap();
        assert_eq!((verified.records, verified.unfinished_bytes), (4, cut as u64));
        let (log, recovery) = open(scratch.path()).unwrap();
        assert_eq!(recovery, Recovery { records: 4, cut_bytes: cut as u64 });
        assert_eq!(append_all(&log, &events[4..]).await, [4]);
        log.close();
        assert_eq!(fs::read(&paths[4]).unwrap(), whole);
    }
}

/// F03, second half, and F07 "edit": every changed byte is found, at the record that it is in or before.
#[tokio::test]
async fn every_flipped_byte_is_found() {
    let scratch = Scratch::quick();
    let events = small(6);
    let paths = write_log(scratch.path(), 800, &events).await;
    assert_eq!(paths.len(), 2);
    let mut index_before = 0;
    for path in &paths {
        let whole = fs::read(path).unwrap();
        let ends = record_ends(&whole, &events[index_before..]);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(path, &changed).unwrap();
            let damaged = (index_before + ends.iter().filter(|end| **end <= at).count().saturating_sub(1)) as u64;
            assert_eq!(broken(scratch.path()).index, damaged, "byte {at} of {path:?}");
            assert!(show(scratch.path(), &mut Vec::new()).is_err());
            assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(_))) || path != paths.last().unwrap());
        }
        fs::write(path, &whole).unwrap();
        index_before += ends.len() - 1;
    }
    assert_eq!(verify(scratch.path()).unwrap().records, 6);
}

/// Ends of the header and of each record.
fn record_ends(file: &[u8], events: &[AuditEvent]) -> Vec<usize> {
    let mut ends = vec![file.iter().position(|byte| *byte == b'\n').unwrap() + 1];
    for (_, payload) in payloads(events) {
        let end = ends[ends.len() - 1] + 4 + payload.len() + 32;
        if end <= file.len() {
            ends.push(end);
        }
    }
    assert_eq!(ends.last(), Some(&file.len()));
    ends
}

/// F07: delete, swap, add, replay.
#[tokio::test]
async fn segments_that_were_moved_or_removed_are_found() {
    let scratch = Scratch::new();
    let events = numbered(4);
    let paths = write_log(scratch.path(), 1, &events).await;
    let files: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let restore = || paths.iter().zip(&files).for_each(|(path, file)| fs::write(path, file).unwrap());

    fs::remove_file(&paths[1]).unwrap();
    assert_eq!(broken(scratch.path()), Broken { index: 1, segment: folder::segment(2), why: Why::Missing });
    assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(_))));
    restore();
    fs::remove_file(&paths[0]).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (0, Why::Missing));
    restore();
    fs::write(&paths[1], &files[2]).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (1, Why::Header));
    assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(_))));
    restore();
    fs::write(&paths[1], &files[1][..files[1].len() - 1]).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (1, Why::Unfinished));
    assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(_))));
    restore();
    for torn in [0, 1, 60] {
        fs::write(&paths[1], &files[1][..torn]).unwrap();
        assert_eq!(broken(scratch.path()), Broken { index: 1, segment: folder::segment(1), why: Why::Header });
        assert!(matches!(open(scratch.path()), Err(OpenError::Damaged(_))));
    }
    restore();
    fs::write(&paths[3], [files[3].as_slice(), b"\0"].concat()).unwrap();
    assert_eq!(verify(scratch.path()).unwrap().unfinished_bytes, 1);
    fs::write(&paths[3], [files[3].as_slice(), &[0; 4]].concat()).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (4, Why::Length));
    restore();
    assert_eq!(verify(scratch.path()).unwrap().records, 4);

    let other = Scratch::new();
    let others = write_log(other.path(), 1, &events).await;
    fs::copy(&others[2], &paths[2]).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (2, Why::Header));
}

/// Two records of one segment, swapped whole.
#[tokio::test]
async fn swapped_records_are_found() {
    let scratch = Scratch::new();
    let events = numbered(4);
    let paths = write_log(scratch.path(), 1 << 20, &events).await;
    let whole = fs::read(&paths[0]).unwrap();
    let ends = record_ends(&whole, &events);
    let part = |index: usize| &whole[ends[index]..ends[index + 1]];
    fs::write(&paths[0], [&whole[..ends[1]], part(2), part(1), part(3)].concat()).unwrap();
    assert_eq!((broken(scratch.path()).index, broken(scratch.path()).why), (1, Why::Hash));
}

#[test]
fn ten_thousand_concurrent_appends_get_consecutive_indexes() {
    let scratch = Scratch::new();
    let (log, _) = FileLog::open(FileLogConfig { queue_bound: 10_000, ..config(scratch.path()) }, clock()).unwrap();
    let event = full(Timestamp::UNIX_EPOCH);
    let pending: Vec<_> = thread::scope(|scope| {
        let appender = || (0..1_250).map(|_| log.append(&event).unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(appender)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    log.close();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let indexes: BTreeSet<_> =
        runtime.block_on(async { futures_in_turn(pending).await }).into_iter().map(|r| r.unwrap().index()).collect();
    assert_eq!(indexes, (0..10_000).collect());
    assert_eq!(verify(scratch.path()).unwrap().records, 10_000);
}

async fn futures_in_turn(pending: Vec<PendingReceipt>) -> Vec<Result<crate::audit::AuditReceipt, AuditError>> {
    let mut results = Vec::new();
    for receipt in pending {
        results.push(receipt.await);
    }
    results
}

/// A reader beside the writer sees a sound log at any moment.
#[tokio::test]
async fn a_log_verifies_while_it_is_written() {
    let scratch = Scratch::new();
    let (log, _) = FileLog::open(FileLogConfig { segment_bytes: 20_000, ..config(scratch.path()) }, clock()).unwrap();
    for round in 0..100 {
        let pending: Vec<_> = numbered(20).into_iter().map(|event| log.append(&event).unwrap()).collect();
        assert!((round * 20..=round * 20 + 20).contains(&verify(scratch.path()).unwrap().records));
        futures_in_turn(pending).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_events_are_found_again(events in prop::collection::vec(any_event(), 0..20), segment_bytes in 1_u64..5_000) {
        let scratch = Scratch::quick();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(write_log(scratch.path(), segment_bytes, &events));
        prop_assert_eq!(read_all(scratch.path()), payloads(&events));
        prop_assert_eq!(verify(scratch.path()).unwrap().records, events.len() as u64);
        let (_, recovery) = open(scratch.path()).unwrap();
        prop_assert_eq!(recovery.records, events.len() as u64);
    }

    /// Garbage in place of a file, or after a header, is told and never panics.
    #[test]
    fn garbage_never_panics(garbage in prop::collection::vec(any::<u8>(), 1..400), after_header: bool, later: bool) {
        let scratch = Scratch::quick();
        open(scratch.path()).unwrap();
        let path = scratch.path().join(folder::segment(0));
        let header = if after_header { fs::read(&path).unwrap() } else { Vec::new() };
        fs::write(&path, [header, garbage.clone()].concat()).unwrap();
        if later {
            fs::write(scratch.path().join(folder::segment(7)), &garbage).unwrap();
        }
        let sound = verify(scratch.path()).is_ok_and(|verified| verified.records == 0);
        prop_assert!(!(sound && later));
        let _ = show(scratch.path(), &mut Vec::new());
        let opened = open(scratch.path()).is_ok();
        prop_assert!(opened || verify(scratch.path()).is_err());
    }
}
