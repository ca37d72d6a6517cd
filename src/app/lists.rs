//! The lists of a node: fetched, put into force, recorded, and watched for what an operator must know.

mod changes;
mod old;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::changes::Changes;
use self::old::OldSnapshots;
use super::assemble::CONTROL_DEADLINES;
use super::limits::destinations;
use super::outgoing::{LISTS, Outgoing, of_lists};
use super::{StartError, chain};
use crate::audit::{AuditEvent, AuditLog, FileLog, Kind, Outcome};
use crate::background::on_own_thread;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::lists::{
    CopyFolder, HttpsSource, ListKind, Lists, NewSet, Pace, PerList, Published, Reading, RefreshError, RefreshOutcome,
    Refresher, Rules, Zakl,
};
use crate::monitor::alarms::{Alarm, Alarms};
use crate::monitor::metrics::Metrics;
use crate::monitor::ready::{ListState, ListsState};
use crate::operations::view::{ListView, moment};
use crate::outgoing::Outgoing as Destinations;
use crate::routing::{OwnAddresses, OwnOrigin, Registered, SharedSnapshot, Snapshot, put_lists, put_registered};
use crate::tls::client::reqwest_client;
use crate::tls::credentials::Credentials;

/// How many differing endpoints an alarm names; the rest is counted.
const NAMED_MAX: usize = 5;

/// Fetching the lists, and what others need of it.
pub(super) struct ListsPart {
    refresher: Arc<Refresher>,
    force: Force,
    pace: Pace,
    late_after: SignedDuration,
    /// Cancelled when there are lists.
    pub(super) loaded: CancellationToken,
    /// Makes the node fetch now.
    pub(super) wake: Arc<Notify>,
    /// How many refreshes ended.
    pub(super) ended: watch::Sender<u64>,
}

/// What a new set touches, and a new register.
#[derive(Clone)]
pub(super) struct Force {
    snapshot: SharedSnapshot,
    audit: Arc<FileLog>,
    clock: SharedClock,
    own: Arc<OwnAddresses>,
    alarms: Arc<Alarms>,
    old: Arc<OldSnapshots>,
    changes: Arc<Changes>,
}

impl ListsPart {
    /// Where what needs an operator is told.
    pub(super) fn alarms(&self) -> Arc<Alarms> {
        Arc::clone(&self.force.alarms)
    }

    /// Where lists and registers come into force.
    pub(super) fn force(&self) -> Force {
        self.force.clone()
    }

    /// Puts the copy on disk into force, when there is one.
    pub(super) fn build(
        config: &Config,
        clock: &SharedClock,
        snapshot: &SharedSnapshot,
        audit: &Arc<FileLog>,
        outgoing: &Outgoing,
    ) -> Result<Self, StartError> {
        let section = &config.lists;
        let force = Force {
            snapshot: Arc::clone(snapshot),
            audit: Arc::clone(audit),
            clock: Arc::clone(clock),
            own: Arc::new(OwnAddresses { front: origin(&config.front.origin), back: origin(&config.back.origin) }),
            alarms: Arc::default(),
            old: Arc::default(),
            changes: Arc::default(),
        };
        let rules = Rules { reading: section.reading, grace: section.grace, loss_percent: section.loss_percent };
        let source = Arc::new(source(config, outgoing.of(LISTS)?, outgoing.destinations(), clock)?);
        let loaded = CancellationToken::new();
        let copy = CopyFolder::new(section.copy.clone());
        let refresher = Refresher::new(source as _, copy, Arc::clone(clock), rules, force.publisher(loaded.clone()));
        if let Err(error) = refresher.load_copy() {
            tracing::warn!(error = %chain(&error), "the last good copy of the lists cannot be used");
            force.alarms.raise(Alarm::ListCopyUnsaved, &chain(&error));
        }
        Ok(Self {
            refresher: Arc::new(refresher),
            force,
            pace: Pace { every: section.refresh, jitter: section.refresh / 10, retry: Duration::from_secs(5) },
            late_after: SignedDuration::try_from(section.late_after).unwrap_or(SignedDuration::MAX),
            loaded,
            wake: Arc::new(Notify::new()),
            ended: watch::Sender::new(0),
        })
    }

    /// What decisions read.
    pub(super) const fn snapshot(&self) -> &SharedSnapshot {
        &self.force.snapshot
    }

