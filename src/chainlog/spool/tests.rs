//! What the spool keeps, over restarts and full disks.

use std::fs;

use super::*;
use crate::clock::TestClock;
use crate::secret::random;

/// A folder of the test's own.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("inzage-chainlog-{:032x}", u128::from_le_bytes(random::<16>()));
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self, bytes_max: u64, lines_max: u64) -> (Filling, Arc<Batches>, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
        let config = SpoolConfig { dir: self.0.clone(), bytes_max, lines_max };
        let (filling, batches) = open(config, clock, Arc::clone(&counts)).unwrap();
        (filling, batches, counts)
    }

    fn files(&self, state: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|found| found == state)).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn dropped(counts: &Counts) -> u64 {
    counts.dropped_at_spool.load(std::sync::atomic::Ordering::Relaxed)
}

/// All batches, taken and removed in turn.
fn drain(batches: &Batches) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(batch) = batches.take() {
        let text = String::from_utf8(batches.read(&batch).unwrap()).unwrap();
        assert_eq!(text.lines().count() as u64, batch.lines);
        assert_eq!(text.len() as u64, batch.bytes);
        all.push(text);
        batches.remove(&batch).unwrap();
    }
    all
}

#[test]
fn lines_become_batches_in_order() {
    let scratch = Scratch::new();
    let (mut filling, batches, _) = scratch.open(1000, 2);
    let full: Vec<_> = ["a\n", "b\n", "c\n"].iter().map(|line| filling.append(line.as_bytes(), 1)).collect();
    assert_eq!(full, [false, true, false]);
    assert_eq!((batches.bytes(), scratch.files("open").len()), (6, 1));
    filling.hand_over();
    filling.hand_over();
    assert_eq!(drain(&batches), ["a\nb\n", "c\n"]);
    assert_eq!((batches.bytes(), batches.oldest()), (0, None));
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);
}

#[test]
fn a_batch_that_was_put_back_is_taken_again() {
    let scratch = Scratch::new();
    let (mut filling, batches, _) = scratch.open(1000, 1);
    filling.append(b"a\n", 1);
    let first = batches.take().unwrap();
    assert!(first.sound);
    batches.put_back();
    assert_eq!(batches.take(), Some(first));
}

#[test]
fn what_a_killed_process_wrote_is_there_after_it() {
    let scratch = Scratch::new();
    let (mut filling, batches, _) = scratch.open(1000, 2);
    for line in ["a\n", "b\n", "c\n"] {
        filling.append(line.as_bytes(), 1);
    }
    // As a kill leaves it: nothing is closed, and the last write may have stopped halfway.
    drop((filling, batches));
    let open = scratch.files("open").remove(0);
    fs::write(&open, "c\nhal").unwrap();
    fs::write(scratch.0.join("notes.txt"), "of an operator").unwrap();
    fs::write(scratch.0.join(format!("{}.open", LocalId::new("2026-11-21T11:00:00Z".parse().unwrap()))), "").unwrap();
    let (_filling, batches, counts) = scratch.open(1000, 2);
    assert!(batches.take().is_some_and(|batch| !batch.sound), "nobody knows what the disk has of it");
    batches.put_back();
    let mut all = drain(&batches);
    all.sort();
    assert_eq!(all, ["a\nb\n", "c\n"]);
    assert_eq!(dropped(&counts), 0);
    assert_eq!(scratch.files("txt").len(), 1, "what is not ours stays");
}

#[test]
fn a_full_spool_loses_its_oldest_batch_and_counts_it() {
    let scratch = Scratch::new();
    let (mut filling, batches, counts) = scratch.open(10, 2);
    for number in 0..8 {
        filling.append(format!("{number}\n").as_bytes(), 1);
    }
    assert_eq!(dropped(&counts), 4);
    assert!(batches.bytes() <= 10);
    assert_eq!(drain(&batches), ["4\n5\n", "6\n7\n"]);
}

#[test]
fn a_batch_under_way_is_not_lost_meanwhile() {
    let scratch = Scratch::new();
    let (mut filling, batches, counts) = scratch.open(6, 1);
    filling.append(b"a\n", 1);
    let under_way = batches.take().unwrap();
    for line in ["b\n", "c\n", "d\n"] {
        filling.append(line.as_bytes(), 1);
    }
    assert_eq!(dropped(&counts), 1);
    assert_eq!(batches.read(&under_way).unwrap(), b"a\n");
    batches.put_back();
    assert_eq!(drain(&batches), ["a\n", "c\n", "d\n"]);
}

#[test]
fn a_refused_batch_waits_for_the_next_start() {
    let scratch = Scratch::new();
    let (mut filling, batches, _) = scratch.open(1000, 1);
    filling.append(b"a\n", 1);
    filling.append(b"b\n", 1);
    let refused = batches.take().unwrap();
    batches.set_aside(&refused).unwrap();
    assert_eq!(drain(&batches), ["b\n"]);
    assert_eq!((batches.bytes(), scratch.files("refused").len()), (2, 1));
    drop((filling, batches));
    let (_filling, batches, _) = scratch.open(1000, 1);
    assert_eq!(drain(&batches), ["a\n"]);
}

#[test]
fn a_spool_has_one_process() {
    let scratch = Scratch::new();
    let (_filling, _batches, counts) = scratch.open(1000, 1);
    let config = SpoolConfig { dir: scratch.0.clone(), bytes_max: 1, lines_max: 1 };
    let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
    assert!(matches!(open(config, clock, counts), Err(SpoolError::Locked(LockError::Held { .. }))));
}

#[test]
fn a_disk_that_does_not_take_a_line_costs_that_line_only() {
    let scratch = Scratch::new();
    let (mut filling, batches, counts) = scratch.open(1000, 10);
    filling.append(b"a\n", 1);
    fs::remove_dir_all(&scratch.0).unwrap();
    filling.hand_over();
    filling.append(b"b\n", 1);
    filling.append(b"c\n", 1);
    assert_eq!(dropped(&counts), 2);
    fs::create_dir_all(&scratch.0).unwrap();
    filling.append(b"d\n", 1);
    filling.hand_over();
    assert_eq!(drain(&batches), ["d\n"]);
}

#[test]
fn a_line_gets_no_younger_by_a_restart() {
    let scratch = Scratch::new();
    let (mut filling, batches, _) = scratch.open(1000, 2);
    filling.append(b"a\n", 1);
    drop((filling, batches));
    let (_filling, batches, _) = scratch.open(1000, 2);
    assert_eq!(batches.oldest(), Some("2026-11-21T11:00:00Z".parse().unwrap()));
}
