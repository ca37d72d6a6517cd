//! Asking an installation what the gateway would ask it for a person, to see whether it can serve: the same questions and the
//! same rules, but of the answers nothing is kept but numbers. It is an access to a record, so an intent is on disk before
//! each question, and an outcome follows it.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::flags::shown_episodes;
use super::flow::Entries;
use super::search::rules;
use super::{Flow, ReadError, floors};
use crate::audit::{AuditEvent, AuditLog, Counts, Keyring, Kind, NoKey, Outcome, receipt};
use crate::availability::is_of_age;
use crate::clock::SharedClock;
use crate::fhir::disclosure::{Disclosure, Transfer};
use crate::fhir::request::{self, Asked, Floors, Interaction, RequestError, SearchShape};
use crate::fhir::shape::stream::Kept;
use crate::fhir::shape::{Page, Record, Shaping, shape_searchset};
use crate::form::encode_pairs;
use crate::his::{Answer, AnswerBody, Ask, Format, HisAdapter, HisError, HisPatient, Search};
use crate::medmij::{Bsn, FhirVersion, LocalId};
use crate::practices::Practice;
use crate::services::{AllowedSearch, Parameter, Service, Values};

/// Most pages of one search that are followed.
const PAGES_MAX: u32 = 16;
/// What answers are rewritten to. Nobody sees them.
const OUR_BASE: &str = "https://check.invalid/fhir";

/// What asking for a person needs.
pub struct Checker<'a> {
    /// The installation.
    pub adapter: &'a dyn HisAdapter,
    /// The practice whose records it holds.
    pub practice: &'a Practice,
    /// The person.
    pub bsn: &'a Bsn,
    /// Where the access is recorded.
    pub audit: Arc<dyn AuditLog>,
    /// What stands for a person in the audit.
    pub keyring: &'a Keyring,
    /// Time.
    pub clock: SharedClock,
    /// How long all calls to the HIS for one page may take together.
    pub his_deadline: Duration,
}

/// How one question went: numbers, and why not.
#[derive(Debug)]
pub struct Checked {
    /// The question in the catalogue's words, with no identifier in it.
    pub query: String,
    /// How long it took, all of its pages together.
    pub took: Duration,
    /// What came.
    pub seen: Seen,
    /// Why it is not well.
    pub fault: Option<ReadError>,
}

/// What came in answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Pages of the HIS.
    pub pages: u32,
    /// Entries that would leave, and those withheld.
    pub counts: Counts,
}

