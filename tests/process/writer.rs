//! The writer of the audit log as a process of its own, of which strace makes the n-th call fail, for n = 1 to 50 and every
//! call and error that means something: what was acknowledged is what is found, and after what must end it nothing is.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use inzage::audit::{
    AuditError, AuditEvent, AuditLog as _, FileLog, FileLogConfig, Kind, NodeName, Outcome, read_dir, verify,
};
use inzage::clock::TestClock;
use jiff::Timestamp;
use serde_json::Value;

use crate::faults::skip;
use crate::harness::Home;

/// Tells a test that it is the process to be hit, and where its folder is.
const HOME: &str = "INZAGE_TEST_WRITER";
/// More than the calls of any kind that are made to fail.
const APPENDS: u64 = 60;
/// A segment takes a few records, so that there are many.
const SEGMENT_BYTES: u64 = 700;
const NTH_MAX: u64 = 50;
/// Of which there are at least so many.
const SEGMENTS_MIN: u64 = 10;

/// What the process wrote down before the next append: the answers in order.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The record and the event in it.
    Durable { index: u64, number: u64 },
    /// Not now.
    Full,
    /// Not any more.
    Stopped,
    /// The log did not open.
    Unopened,
}

/// What a fault must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consequence {
    /// Nothing is taken until a restart.
    Stops,
    /// The log goes on by itself.
    Waits,
    /// The log waits, and finds that it cannot go on.
    WaitsThenStops,
}

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
enum Run {
    /// There was no n-th call.
    Untouched,
    /// The fault had its consequence.
    Hit,
    /// This machine does not allow it.
    Skipped,
}

#[test]
fn the_nth_flush_that_fails_is_the_last() {
    for error in ["EIO", "ENOSPC", "EDQUOT"] {
        every_nth(&[format!("fdatasync:error={error}")], Consequence::Stops, NTH_MAX);
        every_nth(&[format!("fsync:error={error}")], Consequence::Stops, SEGMENTS_MIN);
    }
}

#[test]
fn the_nth_write_that_fails_is_the_last() {
    every_nth(&["write:error=EIO".to_owned()], Consequence::Stops, NTH_MAX);
}

#[test]
fn the_nth_write_without_room_is_made_up_for() {
    for error in ["ENOSPC", "EDQUOT", "EFBIG", "EROFS"] {
        every_nth(&[format!("write:error={error}")], Consequence::Waits, NTH_MAX);
    }
}

#[test]
fn the_nth_segment_that_cannot_be_made_is_made_later() {
    for error in ["EMFILE", "ENFILE", "EACCES", "EROFS", "ENOSPC", "EDQUOT"] {
        every_nth(&[format!("openat:error={error}")], Consequence::Waits, SEGMENTS_MIN);
    }
}

#[test]
fn the_nth_segment_that_cannot_be_made_for_another_reason_is_the_last() {
    every_nth(&["openat:error=EIO".to_owned()], Consequence::Stops, SEGMENTS_MIN);
}

/// The write finds no room, and what it or the probe left cannot be cut off.
#[test]
fn what_cannot_be_cut_off_ends_the_log() {
    let faults = ["write:error=ENOSPC".to_owned(), "ftruncate:error=EIO:when=1+".to_owned()];
    every_nth(&faults, Consequence::WaitsThenStops, NTH_MAX);
}

/// Runs the writer once for each n, as far as there is an n-th call, and at least so often.
fn every_nth(faults: &[String], consequence: Consequence, least: u64) {
    for nth in 1..=NTH_MAX {
        let mut faults = faults.to_vec();
        faults[0] += &format!(":when={nth}");
        match hit(&faults, consequence) {
            Run::Hit => {}
            Run::Untouched => return assert!(nth > least, "{faults:?} was never met"),
            Run::Skipped => return,
        }
    }
}

/// One run with these faults.
fn hit(faults: &[String], consequence: Consequence) -> Run {
    let home = Home::new();
    let Some(told) = run(&home, faults) else { return Run::Skipped };
    let context = format!("{faults:?}: {told:?}");
    let acknowledged: Vec<_> = told.iter().filter_map(Told::number).collect();
    let found = numbers(&home.path("audit"));
    assert_eq!(acknowledged, found, "{context}");
    assert!(consequence.fits(&told), "{context}");
    // A restart recovers.
    let records = found.len() as u64;
    assert_eq!(append(&home.path("audit"), records..records + 3, |_| {}), 3, "{context}");
    assert_eq!(verify(&home.path("audit")).unwrap().records, records + 3);
    if records == APPENDS { Run::Untouched } else { Run::Hit }
}

