//! The tree of a log is signed as the log grows, taken up again where it was, and refused when the log is another one.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::audit::chain::{Position, Version};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::file::{FileLog, FileLogConfig};
use crate::audit::keys::{LogKeys, RetiredKey};
use crate::audit::segment::Header;
use crate::audit::testing::{Scratch, bare};
use crate::audit::tree::{RightEdge, TileId, leaf_hash, verify_consistency};
use crate::audit::{AuditLog as _, NodeName, folder, notes, read_dir, receipt, verify};
use crate::clock::{Clock as _, TestClock};
use crate::seal::Key32;
use crate::secret::Secret;

const PACE: Pace = Pace { every: Duration::from_secs(10), records: 1_000, overdue: Duration::from_secs(300) };

fn seed(byte: u8) -> Key32 {
    Secret::new([byte; 32])
}

fn clock() -> Arc<TestClock> {
    TestClock::at(Timestamp::UNIX_EPOCH)
}

fn config(dir: &Path) -> FileLogConfig {
    FileLogConfig { segment_bytes: 60_000, ..FileLogConfig::new(dir.into(), NodeName::parse("a").unwrap()) }
}

/// Opens log and tree, as a start does.
fn open(dir: &Path, key: u8, retired: &[RetiredKey], outside: &[Outside]) -> Result<(FileLog, SignedTree), SignError> {
    let found = FileLog::find(config(dir)).unwrap();
    let keys = keys_of(found.id(), &seed(key), retired).unwrap();
    let tree = SignedTree::open(dir, &found, keys, outside)?;
    Ok((found.start(clock()).unwrap().0, tree))
}

async fn append(log: &FileLog, count: usize) {
    let pending: Vec<_> = (0..count).map(|_| log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()).collect();
    for one in pending {
        receipt(one).await.unwrap();
    }
}

fn durable(log: &FileLog) -> u64 {
    *log.durable().borrow()
}

/// Signs all of a log.
fn sign(log: &FileLog, tree: &mut SignedTree) -> Arc<SignedCheckpoint> {
    let made = tree.turn(durable(log), clock().monotonic(), PACE, true).unwrap();
    made.or_else(|| tree.newest().cloned()).unwrap()
}

/// A log of so many records, signed whole.
async fn signed(dir: &Path, count: usize) -> Arc<SignedCheckpoint> {
    let (log, mut tree) = open(dir, 1, &[], &[]).unwrap();
    append(&log, count).await;
    sign(&log, &mut tree)
}

fn refused(dir: &Path, outside: &[Outside]) -> String {
    open(dir, 1, &[], outside).err().map(|error| error.to_string()).unwrap()
}

fn root_of(dir: &Path, size: usize) -> crate::audit::tree::TreeHash {
    let mut edge = RightEdge::new();
    for record in read_dir(dir).unwrap().take(size) {
        edge.push(leaf_hash(&record.unwrap().1), &mut |_, _| {});
    }
    edge.root()
}

#[tokio::test]
async fn a_checkpoint_comes_after_ten_seconds_or_a_thousand_records() {
    let scratch = Scratch::new();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    let clock = clock();
    let mut turn = |clock: &TestClock| {
        let made = tree.turn(durable(&log), clock.monotonic(), PACE, false).unwrap();
        made.map(|made| made.checkpoint().size)
    };
    assert_eq!(turn(&clock), Some(0), "a new log says at once that it is there");
    assert_eq!(turn(&clock), None);
    append(&log, 3).await;
    assert_eq!(turn(&clock), None);
    clock.advance(Duration::from_secs(10));
    assert_eq!(turn(&clock), Some(3));
    clock.advance(Duration::from_secs(60));
    assert_eq!(turn(&clock), None, "nothing is new");
    append(&log, 999).await;
    assert_eq!(turn(&clock), Some(1_002), "the one before is old");
    append(&log, 999).await;
    assert_eq!(turn(&clock), None);
    append(&log, 1).await;
    assert_eq!(turn(&clock), Some(2_002));
}

