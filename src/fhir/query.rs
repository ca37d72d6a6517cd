//! The queries that a service allows, as types. What the catalogue does not name is refused here, before the HIS is asked:
//! a filter that is silently dropped shows more than was asked for.

use jiff::civil::Date;

use crate::form::{self, FormError};
use crate::services::{AllowedSearch, Floor, Parameter, Service, Values};

/// A search that the service allows.
#[derive(Debug)]
pub struct SearchShape<'a> {
    /// The entry of the catalogue.
    pub search: &'a AllowedSearch,
    /// What the client asked, decoded, in its order; for the self link.
    pub asked: Vec<(String, String)>,
    /// What is asked of the HIS, without the patient.
    pub upstream: Vec<(String, String)>,
}

/// Why a request is outside the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The path names no resource type that the service has.
    #[error("this service has no such resource type")]
    UnknownType,
    /// The service searches by type only: no read by id, no history, no operation, on a type or on the whole.
    #[error("this service offers searches by type and nothing else")]
    OnlySearch,
    /// The path is empty, or has characters that no resource type has.
    #[error("the path is no FHIR interaction")]
    BadPath,
    /// Percent-encoding that is broken or not UTF-8.
    #[error("the query is not properly encoded")]
    BadEncoding,
    /// A parameter that the search does not have.
    #[error("a search parameter is not allowed on this search")]
    UnknownParameter,
    /// A parameter that occurs more often than it may.
    #[error("a search parameter stands twice")]
    Repeated,
    /// A value outside the closed set, or no date.
    #[error("the value of a search parameter is not allowed")]
    BadValue,
    /// A required parameter is missing.
    #[error("a required search parameter is missing")]
    MissingParameter,
    /// The client asks for a format that we do not write.
    #[error("only application/fhir+json can be served")]
    UnservableFormat,
}

impl From<FormError> for QueryError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Encoding => Self::BadEncoding,
            FormError::TooMany => Self::UnknownParameter,
        }
    }
}

/// The dates that floors stand for on the day of the request.
#[derive(Debug, Clone, Copy)]
pub struct Floors {
    /// Today, Dutch time.
    pub today: Date,
    /// The first day of the period over which results are shown.
    pub results: Date,
}

impl Floors {
    const fn date(self, floor: Floor) -> Date {
        match floor {
            Floor::Today => self.today,
            Floor::Results => self.results,
        }
    }
}

/// Parses path (relative to the base, no leading slash) and query into a search of this service.
///
/// # Errors
/// A [`QueryError`] that says which part is outside the service.
pub fn parse_search<'a>(
    service: &'a Service,
    path: &str,
    query: Option<&str>,
    floors: Floors,
) -> Result<SearchShape<'a>, QueryError> {
    let search = find_search(service, path)?;
    let asked = form::decode_pairs(query.unwrap_or_default())?;
    let mut upstream = Vec::with_capacity(asked.len() + 1);
    for (name, value) in &asked {
        if name == "_format" {
            check_format(value)?;
        } else {
            let parameter = search.parameter(name).ok_or(QueryError::UnknownParameter)?;
            upstream.push((name.clone(), admit(parameter, value, floors)?));
        }
    }
    refuse_repeats(search, &upstream)?;
    complete(search, &mut upstream, floors)?;
    Ok(SearchShape { search, asked, upstream })
}

fn find_search<'a>(service: &'a Service, path: &str) -> Result<&'a AllowedSearch, QueryError> {
    let (resource, rest) = path.split_once('/').map_or((path, None), |(resource, rest)| (resource, Some(rest)));
    if is_system_interaction(resource) {
        return Err(QueryError::OnlySearch);
    }
    if resource.is_empty() || !resource.bytes().all(|c| c.is_ascii_alphabetic()) {
        return Err(QueryError::BadPath);
    }
    let search = service.searches_of(resource).next().ok_or(QueryError::UnknownType)?;
    match rest {
        None => Ok(search),
        // A bare `$` is no operation name (PDF/A qualification script 1-3 wants 400).
        Some("$" | "") => Err(QueryError::BadPath),
        Some(_) => Err(QueryError::OnlySearch),
    }
}

/// An operation, a search or the history over all types (FHIR STU3 http.html, 2.21.0); a bare `$` is none.
fn is_system_interaction(segment: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    segment.strip_prefix('$').is_some_and(is_name) || matches!(segment, "_history" | "_search")
}

