//! How long a start takes for logs of several sizes: the log is found, its tree is held against the newest checkpoint, and both
//! threads run. After an end in order, and after one that left records unsigned.

use std::path::Path;
use std::sync::Arc;

use inzage::audit::signer::{Pace, SignedTree, Signer, keys_of};
use inzage::audit::{AuditLog as _, FileLog, FileLogConfig, NodeName};
use inzage::clock::SystemClock;
use inzage::secret::Secret;
use tokio::runtime::Runtime;

use crate::figures::{now, spread};
use crate::record::intent;

const SIZES: [u64; 2] = [100_000, 1_000_000];
/// Records that no checkpoint covers: as many as there can be.
const UNSIGNED: u64 = 1_000;
const ROUNDS: usize = 5;
/// Appends under way at once; below the bound of the queue.
const AHEAD: u64 = 4_096;

/// Prints the times.
pub(crate) fn measure(dir: &Path) {
    let (folder, runtime) = (dir.join("restart"), Runtime::new().unwrap());
    println!("a start, ms, files in the cache; {ROUNDS} rounds: median (min – max)");
    let mut records = 0;
    for size in SIZES {
        let (log, signer) = start(&folder);
        append(&log, &runtime, size - records);
        signer.finish();
        log.close();
        println!("{size} records, all signed: {}", spread(&starts(&folder), 1));
        // Nobody signs these.
        let log = FileLog::open(config(&folder), Arc::new(SystemClock)).unwrap().0;
        append(&log, &runtime, UNSIGNED);
        log.close();
        println!("{size} records, and {UNSIGNED} unsigned: {}", spread(&starts(&folder), 1));
        records = size + UNSIGNED;
    }
    println!();
}

fn starts(folder: &Path) -> Vec<f64> {
    let timed = |_| {
        let started = now();
        let (log, signer) = start(folder);
        let took = (now() - started).as_secs_f64() * 1e3;
        // Without an end in order, so that the next start finds the same.
        log.close();
        drop(signer);
        took
    };
    (0..ROUNDS).map(timed).collect()
}

fn config(folder: &Path) -> FileLogConfig {
    FileLogConfig::new(folder.to_owned(), NodeName::parse("bench").unwrap())
}

fn start(folder: &Path) -> (FileLog, Signer) {
    let found = FileLog::find(config(folder)).unwrap();
    let keys = keys_of(found.id(), &Secret::new([7; 32]), &[]).unwrap();
    let tree = SignedTree::open(folder, &found, keys, &[]).unwrap();
    let (log, _) = found.start(Arc::new(SystemClock)).unwrap();
    let signer = Signer::start(tree, log.durable(), Pace::default(), Arc::new(SystemClock)).unwrap();
    (log, signer)
}

fn append(log: &FileLog, runtime: &Runtime, count: u64) {
    let event = intent();
    runtime.block_on(async {
        let mut left = count;
        while left > 0 {
            let wave = left.min(AHEAD);
            let pending: Vec<_> = (0..wave).map(|_| log.append(&event).unwrap()).collect();
            for receipt in pending {
                receipt.await.unwrap();
            }
            left -= wave;
        }
    });
}
