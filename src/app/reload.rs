//! Another configuration while the node runs. A reload reads the configuration and every file that it names, checks it as a start
//! does, and makes the faces anew over the parts that stay: log, index, store, tokens, metrics, threads and sockets. Then each
//! kind is swapped by one pointer, or nothing is, and the reason is kept until newer files are in order.
//!
//! Who is in the middle of a request goes on with what it began with. A connection stays, and its next request finds the new face;
//! its client is judged anew by the new roots and revocation lists.

mod cells;
mod refused;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch as channel};
use tokio_util::sync::CancellationToken;

pub(super) use self::cells::{Cell, Cells};
pub use self::refused::ReloadError;
use self::watch::Files;
use super::assemble::Shared;
use super::configured::Configured;
use super::faces::Faces;
use super::his::Observed;
use super::lists::Force;
use super::material::{FaceTls, Kept, Material};
use super::outgoing::Outgoing;
use crate::audit::AuditError;
use crate::config::{Config, Prints, can_change};
use crate::monitor::alarms::Alarm;
use crate::routing::Registered;

/// Who asks for a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// SIGHUP.
    Signal,
    /// A file is another than before, or it is time to look.
    Files,
    /// A person, through the node itself.
    Operator,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Files => "files",
            Self::Operator => "operator",
        }
    }
}

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// Everything is as it was.
    Unchanged,
    /// These keys have other values, or other files.
    Changed(BTreeSet<String>),
}

/// Asks for reloads. One goes at a time; any number that are asked for meanwhile become one more.
#[derive(Clone)]
pub struct Reloads(Arc<Inner>);

struct Inner {
    asked: mpsc::Sender<Cause>,
    /// How many were begun.
    begun: AtomicU64,
    ended: channel::Sender<Ended>,
}

/// The last one that ended.
struct Ended {
    number: u64,
    result: Result<Reloaded, Arc<ReloadError>>,
}

impl Reloads {
    fn new() -> (Self, mpsc::Receiver<Cause>) {
        let (asked, asks) = mpsc::channel(1);
        let ended = channel::Sender::new(Ended { number: 0, result: Ok(Reloaded::Unchanged) });
        (Self(Arc::new(Inner { asked, begun: AtomicU64::new(0), ended })), asks)
    }

    /// Asks for one, and does not wait for it.
    pub fn ask(&self, cause: Cause) {
        // One that is asked for and not begun reads what is there now.
        let _ = self.0.asked.try_send(cause);
    }

    /// Asks for one, and waits for one that began after this call.
    ///
    /// # Errors
    /// Why it was refused; the configuration of before is then in force as it was.
    pub async fn reload(&self, cause: Cause) -> Result<Reloaded, Arc<ReloadError>> {
        let number = self.0.begun.load(Ordering::Acquire).saturating_add(1);
        let mut ended = self.0.ended.subscribe();
        self.ask(cause);
        tokio::select! {
            ended = ended.wait_for(|ended| ended.number >= number) => {
                ended.map_or_else(|_| Err(Arc::new(ReloadError::Stopping)), |ended| ended.result.clone())
            }
            () = self.0.asked.closed() => Err(Arc::new(ReloadError::Stopping)),
        }
    }

    /// Returns with the keys of the next change after this call, whoever asks for it.
    pub fn next_change(&self) -> impl Future<Output = BTreeSet<String>> + use<> {
        let mut ended = self.0.ended.subscribe();
        async move {
            loop {
                if ended.changed().await.is_err() {
                    return std::future::pending().await;
                }
                if let Ok(Reloaded::Changed(keys)) = &ended.borrow_and_update().result {
                    return keys.clone();
                }
            }
        }
    }

    fn begin(&self) -> u64 {
        self.0.begun.fetch_add(1, Ordering::AcqRel).saturating_add(1)
    }
}

/// The task that reloads.
pub(super) struct Reloader {
    node: Arc<Node>,
    held: Arc<Held>,
    reloads: Reloads,
    asks: mpsc::Receiver<Cause>,
    configured: Configured,
    files: channel::Sender<Files>,
}

/// What a reload changes, and what it builds upon.
struct Node {
    shared: Shared,
    force: Force,
    cells: Cells,
    outgoing: Outgoing,
}

/// What is in force.
struct Held {
    config: Config,
    /// From before the files were read: when one is replaced meanwhile, the next look sees it.
    prints: Prints,
    kept: Kept,
}