#[tokio::test]
async fn what_is_signed_is_the_tree_of_the_records_and_the_folder_stays_sound() {
    let scratch = Scratch::new();
    let newest = signed(scratch.path(), 700).await;
    assert_eq!((newest.checkpoint().size, newest.checkpoint().root), (700, root_of(scratch.path(), 700)));
    let note = fs::read_to_string(scratch.path().join(folder::CHECKPOINT)).unwrap();
    let keys = LogKeys::parse(&fs::read_to_string(scratch.path().join(folder::KEYS)).unwrap()).unwrap();
    assert_eq!(keys.open(&note).unwrap().0, *newest.checkpoint());
    for index in 0..2 {
        assert!(scratch.path().join(TileId::full(0, index).unwrap().path()).is_file());
    }
    assert!(!scratch.path().join("tile/0/002").exists(), "only full tiles are kept");
    assert_eq!(verify(scratch.path()).unwrap().records, 700);
    for old in [0, 1, 255, 256, 257, 512, 699, 700] {
        let root = newest.root_at(old).unwrap();
        assert_eq!(root, root_of(scratch.path(), usize::try_from(old).unwrap()));
        let proof = newest.consistency_from(old).unwrap();
        verify_consistency((old, &root), (700, &newest.checkpoint().root), &proof).unwrap();
    }
    assert!(newest.consistency_from(701).is_err());
}

/// Starts and stops at sizes around the edges of tiles, with and without a checkpoint over the last records.
#[tokio::test]
async fn a_tree_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let mut before = None::<Arc<SignedCheckpoint>>;
    let mut total = 0;
    for count in [1, 254, 1, 1, 255, 300, 44, 0, 1_000] {
        let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
        if let Some(before) = &before {
            assert_eq!(tree.newest().unwrap().checkpoint(), before.checkpoint());
        }
        append(&log, count).await;
        total += count;
        let newest = sign(&log, &mut tree);
        assert_eq!(newest.checkpoint().root, root_of(scratch.path(), total), "{total}");
        if let Some(before) = &before {
            let (old, new) = (before.checkpoint(), newest.checkpoint());
            let proof = newest.consistency_from(old.size).unwrap();
            verify_consistency((old.size, &old.root), (new.size, &new.root), &proof).unwrap();
        }
        before = Some(newest);
        // These are in the log and under no checkpoint when the next start finds them.
        append(&log, 7).await;
        total += 7;
        log.close();
    }
}

#[tokio::test]
async fn a_log_without_checkpoints_gets_its_first() {
    let scratch = Scratch::new();
    let (log, _) = FileLog::open(config(scratch.path()), clock()).unwrap();
    append(&log, 600).await;
    log.close();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    assert!(tree.newest().is_none());
    assert_eq!(sign(&log, &mut tree).checkpoint().root, root_of(scratch.path(), 600));
}

/// F03: damage under a checkpoint is refused and told; nothing is cut off.
#[tokio::test]
async fn records_missing_under_the_checkpoint_are_not_taken_for_a_crash() {
    let scratch = Scratch::new();
    signed(scratch.path(), 5).await;
    let path = scratch.path().join(folder::segment(0));
    let whole = fs::read(&path).unwrap();
    for cut in [1, 40, whole.len() / 2] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let told = refused(scratch.path(), &[]);
        assert!(told.starts_with("the log is cut off: its checkpoint covers 5 records and it has "), "{told}");
        assert_eq!(fs::metadata(&path).unwrap().len() as usize, whole.len() - cut, "nothing is changed");
    }
    fs::write(&path, [whole.as_slice(), &[9, 0, 0, 0, b'x']].concat()).unwrap();
    let (log, _) = open(scratch.path(), 1, &[], &[]).unwrap();
    assert_eq!(durable(&log), 5, "what follows the checkpoint is cut off as ever");
}

/// All written again with the right chain, by somebody without the key.
#[tokio::test]
async fn a_log_written_again_is_not_the_one_that_was_signed() {
    let scratch = Scratch::new();
    signed(scratch.path(), 300).await;
    let log = FileLog::find(config(scratch.path())).unwrap().id().clone();
    let version = Version::NEWEST;
    let mut at = Position::start(&log, version);
    let mut forged = Header { version, log, start: at }.line().into_bytes();
    for record in read_dir(scratch.path()).unwrap() {
        let (index, payload) = record.unwrap();
        let payload = if index == 17 { b"{}".to_vec() } else { payload };
        at = at.link(&leaf_hash(&payload)).unwrap();
        forged.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        forged.extend(payload);
        forged.extend(at.hash);
    }
    fs::write(scratch.path().join(folder::segment(0)), forged).unwrap();
    assert_eq!(read_dir(scratch.path()).unwrap().filter(Result::is_ok).count(), 300, "the chain alone does not tell");
    let told = refused(scratch.path(), &[]);
    assert_eq!(told, format!("record 17 in {} is not the one that was signed", folder::segment(0)));
}

