//! What an earlier release wrote stays sound and readable, and its log goes on: the folders in `fixtures/audit-log`.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::*;
use crate::audit::file::FoundLog;
use crate::audit::reader::Segment;
use crate::audit::segment::LENGTH_BYTES;
use crate::audit::signer::{Pace, SignedTree, keys_of};
use crate::audit::testing::{Scratch, bare};
use crate::audit::{AuditLog as _, FileLog, FileLogConfig, NodeName, read_dir};
use crate::clock::{SharedClock, TestClock};
use crate::secret::Secret;

/// The records of the fixture, and the first in its last segment.
const RECORDS: u64 = 262;
const LAST: u64 = 251;

fn fixture() -> Scratch {
    kept("version-1")
}

/// A copy of what an earlier release wrote.
fn kept(name: &str) -> Scratch {
    let scratch = Scratch::quick();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit-log").join(name), scratch.path());
    scratch
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn clock() -> SharedClock {
    TestClock::at(Timestamp::UNIX_EPOCH)
}

fn find(dir: &Path) -> FoundLog {
    FileLog::find(FileLogConfig::new(dir.into(), NodeName::parse("test").unwrap())).unwrap()
}

fn append(log: &FileLog, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..count {
        runtime.block_on(log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()).unwrap();
    }
}

/// Opens the log, appends so many and closes it; how many records it found.
fn go_on(dir: &Path, count: usize) -> u64 {
    let (log, recovery) = find(dir).start(clock()).unwrap();
    append(&log, count);
    recovery.records
}

fn version_of(dir: &Path, first: u64) -> Version {
    Segment::open(dir, first).unwrap().header().unwrap().version
}

fn all() -> Verification<'static> {
    Verification { keys: None, outside: Vec::new(), jobs: NonZeroUsize::MIN, state: None, progress: &|_| () }
}

