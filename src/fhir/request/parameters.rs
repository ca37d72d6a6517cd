//! The parameters of a request against those of the catalogue.

use std::collections::HashSet;

use super::date::{self, Direction};
use super::error::RequestError;
use super::{Floors, PageShape, SearchShape};
use crate::fhir::cursor::{LONGEST_CURSOR, PAGE_PARAMETER as PAGE};
use crate::services::{AllowedSearch, Operation, Parameter, Service, Values};

type Pairs = Vec<(String, String)>;

pub(super) const FORMAT: &str = "_format";

/// The first search of this type that these parameters fit.
pub(super) fn search<'a>(
    service: &'a Service,
    resource: &str,
    operation: Option<Operation>,
    asked: Pairs,
    floors: Floors,
) -> Result<SearchShape<'a>, RequestError> {
    let mut closest = RequestError::NotOffered;
    for search in service.searches_of(resource).filter(|search| search.operation == operation) {
        match upstream(search, &asked, floors) {
            Ok(upstream) => return Ok(SearchShape { search, asked, upstream }),
            Err(error) if error.distance() > closest.distance() => closest = error,
            Err(_) => {}
        }
    }
    Err(closest)
}

/// What this search asks of the HIS for these parameters.
fn upstream(search: &AllowedSearch, asked: &Pairs, floors: Floors) -> Result<Pairs, RequestError> {
    let mut upstream = Vec::with_capacity(asked.len() + 1);
    let asked = asked.iter().filter(|(name, _)| name != FORMAT);
    let known = |(name, value)| search.parameter(name).map(|parameter| (parameter, value));
    let asked: Vec<(_, &String)> = asked
        .map(|(name, value)| known((name, value)).ok_or(RequestError::UnknownParameter))
        .collect::<Result<_, _>>()?;
    if search.parameters.iter().any(|needed| needed.required && asked.iter().all(|(found, _)| *found != needed)) {
        return Err(RequestError::MissingParameter);
    }
    for (parameter, value) in asked {
        let admitted = admit(parameter, value, floors)?;
        may_stand_beside(parameter, &upstream, &admitted)?;
        upstream.push((parameter.name.clone(), admitted));
    }
    add_floors(search, &mut upstream, floors);
    Ok(upstream)
}

fn admit(parameter: &Parameter, value: &str, floors: Floors) -> Result<String, RequestError> {
    let known = |allowed: &[String], one: &str| allowed.iter().any(|known| known == one);
    match &parameter.values {
        Values::OneOf(allowed) if known(allowed, value) => Ok(value.to_owned()),
        Values::AnyOf(allowed) if value.split(',').all(|one| known(allowed, one)) => each_once(value),
        Values::OneOf(_) | Values::AnyOf(_) => Err(RequestError::BadValue),
        Values::Date { prefixes, floor } => {
            date::admit(value, prefixes, floor.map(|floor| floors.date(floor))).ok_or(RequestError::BadValue)
        }
        Values::Count { most } => {
            let wanted = value.parse::<u32>().ok().filter(|wanted| *wanted > 0 && value.len() <= 9);
            Ok(wanted.ok_or(RequestError::BadValue)?.min(u32::from(*most)).to_string())
        }
    }
}

/// A list that says the same over and over asks nothing more, and would make an address that no HIS takes.
fn each_once(list: &str) -> Result<String, RequestError> {
    let mut seen = HashSet::new();
    if list.split(',').all(|one| seen.insert(one)) { Ok(list.to_owned()) } else { Err(RequestError::Repeated) }
}

/// Different includes add up, a lower bound goes with an upper one, and the catalogue says what else may be repeated: all
/// values of a parameter must hold (FHIR STU3 search.html, 3.1.1.4.14).
fn may_stand_beside(parameter: &Parameter, upstream: &Pairs, value: &str) -> Result<(), RequestError> {
    let mut held = upstream.iter().filter(|(name, _)| *name == parameter.name).map(|(_, held)| held.as_str());
    let fits = match parameter.values {
        Values::Date { .. } => held.all(|held| Direction::of(held).goes_with(Direction::of(value))),
        Values::OneOf(_) | Values::AnyOf(_) if parameter.repeats || parameter.name == "_include" => {
            held.all(|held| held != value)
        }
        Values::OneOf(_) | Values::AnyOf(_) | Values::Count { .. } => held.next().is_none(),
    };
    if fits { Ok(()) } else { Err(RequestError::Repeated) }
}

/// Without a lower bound of ours the HIS would answer with everything.
fn add_floors(search: &AllowedSearch, upstream: &mut Pairs, floors: Floors) {
    for parameter in &search.parameters {
        let Values::Date { floor: Some(floor), .. } = parameter.values else { continue };
        let is_lower =
            |(name, value): &(String, String)| *name == parameter.name && Direction::of(value) == Direction::Lower;
        if !upstream.iter().any(is_lower) {
            upstream.push((parameter.name.clone(), format!("ge{}", floors.date(floor))));
        }
    }
}

/// The page that is asked for; `None` when the parameters are those of a search.
pub(super) fn page<'a>(
    service: &'a Service,
    resource: &str,
    pairs: &Pairs,
) -> Result<Option<PageShape<'a>>, RequestError> {
    let mut pages = pairs.iter().filter(|(name, _)| name == PAGE);
    let Some((_, token)) = pages.next() else { return Ok(None) };
    if pages.next().is_some() {
        return Err(RequestError::Repeated);
    }
    if pairs.iter().any(|(name, _)| name != PAGE && name != FORMAT) {
        return Err(RequestError::UnknownParameter);
    }
    let is_token = (1..=LONGEST_CURSOR).contains(&token.len())
        && token.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'~'));
    let search = service.searches_of(resource).next().ok_or(RequestError::UnknownType)?;
    let page = PageShape { resource: &search.resource, token: token.clone(), asked: pairs.clone() };
    if is_token { Ok(Some(page)) } else { Err(RequestError::BadValue) }
}

/// Where no search is, only the format may be asked.
pub(super) fn only_format(pairs: &Pairs) -> Result<(), RequestError> {
    let known = pairs.iter().all(|(name, _)| name == FORMAT);
    if known { Ok(()) } else { Err(RequestError::UnknownParameter) }
}
