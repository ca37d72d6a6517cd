//! The catalogue as it is written. Each fault is found while its table is read, so that the parser can say where it is.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{
    AllowedRead, AllowedSearch, AllowedSubmission, Audience, CatalogueError, Floor, Parameter, Purpose, Service,
    Source, Values,
};
use crate::medmij::{FhirVersion, ServiceId, SystemRole};

/// All services of a document.
pub(super) fn services(text: &str) -> Result<Vec<Service>, CatalogueError> {
    let services = toml::from_str::<CatalogueAsWritten>(text)?.service;
    let mut seen = HashSet::new();
    let double = services.iter().find(|service| !seen.insert(service.get_ref().id.clone()));
    if let Some(double) = double {
        return Err(CatalogueError::Twice { id: double.get_ref().id.to_string(), at: double.span().start });
    }
    Ok(services.into_iter().map(Spanned::into_inner).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueAsWritten {
    service: Vec<Spanned<Service>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceAsWritten {
    id: String,
    name: String,
    roles: Vec<String>,
    fhir: String,
    purpose: Purpose,
    #[serde(default)]
    audience: Audience,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    instantiates: Vec<String>,
    #[serde(default)]
    search: Vec<AllowedSearch>,
    #[serde(default)]
    read: Vec<AllowedRead>,
    submission: Option<AllowedSubmission>,
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let written = ServiceAsWritten::deserialize(deserializer)?;
        coherent(&written).map_err(D::Error::custom)?;
        let roles = written.roles.iter().map(|role| SystemRole::parse(role)).collect::<Result<_, _>>();
        Ok(Self {
            id: ServiceId::parse(&written.id).map_err(D::Error::custom)?,
            name: written.name,
            roles: roles.map_err(D::Error::custom)?,
            fhir: FhirVersion::parse(&written.fhir).map_err(D::Error::custom)?,
            purpose: written.purpose,
            audience: written.audience,
            source: written.source,
            instantiates: written.instantiates,
            searches: written.search,
            reads: written.read,
            submission: written.submission,
        })
    }
}

/// What makes a service impossible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Incoherent {
    #[error("{0:?} is no name of a resource type")]
    NoType(String),
    #[error("two searches of {0} are the same")]
    SameSearch(String),
    #[error("the parameter {0} stands twice in one search")]
    SameParameter(String),
    #[error("no search of this service finds a {0}, so it lists nothing")]
    ListedByNothing(String),
    #[error("a service that collects allows a search, and one that shares a submission")]
    Nothing,
    #[error("a service for everyone goes one way: what collects takes nothing in, and what shares gives nothing out")]
    BothWays,
    #[error("a service from the access log is in R4, for portals only, and searches AuditEvent and nothing else")]
    NotTheLog,
    #[error("a submission has at least one entry, and an entry no more at least than at most")]
    EmptySubmission,
}

fn coherent(service: &ServiceAsWritten) -> Result<(), Incoherent> {
    let sent = service.submission.iter().flat_map(|submission| &submission.entries);
    let searched = service.search.iter().map(|search| &search.resource);
    let read = service.read.iter().map(|read| &read.resource);
    for resource in searched.chain(read).chain(sent.map(|entry| &entry.resource)) {
        ensure(is_type(resource), || Incoherent::NoType(resource.clone()))?;
    }
    searches_differ(&service.search)?;
    for AllowedRead { listed_by, .. } in &service.read {
        let listed = service.search.iter().any(|search| search.resource == *listed_by);
        ensure(listed, || Incoherent::ListedByNothing(listed_by.clone()))?;
    }
    let serves = match service.purpose {
        Purpose::Collect => !service.search.is_empty(),
        Purpose::Share => service.submission.is_some(),
    };
    ensure(serves, || Incoherent::Nothing)?;
    service.submission.iter().try_for_each(submission_is_possible)?;
    ensure(goes_one_way(service), || Incoherent::BothWays)?;
    ensure(service.source == Source::His || is_of_the_log(service), || Incoherent::NotTheLog)
}

/// It is none of MedMij, as records in the log are about apps as well. They are AuditEvents of R4 whatever the record is in.
fn is_of_the_log(service: &ServiceAsWritten) -> bool {
    service.audience == Audience::PortalOnly
        && service.fhir == FhirVersion::R4.as_str()
        && service.read.is_empty()
        && service.submission.is_none()
        && service.search.iter().all(|search| search.resource == "AuditEvent" && search.operation.is_none())
}

/// A person consents to one direction, and the token of that consent is good for all that the service allows. Those of portals
/// only are none of MedMij, and may do both.
fn goes_one_way(service: &ServiceAsWritten) -> bool {
    let is_mixed = match service.purpose {
        Purpose::Collect => service.submission.is_some(),
        Purpose::Share => !service.search.is_empty() || !service.read.is_empty(),
    };
    !is_mixed || service.audience == Audience::PortalOnly
}

fn searches_differ(searches: &[AllowedSearch]) -> Result<(), Incoherent> {
    for (position, search) in searches.iter().enumerate() {
        let same = |other: &AllowedSearch| {
            other.resource == search.resource
                && other.operation == search.operation
                && other.parameters == search.parameters
        };
        let earlier = searches.iter().take(position).any(same);
        ensure(!earlier, || Incoherent::SameSearch(search.resource.clone()))?;
        let mut names = HashSet::new();
        if let Some(double) = search.parameters.iter().find(|parameter| !names.insert(&parameter.name)) {
            return Err(Incoherent::SameParameter(double.name.clone()));
        }
    }
    Ok(())
}

fn submission_is_possible(submission: &AllowedSubmission) -> Result<(), Incoherent> {
    let possible = |entry: &super::AllowedEntry| entry.at_most.is_none_or(|most| most >= entry.at_least.max(1));
    let holds = !submission.entries.is_empty() && submission.max_entries > 0 && submission.entries.iter().all(possible);
    ensure(holds, || Incoherent::EmptySubmission)
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|c| c.is_ascii_alphabetic())
}