fn why(dir: &Path) -> (u64, Why) {
    match verify(dir) {
        Err(ReadError::Broken(broken)) => (broken.index, broken.why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_log_of_version_1_is_sound_and_goes_on_in_version_2() {
    let scratch = fixture();
    let dir = scratch.path();
    let outside = fs::read_to_string(dir.join(folder::CHECKPOINT)).unwrap();
    let verified = verify(dir).unwrap();
    assert_eq!((verified.records, verified.signed), (RECORDS, RECORDS));
    let old = fs::read(dir.join(folder::segment(LAST))).unwrap();

    let found = find(dir);
    let keys = keys_of(found.id(), &Secret::new([7; 32]), &[]).unwrap();
    let tree = SignedTree::open(dir, &found, keys, &[]).unwrap();
    let (log, _) = found.start(clock()).unwrap();
    append(&log, 12);
    let mut tree = tree.beside(log.recent());
    tree.turn(*log.durable().borrow(), clock().monotonic(), Pace::default(), true).unwrap();
    drop(log);

    assert_eq!(fs::read(dir.join(folder::segment(LAST))).unwrap(), old, "what was written stays as it is");
    assert_eq!([0, LAST, RECORDS].map(|first| version_of(dir, first)), [Version::One, Version::One, Version::Two]);
    let state = Scratch::quick();
    let again = || Verification {
        outside: vec![OutsideCopy { name: "safe".to_owned(), text: outside.clone() }],
        state: Some(state.path().join("state")),
        ..all()
    };
    for resumed in [0, RECORDS] {
        let verified = again().run(dir).unwrap();
        assert_eq!((verified.records, verified.signed, verified.outside), (RECORDS + 12, RECORDS + 12, 1));
        assert_eq!(verified.resumed, resumed);
    }
    assert_eq!(read_dir(dir).unwrap().filter(Result::is_ok).count() as u64, RECORDS + 12);
    assert_eq!(go_on(dir, 1), RECORDS + 12);
    assert_eq!(verify(dir).unwrap().records, RECORDS + 13);
}

#[test]
fn a_log_that_went_on_in_version_2_is_sound() {
    let scratch = kept("version-2");
    let verified = verify(scratch.path()).unwrap();
    assert_eq!((verified.records, verified.signed), (RECORDS + 12, RECORDS + 12));
    assert_eq!(version_of(scratch.path(), RECORDS), Version::Two);
    assert_eq!(go_on(scratch.path(), 1), RECORDS + 12);
    assert_eq!(verify(scratch.path()).unwrap().records, RECORDS + 13);
}

/// Its name is that of the segment that would follow it.
#[test]
fn a_segment_of_version_1_without_records_is_written_anew() {
    let scratch = fixture();
    let dir = scratch.path();
    let last = dir.join(folder::segment(LAST));
    let header = Segment::open(dir, LAST).unwrap().line().to_vec();
    fs::write(&last, &header).unwrap();
    assert_eq!(go_on(dir, 2), LAST);
    assert_eq!((version_of(dir, LAST), read_dir(dir).unwrap().count() as u64), (Version::Two, LAST + 2));

    let log = LogId::parse("inzage-test-00000000000000ff").unwrap();
    let header = Header { version: Version::One, start: Position::start(&log, Version::One), log };
    let line = header.line();
    for length in (0..=line.len()).rev().step_by(19) {
        let scratch = Scratch::quick();
        fs::write(scratch.path().join(folder::segment(0)), &line[..length]).unwrap();
        assert_eq!(go_on(scratch.path(), 1), 0, "{length}");
        assert_eq!((version_of(scratch.path(), 0), verify(scratch.path()).unwrap().records), (Version::Two, 1));
    }
}

#[test]
fn an_end_of_version_1_that_was_cut_or_changed_is_told_for_what_it_is() {
    let scratch = fixture();
    let dir = scratch.path();
    for name in [folder::CHECKPOINT, folder::CHECKPOINTS] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    let last = dir.join(folder::segment(LAST));
    let whole = fs::read(&last).unwrap();
    let payload = read_dir(dir).unwrap().last().unwrap().unwrap().1;
    let begins = whole.len() - LENGTH_BYTES - payload.len() - 32;
    for cut in (begins..whole.len()).step_by(101) {
        fs::write(&last, &whole[..cut]).unwrap();
        assert_eq!(go_on(dir, 1), RECORDS - 1, "cut at {cut}");
        assert_eq!(fs::read(&last).unwrap(), whole[..begins], "cut at {cut}");
        assert_eq!(version_of(dir, RECORDS - 1), Version::Two);
        fs::remove_file(dir.join(folder::segment(RECORDS - 1))).unwrap();
    }
    for at in (begins..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x21;
        fs::write(&last, changed).unwrap();
        let (index, why) = why(dir);
        assert_eq!(index, RECORDS - 1, "byte {at}");
        assert!(matches!(why, Why::Hash | Why::Length), "byte {at}: {why}");
    }
}

/// By the version in its header a record is read otherwise, so that is covered like the rest.
#[test]
fn a_segment_is_not_taken_for_one_of_another_version() {
    let scratch = fixture();
    let dir = scratch.path();
    let with_version = |first: u64, version: u8| {
        let path = dir.join(folder::segment(first));
        let mut bytes = fs::read(&path).unwrap();
        let at = "inzage-audit-segment ".len();
        assert_ne!(std::mem::replace(&mut bytes[at], version), version);
        fs::write(path, bytes).unwrap();
    };
    with_version(LAST, b'2');
    assert_eq!(why(dir), (LAST, Why::Hash));
    with_version(LAST, b'3');
    assert_eq!(why(dir), (LAST, Why::Header));
    with_version(LAST, b'1');
    go_on(dir, 1);
    with_version(RECORDS, b'1');
    assert_eq!(why(dir), (RECORDS, Why::Hash));

    let scratch = Scratch::quick();
    go_on(scratch.path(), 0);
    let path = scratch.path().join(folder::segment(0));
    let line = fs::read_to_string(&path).unwrap();
    fs::write(&path, line.replacen("segment 2", "segment 1", 1)).unwrap();
    assert_eq!(why(scratch.path()), (0, Why::Header), "also where no record shows it");
    let header = Header::parse(line.as_bytes()).unwrap();
    let next = |version, at| Header { version, log: header.log.clone(), start: at }.line();
    fs::write(&path, &line).unwrap();
    go_on(scratch.path(), 1);
    let at = scan::Scan::open(scratch.path()).unwrap().finish().unwrap().at;
    let later = scratch.path().join(folder::segment(1));
    fs::write(&later, next(Version::Two, at)).unwrap();
    assert_eq!(verify(scratch.path()).unwrap().records, 1);
    fs::write(&later, next(Version::One, at)).unwrap();
    assert_eq!(why(scratch.path()), (1, Why::Header), "no older version follows");
    assert!(FileLog::find(FileLogConfig::new(scratch.path().into(), NodeName::parse("test").unwrap())).is_err());
}