impl Told {
    const fn number(&self) -> Option<u64> {
        if let Self::Durable { number, .. } = self { Some(*number) } else { None }
    }

    const fn index(&self) -> Option<u64> {
        if let Self::Durable { index, .. } = self { Some(*index) } else { None }
    }

    fn parse(line: &str) -> Self {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["durable", index, number] => {
                Self::Durable { index: index.parse().unwrap(), number: number.parse().unwrap() }
            }
            ["full"] => Self::Full,
            ["stopped"] => Self::Stopped,
            ["unopened"] => Self::Unopened,
            _ => panic!("{line}"),
        }
    }
}

impl Consequence {
    /// Indexes are consecutive; a log that stopped or never opened tells nothing else after that.
    fn fits(self, told: &[Told]) -> bool {
        let durable = told.iter().filter_map(Told::index);
        let consecutive = durable.clone().eq(0..durable.count() as u64);
        let full = told.iter().filter(|told| **told == Told::Full).count();
        let ended = told.iter().skip_while(|told| **told != Told::Stopped);
        let silent = ended.clone().all(|told| *told == Told::Stopped);
        let fits = match self {
            Self::Stops => full == 0 && silent,
            Self::Waits => full <= 1 && ended.count() == 0,
            Self::WaitsThenStops => full <= 1 && silent && ended.count() > 0,
        };
        consecutive && (fits || told == [Told::Unopened])
    }
}

/// The numbers of the events in a log, in order; none when it was never begun.
fn numbers(audit: &Path) -> Vec<u64> {
    let Ok(records) = read_dir(audit) else { return Vec::new() };
    records
        .map(|record| serde_json::from_slice::<Value>(&record.unwrap().1).unwrap()["intent"].as_u64().unwrap())
        .collect()
}

/// Runs the test that asks, once more, as the writer under strace; what it told. `None` when the machine does not allow it.
fn run(home: &Home, faults: &[String]) -> Option<Vec<Told>> {
    if std::env::var_os(HOME).is_some() {
        panic!("the writer runs the tests of itself");
    }
    let audit = home.path("audit");
    let segments = (0..=APPENDS).map(|first| audit.join(format!("segment-{first:020}.log")));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    for path in std::iter::once(audit.clone()).chain(segments) {
        strace.arg("-P").arg(path);
    }
    strace.args(faults.iter().map(|fault| format!("--inject={fault}")));
    let ended = strace
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "writer::writes_what_it_is_told_to"])
        .env(HOME, home.path(""))
        .stdin(Stdio::null())
        .output();
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return skip(&format!("strace: {error}")),
    };
    match fs::read_to_string(home.path("told")) {
        Ok(told) => Some(told.lines().map(Told::parse).collect()),
        Err(_) => skip(String::from_utf8_lossy(&ended.stderr).trim()),
    }
}

/// The process that is hit; as a test of its own it appends to a log that nothing happens to.
#[test]
fn writes_what_it_is_told_to() {
    let own = Home::new();
    let home = std::env::var_os(HOME).map_or_else(|| own.path(""), Into::into);
    let mut ledger = File::create(home.join("told")).unwrap();
    let durable = append(&home.join("audit"), 0..APPENDS, |line| ledger.write_all(line.as_bytes()).unwrap());
    assert!(durable == APPENDS || std::env::var_os(HOME).is_some());
}

/// Appends events with these numbers, one after the other, and tells the answers; how many are durable. A full device is
/// asked again with the next.
fn append(audit: &Path, numbers: std::ops::Range<u64>, mut tell: impl FnMut(&str)) -> u64 {
    let clock = TestClock::at(Timestamp::UNIX_EPOCH);
    let config = FileLogConfig {
        segment_bytes: SEGMENT_BYTES,
        ..FileLogConfig::new(audit.into(), NodeName::parse("test").unwrap())
    };
    let Ok((log, _)) = FileLog::open(config, clock.clone()) else {
        tell("unopened\n");
        return 0;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut durable = 0;
    for number in numbers {
        let event = AuditEvent {
            intent: Some(number),
            ..AuditEvent::new(Timestamp::UNIX_EPOCH, Kind::NodeStarted, Outcome::Done)
        };
        match log.append(&event).and_then(|pending| runtime.block_on(pending)) {
            Ok(receipt) => {
                durable += 1;
                tell(&format!("durable {} {number}\n", receipt.index()));
            }
            Err(AuditError::Full) => tell("full\n"),
            Err(_) => tell("stopped\n"),
        }
        clock.advance(Duration::from_secs(1));
    }
    durable
}