/// What is to be put into force.
struct Next {
    held: Held,
    changed: BTreeSet<String>,
    tls: FaceTls,
    faces: Faces,
    outgoing: Outgoing,
    registered: Registered,
}

impl Reloader {
    /// With the first faces of a node.
    pub(super) fn over(config: &Config, prints: Prints, material: Material, shared: Shared, force: Force) -> Self {
        let Material { tls, outgoing, served, kept, .. } = material;
        let cells = Cells::new(tls, Faces::assemble(config, &shared, served), kept.his.endpoints());
        let (reloads, asks) = Reloads::new();
        shared.watch.metrics.reloads().started(shared.clock.now());
        Self {
            held: Arc::new(Held { config: config.clone(), prints, kept }),
            node: Arc::new(Node { shared, force, cells, outgoing }),
            reloads,
            asks,
            configured: Configured::beside(config),
            files: channel::Sender::new(Files::of(config)),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.node.shared
    }

    pub(super) fn cells(&self) -> &Cells {
        &self.node.cells
    }

    pub(super) fn endpoints(&self) -> Arc<ArcSwap<Vec<Observed>>> {
        Arc::clone(&self.node.cells.endpoints)
    }

    pub(super) fn reloads(&self) -> Reloads {
        self.reloads.clone()
    }

    /// Records with which configuration the node starts, when it is another than the last time.
    pub(super) async fn record_start(&self) -> Result<(), AuditError> {
        let Shared { audit, clock, .. } = self.shared();
        self.configured.record(&self.held.config.hash(), &BTreeSet::new(), audit, clock).await
    }

    /// Reloads whenever it is asked to, or a file is another, until `stop`.
    pub(super) async fn keep(self, stop: CancellationToken) {
        let watching = watch::watch(self.files.subscribe(), self.reloads(), stop.clone());
        tokio::join!(watching, self.reload_when_asked(stop));
    }

    async fn reload_when_asked(mut self, stop: CancellationToken) {
        while let Some(Some(cause)) = stop.run_until_cancelled(self.asks.recv()).await {
            let number = self.reloads.begin();
            let result = self.once().await;
            self.tell(cause, &result);
            self.look_at_revocations();
            self.reloads.0.ended.send_replace(Ended { number, result: result.map_err(Arc::new) });
        }
    }

    async fn once(&mut self) -> Result<Reloaded, ReloadError> {
        let (node, held) = (Arc::clone(&self.node), Arc::clone(&self.held));
        let prepared = tokio::task::spawn_blocking(move || node.prepare(&held));
        let Some(next) = prepared.await.map_err(|_panicked| ReloadError::Broken)?? else {
            return Ok(Reloaded::Unchanged);
        };
        let Shared { audit, clock, .. } = self.shared();
        // A change that cannot be recorded is not made.
        self.configured.record(&next.held.config.hash(), &next.changed, audit, clock).await?;
        let node = Arc::clone(&self.node);
        let put = tokio::task::spawn_blocking(move || node.put(next));
        let (held, changed) = put.await.map_err(|_panicked| ReloadError::Broken)?;
        self.files.send_if_modified(|files| {
            let other = Files::of(&held.config);
            let modified = *files != other;
            *files = other;
            modified
        });
        self.held = Arc::new(held);
        Ok(Reloaded::Changed(changed))
    }

    /// An operator is told when the next revocation list is not there in time.
    fn look_at_revocations(&self) {
        let cells = self.cells();
        let desk = cells.desk.as_ref().map(|cell| &cell.tls);
        let admin = cells.admin.as_ref().map(|cell| &cell.tls);
        let all = [Some(&cells.back.tls), desk, admin].into_iter().flatten();
        let due = all.filter_map(|tls| tls.load().revocations_due()).min();
        let overdue = due.filter(|due| *due <= self.shared().clock.now());
        let said = overdue.map(|due| format!("a list of revoked client certificates was due on {due}"));
        self.node.force.alarms().set(Alarm::RevocationsOverdue, said.as_deref());
    }

    /// In log, metrics and alarms.
    fn tell(&self, cause: Cause, result: &Result<Reloaded, ReloadError>) {
        let Shared { watch, clock, .. } = self.shared();
        let (metrics, alarms, cause) = (watch.metrics.reloads(), self.node.force.alarms(), cause.as_str());
        match result {
            Ok(Reloaded::Unchanged) => {
                alarms.clear(Alarm::ConfigurationRefused);
                tracing::debug!(cause, "nothing to reload");
            }
            Ok(Reloaded::Changed(keys)) => {
                alarms.clear(Alarm::ConfigurationRefused);
                let generation = metrics.done(clock.now());
                let (sha256, keys) = (self.held.config.hash(), some_of(keys));
                tracing::info!(cause, generation, sha256, keys, "configuration reloaded");
            }
            Err(error) => {
                metrics.refused(clock.now());
                let reason = error.reason();
                tracing::warn!(cause, reason, "configuration not reloaded; the one in force stays");
                alarms.raise(Alarm::ConfigurationRefused, &reason);
            }
        }
    }
}

impl Node {
    /// Reads and checks what is there now; `None` when it is what is in force. Waits for the disk.
    fn prepare(&self, held: &Held) -> Result<Option<Next>, ReloadError> {
        if held.config.is_current() && held.config.prints() == held.prints {
            return Ok(None);
        }
        let config = held.config.reread()?;
        let prints = config.prints();
        let changed = &config.changed_since(&held.config) | &prints.changed_since(&held.prints);
        let fixed: BTreeSet<String> = changed.iter().filter(|key| !can_change(key)).cloned().collect();
        if !fixed.is_empty() {
            return Err(ReloadError::Fixed { keys: some_of(&fixed) });
        }
        let material = Material::read(&config, &prints, &self.shared.clock, &held.kept)?;
        let Material { tls, outgoing, registered, served, kept } = material;
        let faces = Faces::assemble(&config, &self.shared, served);
        let held = Held { config, prints, kept };
        Ok(Some(Next { held, changed, tls, faces, outgoing, registered }))
    }

