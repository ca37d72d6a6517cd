//! Segments are sealed once a checkpoint covers them, whatever interrupts it; readers see the same log before, while and after.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;

use super::seal::Stage;
use super::*;
use crate::audit::signer::{SignedTree, keys_of};
use crate::audit::testing::{Scratch, full};
use crate::audit::{
    AuditEvent, AuditLog as _, FileLog, FileLogConfig, Follower, NodeName, Verification, Verified, read_dir, verify,
};
use crate::clock::TestClock;
use crate::secret::Secret;

const SEED: [u8; 32] = [7; 32];

fn config(dir: &Path) -> FileLogConfig {
    FileLogConfig { segment_bytes: 6_000, ..FileLogConfig::new(dir.into(), NodeName::parse("test").unwrap()) }
}

/// A log with so many more records.
fn append(dir: &Path, records: u64) -> FileLog {
    let (log, _) = FileLog::open(config(dir), TestClock::at(Timestamp::UNIX_EPOCH)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for intent in 0..records {
            let event = AuditEvent { intent: Some(intent), ..full(Timestamp::UNIX_EPOCH) };
            log.append(&event).unwrap().await.unwrap();
        }
    });
    log
}

/// The newest checkpoint, over all that is there now, and the key that signed it.
fn sign(dir: &Path) -> (Arc<SignedCheckpoint>, SigningKey) {
    let seed = Secret::new(SEED);
    let found = FileLog::find(config(dir)).unwrap();
    let records = found.records();
    let keys = keys_of(found.id(), &seed, &[]).unwrap();
    let (key, _) = keys_of(found.id(), &seed, &[]).unwrap();
    let tree = SignedTree::open(dir, &found, keys, &[]).unwrap();
    drop(found);
    let clock = TestClock::at(Timestamp::UNIX_EPOCH);
    let (_durable, durable) = watch::channel(records);
    let signer = crate::audit::signer::Signer::start(tree, durable, Default::default(), clock).unwrap();
    signer.finish();
    let newest = signer.newest().borrow().clone().unwrap();
    (newest, key)
}

fn records(dir: &Path) -> Vec<(u64, Vec<u8>)> {
    read_dir(dir).unwrap().map(Result::unwrap).collect()
}

fn sound(dir: &Path) -> Verified {
    verify(dir).unwrap_or_else(|error| panic!("{error}"))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn closed_segments_under_a_checkpoint_are_sealed_and_read_as_before() {
    let scratch = Scratch::quick();
    let dir = scratch.path().join("log");
    drop(append(&dir, 40));
    let (newest, key) = sign(&dir);
    drop(append(&dir, 20));
    let (before, firsts) = (records(&dir), scan::list(&dir).unwrap());
    let mut follower = Follower::open(&dir, 0).unwrap();
    let mut payload = Vec::new();
    assert_eq!(follower.next(60, &mut payload).unwrap(), Some(0));
    let mut count_sealed = 0;
    while seal_next(&dir, &key, &newest).unwrap() {
        count_sealed += 1;
        assert_eq!(sound(&dir).records, 60);
    }
    // The last segment that is wholly covered, and none that holds a record above the checkpoint.
    let due = firsts.iter().skip(1).filter(|next| **next <= 40).count();
    assert_eq!(count_sealed, due);
    assert!(due > 2 && due + 1 < firsts.len());
    assert_eq!(records(&dir), before);
    for index in 1..60 {
        assert_eq!(follower.next(60, &mut payload).unwrap(), Some(index));
        assert_eq!(payload, before[usize::try_from(index).unwrap()].1);
    }
    let mode = fs::metadata(dir.join(folder::packed(0))).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
    let (segments, sealed, bytes) = count(&dir).unwrap();
    assert_eq!((segments, sealed), (firsts.len() as u64, due as u64));
    let all: u64 = names(&dir)
        .iter()
        .filter(|name| name.contains(".log"))
        .map(|name| fs::metadata(dir.join(name)).unwrap().len())
        .sum();
    assert_eq!(bytes, all);

    // The node goes on with it.
    let log = append(&dir, 3);
    assert_eq!(*log.durable().borrow(), 63);
    drop(log);
    assert_eq!(sound(&dir).records, 63);
}

/// A crash after each step: nothing is lost, the log is sound, and the next attempt completes it.
#[test]
fn an_interrupted_sealing_is_completed() {
    for stage in [Stage::Packed, Stage::Compared, Stage::Signed, Stage::Named, Stage::Removed] {
        let scratch = Scratch::quick();
        let dir = scratch.path().join("log");
        drop(append(&dir, 30));
        let (newest, key) = sign(&dir);
        let before = records(&dir);
        let next = scan::list(&dir).unwrap()[1];
        let end = Segment::open(&dir, next).unwrap().header().unwrap().start;
        let sealing = Sealing { dir: &dir, first: 0, end, root: newest.root_at(next).unwrap(), key: &key };
        let halted =
            sealing.run(&mut |done| if done == stage { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) });
        assert!(matches!(halted, Err(SealError::Write { .. })), "{halted:?}");
        assert_eq!(records(&dir), before, "{stage:?}");
        assert_eq!(sound(&dir).records, 30, "{stage:?}");
        drop(append(&dir, 0));
        while seal_next(&dir, &key, &newest).unwrap() {}
        let left = names(&dir);
        assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{stage:?}: {left:?}");
        assert!(!left.contains(&folder::segment(0)) && left.contains(&folder::packed(0)), "{stage:?}: {left:?}");
        assert_eq!(records(&dir), before, "{stage:?}");
        assert_eq!(sound(&dir).records, 30, "{stage:?}");
    }
}

