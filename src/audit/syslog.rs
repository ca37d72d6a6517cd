//! Sends the log of this node to an audit record repository: RFC 5424 syslog over TLS (IHE ITI-20, RFC 5425). It follows the
//! files, so the log itself is the spool and nobody who appends waits. TLS syslog has no receipt for a record; what stands in
//! for one is a connection that ended in order. So each batch has its own connection, and the position moves on after its end.

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

pub use self::progress::{SyslogCounts, SyslogProgress};
pub use self::receiver::SyslogReceiver;

use self::source::{Batch, Source};
use super::render::Site;
use super::{LogId, ReadError};

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
            self.progress.failed();
            tracing::warn!(error = causes(&error), "audit records wait for their repository");
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
                Some(batch) => self.hand_over(batch).await?,
                None if stopping => return Ok(()),
                None => self.wait(&mut durable, stop).await?,
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

    /// Sends a batch, and keeps that it was taken.
    async fn hand_over(&self, batch: Batch) -> Result<(), SyslogError> {
        if !batch.frames.is_empty() {
            self.receiver.hand_over(&batch.frames).await?;
        }
        let (file, log) = (self.position.clone(), self.log.clone());
        blocking(move || position::write(&file, &log, batch.next)).await?.map_err(SyslogError::Position)?;
        self.progress.took(batch.next, batch.records, batch.unreadable);
        Ok(())
    }

    /// Opens the log where the position is.
    async fn begin(&self) -> Result<Source, SyslogError> {
        let (file, log, durable) = (self.position.clone(), self.log.clone(), *self.durable.borrow());
        let (dir, site) = (self.dir.clone(), self.site.clone());
        let source = blocking(move || {
            let kept = position::read(&file, &log, durable).map_err(SyslogError::Position)?;
            Source::open(&dir, site, kept).map_err(SyslogError::Log)
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
