//! The chain log of a node: spool, queue and delivery put together, or nothing at all.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::assemble::{CONTROL_DEADLINES, read_secret};
use super::outgoing::{CHAIN_LOG, Outgoing};
use super::start::StartError;
use crate::audit::LockError;
use crate::chainlog::delivery::{Delivery, Target};
use crate::chainlog::spool::{self, Batches, SpoolConfig, SpoolError};
use crate::chainlog::{ChainLog, Counts, Names, Off, QueuedLog};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::monitor::metrics::Metrics;
use crate::tls::client::reqwest_client;

/// The chain log, if the configuration has one.
#[derive(Clone, Default)]
pub(super) struct ChainLogPart(Option<Running>);

#[derive(Clone)]
struct Running {
    log: Arc<QueuedLog>,
    delivery: Arc<Delivery>,
    clock: SharedClock,
}

impl ChainLogPart {
    /// Opens the spool and starts its writer. Waits for the disk.
    pub(super) fn assemble(config: &Config, clock: &SharedClock, outgoing: &Outgoing) -> Result<Self, StartError> {
        let Some(section) = &config.chain_log else { return Ok(Self(None)) };
        let counts = Arc::new(Counts::default());
        let target = target(section, clock, outgoing)?;
        let settings = SpoolConfig {
            dir: section.spool.clone(),
            bytes_max: section.spool_max_bytes,
            lines_max: section.batch_max,
        };
        let opened = spool::open(settings, Arc::clone(clock), Arc::clone(&counts));
        let (filling, batches) = opened.map_err(|error| failed(section, error))?;
        let started = QueuedLog::start(filling, names(config), section.every, Arc::clone(clock), Arc::clone(&counts));
        let log = started.map_err(|error| failed(section, error.into()))?;
        let delivery = Delivery { batches, target, pause: section.every, counts };
        Ok(Self(Some(Running { log: Arc::new(log), delivery: Arc::new(delivery), clock: Arc::clone(clock) })))
    }

    /// Where steps are noted.
    pub(super) fn log(&self) -> Arc<dyn ChainLog> {
        match &self.0 {
            Some(running) => Arc::clone(&running.log) as _,
            None => Arc::new(Off),
        }
    }

    /// Delivers until `stop`.
    pub(super) async fn deliver(self, stop: CancellationToken) {
        if let Some(running) = self.0 {
            running.delivery.run(stop).await;
        }
    }

    /// Spools what is left, and makes one last attempt to deliver it.
    pub(super) async fn finish(self) {
        if let Some(Running { log, delivery, .. }) = self.0 {
            delivery.finish(log).await;
        }
    }

    /// Sets its metrics.
    pub(super) fn observe(&self, metrics: &Metrics) {
        let Some(Running { delivery, clock, .. }) = &self.0 else { return };
        metrics.observe_chain_log(&delivery.counts, delivery.batches.bytes(), age(&delivery.batches, clock));
    }
}

/// How long the oldest line waits.
fn age(batches: &Batches, clock: &SharedClock) -> Duration {
    let since = batches.oldest().map(|oldest| clock.now().duration_since(oldest));
    since.and_then(|age| age.try_into().ok()).unwrap_or_default()
}

fn failed(section: &config::ChainLog, error: SpoolError) -> StartError {
    match error {
        SpoolError::Locked(LockError::Held { holder }) => {
            StartError::Locked { folder: section.spool.display().to_string(), holder }
        }
        error @ (SpoolError::Locked(_) | SpoolError::Io(_)) => StartError::ChainLog(error),
    }
}

fn target(section: &config::ChainLog, clock: &SharedClock, outgoing: &Outgoing) -> Result<Target, StartError> {
    let tls = outgoing.of(CHAIN_LOG)?.client_config(&[crate::tls::ALPN_HTTP1], clock)?;
    let client = reqwest_client(tls, outgoing.destinations(), CONTROL_DEADLINES)?;
    let credentials = section.credentials.as_deref().map(read_secret).transpose()?;
    Ok(Target::new(client, section.url.as_str(), credentials)?)
}

fn names(config: &Config) -> Names {
    Names {
        front_host: config.front.origin.host().clone(),
        front_origin: config.front.origin.to_string(),
        back_host: config.back.origin.host().clone(),
        back_origin: config.back.origin.to_string(),
    }
}
