//! What the processor does for one record: encoding, the hash of the chain, and its leaf in the Merkle tree. Processor time of
//! this thread, so that what else the machine does is not in it, but for the caches that it takes.

use std::hint::black_box;

use inzage::audit::encode;
use inzage::audit::tree::{RightEdge, leaf_hash};

use crate::figures::{median, spread};
use crate::record::{Chain, intent};

const ROUNDS: usize = 11;
const LOG: &str = "inzage-a-00000000000000ff";
const RECORDS: u64 = 50_000;
/// For encoding and hashing, in nanoseconds.
const BAR: f64 = 3_000.0;

/// Prints each part and the sum; whether the sum holds the bar.
pub(crate) fn measure() -> bool {
    let event = intent();
    let mut payload = Vec::new();
    encode(&event, LOG, &mut payload);
    println!(
        "processor time for a record of {} bytes of payload, ns; {ROUNDS} rounds: median (min – max)",
        payload.len()
    );
    let (mut encoding, mut chain, mut tree, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        encoding.push(each(|| {
            payload.clear();
            encode(black_box(&event), LOG, &mut payload);
        }));
        let mut link = Chain::default();
        let leaf = leaf_hash(&payload);
        chain.push(each(|| link.follow(black_box(&leaf))));
        let mut edge = RightEdge::new();
        tree.push(each(|| {
            edge.push(leaf_hash(black_box(&payload)), &mut |tile, hashes| {
                let _ = black_box((tile, hashes));
            });
        }));
        let (mut link, mut edge) = (Chain::default(), RightEdge::new());
        all.push(each(|| {
            payload.clear();
            encode(black_box(&event), LOG, &mut payload);
            let leaf = leaf_hash(&payload);
            link.follow(&leaf);
            edge.push(leaf, &mut |tile, hashes| {
                let _ = black_box((tile, hashes));
            });
        }));
    }
    for (name, times) in [("encode", &encoding), ("chain", &chain), ("leaf and tree", &tree), ("all of it", &all)] {
        println!("{name:<14} {}", spread(times, 0));
    }
    let held = median(&mut all) < BAR;
    println!("{}\n", if held { "bar held: 3 µs" } else { "BAR MISSED: 3 µs" });
    held
}

/// Nanoseconds of processor time of one call.
fn each(mut call: impl FnMut()) -> f64 {
    let before = processor_time();
    for _ in 0..RECORDS {
        call();
    }
    (processor_time() - before) as f64 / RECORDS as f64
}

/// Of this thread, in nanoseconds: the first field of its schedstat (Linux, Documentation/scheduler/sched-stats.rst).
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
