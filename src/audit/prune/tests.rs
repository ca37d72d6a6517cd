//! Records go after their retention and no earlier, whatever interrupts it, and everything about the log stays provable.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::audit::keeper::seal_next;
use crate::audit::prove::Prover;
use crate::audit::signer::{SignedTree, Signer, keys_of};
use crate::audit::testing::{Scratch, full};
use crate::audit::tree::RightEdge;
use crate::audit::{
    AuditLog as _, Broken, FileLog, FileLogConfig, NodeName, Verification, VerifyError, read_dir, verify,
};
use crate::clock::TestClock;
use crate::secret::Secret;

const DAY: i64 = 86_400;

fn config(dir: &Path, segment_bytes: u64) -> FileLogConfig {
    FileLogConfig { segment_bytes, ..FileLogConfig::new(dir.into(), NodeName::parse("test").unwrap()) }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A sealed log and what signs for it.
struct Sealed {
    folder: Scratch,
    segment_bytes: u64,
    key: SigningKey,
    keys: LogKeys,
    newest: Arc<SignedCheckpoint>,
}

impl Sealed {
    /// A log with a record at each of these times, all of it signed.
    fn new(times: &[i64], segment_bytes: u64) -> Self {
        let folder = Scratch::quick();
        append(folder.path(), times, segment_bytes);
        let (newest, key, keys) = sign(folder.path(), segment_bytes).unwrap();
        while seal_next(folder.path(), &key, &newest).unwrap() {}
        Self { folder, segment_bytes, key, keys, newest }
    }

    /// A record an hour.
    fn hourly(records: i64) -> Self {
        Self::new(&(0..records).map(|hour| hour * 3_600).collect::<Vec<_>>(), 12_000)
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn plan(&self, days: u32, now: i64) -> Option<Plan> {
        Plan::make(self.dir(), &self.keys, &self.newest, Retention { days, now: at(now) }).unwrap()
    }

    fn records(&self) -> Vec<(u64, Vec<u8>)> {
        read_dir(self.dir()).unwrap().map(Result::unwrap).collect()
    }

    fn more(&mut self, times: &[i64]) {
        append(self.dir(), times, self.segment_bytes);
        (self.newest, _, _) = sign(self.dir(), self.segment_bytes).unwrap();
        while seal_next(self.dir(), &self.key, &self.newest).unwrap() {}
    }

    fn damage(&self) -> Broken {
        match verify(self.dir()) {
            Err(ReadError::Broken(broken)) => broken,
            other => panic!("{other:?}"),
        }
    }
}

fn append(dir: &Path, times: &[i64], segment_bytes: u64) {
    let (log, _) = FileLog::open(config(dir, segment_bytes), TestClock::at(at(0))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        // A segment ends with a flush, so these are small.
        for part in times.chunks(15) {
            let pending: Vec<_> = part.iter().map(|time| log.append(&full(at(*time))).unwrap()).collect();
            for receipt in pending {
                receipt.await.unwrap();
            }
        }
    });
    log.close();
}

type Signed = (Arc<SignedCheckpoint>, SigningKey, LogKeys);

/// Starts as a node does, and signs all of the log.
fn sign(dir: &Path, segment_bytes: u64) -> Result<Signed, crate::audit::signer::SignError> {
    let seed = Secret::new([7; 32]);
    let found = FileLog::find(config(dir, segment_bytes)).unwrap();
    let (key, keys) = keys_of(found.id(), &seed, &[])?;
    let tree = SignedTree::open(dir, &found, keys_of(found.id(), &seed, &[])?, &[])?;
    let (_durable, durable) = watch::channel(found.records());
    drop(found);
    let signer = Signer::start(tree, durable, Default::default(), TestClock::at(at(0))).unwrap();
    signer.finish();
    let newest = signer.newest().borrow().clone().unwrap();
    Ok((newest, key, keys))
}

/// Verifies with the keys from elsewhere.
fn verified(log: &Sealed) -> crate::audit::Verified {
    let jobs = std::num::NonZeroUsize::MIN;
    let all = Verification { keys: Some(log.keys.clone()), outside: Vec::new(), jobs, state: None, progress: &|_| () };
    all.run(log.dir()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_older_goes_and_all_stays_provable(
        gaps in prop::collection::vec(0_i64..7_200, 300..900),
        segment_bytes in 3_000_u64..60_000,
        days in 1_u32..40,
        later in 0_i64..20 * DAY,
    ) {
        let times: Vec<i64> = gaps.iter().scan(0, |time, gap| { *time += gap; Some(*time) }).collect();
        let mut log = Sealed::new(&times, segment_bytes);
        let (size, last) = (times.len() as u64, *times.last().unwrap());
        let (before, firsts) = (log.records(), scan::list(log.dir()).unwrap());
        let limit = last - i64::from(days) * DAY;
        let due = |next: u64| next.div_ceil(256) * 256 <= size && times[usize::try_from(next).unwrap() - 1] < limit;
        let expected = firsts.iter().skip(1).copied().take_while(|next| due(*next)).last();
        let plan = log.plan(days, last + later);
        prop_assert_eq!(plan.as_ref().map(Plan::first_kept), expected);
        let Some(plan) = plan else { return Ok(()) };
        let first = plan.first_kept();
        plan.run(&log.key).unwrap();
        prop_assert_eq!(log.records(), &before[usize::try_from(first).unwrap()..]);
        let found = verified(&log);
        prop_assert_eq!((found.records, found.removed, found.signed), (size, first, size));
        prop_assert!(log.plan(days, last + later).is_none());

        // A node starts with it and goes on; what was removed is proven for whoever kept it.
        log.more(&[last + 1; 300]);
        prop_assert_eq!(verified(&log).records, size + 300);
        let mut prover = Prover::new(log.dir(), &log.newest.note().to_string(), log.keys.clone()).unwrap();
        for index in [0, first - 1] {
            prop_assert!(prover.inclusion(index, None).is_err());
            let kept = before[usize::try_from(index).unwrap()].1.clone();
            prover.inclusion(index, Some(kept)).unwrap();
        }
        prover.inclusion(first, None).unwrap();
    }
}

#[test]
fn an_interrupted_pruning_is_completed() {
    for halt in 0.. {
        let mut log = Sealed::hourly(900);
        let (before, plan) = (log.records(), log.plan(10, 900 * 3_600).unwrap());
        // How many segments there are depends on how the appends were gathered.
        assert!(plan.segments() > 3);
        if halt > plan.segments() {
            break;
        }
        let (first, mut done) = (plan.first_kept(), 0);
        let halted = plan.run_with(&log.key, &mut |_| {
            done += 1;
            if done > halt { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        assert!(matches!(halted, Err(PruneError::Write { .. })), "{halted:?}");
        assert_eq!(log.records(), &before[usize::try_from(first).unwrap()..], "{halt}");
        assert_eq!(verified(&log).removed, first, "{halt}");
        log.more(&[900 * 3_600]);
        complete(log.dir(), &log.keys).unwrap();
        assert_eq!(scan::segments(log.dir()).unwrap(), scan::list(log.dir()).unwrap(), "{halt}");
        assert_eq!(complete(log.dir(), &log.keys).unwrap(), 0);
        assert_eq!((verified(&log).records, verified(&log).removed), (901, first), "{halt}");
    }
}

/// F18: neither the clock alone nor the newest record alone decides.
#[test]
fn a_clock_that_runs_ahead_removes_nothing() {
    let log = Sealed::hourly(900);
    assert!(log.plan(40, 100_000 * 3_600).is_none());
    assert!(log.plan(10, 9 * DAY).is_none());
    assert!(log.plan(10, 100_000 * 3_600).is_some());
    let ahead = Sealed::new(&[vec![5 * DAY; 899], vec![4_000 * DAY]].concat(), 12_000);
    assert!(ahead.plan(1_827, 10 * DAY).is_none(), "the record is ahead, and the clock is not");
}

#[test]
fn what_no_full_tile_stands_for_is_kept() {
    let log = Sealed::hourly(250);
    assert!(scan::list(log.dir()).unwrap().len() > 3);
    assert!(log.plan(1, 1_000 * DAY).is_none());
}

#[test]
fn a_second_pruning_goes_on_after_the_first() {
    let mut log = Sealed::hourly(900);
    log.plan(20, 900 * 3_600).unwrap().run(&log.key).unwrap();
    let first = verified(&log).removed;
    log.more(&(900..1_500).map(|hour| hour * 3_600).collect::<Vec<_>>());
    log.plan(20, 1_500 * 3_600).unwrap().run(&log.key).unwrap();
    let found = verified(&log);
    assert!(found.removed > first);
    assert_eq!(found.records, 1_500);
}

/// No damage is reported to who stands inside what goes, and nothing is passed over in silence.
#[test]
fn who_reads_meanwhile_is_told_why_records_are_gone() {
    let log = Sealed::hourly(900);
    let (mut records, mut payload) = (read_dir(log.dir()).unwrap(), Vec::new());
    let mut follower = Follower::open(log.dir(), 0).unwrap();
    assert_eq!(follower.next(900, &mut payload).unwrap(), Some(0));
    assert!(records.next().unwrap().is_ok());
    log.plan(10, 900 * 3_600).unwrap().run(&log.key).unwrap();
    let first = pruned::read(log.dir()).unwrap().unwrap().start.index;
    let told = |error: &ReadError| matches!(error, ReadError::Broken(broken) if broken.why == Why::Pruned && broken.index < first);
    let ended = records.find_map(Result::err).unwrap();
    assert!(told(&ended), "{ended}");
    let ended = std::iter::repeat_with(|| follower.next(900, &mut payload)).find_map(Result::err).unwrap();
    assert!(told(&ended), "{ended}");
    let ended = Follower::open(log.dir(), first - 1).err().unwrap();
    assert!(told(&ended), "{ended}");
    assert_eq!(Follower::open(log.dir(), first).unwrap().next(900, &mut payload).unwrap(), Some(first));
}

#[test]
fn without_a_statement_of_this_log_missing_segments_are_damage() {
    let log = Sealed::hourly(900);
    let plan = log.plan(10, 900 * 3_600).unwrap();
    let (first, kept) = (plan.first_kept(), scan::list(log.dir()).unwrap());
    plan.run(&log.key).unwrap();
    let path = log.dir().join(folder::PRUNED);
    let signed = fs::read_to_string(&path).unwrap();
    let refused = |why: Why| {
        assert_eq!(log.damage().why, why);
        assert!(FileLog::find(config(log.dir(), 12_000)).is_err());
        assert!(read_dir(log.dir()).is_err());
    };
    fs::remove_file(&path).unwrap();
    refused(Why::Missing);
    for forged in ["".to_owned(), signed.replacen("retention 10", "retention 11", 1), signed.replace('\u{2014}', "-")] {
        fs::write(&path, forged).unwrap();
        refused(Why::Unsigned);
    }
    let other = Sealed::hourly(900);
    other.plan(10, 900 * 3_600).unwrap().run(&other.key).unwrap();
    fs::copy(other.dir().join(folder::PRUNED), &path).unwrap();
    refused(Why::Unsigned);

    // One more segment than was said.
    fs::write(&path, &signed).unwrap();
    fs::remove_file(log.dir().join(folder::packed(first))).unwrap();
    assert!(kept.contains(&first));
    refused(Why::Missing);
}

/// Whoever puts own keys into the folder is found by those who have the right ones: a start, and a verification.
#[test]
fn a_statement_under_keys_of_somebody_else_is_refused() {
    let log = Sealed::hourly(900);
    log.plan(10, 900 * 3_600).unwrap().run(&log.key).unwrap();
    let stranger = SigningKey::from_seed(&Secret::new([8; 32]), log.keys.name().clone());
    let pruned = pruned::read(log.dir()).unwrap().unwrap();
    let forged = pruned.sign(&stranger).unwrap().to_string();
    fs::write(log.dir().join(folder::PRUNED), forged).unwrap();
    fs::write(log.dir().join(folder::KEYS), LogKeys::new(stranger.verifier(), &[]).to_string()).unwrap();
    assert!(read_dir(log.dir()).is_ok(), "the folder alone does not tell");
    let told = sign(log.dir(), 12_000).err().unwrap().to_string();
    assert!(told.contains("no key of the log signed this"), "{told}");
    let jobs = std::num::NonZeroUsize::MIN;
    let keys = Some(log.keys.clone());
    let all = Verification { keys, outside: Vec::new(), jobs, state: None, progress: &|_| () };
    let found = all.run(log.dir());
    let unsigned = |broken: &Broken| broken.why == Why::Unsigned;
    assert!(matches!(&found, Err(VerifyError::Read(ReadError::Broken(broken))) if unsigned(broken)), "{found:?}");
}

/// The hashes of removed records are part of what was signed.
#[test]
fn a_changed_tile_of_removed_records_is_found() {
    let log = Sealed::hourly(900);
    let tile = log.dir().join("tile/0/000");
    let hashes = fs::read(&tile).unwrap();
    let mut changed = hashes.clone();
    changed[5 * 32] ^= 1;
    let edge = |log: &Sealed| tiles::edge_at(log.dir(), 256).as_ref().map(RightEdge::root).unwrap();
    let right = edge(&log);
    fs::write(&tile, &changed).unwrap();
    assert_ne!(edge(&log), right);
    let refused = Plan::make(log.dir(), &log.keys, &log.newest, Retention { days: 10, now: at(900 * 3_600) });
    assert!(matches!(refused, Err(PruneError::Root(_))), "{refused:?}");
    fs::write(&tile, &hashes).unwrap();
    log.plan(10, 900 * 3_600).unwrap().run(&log.key).unwrap();
    fs::write(&tile, &changed).unwrap();
    assert_eq!(log.damage().why, Why::Checkpoint);
    fs::remove_file(&tile).unwrap();
    assert_eq!((log.damage().index, log.damage().why), (0, Why::TileMissing));
}
