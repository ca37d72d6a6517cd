//! Log and signer as a process of their own, killed with SIGKILL at the n-th call of each kind that they make on the folder of
//! the log, for every n that there is: what was acknowledged and what was signed is there at the next start, which extends
//! the newest checkpoint that anybody saw (F01, F02).

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::keys::LogKeys;
use inzage::audit::signer::{Outside, Pace, SignError, SignedTree, Signer, keys_of};
use inzage::audit::{AuditEvent, AuditLog as _, FileLog, FileLogConfig, Kind, NodeName, Outcome, verify};
use inzage::clock::TestClock;
use inzage::secret::Secret;
use jiff::Timestamp;

use crate::faults::skip;
use crate::harness::Home;

/// Tells a test that it is the process to be killed, and where its folder is.
const HOME: &str = "INZAGE_TEST_SIGNED";
/// Each ends in order, with everything signed.
const LIVES: u64 = 3;
/// In each life; with so many a tile becomes full in the second.
const APPENDS: u64 = 130;
const AT_ONCE: u64 = 10;
/// So that each life begins some segments.
const SEGMENT_BYTES: u64 = 6_000;
const PACE: Pace = Pace { every: Duration::from_secs(10), records: 1_000, overdue: Duration::from_secs(300) };

/// A log that is open, with its signer.
struct Node {
    log: FileLog,
    signer: Signer,
}

impl Node {
    fn open(audit: &Path, outside: &[Outside]) -> Result<Self, SignError> {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let config = FileLogConfig {
            segment_bytes: SEGMENT_BYTES,
            ..FileLogConfig::new(audit.into(), NodeName::parse("test").unwrap())
        };
        let found = FileLog::find(config).unwrap();
        let keys = keys_of(found.id(), &Secret::new([7; 32]), &[])?;
        let tree = SignedTree::open(audit, &found, keys, outside)?;
        let (log, _) = found.start(clock.clone()).unwrap();
        let signer = Signer::start(tree, log.durable(), PACE, clock).unwrap();
        Ok(Self { log, signer })
    }

    /// Appends so many events, some at once; tells how many are acknowledged.
    fn append(&self, count: u64, mut tell: impl FnMut(u64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let event = AuditEvent::new(Timestamp::UNIX_EPOCH, Kind::NodeStarted, Outcome::Done);
        for _ in 0..count / AT_ONCE {
            let pending: Vec<_> = (0..AT_ONCE).map(|_| self.log.append(&event).unwrap()).collect();
            for receipt in pending {
                tell(runtime.block_on(receipt).unwrap().index() + 1);
            }
        }
    }

    /// Signs everything and ends; the last checkpoint.
    fn close(self) -> Checkpoint {
        self.signer.finish();
        self.log.close();
        self.signer.newest().borrow().as_ref().unwrap().checkpoint().clone()
    }
}

#[test]
fn a_kill_at_any_call_leaves_a_log_that_extends_what_was_signed() {
    for call in ["write", "fdatasync", "fsync", "openat", "rename", "mkdir"] {
        let mut met = 0;
        for nth in 1.. {
            match killed_at(call, nth) {
                Some(true) => met += 1,
                Some(false) => break,
                None => return,
            }
        }
        assert!(met > 0, "{call} was never made");
        println!("killed at each of {met} calls of {call}");
    }
}

/// One run that is killed at this call, if it makes so many; `None` when the machine does not allow it.
fn killed_at(call: &str, nth: u32) -> Option<bool> {
    let home = Home::new();
    let audit = home.path("audit");
    let ended = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", &format!("--inject={call}:signal=KILL:when={nth}")])
        .args(watched(&audit).iter().flat_map(|path| [Path::new("-P"), path]))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "signed::lives_and_signs"])
        .env(HOME, home.path(""))
        .stdin(Stdio::null())
        .output();
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return skip(&format!("strace: {error}")),
    };
    if !home.path("told").exists() {
        return skip(String::from_utf8_lossy(&ended.stderr).trim());
    }
    let context = format!("{call}, {nth}");
    let (acknowledged, seen) = told(&home.path("told"));
    let outside = seen.map(|checkpoint| Outside { place: "the test".to_owned(), checkpoint });
    let node = Node::open(&audit, outside.as_slice()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let records = *node.log.durable().borrow();
    assert!(records >= acknowledged, "{context}: {records} of {acknowledged}");
    node.append(AT_ONCE, |_| {});
    let last = node.close();
    assert_eq!(last.size, records + AT_ONCE, "{context}");
    assert_eq!(verify(&audit).unwrap().records, last.size, "{context}");
    // Who has only the folder can check it.
    let keys = LogKeys::parse(&fs::read_to_string(audit.join("verifier-keys")).expect(&context)).unwrap();
    let newest = fs::read_to_string(audit.join("checkpoint")).unwrap();
    assert_eq!(keys.open(&newest).unwrap().0, last, "{context}");
    Some(!ended.status.success())
}

/// What the log consists of: strace tells nothing of other files.
fn watched(audit: &Path) -> Vec<PathBuf> {
    let names = ["checkpoint", "checkpoint.tmp", "checkpoints", "verifier-keys", "verifier-keys.tmp", "tile", "tile/0"];
    let tiles = (0..2).flat_map(|tile| [format!("tile/0/{tile:03}"), format!("tile/0/{tile:03}.tmp")]);
    let segments = (0..LIVES * APPENDS).map(|first| format!("segment-{first:020}.log"));
    let names = names.map(str::to_owned).into_iter().chain(tiles).chain(segments);
    std::iter::once(audit.to_owned()).chain(names.map(|name| audit.join(name))).collect()
}

/// How many records were acknowledged, and the newest checkpoint that anybody saw.
fn told(path: &Path) -> (u64, Option<Checkpoint>) {
    let text = fs::read_to_string(path).unwrap();
    let acknowledged = text.lines().filter_map(|line| line.strip_prefix("durable ")).next_back();
    let signed = text.rsplit_once("signed\n").map(|(_, rest)| rest.split_inclusive('\n').take(3).collect::<String>());
    let acknowledged = acknowledged.map_or(0, |count| count.parse().unwrap());
    (acknowledged, signed.map(|text| Checkpoint::parse(&text).unwrap()))
}

/// The process that is killed; as a test of its own it lives all its lives.
#[test]
fn lives_and_signs() {
    let own = Home::new();
    let home: PathBuf = std::env::var_os(HOME).map_or_else(|| own.path(""), Into::into);
    let ledger = Arc::new(File::create(home.join("told")).unwrap());
    let tell = |line: String| (&*ledger).write_all(line.as_bytes()).unwrap();
    for life in 1..=LIVES {
        let node = Node::open(&home.join("audit"), &[]).unwrap();
        node.append(APPENDS, |count| tell(format!("durable {count}\n")));
        let last = node.close();
        tell(format!("signed\n{}", last.text()));
        assert_eq!(last.size, life * APPENDS);
    }
}
