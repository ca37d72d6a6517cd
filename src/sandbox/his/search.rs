//! Type-level searches over the records of the emulated HIS: each answer is computed from the stored resources.

mod date;
mod last;
mod query;
mod select;
mod table;
mod token;

use std::collections::BTreeSet;

use self::date::DateTerm;
use self::select::{nodes, period_of_use, ranges};
use self::table::{Include, Kind, Parameter};
use self::token::Token;
use super::store::{Key, Records, Resource, reference_key};
use crate::medmij::FhirVersion;

pub use self::query::{Query, percent_encode};
pub use self::table::{TypeTable, tables};

/// Why a search is refused; the caller gets it as an OperationOutcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// No such resource type here.
    #[error("resource type is not supported")]
    UnknownType,
    /// Broken percent-encoding, no UTF-8, or too many parameters.
    #[error("the query cannot be read")]
    BadQuery,
    /// A parameter that this type has not; unknown parameters are refused, not ignored.
    #[error("unknown search parameter {name}")]
    UnknownParameter {
        /// The name as sent.
        name: String,
    },
    /// A value that does not fit the parameter.
    #[error("search parameter {name} has a value that cannot be read")]
    BadValue {
        /// The name as sent.
        name: String,
    },
}

/// A search that can run: type, conditions (all must hold) and what to include.
#[derive(Debug)]
pub struct Search {
    table: &'static TypeTable,
    conditions: Vec<Condition>,
    includes: Vec<&'static Include>,
    /// Of `$lastn`: how many of each code.
    newest: Option<usize>,
}

/// One parameter of the request; its values are alternatives.
#[derive(Debug)]
enum Condition {
    Id(Vec<String>),
    Token { parameter: &'static Parameter, system: Option<&'static str>, terms: Vec<Token> },
    Date { parameter: &'static Parameter, terms: Vec<DateTerm> },
    PeriodOfUse { terms: Vec<DateTerm> },
    Patient { parameter: &'static Parameter, ids: Vec<String> },
}

/// What a search found, in order of ids, without duplicates.
#[derive(Debug)]
pub struct Found<'a> {
    /// Resources that fulfil the conditions.
    pub matches: Vec<&'a Resource>,
    /// Resources that came with them by `_include`.
    pub included: Vec<&'a Resource>,
    /// The patient in question, when the search names one or found one Patient.
    pub patient: Option<String>,
    /// How many there are on all pages.
    pub total: usize,
    /// Whether there are more on pages after this.
    pub more: bool,
}

/// Which part of what a search finds is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Matches on a page. 0: all on one.
    pub size: usize,
    /// Which page, from 1.
    pub number: usize,
}

impl Window {
    /// Everything on one page.
    pub const ALL: Self = Self { size: 0, number: 1 };

    /// The page of these, and whether there are more.
    fn of<T: Copy>(self, all: &[T]) -> (Vec<T>, bool) {
        let size = if self.size == 0 { all.len().max(1) } else { self.size };
        let mut pages = all.chunks(size).skip(self.number.saturating_sub(1));
        (pages.next().unwrap_or_default().to_vec(), pages.next().is_some())
    }
}

