//! The searches of the services that a person chose, run side by side, and what came of each.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::Value;
use tokio::task::JoinSet;

use super::element::Element;
use super::services::DataService;
use crate::clock::SharedClock;
use crate::form::encode_pairs;
use crate::sandbox::client::{ClientError, PgoClient, Reply};
use crate::secret::Secret;

/// Largest answer that is laid out, in bytes; bounds what a session keeps.
const ANSWER_MAX_BYTES: usize = 2 * 1024 * 1024;
/// For how many months back results are asked; the same as practices show by default.
const RESULT_MONTHS: i32 = 14;
/// For how many months back appointments are asked.
const APPOINTMENT_MONTHS: i32 = 12;

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Person,
    Episodes,
    Medicines,
    Intolerances,
    Results,
    Reports,
    Contacts,
    Appointments,
    Documents,
    Measurements,
    Vaccinations,
}

/// Where and with what is searched.
#[derive(Clone)]
pub(in crate::sandbox) struct Access {
    /// The resource endpoints of what was chosen, by system role.
    pub(in crate::sandbox) bases: HashMap<String, String>,
    /// The access token.
    pub(in crate::sandbox) token: Secret<String>,
    pub(in crate::sandbox) correlation_id: String,
}

impl Access {
    /// The resource endpoint of a role; `None` when it was not chosen or is not offered.
    pub(super) fn base(&self, role: &str) -> Option<&str> {
        self.bases.get(role).map(String::as_str)
    }
}

/// What came of one search.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) trace: Trace,
    pub(super) outcome: Result<Value, Problem>,
}

/// What a developer wants to know of a search.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) subject: Subject,
    /// Path and query, after the base.
    pub(super) request: String,
    /// `None` when there was no answer.
    pub(super) status: Option<StatusCode>,
    pub(super) entries: usize,
    pub(super) took: Duration,
    /// Where the audit log of the gateway has it.
    pub(super) receipt: Option<String>,
}

/// Why a search brought nothing, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Problem {
    pub(in crate::sandbox) what: String,
    pub(in crate::sandbox) who: &'static str,
    /// The number under which the gateway knows it.
    pub(in crate::sandbox) reference: Option<String>,
}

impl Subject {
    pub(super) const ALL: [Self; 11] = [
        Self::Person,
        Self::Episodes,
        Self::Medicines,
        Self::Intolerances,
        Self::Results,
        Self::Reports,
        Self::Contacts,
        Self::Appointments,
        Self::Documents,
        Self::Measurements,
        Self::Vaccinations,
    ];

    /// The service whose search it is.
    pub(super) const fn service(self) -> DataService {
        match self {
            Self::Person
            | Self::Episodes
            | Self::Medicines
            | Self::Intolerances
            | Self::Results
            | Self::Reports
            | Self::Contacts => DataService::Record,
            Self::Appointments => DataService::Appointments,
            Self::Documents => DataService::Documents,
            Self::Measurements => DataService::Measurements,
            Self::Vaccinations => DataService::Vaccinations,
        }
    }

    pub(super) const fn resource(self) -> &'static str {
        match self {
            Self::Person => "Patient",
            Self::Episodes => "EpisodeOfCare",
            Self::Medicines => "MedicationRequest",
            Self::Intolerances => "AllergyIntolerance",
            Self::Results | Self::Measurements => "Observation",
            Self::Reports => "Composition",
            Self::Contacts => "Encounter",
            Self::Appointments => "Appointment",
            Self::Documents => "DocumentReference",
            Self::Vaccinations => "Immunization",
        }
    }

    /// Path and query of the information standard, on this day.
    pub(super) fn request(self, today: Date) -> String {
        let results_from = today.saturating_sub(RESULT_MONTHS.months());
        let appointments_from = today.saturating_sub(APPOINTMENT_MONTHS.months());
        let pairs: &[(&str, &str)] = match self {
            Self::Person => &[("_include", "Patient:general-practitioner")],
            Self::Episodes | Self::Contacts => &[],
            Self::Medicines => &[
                ("periodofuse", &format!("ge{today}")),
                ("category", "http://snomed.info/sct|16076005"),
                ("_include", "MedicationRequest:medication"),
            ],
            Self::Intolerances => &[("category", "medication")],
            Self::Results => &[
                ("code", "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|"),
                ("_include", "Observation:related-target"),
                ("_include", "Observation:specimen"),
                ("date", &format!("ge{results_from}")),
            ],
            Self::Reports => &[("type", "http://loinc.org|67781-5")],
            Self::Appointments => &[("date", &format!("ge{appointments_from}"))],
            Self::Documents => &[("status", "current")],
            Self::Measurements => &[("category", "http://hl7.org/fhir/observation-category|vital-signs")],
            Self::Vaccinations => &[("status", "completed")],
        };
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.resource(), encode_pairs(&pairs))
    }
}

/// Runs the searches of the chosen services at the same time. The answers come in the order of [`Subject::ALL`].
pub(super) async fn search_all(client: &PgoClient, access: &Access, today: Date, clock: &SharedClock) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for subject in Subject::ALL {
        let Some(base) = access.base(subject.service().role()) else { continue };
        let (base, request) = (base.to_owned(), subject.request(today));
        let (client, access, clock) = (client.clone(), access.clone(), SharedClock::clone(clock));
        running.spawn(async move { search(&client, &access, Question { subject, base, request }, &clock).await });
    }
    let mut answers = running.join_all().await;
    answers.sort_by_key(|answer| answer.trace.subject);
    answers
}

struct Question {
    subject: Subject,
    base: String,
    request: String,
}

