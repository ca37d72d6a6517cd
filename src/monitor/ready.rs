//! Whether the node can do its work, part by part. Readiness never follows a single HIS: one dead practice is no reason to
//! take the node away from all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::audit::AuditLog;
use crate::oauth::store::StoreFault;

/// What readiness looks at.
pub struct Readiness {
    serving: AtomicBool,
    draining: CancellationToken,
    parts: std::sync::OnceLock<Parts>,
}

/// The parts, once the node is built.
pub struct Parts {
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Whether the lists are within their maximum age.
    pub lists_fresh: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether codes and tokens can be kept and found.
    pub store: Box<dyn Fn() -> Result<(), StoreFault> + Send + Sync>,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether requests can be served.
    pub ready: bool,
    /// `ok`, or why access cannot be recorded.
    pub audit: String,
    /// `ok`, or why codes and tokens cannot be kept or found.
    pub store: String,
    /// `ok`, `missing` or `too old`.
    pub lists: &'static str,
    /// `serving`, `starting` or `draining`.
    pub state: &'static str,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { serving: AtomicBool::new(false), draining: CancellationToken::new(), parts: std::sync::OnceLock::new() }
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
        let (serving, draining) = (self.is_started(), self.draining.is_cancelled());
        let audit = self.parts.get().map(|parts| parts.audit.health());
        let store = self.parts.get().map(|parts| (parts.store)());
        let fresh = self.parts.get().map(|parts| (parts.lists_fresh)());
        Report {
            ready: serving && !draining && audit == Some(Ok(())) && store == Some(Ok(())) && fresh == Some(true),
            audit: said(audit),
            store: said(store),
            lists: match fresh {
                None => "missing",
                Some(false) => "too old",
                Some(true) => "ok",
            },
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
