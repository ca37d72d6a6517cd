//! The emulated HIS: a FHIR STU3 server for GP records that computes every answer from its data, and can be told to fail.
//!
//! It behaves as the system of a practice does, with everything the gateway has to keep from a patient: BSNs in
//! identifiers, S and O lines, links on its internal host, and other people's records for who does not ask for one patient.

mod answer;
pub mod faults;
mod load;
pub mod search;
mod serve;
pub mod store;

use std::sync::Arc;

use http::Method;
use http::request::Parts;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use self::answer::{Answer, Problem};
use self::faults::{Faults, RequestLog};
use self::search::{Query, Search};
use crate::clock::SharedClock;
use crate::secret::Secret;

pub use self::load::LoadError;
pub use self::serve::{serve, serve_control};
pub use self::store::{PatientEntry, Records};

/// What a caller must show besides its client certificate.
#[derive(Debug, Clone, Default)]
pub struct EmulatorAuth {
    /// The value of the header `X-Api-Key`. `None`: no key is asked for.
    pub api_key: Option<Secret<String>>,
}

/// One emulated HIS.
pub struct Emulator {
    base: String,
    path: String,
    records: Records,
    auth: EmulatorAuth,
    clock: SharedClock,
    faults: watch::Sender<Faults>,
    log: watch::Sender<RequestLog>,
}

impl Emulator {
    /// Makes one that answers at `base_url`, such as `https://his-a.localhost:8460/fhir`; it stands in all links. The clock is
    /// read for `meta.lastUpdated` of an answer.
    #[must_use]
    pub fn new(base_url: &str, records: Records, auth: EmulatorAuth, clock: SharedClock) -> Arc<Self> {
        let base = base_url.trim_end_matches('/').to_owned();
        let after_scheme = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default().to_owned();
        let faults = watch::Sender::new(Faults::default());
        Arc::new(Self { base, path, records, auth, clock, faults, log: watch::Sender::default() })
    }

    /// Its base URL without trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What it holds.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.records
    }

    /// Replaces the faults; what hangs on the old ones goes on under the new.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.send_replace(faults);
    }

    /// The requests that came in so far.
    #[must_use]
    pub fn log(&self) -> RequestLog {
        self.log.borrow().clone()
    }

    /// Waits until this many requests came in since the start.
    pub async fn asked(&self, count: u64) {
        // Ends early only without a sender, and the sender lives as long as `self`.
        let _ = self.log.subscribe().wait_for(|log| log.count >= count).await;
    }

    /// Notes a request and gives its number, from 1.
    fn note(&self, request: &Parts) -> u64 {
        self.log.send_modify(|log| log.note(request));
        self.log.borrow().count
    }

    /// Answers one request from the data; `faults` may taint what it holds.
    fn answer(&self, request: &Parts, faults: &Faults) -> Answer {
        self.try_answer(request, faults).unwrap_or_else(|problem| answer::outcome(&problem, &self.base))
    }

    fn try_answer(&self, request: &Parts, faults: &Faults) -> Result<Answer, Problem> {
        if !self.admits(request) {
            return Err(Problem::NotAdmitted);
        }
        if request.method != Method::GET {
            return Err(Problem::Method);
        }
        let path = request.uri.path().strip_prefix(self.path.as_str()).ok_or(Problem::NotFound)?;
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["", "metadata"] => Ok(answer::capabilities(&self.base, self.clock.now())),
            ["", kind] => self.search(kind, request.uri.query().unwrap_or_default(), faults),
            ["", kind, id] => self.read(kind, id, faults),
            _ => Err(Problem::NotFound),
        }
    }

    fn admits(&self, request: &Parts) -> bool {
        let Some(key) = &self.auth.api_key else { return true };
        let shown = request.headers.get("x-api-key").map(http::HeaderValue::as_bytes).unwrap_or_default();
        shown.ct_eq(key.reveal().as_bytes()).into()
    }

    fn search(&self, kind: &str, query: &str, faults: &Faults) -> Result<Answer, Problem> {
        let query = Query::parse(query).map_err(Problem::Search)?;
        let found = Search::parse(kind, &query).map_err(Problem::Search)?.run(&self.records, &self.base);
        let entries = answer::entries(&self.records, kind, &found, faults);
        Ok(answer::searchset(&self.base, kind, &query, &entries, self.clock.now()))
    }

    fn read(&self, kind: &str, id: &str, faults: &Faults) -> Result<Answer, Problem> {
        let resource = self.records.find(kind, id).ok_or(Problem::NotFound)?;
        Ok(answer::resource(&answer::released(&self.records, resource, None, faults)))
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