async fn search(client: &PgoClient, access: &Access, question: Question, clock: &SharedClock) -> Answer {
    let Question { subject, base, request } = question;
    let started = clock.monotonic();
    let reply = client.get(&format!("{base}/{request}"), access.token.reveal(), &access.correlation_id).await;
    let took = clock.monotonic().saturating_duration_since(started);
    let (status, receipt) = reply.as_ref().map_or((None, None), |reply| (Some(reply.status), receipt(reply)));
    let outcome = read(reply);
    let entries = outcome.as_ref().map_or(0, |bundle| Element::new(bundle).items("entry").count());
    Answer { trace: Trace { subject, request, status, entries, took, receipt }, outcome }
}

fn receipt(reply: &Reply) -> Option<String> {
    reply.headers.get("inzage-audit-receipt").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The Bundle of a reply with status 200, or why there is none.
pub(in crate::sandbox) fn read(reply: Result<Reply, ClientError>) -> Result<Value, Problem> {
    let Ok(reply) = reply else { return Err(Problem::new("Er kwam geen antwoord.", TRY_LATER)) };
    if reply.body.len() > ANSWER_MAX_BYTES {
        return Err(Problem::new(
            "Het antwoord is te groot voor deze demonstratie.",
            "De maker van deze app kan hier iets aan doen.",
        ));
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let element = Element::new(&body);
    if reply.status == StatusCode::OK && element.is_a("Bundle") {
        return Ok(body);
    }
    Err(Problem::of_outcome(element))
}

/// Why a reply holds no data.
pub(super) fn problem_of(reply: &Reply) -> Problem {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    Problem::of_outcome(Element::new(&body))
}

pub(super) const TRY_LATER: &str = "Probeer het over een paar minuten opnieuw.";

impl Problem {
    pub(super) fn new(what: &str, who: &'static str) -> Self {
        Self { what: what.to_owned(), who, reference: None }
    }

    /// Reads an OperationOutcome of the gateway; anything else is an answer that is not understood.
    fn of_outcome(outcome: Element<'_>) -> Self {
        let Some(issue) = outcome.items("issue").next() else {
            return Self::new("Er kwam een antwoord dat deze app niet begrijpt.", TRY_LATER);
        };
        let details = issue.child("details");
        Self {
            what: details.text("text").unwrap_or("De gegevens zijn niet gegeven.").to_owned(),
            who: who_acts(details.code_in(crate::fhir::outcome::WHO_SYSTEM)),
            reference: issue.text("diagnostics").and_then(reference_in),
        }
    }
}

fn who_acts(who: Option<&str>) -> &'static str {
    match who {
        Some("patient") => "U kunt hier zelf iets aan doen: haal de gegevens opnieuw op.",
        Some("practice") => "Uw huisartsenpraktijk kan hier iets aan doen.",
        Some("pgo") => "De maker van deze app kan hier iets aan doen.",
        Some("his") => "De leverancier van het systeem van uw praktijk kan hier iets aan doen.",
        Some(_) | None => TRY_LATER,
    }
}

/// The gateway ends its diagnostics with `(reference …)`.
fn reference_in(diagnostics: &str) -> Option<String> {
    let (_, rest) = diagnostics.rsplit_once("(reference ")?;
    rest.strip_suffix(')').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fhir::request::{Accept, Asked, Floors, Interaction, Media, Prefer, Verb, parse};
    use crate::services::Catalogue;

    fn reply(status: u16, body: &str) -> Result<Reply, ClientError> {
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    #[test]
    fn the_searches_are_exactly_those_of_the_services() {
        let (catalogue, today) = (Catalogue::shipped(), date(2026, 3, 9));
        let floors = Floors { today, results: date(2025, 1, 9) };
        for subject in Subject::ALL {
            let service = catalogue.service(subject.service().id()).unwrap();
            let request = subject.request(today);
            let (path, query) = request.split_once('?').map_or((request.as_str(), None), |(path, q)| (path, Some(q)));
            let asked = Asked {
                verb: Verb::Get,
                query,
                form: Ok(None),
                accept: Accept::ANYTHING,
                media: Media::Other,
                prefer: Prefer::default(),
            };
            let Interaction::Search(shape) = parse(service, path, asked, floors).unwrap().interaction else {
                panic!("{path} is a search");
            };
            assert_eq!(shape.asked, shape.upstream, "nothing is added to what {path} asks");
        }
    }

    #[test]
    fn an_outcome_says_what_happened_who_acts_and_under_which_number() {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{
            "details": {"coding": [{"system": "urn:inzage:who-acts", "code": "practice"}], "text": "De praktijk is dicht."},
            "diagnostics": "the practice is closed (reference 0abc)"}]});
        let problem = read(reply(403, &outcome.to_string())).unwrap_err();
        assert_eq!(problem.what, "De praktijk is dicht.");
        assert!(problem.who.contains("huisartsenpraktijk"));
        assert_eq!(problem.reference.as_deref(), Some("0abc"));
    }

    #[test]
    fn only_a_bundle_with_200_is_data() {
        let bundle = r#"{"resourceType": "Bundle"}"#;
        assert!(read(reply(200, bundle)).is_ok());
        for (status, body) in [(500, bundle), (200, "{}"), (200, "<html>"), (200, "")] {
            assert!(read(reply(status, body)).is_err(), "{status} {body}");
        }
        let large = format!("{}{}", bundle, " ".repeat(ANSWER_MAX_BYTES));
        assert!(read(reply(200, &large)).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 200_u16..600, body in "\\PC{0,80}") {
            let _ = read(reply(status, &body));
        }
    }
}
