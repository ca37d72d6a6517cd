//! How fast a log is read back: verified whole, and opened at a start.

use std::path::Path;

use inzage::audit::{AuditLog as _, verify};
use tokio::runtime::Runtime;

use crate::figures::{now, spread};
use crate::record::intent;
use crate::scene::open;

const RECORDS: [u64; 4] = [30_000, 100_000, 300_000, 1_000_000];
const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;
const ROUNDS: usize = 5;
/// Appends under way at once; below the bound of the queue.
const AHEAD: u64 = 4_096;

/// Prints the rates, for logs of each size.
pub(crate) fn measure(dir: &Path) {
    let runtime = Runtime::new().unwrap();
    println!("logs in the cache, segments of {SEGMENT_BYTES} bytes; {ROUNDS} rounds: median (min – max)");
    for records in RECORDS {
        let folder = dir.join("reading");
        write(&folder, &runtime, records);
        let (mut verified, mut opened) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let started = now();
            assert_eq!(verify(&folder).unwrap().records, records);
            verified.push(records as f64 / (now() - started).as_secs_f64());
            let started = now();
            open(&folder, SEGMENT_BYTES).close();
            opened.push((now() - started).as_secs_f64() * 1e3);
        }
        std::fs::remove_dir_all(&folder).unwrap();
        println!(
            "{records:>9} records: verified per second {}, opened in ms {}",
            spread(&verified, 0),
            spread(&opened, 1)
        );
    }
    println!();
}

fn write(folder: &Path, runtime: &Runtime, records: u64) {
    let (log, event) = (open(folder, SEGMENT_BYTES), intent());
    runtime.block_on(async {
        for _ in 0..records / AHEAD {
            wave(&log, &event, AHEAD).await;
        }
        wave(&log, &event, records % AHEAD).await;
    });
    log.close();
}

async fn wave(log: &inzage::audit::FileLog, event: &inzage::audit::AuditEvent, count: u64) {
    let pending: Vec<_> = (0..count).map(|_| log.append(event).unwrap()).collect();
    for receipt in pending {
        receipt.await.unwrap();
    }
}
