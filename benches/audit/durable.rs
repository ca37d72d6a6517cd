//! Records made durable by the log, beside a bare loop that writes and flushes as many bytes: in batches of the same sizes, and
//! in batches of all that are under way.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use inzage::audit::{AuditLog as _, FileLog, encode};
use inzage::sandbox::client::new_id;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::figures::{median, micros, now, percentile, print_bar, spread};
use crate::record::intent;
use crate::scene::open;

const ROUNDS: usize = 11;
/// How long the log works in one round.
const ROUND: Duration = Duration::from_millis(600);
/// Appends under way at once.
const CONCURRENCY: [usize; 3] = [1, 16, 256];
/// The concurrency of bar M of the comparison.
const BAR_M: usize = 256;
/// Of what a bare writer reaches.
const BAR: f64 = 0.6;

/// What one side did in one round.
struct Side {
    records: u64,
    took: Duration,
    /// Microseconds that each append, or each flush of the bare loop, took.
    waits: Vec<f64>,
}

impl Side {
    fn rate(&self) -> f64 {
        self.records as f64 / self.took.as_secs_f64()
    }
}

/// The time of one write of one record with its flush, by itself.
pub(crate) fn print_bare_flush(dir: &Path) {
    let mut bare = bare(dir, &[1; 2_000]);
    let middle = median(&mut bare.waits);
    println!(
        "bare write and fdatasync of one record of {} bytes: median {middle:.0} µs, 99 % within {:.0} µs\n",
        record_bytes(),
        percentile(&mut bare.waits, 99)
    );
}

/// Prints a line for each concurrency; whether each holds the bar.
pub(crate) fn measure(dir: &Path) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("durable records per second, and microseconds that an append waits; {ROUNDS} rounds: median (min – max)");
    let mut held = true;
    for concurrency in CONCURRENCY {
        let (mut rates, mut bare_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut waits, mut flushes, mut batches) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (ours, sizes) = ours(&runtime, dir, concurrency);
            let bare = bare(dir, &sizes);
            assert_eq!(bare.records, ours.records);
            rates.push(ours.rate());
            bare_rates.push(bare.rate());
            ratios.push(ours.rate() / bare.rate());
            waits.extend(ours.waits);
            flushes.extend(bare.waits);
            batches.extend(sizes.iter().map(|size| *size as f64));
        }
        let mean = batches.iter().sum::<f64>() / batches.len() as f64;
        println!("{concurrency:>4} at once: log {}, bare {}", spread(&rates, 0), spread(&bare_rates, 0));
        println!("     of the bare rate: {}", spread(&ratios, 2));
        println!(
            "     wait: median {:.0}, 99 % {:.0}; bare flush: median {:.0}, 99 % {:.0}; batches of {mean:.1} (90 % up to {:.0})",
            median(&mut waits),
            percentile(&mut waits, 99),
            median(&mut flushes),
            percentile(&mut flushes, 99),
            percentile(&mut batches, 90),
        );
        held &= median(&mut ratios) >= BAR;
    }
    println!("{}\n", if held { "bar held: 0.60 of the bare rate" } else { "BAR MISSED: 0.60 of the bare rate" });
    held
}

/// Prints bar M as it is worded: with 256 under way, against a bare loop in batches of 256, in turns. Nothing is written down
/// for a record, as its tasks take the same processors.
pub(crate) fn measure_full(dir: &Path, bars: bool) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut ratios, mut rates, mut bare_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ours = plain(&runtime, dir);
        let bare = bare(dir, &vec![BAR_M as u64; ours.records as usize / BAR_M + 1]);
        ratios.push(ours.rate() / bare.rate());
        rates.push(ours.rate());
        bare_rates.push(bare.rate());
    }
    println!("{BAR_M} at once: log {}, bare in batches of {BAR_M} {}", spread(&rates, 0), spread(&bare_rates, 0));
    let held = median(&mut ratios.clone()) >= BAR;
    println!(
        "of the bare rate: {} ({})\n",
        spread(&ratios, 2),
        if held { "bar held: 0.60" } else { "BAR MISSED: 0.60" }
    );
    if bars {
        print_bar("M", &ratios);
    }
    held
}

