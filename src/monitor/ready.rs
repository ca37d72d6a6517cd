//! Whether the node can do its work, part by part. Readiness never follows a single HIS: one dead practice is no reason to
//! take the node away from all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::alarms::Raised;
use super::vitals::{Vitals, VitalsReport};
use crate::audit::{AuditLog, IndexFault};
use crate::lists::{ListKind, PerList};
use crate::oauth::store::StoreFault;
use crate::report::CountFault;

/// What readiness looks at.
pub struct Readiness {
    serving: AtomicBool,
    draining: CancellationToken,
    aside: Arc<AtomicBool>,
    parts: std::sync::OnceLock<Parts>,
}

/// The parts, once the node is built.
pub struct Parts {
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Why the audit records are not signed as they should be; `None` when they are.
    pub checkpoints: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// What needs an operator, beside the lists.
    pub alarms: Box<dyn Fn() -> Vec<Raised> + Send + Sync>,
    /// How the lists are.
    pub lists: Box<dyn Fn() -> ListsState + Send + Sync>,
    /// Whether the index of the audit log is filled; readiness does not follow it.
    pub audit_index: Box<dyn Fn() -> Result<(), IndexFault> + Send + Sync>,
    /// Whether the figures of the programme are counted; readiness does not follow it.
    pub figures: Box<dyn Fn() -> Result<(), CountFault> + Send + Sync>,
    /// What the node says of itself.
    pub vitals: Box<dyn Fn() -> Vitals + Send + Sync>,
    /// Whether codes and tokens can be kept and found.
    pub store: Box<dyn Fn() -> Result<(), StoreFault> + Send + Sync>,
}

/// How the lists are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListsState {
    /// A list beyond its maximum age; then nobody is served.
    pub too_old: Option<ListKind>,
    /// Each list, once there are any.
    pub lists: Option<PerList<ListState>>,
    /// How many services are served that the ZAL no longer names.
    pub in_grace: usize,
    /// What an operator must know.
    pub alarms: Vec<Raised>,
}

/// How one list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListState {
    /// Since the publisher last gave it.
    pub age: Duration,
    /// `Volgnummer`.
    pub sequence: u64,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether requests can be served.
    pub ready: bool,
    /// `ok`, or why access cannot be recorded.
    pub audit: String,
    /// `ok`, or why the audit log cannot be searched to its end. The node is ready all the same.
    pub audit_index: String,
    /// `ok`, or why the figures of the programme are not counted. The node is ready all the same.
    pub figures: String,
    /// `ok`, or why what is recorded is not signed.
    pub checkpoints: String,
    /// `ok`, or why codes and tokens cannot be kept or found.
    pub store: String,
    /// `ok`, `missing`, or which is too old.
    pub lists: String,
    /// Seconds since the publisher last gave each list.
    pub list_ages_seconds: Option<PerList<u64>>,
    /// Keys, certificates, room and clock, once it serves.
    #[serde(flatten)]
    pub vitals: Option<VitalsReport>,
    /// `serving`, `starting` or `draining`.
    pub state: &'static str,
    /// What needs an operator. The node is ready all the same.
    pub alarms: Vec<Raised>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self {
            serving: AtomicBool::new(false),
            draining: CancellationToken::new(),
            aside: Arc::default(),
            parts: std::sync::OnceLock::new(),
        }
    }
}

impl Readiness {
    /// The lists are there and the listeners serve.
    pub fn serve(&self, parts: Parts) {
        // A node starts once; the first parts stay.
        let _ = self.parts.set(parts);
        self.serving.store(true, Ordering::Release);
    }

    /// The node is stopping.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// An operator makes the node step aside, so that a load balancer sends its requests elsewhere, or come back; whether that
    /// changed anything.
    pub fn step_aside(&self, aside: bool) -> bool {
        self.aside.swap(aside, Ordering::AcqRel) != aside
    }

    /// Whether it steps aside.
    #[must_use]
    pub fn is_aside(&self) -> bool {
        self.aside.load(Ordering::Acquire)
    }

    /// The same, for those who ask often.
    #[must_use]
    pub fn aside(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.aside)
    }

    /// Returns when the node is stopping and says so.
    pub async fn until_draining(&self) {
        self.draining.cancelled().await;
    }

    /// Whether the start is over.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// The state of each part.
    #[must_use]
    pub fn report(&self) -> Report {
        let (serving, draining) = (self.is_started(), self.draining.is_cancelled() || self.is_aside());
        let audit = self.parts.get().map(|parts| parts.audit.health());
        let unsigned = self.parts.get().and_then(|parts| (parts.checkpoints)());
        let others = self.parts.get().map(|parts| (parts.alarms)()).unwrap_or_default();
        let store = self.parts.get().map(|parts| (parts.store)());
        let audit_index = self.parts.get().map(|parts| (parts.audit_index)());
        let figures = self.parts.get().map(|parts| (parts.figures)());
        // Before the lists, which tell of the alarms.
        let vitals = self.parts.get().map(|parts| (parts.vitals)());
        let lists = self.parts.get().map(|parts| (parts.lists)());
        let fresh = lists.as_ref().is_some_and(|lists| lists.too_old.is_none());
        let each = lists.as_ref().and_then(|lists| lists.lists);
        Report {
            ready: serving
                && !draining
                && audit == Some(Ok(()))
                && unsigned.is_none()
                && store == Some(Ok(()))
                && vitals.as_ref().is_some_and(Vitals::can_serve)
                && fresh,
            checkpoints: match audit {
                Some(_) => unsigned.unwrap_or_else(|| "ok".to_owned()),
                None => "closed".to_owned(),
            },
            audit: said(audit),
            audit_index: said(audit_index),
            figures: said(figures),
            store: said(store),
            lists: match lists.as_ref().map(|lists| lists.too_old) {
                None => "missing".to_owned(),
                Some(Some(list)) => format!("the {list} is too old"),
                Some(None) => "ok".to_owned(),
            },
            list_ages_seconds: each.map(|each| PerList::from_fn(|list| each.of(list).age.as_secs())),
            vitals: vitals.as_ref().map(Vitals::report),
            alarms: [lists.map_or_else(Vec::new, |lists| lists.alarms), others].concat(),
            state: match (serving, draining) {
                (_, true) => "draining",
                (true, false) => "serving",
                (false, false) => "starting",
            },
        }
    }
}

/// `ok`, why not, or that there is no such part yet.
fn said<E: std::error::Error>(health: Option<Result<(), E>>) -> String {
    health.map_or("closed".to_owned(), |health| health.map_or_else(|error| error.to_string(), |()| "ok".to_owned()))
}
