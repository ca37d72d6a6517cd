//! A thread that owns one connection and works off a bounded queue. The writer takes all that is waiting as one transaction
//! (group commit: one flush for up to 256 operations) and answers after the commit; the reader answers one by one.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io, thread};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::background;
use crate::oauth::store::{StoreError, StoreFault};

/// How many operations may wait; one more is refused at once.
const QUEUE: usize = 1_024;
/// How many operations share one commit.
const BATCH: usize = 256;
/// How long an answer is waited for: a disk that hangs must not hold a request beyond the 60 s of core.rscint.202.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a thread tells of itself.
#[derive(Default)]
struct Condition {
    ended: AtomicBool,
    unwritable: AtomicBool,
    /// A probe is under way.
    probing: AtomicBool,
}

impl Condition {
    fn committed(&self, well: bool) {
        self.unwritable.store(!well, Ordering::Release);
        self.probing.store(false, Ordering::Release);
    }

    fn state(&self) -> Result<(), StoreFault> {
        if self.ended.load(Ordering::Acquire) {
            return Err(StoreFault::Stopped);
        }
        if self.unwritable.load(Ordering::Acquire) { Err(StoreFault::Unwritable) } else { Ok(()) }
    }
}

/// However a thread ends, it is known after it.
struct Ending(Arc<Condition>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

/// Work on a connection. Whoever waits for it gets a [`StoreError`] when it is dropped.
type Job = Box<dyn FnOnce(&Connection) -> Ran + Send>;

/// What a job did.
struct Ran {
    /// Whether its changes stay.
    keep: bool,
    /// Tells who waits; dropped in place of called, it tells them of a failure.
    answer: Answer,
}

type Answer = Box<dyn FnOnce()>;

enum Message {
    Job(Job),
    Stop,
}

/// A thread with its queue.
pub(super) struct Worker {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    condition: Arc<Condition>,
}

impl Worker {
    /// A thread of this name that commits what it does.
    pub(super) fn writer(name: &str, connection: Connection) -> io::Result<Self> {
        Self::spawn(name, connection, || {}, commit_and_answer)
    }

    /// The same for what no request waits for: the thread gives way to all others.
    pub(super) fn patient_writer(name: &str, connection: Connection) -> io::Result<Self> {
        Self::spawn(name, connection, background::give_way, commit_and_answer)
    }

    /// A thread of this name that only reads.
    pub(super) fn reader(name: &str, connection: Connection) -> io::Result<Self> {
        Self::spawn(
            name,
            connection,
            || {},
            |connection, jobs, _| {
                jobs.into_iter().for_each(|job| (job(connection).answer)());
            },
        )
    }

    /// The thread does `begin` once, and `handle` with all that is waiting, again and again.
    fn spawn<F>(name: &str, mut connection: Connection, begin: fn(), handle: F) -> io::Result<Self>
    where
        F: Fn(&mut Connection, Vec<Job>, &Condition) + Send + 'static,
    {
        let (queue, waiting) = sync_channel(QUEUE);
        let condition = Arc::<Condition>::default();
        let ending = Ending(Arc::clone(&condition));
        let work = move || {
            let ending = ending;
            begin();
            let mut open = true;
            while open {
                let mut jobs = Vec::new();
                open = gather(&waiting, &mut jobs);
                handle(&mut connection, jobs, &ending.0);
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), condition })
    }

    /// Whether the thread does its work. A writer whose last commit failed is made to try again, once at a time.
    pub(super) fn health(&self) -> Result<(), StoreFault> {
        let state = self.condition.state();
        if state == Err(StoreFault::Unwritable) && !self.condition.probing.swap(true, Ordering::AcqRel) {
            // Writes the first page as it is, so that the commit has something to flush.
            let (job, _) = job(|connection| connection.pragma_update(None, "user_version", 0));
            if self.queue.try_send(Message::Job(job)).is_err() {
                self.condition.probing.store(false, Ordering::Release);
            }
        }
        state
    }

    /// Queues work now; the future resolves when it is done, for the writer: when it is on disk. After 10 s it is an error,
    /// and what became of the work is not known.
    pub(super) fn submit<T, W>(&self, work: W) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (job, answer) = job(work);
        let queued = self.queue.try_send(Message::Job(job)).map_err(|_| StoreError);
        async move {
            queued?;
            let answer = tokio::time::timeout(DEADLINE, answer).await.map_err(|_| {
                tracing::error!("the store does not answer in time");
                StoreError
            })?;
            answer.map_err(|_| StoreError)?
        }
    }

    /// Finishes what is waiting, ends the thread and closes its connection. Blocks until then.
    pub(super) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // An error means that the thread has ended already.
        let _ = self.queue.send(Message::Stop);
        if thread.join().is_err() {
            tracing::error!("a thread of the store ended by a panic");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

fn job<T, W>(work: W) -> (Job, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = move |connection: &Connection| {
        let done = work(connection).map_err(|error| {
            tracing::error!(%error, "an operation of the store failed");
            StoreError
        });
        // Who no longer waits needs no answer.
        Ran { keep: done.is_ok(), answer: Box::new(move || drop(reply.send(done))) }
    };
    (Box::new(job), answer)
}

/// Waits for a job, then takes what else is waiting. False when these are the last.
fn gather(waiting: &Receiver<Message>, jobs: &mut Vec<Job>) -> bool {
    let mut next = waiting.recv().ok();
    while let Some(Message::Job(job)) = next {
        jobs.push(job);
        if jobs.len() == BATCH {
            return true;
        }
        next = match waiting.try_recv() {
            Ok(message) => Some(message),
            Err(std::sync::mpsc::TryRecvError::Empty) => return true,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => None,
        };
    }
    false
}

fn commit_and_answer(connection: &mut Connection, jobs: Vec<Job>, condition: &Condition) {
    let mut answers = Vec::with_capacity(jobs.len());
    let committed = commit(connection, jobs, &mut answers);
    // Before anybody hears of it.
    condition.committed(committed.is_ok());
    match committed {
        Ok(()) => answers.into_iter().for_each(|answer| answer()),
        Err(error) => tracing::error!(%error, "the store could not commit"),
    }
}

/// Runs jobs in one transaction, which is immediate because a read that turns into a write fails without waiting. On an error
/// nothing of it stays, and the answers must be dropped.
fn commit(connection: &mut Connection, jobs: Vec<Job>, answers: &mut Vec<Answer>) -> rusqlite::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs {
        answers.push(run_apart(&mut transaction, job)?);
    }
    transaction.commit()
}

