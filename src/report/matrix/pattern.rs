//! Which request of the catalogue a request of the log is, and which of them belong to a complete record.

use smol_str::SmolStr;

use crate::form::decode_pairs;
use crate::services::{AllowedSearch, Parameter, Service, Values};

/// Most parts of a service that are told apart.
pub const PARTS_MAX: usize = 64;

/// A request of the catalogue: its name, and the part of the record that it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Path and first required parameter: `Observation?code=…`.
    pub name: SmolStr,
    /// Its part, as a place in [`parts`]; `None` for what is no part of the record by itself.
    pub part: Option<usize>,
}

/// The parts of a complete record: one for each search, save that searches with the same `part` give the same. What is shared is
/// one part.
#[must_use]
pub fn parts(service: &Service) -> Vec<SmolStr> {
    if service.searches.is_empty() {
        return vec![SmolStr::new_static(SHARED)];
    }
    let mut parts = Vec::new();
    for part in service.searches.iter().map(part_of) {
        if !parts.contains(&part) && parts.len() < PARTS_MAX {
            parts.push(part);
        }
    }
    parts
}

/// What stands for all that a person shares.
const SHARED: &str = "shared";
/// How the query of a record of something shared begins.
const CREATE: &str = "create ";

fn part_of(search: &AllowedSearch) -> SmolStr {
    search.part.as_deref().map_or_else(|| name(search), SmolStr::new)
}

/// The request of `service` that a `query` of the log is. One that the catalogue does not have any more is its path.
#[must_use]
pub fn pattern(service: &Service, query: &str) -> Pattern {
    if let Some(resource) = query.strip_prefix(CREATE) {
        return Pattern { name: known_type(service, resource, "create"), part: Some(0) };
    }
    let (path, pairs) = query.split_once('?').unwrap_or((query, ""));
    let pairs = decode_pairs(pairs).unwrap_or_default();
    if let Some(search) = service.searches.iter().find(|search| path == path_of(search) && fits(search, &pairs)) {
        let part = part_of(search);
        return Pattern { name: name(search), part: parts(service).iter().position(|one| *one == part) };
    }
    // An id behind the type is not kept: a document has a name of its own in each record.
    let resource = path.split('/').next().unwrap_or_default();
    Pattern { name: known_type(service, resource, "other"), part: None }
}

fn known_type(service: &Service, resource: &str, other: &'static str) -> SmolStr {
    if service.has_type(resource) { SmolStr::new(resource) } else { SmolStr::new_static(other) }
}

/// Where a request stands in the catalogue, for the order in which they are shown.
#[must_use]
pub fn place(service: &Service, pattern: &str) -> usize {
    service.searches.iter().position(|search| name(search) == pattern).unwrap_or(service.searches.len())
}

fn name(search: &AllowedSearch) -> SmolStr {
    let path = path_of(search);
    let required = search.parameters.iter().find(|parameter| parameter.required);
    let Some((parameter, value)) = required.and_then(|one| Some((one, first_value(one)?))) else { return path.into() };
    format!("{path}?{}={value}", parameter.name).into()
}

fn first_value(parameter: &Parameter) -> Option<&str> {
    match &parameter.values {
        Values::OneOf(allowed) | Values::AnyOf(allowed) => allowed.first().map(String::as_str),
        Values::Date { .. } | Values::Count { .. } => None,
    }
}

fn path_of(search: &AllowedSearch) -> String {
    match search.operation {
        None => search.resource.clone(),
        Some(operation) => format!("{}/{}", search.resource, operation.as_str()),
    }
}

/// Whether the required parameters stand there, with values that this search allows.
fn fits(search: &AllowedSearch, pairs: &[(String, String)]) -> bool {
    search.parameters.iter().filter(|parameter| parameter.required).all(|parameter| {
        let values = pairs.iter().filter(|(name, _)| *name == parameter.name);
        let mut values = values.map(|(_, value)| allows(&parameter.values, value)).peekable();
        values.peek().is_some() && values.all(|allowed| allowed)
    })
}

fn allows(values: &Values, value: &str) -> bool {
    let is_one = |value: &str, allowed: &[String]| {
        allowed.iter().any(|one| one == value || (one.ends_with('|') && value.starts_with(one.as_str())))
    };
    match values {
        Values::OneOf(allowed) => is_one(value, allowed),
        Values::AnyOf(allowed) => value.split(',').all(|value| is_one(value, allowed)),
        Values::Date { .. } | Values::Count { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Catalogue;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn service(id: &str) -> Service {
        Catalogue::shipped().service(id).unwrap().clone()
    }

    fn named(service: &Service, query: &str) -> (String, Option<usize>) {
        let Pattern { name, part } = pattern(service, query);
        (name.to_string(), part)
    }

    #[test]
    fn requests_of_one_search_have_one_name_whatever_their_dates() {
        let gp = service("49");
        let observation =
            "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|";
        for query in [
            "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen%7C&date=ge2025-09-22",
            "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|1920&_include=x",
        ] {
            assert_eq!(named(&gp, query), (observation.to_owned(), Some(4)), "{query}");
        }
        assert_eq!(named(&gp, "EpisodeOfCare"), ("EpisodeOfCare".to_owned(), Some(1)));
        assert_eq!(named(&gp, "Observation?code=other|1"), ("Observation".to_owned(), None));
    }

    #[test]
    fn a_document_and_what_is_no_type_of_the_service_have_no_part() {
        let documents = service("51");
        assert_eq!(named(&documents, "Binary/4f1d"), ("Binary".to_owned(), None));
        assert_eq!(named(&documents, "999911132"), ("other".to_owned(), None));
        assert_eq!(parts(&documents).len(), 1, "either list of documents is enough");
        assert_eq!(named(&documents, "DocumentManifest?status=current").1, Some(0));
        assert_eq!(parts(&service("52")).len(), 1, "there are four ways to ask for the same measurements");
    }

    #[test]
    fn what_is_shared_is_one_part() {
        let sharing = service("53");
        assert_eq!(named(&sharing, "create Observation"), ("Observation".to_owned(), Some(0)));
        assert_eq!(named(&sharing, "create Condition"), ("create".to_owned(), Some(0)));
        assert_eq!(parts(&sharing).len(), 1);
    }

    #[test]
    fn every_search_of_the_catalogue_has_a_name_of_its_own_in_its_service() {
        for service in Catalogue::shipped().iter() {
            let names: BTreeSet<_> = service.searches.iter().map(name).collect();
            assert_eq!(names.len(), service.searches.len(), "{}", service.id);
            assert!(!parts(service).is_empty() && parts(service).len() < PARTS_MAX);
            for search in &service.searches {
                let asked = name(search);
                assert!(place(service, &asked) < service.searches.len(), "{asked}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_query_gives_a_name_from_outside_the_catalogue(query: String) {
            let gp = service("49");
            let Pattern { name: found, part } = pattern(&gp, &query);
            let known: BTreeSet<_> = gp.searches.iter().map(name).collect();
            prop_assert!(known.contains(&found) || gp.has_type(&found) || found == "other" || found == "create");
            prop_assert!(part.is_none_or(|part| part < parts(&gp).len()));
        }
    }
}