    /// Keeps them fresh until `stop`, on a thread that gives way to requests. A thread that ends by itself is a stop.
    ///
    /// # Errors
    /// When there is no such thread, or it ended by itself.
    pub(super) fn keep(
        &self,
        metrics: &Arc<Metrics>,
        stop: CancellationToken,
    ) -> impl Future<Output = io::Result<()>> + use<> {
        let (refresher, force, late_after) = (Arc::clone(&self.refresher), self.force.clone(), self.late_after);
        let (metrics, ended) = (Arc::clone(metrics), self.ended.clone());
        let report = move |result: &Result<RefreshOutcome, RefreshError>| {
            metrics.lists_refreshed(if result.is_ok() { "ok" } else { "failed" });
            if let Err(error) = result {
                tracing::warn!(error = %chain(error), "the lists were not refreshed; the set in force stays");
            }
            force.note(result, refresher.given_at(), late_after);
            ended.send_modify(|count| *count = count.saturating_add(1));
        };
        let running = Arc::clone(&self.refresher).run(self.pace, Arc::clone(&self.wake), stop.clone(), report);
        let old = Arc::clone(&self.force.old);
        let task = async move {
            tokio::select! {
                () = running => {}
                () = old.let_go() => {}
            }
        };
        async move {
            let _ends_the_node = stop.drop_guard();
            on_own_thread("inzage-lists", task).await
        }
    }

    /// How they are, whenever it is asked.
    pub(super) fn watch(&self) -> impl Fn() -> ListsState + Send + Sync + use<> {
        let (refresher, force) = (Arc::clone(&self.refresher), self.force.clone());
        move || {
            let (now, snapshot) = (force.clock.now(), force.snapshot.load());
            let (given_at, headers) = (refresher.given_at(), snapshot.lists.headers());
            let age = |given_at: &Timestamp| now.duration_since(*given_at).try_into().unwrap_or_default();
            ListsState {
                too_old: snapshot.freshness.too_old(now),
                lists: given_at.map(|given_at| {
                    PerList::from_fn(|list| ListState {
                        age: age(given_at.of(list)),
                        sequence: headers.of(list).sequence,
                    })
                }),
                in_grace: snapshot.lists.grace.count(now),
                alarms: force.alarms.raised(),
            }
        }
    }
}

impl ListsPart {
    /// How they are and what changed, for operators, whenever it is asked.
    pub(super) fn views(&self) -> impl Fn() -> Vec<ListView> + Send + Sync + use<> {
        let (watch, force) = (self.watch(), self.force.clone());
        move || {
            let (state, snapshot) = (watch(), force.snapshot.load());
            let Some(ages) = state.lists else { return Vec::new() };
            let view = |list: ListKind| ListView {
                list: list.to_string().to_uppercase(),
                sequence: ages.of(list).sequence,
                published: moment(snapshot.lists.headers().of(list).timestamp),
                age_seconds: ages.of(list).age.as_secs(),
                entries: entries(list, &snapshot.lists),
                change: force.changes.of(list),
            };
            ListKind::ALL.map(view).into()
        }
    }
}

fn entries(list: ListKind, lists: &Lists) -> usize {
    match list {
        ListKind::Zal => lists.zal.providers().len(),
        ListKind::Ocl => lists.ocl.clients().len(),
        ListKind::Whl => lists.whl.hosts().len(),
        ListKind::Gnl => lists.gnl.names().len(),
    }
}

/// The publisher of a configuration, over mutual TLS.
///
/// # Errors
/// When a certificate, key or root cannot be used.
pub(crate) fn list_source(config: &Config, clock: &SharedClock) -> Result<HttpsSource, StartError> {
    source(config, &Arc::new(of_lists(config, clock)?), &destinations(config), clock)
}

fn source(
    config: &Config,
    credentials: &Arc<Credentials>,
    destinations: &Destinations,
    clock: &SharedClock,
) -> Result<HttpsSource, StartError> {
    let section = &config.lists;
    let tls = credentials.client_config(&[crate::tls::ALPN_HTTP1], clock)?;
    let client = reqwest_client(tls, destinations, CONTROL_DEADLINES)?;
    let url = |url: &config::HttpsUrl| url.as_str().to_owned();
    let urls =
        PerList { zal: url(&section.zal), ocl: url(&section.ocl), whl: url(&section.whl), gnl: url(&section.gnl) };
    Ok(HttpsSource::new(client, &urls)?)
}

/// The public one: where this process listens, and with which offset, is nobody's business.
fn origin(origin: &config::Origin) -> OwnOrigin {
    OwnOrigin { host: origin.host().clone(), port: origin.port().unwrap_or(443), text: origin.to_string() }
}

impl Force {
    /// Where what needs an operator is told.
    pub(super) fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Swaps what the configuration says into the snapshot, whole.
    pub(super) fn register(&self, registered: &Registered) {
        self.old.keep(put_registered(&self.snapshot, registered));
        self.alarms.set(Alarm::EndpointDiffers, differing(&self.own, &self.snapshot.load()).as_deref());
    }

