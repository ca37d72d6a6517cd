//! Folders that keep checkpoints. Servers are tested with the whole gateway around them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::audit::keys::LogKeys;
use crate::audit::signer::{Pace, SignedTree, keys_of};
use crate::audit::testing::{Scratch, bare};
use crate::audit::{AuditLog as _, FileLog, FileLogConfig, LogId, NodeName, receipt};
use crate::clock::TestClock;
use crate::secret::Secret;

fn clock() -> Arc<TestClock> {
    TestClock::at(Timestamp::UNIX_EPOCH)
}

fn node() -> NodeName {
    NodeName::parse("a").unwrap()
}

/// A log that signs.
fn signing(dir: &Path, clock: &Arc<TestClock>) -> (FileLog, Signer, LogKeys) {
    let found = FileLog::find(FileLogConfig::new(dir.into(), node())).unwrap();
    let (key, keys) = keys_of(found.id(), &Secret::new([1; 32]), &[]).unwrap();
    let tree = SignedTree::open(dir, &found, (key, keys.clone()), &[]).unwrap();
    let (log, _) = found.start(Arc::clone(clock) as _).unwrap();
    let signer = Signer::start(tree, log.durable(), Pace::default(), Arc::clone(clock) as _).unwrap();
    (log, signer, keys)
}

fn witness(dir: &Path, log: &LogId, clock: &Arc<TestClock>) -> (Arc<WitnessFolder>, Witness) {
    let folder = Arc::new(WitnessFolder::new(dir.into(), log.clone()));
    let kind = Kind::Folder(Arc::clone(&folder));
    (folder, Witness::new("folder".into(), Duration::from_secs(60), kind, Arc::clone(clock) as _))
}

async fn record(log: &FileLog, signer: &Signer) {
    receipt(log.append(&bare(Timestamp::UNIX_EPOCH)).unwrap()).await.unwrap();
    signer.settle();
}

#[tokio::test]
async fn a_folder_keeps_checkpoints_by_day_and_gives_the_largest_back() {
    let (scratch, elsewhere, clock) = (Scratch::new(), Scratch::new(), clock());
    let (log, signer, keys) = signing(scratch.path(), &clock);
    let (folder, witness) = witness(elsewhere.path(), log.id(), &clock);
    assert_eq!(folder.newest(&keys).unwrap(), None);
    for day in 0..3_u64 {
        record(&log, &signer).await;
        witness.close(&signer).await;
        assert_eq!(witness.progress().seen, Some(day + 1));
        clock.advance(Duration::from_hours(24));
    }
    let own = elsewhere.path().join(log.id().to_string());
    let mut days: Vec<_> =
        fs::read_dir(&own).unwrap().map(|day| day.unwrap().file_name().into_string().unwrap()).collect();
    days.sort();
    assert_eq!(days, ["1970-01-01", "1970-01-02", "1970-01-03"]);
    assert_eq!(folder.newest(&keys).unwrap().unwrap().size, 3);
    // A clock that stepped back: the newest checkpoint is not in the newest file.
    fs::rename(own.join("1970-01-03"), own.join("1969-12-31")).unwrap();
    assert_eq!(folder.newest(&keys).unwrap().unwrap().size, 3);
    let text = fs::read_to_string(own.join("1970-01-01")).unwrap();
    fs::write(own.join("1970-01-01"), text.replace("\n1\n", "\n7\n")).unwrap();
    assert!(folder.newest(&keys).unwrap_err().contradicts());
    let mut bytes = text.into_bytes();
    bytes[2] = 0xff;
    fs::write(own.join("1970-01-01"), bytes).unwrap();
    assert!(folder.newest(&keys).unwrap_err().contradicts());
}

#[tokio::test]
async fn a_folder_that_is_away_is_not_made_and_gets_the_next_checkpoint_later() {
    let (scratch, elsewhere, clock) = (Scratch::new(), Scratch::new(), clock());
    let (log, signer, keys) = signing(scratch.path(), &clock);
    let mount = elsewhere.path().join("mount");
    let (folder, witness) = witness(&mount, log.id(), &clock);
    assert!(!folder.newest(&keys).unwrap_err().contradicts());
    record(&log, &signer).await;
    witness.close(&signer).await;
    assert!(!mount.exists());
    let progress = witness.progress();
    assert!(progress.failure.is_some() && !progress.behind && !progress.contradicts, "{progress:?}");
    clock.advance(Duration::from_mins(11));
    witness.close(&signer).await;
    assert!(witness.progress().behind);
    fs::create_dir(&mount).unwrap();
    record(&log, &signer).await;
    witness.close(&signer).await;
    assert_eq!(witness.progress(), Progress { seen: Some(2), ..Progress::default() });
}

#[tokio::test]
async fn other_logs_of_the_node_are_known_by_name() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let (log, _signer, _) = signing(scratch.path(), &clock());
    let (folder, _) = witness(elsewhere.path(), log.id(), &clock());
    for name in ["inzage-a-00000000000000ff", "inzage-b-00000000000000ff", "inzage-a-b-00000000000000ff", "notes"] {
        fs::create_dir(elsewhere.path().join(name)).unwrap();
    }
    fs::create_dir(elsewhere.path().join(log.id().to_string())).unwrap();
    let others: Vec<_> = folder.others(&node()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(others, ["inzage-a-00000000000000ff"]);
}

#[test]
fn a_pause_doubles_and_ends_at_five_minutes() {
    for (failures, full) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (60, 300)] {
        let full = Duration::from_secs(full);
        let found = pause(failures);
        assert!(found <= full && found >= full * 3 / 4, "{failures}: {found:?}");
    }
}