/// As [`ours`], without waits and sizes.
fn plain(runtime: &Runtime, dir: &Path) -> Side {
    let folder = dir.join(new_id());
    let (log, ended) = (Arc::new(open(&folder, 1 << 30)), Arc::new(AtomicBool::new(false)));
    let started = now();
    let mut tasks = JoinSet::new();
    for _ in 0..BAR_M {
        let (log, ended) = (Arc::clone(&log), Arc::clone(&ended));
        let appending = async move {
            let (event, mut records) = (intent(), 0);
            while !ended.load(Ordering::Relaxed) {
                log.append(&event).unwrap().await.unwrap();
                records += 1;
            }
            records
        };
        tasks.spawn_on(appending, runtime.handle());
    }
    std::thread::sleep(ROUND);
    ended.store(true, Ordering::Relaxed);
    let records = runtime.block_on(tasks.join_all()).into_iter().sum();
    let took = now() - started;
    log.close();
    std::fs::remove_dir_all(&folder).unwrap();
    Side { records, took, waits: Vec::new() }
}

/// Appends from so many tasks at once, each waiting for its receipt, into a log of its own; and the sizes of its batches.
fn ours(runtime: &Runtime, dir: &Path, concurrency: usize) -> (Side, Vec<u64>) {
    let folder = dir.join(new_id());
    let log = Arc::new(open(&folder, 1 << 30));
    let started = now();
    let mut tasks = JoinSet::new();
    for _ in 0..concurrency {
        tasks.spawn_on(append_until(Arc::clone(&log), started + ROUND), runtime.handle());
    }
    let done = runtime.block_on(tasks.join_all());
    let took = now() - started;
    log.close();
    std::fs::remove_dir_all(&folder).unwrap();
    let (waits, ends): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let waits: Vec<f64> = waits.into_iter().flatten().collect();
    let records = waits.len() as u64;
    (Side { records, took, waits }, sizes(ends.into_iter().flatten().collect(), records))
}

/// How long each append waited, and up to where the log was durable when it had its receipt.
async fn append_until(log: Arc<FileLog>, end: Instant) -> (Vec<f64>, Vec<u64>) {
    let (event, durable) = (intent(), log.durable());
    let (mut waits, mut ends) = (Vec::new(), Vec::new());
    while now() < end {
        let started = now();
        log.append(&event).unwrap().await.unwrap();
        waits.push(micros(now() - started));
        ends.push(*durable.borrow());
    }
    (waits, ends)
}

/// The sizes of batches that end there. An end that nobody saw makes two batches one, which is to the bare loop's advantage.
fn sizes(mut ends: Vec<u64>, records: u64) -> Vec<u64> {
    ends.push(records);
    ends.sort_unstable();
    ends.dedup();
    let mut before = 0;
    ends.into_iter().map(|end| end - std::mem::replace(&mut before, end)).collect()
}

/// Writes and flushes batches of so many records each.
fn bare(dir: &Path, sizes: &[u64]) -> Side {
    let path = dir.join(new_id());
    let record = record_bytes();
    let largest = sizes.iter().copied().max().unwrap_or_default() as usize;
    let bytes = vec![b'x'; largest * record];
    let mut file = File::options().append(true).create_new(true).open(&path).unwrap();
    file.sync_all().unwrap();
    let mut waits = Vec::with_capacity(sizes.len());
    let started = now();
    for size in sizes {
        let flush = now();
        file.write_all(&bytes[..*size as usize * record]).unwrap();
        file.sync_data().unwrap();
        waits.push(micros(now() - flush));
    }
    let took = now() - started;
    std::fs::remove_file(&path).unwrap();
    Side { records: sizes.iter().sum(), took, waits }
}

/// Length, payload and chain hash.
fn record_bytes() -> usize {
    let mut payload = Vec::new();
    encode(&intent(), "inzage-bench-00000000000000ff", &mut payload);
    4 + payload.len() + 32
}