    /// Swaps a new set of lists into the snapshot, whole, and records it.
    fn publisher(&self, loaded: CancellationToken) -> Published {
        let force = self.clone();
        Arc::new(move |new: NewSet| {
            for accepted in &new.accepted {
                let detail = format!("{}, accepted by user {}", accepted.loss, accepted.by_uid);
                force.record(Kind::ListsAccepted, detail);
            }
            let before = put_lists(&force.snapshot, &new.lists);
            force.changes.note(&before.lists, &new.lists, force.clock.now());
            force.old.keep(before);
            let snapshot = force.snapshot.load();
            snapshot.freshness.note_each(&new.given_at);
            let headers = new.lists.headers();
            let numbers = ListKind::ALL.map(|list| format!("{list} {}", headers.of(list).sequence));
            force.record(Kind::ListsSwapped, numbers.join(" "));
            force.alarms.set(Alarm::EndpointDiffers, differing(&force.own, &snapshot).as_deref());
            loaded.cancel();
        })
    }

    fn record(&self, kind: Kind, detail: String) {
        let mut event = AuditEvent::new(self.clock.now(), kind, Outcome::Done);
        event.detail = Some(detail.into());
        // A log that cannot take it releases nothing either; its health says so.
        drop(self.audit.append(&event));
    }

    /// What a refresh says: which lists count as given, and what an operator must know.
    fn note(
        &self,
        result: &Result<RefreshOutcome, RefreshError>,
        given_at: Option<PerList<Timestamp>>,
        late_after: SignedDuration,
    ) {
        if let Some(given_at) = given_at {
            // Lists that were given again, also unchanged, may be used for their maximum age from then on.
            self.snapshot.load().freshness.note_each(&given_at);
            self.alarms.set(Alarm::ListLate, late(&given_at, self.clock.now(), late_after).as_deref());
        }
        match result {
            Ok(outcome) => {
                CONTENT_ALARMS.iter().for_each(|alarm| self.alarms.clear(*alarm));
                self.alarms
                    .set(Alarm::ListCopyUnsaved, outcome.copy.as_ref().err().map(|error| chain(error)).as_deref());
            }
            Err(error) => self.note_content(error),
        }
    }

    /// A publisher that cannot be reached ends no alarm about what it gave before.
    fn note_content(&self, error: &RefreshError) {
        if let Some(found) = alarm(error) {
            for alarm in CONTENT_ALARMS {
                self.alarms.set(*alarm, (*alarm == found).then(|| chain(error)).as_deref());
            }
        }
    }
}

/// The alarms about what the publisher gave; a good set ends them all.
const CONTENT_ALARMS: &[Alarm] =
    &[Alarm::ListRollback, Alarm::ListSameNumber, Alarm::ListFromTheFuture, Alarm::ListInvalid, Alarm::ListHeldBack];

const fn alarm(error: &RefreshError) -> Option<Alarm> {
    match error {
        RefreshError::RollBack { .. } => Some(Alarm::ListRollback),
        RefreshError::SameSequenceOtherContent { .. } => Some(Alarm::ListSameNumber),
        RefreshError::FromTheFuture { .. } => Some(Alarm::ListFromTheFuture),
        RefreshError::Invalid { .. } => Some(Alarm::ListInvalid),
        RefreshError::HeldBack { .. } => Some(Alarm::ListHeldBack),
        RefreshError::Fetch { .. } | RefreshError::Interrupted => None,
    }
}

fn late(given_at: &PerList<Timestamp>, now: Timestamp, late_after: SignedDuration) -> Option<String> {
    let late = |list: &ListKind| now.duration_since(*given_at.of(*list)) > late_after;
    let said: Vec<_> = ListKind::ALL
        .into_iter()
        .filter(late)
        .map(|list| format!("the {list} was last given at {:.0}", given_at.of(list)))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// Every endpoint of ours that the ZAL gives otherwise, with both.
fn differing(own: &OwnAddresses, snapshot: &Snapshot) -> Option<String> {
    let all = own.differences(snapshot);
    let mut said: Vec<_> = all.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if all.len() > NAMED_MAX {
        said.push(format!("and {} more", all.len().saturating_sub(NAMED_MAX)));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// The list that ties numbers to provider names, from a file that the check of the configuration has seen. Waits for the disk.
///
/// # Errors
/// When it cannot be read, or is not valid by this reading.
pub(super) fn koppellijst(path: &Path, reading: Reading) -> Result<Zakl, StartError> {
    let named = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| StartError::File { path: named(), source })?;
    Zakl::parse(&bytes, reading).map_err(|source| StartError::Koppellijst { path: named(), source })
}
