//! One FHIR base of an emulated HIS: its resources, and what is asked of them and sent to them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Method;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{self, Answer, Problem};
use super::bundle::{self, Page};
use super::document;
use super::faults::Faults;
use super::search::{Query, Search, SearchError, Window};
use super::store::{Records, Resource, ResourceError};
use super::submit::{self, Submission};
use crate::medmij::FhirVersion;

/// Bytes of JSON that are kept of what was sent, at most.
const SENT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Resources of one version at one base.
pub(super) struct Endpoint {
    pub(super) version: FhirVersion,
    /// Without trailing slash.
    pub(super) base: String,
    path: String,
    records: ArcSwap<Records>,
    /// Bytes that may still be sent.
    room: std::sync::atomic::AtomicUsize,
}

impl Endpoint {
    pub(super) fn new(version: FhirVersion, base: String, records: Records) -> Self {
        let after_scheme = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default().to_owned();
        Self { version, base, path, records: ArcSwap::from_pointee(records), room: SENT_MAX_BYTES.into() }
    }

    /// Whether a path is at or below the base.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.below(path).is_some()
    }

    /// What of a path follows the base.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.path.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(super) fn records(&self) -> Arc<Records> {
        self.records.load_full()
    }

    pub(super) fn put(&self, resources: Vec<Value>) -> Result<(), ResourceError> {
        let resources: Vec<Resource> = resources.into_iter().map(Resource::parse).collect::<Result<_, _>>()?;
        self.records.rcu(|records| records.with(&resources));
        Ok(())
    }

    pub(super) fn answer(
        &self,
        request: &Parts,
        body: &Bytes,
        faults: &Faults,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let path = self.below(request.uri.path()).ok_or(Problem::NotFound)?;
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let query = Query::parse(request.uri.query().unwrap_or_default())?;
        match (&request.method, segments.as_slice()) {
            (&Method::POST, [] | [""]) => self.submit(request, body, faults, now),
            (&Method::GET, ["metadata"]) => Ok(answer::capabilities(self.version, &self.base, now)),
            (&Method::GET, ["Binary", id]) => {
                document::answer(self.find("Binary", id)?.as_ref(), request, &query, faults)
            }
            (&Method::GET, [kind]) => self.search(kind, query, faults, now),
            (&Method::GET, ["Observation", "$lastn"]) => self.search("Observation/$lastn", query, faults, now),
            (&Method::GET, [kind, id]) => {
                Ok(answer::resource(&answer::released(&self.records(), self.find(kind, id)?.as_ref(), None, faults)))
            }
            (&Method::GET, _) => Err(Problem::NotFound),
            _ => Err(Problem::Method),
        }
    }

    fn find(&self, kind: &str, id: &str) -> Result<Arc<Resource>, Problem> {
        self.records().shared(kind, id).ok_or(Problem::NotFound)
    }

    fn search(&self, path: &str, mut query: Query, faults: &Faults, now: Timestamp) -> Result<Answer, Problem> {
        let window = window(&mut query, faults)?;
        let search = match path.split_once('/') {
            None => Search::parse(self.version, path, &query)?,
            Some(_) => Search::parse_last(self.version, &query)?,
        };
        let records = self.records();
        let found = search.run(&records, &self.base, window);
        let page = Page { base: &self.base, path, query: &query, number: window.number, now };
        Ok(bundle::searchset(&records, &found, &page, faults))
    }

    fn submit(&self, request: &Parts, body: &Bytes, faults: &Faults, now: Timestamp) -> Result<Answer, Problem> {
        let submission = Submission::parse(request, body, self.version)?;
        let judged = submission.judge(self.version, &self.records(), faults, now)?;
        self.take_room(judged.created().map(|resource| resource.text().get().len()).sum())?;
        let created: Vec<Resource> = judged.created().cloned().collect();
        self.records.rcu(|records| records.with(&created));
        Ok(submit::answer(&judged, &self.base, submit::wants_resources(request)))
    }

    fn take_room(&self, bytes: usize) -> Result<(), Problem> {
        use std::sync::atomic::Ordering::Relaxed;
        let taken = self.room.fetch_update(Relaxed, Relaxed, |room| room.checked_sub(bytes));
        taken.map(drop).map_err(|_| Problem::Full)
    }
}

/// The page that is asked for. Only a system that pages knows its `_page`.
fn window(query: &mut Query, faults: &Faults) -> Result<Window, Problem> {
    let size = usize::try_from(faults.page_size).unwrap_or(usize::MAX);
    let number = if size == 0 { None } else { query.take("_page") };
    let number = number.map_or(Some(1), |text| text.parse().ok().filter(|number| *number > 0));
    let number = number.ok_or(SearchError::BadValue { name: "_page".to_owned() })?;
    let fails = faults.fail_page > 0 && number >= usize::try_from(faults.fail_page).unwrap_or(usize::MAX);
    if fails { Err(Problem::Page) } else { Ok(Window { size, number }) }
}
