//! What a node sends to an audit record repository, or nothing at all.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::outgoing::{Outgoing, SYSLOG};
use super::start::StartError;
use crate::audit::render::Site;
use crate::audit::{FileLog, SyslogProgress, SyslogReceiver, SyslogSender};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::monitor::alarms::Alarms;
use crate::monitor::metrics::Metrics;

/// How long TCP and TLS may take together.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a batch may take.
const BATCH: Duration = Duration::from_secs(60);
/// How long a connection stays after the last frame, at most: longer than anything is under way.
const SETTLE: Duration = Duration::from_secs(1);
/// The file in the data folder that keeps how far it is.
const POSITION: &str = "audit-syslog.position";

/// The sender, if the configuration has one.
pub(super) struct SyslogPart(Option<SyslogSender>);

/// The task that sends.
pub(super) struct Sending(Option<(JoinHandle<()>, CancellationToken)>);

impl SyslogPart {
    /// With the credentials of its section.
    pub(super) fn build(
        config: &Config,
        clock: &SharedClock,
        log: &Arc<FileLog>,
        alarms: Arc<Alarms>,
        outgoing: &Outgoing,
    ) -> Result<Self, StartError> {
        let Some(section) = &config.audit.syslog else { return Ok(Self(None)) };
        Ok(Self(Some(SyslogSender {
            dir: config.audit.dir.clone(),
            log: log.id().clone(),
            durable: log.durable(),
            position: config.node.data.join(POSITION),
            site: Site {
                log: log.id().shared(),
                operator: Some(config.operator.name.as_str().into()),
                host: Some(config.back.origin.host().as_str().into()),
            },
            receiver: receiver(section, clock, outgoing)?,
            every: section.every,
            kinds: section.kinds.clone(),
            clock: Arc::clone(clock),
            alarms,
            progress: Arc::new(SyslogProgress::new(log.durable())),
        })))
    }

    /// Sets its metrics.
    pub(super) fn observe(&self) -> impl Fn(&Metrics) + Send + Sync + use<> {
        let progress = self.0.as_ref().map(|sender| (Arc::clone(&sender.progress), Arc::clone(&sender.clock)));
        move |metrics| {
            if let Some((progress, clock)) = &progress {
                metrics.observe_audit_syslog(progress.counts(clock.now()));
            }
        }
    }

    /// Begins to send.
    pub(super) fn send(self) -> Sending {
        Sending(self.0.map(|sender| {
            let stop = CancellationToken::new();
            (tokio::spawn(sender.run(stop.clone())), stop)
        }))
    }
}

impl Sending {
    /// Sends what is left, within `grace`; the next start sends what then remains.
    pub(super) async fn finish(self, grace: Duration) {
        let Some((task, stop)) = self.0 else { return };
        stop.cancel();
        let abort = task.abort_handle();
        if tokio::time::timeout(grace, task).await.is_err() {
            tracing::warn!("the audit repository does not have all records; the next start sends what is left");
            abort.abort();
        }
    }
}

fn receiver(section: &config::Syslog, clock: &SharedClock, outgoing: &Outgoing) -> Result<SyslogReceiver, StartError> {
    let tls = outgoing.of(SYSLOG)?.client_config(&[], clock)?;
    Ok(SyslogReceiver {
        host: section.host.clone(),
        port: section.port,
        outgoing: outgoing.destinations().clone(),
        tls: Arc::new(tls),
        connect: CONNECT,
        batch: BATCH,
        settle: SETTLE.min(section.every),
    })
}
