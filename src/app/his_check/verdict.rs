//! What a check says: words of ours and numbers, for people and for tools.

use std::time::Duration;

use serde::Serialize;

use crate::fhir::read::ReadError;
use crate::fhir::read::check::Checked;
use crate::his::{About, HisError};
use crate::medmij::FhirVersion;
use crate::services::Service;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The id of the installation.
    pub his: String,
    /// What holds for all services.
    pub steps: Vec<Line>,
    /// Each service of the catalogue.
    pub services: Vec<ServiceVerdict>,
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Well.
    Ok,
    /// Not well.
    Not,
    /// Some of it the installation does not have; what it has is well.
    Partly,
    /// The installation does not have it, which is well as long as nobody is promised it.
    NotOffered,
    /// Not known.
    NotTried,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
pub struct Line {
    /// What.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// How long it took, in milliseconds; of a search, all of its pages.
    pub millis: Option<u64>,
    /// Pages of the HIS, of a search that was answered.
    pub pages: Option<u32>,
    /// Entries that would leave.
    pub entries: Option<u32>,
    /// Entries that the guideline withholds.
    pub withheld: Option<u32>,
    /// What there is to say.
    pub note: String,
    /// Who must act.
    pub who: Option<&'static str>,
}

/// One service.
#[derive(Debug, Serialize)]
pub struct ServiceVerdict {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is.
    pub verdict: Verdict,
    /// Why.
    pub note: String,
    /// Who must act.
    pub who: Option<&'static str>,
    /// Its searches.
    pub searches: Vec<Line>,
}

const SUPPLIER: &str = "the supplier of the HIS";
const NETWORK: &str = "the supplier of the HIS, or whoever runs the network between";
const REGISTRATION: &str = "whoever registered the gateway at the HIS: certificate, key or client";
const OPERATOR: &str = "you, who run this gateway";

impl Report {
    /// Whether all that was tried is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let steps = self.steps.iter().map(|line| line.verdict);
        steps.chain(self.services.iter().map(|service| service.verdict)).all(|verdict| verdict != Verdict::Not)
    }
}

impl Line {
    fn new(what: String, verdict: Verdict, note: String) -> Self {
        Self { what, verdict, millis: None, pages: None, entries: None, withheld: None, note, who: None }
    }

    /// The line of a service, above those of its searches.
    #[must_use]
    pub fn head(service: &ServiceVerdict) -> Self {
        let ServiceVerdict { id, name, verdict, note, who, .. } = service;
        Self { who: *who, ..Self::new(format!("{id} {name}"), *verdict, note.clone()) }
    }

    fn took(self, took: Duration) -> Self {
        Self { millis: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)), ..self }
    }

    pub(super) fn not_tried(what: &str, reason: &str) -> Self {
        Self::new(what.to_owned(), Verdict::NotTried, reason.to_owned())
    }

    pub(super) fn connection(endpoint: &str, took: Duration, connected: Result<(), HisError>) -> Self {
        let (verdict, note, who) = match connected {
            Ok(()) => (Verdict::Ok, "reached, and its certificate passes", None),
            Err(HisError::Refused) => (
                Verdict::Not,
                "TLS fails: its certificate does not pass (his.roots), or ours is not taken",
                Some(OPERATOR),
            ),
            Err(error) => (Verdict::Not, "there is no connection", Some(who(error))),
        };
        Self { who, ..Self::new(format!("connection and TLS ({endpoint})"), verdict, note.to_owned()).took(took) }
    }

    pub(super) fn about(fhir: FhirVersion, took: Duration, about: Result<About, HisError>) -> Self {
        let what = format!("what it says of itself ({})", fhir.as_str());
        let (verdict, note, who) = match about {
            Ok(about) if is_other(fhir, &about) => (Verdict::Not, told(&about), Some(SUPPLIER)),
            Ok(about) => (Verdict::Ok, told(&about), None),
            Err(error) => (Verdict::Not, error.to_string(), Some(who(error))),
        };
        Self { who, ..Self::new(what, verdict, note).took(took) }
    }

    /// That it is found shows that the right by which we ask is taken: a capability statement is often open to all.
    pub(super) fn person(found: &Checked) -> Self {
        let what = "authentication, and the person".to_owned();
        match found.fault {
            None => Self::new(what, Verdict::Ok, "the HIS takes us, and knows the person".to_owned()),
            Some(error) => Self { who: Some(who_of(error)), ..Self::new(what, Verdict::Not, why(error)) },
        }
        .took(found.took)
    }

    pub(super) fn paging<'a>(searches: impl Iterator<Item = &'a Self>) -> Self {
        let pages: Vec<u32> = searches.filter_map(|line| line.pages).filter(|pages| *pages > 1).collect();
        let note = format!("{} searches came in pages, at most {}", pages.len(), pages.iter().max().unwrap_or(&1));
        match pages.len() {
            0 => Self::not_tried("paging", "no answer had a second page"),
            _ => Self::new("paging".to_owned(), Verdict::Ok, note),
        }
    }

    fn search(checked: &Checked) -> Self {
        let Checked { query, took, seen, fault } = checked;
        let line = match *fault {
            None => Self::new(query.clone(), Verdict::Ok, String::new()),
            Some(ReadError::His(error @ HisError::Unsupported)) => {
                Self::new(query.clone(), Verdict::NotOffered, error.to_string())
            }
            Some(error) => Self { who: Some(who_of(error)), ..Self::new(query.clone(), Verdict::Not, why(error)) },
        };
        let came = fault.is_none().then_some(seen);
        Self {
            pages: came.map(|seen| seen.pages),
            entries: came.map(|seen| seen.counts.entries),
            withheld: came.map(|seen| seen.counts.withheld),
            ..line.took(*took)
        }
    }
}