fn admit(parameter: &Parameter, value: &str, floors: Floors) -> Result<String, QueryError> {
    match &parameter.values {
        Values::OneOf(allowed) => allowed.iter().find(|known| *known == value).cloned().ok_or(QueryError::BadValue),
        Values::AnyOf(allowed) if value.split(',').all(|one| allowed.iter().any(|known| known == one)) => {
            Ok(value.to_owned())
        }
        Values::AnyOf(_) => Err(QueryError::BadValue),
        Values::Date { prefixes, floor } => admit_date(value, prefixes, floor.map(|floor| floors.date(floor))),
    }
}

fn admit_date(value: &str, prefixes: &[String], floor: Option<Date>) -> Result<String, QueryError> {
    let (prefix, date) = value.split_at_checked(2).ok_or(QueryError::BadValue)?;
    if !prefixes.iter().any(|known| known == prefix) {
        return Err(QueryError::BadValue);
    }
    let date = parse_day(date).ok_or(QueryError::BadValue)?;
    let bound = if prefix.starts_with('g') { floor.map_or(date, |floor| date.max(floor)) } else { date };
    Ok(format!("{prefix}{bound}"))
}

/// A FHIR date of day precision, or the day of a dateTime with time zone.
fn parse_day(text: &str) -> Option<Date> {
    if !text.is_ascii() {
        return None;
    }
    match text.split_at_checked(10) {
        Some((day, "")) => strict_day(day),
        // A plus sign in a query arrives as a space.
        Some((day, time)) => {
            format!("{day}{}", time.replace(' ', "+")).parse::<jiff::Timestamp>().ok().and_then(|_| strict_day(day))
        }
        None => None,
    }
}

fn strict_day(text: &str) -> Option<Date> {
    text.bytes().next().filter(u8::is_ascii_digit)?;
    text.parse().ok()
}

fn refuse_repeats(search: &AllowedSearch, upstream: &[(String, String)]) -> Result<(), QueryError> {
    for (position, (name, value)) in upstream.iter().enumerate() {
        let earlier = upstream.iter().take(position);
        let clashes = |(other, held): &(String, String)| other == name && !may_stand_beside(search, name, held, value);
        if earlier.clone().any(clashes) {
            return Err(QueryError::Repeated);
        }
    }
    Ok(())
}

/// Different includes, and a lower beside an upper date bound, may be combined.
fn may_stand_beside(search: &AllowedSearch, name: &str, held: &str, value: &str) -> bool {
    match search.parameter(name).map(|parameter| &parameter.values) {
        Some(Values::Date { .. }) => held.get(..2) != value.get(..2),
        Some(Values::OneOf(_) | Values::AnyOf(_)) => name == "_include" && held != value,
        None => false,
    }
}

fn complete(search: &AllowedSearch, upstream: &mut Vec<(String, String)>, floors: Floors) -> Result<(), QueryError> {
    for parameter in &search.parameters {
        let lower = |(name, value): &(String, String)| *name == parameter.name && value.starts_with('g');
        match &parameter.values {
            Values::Date { floor: Some(floor), .. } if !upstream.iter().any(lower) => {
                upstream.push((parameter.name.clone(), format!("ge{}", floors.date(*floor))));
            }
            Values::Date { .. } | Values::OneOf(_) | Values::AnyOf(_)
                if parameter.required && !upstream.iter().any(|(name, _)| *name == parameter.name) =>
            {
                return Err(QueryError::MissingParameter);
            }
            Values::Date { .. } | Values::OneOf(_) | Values::AnyOf(_) => {}
        }
    }
    Ok(())
}

