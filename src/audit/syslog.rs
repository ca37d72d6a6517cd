//! Sends the log of this node to an audit record repository: RFC 5424 syslog over TLS (IHE ITI-20, RFC 5425). It follows the
//! files, so the log itself is the spool and nobody who appends waits. TLS syslog has no receipt for a record; what stands in
//! for one is a connection that ended in order. So a connection is for what has gathered, and the position moves on after its end.

mod position;
mod progress;
mod receiver;
mod source;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::progress::Taken;
pub use self::progress::{SyslogCounts, SyslogProgress};
pub use self::receiver::SyslogReceiver;

use self::source::{Batch, Source};
use super::render::Site;
use super::{Kind, LogId, ReadError};
use crate::clock::SharedClock;
use crate::monitor::alarms::{Alarm, Alarms};

/// Batches that go over one connection at most: what is sent again when it does not end in order.
const BATCHES_MAX: usize = 16;
/// How long a record may wait while the receiver fails before somebody must look.
const BEHIND: Duration = Duration::from_secs(10 * 60);
/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What sends one log to one receiver.
pub struct SyslogSender {
    /// The folder of the log.
    pub dir: PathBuf,
    /// Its id.
    pub log: LogId,
    /// How many of its records are durable.
    pub durable: watch::Receiver<u64>,
    /// The file that keeps how far it got.
    pub position: PathBuf,
    /// What the messages say of this gateway.
    pub site: Site,
    /// Who gets them.
    pub receiver: SyslogReceiver,
    /// How long records gather before a connection is made for them; also the first pause after a failure.
    pub every: Duration,
    /// The kinds of records that are sent; all when there is no choice. Kinds of a later release are always sent.
    pub kinds: Option<Vec<Kind>>,
    /// The time, for how long records wait.
    pub clock: SharedClock,
    /// Where a receiver that fails for long is told.
    pub alarms: Arc<Alarms>,
    /// What others are told.
    pub progress: Arc<SyslogProgress>,
}

/// Why records were not handed over. They are sent again.
#[derive(Debug, thiserror::Error)]
enum SyslogError {
    #[error("the audit repository cannot be reached, or the connection broke")]
    Connection(#[source] std::io::Error),
    #[error("the audit repository took too long")]
    Late,
    #[error("the audit repository ended the connection before everything was sent")]
    Ended,
    #[error("the audit repository answers, which no syslog receiver does")]
    Answered,
    #[error("the position in the log cannot be read or written")]
    Position(#[source] std::io::Error),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("a thread that reads the log ended")]
    Thread,
}

impl SyslogSender {
    /// Sends what becomes durable until `stop`, and then what is left. A failure is waited out, longer each time; a failure after
    /// `stop` ends it, and the next start sends the rest.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = self.every;
        loop {
            let before = self.progress.next();
            let Err(error) = self.follow(&stop).await else { return };
            self.failed(&error);
            pause = if self.progress.next() > before { self.every } else { PAUSE_MAX.min(pause * 2) };
            if stop.run_until_cancelled(tokio::time::sleep(jittered(pause))).await.is_none() {
                return;
            }
        }
    }

    /// From the position on until `stop`, and then to the end of the log.
    async fn follow(&self, stop: &CancellationToken) -> Result<(), SyslogError> {
        let mut durable = self.durable.clone();
        let mut source = self.begin().await?;
        loop {
            let known = *durable.borrow_and_update();
            let stopping = stop.is_cancelled();
            let (rest, batch) = blocking(move || source.batch(known)).await??;
            source = rest;
            match batch {
                Some(batch) => source = self.hand_over(source, batch, known).await?,
                None => {
                    self.progress.waits(None);
                    if stopping {
                        return Ok(());
                    }
                    self.wait(&mut durable, stop).await?;
                }
            }
        }
    }

    /// Waits for more records, and for those that come with them.
    async fn wait(&self, durable: &mut watch::Receiver<u64>, stop: &CancellationToken) -> Result<(), SyslogError> {
        if let Some(changed) = stop.run_until_cancelled(durable.changed()).await {
            changed.map_err(|_| SyslogError::Thread)?;
            stop.run_until_cancelled(tokio::time::sleep(self.every)).await;
        }
        Ok(())
    }

    /// Sends what has gathered over one connection, and keeps that it was taken.
    async fn hand_over(&self, mut source: Source, first: Batch, durable: u64) -> Result<Source, SyslogError> {
        self.progress.waits(first.oldest);
        let (mut delivery, mut taken, mut batch) = (None, Taken::default(), first);
        for at_hand in 1.. {
            if !batch.frames.is_empty() {
                let mut open = match delivery {
                    Some(open) => open,
                    None => self.receiver.open().await?,
                };
                open.send(&batch.frames).await?;
                delivery = Some(open);
            }
            let Taken { records, unreadable, .. } = taken;
            let (records, unreadable) = (records + batch.records, unreadable + batch.unreadable);
            taken = Taken { next: batch.next, records, unreadable };
            if at_hand >= BATCHES_MAX {
                break;
            }
            let (rest, more) = blocking(move || source.batch(durable)).await??;
            source = rest;
            let Some(more) = more else { break };
            batch = more;
        }
        if let Some(delivery) = delivery {
            delivery.end().await?;
        }
        let (file, log, next) = (self.position.clone(), self.log.clone(), taken.next);
        blocking(move || position::write(&file, &log, next)).await?.map_err(SyslogError::Position)?;
        self.progress.took(taken);
        self.alarms.clear(Alarm::AuditSyslogBehind);
        Ok(source)
    }

    fn failed(&self, error: &SyslogError) {
        let told = causes(error);
        tracing::warn!(error = told, "audit records wait for their repository");
        self.progress.failed();
        if self.progress.lag(self.clock.now()) > BEHIND {
            self.alarms.raise(Alarm::AuditSyslogBehind, &told);
        }
    }

    /// Opens the log where the position is.
    async fn begin(&self) -> Result<Source, SyslogError> {
        let (file, log, durable) = (self.position.clone(), self.log.clone(), *self.durable.borrow());
        let (dir, site, kinds) = (self.dir.clone(), self.site.clone(), self.kinds.clone());
        let source = blocking(move || {
            let kept = position::read(&file, &log, durable).map_err(SyslogError::Position)?;
            Source::open(&dir, site, kinds, kept).map_err(SyslogError::Log)
        });
        let source = source.await??;
        self.progress.began(source.from());
        Ok(source)
    }
}

/// Between half and all of it, so that the nodes that lost the same receiver do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let share = f64::from(u16::from_le_bytes(crate::secret::random())) / f64::from(u16::MAX);
    pause.mul_f64(0.5 + share / 2.0)
}

/// An error with its causes on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |cause| cause.source());
    below.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SyslogError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SyslogError::Thread)
}