/// Runs a job in a savepoint, so that its failure leaves the others of the batch alone.
fn run_apart(transaction: &mut Transaction<'_>, job: Job) -> rusqlite::Result<Answer> {
    let savepoint = transaction.savepoint()?;
    let ran = job(&savepoint);
    if ran.keep { savepoint.commit() } else { savepoint.finish() }?;
    Ok(ran.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON;
                 CREATE TABLE parents (id INTEGER PRIMARY KEY);
                 CREATE TABLE children (parent INTEGER REFERENCES parents (id));",
            )
            .unwrap();
        connection
    }

    fn commit_and_answer(connection: &mut Connection, jobs: Vec<Job>) -> rusqlite::Result<()> {
        let mut answers = Vec::new();
        commit(connection, jobs, &mut answers)?;
        answers.into_iter().for_each(|answer| answer());
        Ok(())
    }

    fn insert(id: i64) -> (Job, oneshot::Receiver<Result<usize, StoreError>>) {
        job(move |connection| connection.execute("INSERT INTO parents VALUES (?1)", [id]))
    }

    fn parents(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM parents", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_failed_operation_leaves_the_others_alone() {
        let mut connection = database();
        let (one, mut first) = insert(1);
        let (twin, mut second) = insert(1);
        let (two, mut third) = insert(2);
        commit_and_answer(&mut connection, vec![one, twin, two]).unwrap();
        assert_eq!(first.try_recv().unwrap(), Ok(1));
        assert_eq!(second.try_recv().unwrap(), Err(StoreError));
        assert_eq!(third.try_recv().unwrap(), Ok(1));
        assert_eq!(parents(&connection), 2);
    }

    #[test]
    fn what_a_failed_operation_had_done_is_undone() {
        let mut connection = database();
        let (half, mut answer) = job(|connection| {
            connection.execute("INSERT INTO parents VALUES (1)", [])?;
            connection.execute("INSERT INTO parents VALUES (1)", [])
        });
        commit_and_answer(&mut connection, vec![half]).unwrap();
        assert_eq!(answer.try_recv().unwrap(), Err(StoreError));
        assert_eq!(parents(&connection), 0);
    }

    #[test]
    fn nobody_is_told_of_success_when_the_commit_fails() {
        let mut connection = database();
        let (one, mut first) = insert(1);
        let (orphan, mut second) = job(|connection| {
            // The constraint is then checked by COMMIT.
            connection.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO children VALUES (7);")
        });
        assert!(commit_and_answer(&mut connection, vec![one, orphan]).is_err());
        assert!(first.try_recv().is_err(), "dropped, which the one who waits gets as an error");
        assert!(second.try_recv().is_err());
        assert_eq!(parents(&connection), 0);
        let (next, mut third) = insert(3);
        commit_and_answer(&mut connection, vec![next]).unwrap();
        assert_eq!(third.try_recv().unwrap(), Ok(1), "the connection goes on");
    }

    /// A batch that began with a read could fail on its first write, without waiting for the lock.
    #[test]
    fn a_batch_holds_the_lock_from_its_start() {
        let scratch = super::super::super::conformance::Scratch::new();
        let mut connection = Connection::open(scratch.path("db")).unwrap();
        let other = Connection::open(scratch.path("db")).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        let (look, mut answer) = job(move |_| Ok(other.execute_batch("BEGIN IMMEDIATE").is_err()));
        commit_and_answer(&mut connection, vec![look]).unwrap();
        assert_eq!(answer.try_recv().unwrap(), Ok(true));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (queue, waiting) = sync_channel(QUEUE);
        let worker = Worker { queue, thread: Mutex::new(None), condition: Arc::default() };
        let held: Vec<_> = (0..QUEUE).map(|_| worker.submit(|_| Ok(()))).collect();
        assert_eq!(worker.submit(|_| Ok(())).await, Err(StoreError));
        drop(waiting);
        for answer in held {
            assert_eq!(answer.await, Err(StoreError), "a queue that nobody works off answers its own");
        }
    }

    #[tokio::test]
    async fn stopping_finishes_what_waits_and_refuses_what_comes() {
        let worker = Worker::writer("test", database()).unwrap();
        let pending: Vec<_> = (0..BATCH + 10)
            .map(|id| i64::try_from(id).unwrap())
            .map(|id| worker.submit(move |connection| connection.execute("INSERT INTO parents VALUES (?1)", [id])))
            .collect();
        worker.stop();
        for answer in pending {
            assert_eq!(answer.await, Ok(1));
        }
        assert_eq!(worker.submit(|_| Ok(())).await, Err(StoreError));
        worker.stop();
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_holds_nobody_for_ever() {
        let (queue, _waiting) = sync_channel(QUEUE);
        let worker = Worker { queue, thread: Mutex::new(None), condition: Arc::default() };
        assert_eq!(worker.submit(|_| Ok(())).await, Err(StoreError));
    }

    #[tokio::test]
    async fn a_thread_that_ended_is_known() {
        let worker = Worker::writer("test", database()).unwrap();
        assert_eq!(worker.health(), Ok(()));
        let died = worker.submit(|_| -> rusqlite::Result<()> { panic!("on purpose") }).await;
        assert_eq!(died, Err(StoreError));
        // The answer is dropped before the thread is at its end.
        let thread = worker.thread.lock().unwrap().take().unwrap();
        assert!(thread.join().is_err());
        assert_eq!(worker.health(), Err(StoreFault::Stopped));
        assert_eq!(worker.submit(|_| Ok(())).await, Err(StoreError));
    }

    #[tokio::test]
    async fn a_failed_commit_is_known_until_one_succeeds() {
        let worker = Worker::writer("test", database()).unwrap();
        let orphan = |connection: &Connection| {
            connection.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO children VALUES (7);")
        };
        assert_eq!(worker.submit(orphan).await, Err(StoreError));
        assert_eq!(worker.health(), Err(StoreFault::Unwritable), "and tries again");
        // Queued after the probe, answered after its commit.
        assert_eq!(
            worker.submit(|connection| connection.pragma_query_value(None, "user_version", |_| Ok(()))).await,
            Ok(())
        );
        assert_eq!(worker.health(), Ok(()));
    }
}