fn check_format(value: &str) -> Result<(), QueryError> {
    match value.replace(' ', "+").as_str() {
        "json" | "application/json" | "application/fhir+json" => Ok(()),
        _ => Err(QueryError::UnservableFormat),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Catalogue;
    use jiff::civil::date;
    use proptest::prelude::*;

    const FLOORS: Floors = Floors { today: date(2026, 11, 21), results: date(2025, 9, 21) };

    fn upstream(request: &str) -> Result<String, QueryError> {
        let catalogue = Catalogue::shipped();
        let (path, query) = request.split_once('?').map_or((request, None), |(path, query)| (path, Some(query)));
        parse_search(catalogue.service("49").unwrap(), path, query, FLOORS)
            .map(|shape| shape.upstream.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&"))
    }

    #[test]
    fn the_seven_searches_are_allowed() {
        let nhg45 = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
        for (request, sent) in [
            ("Patient?_include=Patient:general-practitioner", "_include=Patient:general-practitioner".to_owned()),
            ("EpisodeOfCare", String::new()),
            (
                "MedicationRequest?periodofuse=ge2026-11-21&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication",
                "periodofuse=ge2026-11-21&category=http://snomed.info/sct|16076005&_include=MedicationRequest:medication".to_owned(),
            ),
            ("AllergyIntolerance?category=medication", "category=medication".to_owned()),
            (
                &format!("Observation?code={nhg45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21"),
                format!("code={nhg45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21"),
            ),
            ("Composition?type=http://loinc.org|67781-5", "type=http://loinc.org|67781-5".to_owned()),
            ("Encounter", String::new()),
        ] {
            assert_eq!(upstream(request), Ok(sent), "{request}");
        }
    }

    #[test]
    fn lower_bounds_are_never_before_their_floor() {
        let medication = "MedicationRequest?category=http://snomed.info/sct|16076005";
        assert!(
            upstream(&format!("{medication}&periodofuse=ge2001-01-01")).unwrap().contains("periodofuse=ge2026-11-21")
        );
        assert!(upstream(medication).unwrap().ends_with("periodofuse=ge2026-11-21"));
        let results =
            "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|";
        assert!(upstream(results).unwrap().ends_with("date=ge2025-09-21"));
        assert!(
            upstream(&format!("{results}&date=le2026-01-01")).unwrap().ends_with("date=le2026-01-01&date=ge2025-09-21")
        );
        assert!(
            upstream(&format!("{results}&date=ge2026-01-01T10:00:00+01:00")).unwrap().ends_with("date=ge2026-01-01")
        );
    }

    #[test]
    fn everything_outside_the_shape_is_refused() {
        for (request, error) in [
            ("", QueryError::BadPath),
            ("Encounter/", QueryError::BadPath),
            ("Encounter/$", QueryError::BadPath),
            ("%45ncounter", QueryError::BadPath),
            ("..", QueryError::BadPath),
            ("Flag", QueryError::UnknownType),
            ("Binary/1", QueryError::UnknownType),
            ("encounter", QueryError::UnknownType),
            ("Encounter/1", QueryError::OnlySearch),
            ("Patient/$everything", QueryError::OnlySearch),
            ("$export", QueryError::OnlySearch),
            ("_history", QueryError::OnlySearch),
            ("$", QueryError::BadPath),
            ("$a%00", QueryError::BadPath),
            ("_other", QueryError::BadPath),
            ("Observation/_history", QueryError::OnlySearch),
            ("Encounter?patient=Patient/2", QueryError::UnknownParameter),
            ("Encounter?subject:Patient.identifier=x", QueryError::UnknownParameter),
            ("Encounter?_has:Observation:patient:code=1", QueryError::UnknownParameter),
            ("Encounter?_summary=count", QueryError::UnknownParameter),
            ("Patient?_include=*", QueryError::BadValue),
            ("Patient?_include:iterate=Patient:general-practitioner", QueryError::UnknownParameter),
            ("AllergyIntolerance", QueryError::MissingParameter),
            ("AllergyIntolerance?category=medication,food", QueryError::BadValue),
            ("AllergyIntolerance?category=medication&category=medication", QueryError::Repeated),
            ("Composition?type=67781-5", QueryError::BadValue),
            ("Encounter?_format=xml", QueryError::UnservableFormat),
            ("Encounter?a=%zz", QueryError::BadEncoding),
            ("Encounter?a=%ff", QueryError::BadEncoding),
            ("Encounter?a=%00", QueryError::BadEncoding),
        ] {
            assert_eq!(upstream(request), Err(error), "{request}");
        }
        let medication = "MedicationRequest?category=http://snomed.info/sct|16076005&periodofuse=";
        for value in [
            "2026-01-01",
            "lt2026-01-01",
            "ge2026",
            "ge2026-02-30",
            "ge",
            "ge2026-01-01Tx",
            "gé2026-01-01",
            "ge-02026-1-1",
        ] {
            assert_eq!(upstream(&format!("{medication}{value}")), Err(QueryError::BadValue), "{value}");
        }
    }

    #[test]
    fn format_may_be_asked_for_in_either_way() {
        for value in ["json", "application/fhir+json", "application%2Ffhir%2Bjson"] {
            assert_eq!(upstream(&format!("Encounter?_format={value}")), Ok(String::new()));
        }
    }

    proptest! {
        #[test]
        fn no_request_panics(path in "\\PC{0,30}", query in "\\PC{0,80}") {
            let _ = upstream(&format!("{path}?{query}"));
        }
    }
}
