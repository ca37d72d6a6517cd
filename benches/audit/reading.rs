//! How fast a log is read back: verified whole, and opened at a start.

use std::path::Path;

use inzage::audit::{AuditLog as _, verify};
use tokio::runtime::Runtime;

use crate::figures::{now, spread};
use crate::scene::{intent, open};

const RECORDS: u64 = 300_000;
const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;
const ROUNDS: usize = 5;
/// Appends under way at once; below the bound of the queue.
const AHEAD: u64 = 4_096;

/// Prints the rates.
pub(crate) fn measure(dir: &Path) {
    let folder = dir.join("reading");
    let runtime = Runtime::new().unwrap();
    write(&folder, &runtime);
    println!(
        "a log of {RECORDS} records, segments of {SEGMENT_BYTES} bytes, in the cache; {ROUNDS} rounds: median (min – max)"
    );
    let (mut verified, mut opened) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = now();
        assert_eq!(verify(&folder).unwrap().records, RECORDS);
        verified.push(RECORDS as f64 / (now() - started).as_secs_f64());
        let started = now();
        open(&folder, SEGMENT_BYTES).close();
        opened.push((now() - started).as_secs_f64() * 1e3);
    }
    println!("verified, records per second: {}", spread(&verified, 0));
    println!("opened, ms: {}\n", spread(&opened, 1));
}

fn write(folder: &Path, runtime: &Runtime) {
    let (log, event) = (open(folder, SEGMENT_BYTES), intent());
    runtime.block_on(async {
        for _ in 0..RECORDS / AHEAD {
            wave(&log, &event, AHEAD).await;
        }
        wave(&log, &event, RECORDS % AHEAD).await;
    });
    log.close();
}

async fn wave(log: &inzage::audit::FileLog, event: &inzage::audit::AuditEvent, count: u64) {
    let pending: Vec<_> = (0..count).map(|_| log.append(event.clone()).unwrap()).collect();
    for receipt in pending {
        receipt.await.unwrap();
    }
}