#[tokio::test]
async fn a_damaged_tile_or_checkpoint_is_refused() {
    let scratch = Scratch::new();
    signed(scratch.path(), 600).await;
    let damage = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = scratch.path().join(name);
        let kept = fs::read(&path).unwrap();
        let mut changed = kept.clone();
        change(&mut changed);
        fs::write(&path, changed).unwrap();
        let told = refused(scratch.path(), &[]);
        fs::write(&path, kept).unwrap();
        told
    };
    let told = damage("tile/0/000", &|bytes| bytes[40] ^= 1);
    assert!(
        told.contains("do not lead to the root of the checkpoint of size 600") || told.contains("record 1 "),
        "{told}"
    );
    assert!(damage("tile/0/001", &|bytes| bytes.truncate(8_191)).contains("is damaged"));
    assert!(damage("checkpoint", &|bytes| bytes[30] ^= 1).contains("cannot be believed"));
    assert!(damage("checkpoint", &|bytes| bytes.clear()).contains("cannot be believed"));
    fs::remove_file(scratch.path().join("checkpoint")).unwrap();
    assert!(refused(scratch.path(), &[]).contains("the newest checkpoint of the log is missing"));
}

/// F26, and F07 "restore".
#[tokio::test]
async fn what_others_saw_must_still_be_there() {
    let (scratch, yesterday) = (Scratch::new(), Scratch::new());
    let names = [folder::segment(0), folder::CHECKPOINT.to_owned(), folder::KEYS.to_owned()];
    let copy = |from: &Path, to: &Path| {
        for name in &names {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    };
    let kept = signed(scratch.path(), 200).await;
    copy(scratch.path(), yesterday.path());
    let today = signed(scratch.path(), 20).await;
    let outside =
        |checkpoint: &Checkpoint| vec![Outside { place: "the safe".to_owned(), checkpoint: checkpoint.clone() }];
    for kept in [&kept, &today] {
        open(scratch.path(), 1, &[], &outside(kept.checkpoint())).unwrap();
    }
    let other = Checkpoint { root: [7; 32], ..kept.checkpoint().clone() };
    assert_eq!(refused(scratch.path(), &outside(&other)), "the first 200 records are not those that the safe saw");
    copy(yesterday.path(), scratch.path());
    let told = refused(scratch.path(), &outside(today.checkpoint()));
    assert_eq!(told, "the log was put back: the safe saw 220 records of it, and it has 200");
    open(scratch.path(), 1, &[], &[]).unwrap();
}

/// F25, and the replacement of a key in order.
#[tokio::test]
async fn a_key_is_replaced_in_the_open_only() {
    let scratch = Scratch::new();
    let last = signed(scratch.path(), 300).await;
    let with =
        |key, retired: &[RetiredKey]| open(scratch.path(), key, retired, &[]).err().map(|error| error.to_string());
    let told = with(2, &[]).unwrap();
    let keys = fs::read_to_string(scratch.path().join(folder::KEYS)).unwrap();
    assert!(told.starts_with("the log was signed with another key (") && told.contains(keys.trim()), "{told}");
    let old = LogKeys::parse(&keys).unwrap();
    let retired = RetiredKey::at(&old, last.checkpoint());
    let early = RetiredKey { size: 200, root: last.root_at(200).unwrap(), ..retired.clone() };
    let late = RetiredKey { size: 301, ..retired.clone() };
    assert!(with(2, &[early]).unwrap().contains("cannot be believed"));
    assert_eq!(with(2, &[late]).unwrap(), "the log is not the one whose key was replaced at size 301");
    let retired = [retired];
    let (log, mut tree) = open(scratch.path(), 2, &retired, &[]).unwrap();
    let renewed = sign(&log, &mut tree);
    assert_eq!(renewed.checkpoint(), last.checkpoint(), "the same tree, under the new key");
    append(&log, 10).await;
    sign(&log, &mut tree);
    log.close();
    assert_eq!(with(2, &retired), None);
    assert!(with(1, &[]).unwrap().starts_with("the log was signed with another key ("));
    let keys = LogKeys::parse(&fs::read_to_string(scratch.path().join(folder::KEYS)).unwrap()).unwrap();
    assert_eq!(keys.retired(), retired);
}

/// Re-hashed whole and signed with a stolen key that was replaced.
#[tokio::test]
async fn a_stolen_key_that_was_replaced_signs_nothing_more() {
    let scratch = Scratch::new();
    let last = signed(scratch.path(), 20).await;
    let found = FileLog::find(config(scratch.path())).unwrap();
    let (stolen, old) = keys_of(found.id(), &seed(1), &[]).unwrap();
    drop(found);
    let retired = [RetiredKey::at(&old, last.checkpoint())];
    for (size, root) in [(20, [9; 32]), (10, root_of(scratch.path(), 10)), (21, [9; 32])] {
        let forged = Checkpoint { size, root, ..last.checkpoint().clone() }.sign(&stolen).unwrap();
        fs::write(scratch.path().join(folder::CHECKPOINT), forged.to_string()).unwrap();
        let told = open(scratch.path(), 2, &retired, &[]).err().unwrap().to_string();
        assert!(told.contains("cannot be believed") || told.contains("replaced at size 20"), "{told}");
    }
}

#[tokio::test]
async fn history_has_one_checkpoint_an_hour_and_the_last() {
    let scratch = Scratch::new();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    let clock = clock();
    for _ in 0..30 {
        append(&log, 1).await;
        tree.turn(durable(&log), clock.monotonic(), PACE, false).unwrap();
        clock.advance(Duration::from_mins(10));
    }
    tree.append_history().unwrap();
    let history = notes::read(&scratch.path().join(folder::CHECKPOINTS)).unwrap();
    let sizes: Vec<_> = notes::split(&history).iter().map(|note| tree.keys.open(note).unwrap().0.size).collect();
    assert_eq!(sizes.len(), 5, "{sizes:?}");
    assert!(sizes.is_sorted() && sizes.last() == Some(&30), "{sizes:?}");
    assert_eq!(verify(scratch.path()).unwrap().records, 30);
}

/// F21: the thread signs what was durable when it is told to finish.
#[tokio::test]
async fn the_last_record_is_under_a_checkpoint() {
    let scratch = Scratch::new();
    let (log, tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    let signer = Signer::start(tree, log.durable(), PACE, clock()).unwrap();
    append(&log, 321).await;
    signer.finish();
    assert_eq!(signer.newest().borrow().as_ref().unwrap().checkpoint().size, 321);
    let signing = signer.signing();
    assert_eq!((signing.signed, signing.unsigned, signing.overdue), (321, 0, false));
    signer.finish();
}

/// Checkpoints that cannot be written lose no record, are told, and come when they can.
#[tokio::test]
async fn what_cannot_be_signed_now_is_signed_later() {
    let scratch = Scratch::new();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    append(&log, 300).await;
    fs::create_dir(scratch.path().join("tile")).unwrap();
    fs::write(scratch.path().join("tile/0"), "").unwrap();
    let now = clock().monotonic();
    assert!(matches!(tree.turn(durable(&log), now, PACE, true), Err(SignError::Tile(_))));
    append(&log, 300).await;
    assert!(tree.turn(durable(&log), now, PACE, true).is_err());
    assert!(!scratch.path().join(folder::CHECKPOINT).exists());
    fs::remove_file(scratch.path().join("tile/0")).unwrap();
    assert_eq!(sign(&log, &mut tree).checkpoint().root, root_of(scratch.path(), 600));
}

/// A clock that steps back, or far ahead, neither stops the signing nor changes the order (F18).
#[tokio::test]
async fn the_time_in_records_does_not_matter_for_signing() {
    let scratch = Scratch::new();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    for second in [1_000_000, 5, 4_000_000_000, -7] {
        let pending = log.append(&bare(Timestamp::from_second(second).unwrap())).unwrap();
        receipt(pending).await.unwrap();
    }
    assert_eq!(sign(&log, &mut tree).checkpoint().root, root_of(scratch.path(), 4));
}

/// More tiles than wait in memory: checkpoints come in between, and all is signed in the end.
#[tokio::test]
async fn a_backlog_is_worked_off_in_parts() {
    let scratch = Scratch::quick();
    let (log, _) =
        FileLog::open(FileLogConfig::new(scratch.path().into(), NodeName::parse("a").unwrap()), clock()).unwrap();
    for _ in 0..9 {
        append(&log, 8_000).await;
    }
    log.close();
    let (log, mut tree) = open(scratch.path(), 1, &[], &[]).unwrap();
    assert_eq!(sign(&log, &mut tree).checkpoint().root, root_of(scratch.path(), 72_000));
    assert!(tree.pending.is_empty());
}