fn ensure(holds: bool, fault: impl FnOnce() -> Incoherent) -> Result<(), Incoherent> {
    if holds { Ok(()) } else { Err(fault()) }
}

/// A parameter as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterAsWritten {
    name: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    repeats: bool,
    one_of: Option<Vec<String>>,
    any_of: Option<Vec<String>>,
    date: Option<Vec<String>>,
    count: Option<u16>,
    not_before: Option<Floor>,
    definition: Option<String>,
}

/// What makes a parameter impossible.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum BadParameter {
    #[error("a parameter has one of one_of, any_of, date and count; not_before goes with date")]
    NeitherOrBoth,
    #[error("a parameter allows at least one value, and a value of any_of has no comma")]
    NoValue,
    #[error("a count is at least 1")]
    NoCount,
    #[error("a prefix of a date is one of eq, ge, gt, le and lt")]
    NoPrefix,
}

impl TryFrom<ParameterAsWritten> for Parameter {
    type Error = BadParameter;

    fn try_from(written: ParameterAsWritten) -> Result<Self, BadParameter> {
        let values = match (written.one_of, written.any_of, written.date, written.count, written.not_before) {
            (Some(values), None, None, None, None) => Values::OneOf(values),
            (None, Some(values), None, None, None) => Values::AnyOf(values),
            (None, None, Some(prefixes), None, floor) => Values::Date { prefixes, floor },
            (None, None, None, Some(most), None) => Values::Count { most },
            _ => return Err(BadParameter::NeitherOrBoth),
        };
        fits(&values)?;
        let ParameterAsWritten { name, required, repeats, definition, .. } = written;
        Ok(Self { name, required, repeats, values, definition })
    }
}

fn fits(values: &Values) -> Result<(), BadParameter> {
    let (list, fault) = match values {
        Values::OneOf(values) | Values::AnyOf(values) => (values, BadParameter::NoValue),
        Values::Date { prefixes, .. } => (prefixes, BadParameter::NoPrefix),
        Values::Count { most: 0 } => return Err(BadParameter::NoCount),
        Values::Count { .. } => return Ok(()),
    };
    let fits = |value: &String| match values {
        Values::OneOf(_) => !value.is_empty(),
        Values::AnyOf(_) => !value.is_empty() && !value.contains(','),
        Values::Date { .. } => ["eq", "ge", "gt", "le", "lt"].contains(&value.as_str()),
        Values::Count { .. } => true,
    };
    if !list.is_empty() && list.iter().all(fits) { Ok(()) } else { Err(fault) }
}