    /// Puts it into force. Nothing of it can fail.
    fn put(&self, next: Next) -> (Held, BTreeSet<String>) {
        let Next { held, changed, tls, faces, outgoing, registered } = next;
        self.outgoing.become_like(&outgoing);
        self.shared.admissions.put(&held.config, [&faces.front.admission, &faces.back.admission]);
        self.shared.tokens.place_among(Arc::clone(&registered.practices));
        self.force.register(&registered);
        self.cells.put(tls, faces, held.kept.his.endpoints());
        (held, changed)
    }
}

/// How many keys are named; there may be as many as practices.
const NAMED_MOST: usize = 10;

/// Some keys, and how many more there are.
pub(super) fn some_of(keys: &BTreeSet<String>) -> String {
    let named: Vec<&str> = keys.iter().take(NAMED_MOST).map(String::as_str).collect();
    let more = keys.len().saturating_sub(NAMED_MOST);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(reloads: &Reloads, number: u64, result: Result<Reloaded, Arc<ReloadError>>) {
        reloads.0.ended.send_replace(Ended { number, result });
    }

    #[tokio::test]
    async fn any_number_that_are_asked_for_become_one_more() {
        let (reloads, mut asks) = Reloads::new();
        for _ in 0..100 {
            reloads.ask(Cause::Signal);
        }
        assert_eq!(asks.recv().await, Some(Cause::Signal));
        for _ in 0..100 {
            reloads.ask(Cause::Files);
        }
        assert_eq!((asks.recv().await, asks.try_recv().ok()), (Some(Cause::Files), None));
    }

    #[tokio::test]
    async fn who_asks_is_told_of_a_reload_that_began_afterwards() {
        let (reloads, mut asks) = Reloads::new();
        reloads.ask(Cause::Signal);
        asks.recv().await;
        let earlier = reloads.begin();
        let mut asking = Box::pin(reloads.reload(Cause::Operator));
        assert!(still_waits(&mut asking).await);
        end(&reloads, earlier, Ok(Reloaded::Unchanged));
        assert!(still_waits(&mut asking).await, "it may have read what was there before");
        asks.recv().await;
        end(&reloads, reloads.begin(), Err(Arc::new(ReloadError::Broken)));
        assert!(matches!(*asking.await.unwrap_err(), ReloadError::Broken));
        drop(asks);
        assert!(matches!(*reloads.reload(Cause::Operator).await.unwrap_err(), ReloadError::Stopping));
    }

    async fn still_waits<F: Future + Unpin>(future: &mut F) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = std::future::ready(()) => true,
        }
    }

    #[test]
    fn many_keys_are_named_in_part() {
        let keys = |count: usize| (0..count).map(|number| format!("k{number:02}")).collect();
        assert_eq!(some_of(&keys(2)), "k00, k01");
        assert_eq!(some_of(&keys(12)), "k00, k01, k02, k03, k04, k05, k06, k07, k08, k09 and 2 more");
    }
}
