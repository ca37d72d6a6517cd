//! Threads that give way: what happens behind a request, or beside it, must not hold up the threads that answer one. The lists,
//! the signer of the audit log, its index and the like work in bursts of a millisecond and more, on cores on which people
//! may be waiting.
//!
//! Being nice is not enough. Linux 6.18 lets a thread that just began run on for its slice whoever wakes, so that one in a hundred
//! waits for all of it. How long a thread of nice 0 waited for its core when it woke (0.05 ms of it the slack of its timer), 99th
//! percentile of 3,500 times, each 300 µs, beside a thread that worked for 1.5 ms in 9.5 and for 20 ms in 21:
//!
//! | that thread | 1.5 ms | 20 ms |
//! | --- | --- | --- |
//! | nice 0, 5, 10, 19, or `SCHED_BATCH` | 1.4 - 1.5 ms | 2.4 - 2.8 ms |
//! | nice 10, [`breathe`] after each 100 µs | 0.14 ms | 0.13 ms |
//! | `SCHED_IDLE` | 0.07 ms | 0.06 ms |
//!
//! The last would have lists and checkpoints wait for as long as a node has too much to do, which is when somebody may be
//! shut out by a list.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::sched_yield;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// How nice they are (sched(7), the nice value; on Linux it is that of one thread). Where others want all of a core, one of 10
/// still gets a tenth of it, one of 19 a seventieth: what is put off must be done also on a node that has too much to do.
const NICE: i32 = 10;

/// From now on this thread, and each that it starts, gives way to all others.
pub fn give_way() {
    if getpriority_process(None).is_ok_and(|nice| nice < NICE) {
        // Who may not be nicer does the work all the same.
        let _ = setpriority_process(None, NICE);
    }
}

/// Lets whoever waits for this core go first. A thread that gives way does this each tenth of a millisecond or so; it costs
/// less than a microsecond when nobody waits.
pub fn breathe() {
    sched_yield();
}

/// Starts a thread of this name that gives way.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    let giving_way = move || {
        give_way();
        work()
    };
    thread::Builder::new().name(name.to_owned()).spawn(giving_way)
}

/// Runs a task on a thread of its own of this name, with a runtime of its own, to its end and that of the blocking work that it
/// began. The thread is as nice as whoever called, until the task says otherwise.
///
/// # Errors
/// When the system gives no thread or no runtime, or the task panicked.
pub async fn on_own_thread(name: &str, task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (told, ended) = oneshot::channel();
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let done = runtime.map(|runtime| runtime.block_on(task));
        // Whoever started it may be gone.
        let _ = told.send(done);
    };
    thread::Builder::new().name(name.to_owned()).spawn(run)?;
    ended.await.unwrap_or_else(|_dropped| Err(lost()))
}

type Work = Box<dyn FnOnce() + Send>;

/// A thread that gives way, for pieces of work that block, one after the other: what `spawn_blocking` does on threads that
/// do not. It ends when this is dropped and what was begun is done.
#[derive(Debug)]
pub struct Aside(Sender<Work>);

impl Aside {
    /// Starts it under this name.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let (give, taken) = mpsc::channel::<Work>();
        spawn(name, move || taken.into_iter().for_each(|work| work()))?;
        Ok(Self(give))
    }

    /// Does a piece of work there.
    ///
    /// # Errors
    /// When it panicked, or one before it did.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (told, done) = oneshot::channel();
        // Whoever waited may be gone.
        let piece = Box::new(move || drop(told.send(work())));
        self.0.send(piece).map_err(|_ended| lost())?;
        done.await.map_err(|_ended| lost())
    }
}

fn lost() -> io::Error {
    io::Error::other("the thread ended before its time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nice() -> i32 {
        getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn the_task_gives_way_and_who_waits_for_it_does_not() {
        let before = nice();
        let (told, said) = oneshot::channel();
        let task = async move {
            let at_first = nice();
            give_way();
            give_way();
            let blocking = tokio::task::spawn_blocking(nice).await.unwrap();
            told.send((at_first, nice(), blocking)).unwrap();
        };
        on_own_thread("task", task).await.unwrap();
        let expected = before.max(NICE);
        assert_eq!(said.await, Ok((before, expected, expected)), "also what it starts");
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_no_silent_end() {
        let panics = async { assert_eq!(1, 2, "as it should") };
        on_own_thread("task", panics).await.unwrap_err();
    }

    #[tokio::test]
    async fn work_aside_gives_way_and_is_done_in_order() {
        let (aside, before) = (Aside::start("aside").unwrap(), nice());
        let whose = || (nice(), thread::current().name().map(str::to_owned));
        assert_eq!(aside.run(whose).await.unwrap(), (before.max(NICE), Some("aside".to_owned())));
        let (tell, told) = mpsc::channel();
        let later = tell.clone();
        let (first, second) = (aside.run(move || tell.send(1)), aside.run(move || later.send(2)));
        let (first, second) = tokio::join!(first, second);
        first.unwrap().unwrap();
        second.unwrap().unwrap();
        assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    async fn work_aside_that_panics_is_no_silent_end() {
        let aside = Aside::start("aside").unwrap();
        aside.run(|| assert_eq!(1, 2, "as it should")).await.unwrap_err();
        aside.run(|| 3).await.unwrap_err();
    }

    #[test]
    fn a_thread_that_is_started_gives_way() {
        let before = nice();
        assert_eq!(spawn("thread", nice).unwrap().join().unwrap(), before.max(NICE));
        assert_eq!(nice(), before);
    }
}