impl Search {
    /// Reads the parameters for a resource type.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn parse(version: FhirVersion, kind: &str, query: &Query) -> Result<Self, SearchError> {
        Self::read(version, kind, query, None)
    }

    /// Reads the parameters of `Observation/$lastn`: those of a search, and `max`, how many of each code, 1 by default
    /// (FHIR STU3 observation-operations.html).
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn parse_last(version: FhirVersion, query: &Query) -> Result<Self, SearchError> {
        Self::read(version, "Observation", query, Some(1))
    }

    fn read(version: FhirVersion, kind: &str, query: &Query, newest: Option<usize>) -> Result<Self, SearchError> {
        let mut every = tables(version).iter().copied().flatten();
        let table = every.find(|table| table.kind == kind).ok_or(SearchError::UnknownType)?;
        let mut search = Self { table, conditions: Vec::new(), includes: Vec::new(), newest };
        for (name, value) in query.pairs() {
            search.add(name, value)?;
        }
        Ok(search)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), SearchError> {
        let bad_value = || SearchError::BadValue { name: name.to_owned() };
        match name {
            "_format" => {
                // A plus sign that was not encoded arrives as a space.
                let plain = value.strip_prefix("application/").unwrap_or(value);
                let known = ["json", "xml", "fhir+json", "fhir+xml", "fhir json", "fhir xml"].contains(&plain);
                if known { Ok(()) } else { Err(bad_value()) }
            }
            "_include" => {
                let include = self.table.includes.iter().find(|include| include.name == value).ok_or_else(bad_value)?;
                self.includes.push(include);
                Ok(())
            }
            "max" if self.newest.is_some() => {
                self.newest = Some(value.parse().ok().filter(|max| *max > 0).ok_or_else(bad_value)?);
                Ok(())
            }
            _ => {
                let parameter = self.table.parameters.iter().find(|parameter| parameter.name == name);
                let parameter = parameter.ok_or_else(|| SearchError::UnknownParameter { name: name.to_owned() })?;
                self.conditions.push(Condition::parse(parameter, value).ok_or_else(bad_value)?);
                Ok(())
            }
        }
    }

    /// Runs the search. `base` is the HIS's own base URL; absolute references to another place are not followed.
    #[must_use]
    pub fn run<'a>(&self, records: &'a Records, base: &str, window: Window) -> Found<'a> {
        let holds = |found: &&Resource| self.conditions.iter().all(|condition| condition.holds(found));
        let matches: Vec<_> = self.candidates(records).into_iter().filter(holds).collect();
        let matches = self.newest.map_or(matches.clone(), |max| last::newest(&matches, max));
        let patient = self.patient().or_else(|| only_patient(&matches));
        let total = matches.len();
        let (matches, more) = window.of(&matches);
        let included = self.included(records, &matches, base);
        Found { matches, included, patient, total, more }
    }

    /// Narrowed by index where the search names one patient or ids; the conditions still decide.
    fn candidates<'a>(&self, records: &'a Records) -> Vec<&'a Resource> {
        let kind = self.table.kind;
        let by_index = self.conditions.iter().find_map(|condition| match condition {
            Condition::Id(ids) => {
                let ids: BTreeSet<_> = ids.iter().collect();
                Some(ids.into_iter().filter_map(|id| records.find(kind, id)).collect())
            }
            Condition::Patient { ids, .. } => match ids.as_slice() {
                [id] => Some(records.naming_patient(kind, id).collect()),
                _ => None,
            },
            Condition::Token { .. } | Condition::Date { .. } | Condition::PeriodOfUse { .. } => None,
        });
        by_index.unwrap_or_else(|| records.of_type(kind).collect())
    }

    fn included<'a>(&self, records: &'a Records, matches: &[&Resource], base: &str) -> Vec<&'a Resource> {
        let targets = self.includes.iter().flat_map(|include| {
            let nodes = matches.iter().flat_map(move |found| nodes(found.value(), include.path));
            let keys = nodes.filter_map(|node| local_key(node, base));
            keys.filter(move |(kind, _)| include.target.is_none_or(|target| kind == target))
        });
        let wanted: BTreeSet<Key> = targets.collect();
        let is_match = |(kind, id): &Key| matches.iter().any(|found| found.kind() == kind && found.id() == id);
        wanted.iter().filter(|key| !is_match(key)).filter_map(|(kind, id)| records.find(kind, id)).collect()
    }

    fn patient(&self) -> Option<String> {
        self.conditions.iter().find_map(|condition| match condition {
            Condition::Patient { ids, .. } => ids.first().cloned(),
            Condition::Id(_) | Condition::Token { .. } | Condition::Date { .. } | Condition::PeriodOfUse { .. } => None,
        })
    }
}

fn only_patient(matches: &[&Resource]) -> Option<String> {
    match matches {
        [one] if one.kind() == "Patient" => Some(one.id().to_owned()),
        _ => None,
    }
}

/// What a Reference points at on this server.
fn local_key(reference: &serde_json::Value, base: &str) -> Option<Key> {
    let text = reference.get("reference")?.as_str()?;
    let relative = match text.strip_prefix(base) {
        Some(path) => path.strip_prefix('/')?,
        None if text.contains(':') => return None,
        None => text,
    };
    reference_key(relative)
}

impl Condition {
    /// `None` when any of the alternatives cannot be read.
    fn parse(parameter: &'static Parameter, value: &str) -> Option<Self> {
        let terms = token::alternatives(value);
        match parameter.kind {
            Kind::Id => Some(Self::Id(terms)),
            Kind::Token { system } => {
                let terms = terms.iter().map(|term| Token::parse(term)).collect::<Option<_>>()?;
                Some(Self::Token { parameter, system, terms })
            }
            Kind::Date => Some(Self::Date {
                parameter,
                terms: terms.iter().map(|term| DateTerm::parse(term)).collect::<Option<_>>()?,
            }),
            Kind::PeriodOfUse => Some(Self::PeriodOfUse {
                terms: terms.iter().map(|term| DateTerm::parse(term)).collect::<Option<_>>()?,
            }),
            Kind::Patient => {
                let ids = terms.iter().map(|term| patient_id(term)).collect::<Option<_>>()?;
                Some(Self::Patient { parameter, ids })
            }
        }
    }

    fn holds(&self, resource: &Resource) -> bool {
        let value = resource.value();
        match self {
            Self::Id(ids) => ids.iter().any(|id| id == resource.id()),
            Self::Token { parameter, system, terms } => {
                let found = || parameter.paths.iter().flat_map(|path| nodes(value, path));
                terms.iter().any(|term| found().any(|node| term.matches(node, *system)))
            }
            Self::Date { parameter, terms } => {
                let found = || parameter.paths.iter().flat_map(|path| ranges(value, path));
                terms.iter().any(|term| found().any(|range| term.matches(range)))
            }
            Self::PeriodOfUse { terms } => {
                period_of_use(value).is_some_and(|range| terms.iter().any(|term| term.matches(range)))
            }
            Self::Patient { parameter, ids } => {
                parameter.paths.iter().flat_map(|path| nodes(value, path)).any(|node| {
                    let key = node.get("reference").and_then(serde_json::Value::as_str).and_then(reference_key);
                    key.is_some_and(|(kind, id)| kind == "Patient" && ids.contains(&id))
                })
            }
        }
    }
}

/// The id in `x`, `Patient/x` or `{base}/Patient/x`.
fn patient_id(term: &str) -> Option<String> {
    if super::store::is_id(term) {
        return Some(term.to_owned());
    }
    reference_key(term).filter(|(kind, _)| kind == "Patient").map(|(_, id)| id)
}

#[cfg(test)]
mod tests;