/// A damaged segment is not packed: its raw file is evidence as it is.
#[test]
fn a_damaged_segment_is_not_sealed() {
    let scratch = Scratch::quick();
    let dir = scratch.path().join("log");
    drop(append(&dir, 30));
    let (newest, key) = sign(&dir);
    let path = dir.join(folder::segment(0));
    let mut whole = fs::read(&path).unwrap();
    whole[400] ^= 1;
    fs::write(&path, &whole).unwrap();
    let fault = seal_next(&dir, &key, &newest);
    assert!(matches!(fault, Err(SealError::Read(ReadError::Broken(_)))), "{fault:?}");
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert!(!names(&dir).contains(&folder::packed(0)));
}

#[test]
fn the_thread_seals_what_is_due_and_says_how_it_goes() {
    let scratch = Scratch::quick();
    let dir = scratch.path().join("log");
    drop(append(&dir, 40));
    let (newest, key) = sign(&dir);
    let due = scan::list(&dir).unwrap().iter().skip(1).filter(|next| **next <= 40).count() as u64;
    let (_publish, newest) = watch::channel(Some(newest));
    let (work, state) = {
        let state = Arc::new(Mutex::new(Keeping::default()));
        (Work { dir: dir.clone(), key, newest, daily: None, state: Arc::clone(&state) }, state)
    };
    while work.turn().unwrap() {}
    work.tell(None);
    let keeping = lock(&state).clone();
    assert_eq!((keeping.sealed, keeping.segments, keeping.failures), (due, due + 1, 0));
    work.tell(Some(&SealError::Note));
    assert_eq!(lock(&state).failures, 1);
    let keeper = Keeper::start(dir, keys_of_test(&scratch), watch::channel(None).1, None).unwrap();
    keeper.end();
    keeper.end();
    assert_eq!(keeper.keeping().sealed, due);
}

fn keys_of_test(scratch: &Scratch) -> SigningKey {
    let found = FileLog::find(config(&scratch.path().join("log"))).unwrap();
    keys_of(found.id(), &Secret::new(SEED), &[]).unwrap().0
}

/// Of the manifest: it is signed by the key of the log and tells what the file is.
#[test]
fn manifests_fit_and_are_signed() {
    let scratch = Scratch::quick();
    let dir = scratch.path().join("log");
    drop(append(&dir, 30));
    let (newest, key) = sign(&dir);
    while seal_next(&dir, &key, &newest).unwrap() {}
    let keys = crate::audit::keys::LogKeys::new(key.verifier(), &[]);
    let progress = |_| ();
    let all = Verification {
        keys: Some(keys),
        outside: Vec::new(),
        jobs: std::num::NonZeroUsize::MIN,
        state: None,
        progress: &progress,
    };
    let verified = all.run(&dir).unwrap();
    let manifests: BTreeMap<_, _> =
        names(&dir).into_iter().filter(|name| name.ends_with(".manifest")).zip(0..).collect();
    assert!(verified.compared > manifests.len() && manifests.len() > 2);
    for name in manifests.keys() {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\nraw ", "\nraw 1", 1)).unwrap();
        assert!(all.run(&dir).is_err());
        fs::write(&path, text).unwrap();
    }
}
