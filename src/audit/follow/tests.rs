//! A follower gives what a scan gives, whatever is done to the files of a log that goes on.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::audit::Broken;
use crate::audit::segment::{self, NodeName, Payload};
use crate::audit::testing::{LOG, Scratch, any_event, bare, full};
use crate::audit::{AuditEvent, AuditLog as _, FileLog, FileLogConfig, read_dir};
use crate::clock::TestClock;

fn open_log(dir: &Path, segment_bytes: u64) -> FileLog {
    let config = FileLogConfig { segment_bytes, ..FileLogConfig::new(dir.into(), NodeName::parse("test").unwrap()) };
    FileLog::open(config, TestClock::at(Timestamp::UNIX_EPOCH)).unwrap().0
}

fn append(log: &FileLog, events: &[AuditEvent]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for event in events {
            log.append(event).unwrap().await.unwrap();
        }
    });
}

fn numbered(count: u64) -> Vec<AuditEvent> {
    (0..count).map(|intent| AuditEvent { intent: Some(intent), ..full(Timestamp::UNIX_EPOCH) }).collect()
}

/// Everything before `durable` that was not given yet.
fn drain(follower: &mut Follower, durable: u64) -> Vec<(u64, Vec<u8>)> {
    let mut payload = Vec::new();
    let mut given = Vec::new();
    while let Some(index) = follower.next(durable, &mut payload).unwrap() {
        given.push((index, payload.clone()));
    }
    given
}

fn scanned(dir: &Path, from: u64) -> Vec<(u64, Vec<u8>)> {
    read_dir(dir).unwrap().map(Result::unwrap).filter(|(index, _)| *index >= from).collect()
}

/// As the sealing of a segment leaves it; with both files when it is interrupted before the last step.
fn pack(dir: &Path, first: u64, interrupted: bool) {
    let raw = fs::read(dir.join(folder::segment(first))).unwrap();
    fs::write(dir.join(folder::packed(first)), zstd::bulk::compress(&raw, 3).unwrap()).unwrap();
    if !interrupted {
        fs::remove_file(dir.join(folder::segment(first))).unwrap();
    }
}

