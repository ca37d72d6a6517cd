//! What a process costs: time on a processor and memory, as the kernel counts them.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::figures::now;

/// Between two looks whether a process is at rest.
const LOOK: Duration = Duration::from_millis(20);
/// A process that works less than this share of the time is at rest.
const REST: f64 = 0.02;
/// How long to wait for rest.
const PATIENCE: Duration = Duration::from_secs(4);

/// Time on a processor so far, in nanoseconds, by thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cpu(BTreeMap<u32, (String, u64)>);

impl Cpu {
    /// Of a process and its children. The first field of `schedstat` is the time on a processor; what the kernel does for the
    /// loopback in the context of the process is in it.
    pub(crate) fn of(pid: u32) -> Self {
        let mut found = BTreeMap::new();
        for process in std::iter::once(pid).chain(children(pid)) {
            let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for thread in threads.flatten() {
                let read = |name: &str| fs::read_to_string(thread.path().join(name)).ok();
                let (Some(name), Some(statistics)) = (read("comm"), read("schedstat")) else { continue };
                let spent = statistics.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0);
                let id = thread.file_name().to_string_lossy().parse().unwrap();
                found.insert(id, (kind_of(&name), spent));
            }
        }
        Self(found)
    }

    fn total(&self) -> u64 {
        self.0.values().map(|(_, spent)| spent).sum()
    }

    /// Nanoseconds since `before`, by the name of the thread. A thread that ended between counts until `before`.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<String, u64> {
        let mut spent = BTreeMap::new();
        for (id, (name, now)) in &self.0 {
            let then = before.0.get(id).map_or(0, |(_, then)| *then);
            *spent.entry(name.clone()).or_insert(0) += now - then.min(*now);
        }
        spent
    }
}

/// Threads of a kind have one name with a number.
fn kind_of(name: &str) -> String {
    name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned()
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Waits until a process does nothing any more, so that what it left for later is counted, too. Whether it came to rest.
pub(crate) fn rest(pid: u32) -> bool {
    let end = now() + PATIENCE;
    let (mut before, mut at) = (Cpu::of(pid).total(), now());
    while at < end {
        std::thread::sleep(LOOK);
        let (after, then): (u64, Instant) = (Cpu::of(pid).total(), now());
        if (after - before.min(after)) as f64 <= REST * (then - at).as_nanos() as f64 {
            return true;
        }
        (before, at) = (after, then);
    }
    false
}

/// Memory of a process and its children in kB: what is shared with others counts in part (`Pss`).
pub(crate) fn memory(pid: u32) -> u64 {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0)
    };
    std::iter::once(pid).chain(children(pid)).map(of).sum()
}