impl Checker<'_> {
    /// Whether the HIS knows the person, and they may look for themself.
    pub async fn person(&self, fhir: FhirVersion) -> Checked {
        let id = LocalId::new(self.clock.now());
        let found = async {
            self.patient(self.ask(fhir, &id.to_string())).await?;
            Ok(Seen { pages: 1, counts: Counts::default() })
        };
        self.recorded(id, None, "Patient".to_owned(), found).await
    }

    /// Every search of a service, one after the other.
    pub async fn searches(&self, service: &Service) -> Vec<Checked> {
        let mut all = Vec::with_capacity(service.searches.len());
        for search in &service.searches {
            let id = LocalId::new(self.clock.now());
            let asked = self.asked(service, search, &id);
            all.push(self.recorded(id, Some(service), described(search), asked).await);
        }
        all
    }

    async fn recorded(
        &self,
        id: LocalId,
        service: Option<&Service>,
        query: String,
        work: impl Future<Output = Result<Seen, ReadError>>,
    ) -> Checked {
        let begun = self.clock.monotonic();
        let ended = match self.event(id, service, &query) {
            Ok(event) => self.in_the_log(event, work).await,
            Err(missing) => Err(ReadError::Audit(missing.into())),
        };
        let took = self.clock.monotonic().saturating_duration_since(begun);
        let (seen, fault) = ended.map_or_else(|error| (Seen::default(), Some(error)), |seen| (seen, None));
        Checked { query, took, seen, fault }
    }

    async fn in_the_log(
        &self,
        event: AuditEvent,
        work: impl Future<Output = Result<Seen, ReadError>>,
    ) -> Result<Seen, ReadError> {
        let pending = self.audit.append(&event).map_err(ReadError::Audit)?;
        let receipt = receipt(pending).await.map_err(ReadError::Audit)?;
        let disclosure = Disclosure::open(Arc::clone(&self.audit), Arc::clone(&self.clock), event);
        match work.await {
            Ok(seen) => {
                disclosure.released(&receipt).transferred(seen.counts, Transfer::Complete);
                Ok(seen)
            }
            Err(error) => Err(disclosure.failed(Some(receipt), error).await.error),
        }
    }

    fn event(&self, id: LocalId, service: Option<&Service>, query: &str) -> Result<AuditEvent, NoKey> {
        let mut event = AuditEvent::new(self.clock.now(), Kind::DisclosureIntent, Outcome::Intended);
        event.local_id = Some(id);
        event.provider = Some(self.practice.provider.clone());
        event.service = service.map(|service| service.id.clone());
        event.subject = Some(self.keyring.subject(self.bsn, event.time)?);
        event.query = Some(query.into());
        event.detail = Some("his check: nothing but numbers left".into());
        Ok(event)
    }

    fn ask<'a>(&self, fhir: FhirVersion, local_id: &'a str) -> Ask<'a> {
        Ask { fhir, local_id, deadline: self.clock.monotonic() + self.his_deadline }
    }

    async fn patient(&self, ask: Ask<'_>) -> Result<HisPatient, ReadError> {
        let today = floors(self.clock.now(), self.practice).today;
        let found = self.adapter.find_patient(self.bsn, ask).await.map_err(ReadError::His)?;
        let found = found.filter(|patient| is_of_age(patient.birth_date, self.practice, today));
        found.ok_or(ReadError::NotAvailable)
    }

    async fn asked(&self, service: &Service, search: &AllowedSearch, id: &LocalId) -> Result<Seen, ReadError> {
        let (id, fhir) = (id.to_string(), service.fhir);
        let floors = floors(self.clock.now(), self.practice);
        let shape = shape(service, search, floors)?;
        let his_base = self.adapter.base(fhir).ok_or(ReadError::NoAdapter)?;
        let mut ask = self.ask(fhir, &id);
        let patient = self.patient(ask).await?;
        let record = Record { fhir, patient_id: &patient.id, bsn: self.bsn, his_base, our_base: OUR_BASE };
        let shown = shown_episodes(self.practice, shape.search, self.adapter, &patient, ask, &record).await?;
        let AllowedSearch { resource, operation, includes, .. } = shape.search;
        let includes: Vec<&str> = includes.iter().map(String::as_str).collect();
        let rules = rules(service, shape.search, self.practice, floors, shown);
        let upstream = Search { ask, resource, operation: *operation, parameters: &shape.upstream };
        let mut answer = self.adapter.search(&patient, upstream).await.map_err(ReadError::His)?;
        let (mut seen, mut page) = (Seen::default(), Page::First);
        loop {
            let shaping = Shaping { record, rules: &rules, self_link: OUR_BASE, resource, includes: &includes, page };
            let left = ask.deadline.saturating_duration_since(self.clock.monotonic());
            let Some(next) = seen.judge(answer, &shaping, left).await?.filter(|_| seen.pages < PAGES_MAX) else {
                return Ok(seen);
            };
            page = Page::Later;
            ask = self.ask(fhir, &id);
            answer = self.adapter.page(&patient, ask, &next).await.map_err(ReadError::His)?;
        }
    }
}

impl Seen {
    /// Judges a page as if it left, and says where the HIS keeps the next one. Of an answer that is too large to be held the
    /// next page is not followed.
    async fn judge(
        &mut self,
        answer: Answer,
        shaping: &Shaping<'_>,
        left: Duration,
    ) -> Result<Option<String>, ReadError> {
        self.pages += 1;
        if answer.incomplete {
            return Err(ReadError::His(HisError::Unreachable));
        }
        let next_link = |_: &str| Some(format!("{OUR_BASE}/page"));
        match (answer.format, answer.body) {
            (Format::Json, AnswerBody::Whole(body)) => {
                let shaped = shape_searchset(&body, shaping, &next_link).map_err(ReadError::Shape)?;
                self.add(Counts { entries: shaped.entries, withheld: shaped.withheld, bytes: 0 });
                Ok(shaped.next)
            }
            (Format::Json, AnswerBody::Large(body)) => {
                let entries = Entries::new(Kept::of(shaping), Some(Box::new(next_link)));
                let mut flow = Flow::open(body, Box::new(entries), left).await?;
                while let Some(judged) = poll_fn(|cx| flow.poll_bytes(cx)).await {
                    judged?;
                }
                self.add(flow.told().now().0);
                Ok(None)
            }
            (Format::Xml, _) => Err(ReadError::His(HisError::Nonsense)),
        }
    }

