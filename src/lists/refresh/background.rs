//! The thread on which lists are kept. A list of 20,000 providers is some 40 MB to fetch, to read and to write: some hundred
//! milliseconds of a core on which people may be waiting, so the thread gives way to them.

use std::io;
use std::thread;

use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// How nice the thread is (sched(7), the nice value; on Linux it is that of one thread). A thread of 0 that wakes takes the
/// core from one of 10 at once, and from one of 5 after as much as a tick of 4 ms; where others want all of a core, one of 10
/// still gets a tenth of it, one of 19 a seventieth: a set must come into force also on a node that has too much to do.
const NICE: i32 = 10;

/// Runs a task on a thread of its own, with a runtime of its own, to its end and that of the blocking work that it began.
///
/// # Errors
/// When the system gives no thread or no runtime, or the task panicked.
pub async fn on_own_thread(task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (told, ended) = oneshot::channel();
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let done = runtime.map(|runtime| runtime.block_on(task));
        // Whoever started it may be gone.
        let _ = told.send(done);
    };
    thread::Builder::new().name("inzage-lists".to_owned()).spawn(run)?;
    ended.await.unwrap_or_else(|_dropped| Err(io::Error::other("the thread ended before its time")))
}

/// From now on this thread gives way to all others.
pub(super) fn give_way() {
    if getpriority_process(None).is_ok_and(|nice| nice < NICE) {
        // Who may not be nicer does the work all the same.
        let _ = setpriority_process(None, NICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_task_gives_way_and_who_waits_for_it_does_not() {
        let nice = || getpriority_process(None).unwrap();
        let before = nice();
        let (told, said) = oneshot::channel();
        let task = async move {
            give_way();
            give_way();
            let blocking = tokio::task::spawn_blocking(move || getpriority_process(None).unwrap()).await.unwrap();
            told.send((getpriority_process(None).unwrap(), blocking)).unwrap();
        };
        on_own_thread(task).await.unwrap();
        let expected = before.max(NICE);
        assert_eq!(said.await, Ok((expected, expected)), "also what it starts");
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_no_silent_end() {
        let panics = async { assert_eq!(1, 2, "as it should") };
        on_own_thread(panics).await.unwrap_err();
    }
}