fn fault(result: Result<Option<u64>, ReadError>) -> (u64, Why) {
    match result {
        Err(ReadError::Broken(broken)) => (broken.index, broken.why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_are_given_as_they_become_durable() {
    let scratch = Scratch::new();
    let log = open_log(scratch.path(), 2_000);
    let durable = log.durable();
    assert_eq!(*durable.borrow(), 0);
    let mut follower = Follower::open(scratch.path(), 0).unwrap();
    assert_eq!(follower.log(), log.id());
    let mut given = Vec::new();
    for part in numbered(12).chunks(3) {
        append(&log, part);
        given.extend(drain(&mut follower, *durable.borrow()));
        assert_eq!(given, scanned(scratch.path(), 0));
    }
    assert_eq!(given.len(), 12);
    drop(log);
    let log = open_log(scratch.path(), 2_000);
    assert_eq!(*log.durable().borrow(), 12);
    assert_eq!(drain(&mut Follower::open(scratch.path(), 5).unwrap(), 12), scanned(scratch.path(), 5));
}

/// Nobody reads what the log still has in memory, and a log that began anew is read on from where that ended.
#[test]
fn what_is_in_memory_is_not_read() {
    let scratch = Scratch::new();
    let log = open_log(scratch.path(), 2_000);
    append(&log, &numbered(2));
    let mut follower = Follower::open(scratch.path(), 0).unwrap().beside(log.recent());
    append(&log, &numbered(10));
    let written = scanned(scratch.path(), 0);
    let paths: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    paths.iter().for_each(|path| fs::write(path, "").unwrap());
    assert_eq!(drain(&mut follower, 12), written);
    paths.iter().zip(files).for_each(|(path, file)| fs::write(path, file).unwrap());
    drop(log);
    let log = open_log(scratch.path(), 2_000);
    append(&log, &numbered(5));
    assert_eq!(drain(&mut follower, 17), scanned(scratch.path(), 12));
}

/// The writer takes back a batch that it could not flush and writes others in its place.
#[test]
fn bytes_that_were_taken_back_are_not_believed() {
    let scratch = Scratch::new();
    let log = open_log(scratch.path(), 1 << 20);
    append(&log, &numbered(2));
    let path = scratch.path().join(folder::segment(0));
    let durable_bytes = fs::metadata(&path).unwrap().len();
    let at = scan::Scan::open(scratch.path()).unwrap().finish().unwrap().at;
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let write = |file: &mut fs::File, event: &AuditEvent| {
        let mut bytes = Vec::new();
        let mut payload = Payload::default();
        payload.encode(event, LOG);
        payload.frame(&mut bytes);
        segment::link(at, &mut bytes, 1).unwrap();
        file.write_all(&bytes).unwrap();
    };
    let mut follower = Follower::open(scratch.path(), 0).unwrap();
    write(&mut file, &AuditEvent { intent: Some(99), ..full(Timestamp::UNIX_EPOCH) });
    // Only one of the two durable ones, so that the buffer with all three stays.
    let mut payload = Vec::new();
    assert_eq!(follower.next(2, &mut payload).unwrap(), Some(0));
    assert_eq!(follower.next(2, &mut payload).unwrap(), Some(1));
    file.set_len(durable_bytes).unwrap();
    write(&mut file, &bare(Timestamp::UNIX_EPOCH));
    assert_eq!(follower.next(3, &mut payload).unwrap(), Some(2));
    assert_eq!(
        String::from_utf8(payload).unwrap(),
        String::from_utf8(scanned(scratch.path(), 2)[0].1.clone()).unwrap()
    );
}

/// The next segment has no header yet, or a part of one, when a follower opens at its first record.
#[test]
fn a_segment_in_the_making_is_waited_for() {
    let scratch = Scratch::new();
    let log = open_log(scratch.path(), 1);
    append(&log, &numbered(3));
    let newest = scratch.path().join(folder::segment(2));
    let whole = fs::read(&newest).unwrap();
    for length in [0, 30, 100] {
        fs::write(&newest, &whole[..length]).unwrap();
        let mut follower = Follower::open(scratch.path(), 2).unwrap();
        assert_eq!(drain(&mut follower, 2), []);
        fs::write(&newest, &whole).unwrap();
        assert_eq!(drain(&mut follower, 3), scanned(scratch.path(), 2));
    }
}

#[test]
fn damage_is_told_with_its_index() {
    let scratch = Scratch::new();
    let mut payload = Vec::new();
    assert!(matches!(Follower::open(scratch.path(), 0), Err(ReadError::Broken(Broken { why: Why::NotBegun, .. }))));
    let log = open_log(scratch.path(), 1);
    append(&log, &numbered(4));
    drop(log);
    let path = |first| scratch.path().join(folder::segment(first));
    let follower = |from| Follower::open(scratch.path(), from).unwrap();

    // More is said to be durable than there is.
    let mut at_end = follower(3);
    assert_eq!(at_end.next(5, &mut payload).unwrap(), Some(3));
    assert_eq!(fault(at_end.next(5, &mut payload)), (4, Why::Missing));

    let whole = fs::read(path(2)).unwrap();
    fs::write(path(2), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(fault(follower(2).next(4, &mut payload)), (2, Why::Unfinished));
    let mut changed = whole.clone();
    changed[150] ^= 1;
    fs::write(path(2), &changed).unwrap();
    assert_eq!(fault(follower(2).next(4, &mut payload)), (2, Why::Hash));
    fs::remove_file(path(2)).unwrap();
    let mut passing = follower(1);
    assert_eq!(passing.next(4, &mut payload).unwrap(), Some(1));
    assert_eq!(fault(passing.next(4, &mut payload)), (2, Why::Missing));
    fs::write(path(2), fs::read(path(1)).unwrap()).unwrap();
    assert!(matches!(Follower::open(scratch.path(), 2), Err(ReadError::Broken(Broken { index: 2, .. }))));
    fs::write(path(2), &whole).unwrap();

    pack(scratch.path(), 2, false);
    assert_eq!(drain(&mut follower(0), 4).len(), 4);
    let packed_path = scratch.path().join(folder::packed(2));
    let packed = fs::read(&packed_path).unwrap();
    for damaged in
        [&packed[..packed.len() - 1], &[packed.as_slice(), b"x"].concat(), &[packed.as_slice(), &packed].concat()]
    {
        fs::write(&packed_path, damaged).unwrap();
        let mut passing = follower(1);
        assert_eq!(passing.next(4, &mut payload).unwrap(), Some(1));
        let index = loop {
            match passing.next(4, &mut payload) {
                Ok(Some(_)) => {}
                other => break fault(other),
            }
        };
        assert!(matches!(index, (2 | 3, Why::Packed)), "{index:?}");
        assert!(scan::Scan::open(scratch.path()).unwrap().finish().is_err());
    }
}

/// A log whose last segment is compressed lost the one that was written to.
#[test]
fn a_log_never_ends_with_a_compressed_segment() {
    let scratch = Scratch::new();
    let log = open_log(scratch.path(), 1);
    append(&log, &numbered(2));
    drop(log);
    pack(scratch.path(), 1, false);
    let end = scan::Scan::open_last(scratch.path()).and_then(scan::Scan::finish);
    assert!(matches!(end, Err(ReadError::Broken(Broken { index: 2, why: Why::Missing, .. }))));
}

/// What happens to a log beside its followers.
#[derive(Debug, Clone)]
enum Happening {
    Append(Vec<AuditEvent>),
    /// The closed segment with this number, counted round, is compressed; whether its raw file stays.
    Pack(usize, bool),
    /// A follower is opened here, counted round over what is durable; whether it has the memory of the log.
    Open(u64, bool),
    /// All followers go on to what is durable.
    Follow,
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => prop::collection::vec(any_event(), 1..6).prop_map(Happening::Append),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, stays)| Happening::Pack(at, stays)),
        1 => (any::<u64>(), any::<bool>()).prop_map(|(at, beside)| Happening::Open(at, beside)),
        2 => Just(Happening::Follow),
        1 => Just(Happening::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_follower_gives_what_a_scan_gives(segment_bytes in 1_u64..4_000, story in prop::collection::vec(happening(), 1..24)) {
        let scratch = Scratch::quick();
        let mut log = open_log(scratch.path(), segment_bytes);
        let mut followers = Vec::new();
        for step in story.into_iter().chain([Happening::Follow]) {
            let durable = *log.durable().borrow();
            match step {
                Happening::Append(events) => append(&log, &events),
                Happening::Pack(at, stays) => {
                    let firsts = scan::list(scratch.path()).unwrap();
                    let first = firsts[at % firsts.len()];
                    if Some(&first) != firsts.back() && scratch.path().join(folder::segment(first)).exists() {
                        pack(scratch.path(), first, stays);
                    }
                }
                Happening::Open(at, beside) => {
                    let from = at % (durable + 1);
                    let recent = if beside { log.recent() } else { Recent::default() };
                    followers.push((from, Follower::open(scratch.path(), from).unwrap().beside(recent), Vec::new()));
                }
                Happening::Follow => {
                    for (from, follower, given) in &mut followers {
                        given.extend(drain(follower, durable));
                        prop_assert_eq!(&*given, &scanned(scratch.path(), *from));
                    }
                }
                Happening::Restart => {
                    drop(log);
                    log = open_log(scratch.path(), segment_bytes);
                }
            }
        }
    }
}