    const fn add(&mut self, counts: Counts) {
        self.counts.entries = self.counts.entries.saturating_add(counts.entries);
        self.counts.withheld = self.counts.withheld.saturating_add(counts.withheld);
    }
}

/// A search, and what it must be asked with: several are of one type.
fn described(search: &AllowedSearch) -> String {
    let Some(first) = search.parameters.iter().find(|parameter| parameter.required) else { return path(search) };
    let value = match &first.values {
        Values::OneOf(allowed) | Values::AnyOf(allowed) => allowed.first().map_or("", String::as_str),
        Values::Date { .. } | Values::Count { .. } => "",
    };
    format!("{}?{}={value}", path(search), first.name)
}

/// The path of a search, below the base.
fn path(search: &AllowedSearch) -> String {
    match search.operation {
        None => search.resource.clone(),
        Some(operation) => format!("{}/{}", search.resource, operation.as_str()),
    }
}

/// The request of a client that asks for all that this search can give, read against the catalogue like any other.
fn shape<'a>(service: &'a Service, search: &AllowedSearch, floors: Floors) -> Result<SearchShape<'a>, ReadError> {
    let (path, query) = (path(search), encode_pairs(&pairs(search, floors.today)));
    let query = Some(query.as_str()).filter(|query| !query.is_empty());
    let demand = request::parse(service, &path, Asked::search(query), floors).map_err(ReadError::Request)?;
    match demand.interaction {
        Interaction::Search(shape) => Ok(shape),
        Interaction::Read(_) | Interaction::Page(_) | Interaction::Submit(_) => {
            Err(ReadError::Request(RequestError::NotOffered))
        }
    }
}

/// The request that asks for all that a search can give, in the words that the audit log has of it.
///
/// # Errors
/// When the catalogue itself does not allow it.
#[cfg(feature = "sandbox")]
pub fn described_in_full(service: &Service, search: &AllowedSearch, floors: Floors) -> Result<String, ReadError> {
    shape(service, search, floors).map(|shape| shape.describe())
}

/// What a search cannot do without, and all that may come along.
fn pairs(search: &AllowedSearch, today: Date) -> Vec<(String, String)> {
    let asked = search.parameters.iter().filter(|parameter| parameter.required || parameter.name == "_include");
    asked
        .flat_map(|parameter| values(parameter, today).into_iter().map(|value| (parameter.name.clone(), value)))
        .collect()
}

fn values(parameter: &Parameter, today: Date) -> Vec<String> {
    match &parameter.values {
        Values::OneOf(allowed) if parameter.name == "_include" => allowed.clone(),
        Values::OneOf(allowed) => allowed.iter().take(1).cloned().collect(),
        Values::AnyOf(allowed) => vec![allowed.join(",")],
        Values::Date { prefixes, .. } => vec![format!("{}{today}", prefixes.first().map_or("", String::as_str))],
        Values::Count { most } => vec![most.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{Catalogue, Purpose};

    #[test]
    fn every_search_that_ships_is_asked_as_itself() {
        let today = jiff::civil::date(2026, 11, 22);
        let floors = Floors { today, results: jiff::civil::date(2025, 9, 22) };
        let catalogue = Catalogue::shipped();
        let collecting = catalogue.iter().filter(|service| service.purpose == Purpose::Collect);
        let searches: Vec<_> =
            collecting.flat_map(|service| service.searches.iter().map(move |search| (service, search))).collect();
        assert!(searches.len() > 30, "{}", searches.len());
        for (service, search) in searches {
            let shape = shape(service, search, floors).unwrap();
            assert_eq!(shape.search, search, "service {}", service.id.as_str());
        }
    }
}
