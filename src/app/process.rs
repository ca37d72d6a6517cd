//! What the system says of this process (proc(5)), and its runtimes.

use std::collections::HashMap;

use tokio::runtime::Handle;

use crate::monitor::metrics::ProcessFigures;

/// Reads it; what cannot be read is 0. Waits for no disk. A runtime that serves several listeners counts once.
pub(super) fn figures(runtimes: impl Iterator<Item = Handle>) -> ProcessFigures {
    ProcessFigures {
        resident_bytes: resident_bytes(),
        open_files: open_files(),
        cpu_seconds: cpu_seconds(),
        tasks: alive(runtimes),
    }
}

fn alive(runtimes: impl Iterator<Item = Handle>) -> u64 {
    let distinct: HashMap<_, _> = runtimes.map(|runtime| (runtime.id(), runtime)).collect();
    let tasks = distinct.values().map(|runtime| runtime.metrics().num_alive_tasks()).sum::<usize>();
    u64::try_from(tasks).unwrap_or(u64::MAX)
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default().saturating_mul(1024)
}

fn open_files() -> u64 {
    // One of them is the folder that is being read.
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count).saturating_sub(1);
    u64::try_from(open).unwrap_or(u64::MAX)
}

fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(used).map_or(0.0, |used| used.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_runs_takes_memory_files_time_and_tasks() {
        let task = tokio::spawn(std::future::pending::<()>());
        let figures = figures([Handle::current(), Handle::current()].into_iter());
        assert!(
            figures.resident_bytes > 1024 * 1024 && figures.open_files > 2 && figures.cpu_seconds > 0.0,
            "{figures:?}"
        );
        assert_eq!(figures.tasks, 1, "of a runtime that is named twice");
        task.abort();
    }
}