impl ServiceVerdict {
    pub(super) fn of(service: &Service, searches: &[Checked]) -> Self {
        let searches: Vec<Line> = searches.iter().map(Line::search).collect();
        let count = |verdict: Verdict| searches.iter().filter(|line| line.verdict == verdict).count();
        let (all, failed, absent) = (searches.len(), count(Verdict::Not), count(Verdict::NotOffered));
        let (verdict, note) = match (failed, absent) {
            (0, 0) => (Verdict::Ok, String::new()),
            (0, absent) if absent == all => return Self::not_offered(service, searches),
            (0, absent) => (Verdict::Partly, format!("{absent} of {all} searches the HIS does not offer")),
            (failed, _) => (Verdict::Not, format!("{failed} of {all} searches are not well")),
        };
        let who = searches.iter().find_map(|line| line.who);
        Self { verdict, note, who, searches, ..Self::not_tried(service, "") }
    }

    /// The installation has none of it, or no endpoint of its FHIR version.
    pub(super) fn not_offered(service: &Service, searches: Vec<Line>) -> Self {
        let note = "the HIS does not offer this: no list may name the service for this practice";
        Self { verdict: Verdict::NotOffered, searches, ..Self::not_tried(service, note) }
    }

    pub(super) fn not_tried(service: &Service, reason: &str) -> Self {
        Self {
            id: service.id.as_str().to_owned(),
            name: service.name.clone(),
            verdict: Verdict::NotTried,
            note: reason.to_owned(),
            who: None,
            searches: Vec::new(),
        }
    }
}

/// Whether it is a FHIR server of another version than it was asked in.
fn is_other(fhir: FhirVersion, about: &About) -> bool {
    let release = match fhir {
        FhirVersion::Stu3 => "3.0",
        FhirVersion::R4 => "4.0",
    };
    about.is_fhir && about.version.as_deref().is_none_or(|version| !version.starts_with(release))
}

fn told(about: &About) -> String {
    let software = about.software.as_deref().unwrap_or("software not named");
    let version = about.version.as_deref().unwrap_or("not named");
    let formats = if about.formats.is_empty() { "not named".to_owned() } else { about.formats.join(", ") };
    format!("{software}; version {version}; formats {formats}; {} types or lists", about.offers.len())
}

/// The cause. Nothing of an answer stands in it.
fn why(error: ReadError) -> String {
    match error {
        ReadError::Shape(cause) => format!("{error}: {cause}"),
        ReadError::NoRoute
        | ReadError::NoToken(_)
        | ReadError::UnknownToken
        | ReadError::Refused(_)
        | ReadError::Request(_)
        | ReadError::UnknownPage
        | ReadError::NotAvailable
        | ReadError::NoAdapter
        | ReadError::NoDocument
        | ReadError::His(_)
        | ReadError::Body(_)
        | ReadError::Submission(_)
        | ReadError::SharedAnswer(_)
        | ReadError::Xml(_)
        | ReadError::Audit(_)
        | ReadError::Store
        | ReadError::Index => error.to_string(),
    }
}

const fn who_of(error: ReadError) -> &'static str {
    match error {
        ReadError::His(error) => who(error),
        ReadError::Shape(_) | ReadError::SharedAnswer(_) | ReadError::Xml(_) => SUPPLIER,
        ReadError::NotAvailable => "you: choose a test person of this practice who is old enough",
        ReadError::NoRoute
        | ReadError::NoToken(_)
        | ReadError::UnknownToken
        | ReadError::Refused(_)
        | ReadError::Request(_)
        | ReadError::UnknownPage
        | ReadError::NoAdapter
        | ReadError::NoDocument
        | ReadError::Body(_)
        | ReadError::Submission(_)
        | ReadError::Audit(_)
        | ReadError::Store
        | ReadError::Index => OPERATOR,
    }
}

const fn who(error: HisError) -> &'static str {
    match error {
        HisError::Unreachable | HisError::TimedOut | HisError::Busy | HisError::Open => NETWORK,
        HisError::Refused => REGISTRATION,
        HisError::Nonsense
        | HisError::TooLarge
        | HisError::NotFound
        | HisError::Unsupported
        | HisError::Rejected
        | HisError::Unconfirmed => SUPPLIER,
    }
}
